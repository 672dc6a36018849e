"""What Spark refuses of SQL that DuckDB takes, in the text of every model: told here in a second, without a Spark."""

import pytest
from sqlglot import exp, parse_one

from pipelines.models.catalogue import load_catalogue
from pipelines.models.functions import functions
from pipelines.shipped import shipped
from pipelines.spark.dialect import in_spark

OF_THE_MODELS = {function.name for function in functions()}


def refused(sql):
    tree = parse_one(in_spark(sql), read="spark")
    for view in tree.find_all(exp.Lateral):
        for function in view.find_all(exp.Anonymous):
            if function.name.lower() in OF_THE_MODELS:
                yield f"{function.name} within unnest: compute it before"
        # A lateral view comes after all joins of its SELECT.
        for join in view.find_ancestor(exp.Select).args.get("joins") or []:
            for column in join.find_all(exp.Column):
                if column.table == view.args["alias"].name:
                    yield f"{column.sql()} in the condition of a join: unnest before, in a CTE"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select 1 as x from a cross join unnest([1, 2]) as e (n) inner join b on e.n = b.n", "e.n in the condition"),
        ("select 1 as x from a cross join unnest([local_time(a.at)]) as e (n)", "LOCAL_TIME within unnest"),
    ],
)
def test_what_is_refused(sql, said):
    (found,) = refused(sql)
    assert found.startswith(said)


def test_no_model_says_it():
    found = {bound.name: list(refused(bound.model.sql)) for bound in load_catalogue(shipped("sql")).models}
    assert not {name: reasons for name, reasons in found.items() if reasons}


def test_what_is_written_out_is_counted_from_0():
    """DuckDB counts the elements of a list from 1."""
    written = {function.name: in_spark(function.expression) for function in functions()}
    assert "AS BIGINT) + 0]" in written["poisson_low"]
    assert "AS BIGINT) + 0]" in written["poisson_high"]


def test_a_group_of_a_pattern_goes_by_java_s_name():
    assert "'$1<time>'" in in_spark(r"select regexp_replace(a, '(^| )x', '\1<time>', 'g') as b from c")
