"""A user's reference rows join those of the project or replace them; a file that cannot be read says so in one line."""

import duckdb
import pytest

from pipelines.errors import TrainyardError
from pipelines.models.reference import FAILURE_RULES as RULES
from pipelines.models.reference import INSTANCE_TYPES as TYPES
from pipelines.models.reference import PRICES, QUOTAS, REFERENCE_TABLES, select_reference
from pipelines.shipped import shipped

TYPES_HEADER = ",".join(column.name for column in TYPES.table.columns)
RULES_HEADER = ",".join(column.name for column in RULES.table.columns)
PRICES_HEADER = "instance_type,region,is_spot,valid_from,price_per_hour"  # as files had it before there were more
QUOTAS_HEADER = "account_id,region,instance_type,is_spot,valid_from,instances"


@pytest.fixture
def folders(tmp_path):
    """A project's folder with one instance type and one rule, and a user's empty one."""
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    shipped.mkdir()
    own.mkdir()
    (shipped / "instance_types.csv").write_text(f"{TYPES_HEADER}\nml.a.large,a,2,8,0,,0,0,\n")
    (shipped / "failure_rules.csv").write_text(f"{RULES_HEADER}\n10,oom,memory,user,oom\n")
    return shipped, own


def read(table, columns, folders):
    with duckdb.connect() as connection:
        return connection.execute(f"select {columns} from ({select_reference(table, *folders)}) order by 1").fetchall()


def test_without_a_file_of_the_user_there_are_the_projects_rows(folders):
    assert read(TYPES, "instance_type, vcpus, gpu_model", folders) == [("ml.a.large", 2, None)]


@pytest.mark.parametrize("begin", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_of_the_user_are_added_or_replace(begin, end, folders):
    lines = [TYPES_HEADER, "ml.a.large,a,4,8,0,,0,0,", "ml.b.large,b,2,8,,,,0,", ""]
    (folders[1] / "instance_types.csv").write_bytes((begin + end.join(lines)).encode())
    assert read(TYPES, "instance_type, vcpus, gpus", folders) == [("ml.a.large", 4, 0), ("ml.b.large", 2, None)]


def test_a_key_may_be_of_several_columns(folders):
    (folders[0] / "prices.csv").write_text(f"{PRICES_HEADER}\na,r,false,2024-01-01,1\na,r,true,2024-01-01,2\n")
    (folders[1] / "prices.csv").write_text(f"{PRICES_HEADER}\na,r,false,2024-01-01,3\na,r,false,2024-02-01,4\n")
    assert read(PRICES, "price_per_hour", folders) == [(2,), (3,), (4,)]


def test_files_may_lack_the_columns_that_came_later(folders):
    row = "1,r,a,false,2024-01-01"
    (folders[0] / "quotas.csv").write_text(f"{QUOTAS_HEADER}\n{row},1\n")
    (folders[1] / "quotas.csv").write_text(
        f"{QUOTAS_HEADER},kind,quota_code\n{row},2,warm_pools,L-1\n{row},3,,\n1,r,b,false,2024-01-01,4,,\n"
    )
    assert read(QUOTAS, "instances, kind, quota_code", folders) == [
        (2, "warm_pools", "L-1"),
        (3, "training_jobs", None),
        (4, "training_jobs", None),
    ]


def test_what_aws_told_replaces_what_is_shipped_and_is_replaced_by_the_users_own(folders, tmp_path):
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    (folders[0] / "prices.csv").write_text(f"{PRICES_HEADER}\na,r,false,2024-01-01,1\nb,r,false,2024-01-01,1\n")
    (fetched / "prices.csv").write_text(
        f"{PRICES_HEADER},rate_code\n" + "".join(f"{name},r,false,2024-01-01,2,{name}.rate\n" for name in "bcd")
    )
    (folders[1] / "prices.csv").write_text(f"{PRICES_HEADER}\nd,r,false,2024-01-01,3\n")
    assert read(PRICES, "instance_type, price_per_hour, rate_code", (folders[0], fetched, folders[1])) == [
        ("a", 1, None),
        ("b", 2, "b.rate"),
        ("c", 2, "c.rate"),
        ("d", 3, None),
    ]


@pytest.mark.parametrize("table", REFERENCE_TABLES, ids=lambda table: table.table.name)
def test_the_project_brings_every_file_and_it_is_read(table, tmp_path):
    read(table, "*", (shipped("reference"), tmp_path))


def test_commas_and_quotes_are_quoted(folders):
    (folders[1] / "failure_rules.csv").write_text(f'{RULES_HEADER}\n5,"a,b",x,user,"say ""a,b"""\n')
    assert read(RULES, "priority, pattern, example", folders) == [(5, "a,b", 'say "a,b"'), (10, "oom", "oom")]


@pytest.mark.parametrize(
    ("table", "content", "said"),
    [
        (TYPES, b"", "its first line must be instance_type,"),
        (TYPES, b"name,cpus\nml.a.large,2\n", "its first line must be instance_type,"),
        (TYPES, f"{TYPES_HEADER}\nml.b.large,b\n".encode(), "Line: 2"),
        (TYPES, f"{TYPES_HEADER}\nml.b.large,b,two,8,0,,0,0,\n".encode(), 'column "vcpus"'),
        (TYPES, f"{TYPES_HEADER}\nml.b.large,\xfc,2,8,0,,0,0,\n".encode("latin-1"), "not utf-8"),
        (TYPES, f"{TYPES_HEADER}\n,b,2,8,0,,0,0,\n".encode(), "its own instance_type: one has none"),
        (RULES, f"{RULES_HEADER}\n0,a,x,user,a\n0,b,x,user,b\n".encode(), "its own priority: several have 0"),
        (
            PRICES,
            f"{PRICES_HEADER}\na,b,true,2024-01-01,1\na,b,true,2024-01-01,2\n".encode(),
            "its own instance_type, region, is_spot, valid_from: several have a, b, True, 2024-01-01",
        ),
        (PRICES, f"{PRICES_HEADER}\na,b,,2024-01-01,1\n".encode(), "one has none"),
        (PRICES, f"{PRICES_HEADER}\na,b,true,January,1\n".encode(), 'column "valid_from"'),
        (RULES, f"{RULES_HEADER}\n5,(,x,user,a\n".encode(), "missing )"),
    ],
)
def test_a_file_that_is_wrong_is_named_in_one_line(table, content, said, folders):
    file = folders[1] / f"{table.table.name}.csv"
    file.write_bytes(content)
    with pytest.raises(TrainyardError) as error:
        select_reference(table, *folders)
    assert str(error.value).startswith(f"{file}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
