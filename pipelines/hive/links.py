"""Which files of a table are in force, in the way that a Hive catalogue's readers are told: a text of their addresses.

    links/<schema>/<table>/symlink.txt

Superseded files stay beside those in force for a while, so a folder of files tells too much. A list is replaced in one
step: a reader sees a table as it was, or as it is. Not here: the tables over these lists (``ddl``).
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipelines import files
from pipelines.cloudwatch.store import held
from pipelines.cloudwatch.tables import METRIC_TABLES
from pipelines.flatten.layout import lake_tables
from pipelines.home import Home
from pipelines.lake.manifest import read_manifest
from pipelines.models.build import Build
from pipelines.models.catalogue import Catalogue

LINK = "symlink.txt"
WRITTEN_AT_ONCE = 16


def link_lake(home: Home) -> None:
    """List the files of lake and measurements in force: to be called before any that are not are removed."""
    manifest, measured = read_manifest(home.lake), held(home)
    tables = {table.name: manifest.paths(home.lake, table.name) for table in lake_tables()}
    tables |= {table.name: measured.paths(home.metrics, table.name) for table in METRIC_TABLES}
    _link(home, "lake", tables)


def link_marts(home: Home, build: Build, catalogue: Catalogue) -> None:
    """List the files of a build's marts."""
    _link(home, "marts", {mart.name: list(build.files(mart.qualified_name).values()) for mart in catalogue.marts})


def _link(home: Home, schema: str, tables: Mapping[str, list[Path]]) -> None:
    """Write what differs; of a table without files there is none. Nothing where the data directory is on disk."""
    if not home.url:
        return
    lists = {
        home.links / schema / table / LINK: "".join(f"{_address(home, path)}\n" for path in paths)
        for table, paths in tables.items()
        if paths
    }
    for path in set(home.links.glob(f"{schema}/*/{LINK}")) - lists.keys():
        files.remove(path)
    others = [path for path, content in lists.items() if not path.exists() or path.read_text("utf-8") != content]
    with ThreadPoolExecutor(WRITTEN_AT_ONCE) as threads:
        list(threads.map(lambda path: files.write_whole(path, lists[path].encode()), others))


def _address(home: Home, path: Path) -> str:
    return f"{home.url}/{path.relative_to(home.root).as_posix()}"
