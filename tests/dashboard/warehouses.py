"""Warehouses for tests of the page, made of the tables of another: of no jobs, or with other rows.

Here: what the page reads, the marts. Not here: building marts of jobs.
"""

import duckdb

from pipelines.tables import literal


def emptied(warehouse, target):
    """One that has no jobs."""
    with _copy(warehouse, target, "where false") as connection:
        connection.execute("""
            insert into marts.build_info by name select * replace (0 as jobs, 0 as open_jobs,
                null as newest_last_modified_time, null as newest_observed_at) from old.marts.build_info;
            insert into marts.queue_wait by name
                select 0 as started_jobs, 0 as never_started_jobs, 0 as abandoned_seconds
        """)
    return target


def altered(warehouse, target, *statements):
    """One after these statements."""
    with _copy(warehouse, target) as connection:
        for statement in statements:
            connection.execute(statement)
    return target


def _copy(warehouse, target, condition=""):
    connection = duckdb.connect(str(target))
    connection.execute(f"attach {literal(str(warehouse))} as old (read_only); create schema marts")
    tables = "select table_name from duckdb_tables() where database_name = 'old' and schema_name = 'marts'"
    for (mart,) in connection.execute(tables).fetchall():
        connection.execute(f"create table marts.{mart} as select * from old.marts.{mart} {condition}")
    return connection
