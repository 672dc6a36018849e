"""The main job on the made fleet: bit by bit as at once, quiet when nothing changed, honest when something failed."""

import json
import re

import pytest

from pipelines.config import Settings, SourceSettings
from pipelines.errors import TrainyardError
from pipelines.harvest.archive import RawArchive
from pipelines.harvest.harvest import harvest
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.lake.manifest import read_manifest
from pipelines.models import parts
from pipelines.refresh import Part, refresh
from pipelines.simulator import Fault, Fleet, Simulator
from pipelines.simulator.made_fleet import made_documents
from tests import few_models
from tests.main_job import CREDENTIALS, build_directly, lake, only_the_simulator, published, trainyard
from tests.models.projects import write
from tests.simulator.made import T0, job

HOUR = 3600
END = 1_790_812_800


@pytest.fixture(autouse=True)
def no_settings_of_ones_own(monkeypatch, tmp_path):
    only_the_simulator(monkeypatch)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def fleet():
    """The made fleet's last two months."""
    documents = made_documents(seed=11, jobs=2000, end=END)
    return Fleet(document for document in documents if document["CreationTime"] > END - 61 * 24 * HOUR)


def sorted_rows(tables, *ignored):
    return {
        name: sorted(repr({k: v for k, v in row.items() if k not in ignored}) for row in rows)
        for name, rows in tables.items()
    }


def test_harvested_and_built_bit_by_bit_as_at_once(fleet, monkeypatch, tmp_path):
    at_once, often = Home(tmp_path / "at-once"), Home(tmp_path / "often")
    with Simulator(fleet) as simulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", simulator.url)
        end = simulator.now
        harvest(Settings(home=at_once.root))
        expected = dict(build_directly(at_once))
        # By month, and many of them from an earlier build.
        monkeypatch.setattr(parts, "JOBS_A_PART", 1)
        # The first look is a day and a half before the end, when most jobs have ended.
        for hours in range(36, 0, -3):
            simulator.set_time(end - hours * HOUR)
            (outcome,) = harvest(Settings(home=often.root))
            assert outcome.error is None
            load(often)
            if hours == 12:
                build_directly(often)
        assert read_manifest(often.lake).generation > 5
        simulator.set_time(end)
        refresh(Settings(home=often.root), Part.ALL, print)
    assert sorted_rows(lake(often), "observed_at") == sorted_rows(lake(at_once), "observed_at")
    marts = published(often.warehouse)
    assert marts.pop("build_info") != expected.pop("build_info")
    assert sorted_rows(marts, "observed_at") == sorted_rows(expected, "observed_at")


def test_a_quiet_run_makes_one_call_and_rewrites_nothing(fleet, models, monkeypatch, tmp_path):
    few_models.use(monkeypatch.setattr, models)
    home = Home(tmp_path / "home")
    with Simulator(fleet) as simulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", simulator.url)
        refresh(Settings(home=home.root), Part.ALL, print)
        before = {
            path: path.stat().st_mtime_ns for path in [*home.lake.rglob("*"), *home.raw.rglob("*")] if path.is_file()
        }
        marts = published(home.warehouse)
        simulator.calls.clear()
        refresh(Settings(home=home.root), Part.ALL, print)
        assert simulator.calls == {"Search": 1}
    after = {path: path.stat().st_mtime_ns for path in [*home.lake.rglob("*"), *home.raw.rglob("*")] if path.is_file()}
    assert after == before
    again = published(home.warehouse)
    assert again.pop("build_info") != marts.pop("build_info")
    assert sorted_rows(again) == sorted_rows(marts)


def test_a_region_that_fails_keeps_its_rows_and_the_run_says_so(fleet, models, tmp_path):
    home = tmp_path / "home"
    sources = [{"role_arn": "arn:aws:iam::111122223333:role/trainyard", "regions": ["us-east-1", "us-west-2"]}]
    with Simulator(fleet) as simulator:
        surroundings = CREDENTIALS | {"AWS_ENDPOINT_URL": simulator.url, "TRAINYARD_SOURCES": json.dumps(sources)}
        trainyard("run", home=home, models=models, **surroundings)
        before = sorted_rows(published(home / "warehouse.duckdb", "lake"))["training_jobs"]
        for operation in ("Search", "ListTrainingJobs"):
            simulator.inject(Fault(kind="access-denied", operation=operation, count=1))
        failed = trainyard("run", home=home, models=models, check=False, **surroundings)
    assert failed.returncode == 1
    line = failed.stderr.strip().splitlines()[-1]
    assert "every_source_harvested" in line
    assert "sagemaker:ListTrainingJobs" in line
    assert sorted_rows(published(home / "warehouse.duckdb", "lake"))["training_jobs"] == before


