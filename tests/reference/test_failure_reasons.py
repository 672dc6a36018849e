"""FailureReasons as they are met get the class that a person gives them, and a fingerprint that tells failures apart.

`failure_reasons.csv` beside this file holds texts from public issues, documentation and the toolkits' own sources, with
accounts, buckets and hosts made up, others written after their manner, and the class of each.
"""

import csv
import json
from pathlib import Path

import duckdb
import pytest

from pipelines.models.failure_rules import read_cases, select_failure_rule_matches
from pipelines.models.reference import FAILURE_RULES, select_reference
from pipelines.shipped import shipped
from tests.main_job import rows
from tests.oracle.failures import fingerprint

SQL = (shipped("sql") / "staging" / "failure_reasons.sql").read_text()
NOWHERE = Path("/nowhere")

with (Path(__file__).parent / "failure_reasons.csv").open(newline="", encoding="utf-8") as lines:
    KNOWN = [(row["failure_reason"], row["failure_class"]) for row in csv.DictReader(lines)]


def judged(*reasons, own=NOWHERE):
    """The rows of the model for failed jobs with these reasons, by reason; ``own``: a user's folder of rules."""
    texts = f"(select unnest(from_json('{json.dumps(reasons).replace(chr(39), chr(39) * 2)}', '[\"varchar\"]')))"
    jobs = f"select '2025-01' as month, 'Failed' as training_job_status, * from {texts} as t (failure_reason)"
    rules = select_reference(FAILURE_RULES, shipped("reference"), own)
    with duckdb.connect() as connection:
        connection.execute("create schema build; create schema reference")
        connection.execute(f"create view reference.failure_rules as {rules}")
        matches = select_failure_rule_matches(jobs, read_cases(rules))
        connection.execute(f"create view build.failure_rule_matches as {matches}")
        return {row["failure_reason"]: row for row in rows(connection, SQL)}


def test_reasons_have_the_class_a_person_gives_them():
    found = judged(*(reason for reason, _ in KNOWN))
    assert [(reason, wanted) for reason, wanted in KNOWN if found[reason]["failure_class"] != wanted] == []


def test_there_are_reasons_of_every_class():
    with (shipped("reference") / "failure_rules.csv").open(newline="", encoding="utf-8") as lines:
        classes = {row["failure_class"] for row in csv.DictReader(lines)}
    assert {failure_class for _, failure_class in KNOWN} == classes | {"unknown"}


def test_the_example_of_a_rule_is_decided_by_that_rule():
    with (shipped("reference") / "failure_rules.csv").open(newline="", encoding="utf-8") as lines:
        rules = list(csv.DictReader(lines))
    selected = select_reference(FAILURE_RULES, shipped("reference"), NOWHERE)
    jobs = f"select '2025-01' as month, 'Failed' as training_job_status, example as failure_reason from ({selected})"
    with duckdb.connect() as connection:
        matches = rows(connection, select_failure_rule_matches(jobs, read_cases(selected)))
    assert {row["failure_reason"]: row["priority"] for row in matches} == {
        rule["example"]: int(rule["priority"]) for rule in rules
    }


def test_a_rule_of_the_user_goes_before(tmp_path):
    header = ",".join(column.name for column in FAILURE_RULES.table.columns)
    (tmp_path / "failure_rules.csv").write_text(f"{header}\n1,it's cold,weather,platform,it's cold\n")
    row = judged("AlgorithmError: it's cold, exit code: 137", own=tmp_path)["AlgorithmError: it's cold, exit code: 137"]
    assert (row["failure_class"], row["failure_actor"]) == ("weather", "platform")


@pytest.mark.parametrize(
    "command",
    [
        "Command \"python train.py --note 'CUDA out of memory'\"",
        "Command \"python train.py --on 'hardware failure'",
        "Command '['python', 'train.py', '--note', 'No space left on device']' returned non-zero exit status 1.",
    ],
)
def test_the_command_line_of_the_user_says_nothing_of_the_failure(command):
    reason = f"AlgorithmError: ExecuteUserScriptError:\nExitCode 1\n{command}"
    assert judged(reason)[reason]["failure_class"] == "user_code"


