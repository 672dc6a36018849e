"""The command in a fork of this process, which has imported everything already. Not here: what it does."""

import os
import sys

from pipelines import cli
from pipelines.home import Home


def trainyard(*arguments):
    """A function that runs the command in a data directory."""

    def run(home):
        if url := Home(home).url:
            os.environ |= {"TRAINYARD_HOME": url, "TRAINYARD_CACHE": str(home.parent)}
        else:
            os.environ["TRAINYARD_HOME"] = str(home)
        os.chdir(home.parent)
        sys.argv = ["trainyard", *map(str, arguments)]
        cli.main()

    return run
