"""The strict gate passes what the record's types allow and names the path of what they do not."""

import msgspec
import pytest

from pipelines.flatten.gate import document_type


def test_a_document_of_the_records_types_passes():
    document = msgspec.json.Decoder(document_type()).decode(
        b'{"TrainingJobName": "a", "CreationTime": 1700000000.123, "TrainingEndTime": 1700000100,'
        b' "FailureReason": null, "ResourceConfig": {"InstanceCount": 2}, "HyperParameters": {"epochs": "3"},'
        b' "InputDataConfig": []}'
    )
    assert document.CreationTime == 1700000000.123
    assert document.TrainingEndTime == 1700000100
    assert document.FailureReason is None
    assert document.RoleArn is msgspec.UNSET
    assert document.ResourceConfig.InstanceCount == 2


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (b'{"ResourceConfig": {"InstanceCount": 1.5}}', "ResourceConfig.InstanceCount"),
        (b'{"ResourceConfig": {"InstanceCount": "1"}}', "ResourceConfig.InstanceCount"),
        (b'{"ResourceConfig": {"InstanceCount": 9223372036854775808}}', "ResourceConfig.InstanceCount"),
        (b'{"CreationTime": 9246211200000}', "CreationTime"),
        (b'{"CreationTime": "2026-01-01T00:00:00Z"}', "CreationTime"),
        (b'{"Tags": [{"Key": "a", "Valu": "b"}]}', "Tags"),
        (b'{"InputDataConfig": [null]}', "InputDataConfig"),
        (b'{"HyperParameters": {"epochs": 3}}', "HyperParameters"),
    ],
)
def test_a_document_of_other_types_is_refused_with_its_path(document, path):
    with pytest.raises(msgspec.ValidationError, match=path.replace(".", r"\.")):
        msgspec.json.Decoder(document_type()).decode(document)


@pytest.mark.parametrize("document", [b'{"TrainingJobName": "a', b'{"TrainingTimeInSeconds": NaN}', b'{"a": "\xff"}'])
def test_what_is_not_json_is_refused(document):
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.Decoder(document_type()).decode(document)
