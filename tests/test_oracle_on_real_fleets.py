"""The oracle against the answers that came with the real fleets.

The fleets stand beside the project, not in it: where they are absent these tests are skipped.
"""

import gzip
import json
import os
from pathlib import Path

import pytest

from tests.oracle import GRAINS, MARTS
from tests.oracle.expected import check_against_expected
from tests.oracle.jobs import jobs_of, newest_instant

FLEETS = Path(os.environ.get("TRAINYARD_FLEETS", Path(__file__).parents[2] / "shared" / "fleets"))

# GPUs of the nodes that the instance types stand for in the original logs; Eagle's had 2, not 4.
GPUS = {
    "ml.p3.2xlarge": 1,
    "ml.p3.8xlarge": 4,
    "ml.p3.16xlarge": 8,
    "ml.g4dn.12xlarge": 2,
    "ml.c5.9xlarge": 0,
    "ml.m5.large": 0,
    "ml.m5.2xlarge": 0,
    "ml.m5.4xlarge": 0,
    "ml.m5.12xlarge": 0,
    "ml.m5.24xlarge": 0,
}

pytestmark = pytest.mark.skipif(not FLEETS.is_dir(), reason="the fleets are not here")


@pytest.mark.parametrize("fleet", ["fgd2023", "eagle"])
def test_the_oracle_agrees_with_the_answers(fleet):
    with gzip.open(FLEETS / f"{fleet}.ndjson.gz") as lines:
        documents = [json.loads(line) for line in lines]
    jobs = jobs_of(documents, max(map(newest_instant, documents)), GPUS)
    marts = {name: rows(jobs) for name, rows in MARTS.items()}
    check_against_expected(marts, json.loads((FLEETS / "expected.json").read_text())[fleet])
    for name, grain in GRAINS.items():
        assert len({tuple(row[column] for column in grain) for row in marts[name]}) == len(marts[name]), name
