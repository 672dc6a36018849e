"""The plots in Dagster: each is of a mart that there is and of its rows, and a picture that a browser shows."""

import base64
import re
import struct
import zlib

import duckdb
import pytest
import vl_convert

from pipelines.assets.plots import COLOURS, DAYS, PLOTS, drawn, last_days, specification
from pipelines.assets.png import packed
from pipelines.models.catalogue import load_catalogue
from pipelines.shipped import shipped


def test_each_is_of_a_mart():
    assert PLOTS.keys() <= {table.qualified_name for table in load_catalogue(shipped("sql")).marts}


@pytest.mark.parametrize("mart", PLOTS)
def test_it_is_a_picture(made_home, mart):
    with duckdb.connect(str(made_home.warehouse), read_only=True) as connection:
        rows = connection.execute(last_days(PLOTS[mart])).fetchall()
    assert rows
    assert len({of for _, _, of in rows}) <= COLOURS
    assert max(at for at, _, _ in rows) - min(at for at, _, _ in rows) < DAYS * 86_400_000
    title, picture = re.fullmatch(r"!\[(.+)\]\(data:image/png;base64,(.+)\)", drawn(PLOTS[mart], rows).value).groups()
    assert title == PLOTS[mart].title
    png = base64.b64decode(picture)
    width, height = struct.unpack(">II", png[16:24])
    assert png.startswith(b"\x89PNG")
    assert width > height > 100
    assert len(png) < 40_000


def test_a_packed_picture_is_the_same():
    spec = {"data": {"values": [{"x": 1}]}, "mark": "bar", "encoding": {"x": {"field": "x", "type": "nominal"}}}
    picture = vl_convert.vegalite_to_png(spec)
    assert len(packed(picture)) < len(picture)
    assert read(packed(picture)) == read(picture)


def read(png):
    """The first chunk, its pixels, and the kinds of all chunks, whose sums are right."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = [], 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind_and_data, (crc,) = png[at + 4 : at + 8 + length], struct.unpack_from(">I", png, at + 8 + length)
        assert zlib.crc32(kind_and_data) == crc
        chunks.append((kind_and_data[:4], kind_and_data[4:]))
        at += 12 + length
    pixels = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    return chunks[0], pixels, {kind for kind, _ in chunks}


def test_days_are_those_of_the_mart(made_home):
    plot = PLOTS["marts.utilization_daily"]
    with duckdb.connect(str(made_home.warehouse), read_only=True) as connection:
        drawn_rows = connection.execute(last_days(plot)).fetchall()
        told = connection.execute("select date, instance_hours from marts.utilization_daily").fetchall()
    last = max(date for date, _ in told)
    expected = sum(hours for date, hours in told if (last - date).days < DAYS)
    assert sum(value for _, value, _ in drawn_rows) == pytest.approx(expected)


def test_nothing_is_drawn_for_days_without_rows():
    rows = [(day * 86_400_000, 1.0, of) for day, of in ((0, "a"), (1, "b"), (20, "a"), (30, "b"))]
    picture = vl_convert.vegalite_to_svg(specification(PLOTS["marts.utilization_daily"], rows))
    assert picture.count('aria-roledescription="bar"') == len(rows)


def test_whatever_a_status_is_called_it_is_drawn():
    rows = [
        (0, 1.0, name) for name in ("\x1b[31mred", "nul\x00", "\ufffe", "<b>&amp;", "x" * 5000, "two\nlines", "\u202e")
    ]
    assert drawn(PLOTS["marts.secondary_status_time_daily"], rows).value.startswith("![")


def test_of_nothing_there_are_words():
    assert drawn(PLOTS["marts.queue_wait_monthly"], []).value == (
        "Median wait to start, seconds, by month: nothing to draw yet"
    )
