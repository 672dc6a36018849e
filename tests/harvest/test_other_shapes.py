"""An answer that is JSON, but of another shape than AWS documents, is an error in one line, whatever was asked."""

import pytest

from pipelines import price_list, service_quotas
from pipelines.cloudwatch.batches import Need, Series
from pipelines.cloudwatch.due import Job
from pipelines.cloudwatch.metric_data import measured
from pipelines.cloudwatch.windows import Window
from pipelines.errors import TrainyardError
from pipelines.harvest import calls, listing, search
from pipelines.harvest.sources import Source
from pipelines.harvest.tags import list_tags

SOURCE = Source("111122223333-eu-west-1", "111122223333", "eu-west-1", None, None)
JOB = Job("", "", "", "", "none", 1, False, (), 0, 60, None)
SERIES = Series(Need(JOB, Window(0, 60, 60)), "algo-1", "CPUUtilization")


class Answering:
    """Calls of which each is answered so."""

    def __init__(self, body):
        self.body = body

    def ask(self, operation, **_):
        headers = {"HTTPHeaders": {}}
        return calls._answer(operation, {"Body": self.body, "Broken": [], "ResponseMetadata": headers})

    def pages(self, operation, **parameters):
        yield self.ask(operation, **parameters)


@pytest.mark.parametrize(
    ("ask", "operation", "body"),
    [
        (lambda calls: search.newest(calls, None), "Search", b'{"Results":7}'),
        (lambda calls: search.newest(calls, None), "Search", b'{"Results":[],"NextToken":7}'),
        (lambda calls: next(listing.listed(calls, None)), "ListTrainingJobs", b'{"TrainingJobSummaries":[{}]}'),
        (
            lambda calls: next(listing.listed(calls, None)),
            "ListTrainingJobs",
            b'{"TrainingJobSummaries":[{"TrainingJobName":"\xff","TrainingJobArn":"a"}]}',
        ),
        (lambda calls: list_tags(calls, "arn"), "ListTags", b'{"Tags":{"team":"a"}}'),
        (lambda calls: price_list.ask(SOURCE, calls), "GetProducts", b'{"PriceList":[{}]}'),
        (lambda calls: service_quotas.ask(SOURCE, calls), "ListServiceQuotas", b'{"Quotas":[{"Value":"many"}]}'),
        (lambda calls: measured(calls, [SERIES]), "GetMetricData", b'{"MetricDataResults":null}'),
        (lambda calls: measured(calls, [SERIES]), "GetMetricData", b'{"MetricDataResults":[{"Id":"another"}]}'),
        (
            lambda calls: measured(calls, [SERIES]),
            "GetMetricData",
            b'{"MetricDataResults":[{"Id":"q0x0","Timestamps":[1.5],"Values":[]}]}',
        ),
    ],
)
def test_another_shape_is_an_error_that_says_what_to_do(ask, operation, body):
    with pytest.raises(TrainyardError, match=rf"^{operation} gives what is no page \(.+\): check the endpoint, .+$"):
        ask(Answering(body))
