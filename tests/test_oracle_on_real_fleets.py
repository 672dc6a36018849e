"""The oracle against the answers that came with the real fleets.

The fleets stand beside the project, not in it: where they are absent these tests are skipped.
"""

import gzip
import json

import pytest

from tests.oracle import GRAINS, MARTS
from tests.oracle.expected import GPUS_OF_LOG, check_against_expected
from tests.oracle.jobs import jobs_of, newest_instant
from tests.test_real_fleets import FLEETS, NAMES

pytestmark = pytest.mark.skipif(not FLEETS.is_dir(), reason="the fleets are not here")


@pytest.mark.parametrize("fleet", NAMES)
def test_the_oracle_agrees_with_the_answers(fleet):
    with gzip.open(FLEETS / f"{fleet}.ndjson.gz") as lines:
        documents = [json.loads(line) for line in lines]
    jobs = jobs_of(documents, max(map(newest_instant, documents)), GPUS_OF_LOG)
    marts = {name: rows(jobs) for name, rows in MARTS.items()}
    check_against_expected(marts, json.loads((FLEETS / "expected.json").read_text())[fleet])
    for name, grain in GRAINS.items():
        assert len({tuple(row[column] for column in grain) for row in marts[name]}) == len(marts[name]), name
