"""JSON that strict parsers refuse: a surrogate escape without its other half, as where a long text was cut.

Here: the one repair, so that one job's text does not cost a page or a file. Not here: deciding when it is needed.
"""

import re

_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)


def mended(text: bytes) -> bytes:
    """The text with each lone surrogate escape replaced by the one of U+FFFD; all else is kept."""
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape["lone"] else escape[0], text)
