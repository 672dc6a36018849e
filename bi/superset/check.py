"""`python -m bi.superset.check BUNDLE`: what a Superset makes of the bundle; fails on whatever is wrong with it.

Here: importing it into a fresh instance, running every chart without and with filters, and trying to read and write
the server's files as a user of SQL Lab may. Runs in `.venv-superset`. Not here: what figures should come out, which
the tests hold against the marts.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bi.superset.instance import FIRST_IMPORT, NEXT_IMPORT, import_bundle, make_instance, signed_in

PASSWORD = "of an instance that nobody else reaches"  # noqa: S105
KINDS = ("database", "dataset", "chart", "dashboard")
SECRET = "nobody may read this"  # noqa: S105
OPEN = {"connect_args": {"read_only": True}}


def main() -> None:
    """Check the bundle that the command line names."""
    with tempfile.TemporaryDirectory() as folder:
        logging.disable(logging.ERROR)  # Superset's own; what fails is told below
        app = make_instance(Path(folder), PASSWORD)
        client = signed_in(app, PASSWORD)
        bundle = Path(sys.argv[1])
        import_bundle(client, bundle, *FIRST_IMPORT)
        first = {kind: _listed(client, kind) for kind in KINDS}
        import_bundle(client, bundle, *NEXT_IMPORT)
        again = {kind: _listed(client, kind) for kind in KINDS}
        wrong = [] if _ids(first) == _ids(again) else ["a second import makes what was there once more"]
        for chart in again["chart"].values():
            wrong += _wrong_with(client, chart)
        wrong += _read(client, next(iter(again["database"].values()))["id"], Path(folder))
    for sentence in wrong:
        print(sentence)
    print(*(f"{len(again[kind])} {kind}s" for kind in KINDS), sep=", ")
    sys.exit(bool(wrong))


def _listed(client: Any, kind: str) -> dict[str, Any]:
    """Everything of a kind by its UUID."""
    rows = _called(client.get(f"/api/v1/{kind}/?q=(page_size:100)"))["result"]
    return {row.get("uuid") or row["id"]: row for row in rows}


def _ids(listed: dict[str, dict[str, Any]]) -> list[int]:
    return sorted(row["id"] for rows in listed.values() for row in rows.values())


def _called(answer: Any) -> Any:
    if answer.status_code != 200:
        raise SystemExit(f"{answer.request.path}: {answer.text}")
    return answer.json


if __name__ == "__main__":
    main()
