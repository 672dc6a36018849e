"""The documents of a file are found whatever stands around them, and what is broken costs itself alone."""

import gzip
import json
import os

import pyarrow as pa
import pytest

from pipelines.errors import TrainyardError
from pipelines.harvest import broken
from pipelines.harvest.archive import RawArchive
from pipelines.harvest.file_documents import read_documents
from pipelines.harvest.file_import import import_files
from pipelines.harvest.redact import Redactor


def job(name):
    return b'{"TrainingJobArn":"%s","Tags":[{"Key":"a"}]}' % name.encode()


A, B, C = job("a"), job("b"), job("c")
EVENT = b'{"detail-type":"SageMaker Training Job State Change","detail":%s}'
OTHER_EVENT = b'{"detail-type":"SageMaker Endpoint State Change","detail":{}}'
PRETTY = b'{\n  "TrainingJobArn": "a",\n  "Tags": [\n    {"Key": "a"}\n  ]\n}'
CUT = b'{"TrainingJobArn":"x","Tags":[{"Ke'


@pytest.mark.parametrize(
    ("content", "documents"),
    [
        (A, [A]),
        (A + b"\n" + B + b"\n", [A, B]),
        (b"\xef\xbb\xbf" + A + b"\r\n\r\n" + B + b"\r\n", [A, B]),
        (A + B + b"\n" + C, [A, B, C]),
        (PRETTY + b"\n" + PRETTY, [PRETTY, PRETTY]),
        (b"\xef\xbb\xbf" + PRETTY + b"\r\n\f \t" + PRETTY + PRETTY + b"\n\n", [PRETTY, PRETTY, PRETTY]),
        (PRETTY + b"[\n[" + A + b"," + PRETTY + b"]]" + B, [PRETTY, A, PRETTY, B]),
        (b"[" + A + b",\n" + B + b"]", [A, B]),
        (b"[\n" + A + b"\n]", [A]),
        (b'{"Results":[{"TrainingJob":' + A + b'}],"NextToken":"t"}', [A]),
        (b'{"Results":[{"TrainingJob":' + A + b'}]}\n{"Results":[{"TrainingJob":' + B + b"}]}\n", [A, B]),
        (EVENT % A + b"\n" + OTHER_EVENT, [EVENT % A]),
        (A + b'\n{"TrainingJobSummaries":[' + B + b"]}", [A]),
        # What is broken comes as it is, and the others too.
        (A + b"\n" + CUT + b"\n" + B, [A, CUT, B]),
        (A + b"\n" + CUT + b"\n" + CUT + b"\n" + B + b"\n" + C, [A, CUT, CUT, B, C]),
        (A + b"\n" + CUT, [A, CUT]),
        (
            b"\n".join([A, b'{"TrainingJobArn":"x",', b'{"Tags":{', CUT]),
            [A, b'{"TrainingJobArn":"x",', b'{"Tags":{', CUT],
        ),
        (b'{"Results":[{"TrainingJob":' + A + b'},\n{"TrainingJob":' + B + b"}]}", [A, B]),
        (A + b"\nno JSON at all\n" + B, [A, b"no JSON at all", B]),
        (b"[" + A + b", {" + B + b"}, " + C + b"]", [A, b"{" + B + b"}", C]),
        (b'{"Results":[{"TrainingJob":' + A + b'},{"TrainingJob":' + CUT, [A, CUT]),
        (b'{"Results":[{"TrainingJob":' + A + b"},", [A, b""]),
        (b"[\n  " + A + b",\n  " + PRETTY.replace(b'"a"', b"NaN") + b"\n]", [A, PRETTY.replace(b'"a"', b"NaN")]),
        (A + b"\n" + PRETTY[:30] + b"\n" + B, [A, PRETTY[:30] + b"\n", B]),
        (A + b"}\n" + B, [A, b"}", B]),
        (PRETTY + b"\rno {JSON\r\n}at all\n" + PRETTY, [PRETTY, b"no {JSON", b"}at all", PRETTY]),
        (PRETTY + b"\n" + PRETTY[:30] + b"\n{no JSON\n" + B, [PRETTY, PRETTY[:30] + b"\n{no JSON\n", B]),
        (PRETTY + b"\n" + PRETTY[:30], [PRETTY, PRETTY[:30]]),
        (b'{"TrainingJobArn":"\\ud800"}', [b'{"TrainingJobArn":"\\ufffd"}']),
    ],
)
@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
def test_what_is_found(content, documents, compression, tmp_path):
    path = tmp_path / "file"
    if compression == "zstd":
        with pa.output_stream(str(path), compression="zstd") as stream:
            stream.write(content)
    else:
        path.write_bytes(gzip.compress(content) if compression else content)
    assert list(read_documents(path)) == documents


def test_the_rest_of_a_file_is_copied_for_no_value(tmp_path, monkeypatch):
    texts, end_of_value = [], broken.end_of_value

    def watched(text, start):
        texts.append(text)
        return end_of_value(text, start)

    monkeypatch.setattr(broken, "end_of_value", watched)
    path = tmp_path / "file"
    path.write_bytes(b"\n".join([PRETTY] * 100))
    assert list(read_documents(path)) == [PRETTY] * 100
    assert len(texts) == 100
    assert all(text is texts[0] for text in texts)


@pytest.mark.parametrize(
    "content", [b"", b" \r\n\n", b"{}", b'"a"', b"\x00\xff", b'{"TrainingJobSummaries":[' + A + b"]}"]
)
def test_a_file_without_training_jobs_says_what_has_them(content, tmp_path):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(TrainyardError, match=r"file.json holds no training jobs: `aws sagemaker search"):
        list(read_documents(path))


@pytest.mark.parametrize(
    ("times", "written_at", "observed_at"),
    [
        ({"CreationTime": 1.70e9, "TrainingEndTime": 1.71e9}, 1.75e9, 1.71e9),
        ({"CreationTime": 1.70e9, "TrainingEndTime": 2.70e9}, 1.75e9, 1.70e9),
        ({"CreationTime": "2055-01-01T00:00:00Z"}, 1.75e9, 1.75e9),
        ({}, 1.75e9, 1.75e9),
        ({}, 1.85e9, 1.80e9),
    ],
)
def test_a_file_is_as_old_as_its_newest_instant_and_never_later_than_now(
    times, written_at, observed_at, tmp_path, monkeypatch
):
    monkeypatch.setattr("time.time", lambda: 1.80e9)
    file = tmp_path / "file.json"
    file.write_bytes(json.dumps({"TrainingJobName": "a"} | times).encode())
    os.utime(file, (written_at, written_at))
    archive = RawArchive(tmp_path / "raw")
    assert import_files(archive, [file], Redactor()).error is None
    (batch,) = archive.batches("import")
    assert [each.observed_at for each in archive.observations(batch)] == [observed_at]


def test_a_file_that_cannot_be_taken_does_not_stop_the_others(tmp_path):
    files = [tmp_path / name for name in ("a.json", "nothing.json", "missing.json", "cut.json.gz", "b.json")]
    for file, content in zip(files, (A, b"{}", None, gzip.compress(A)[:-9], B), strict=True):
        if content:
            file.write_bytes(content)
    archive = RawArchive(tmp_path / "raw")
    outcome = import_files(archive, files, Redactor())
    for name in ("nothing.json holds no", "missing.json cannot be read", "cut.json.gz cannot be read"):
        assert name in outcome.error
    kept = [each.document for batch in archive.batches("import") for each in archive.observations(batch)]
    assert kept == [A, B]
