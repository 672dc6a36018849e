"""One document of a job from the answers of several calls: Search's, DescribeTrainingJob's, ListTags'.

Pure. Here: which answer has the say. Not here: asking, or when more than one is asked (``describe``, ``listing``).
"""

from __future__ import annotations

from typing import Any

import msgspec


class _Version(msgspec.Struct):
    LastModifiedTime: Any = None


_VERSION = msgspec.json.Decoder(_Version)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def whole(document: bytes, description: bytes = b"", tags: bytes = b"") -> bytes:
    """``document`` with the members that ``description`` has, and with ``tags`` as its Tags; empty ones add nothing.

    The description, asked for later, has the say where both have a member, unless it tells of an older version of the
    job: then it only fills gaps. Nulls say nothing. A document that is no JSON object is left as it is.
    """
    try:
        members = _MEMBERS.decode(document)
        if description:
            members |= _news(members, description, is_older=_modified(description) < _modified(document))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return document
    if tags:
        members["Tags"] = msgspec.Raw(tags)
    return msgspec.json.encode(members)


def _news(members: dict[str, msgspec.Raw], description: bytes, *, is_older: bool) -> dict[str, msgspec.Raw]:
    told = {name: value for name, value in _MEMBERS.decode(description).items() if not _is_null(value)}
    if is_older:
        return {name: value for name, value in told.items() if name not in members or _is_null(members[name])}
    return told


def _is_null(value: msgspec.Raw) -> bool:
    return bytes(value) == b"null"


def _modified(document: bytes) -> float:
    modified = _VERSION.decode(document).LastModifiedTime
    return modified if isinstance(modified, int | float) else 0.0
