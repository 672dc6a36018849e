"""A main job of few and small models, for tests of what comes before them or after.

Here: the models, and having the job use them, in this process or in the command's own. Not here: the product's models.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from pipelines import definitions
from pipelines.assets.dashboard import DASHBOARD_KEY
from pipelines.assets.published import WAREHOUSE_KEY
from pipelines.models.catalogue import Catalogue, load_catalogue
from tests.models.projects import write

ROOT = Path(__file__).parents[1]
MODELS = {
    "marts__build_info": "-- One row: the build.\nselect build_id, built_at, documents_quarantined,\n"
    "(select count(*) from lake.training_jobs) as jobs, -- Jobs.\n0 as open_jobs, -- None.\n"
    "(select max(last_modified_time) from lake.training_jobs) as newest_last_modified_time -- Newest.\n"
    "from build.context",
    "marts__jobs": "-- One row per job.\n-- @unique: job\n"
    "select training_job_arn as job, -- Its ARN.\ntraining_job_status as status -- Its status.\n"
    "from lake.training_jobs",
    "marts__transitions": "-- One row per job.\nselect training_job_arn as job, -- Its ARN.\n"
    "count(*) as transitions -- How many.\nfrom lake.secondary_status_transitions group by training_job_arn",
    "marts__totals": "-- One row: all.\nselect (select count(*) from marts.jobs) as jobs, -- Jobs.\n"
    "(select sum(transitions)::bigint from marts.transitions) as transitions, -- Transitions.\n"
    "(select max(last_complete_look_at) from lake.sources) as known_to -- Until when they are known.",
}
COMMAND = """
import sys
from pathlib import Path
from pipelines import cli
sys.path.append(sys.argv.pop(1))
from tests import few_models
few_models.use(setattr, Path(sys.argv.pop(1)))
cli.main()
"""


@dg.asset(key=DASHBOARD_KEY, deps=[WAREHOUSE_KEY], group_name="published")
def no_page():
    """In place of the page, which draws marts that are not among the few."""


def written(folder: Path) -> Path:
    """A folder, with the models in it."""
    write(folder, **MODELS)
    return folder


def catalogue_in(folder: Path) -> Catalogue:
    """The models in a folder."""
    return load_catalogue(written(folder))


def use(set_attribute: Callable[..., None], folder: Path) -> None:
    """Have jobs of this process use the models of a folder.

    ``set_attribute`` is Python's own, or pytest's, which undoes it.
    """
    set_attribute(definitions, "shipped", lambda _: folder)
    set_attribute(definitions, "dashboard", no_page)


def command(folder: Path) -> list[str]:
    """The command, in a process that uses the models of a folder."""
    return [sys.executable, "-c", COMMAND, str(ROOT), str(folder)]
