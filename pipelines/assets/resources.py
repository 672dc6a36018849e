"""What the assets are given: the settings, and where they say how far they are. Not here: what the settings mean."""

from __future__ import annotations

import dagster as dg

from pipelines.progress import Log


@dg.resource(description="Messages of progress go to the run's log.")
def run_log(context: dg.InitResourceContext) -> Log:
    """A function that takes one line."""
    return context.log.info if context.log else print
