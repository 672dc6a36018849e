"""A bundle of Superset's: `python -m bi.superset.build WAREHOUSE OUT.zip` writes one for a published warehouse.

Here: the database, datasets, charts and dashboards as the files that Superset exports and imports. What tables and
columns are is read from the warehouse, whose comments tell it. It needs DuckDB and PyYAML, which Superset's environment
has as well as Trainyard's. Not here: what is shown (``fleet_health``, ``cost_and_waste``), and metrics (``datasets``).
"""

from __future__ import annotations

import argparse
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import duckdb
import yaml

from bi.superset.charts import Chart
from bi.superset.cost_and_waste import COST_AND_WASTE
from bi.superset.datasets import DATASETS, Dataset, Metric
from bi.superset.fleet_health import FLEET_HEALTH
from bi.superset.layout import Dashboard, Section

DATABASE = "Trainyard"
DASHBOARDS = (FLEET_HEALTH, COST_AND_WASTE)
# Superset's own, told apart best, for the instance types that are used the most. It gives them out chart by chart, so
# that those of two charts meet in a third.
COLOURS = ["#1FA8C9", "#454E7C", "#5AC189", "#FF7F44", "#666666", "#E04355", "#FCC700", "#A868B7", "#3CCCCB", "#A38F79"]
OTHERS_COLOUR = "#B2B2B2"
# What filters the charts whose datasets have the column; the values are those of one dataset.
FILTERS = {"Account": "account_id", "Region": "region", "Instance type": "instance_type"}
FILTER_VALUES = "utilization_daily"
# DuckDB reads whatever files its process may, unless told not to; locked, so that no query can undo it.
CONNECT_ARGS: dict[str, Any] = {
    "read_only": True,
    "config": {
        "enable_external_access": False,
        "autoload_known_extensions": False,
        "lock_configuration": True,
    },
}
VERSION = "1.0.0"  # of Superset's format
NAMESPACE = uuid5(NAMESPACE_URL, "trainyard/bi/superset")

Config = dict[str, Any]


def main() -> None:
    """Write the bundle that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bi.superset.build", description="Write a bundle for Superset.")
    parser.add_argument("warehouse", type=Path, help="a published warehouse.duckdb")
    parser.add_argument("bundle", type=Path, help="the ZIP file to write")
    parser.add_argument("--seen-as", type=Path, help="where Superset finds the warehouse, as in its container")
    arguments = parser.parse_args()
    write_bundle(arguments.warehouse, arguments.bundle, arguments.seen_as)


def write_bundle(warehouse: Path, bundle: Path, seen_as: Path | None = None) -> None:
    """Write the bundle for a warehouse, byte for byte the same for the same; SystemExit says what is wrong with it."""
    address = str((seen_as or warehouse).absolute())
    if "?" in address:
        raise SystemExit(f"{address}: a question mark would end the path in Superset's address of a database")
    files = [*_files(warehouse, f"duckdb:///{address}")]
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as file:
        for name, config in files:
            # A ZipInfo has a time of its own, always the same.
            info = zipfile.ZipInfo(f"trainyard/{name}.yaml")
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(
                info, yaml.dump(config, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=120)
            )


def _files(warehouse: Path, address: str) -> Iterator[tuple[str, Config]]:
    """Each file's name and what it says."""
    try:
        connection = duckdb.connect(str(warehouse), **CONNECT_ARGS)
        ((built_at,),) = connection.execute("select built_at from marts.build_info").fetchall()
    except duckdb.Error as error:
        raise SystemExit(f"{warehouse} is no published warehouse: {error}") from None
    with connection:
        # Without a type it is taken by the import of dashboards, and by that of assets, which replaces what is there.
        yield "metadata", {"version": VERSION, "timestamp": f"{built_at.isoformat()}+00:00"}
        yield f"databases/{DATABASE}", _database(address)
        datasets = {name: _dataset(connection, dataset) for name, dataset in DATASETS.items()}
        colours = _colours(connection)
    for name, dataset in datasets.items():
        yield f"datasets/{DATABASE}/{name}", dataset
    columns = {name: {column["column_name"] for column in dataset["columns"]} for name, dataset in datasets.items()}
    for dashboard in DASHBOARDS:
        for chart in dashboard.charts:
            yield f"charts/{_file_name(chart.name)}", _chart(chart)
        yield f"dashboards/{dashboard.slug}", _dashboard(dashboard, columns, colours)


def _uuid(kind: str, name: str) -> str:
    """The same for the same name, so that an import finds what an earlier one made."""
    return str(uuid5(NAMESPACE, f"{kind}/{name}"))


