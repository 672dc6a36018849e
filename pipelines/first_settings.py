"""A first `trainyard.toml`: every setting with what it means, commented out, so that nothing is set yet.

Here: its text, made from the settings' own declarations. Not here: what they mean and what is allowed (``config``).
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from pipelines.config import Settings, SourceSettings, settings_file
from pipelines.errors import TrainyardError

WIDTH = 110


def write_first_settings() -> Path:
    """Write the file where settings are read from; raises TrainyardError if there is one."""
    path = settings_file()
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(first_settings())
    except FileExistsError:
        raise TrainyardError(f"{path} is there already: edit it, or move it away first") from None
    return path


def first_settings() -> str:
    """The text of the file."""
    lines = ["# Settings of Trainyard. Each is also an environment variable, TRAINYARD_…, which wins.", ""]
    for name, field in Settings.model_fields.items():
        if name != "sources":
            lines += [*_meaning(field), f"# {_assigned(name, field)}", ""]
    lines += [*_meaning(Settings.model_fields["sources"]), *_example_of_source()]
    return "\n".join(lines) + "\n"


def _example_of_source() -> Iterator[str]:
    yield "# [[sources]]"
    for name, field in SourceSettings.model_fields.items():
        yield from (f"# {line}" for line in _meaning(field))
        yield f"# {_assigned(name, field)}"


def _meaning(field: FieldInfo) -> list[str]:
    return textwrap.wrap(str(field.description), WIDTH, initial_indent="# ", subsequent_indent="# ")


def _assigned(name: str, field: FieldInfo) -> str:
    """The setting as TOML has it: an example where there is one, else its default."""
    value: Any = field.examples[0] if field.examples else field.get_default(call_default_factory=True)
    return f"{name} = {json.dumps(value, default=str)}"
