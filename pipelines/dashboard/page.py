"""The page as one file: facts, charts, Vega's script, and the script, style and text beside this module.

Nothing of it comes from the network or could: its policy allows the scripts in it by their hashes, and no others. Not
here: what the script does.
"""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Any

import altair as alt
import vl_convert

from pipelines import files
from pipelines.dashboard.charts import charts
from pipelines.dashboard.facts import facts_of
from pipelines.dashboard.inline import embedded, inline_script, policy_hash

_BESIDE = Path(__file__).parent


def write_page(warehouse: Path, target: Path, cache: Path) -> int:
    """Replace ``target`` by the page of a published warehouse; return its size in bytes.

    ``cache``: a folder for what is the same in every page.
    """
    content = page_of(facts_of(warehouse), vega(cache)).encode()
    with files.replacing(target) as beside:
        beside.write_bytes(content)
        beside.chmod(0o444)
    return len(content)


def vega(cache: Path) -> str:
    """Vega's script, from the cache if it is there: making it takes two seconds."""
    vega_version = alt.SCHEMA_VERSION.removeprefix("v").rsplit(".", 1)[0]
    kept = cache / f"vega-{vega_version}-{version('vl-convert-python')}.js"
    with suppress(OSError):
        return kept.read_text("utf-8")
    made: str = vl_convert.javascript_bundle(vl_version=vega_version)  # type: ignore[call-arg]  # its stub is wrong
    with suppress(OSError), files.replacing(kept) as beside:  # it is only slower without
        beside.write_text(made, "utf-8")
    return made


def page_of(facts: dict[str, Any], vega: str) -> str:
    """The page of some facts, which Vega's script draws."""
    vega = inline_script(vega)
    script = inline_script((_BESIDE / "page.js").read_text("utf-8"))
    return Template((_BESIDE / "page.html").read_text("utf-8")).substitute(
        script_hashes=f"{policy_hash(vega)} {policy_hash(script)}",
        style=(_BESIDE / "page.css").read_text("utf-8"),
        facts=embedded(facts),
        charts=embedded(charts()),
        vega=vega,
        script=script,
    )
