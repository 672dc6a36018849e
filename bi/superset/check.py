"""`python -m bi.superset.check BUNDLE`: what a Superset makes of a bundle; fails on whatever is wrong with it.

Here: importing it into a fresh instance, running every chart with and without the filters of its dashboard, and trying
to reach the server's files as a user of SQL Lab may. Runs in `.venv-superset`. Not here: which figures should come out;
the tests hold them against the marts.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bi.superset.build import DASHBOARDS, DATABASE, FILTERS
from bi.superset.charts import Chart
from bi.superset.instance import FIRST_IMPORT, NEXT_IMPORT, import_bundle, make_instance, signed_in

PASSWORD = "of an instance that nobody else reaches"  # noqa: S105
# What each kind of thing calls its name.
NAMES = {"database": "database_name", "dataset": "table_name", "chart": "slice_name", "dashboard": "dashboard_title"}
LONG_AGO = "1970-01-01 : 1970-01-02"
SECRET = "nobody may read this"  # noqa: S105


def main() -> None:
    """Check the bundle that the command line names."""
    with tempfile.TemporaryDirectory() as name:
        app = make_instance(Path(name), PASSWORD)
        logging.disable(logging.CRITICAL)  # Superset's own; what fails is told below
        client = signed_in(app, PASSWORD)
        wrong = [*_wrong_imports(client, Path(sys.argv[1]))]
        columns = {}
        for dataset, names, is_described in _datasets(client):
            columns[dataset] = names
            wrong += [] if is_described else [f"{dataset} has something without a description"]
        charts = _listed(client, "chart")
        for dashboard in DASHBOARDS:
            for chart in dashboard.charts:
                wrong += _wrong_with(client, chart, charts.pop(chart.name), columns[chart.dataset.name])
        wrong += [f"{name}: a chart of no dashboard" for name in charts]
        wrong += _wrong_doors(client, _listed(client, "database")[DATABASE], Path(name))
    if wrong:
        sys.exit("\n".join(wrong))


def _wrong_imports(client: Any, bundle: Path) -> Iterator[str]:
    """Import both ways, and tell what is lacking, or there twice."""
    imported = []
    for way in (FIRST_IMPORT, NEXT_IMPORT):
        import_bundle(client, bundle, *way)
        imported.append([_listed(client, kind) for kind in NAMES])
    if imported[0] != imported[1]:
        yield "the second import does not replace what the first one made"
    for dashboard in DASHBOARDS:
        shown = _called(client.get(f"/api/v1/dashboard/trainyard-{dashboard.slug}/charts"))["result"]
        if {chart["slice_name"] for chart in shown} != {chart.name for chart in dashboard.charts}:
            yield f"{dashboard.title} does not show its charts"


def _listed(client: Any, kind: str) -> dict[str, int]:
    """Superset's number of each thing of a kind, by its name."""
    rows = _called(client.get(f"/api/v1/{kind}/?q=(page_size:100)"))["result"]
    return {row[NAMES[kind]]: row["id"] for row in rows}


def _datasets(client: Any) -> Iterator[tuple[str, set[str], bool]]:
    """Each dataset's name and columns, and whether all there is to it is described."""
    for name, number in _listed(client, "dataset").items():
        dataset = _called(client.get(f"/api/v1/dataset/{number}"))["result"]
        parts = [dataset, *dataset["columns"], *dataset["metrics"]]
        yield name, {column["column_name"] for column in dataset["columns"]}, all(part["description"] for part in parts)


def _wrong_with(client: Any, chart: Chart, number: int, columns: set[str]) -> Iterator[str]:
    """Whether a chart has no figures, or goes on having them when it is filtered for what there is not."""
    answer = client.get(f"/api/v1/chart/{number}/data/")
    if answer.status_code != 200 or not _has_figures(chart, answer.json):
        yield f"{chart.name} has no figures: {answer.text[:1000]}"
        return
    query = json.loads(_called(client.get(f"/api/v1/chart/{number}"))["result"]["query_context"])
    filters = [{"col": column, "op": "IN", "val": ["none"]} for column in columns & set(FILTERS.values())]
    if chart.dataset.time:
        filters.append({"col": chart.dataset.time, "op": "TEMPORAL_RANGE", "val": LONG_AGO})
    query["queries"][0]["filters"] = filters
    answer = _called(client.post("/api/v1/chart/data", json=query))
    if filters and _has_figures(chart, answer):
        yield f"{chart.name} has figures of nothing"
    if {told["column"] for told in answer["result"][0]["applied_filters"]} != {told["col"] for told in filters}:
        yield f"{chart.name} is not filtered by each of {filters}"


def _has_figures(chart: Chart, answer: Any) -> bool:
    """Whether a row tells anything but that there is nothing."""
    rows = answer["result"][0]["data"]
    return any(row[name] for row in rows for name in chart.metrics or chart.columns)


def _wrong_doors(client: Any, database: int, folder: Path) -> Iterator[str]:
    """What SQL Lab, and a dataset of somebody's own, can do to the server's files."""
    secret = folder / "secret.csv"
    secret.write_text(SECRET)
    readings = [
        f"select * from read_csv('{secret}', header = false)",
        f"select * from '{secret}'",
        f"select content from read_text('{secret}')",
    ]
    others = [
        f"select file from glob('{folder}/*')",
        f"attach '{folder}/metadata.db' as metadata",
        f"copy (select 1) to '{folder}/written.csv'",
        "set enable_external_access = true",
        "create table marts.made as select 1 as made",
        "drop table marts.build_info",
    ]
    for sql in readings + others:
        if _asked(client, database, sql).status_code == 200:
            yield f"SQL Lab does as it is told: {sql}"
    if "build_id" not in _asked(client, database, "select build_id from marts.build_info").text:
        yield "SQL Lab does not answer"
    made = {"database": database, "schema": "marts", "table_name": "door", "sql": readings[0]}
    if client.post("/api/v1/dataset/", json=made).status_code < 300:
        yield f"a dataset is made of {readings[0]}"
    # Without the settings they are read: so the refusals above are no accident of how it is asked.
    uri = _called(client.get(f"/api/v1/database/{database}/connection"))["result"]["sqlalchemy_uri"]
    extra = json.dumps({"engine_params": {"connect_args": {"read_only": True}}})
    unlocked = {"database_name": "unlocked", "sqlalchemy_uri": uri, "expose_in_sqllab": True, "extra": extra}
    answer = client.post("/api/v1/database/", json=unlocked)
    for sql in readings:
        if SECRET not in _asked(client, answer.json["id"], sql).text:
            yield f"the settings are not what refuses {sql}"


def _asked(client: Any, database: int, sql: str) -> Any:
    return client.post("/api/v1/sqllab/execute/", json={"database_id": database, "sql": sql, "runAsync": False})


def _called(answer: Any) -> Any:
    if answer.status_code != 200:
        raise SystemExit(f"{answer.request.path}: {answer.text}")
    return answer.json


if __name__ == "__main__":
    main()