def test_a_check_that_forbids_to_publish_says_of_which_rows_and_what_to_do(monkeypatch, tmp_path):
    check = "-- @check has_ended: status <> 'InProgress'\n-- @unique"
    text = few_models.MODELS["marts__jobs"].replace("-- @unique", check)
    write(tmp_path / "models", **few_models.MODELS | {"marts__jobs": text})
    few_models.use(monkeypatch.setattr, tmp_path / "models")
    open_job = job("open", T0, TrainingJobStatus="InProgress")
    with Simulator(Fleet([job("ended", T0), open_job])) as simulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", simulator.url)
        with pytest.raises(TrainyardError) as error:
            refresh(Settings(home=tmp_path / "home"), Part.ALL, print)
    said = str(error.value)
    assert said.startswith("marts.jobs fails its check has_ended for 1 of its rows, such as | ")
    assert open_job["TrainingJobArn"] in said
    assert "Nothing was published" in said
    assert "run `trainyard build`" in said


def test_the_planted_secrets_are_nowhere_below_the_data_directory(fleet, monkeypatch, tmp_path):
    home = Home(tmp_path / "home")
    assert "planted-secret" in json.dumps(fleet.documents)
    with Simulator(fleet) as simulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", simulator.url)
        harvest(Settings(home=home.root, sources=(SourceSettings(),)))
    load(home)
    assert "planted-secret" not in repr(lake(home))
    archive = RawArchive(home.raw)
    lines = [line for source in archive.sources() for batch in archive.batches(source) for line in archive.read(batch)]
    assert lines
    assert not any(b"planted-secret" in line for line in lines)


def test_rebuild_gives_the_same_lake(fleet, models, monkeypatch, tmp_path):
    few_models.use(monkeypatch.setattr, models)
    home = Home(tmp_path / "home")
    with Simulator(fleet) as simulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", simulator.url)
        refresh(Settings(home=home.root), Part.ALL, print)
    before = sorted_rows(lake(home))
    refresh(Settings(home=home.root), Part.FROM_RAW, print, from_scratch=True)
    assert sorted_rows(lake(home)) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["query", "select 1"], "trainyard run"),
        (["import", "nowhere.ndjson"], "nowhere.ndjson"),
        (["simulate", "nowhere.ndjson"], "nowhere.ndjson"),
        (["run", "--fast"], "No such option: --fast"),
        (["nothing"], "'nothing': `trainyard --help` tells what there is"),
        (["simulate", "--port", "99999"], "'--port': Input should be less than or equal to 65535: `trainyard"),
        (["query"], "'sql': `trainyard query --help` tells what there is"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(arguments, said, tmp_path):
    failed = trainyard(*arguments, home=tmp_path / "home", check=False)
    assert failed.returncode != 0
    assert said in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1


def test_a_dagster_home_that_is_none_is_an_error_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(TrainyardError, match=r"^.*nowhere.*: correct or unset DAGSTER_HOME$"):
        refresh(Settings(home=tmp_path / "home"), Part.FROM_LAKE, print)


@pytest.mark.parametrize("broken", ["storage: [", "nonsense: 1", "- a list", "\udcff"])
def test_a_dagster_yaml_that_is_broken_is_an_error_in_one_line_that_names_it(broken, monkeypatch, tmp_path):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    file = tmp_path / "dagster.yaml"
    file.write_text(broken, errors="surrogateescape")
    with pytest.raises(TrainyardError) as error:
        refresh(Settings(home=tmp_path / "home"), Part.FROM_LAKE, print)
    assert re.fullmatch(rf"{file}: .{{10,350}}: correct it, or unset DAGSTER_HOME", str(error.value))


def test_without_a_command_the_help_is_shown_and_nothing_else(tmp_path):
    asked = trainyard(home=tmp_path / "home", check=False)
    assert (asked.returncode, asked.stderr) == (1, "")
    assert "Usage: trainyard" in asked.stdout
