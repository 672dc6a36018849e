"""Where the project's own data is: `sql/` and `reference/`, beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def shipped(folder: str) -> Path:
    """The folder ``sql`` or ``reference``."""
    beside = _PACKAGE.parent / folder
    return beside if beside.is_dir() else _PACKAGE / "shipped" / folder
