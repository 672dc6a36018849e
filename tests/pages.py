"""The pages of documentation, and the blocks of code in them.

Not here: what is done with them (``test_docs``, ``clients``).
"""

import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", flags=re.MULTILINE | re.DOTALL)


def blocks(*languages):
    """The page, by its name without suffix, and the text of each block of code in some languages."""
    return [
        pytest.param(page.stem, textwrap.dedent(text), id=f"{page.stem}-{number}")
        for page in PAGES
        for number, (_, found, text) in enumerate(BLOCK.findall(page.read_text()))
        if found in languages
    ]


def block(page, words):
    """The text of the one block of a page that has these words."""
    pages = {path.stem: path for path in PAGES}
    (text,) = (text for _, _, text in BLOCK.findall(pages[page].read_text()) if words in text)
    return textwrap.dedent(text)
