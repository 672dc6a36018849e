"""Small projects of SQL files for tests: a folder of models over one input table."""

from pipelines.models.catalogue import load_catalogue
from pipelines.tables import Column, Table

JOBS = Table(
    "lake",
    "jobs",
    "One row per job.",
    (Column("job", "VARCHAR", "Name of the job."), Column("seconds", "BIGINT", "How long it took.")),
)


def write(folder, **models):
    """Write models given as ``schema__name="sql"``."""
    for name, sql in models.items():
        path = folder / f"{name.replace('__', '/')}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sql)


def catalogue_of(folder, **models):
    write(folder, **models)
    return load_catalogue(folder, (JOBS,))
