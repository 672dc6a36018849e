"""Data and scripts inside an HTML file: nothing in them ends the element that they are in.

Not here: which they are.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from typing import Any


def embedded(value: Any) -> str:
    """JSON that a script element can hold: no text in it ends that, or begins a comment."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def inline_script(text: str) -> str:
    """A script whose own texts do not end the element that it is in."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def policy_hash(script: str) -> str:
    """A script as the page's policy names it."""
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
