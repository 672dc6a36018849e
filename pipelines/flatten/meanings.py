"""What the record's members mean, in our own words: reads `meanings.toml`. Not here: which members there are."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

MEANINGS = Path(__file__).with_name("meanings.toml")


@cache
def meanings() -> dict[str, str]:
    """What the file says: API path -> meaning; a ``*`` in a path stands for any letters."""
    return tomllib.loads(MEANINGS.read_text("utf-8"))


def meaning_of(path: str) -> str | None:
    """The meaning of the member at an API path; None if the file has none."""
    exact = meanings().get(path)
    return exact or next((text for key, text in _patterns() if key.fullmatch(path)), None)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (re.compile(re.escape(key).replace(r"\*", "[A-Za-z0-9]*")), text)
        for key, text in meanings().items()
        if "*" in key
    )
