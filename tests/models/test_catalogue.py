"""Files of SQL become models with documentation, checks and order; what is wrong in them is said with its line."""

import pytest

from pipelines.errors import TrainyardError
from pipelines.models.catalogue import load_catalogue
from pipelines.shipped import shipped
from tests.models.projects import catalogue_of

LONG = """-- One row per job
-- that took its time.
-- @unique: job,
-- seconds
-- @check not_negative: seconds >= 0

with long as ( -- not the final one
    select job, seconds, 'a, -- b' as text from lake.jobs where seconds > 60
)

select
    long.job,
    case when seconds > (select 1) then 'it''s, -- slow' end as speed, -- How slow: ein Maß.
    seconds
    * 1000
    + 0 as "milli seconds", -- Thousandths, -- and a comma.
    seconds is distinct from null as is_known, -- Whether it is known.
    seconds -- Seconds it took.
from long
where job in (select job from lake.jobs)
"""


def test_a_model_is_read_whole(tmp_path):
    (bound,) = catalogue_of(tmp_path, marts__long=LONG).models
    assert bound.table.comment == "One row per job that took its time."
    assert {column.name: (column.type, column.comment) for column in bound.table.columns} == {
        "job": ("VARCHAR", "Name of the job."),
        "speed": ("VARCHAR", "How slow: ein Maß."),
        "milli seconds": ("BIGINT", "Thousandths, -- and a comma."),
        "is_known": ("BOOLEAN", "Whether it is known."),
        "seconds": ("BIGINT", "Seconds it took."),
    }
    assert bound.model.dependencies == {"lake.jobs"}
    assert [check.name for check in bound.model.checks] == ["unique_job_and_seconds", "not_negative"]


def test_models_come_after_what_they_and_their_checks_read(tmp_path):
    catalogue = catalogue_of(
        tmp_path,
        marts__a="-- One row per job.\n-- @check known: job in (select job from marts.b)\nselect job from lake.jobs",
        marts__b="-- One row per job.\nselect job from staging.c",
        staging__c="-- One row per job.\nselect job from lake.jobs",
    )
    assert [bound.name for bound in catalogue.models] == ["staging.c", "marts.b", "marts.a"]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select job from lake.jobs", ":1: the comment at the top must begin with the grain"),
        ("", ":1: the comment at the top must begin with the grain"),
        ("-- One row: x.\nselect job\nfrom lake.jbos", ":3: there is no relation lake.jbos"),
        ("-- One row: x.\nselect\n    job,\n    sceonds -- X.\nfrom lake.jobs", ":4: Binder Error"),
        ("-- One row: x.\nselect\n    job\nfrom lake.jobs where", ":4: syntax error"),
        ("-- One row: x.\nselect\n    job,\n    1 as one\nfrom lake.jobs", ":4: column one has no sentence"),
        ("-- One row: x.\nselect\n    1 as one, 2 as two -- Two.\nfrom lake.jobs", ":3: column one has no sentence"),
        (
            "-- One row: x.\nselect\n    1 as one -- One.\n    , 2 as two -- Two.\nfrom lake.jobs",
            ":3: column one has no",
        ),
        ("-- One row: x.\nselect 1 as one from lake.jobs -- All.", ":2: column one has no sentence"),
        (
            "-- One row: x.\nselect\n    1 as one, -- A.\n    2 as one -- B.\nfrom lake.jobs",
            ":4: there are two columns one",
        ),
        ("-- One row: x.\nselect job\nfrom lake.jobs;\n", ':3: Parser Error: syntax error at or near ";"'),
        ("-- One row: x.\nselect job from lake.jobs; select 1", ':2: Parser Error: syntax error at or near ";"'),
        ("-- One rowboat.\nselect job from lake.jobs", ":1: the comment at the top must begin with the grain"),
        ("-- One row: x.\nselect seconds + 1 -- X.\nfrom lake.jobs", "name each with `as`"),
        ("-- One row: x.\nselect * from lake.jobs", "name each with `as`"),
        ("-- One row: x.\n-- @check sane: jbo > 1\nselect job from lake.jobs", ":2: check sane: Binder Error"),
        ("-- One row: x.\n-- @unique: jbo\nselect job from lake.jobs", "check unique_jbo: Binder Error"),
        ("-- One row: x.\nselect job from marts.wrong", "in a circle: marts.wrong -> marts.wrong"),
        ("-- One row: x.\n-- @chek sane: true\nselect job from lake.jobs", ":1: unknown annotation `@chek sane: true`"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(sql, said, tmp_path):
    with pytest.raises(TrainyardError, match=said) as error:
        catalogue_of(tmp_path, marts__wrong=sql)
    assert str(error.value).startswith(f"{tmp_path}/marts/wrong.sql:")
    assert "\n" not in str(error.value)


def test_models_that_read_each_other_are_refused(tmp_path):
    with pytest.raises(TrainyardError, match="in a circle: "):
        catalogue_of(
            tmp_path,
            marts__a="-- One row: x.\nselect job from marts.b",
            marts__b="-- One row: x.\nselect job from marts.a",
        )


@pytest.fixture(scope="module")
def own_models():
    return load_catalogue(shipped("sql")).models


def test_every_model_has_a_key_or_is_one_row(own_models):
    checked = {bound.name for bound in own_models if any(c.name.startswith("unique_") for c in bound.model.checks)}
    single = {bound.name for bound in own_models if bound.table.comment.startswith("One row:")}
    assert {bound.name for bound in own_models} - checked - single == set()


def test_marts_have_types_that_every_client_reads(own_models):
    odd = {
        f"{bound.name}.{column.name}": column.type
        for bound in own_models
        for column in bound.table.columns
        if bound.table.schema == "marts"
        and column.type not in ("VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "TIMESTAMP", "DATE")
    }
    assert odd == {}


def test_the_same_column_has_the_same_type_everywhere(own_models):
    types = {}
    for bound in own_models:
        for column in bound.table.columns:
            types.setdefault(column.name, set()).add(column.type)
    assert {name: found for name, found in types.items() if len(found) > 1} == {}
