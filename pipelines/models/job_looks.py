"""What is known of single jobs beyond their own records: the relation `build.job_looks`, made when a build begins.

A record that has ended holds as it was seen. One that has not is known to go on until its source was last seen whole,
if that still has it. Not here: the looks themselves (``lake.sources``), and the marks of deletion (``lake.deleted``).
"""

from __future__ import annotations

from pipelines.tables import Column, Table

JOB_LOOKS = Table(
    "build",
    "job_looks",
    "One row per training job that had not ended when last seen, or that its source no longer has.",
    (
        Column("training_job_arn", "VARCHAR", "ARN of the training job."),
        Column("month", "VARCHAR", "Month of its creation (UTC), `YYYY-MM`."),
        Column(
            "last_complete_look_at",
            "TIMESTAMP",
            "Instant (UTC, the service's clock) up to which its source's jobs are known; null if deleted.",
        ),
        Column("deleted_at", "TIMESTAMP", "Instant (UTC) at which its source was first found not to have it any more."),
    ),
)


def select_job_looks(training_jobs: str, sources: str, deleted_training_jobs: str) -> str:
    """A SELECT of the table's rows, given SELECTs of the lake's tables of these names."""
    return (
        "select j.training_job_arn, j.month,"
        " case when d.training_job_arn is null then s.last_complete_look_at end as last_complete_look_at, d.deleted_at"
        f" from ({training_jobs}) as j"
        f" left join ({sources}) as s on j.source = s.source"
        f" left join ({deleted_training_jobs}) as d on j.training_job_arn = d.training_job_arn"
        " where d.training_job_arn is not null"
        " or coalesce(j.training_job_status not in ('Completed', 'Failed', 'Stopped'), true)"
    )
