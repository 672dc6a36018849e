"""Settings: what a user may choose, where it is read from, and what each means.

Here: names, defaults, checks. Read from `trainyard.toml` in the working directory (or at `TRAINYARD_CONFIG`), each also
as an environment variable `TRAINYARD_…`, which wins. Not here: AWS's own settings, which boto3 reads as everywhere.
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from pipelines.errors import TrainyardError
from pipelines.home import BUCKET, working_copy

ROLE_ARN = re.compile(r"arn:[\w-]+:iam::(?P<account_id>\d{12}):role/.+")
OVERLAP_SECONDS = 900
# Which jobs DescribeTrainingJob is asked about.
When = Literal["never", "when-needed", "always"]
_REGION = re.compile(r"[a-z]+(-[a-z]+)+-\d+")
_BUCKET_URL = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^/]+)*")


def _regular_expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


def _region(text: str) -> str:
    if not _REGION.fullmatch(text):
        raise ValueError(f"{text!r} is not a region: write it as eu-west-1")
    return text


def _role_arn(text: str) -> str:
    if not ROLE_ARN.fullmatch(text):
        raise ValueError(f"{text!r} is not the ARN of a role: write it as arn:aws:iam::111122223333:role/trainyard")
    return text


def _home(given: Any, info: ValidationInfo) -> Any:
    """A folder; that of the working copy where a bucket is given."""
    if not isinstance(given, str) or "://" not in given:
        return given
    url = given.rstrip("/")
    if not _BUCKET_URL.fullmatch(url):
        raise ValueError(f"{given!r} is neither a folder nor a bucket: write the latter as {BUCKET}bucket/prefix")
    return working_copy(url, info.data.get("cache", _cache()))


def _cache() -> Path:
    """Where programs keep what they can get again."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trainyard"
    except RuntimeError:  # a user without a home
        return Path(tempfile.gettempdir()) / f"trainyard-{os.geteuid()}"


def _schedule(text: str) -> str:
    import dagster as dg

    try:
        dg.ScheduleDefinition(job_name="refresh", cron_schedule=text)
    except dg.DagsterInvalidDefinitionError:
        raise ValueError(f"{text!r} is not a cron expression of five fields: write it as */15 * * * *") from None
    return text


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("not a time zone, such as `Europe/Berlin`") from None
    return name


