"""`trainyard init` writes a file that sets nothing, and that sets what it shows once its comments are taken away."""

import re
from typing import get_args

import pytest

from pipelines.config import Settings, SourceSettings, load_settings
from pipelines.first_settings import first_settings
from tests.main_job import trainyard


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRAINYARD_HOME", raising=False)
    return tmp_path


def test_as_written_it_sets_nothing(empty_folder):
    default = load_settings()
    (empty_folder / "trainyard.toml").write_text(first_settings())
    assert load_settings() == default


def test_uncommented_every_setting_is_set_as_shown(empty_folder):
    text = re.sub(r"(?m)^# ((?:# )?.*=|\[\[)", r"\1", first_settings())
    (empty_folder / "trainyard.toml").write_text(text)
    settings = load_settings()
    assert settings.model_fields_set == set(Settings.model_fields)
    (source,) = settings.sources
    assert source.model_fields_set == set(SourceSettings.model_fields)
    for name, field in Settings.model_fields.items():
        if not field.examples and name != "sources":
            assert getattr(settings, name) == getattr(Settings(), name)
    assert all(str(field.description)[:40] in first_settings() for field in Settings.model_fields.values())


def test_what_may_be_chosen_is_told():
    choices = {name: get_args(field.annotation) for name, field in Settings.model_fields.items()}
    choices = {name: values for name, values in choices.items() if values and all(isinstance(v, str) for v in values)}
    assert "describe" in choices
    for name, values in choices.items():
        assert [value for value in values if value not in Settings.model_fields[name].description] == []


def test_the_command_writes_it_once(tmp_path):
    file = tmp_path / "own.toml"
    home = tmp_path / "home"
    assert str(file) in trainyard("init", home=home, TRAINYARD_CONFIG=str(file)).stdout
    assert file.read_text() == first_settings()
    file.write_text("# mine\n")
    failed = trainyard("init", home=home, check=False, TRAINYARD_CONFIG=str(file))
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
    assert file.read_text() == "# mine\n"
