"""Redaction: what looks secret in a document's Environment and HyperParameters, and in the arguments of a command
anywhere in it, becomes ``***``.

Here: which keys and which values look secret, and how the rest of the document keeps its exact bytes. Pure. Not here:
where documents come from or go to; every one that is written goes through ``Redactor`` first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from pipelines.harvest import broken
from pipelines.harvest.archive import Observation

MASK = "***"

# Anywhere in a key, whatever its case and separators.
_SECRET_PARTS = re.compile(
    r"password|passwd|passphrase|secret|credential|bearer|authorization|connectionstring"
    r"|(api|access|private|account|encryption|signing|storage|shared|master|ssh|auth|license|wandb|comet|openai)key"
    r"|(api|access|auth|refresh|session|security|github|gitlab|gh|hf|hub|slack|bot)token"
    r"|(db|sql|user|admin|root)pass"
)
# As the last word of a key, unless what stands before shows it to be a model's vocabulary or a number.
_SECRET_END = re.compile(r"(?P<before>.*?)(token|auth|pwd)|pass|pat")
_HARMLESS_BEFORE = re.compile(
    r"pad|eos|bos|unk|mask|sep|cls|start|end|stop|special|additional|image|audio|video|text|word|prompt|trigger|class"
    r"|placeholder|initializer|instance|per|next|new|max|min|num|n|total|top|sub|multi|single|first|second|last|one|two"
    r"|old|forward|backward|encoder|decoder|forced"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

# Each alternative starts with a letter of its own and no look-behind: twenty times as fast as with a leading ``\\b``.
_SECRET_VALUE = re.compile(
    r"A(?:KIA|SIA)[A-Z0-9]{16}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|gh[pousr]_[A-Za-z0-9]{16}|github_pat_\w{16}|glpat-[\w-]{16}"
    r"|hf_(?<!\whf_)[A-Za-z0-9]{16}"
    r"|sk-(?<![\w-]sk-)(?!learn)(?=[\w-]*\d)[\w-]{16}"
    r"|xox[abeprs]-[\w-]{10}|AIza[\w-]{35}"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\."
    r"|://[^/\s:@]*:(?!\d+/)[^\s@\"']+@"
)
# Of a command: as the training toolkit quotes it in FailureReason, or as ContainerArguments list it.
_ARGUMENT = re.compile(rb"""(--([A-Za-z][\w-]*)(?:=|\s+|', '|"\s*,\s*")(?:'|\\")?)([^\s"'\\,]+)""")
_ASSIGNMENT = re.compile(r"([A-Za-z][\w-]*)\s*=\s*[^\s;&=]")

_LABELS = ("Name", "name", "Key", "key")  # as in {"Name": "PASSWORD", "Value": …}

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


# Members that hold what users passed to their programs.
_USERS_OWN = ("Environment", "HyperParameters")
_WORDS = re.compile(rb"true|false|null|-?(?:NaN|Infinity|[0-9][0-9.eE+-]*)")


class _Members(msgspec.Struct):
    """Where secrets may be, and what tells a record from an event, which has it in its ``detail``, or anything else."""

    Environment: msgspec.Raw = msgspec.Raw()
    HyperParameters: msgspec.Raw = msgspec.Raw()
    TrainingJobArn: msgspec.Raw = msgspec.Raw()
    detail: msgspec.Raw = msgspec.Raw()


_MEMBERS = msgspec.json.Decoder(_Members)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Redactor:
    """Replaces secrets; ``patterns`` are regular expressions of further keys, matched anywhere, whatever the case."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        extra = [re.compile(pattern, re.IGNORECASE) for pattern in patterns]

        @lru_cache(maxsize=10_000)
        def is_secret_key(key: str) -> bool:
            return looks_secret(key) or any(pattern.search(key) for pattern in extra)

        self._is_secret_key = is_secret_key
        self._is_secret_text = lru_cache(maxsize=10_000)(self._look_into)

    def redact(self, document: bytes) -> bytes:
        """The document without secrets: the very same bytes where there are none, and it never raises.

        A member that cannot be looked into (numbers out of range) is masked whole. Text that is not JSON, or nested
        beyond reason, becomes ``{"unreadable": {"path": …, "reason": …, "text": …}}``, its text without secrets.
        """
        if b"--" in document:
            document = _ARGUMENT.sub(self._argument, document)
        try:
            document.decode()  # strings that are skipped below are not looked into
            members = _MEMBERS.decode(document)
        except _UNREADABLE:
            return self._unreadable(document) or bytes(self._member(msgspec.Raw(document)))
        if broken.is_too_deep(document):
            return self._unreadable(document)
        redacted = {name: self._member(getattr(members, name)) for name in _USERS_OWN}
        if not bytes(members.TrainingJobArn):
            if not bytes(members.detail):  # no record: look through all of it
                return bytes(self._member(msgspec.Raw(document)))
            redacted["detail"] = msgspec.Raw(self.redact(bytes(members.detail)))
        changed = {name: new for name, new in redacted.items() if bytes(new) != bytes(getattr(members, name))}
        is_repeated = any(document.count(b'"%s"' % name.encode()) > 1 for name in _USERS_OWN)
        if changed or (is_repeated and _repeats_a_key(document)):
            return msgspec.json.encode(_OBJECT.decode(document) | changed)
        return document

    def redact_observation(self, observation: Observation) -> Observation:
        """The observation with its document, and its description if it has one, without secrets."""
        description = observation.description and self.redact(observation.description)
        return observation._replace(document=self.redact(observation.document), description=description)

    def _argument(self, found: re.Match[bytes]) -> bytes:
        """An argument as it was found; its value masked if it is secret."""
        before, key, value = found[1], found[2].decode(), found[3].decode(errors="replace")
        return before + MASK.encode() if self._is_secret_key(key) or self._is_secret_text(value) else found[0]

    def _unreadable(self, document: bytes) -> bytes:
        """What stands for text that is not JSON; empty if it is JSON, as something other than an object may be."""
        wrong = broken.fault(document)
        if wrong is None:
            return b""
        path, reason = wrong
        return msgspec.json.encode({"unreadable": {"path": path, "reason": reason, "text": self._scrubbed(document)}})

    def _member(self, member: msgspec.Raw) -> msgspec.Raw:
        """The member itself where it holds no secret; else with only the secrets replaced."""
        if not bytes(member):  # absent
            return member
        try:
            decoded = msgspec.json.decode(member)
            redacted = self._redacted("", decoded)
        except _UNREADABLE:
            return msgspec.Raw(msgspec.json.encode(MASK))
        # A repeated key shows in the length; spaces and escapes do too, so look again.
        is_all = len(msgspec.json.encode(decoded)) == len(bytes(member)) or not _repeats_a_key(bytes(member))
        if redacted == decoded and is_all:
            return member
        if isinstance(decoded, dict) and is_all:
            received = _OBJECT.decode(member)
            redacted = {key: new if new != decoded[key] else received[key] for key, new in redacted.items()}
        return msgspec.Raw(msgspec.json.encode(redacted))

    def _redacted(self, key: str, value: Any) -> Any:
        if value is None or value == "":
            return value
        if self._is_secret_key(key) or (isinstance(value, str) and self._is_secret_text(value)):
            return MASK
        if isinstance(value, list):
            return [self._redacted("", item) for item in value]
        if isinstance(value, dict):
            label = next((value[name] for name in _LABELS if isinstance(value.get(name), str)), None)
            return {
                name: self._redacted(label if label and name in ("Value", "value") else name, item)
                for name, item in value.items()
            }
        return value

    def _scrubbed(self, text: bytes) -> str:
        """Text that is not JSON, with what is or may be secret masked; all of it, if its strings cannot be told apart.

        Environment and HyperParameters are masked whole, and so is a string that is cut short.
        """
        if not text.lstrip().startswith((b"{", b"[")):
            return MASK
        kept: list[bytes] = []
        position, key, depth = 0, "", 0
        masked_from = masked_depth = None
        tokens = broken.TOKEN.finditer(text)
        token = next(tokens, None)
        while token:
            following = next(tokens, None)
            mark = token[0]
            if mark in (b"{", b"["):
                if masked_from is None and self._hides(key):
                    masked_from, masked_depth = token.start(), depth
                depth += 1
                key = ""
            elif mark in (b"}", b"]", b",", b":"):
                depth -= mark in (b"}", b"]")
                key = key if mark == b":" else ""
            elif masked_from is not None:
                pass
            elif mark.startswith(b'"') and following and following[0] == b":":
                key = broken.unquoted(mark)
            elif mark.startswith(b'"'):
                said = broken.unquoted(mark)
                if said and (not following or self._hides(key) or self._is_secret_text(said)):
                    kept += [text[position : token.start()], b'"%s"' % MASK.encode()]
                    position = token.end()
            elif not _WORDS.fullmatch(mark) and following:
                return MASK
            if masked_from is not None and (depth == masked_depth or not following):
                kept += [text[position:masked_from], b'"%s"' % MASK.encode()]
                position = token.end()
                masked_from = masked_depth = None
            token = following
        return b"".join([*kept, text[position:]]).decode(errors="backslashreplace")

    def _hides(self, key: str) -> bool:
        return key in _USERS_OWN or self._is_secret_key(key)

    def _look_into(self, text: str) -> bool:
        if _SECRET_VALUE.search(text):
            return True
        if "=" in text and any(self._is_secret_key(name) for name in _ASSIGNMENT.findall(text)):
            return True
        if text[0] not in '"{[':
            return False
        try:  # the SDK passes hyperparameters as JSON in a string
            inner = msgspec.json.decode(text)
        except _UNREADABLE:
            return False
        return bool(self._redacted("", inner) != inner)


def looks_secret(key: str) -> bool:
    """Does the key of an entry say that its value is a secret?"""
    words = [word.lower() for word in _WORD.findall(key)]
    if not words or words in (["pwd"], ["oldpwd"]):  # the shell's working directories
        return False
    if _SECRET_PARTS.search("".join(words)):
        return True
    end = _SECRET_END.fullmatch(words[-1])
    return end is not None and not _HARMLESS_BEFORE.fullmatch(end["before"] or "".join(words[-2:-1]))


def _repeats_a_key(text: bytes) -> bool:
    """Whether an object in it has a key twice: only the last counts, so that the first would not be looked at."""

    repeated = []

    def pairs(members: list[tuple[str, Any]]) -> None:
        if len(members) != len({key for key, _ in members}):
            repeated.append(members)

    json.loads(text, object_pairs_hook=pairs, parse_int=str, parse_float=str)
    return bool(repeated)
