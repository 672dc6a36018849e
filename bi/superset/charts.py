"""The kinds of charts that dashboards are made of, as Superset is told of them: its settings, and the query behind.

Here: a function for each kind, which gives a `Chart`. Not here: which charts there are (``dashboards``), and what
their metrics are (``datasets``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

ROWS = 10_000

DAY, WEEK, MONTH = "P1D", "P1W", "P1M"


@dataclass(frozen=True)
class Chart:
    """A chart: the question it answers, its place's width in twelfths, and what Superset needs to draw it."""

    name: str
    question: str
    dataset: str
    kind: str
    metrics: tuple[str, ...]
    columns: tuple[str, ...] = ()
    time_grain: str | None = None  # of columns[0], which is the dataset's time then
    order_by: tuple[str, bool] | None = None  # a metric or column, and whether ascending
    where: str | None = None
    rows: int = ROWS
    width: int = 6
    height: int = 42  # in the grid's units, of 8 pixels
    settings: dict[str, Any] = field(default_factory=dict)

    def wide(self, width: int, height: int | None = None) -> Chart:
        """The same chart in a place of another size."""
        return replace(self, width=width, height=height or self.height)


def number(name: str, question: str, dataset: str, metric: str, where: str | None = None) -> Chart:
    """One figure, large."""
    settings = {"metric": metric, "header_font_size": 0.4, "subtitle": "", "time_format": "smart_date"}
    return Chart(
        name, question, dataset, "big_number_total", (metric,), where=where, width=2, height=16, settings=settings
    )


def lines(
    name: str, question: str, dataset: str, metrics: Sequence[str], time: str, grain: str, y_format: str
) -> Chart:
    """Metrics over time, a line each."""
    settings = {**_over_time(time, grain, metrics, y_format), "markerEnabled": grain == MONTH}
    return Chart(name, question, dataset, "echarts_timeseries_line", tuple(metrics), (time,), grain, settings=settings)


def stacked(
    name: str,
    question: str,
    dataset: str,
    metrics: Sequence[str],
    time: str,
    grain: str,
    by: str | None,
    y_format: str,
    where: str | None = None,
) -> Chart:
    """Bars over time, of parts that add up: one metric by a column's values, or several metrics."""
    settings = {
        **_over_time(time, grain, metrics, y_format),
        "groupby": [by] if by else [],
        "stack": "Stack",
        "sort_series_type": "sum",
        "sort_series_ascending": False,
    }
    columns = (time, by) if by else (time,)
    return Chart(
        name,
        question,
        dataset,
        "echarts_timeseries_bar",
        tuple(metrics),
        columns,
        grain,
        where=where,
        settings=settings,
    )


def bars(name: str, question: str, dataset: str, metric: str, of: str, y_format: str, by: str | None = None) -> Chart:
    """A bar for each value of a column, the longest on top; stacked by another column if one is given."""
    settings = {
        "x_axis": of,
        "groupby": [by] if by else [],
        "metrics": [metric],
        "orientation": "horizontal",
        "stack": "Stack" if by else None,
        "x_axis_sort": metric,
        "x_axis_sort_asc": True,  # from the bottom up
        "y_axis_format": y_format,
        "show_legend": bool(by),
        "legendType": "scroll",
        "legendOrientation": "top",
        "rich_tooltip": True,
        "show_value": not by,
        "truncate_metric": True,
    }
    columns = (of, by) if by else (of,)
    return Chart(
        name,
        question,
        dataset,
        "echarts_timeseries_bar",
        (metric,),
        columns,
        order_by=(metric, False),
        settings=settings,
    )


def heatmap(name: str, question: str, dataset: str, metric: str, x: str, y: str) -> Chart:
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
        "y_axis_format": "SMART_NUMBER",
        "value_bounds": [None, None],
    }
    return Chart(name, question, dataset, "heatmap_v2", (metric,), (x, y), settings=settings)


def table(
    name: str,
    question: str,
    dataset: str,
    columns: Sequence[str],
    metrics: Sequence[str],
    order_by: tuple[str, bool],
    where: str | None = None,
    rows: int = 100,
    grain: str | None = None,
    formats: dict[str, Any] | None = None,
) -> Chart:
    """Groups of rows with their metrics; without metrics the rows themselves."""
    settings: dict[str, Any] = {
        "query_mode": "aggregate" if metrics else "raw",
        "groupby": list(columns) if metrics else [],
        "all_columns": [] if metrics else list(columns),
        "metrics": list(metrics),
        "temporal_columns_lookup": {columns[0]: True} if grain else {},
        "server_page_length": 10,
        "order_desc": not order_by[1],
        "timeseries_limit_metric": order_by[0] if metrics else None,
        "order_by_cols": [] if metrics else [_as_json_pair(order_by)],
        "table_timestamp_format": "%Y-%m-%d" if grain else "%Y-%m-%d %H:%M",
        "show_cell_bars": False,
        "color_pn": False,
        "column_config": formats or {},
        "time_grain_sqla": grain,
    }
    return Chart(
        name,
        question,
        dataset,
        "table",
        tuple(metrics),
        tuple(columns),
        time_grain=grain,
        order_by=order_by,
        where=where,
        rows=rows,
        settings=settings,
    )


def _over_time(time: str, grain: str, metrics: Sequence[str], y_format: str) -> dict[str, Any]:
    return {
        "x_axis": time,
        "time_grain_sqla": grain,
        "metrics": list(metrics),
        "groupby": [],
        "y_axis_format": y_format,
        "x_axis_time_format": "%b %Y" if grain == MONTH else "smart_date",
        "tooltipTimeFormat": "%b %Y" if grain == MONTH else "%Y-%m-%d",
        "show_legend": True,
        "legendType": "scroll",
        "legendOrientation": "top",
        "rich_tooltip": True,
        "truncate_metric": True,
        "truncateXAxis": True,
        "truncateYAxis": False,
        "y_axis_bounds": [None, None],
    }


def _as_json_pair(order_by: tuple[str, bool]) -> str:
    column, ascending = order_by
    return f'["{column}", {"true" if ascending else "false"}]'