SCRIPT = 'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "{}\n"\nCommand "python train.py --lr {}"'
OLD_SCRIPT = 'AlgorithmError: ExecuteUserScriptError:\nCommand "python train.py --lr {}"\nTraceback\n{}'
ALIKE = [
    (SCRIPT.format("ValueError: bad", "0.1"), SCRIPT.format("ValueError: bad", "0.2 --epochs 3")),
    (OLD_SCRIPT.format("0.1", "KeyError: x"), OLD_SCRIPT.format("0.25 --more 'it'", "KeyError: x")),
    ("lost i-0abcdef1234567890", "lost i-1234567890abcdef0"),
    ("lost subnet-0a1b2c3d", "lost subnet-12345678"),
    ("at commit 3f2a91c", "at commit b1c9e07"),
    ("run_550e8400-e29b-41d4-a716-446655440000 failed", "run_0b9c1d2e-aaaa-4bbb-8ccc-00000000000f failed"),
    ("checkpoint_9f86d081884c7d65 lost", "checkpoint_2c26b46b68ffc68f lost"),
    ("loss is -1.5", "loss is 23"),
    ("at 1234567.25 of 10", "at 1.5e-07 of 123456789"),
    ("CUDA out of memory. Tried to allocate 448.00 MiB.", "CUDA out of memory. Tried to allocate 2.25 GiB."),
    ("needs 10GB, has 512 KB", "needs 7,000 bytes, has 1 TiB"),
    ("role arn:aws:iam::111122223333:role/a failed", "role arn:aws:iam::444455556666:role/b failed"),
    ("from s3://one/a/b.csv", "from s3://two/c"),
    ("from '/opt/ml/a b.csv' on 10.0.0.1:99", "from '/data/x' on 192.168.1.20:8080"),
    ("connect to 2001:db8:0:0:0:0:0:1 failed", "connect to fe80::1%eth0 failed"),
    ("connect to ::1 failed", "connect to ::ffff:10.0.0.1 failed"),
    ("no route to 2001:db8::/32", "no route to fd00:1::/48"),
    ("connect to [2001:db8::a:1]:29500 failed", "connect to [::ffff:10.0.0.1]:443 failed"),
    ("at 2024-05-01 10:00:00,123 in /opt/ml/x.py", "at 2025-01-31T01:02:03Z in /opt/conda/y.py"),
    ("KeyError: u'alpha'", "KeyError: u'beta'"),
    ("KeyError: b'alpha'", "KeyError: B'beta'"),
    ("KeyError: rb'alpha'", "KeyError: 'beta'"),
    ('no key u"it\'s", none', "no key Ur'a b', none"),
    ("cannot read data/train/a.csv", "cannot read data/test/b.csv"),
    ("cannot read ./data/a.csv: denied", "cannot read ../b/c.csv: denied"),
    ("no data/dt=2024-01-02/part-0.snappy.parquet.", "no b-2/model.tar.gz."),
    ("no runs/0b9c1d2e-aaaa-4bbb-8ccc-00000000000f/a.pt", "no runs/last/b.safetensors"),
    ("[Tue Jan 02 03:04:05 2024] lost", "[Wed Feb 07 13:14:15 2025] lost"),
    ("since Tue Jan  2 03:04:05 UTC 2024.", "since Wed Nov 12 13:14:15 CEST 2025."),
    ("at Tue, 02 Jan 2024 03:04:05 GMT", "at Sat, 31 May 2025 13:14:15 GMT"),
    ("at [02/Jan/2024:03:04:05 +0000]", "at [31/May/2025:13:14:15 +0200]"),
    ("at 02-JAN-24", "at 31-Dec-2025"),
    ("Jan 02 03:04:05 host", "May 31 13:14:15 host"),
    ("expired on January 2nd, 2024", "expired on Friday, March 31, 2025 at 3:04 PM"),
    ("Tue 2024-01-02 03:04:05 UTC: lost", "Wed 2025-02-07 13:14:15 UTC: lost"),
    ("no package called ‘a’, ‘it’s’", "no package called “b”, «c d»"),
    ("no “a\nb”, «c\nd»", "no 'a', 'c'"),
    ("no “s3://one/a” or «arn:aws:iam::111122223333:role/a»", "no “two” or `three`"),
    (r'no "a \"b\" c" or u"\"", or none', "no 'd' or 'e', or none"),
    (r"no 'it\'s' or 'C:\a\' here", "no 'b' or 'c' here"),
    (r"exec: \"train\": no \"a b\", no \"s3://one/a\"", r"exec: \"serve\": no \"c\", no \"two\""),
    ("lost at 3:04:05 PM", "lost at 11:59:59 AM"),
    ("lost at 3:04pm, since 00:00:00Z", "lost at 12:30, since 23:59:59.123"),
    ("[10:11:12] lost", "[07:22] lost"),
    ("1/9 [00:12<45:03, 1.2it/s]", "2/10 [1:02:03<10:02:03,720, 3.4it/s]"),
    (r"no C:\Users\x\run.py: line 3", r"no D:\a\b: line 3"),
    (r"at d:\a\b.py:12:30, C:/a/b", "at /a/b.py:120:3, /b"),
    ("no link 0a:1b:2c:3d:4e:5f up", "no link 01:23:45:54:32:10 up"),
    ("We encountered an internal error.  Please try again.", "We encountered an internal error, please try again"),
]


