"""Passes over a simulated source, and what they brought into the archive."""

import json

from pipelines.config import OVERLAP_SECONDS
from pipelines.harvest.archive import RawArchive
from pipelines.harvest.calls import Calls
from pipelines.harvest.one_pass import Pass
from pipelines.harvest.redact import Redactor
from pipelines.simulator import shapes
from tests.simulator.clients import client

SOURCE = "111122223333-eu-west-1"


def pass_by(calls, home, on_page=lambda documents: None, overlap_seconds=OVERLAP_SECONDS, describe="when-needed"):
    """A pass that has not begun, by these calls."""
    return Pass(SOURCE, calls, home.root, Redactor(), on_page, overlap_seconds, describe)


def new_pass(simulator, home, attempts=10, **options):
    """The same; its client tries a call ``attempts`` times."""
    calls = Calls(client(simulator, attempts=attempts), lambda: client(simulator, attempts=attempts))
    return pass_by(calls, home, **options)


def run_pass(simulator, home, **options):
    """A pass over all that the simulator serves, which succeeded."""
    done = new_pass(simulator, home, **options)
    done.run()
    return done


def received(home):
    """Every document in the archive, in order, each whole."""
    archive = RawArchive(home.raw)
    return [
        json.loads(line)["document"]
        for source in archive.sources()
        for batch in archive.batches(source)
        for line in archive.read(batch)
    ]


def held(home):
    """The newest version of each job in the archive, by ARN."""
    newest = {}
    for document in received(home):
        before = newest.get(document["TrainingJobArn"])
        if before is None or document["LastModifiedTime"] >= before["LastModifiedTime"]:
            newest[document["TrainingJobArn"]] = document
    return newest


def searched(documents):
    """The documents of a fleet as Search gives them, less secrets, by ARN."""
    hidden = shapes.describe_only()
    return described({name: value for name, value in document.items() if name not in hidden} for document in documents)


def described(documents):
    """The documents of a fleet, less secrets, by ARN."""
    redact = Redactor().redact
    return {document["TrainingJobArn"]: json.loads(redact(json.dumps(document).encode())) for document in documents}
