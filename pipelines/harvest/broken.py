"""Text that should be JSON and is not: what its quotes and brackets still tell.

Here: its parts, where in it something is, and what is wrong with it, so that one bad document does not cost a page or a
file. Not here: the one fault that is repaired (``mend``), and what may be secret in such text (``redact``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

# The record itself is some ten deep; parsers give up near a thousand.
MOST_NESTED = 100

# A string (cut short, it goes to the end), a mark of structure, or a word: a number, true, null, or what should be one.
TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)
_OPENING, _CLOSING = (b"{", b"["), (b"}", b"]")
_BYTE = re.compile(r"(.*) \(byte (\d+)\)")
_VALUE = msgspec.json.Decoder(msgspec.Raw)


class Part(NamedTuple):
    """A member of an object (``name`` is its key) or an element of a list (``name`` is its number), as found."""

    name: str
    text: bytes


class Parts(NamedTuple):
    """The parts of an object or a list, and whether it ends; if it does not, the last part may be cut short."""

    found: list[Part]
    is_whole: bool


def parts(text: bytes) -> Parts:
    """The parts of the object or list that the text begins with; none if it begins with neither."""
    found: list[Part] = []
    name, start, end, depth = "", -1, -1, 0
    is_object = text.lstrip().startswith(b"{")

    def close() -> None:
        if start >= 0:
            found.append(Part(name if is_object else str(len(found)), text[start:end]))

    for token in TOKEN.finditer(text):
        mark = token[0]
        if mark in _CLOSING:
            depth -= 1
        if depth == 0:
            if mark in _CLOSING:
                close()
                return Parts(found, True)
            if mark not in _OPENING:
                break
        elif depth == 1 and mark == b",":
            close()
            name, start = "", -1
        elif depth == 1 and mark == b":" and is_object:
            name, start = unquoted(text[start:end]), -1
        elif start < 0:
            start = token.start()
        if mark in _OPENING:
            depth += 1
        end = token.end()
    close()
    return Parts(found, False)


def split_page(body: bytes) -> tuple[bytes, list[bytes]] | None:
    """A page of ``Search`` in which documents are broken: the page without results, and its documents as they are.

    None if it is no such page, or was cut short.
    """
    page = parts(body)
    members = {part.name: part.text for part in page.found}
    results = parts(members.get("Results", b""))
    if not (page.is_whole and results.is_whole):
        return None
    documents = []
    for result in results.found:
        jobs = [part.text for part in parts(result.text).found if part.name == "TrainingJob"]
        documents.append(jobs[0] if jobs else result.text)
    rest = (b"%s:%s" % (json.dumps(name).encode(), text) for name, text in (members | {"Results": b"[]"}).items())
    return b"{%s}" % b",".join(rest), documents


def end_of_value(text: bytes, start: int) -> int | None:
    """Where the value ends that starts there; None if it does not end."""
    depth = 0
    for token in TOKEN.finditer(text, start):
        depth += (token[0] in _OPENING) - (token[0] in _CLOSING)
        if depth <= 0:
            return token.end()
    return None


def awaits_element(text: bytes) -> bool:
    """Whether the text ends within a list, where an element may follow."""
    containers: list[bytes] = []
    mark = b""
    for token in TOKEN.finditer(text):
        mark = token[0]
        if mark in _OPENING:
            containers.append(mark)
        elif mark in _CLOSING:
            del containers[-1:]
    return mark in (b"[", b",") and containers[-1:] == [b"["]


def fault(text: bytes) -> tuple[str, str] | None:
    """Path and reason of what keeps the text from being JSON that can be worked with; None if nothing does."""
    try:
        _VALUE.decode(text)
    except msgspec.DecodeError as error:
        said = _BYTE.fullmatch(str(error))
        position = int(said[2]) if said else len(text)
        return _path_at(text, position), f"not JSON at byte {position}: {said[1] if said else error}"
    except RecursionError:
        pass
    try:
        text.decode()  # strings are not looked into above
    except UnicodeDecodeError as error:
        return _path_at(text, error.start), f"not UTF-8 at byte {error.start}"
    beyond = _too_deep(text)
    return None if beyond is None else (_path_at(text, beyond), f"nested more than {MOST_NESTED} deep")


def is_too_deep(text: bytes) -> bool:
    """Whether the text is nested deeper than is reasonable."""
    # The count alone is cheap, and enough for all ordinary documents.
    return text.count(b"{") + text.count(b"[") > MOST_NESTED and _too_deep(text) is not None


def unquoted(string: bytes) -> str:
    """What a JSON string says, as far as it can be told."""
    text = string.decode(errors="backslashreplace")
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        return text.strip('"')


def _too_deep(text: bytes) -> int | None:
    depth = 0
    for token in TOKEN.finditer(text):
        depth += (token[0] in _OPENING) - (token[0] in _CLOSING)
        if depth > MOST_NESTED:
            return token.start()
    return None


def _path_at(text: bytes, position: int) -> str:
    """The path of the member or element at a position, to as many steps as a reader can follow."""
    return "".join(list(_steps_to(text, position))[:12]).removeprefix(".")


def _steps_to(text: bytes, position: int) -> Iterator[str]:
    containers: list[list[str | int | None]] = []  # in each the key (None: it is still to come) or the number
    for token in TOKEN.finditer(text):
        mark = token[0]
        if token.start() > position:
            break
        if mark in _OPENING:
            containers.append([None if mark == b"{" else 0])
        elif mark in _CLOSING:
            del containers[-1:]
        elif not containers:
            continue
        elif mark == b",":
            here = containers[-1][0]
            containers[-1][0] = here + 1 if isinstance(here, int) else None
        elif containers[-1][0] is None:
            containers[-1][0] = unquoted(mark)
    for (step,) in containers:
        if step is not None:
            yield f"[{step}]" if isinstance(step, int) else f".{step}"