APART = [
    (SCRIPT.format("ValueError: bad", 1), SCRIPT.format("KeyError: bad", 1)),
    (OLD_SCRIPT.format(1, "KeyError: x"), OLD_SCRIPT.format(1, "ImportError: x")),
    ("AlgorithmError: , exit code: 1", "AlgorithmError: , exit code: 2"),
    ("ValueError: defaced", "ValueError: effaced"),
    ("terminate called after throwing c10::Error", "terminate called after throwing std::bad_alloc"),
    ("dead::beefy", "dead::faces"),
    ("lost on Tue", "lost on Wed"),
    ("it's a\nit's b", "it's c\nit's b"),
    ('5" of a\n6" of b', '5" of c\n6" of b'),
    ("“ of a\n“b”", "“ of c\n“b”"),
    ("‘ of a\nb’s", "‘ of c\nb’s"),
    (r'"C:\a\" lost', r'"C:\a\" found'),
    (r"(\"a\") lost (\"b\")", r"(\"a\") found (\"b\")"),
    ("at 12:30: lost", "at 12:30: found"),
    (r"no C:\a lost", r"no C:\a found"),
]
MASKED = [
    ("read and/or write; I/O error, N/A, tcp/ip, 5 MB/s.", "read and/or write i/o error n/a tcp/ip <number>/s"),
    ("input/output error. Retry read/write...", "input/output error retry read/write"),
    ("no model org/Llama-2.7b-hf", "no model org/llama<number>b-hf"),
    ("host/image:1.0 at src=/opt/a.py", "host/image <number> at src=<path>"),
    ("It's the job's fault, I'd say 'why'", "it's the job's fault i'd say <quoted>"),
    ("epoch 3 may have diverged, 2 may not", "epoch <number> may have diverged <number> may not"),
    ("May 1e3 fit? Step 3 May fail. It may 5", "may <number> fit? step <number> may fail it may <number>"),
    ("Decoder 3 at Market 5, the sun sat by March", "decoder <number> at market <number> the sun sat by march"),
    ("Jan 02 03:04:05 HOST lost", "<time> host lost"),
    ("ratio 3:1, line 12: error, torch::jit", "ratio <number> <number> line <number> error torch jit"),
    ("key: value, a:b, 3:04, 12:3, 12:99", "key value a b" + " <number>" * 6),
    ("v1.12:30-gpu a-12:30 b/12:30", "v<number> <number>-gpu a<number> <number> b/<number> <number>"),
    ("Xid (PCI:0000:10:00): 79, 12:300", "xid (pci <number> <number> <number>) <number> <number> <number>"),
    ("at 12:30 a.m., 5:06 amps; 7:08 AM", "at <time> a m <number> <number> amps <time>"),
    (r"a\b ab:\c 0a:1b:2c de:ad:be", r"a\b ab \c <number>a <number>b <number>c de ad be"),
]
_FRAMES = '  File "/opt/conda/lib/x.py", line {}, in call\n' * 40
CUT = [(f"Traceback\n{_FRAMES}".format(*range(start, start + 40)))[:1024] for start in (5, 1000)]


@pytest.fixture(scope="module")
def told():
    """The rows of all these texts, judged at once: each query compiles every rule."""
    return judged(*(text for pair in (*ALIKE, *APART, CUT) for text in pair), *(reason for reason, _ in MASKED))


@pytest.fixture(scope="module")
def fingerprints(told):
    return {reason: row["failure_fingerprint"] for reason, row in told.items()}


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_what_differs_from_job_to_job_is_masked(one, other, fingerprints):
    assert fingerprints[one] == fingerprints[other]


@pytest.mark.parametrize(("one", "other"), APART)
def test_what_tells_failures_apart_is_not(one, other, fingerprints):
    assert fingerprints[one] != fingerprints[other]


@pytest.mark.parametrize(("reason", "masked"), MASKED)
def test_words_are_no_quotes_paths_or_dates(reason, masked, told):
    assert told[reason]["masked_reason"] == masked


def test_the_oracle_masks_the_same(fingerprints):
    found = {reason: row["failure_fingerprint"] for reason, row in judged(*(reason for reason, _ in KNOWN)).items()}
    found |= fingerprints
    assert [reason for reason in found if found[reason] != fingerprint(reason)] == []


def test_where_a_long_text_was_cut_makes_no_difference(fingerprints):
    one, other = CUT
    assert one != other
    assert fingerprints[one] == fingerprints[other]
