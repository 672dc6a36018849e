"""Which failure rule decides each FailureReason: the relation that a build makes of the rules when it begins.

Here: the rules as one `case` of literal patterns, each compiled once. A join with patterns that stand in a column
compiles one for each pair of reason and rule: minutes for 100,000 reasons. Not here: the rules (``reference``), and
what models make of the decision (`sql/staging/failure_reasons.sql`).
"""

from __future__ import annotations

import duckdb

from pipelines.tables import Column, Table, literal

FAILURE_RULE_MATCHES = Table(
    "build",
    "failure_rule_matches",
    "One row per month of creation and distinct FailureReason of failed jobs: the first rule of reference.failure_rules"
    " that matches.",
    (
        Column("month", "VARCHAR", "Month of creation of the jobs (UTC), `YYYY-MM`."),
        Column("failure_reason", "VARCHAR", "FailureReason as the record has it."),
        Column("told_reason", "VARCHAR", "The FailureReason without the command line that it quotes."),
        Column("priority", "INTEGER", "Priority of the first rule that matches told_reason; null if none does."),
    ),
)

# The training toolkit quotes the user's command line, subprocess a list of arguments: hyperparameters, no failures.
_COMMAND = r"""\bCommand ("[^"]*("|$)|'\[.*?\]')"""


def read_cases(failure_rules: str) -> str:
    """The rules as the branches of a `case`, the first that matches wins, given a SELECT of them, which is read now."""
    with duckdb.connect() as connection:
        rules = connection.execute(f"select priority, pattern from ({failure_rules}) order by priority").fetchall()
    return " ".join(
        f"when regexp_matches(told_reason, {literal(pattern)}) then {priority}" for priority, pattern in rules
    )


def select_failure_rule_matches(training_jobs: str, cases: str) -> str:
    """A SELECT of the table's rows, given one of `lake.training_jobs` and what ``read_cases`` gave."""
    return (
        f"select month, failure_reason, told_reason, case {cases} end as priority from ("
        "select month, failure_reason,"
        f" regexp_replace(failure_reason, {literal(_COMMAND)}, '', 'g') as told_reason from ("
        f"select distinct month, failure_reason from ({training_jobs})"
        " where training_job_status = 'Failed' and failure_reason <> ''))"
    )
