"""The kinds of charts that dashboards are made of, as Superset is told of them: its settings, and the query behind.

Here: a function for each kind, which gives a `Chart`. Not here: which charts there are (``fleet_health``,
``cost_and_waste``), and what their metrics are (``datasets``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bi.superset.datasets import DATASETS, SHARE, Dataset

DAY, WEEK, MONTH = "P1D", "P1W", "P1M"
SMART = "SMART_NUMBER"
ROWS = 10_000
SERIES = 10  # of a stack: what has less is "Others", so that colours can be told apart


@dataclass(frozen=True)
class Chart:
    """A chart: the question that it answers, the query for it, Superset's settings, and the size of its place."""

    name: str
    question: str
    kind: str
    dataset: Dataset
    columns: list[str]
    metrics: list[str]
    settings: dict[str, Any]
    time_grain: str | None = None  # of the first column
    order_by: tuple[str, bool] | None = None  # a metric or a column, and whether ascending
    where: str | None = None
    rows: int = ROWS
    query: dict[str, Any] = field(default_factory=dict)  # what else there is to the query
    width: int = 6  # of the grid's 12 columns
    height: int = 42  # of the grid's units, 8 pixels each

    def sized(self, width: int, height: int) -> Chart:
        """The same chart in a place of another size."""
        return replace(self, width=width, height=height)


def number(name: str, question: str, dataset: str, metric: str) -> Chart:
    """One figure, large."""
    settings = {"metric": metric, "header_font_size": 0.5}
    return Chart(name, question, "big_number_total", DATASETS[dataset], [], [metric], settings, width=2, height=17)


def lines(name: str, question: str, dataset: str, grain: str, metrics: list[str]) -> Chart:
    """A line over time for each metric."""
    return _over_time(
        "echarts_timeseries_line", name, question, dataset, grain, metrics, {"markerEnabled": grain == MONTH}
    )


def stacked(name: str, question: str, dataset: str, grain: str, metrics: list[str]) -> Chart:
    """Bars over time, of metrics that add up."""
    return _over_time("echarts_timeseries_bar", name, question, dataset, grain, metrics, {"stack": "Stack"})


def stacked_by(
    column: str, name: str, question: str, dataset: str, grain: str, metric: str, where: str | None = None
) -> Chart:
    """Bars over time, of a metric for each value of a column."""
    limit = {
        "limit": SERIES,
        "timeseries_limit_metric": metric,
        "group_others_when_limit_reached": True,
    }
    settings = {"groupby": [column], "stack": "Stack", "sort_series_type": "sum", **limit}
    chart = _over_time("echarts_timeseries_bar", name, question, dataset, grain, [metric], settings)
    query = {
        "series_columns": [column],
        "series_limit": SERIES,
        "series_limit_metric": metric,
        "group_others_when_limit_reached": True,
    }
    return replace(chart, columns=[*chart.columns, column], where=where, query=query)


def bars(name: str, question: str, dataset: str, column: str, metric: str) -> Chart:
    """A bar for each value of a column, the longest on top."""
    settings = {
        **_axes([metric], _format(DATASETS[dataset], metric)),
        "x_axis": column,
        "orientation": "horizontal",
        "x_axis_sort": metric,
        "x_axis_sort_asc": True,  # from the bottom up
        "show_legend": False,
        "show_value": True,
    }
    kind = "echarts_timeseries_bar"
    return Chart(name, question, kind, DATASETS[dataset], [column], [metric], settings, order_by=(metric, False))


def heatmap(name: str, question: str, dataset: str, x: str, y: str, metric: str) -> Chart:
    """A metric by two columns."""
    settings = {
        "x_axis": x,
        "groupby": y,
        "metric": metric,
        "normalize_across": "heatmap",
        "linear_color_scheme": "superset_seq_1",
        "sort_x_axis": "alpha_asc",
        "sort_y_axis": "alpha_desc",
        "xscale_interval": -1,
        "yscale_interval": -1,
        "left_margin": "auto",
        "bottom_margin": "auto",
        "show_legend": True,
        "y_axis_format": SMART,
        "value_bounds": [None, None],
    }
    return Chart(name, question, "heatmap_v2", DATASETS[dataset], [x, y], [metric], settings)


def table(
    name: str,
    question: str,
    dataset: str,
    columns: list[str],
    metrics: list[str],
    order_by: tuple[str, bool],
    where: str | None = None,
    grain: str | None = None,
) -> Chart:
    """A row for each group with its metrics; with a grain the first column is time."""
    settings = {
        **_table("aggregate"),
        "groupby": columns,
        "metrics": metrics,
        "timeseries_limit_metric": order_by[0] if order_by[0] in metrics else _newest(order_by[0]),
        "order_desc": not order_by[1],
        "time_grain_sqla": grain,
        "temporal_columns_lookup": {columns[0]: True} if grain else {},
        "table_timestamp_format": "%Y-%m" if grain == MONTH else "%Y-%m-%d %H:%M",
    }
    return Chart(
        name,
        question,
        "table",
        DATASETS[dataset],
        columns,
        metrics,
        settings,
        time_grain=grain,
        order_by=order_by,
        where=where,
    )


def rows(
    name: str,
    question: str,
    dataset: str,
    columns: list[str],
    order_by: tuple[str, bool],
    most: int = ROWS,
    formats: dict[str, str] | None = None,
) -> Chart:
    """The dataset's own rows."""
    column, ascending = order_by
    settings = {
        **_table("raw"),
        "all_columns": columns,
        "order_by_cols": [f'["{column}", {str(ascending).lower()}]'],
        "table_timestamp_format": "%Y-%m-%d %H:%M",
        "column_config": {name: {"d3NumberFormat": format_} for name, format_ in (formats or {}).items()},
    }
    return Chart(name, question, "table", DATASETS[dataset], columns, [], settings, order_by=order_by, rows=most)


def _over_time(
    kind: str, name: str, question: str, dataset: str, grain: str, metrics: list[str], more: dict[str, Any]
) -> Chart:
    of = DATASETS[dataset]
    months = {"x_axis_time_format": "%b %y", "tooltipTimeFormat": "%b %Y", "xAxisLabelRotation": 45}
    settings = {
        **_axes(metrics, _format(of, metrics[0])),
        "x_axis": of.time,
        "time_grain_sqla": grain,
        "x_axis_time_format": "smart_date",
        "tooltipTimeFormat": "%Y-%m-%d",
        **(months if grain == MONTH else {}),
        **more,
    }
    return Chart(name, question, kind, of, [of.time or ""], metrics, settings, time_grain=grain)


def _newest(column: str) -> dict[str, str]:
    """Of a column: groups are sorted by metrics only."""
    return {"expressionType": "SQL", "sqlExpression": f"max({column})", "label": f"newest {column}"}


def _axes(metrics: Sequence[str], y_format: str) -> dict[str, Any]:
    return {
        "metrics": list(metrics),
        "groupby": [],
        "y_axis_format": y_format,
        "y_axis_bounds": [None, None],
        "show_legend": True,
        "legendType": "scroll",
        "legendOrientation": "top",
        "rich_tooltip": True,
        "truncate_metric": True,
        "truncateXAxis": True,
    }


def _format(dataset: Dataset, metric: str) -> str:
    """That of an axis, where other numbers than shares are short."""
    return SHARE if dataset.metric(metric).format == SHARE else SMART


def _table(mode: str) -> dict[str, Any]:
    return {"query_mode": mode, "show_cell_bars": False, "color_pn": False}
