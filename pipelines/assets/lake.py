"""The assets `lake/*`: the record as tables, all brought up to date by one step.

Not here: how rows are made and kept.
"""

from collections import Counter
from collections.abc import Collection, Iterator

import dagster as dg

from pipelines.assets import metadata
from pipelines.assets.raw import RAW
from pipelines.config import Settings
from pipelines.flatten.layout import lake_tables, main_table
from pipelines.home import Home
from pipelines.lake.constraints import broken_constraints
from pipelines.lake.load import Loaded, load, reload
from pipelines.lake.manifest import read_manifest, unmodelled_fields
from pipelines.lake.quarantine import Quarantine
from pipelines.progress import Log


def lake_key(table: str) -> dg.AssetKey:
    """The asset of a table of the lake."""
    return dg.AssetKey(["lake", table])


class LakeConfig(dg.Config):
    """How the lake is brought up to date."""

    from_scratch: bool = False


@dg.multi_asset(
    name="lake",
    specs=[
        dg.AssetSpec(
            lake_key(table.name),
            deps=[RAW],
            group_name="lake",
            kinds={"parquet"},
            description=table.table.comment,
            metadata=metadata.of_table(table.table),
        )
        for table in lake_tables()
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "no_document_in_quarantine",
            asset=lake_key(main_table().name),
            description="Every document of raw could be read. Those that could not are kept, each with its reason,"
            " which `trainyard status` tells too: a version that can read them does so by `trainyard rebuild`.",
        ),
        dg.AssetCheckSpec(
            "no_unmodelled_fields",
            asset=lake_key(main_table().name),
            description="The installed service model knows every member of the records. Others are kept as JSON in"
            " unmodelled_fields: a newer botocore may know them (`trainyard rebuild` then gives them columns).",
        ),
        dg.AssetCheckSpec(
            "no_broken_constraint",
            asset=lake_key(main_table().name),
            description="Every value is as SageMaker documents it: of its pattern, in its range, one of its values."
            " Others are kept as they came: there is nothing to mend.",
        ),
    ],
)
def lake(
    config: LakeConfig, settings: dg.ResourceParam[Settings], log: dg.ResourceParam[Log]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Flatten what raw holds beyond the lake (or, from scratch, all of it) and put it in force in whole commits."""
    home = Home(settings.home)

    def report(loaded: Loaded) -> None:
        log(f"lake: {loaded.documents:,} documents read, {loaded.changed:,} jobs changed")

    loaded = reload(home, report) if config.from_scratch else load(home, report)
    reasons = Counter(f"{line.path}: {line.reason}" for _, line in Quarantine(home.quarantine).lines())
    manifest = read_manifest(home.lake)
    for table in lake_tables():
        rows = metadata.of_rows(manifest.rows(table.name))
        if table is main_table():
            rows |= {"documents_read": loaded.documents, "jobs_changed": loaded.changed}
        yield dg.MaterializeResult(asset_key=lake_key(table.name), metadata=rows)
    yield _check("no_document_in_quarantine", reasons)
    known = {column.path for table in lake_tables() for column in table.columns if column.node}
    yield _check("no_unmodelled_fields", unmodelled_fields(home.lake, manifest), known)
    yield _check("no_broken_constraint", broken_constraints(home.lake, manifest))


def _check(name: str, found: Counter[str], mendable: Collection[str] = ()) -> dg.AssetCheckResult:
    """A check that passes if nothing was found; otherwise a warning, for nothing is lost, and some a rebuild mends."""
    told = {
        item: f"{count}, mended by `trainyard rebuild`" if item in mendable else count
        for item, count in found.most_common(20)
    }
    return dg.AssetCheckResult(
        asset_key=lake_key(main_table().name),
        check_name=name,
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=told,
    )
