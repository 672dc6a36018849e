"""Settings come from the file and the environment, and what is wrong is said in one line."""

import pytest

from pipelines.config import Settings, load_settings
from pipelines.errors import TrainyardError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "SOURCES", "SECRET_KEYS", "SCHEDULE", "TIME_ZONE", "CALLS_PER_SECOND", "CONFIG"):
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


SOURCES = """\
# Accounts to harvest
schedule = "0 * * * *"

[[sources]]
regions = [
    "eu-west-1",
    "us-east-1",
]

[[sources]]
profile = "ml"  # the [[sources]] of another team
regions = ["us-west-2"]
"""


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('hom = "x"', 1, "hom: there is no such setting"),
        (SOURCES.replace("profile", "profil"), 11, "sources.1.profil: there is no such setting"),
        (SOURCES.replace("us-east-1", "us_east_1"), 5, "sources.0.regions.1: 'us_east_1' is not a region"),
        (SOURCES.replace("us-west-2", "west"), 12, "sources.1.regions.0: 'west' is not a region"),
        (SOURCES.replace('profile = "ml"', "profile = 7"), 11, "sources.1.profile: Input should be a valid string"),
        (SOURCES.replace('profile = "ml"', 'external_id = "x"'), 10, "sources.1: external_id without role_arn"),
        (
            '\n[[sources]]\n\nrole_arn = "arn:aws:iam::1:role/x"',
            4,
            "sources.0.role_arn: 'arn:aws:iam::1:role/x' is not",
        ),
        ('home = """\nx"""\nsources = [{regions = ["west"]}]', 3, "sources.0.regions.0"),
        ('secret_keys = ["a", "("]', 1, "secret_keys.1: not a regular expression"),
        ('schedule = "daily"', 1, "schedule: 'daily' is not a cron expression"),
        ('\nschedule = "61 * * * *"', 2, "schedule: '61 * * * *' is not a cron expression"),
        ('home = "x"\nsources = []', 2, "sources: there is nothing to harvest"),
        ("\ncalls_per_second = 0", 2, "calls_per_second: Input should be greater than 0"),
        ('home = "x"\nschedule = ', 2, "not TOML"),
        ("home = ", 1, "not TOML"),
        ('home = "x"\nhome = "y"\n', 2, "not TOML"),
        ('time_zone = "Mars/Base"', 1, "time_zone: not a time zone"),
        ('memory_limit = "8 gigs"', 1, "memory_limit: '8 gigs' is not an amount of memory"),
        ('time_zone = "../UTC"', 1, "time_zone: not a time zone"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_by_its_line(empty_folder, text, line, said):
    (empty_folder / "trainyard.toml").write_text(text)
    with pytest.raises(TrainyardError) as error:
        load_settings()
    assert f"trainyard.toml:{line}: {said}" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_text_is_named_by_its_line(empty_folder):
    (empty_folder / "trainyard.toml").write_bytes(b'home = "x"\n# caf\xe9\n')
    with pytest.raises(TrainyardError, match=r"trainyard\.toml:2: not UTF-8"):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TRAINYARD_SOURCES", "us-east-1", "TRAINYARD_SOURCES: not JSON"),
        ("TRAINYARD_SOURCES", "[]", "TRAINYARD_SOURCES: sources: there is nothing to harvest"),
        ("TRAINYARD_SOURCES", '[{"region": "us-east-1"}]', "TRAINYARD_SOURCES: sources.0.region: there is no such"),
        ("TRAINYARD_CALLS_PER_SECOND", "many", "TRAINYARD_CALLS_PER_SECOND: calls_per_second: Input should be a valid"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named_by_its_variable(empty_folder, monkeypatch, variable, value, said):
    (empty_folder / "trainyard.toml").write_text('calls_per_second = "none"\n' + SOURCES)
    monkeypatch.setenv("TRAINYARD_CALLS_PER_SECOND", "7")
    monkeypatch.setenv(variable, value)
    with pytest.raises(TrainyardError) as error:
        load_settings()
    assert str(error.value).startswith(said)


def test_a_file_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setenv("TRAINYARD_CONFIG", "nowhere.toml")
    with pytest.raises(TrainyardError, match=r"nowhere\.toml"):
        load_settings()


def test_every_setting_is_described():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
