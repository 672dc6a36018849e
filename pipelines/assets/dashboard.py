"""The asset `published/dashboard`: the page that draws the warehouse for people. Not here: what is on it."""

import dagster as dg

from pipelines.assets.published import WAREHOUSE_KEY
from pipelines.config import Settings
from pipelines.errors import TrainyardError
from pipelines.home import Home

DASHBOARD_KEY = dg.AssetKey(["published", "dashboard"])


@dg.asset(
    key=DASHBOARD_KEY,
    deps=[WAREHOUSE_KEY],
    group_name="published",
    kinds={"html", "vegalite"},
    description="`dashboard.html`: the fleet at a glance, one file that any browser opens offline.",
)
def dashboard(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """Draw the published warehouse."""
    from pipelines.dashboard.page import write_page  # slow to import

    home = Home(settings.home)
    with home.writing():
        if not home.warehouse.exists():
            raise TrainyardError(f"there is no {home.warehouse} to draw yet: `trainyard run` publishes it")
        size = write_page(home.warehouse, home.dashboard, settings.cache)
    return dg.MaterializeResult(metadata={"dagster/uri": str(home.dashboard), "bytes": size})
