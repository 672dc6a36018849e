"""Settings come from the file and the environment, and what is wrong is said in one line."""

import pytest

from pipelines.config import Settings, load_settings
from pipelines.errors import TrainyardError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "SOURCES", "SECRET_KEYS", "SCHEDULE", "TIME_ZONE", "CONFIG"):
        monkeypatch.delenv(f"TRAINYARD_{name}", raising=False)
    return tmp_path


def test_without_a_file_there_is_one_default_source():
    settings = load_settings()
    assert str(settings.home) == "trainyard-data"
    assert [source.regions for source in settings.sources] == [()]


def test_the_environment_wins_over_the_file(empty_folder, monkeypatch):
    (empty_folder / "trainyard.toml").write_text(
        'home = "here"\nschedule = "0 * * * *"\n[[sources]]\nregions = ["eu-west-1", "us-east-1"]\nprofile = "ml"\n'
    )
    monkeypatch.setenv("TRAINYARD_HOME", "there")
    settings = load_settings()
    assert (str(settings.home), settings.schedule) == ("there", "0 * * * *")
    assert settings.sources[0].regions == ("eu-west-1", "us-east-1")


def test_the_file_may_be_elsewhere(empty_folder, monkeypatch):
    (empty_folder / "other.toml").write_text('home = "elsewhere"\n')
    monkeypatch.setenv("TRAINYARD_CONFIG", str(empty_folder / "other.toml"))
    assert str(load_settings().home) == "elsewhere"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('hom = "x"', "'hom'"),
        ('[[sources]]\nregion = "x"', "'sources.0.region'"),
        ('[[sources]]\nrole_arn = "trainyard"', "'sources.0.role_arn'"),
        ('secret_keys = ["("]', "not a regular expression"),
        ('time_zone = "Mars/Base"', "not a time zone"),
        ('time_zone = "../UTC"', "not a time zone"),
        ("home = ", "settings cannot be read"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(empty_folder, text, said):
    (empty_folder / "trainyard.toml").write_text(text)
    with pytest.raises(TrainyardError, match=said) as error:
        load_settings()
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setenv("TRAINYARD_CONFIG", "nowhere.toml")
    with pytest.raises(TrainyardError, match=r"nowhere\.toml"):
        load_settings()


def test_every_setting_is_described():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
