"""Settings: what a user may choose, where it is read from, and what each means.

Here: names, defaults, checks. Read from `trainyard.toml` in the working directory (or at `TRAINYARD_CONFIG`), each also
as an environment variable `TRAINYARD_…`, which wins. Not here: AWS's own settings, which boto3 reads as everywhere.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from pipelines.errors import TrainyardError


def _regular_expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("not a time zone, such as `Europe/Berlin`") from None
    return name


class SourceSettings(BaseModel):
    """An account to harvest, in one region or several; credentials are boto3's unless a profile or role is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    regions: tuple[str, ...] = Field((), description="AWS regions; boto3's default region if there is none.")
    profile: str | None = Field(None, description="Name of a profile of the AWS configuration files.")
    role_arn: str | None = Field(None, description="Role to assume, as in another account.", pattern=r"^arn:")
    external_id: str | None = Field(None, description="External id that the role asks for.")


class Settings(BaseSettings):
    """Every setting of Trainyard."""

    model_config = SettingsConfigDict(env_prefix="TRAINYARD_", extra="forbid", frozen=True)

    home: Path = Field(Path("trainyard-data"), description="Data directory: raw documents, lake, builds, warehouse.")
    sources: tuple[SourceSettings, ...] = Field(
        (SourceSettings(),), description="Accounts to harvest; boto3's default credentials and region if not given."
    )
    secret_keys: tuple[Annotated[str, AfterValidator(_regular_expression)], ...] = Field(
        (),
        description="Regular expressions; Environment and HyperParameters keys they match are redacted"
        " besides the built-in ones.",
    )
    time_zone: Annotated[str, AfterValidator(_time_zone)] = Field(
        "UTC", description="Time zone of the dates, months, hours and weekdays of marts; instants stay UTC."
    )
    schedule: str = Field("*/15 * * * *", description="When the scheduled refresh runs: a cron expression, UTC.")

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


def _file() -> Path | None:
    named = os.environ.get("TRAINYARD_CONFIG")
    if named and not Path(named).is_file():
        raise TrainyardError(f"TRAINYARD_CONFIG names {named}, which is not a file: correct or unset it")
    return Path(named or "trainyard.toml")


def load_settings() -> Settings:
    """The settings in force here; raises TrainyardError for what cannot be read or is not allowed."""
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TrainyardError(f"setting {where!r}: {first['msg']}: correct trainyard.toml or TRAINYARD_…") from None
    except (tomllib.TOMLDecodeError, SettingsError) as error:
        raise TrainyardError(f"settings cannot be read: {error}") from None
    return settings