def _file_name(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower())


def _database(address: str) -> Config:
    return {
        "database_name": DATABASE,
        "sqlalchemy_uri": address,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {"allows_virtual_table_explore": True, "engine_params": {"connect_args": CONNECT_ARGS}},
        "uuid": _uuid("database", DATABASE),
        "version": VERSION,
    }


def _dataset(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> Config:
    marts = re.findall(r"marts\.(\w+)", dataset.sql) if dataset.sql else [dataset.name]
    comments = _comments(connection, marts) | dataset.comments
    try:
        described = connection.execute(f"describe {dataset.sql or f'from marts.{dataset.name}'}").fetchall()
    except duckdb.Error as error:
        raise SystemExit(f"the warehouse is of another version of Trainyard: {error}") from None
    columns: list[tuple[str, str | None, str | None]] = [(name, type_, None) for name, type_, *_ in described]
    columns += [(name, None, expression) for name, expression in dataset.calculated.items()]
    return {
        "table_name": dataset.name,
        "main_dttm_col": dataset.time,
        "description": dataset.about or _table_comment(connection, dataset.name),
        "schema": "marts",
        "sql": dataset.sql,
        "filter_select_enabled": True,
        "uuid": _uuid("dataset", dataset.name),
        "columns": [
            {
                "column_name": name,
                "verbose_name": name.replace("_", " ").capitalize(),
                "description": comments[name],
                "type": type_,
                "is_dttm": type_ in ("DATE", "TIMESTAMP"),
                "is_active": True,
                "groupby": True,
                "filterable": True,
                "expression": expression,
            }
            for name, type_, expression in columns
        ],
        "metrics": [_metric(metric, comments) for metric in dataset.metrics],
        "version": VERSION,
        "database_uuid": _uuid("database", DATABASE),
    }


def _metric(metric: Metric, comments: dict[str, str]) -> Config:
    return {
        "metric_name": metric.name,
        "verbose_name": metric.name,
        "expression": metric.sql,
        "description": comments.get(metric.about, metric.about),
        "d3format": metric.format or None,
    }


def _table_comment(connection: duckdb.DuckDBPyConnection, mart: str) -> str:
    query = "select comment from duckdb_tables() where schema_name = 'marts' and table_name = ?"
    return str(connection.execute(query, [mart]).fetchall()[0][0])


def _comments(connection: duckdb.DuckDBPyConnection, marts: list[str]) -> dict[str, str]:
    """The comments of the marts' columns; of those that have the same name, the first mart's."""
    query = "select column_name, comment from duckdb_columns() where schema_name = 'marts' and table_name = ?"
    comments: dict[str, str] = {}
    for mart in reversed(marts):
        comments |= dict(connection.execute(query, [mart]).fetchall())
    return comments


def _colours(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    types = connection.execute("""
        select instance_type from marts.utilization_daily
        group by instance_type order by sum(instance_hours) desc, instance_type
    """).fetchall()
    return {"Others": OTHERS_COLOUR} | {name: colour for (name,), colour in zip(types, COLOURS, strict=False)}


def _chart(chart: Chart) -> Config:
    dataset = chart.dataset
    filters = []
    if dataset.time:
        filters.append(
            {
                "clause": "WHERE",
                "expressionType": "SIMPLE",
                "subject": dataset.time,
                "operator": "TEMPORAL_RANGE",
                "comparator": "No filter",
            }
        )
    if chart.where:
        filters.append({"clause": "WHERE", "expressionType": "SQL", "sqlExpression": chart.where})
    settings = {
        "viz_type": chart.kind,
        "datasource": "0__table",  # an import puts the dataset's number there
        "adhoc_filters": filters,
        "row_limit": chart.rows,
        **chart.settings,
    }
    return {
        "slice_name": chart.name,
        "description": chart.question,
        "viz_type": chart.kind,
        "params": settings,
        "query_context": json.dumps(_query_context(chart, settings)),
        "uuid": _uuid("chart", chart.name),
        "version": VERSION,
        "dataset_uuid": _uuid("dataset", dataset.name),
    }


def _query_context(chart: Chart, settings: Config) -> Config:
    """The chart's query, as a browser makes it of the settings: for reports, and for whoever asks Superset's API."""
    columns, time = list[Any](chart.columns), chart.dataset.time
    if chart.time_grain:
        columns[0] = {
            "columnType": "BASE_AXIS",
            "expressionType": "SQL",
            "label": chart.columns[0],
            "sqlExpression": chart.columns[0],
            "timeGrain": chart.time_grain,
        }
    query = {
        "columns": columns,
        "metrics": chart.metrics or None,
        "filters": [{"col": time, "op": "TEMPORAL_RANGE", "val": "No filter"}] if time else [],
        "orderby": [list(chart.order_by)] if chart.order_by else [],
        "row_limit": chart.rows,
        "extras": {"where": f"({chart.where})" if chart.where else "", "having": ""},
        **chart.query,
    }
    return {
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "queries": [query],
        "form_data": settings,
        "result_format": "json",
        "result_type": "full",
    }


def _dashboard(dashboard: Dashboard, columns: dict[str, set[str]], colours: dict[str, str]) -> Config:
    return {
        "dashboard_title": dashboard.title,
        "description": dashboard.reader,
        "slug": f"trainyard-{dashboard.slug}",
        "published": True,
        "uuid": _uuid("dashboard", dashboard.title),
        "position": _position(dashboard),
        "metadata": {
            "native_filter_configuration": list(_filters(dashboard, columns)),
            "cross_filters_enabled": True,
            "label_colors": colours,
            "refresh_frequency": 0,
            "expanded_slices": {},
            "timed_refresh_immune_slices": [],
        },
        "version": VERSION,
    }


def _position(dashboard: Dashboard) -> Config:
    """The grid: under each heading its rows of charts."""
    grid = _part("GRID", "GRID_ID", ["ROOT_ID"], {})
    parts = [
        _part("ROOT", "ROOT_ID", [], {}, ["GRID_ID"]),
        _part("HEADER", "HEADER_ID", [], {"text": dashboard.title}),
        grid,
    ]
    numbers = _numbers(dashboard)
    for section in dashboard.sections:
        blocks = [[_heading(section)], *([_place(chart, numbers) for chart in row] for row in section.rows)]
        for block in blocks:
            row = f"ROW-{len(grid['children']) + 1}"
            grid["children"].append(row)
            ids = [f"{row}-{index}" for index in range(len(block))]
            parents = ["ROOT_ID", "GRID_ID"]
            parts.append(_part("ROW", row, parents, {"background": "BACKGROUND_TRANSPARENT"}, ids))
            parts += [_part(kind, id_, [*parents, row], meta) for id_, (kind, meta) in zip(ids, block, strict=True)]
    return {"DASHBOARD_VERSION_KEY": "v2", **{part["id"]: part for part in parts}}


def _part(kind: str, id_: str, parents: list[str], meta: Config, children: list[str] | None = None) -> Config:
    return {"type": kind, "id": id_, "children": children or [], "parents": parents, "meta": meta}


def _heading(section: Section) -> tuple[str, Config]:
    code = f"## {section.heading}\n\n{section.note}".strip()
    return "MARKDOWN", {"code": code, "width": 12, "height": 11 if section.note else 7}


def _place(chart: Chart, numbers: dict[str, int]) -> tuple[str, Config]:
    return "CHART", {
        "chartId": numbers[chart.name],
        "uuid": _uuid("chart", chart.name),
        "sliceName": chart.name,
        "width": chart.width,
        "height": chart.height,
    }


def _numbers(dashboard: Dashboard) -> dict[str, int]:
    """Numbers of charts, by which a bundle's dashboard refers to them; an import replaces them by Superset's."""
    return {chart.name: number for number, chart in enumerate(dashboard.charts, start=1)}


def _filters(dashboard: Dashboard, columns: dict[str, set[str]]) -> Iterator[Config]:
    """Filters by time and by columns, each for the charts whose datasets have what it filters by."""
    timeless = [chart for chart in dashboard.charts if not chart.dataset.time]
    yield _filter(dashboard, "Time", "filter_time", {}, timeless)
    for name, column in FILTERS.items():
        target = {"column": {"name": column}, "datasetUuid": _uuid("dataset", FILTER_VALUES)}
        without = [chart for chart in dashboard.charts if column not in columns[chart.dataset.name]]
        yield _filter(dashboard, name, "filter_select", target, without)


def _filter(dashboard: Dashboard, name: str, kind: str, target: Config, without: list[Chart]) -> Config:
    numbers = _numbers(dashboard)
    return {
        "id": f"NATIVE_FILTER-{_uuid('filter', f'{dashboard.title}/{name}')}",
        "type": "NATIVE_FILTER",
        "name": name,
        "filterType": kind,
        "targets": [target],
        "controlValues": {"enableEmptyFilter": False, "multiSelect": True, "searchAllOptions": False},
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": [numbers[chart.name] for chart in without]},
    }


if __name__ == "__main__":
    main()