def _memory(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*(\.\d+)? ?[KMGT]i?B", text):
        raise ValueError(f"{text!r} is not an amount of memory: write it as 8GiB")
    return text


def _some(sources: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
    if not sources:
        raise ValueError("there is nothing to harvest: name a source, or leave this out for boto3's default")
    return sources


class Engine(StrEnum):
    """What runs the models."""

    duckdb = "duckdb"
    spark = "spark"


class SourceSettings(BaseModel):
    """An account to harvest, in one region or several; credentials are boto3's unless a profile or role is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    regions: tuple[Annotated[str, AfterValidator(_region)], ...] = Field(
        (), description="AWS regions; boto3's default region if there is none.", examples=[["eu-west-1", "us-east-1"]]
    )
    profile: str | None = Field(
        None, description="Name of a profile of the AWS configuration files.", examples=["ml-readonly"]
    )
    role_arn: Annotated[str, AfterValidator(_role_arn)] | None = Field(
        None,
        description="Role to assume, as in another account.",
        examples=["arn:aws:iam::111122223333:role/trainyard"],
    )
    external_id: str | None = Field(None, description="External id that the role asks for.", examples=["given-by-them"])

    @model_validator(mode="after")
    def _external_id_is_of_a_role(self) -> SourceSettings:
        if self.external_id and not self.role_arn:
            raise ValueError("external_id without role_arn: name the role that asks for it")
        return self


class Settings(BaseSettings):
    """Every setting of Trainyard."""

    model_config = SettingsConfigDict(env_prefix="TRAINYARD_", extra="forbid", frozen=True)

    # Before `home`, whose validator reads it.
    cache: Annotated[Path, AfterValidator(Path.absolute)] = Field(
        default_factory=_cache,
        description="Folder for what can be fetched or made again: working copies of data directories in buckets, the"
        " dashboard's script; by default ~/.cache/trainyard.",
        examples=["/var/cache/trainyard"],
    )
    home: Annotated[Path, BeforeValidator(_home)] = Field(
        Path("trainyard-data"),
        description="Data directory: raw documents, lake, builds, warehouse. A folder, or s3://bucket/prefix.",
    )
    sources: Annotated[tuple[SourceSettings, ...], AfterValidator(_some)] = Field(
        (SourceSettings(),), description="Accounts to harvest; boto3's default credentials and region if not given."
    )
    secret_keys: tuple[Annotated[str, AfterValidator(_regular_expression)], ...] = Field(
        (),
        description="Regular expressions; Environment and HyperParameters keys they match are redacted"
        " besides the built-in ones.",
        examples=[["(?i)internal_code"]],
    )
    overlap_seconds: int = Field(
        OVERLAP_SECONDS,
        ge=0,
        le=86_400,
        description="How many seconds late SageMaker's Search may show that a job changed.",
    )
    describe: When = Field(
        "when-needed",
        description="Which jobs DescribeTrainingJob is asked about besides Search, at a call for each: when-needed,"
        " those that have started and lack their transitions; always, every changed one; or never.",
    )
    price_list: bool = Field(
        False,
        description="Whether AWS's Price List is asked, once a day, for the prices in the regions that have jobs.",
    )
    service_quotas: bool = Field(
        False, description="Whether Service Quotas is asked, once a day, for the quotas of each source that has jobs."
    )
    schedule: Annotated[str, AfterValidator(_schedule)] = Field(
        "*/15 * * * *",
        description="When the scheduled refresh runs: a cron expression, UTC.",
        validate_default=False,  # Dagster, which validates it, takes a second to import
    )
    calls_per_second: float = Field(
        5,
        description="Calls a second to SageMaker in each account and region, whose limit all of its users share.",
        gt=0,
        allow_inf_nan=False,
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        "UTC", description="Time zone of the dates, months, hours and weekdays of marts; instants stay UTC."
    )
    engine: Engine = Field(Engine.duckdb, description="What runs the models: duckdb, or spark, which is an extra.")
    cloudwatch: bool = Field(
        False, description="Whether CloudWatch is asked how hard the hardware of jobs worked: a call for 500 metrics."
    )
    memory_limit: Annotated[str, AfterValidator(_memory)] | None = Field(
        None,
        description="Memory that DuckDB may take to build marts, as 8GiB, before it spills to disk; by default 80 %.",
        examples=["8GiB"],
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=_file())


def settings_file() -> Path:
    """Where settings are read from, if it is there."""
    return Path(os.environ.get("TRAINYARD_CONFIG") or "trainyard.toml")


def _file() -> Path:
    named = os.environ.get("TRAINYARD_CONFIG")
    if named and not settings_file().is_file():
        raise TrainyardError(f"TRAINYARD_CONFIG names {named}, which is not a file: correct or unset it")
    return settings_file()


def load_settings() -> Settings:
    """The settings in force here; raises TrainyardError, with where it stands, for what is not allowed."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        what = "there is no such setting" if first["type"] == "extra_forbidden" else first["msg"]
        what = what.removeprefix("Value error, ")
        raise TrainyardError(f"{_place(first['loc'])}: {name}: {what}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise TrainyardError(f"{_file()}:{line}: not UTF-8: save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        told = re.search(r"at line (\d+)", str(error))  # or "at end of document"
        line = int(told[1]) if told else _file().read_text("utf-8").rstrip().count("\n") + 1
        raise TrainyardError(f"{_file()}:{line}: not TOML: {error}") from None
    except SettingsError as error:
        field = re.search(r'field "(\w+)"', str(error))
        where = _variable(field[1]) if field else "TRAINYARD_…"
        raise TrainyardError(f"{where}: not JSON, which settings with several values are written as") from None


def _variable(field: str) -> str:
    return f"TRAINYARD_{field}".upper()


def _place(loc: tuple[int | str, ...]) -> str:
    """Where the setting at ``loc`` was set: the environment variable, or file and line."""
    variable = _variable(str(loc[0]))
    if variable in {name.upper() for name in os.environ}:
        return variable
    text = _file().read_text("utf-8")
    return f"{_file()}:{_line(text, loc)}"


def _line(text: str, loc: tuple[int | str, ...]) -> int:
    """The line of a TOML text at which the statement begins that brings in what is at ``loc``."""
    lines, begin = text.split("\n"), 1
    for number in range(1, len(lines) + 1):
        try:
            settings = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:  # amid a statement of several lines
            continue
        if _has(settings, loc):
            return begin
        begin = number + 1
    return _line(text, loc[:-1])  # it is something missing there that is wrong


def _has(value: Any, loc: tuple[int | str, ...]) -> bool:
    try:
        for part in loc:
            value = value[part]
    except (KeyError, IndexError, TypeError):
        return False
    return True
