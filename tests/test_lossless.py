"""What the API said can be told from the tables: documents of the service model's making, there and back.

Each example is ten documents on the whole way: bytes, raw archive, flatten, Parquet files, tables, document. The
profile ``nightly`` takes 10,000 documents.
"""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from pipelines.flatten.record import training_job
from pipelines.harvest.archive import Observation, RawArchive
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.lake.quarantine import Quarantine
from tests.main_job import lake
from tests.records import ARN, documents, marked, rebuilt, written

DOCUMENTS_AN_EXAMPLE = 10
TIME = 1_750_000_000


def through_the_lake(texts, folder):
    home = Home(folder)
    RawArchive(home.raw).append("a-source", [Observation(1_760_000_000.5, text.encode()) for text in texts])
    load(home)
    assert [(each.path, each.reason) for _, each in Quarantine(home.quarantine).lines()] == []
    tables = lake(home)
    return [rebuilt(row["training_job_arn"], tables) for row in tables["training_jobs"]]


@given(
    batch=st.lists(documents(), min_size=DOCUMENTS_AN_EXAMPLE, max_size=DOCUMENTS_AN_EXAMPLE),
    random=st.integers(0, 2**32).map(Random),
)
def test_documents_come_back_whole(batch, random, tmp_path_factory):
    numbered = [document | {"TrainingJobArn": f"{ARN}{number}"} for number, document in enumerate(batch)]
    texts = [written(document, random, training_job()) for document in numbered]
    back = through_the_lake(texts, tmp_path_factory.mktemp("home"))
    assert marked(sorted(back, key=lambda document: document["TrainingJobArn"])) == marked(numbered)
