"""Vega's script is made once and kept, wherever that is possible."""

import vl_convert

from pipelines.dashboard.page import vega


def test_it_is_made_once(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda **_: made.append(1) or "a script")
    assert [vega(tmp_path / "cache"), vega(tmp_path / "cache")] == ["a script", "a script"]
    assert made == [1]


def test_it_is_made_where_nothing_can_be_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda **_: "a script")
    (tmp_path / "cache").write_text("a file, no folder")
    assert vega(tmp_path / "cache") == "a script"
