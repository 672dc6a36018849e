"""The command in a fork of this process, which has imported everything already. Not here: what it does."""

import os
import sys

from pipelines import cli


def trainyard(*arguments):
    """A function that runs the command in a data directory."""

    def run(home):
        os.environ["TRAINYARD_HOME"] = str(home)
        os.chdir(home.parent)
        sys.argv = ["trainyard", *map(str, arguments)]
        cli.main()

    return run
