"""The files of `deploy/` agree with each other, with the project, and with the Dagster that is installed.

Not here: Docker, which builds and starts them.
"""

import json
import re
import tomllib
from fnmatch import fnmatch
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
DAGSTER, AT_ROOT = (yaml.safe_load((folder / "dagster.yaml").read_text()) for folder in (DEPLOY, ROOT))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")
COPIED = [
    source
    for words in re.findall(r"^COPY (?!--from)(?:--chown=\S+ )?(.+)$", DOCKERFILE, flags=re.MULTILINE)
    for source in words.split()[:-1]
]
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "trainyard"}


def test_what_is_copied_is_there_and_not_ignored():
    ignored = [line for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] not in "#"]
    assert ignored[0] == "*"
    for source in COPIED:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored
    assert not any(fnmatch(secret, line[1:]) for secret in ("trainyard.toml", ".git", "deploy") for line in ignored[1:])


def test_what_the_package_is_made_of_is_copied():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [*wheel["packages"], *wheel["force-include"], project["project"]["readme"]]
    assert {*needed, *project["project"]["license-files"], "pyproject.toml", "requirements.lock"} <= set(COPIED)


def test_dagster_has_what_it_is_started_with():
    (settings,) = re.findall(r"^ENV (.+)$", DOCKERFILE, flags=re.MULTILINE)
    home = dict(setting.split("=", 1) for setting in settings.split())
    assert f"deploy/dagster.yaml deploy/workspace.yaml {home['DAGSTER_HOME']}/" in DOCKERFILE
    volumes = json.loads(re.search(r"^VOLUME (.+)$", DOCKERFILE, flags=re.MULTILINE)[1])
    kept = {mount.split(":")[1] for service in OURS.values() for mount in service["volumes"]}
    assert kept == set(volumes)
    assert home["TRAINYARD_HOME"] in kept
    assert {Path(part["config"]["base_dir"]).parts[:4] for part in (DAGSTER["local_artifact_storage"],)} <= {
        Path(volume).parts for volume in volumes
    }


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_is_installed(name, monkeypatch):
    for command in (OURS[name]["command"], OURS[name].get("healthcheck", {}).get("test", ["CMD"])[1:]):
        if command:
            assert_takes(command, monkeypatch)


def test_the_image_shows_what_the_command_does(monkeypatch):
    assert_takes(json.loads(DOCKERFILE.rsplit("CMD ", 1)[1]), monkeypatch)


def assert_takes(command, monkeypatch):
    """The command is there, and knows these options: with `--help` it says so and does nothing."""
    (script,) = entry_points(group="console_scripts", name=command[0])
    monkeypatch.setattr("sys.argv", [*command, "--help"])
    with pytest.raises(SystemExit) as ended:
        script.load()()
    assert not ended.value.code


def test_dagster_finds_the_code_where_it_is_served():
    ((location,),) = (found.values() for found in yaml.safe_load((DEPLOY / "workspace.yaml").read_text())["load_from"])
    command = OURS[location["host"]]["command"]
    assert str(location["port"]) == command[command.index("--port") + 1]
    for name in ("webserver", "daemon"):
        assert location["host"] in OURS[name]["depends_on"]


def test_the_storage_is_that_of_the_composition_and_its_password_is_in_no_file():
    storage, database = DAGSTER["storage"]["postgres"]["postgres_db"], COMPOSE["services"]["postgres"]["environment"]
    assert (storage["username"], storage["db_name"]) == (database["POSTGRES_USER"], database["POSTGRES_DB"])
    for service in OURS.values():
        assert service["environment"][storage["hostname"]["env"]] in COMPOSE["services"]
        assert service["environment"][storage["password"]["env"]].startswith("${DAGSTER_POSTGRES_PASSWORD:?")
    assert database["POSTGRES_PASSWORD"] == "${DAGSTER_POSTGRES_PASSWORD}"


def test_the_pages_are_for_this_machine_alone():
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert ports == {"webserver": ["127.0.0.1:3000:3000"]}


def test_all_else_is_as_at_the_root():
    where = {"storage", "local_artifact_storage", "compute_logs"}
    own = {name: value for name, value in DAGSTER.items() if name not in where}
    assert own == {name: value for name, value in AT_ROOT.items() if name not in where}
