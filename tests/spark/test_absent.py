"""What a user is told who has no Spark."""

import sys

import pytest

from pipelines.config import Engine
from pipelines.errors import TrainyardError
from pipelines.models.build import Build, start_build
from tests.models.projects import catalogue_of


def test_without_the_extra_the_error_says_how_to_have_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    catalogue = catalogue_of(tmp_path / "sql", marts__jobs="-- One row per job.\n\nselect job from lake.jobs")
    build = start_build(tmp_path / "builds" / "b", {"lake.jobs": "select 'a' as job, 1::bigint as seconds"}, {})
    with pytest.raises(TrainyardError, match=r"trainyard\[spark\]"):
        Build(build.folder, engine=Engine.spark).run(catalogue.models[0])
