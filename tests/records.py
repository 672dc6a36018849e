"""Training job records for property tests, made from the service model itself, and the texts they may come as."""

import json
from random import Random

from hypothesis import strategies as st

from pipelines.flatten.gate import EARLIEST_SECONDS, LATEST_SECONDS
from pipelines.flatten.rebuild import rebuild_document
from pipelines.flatten.record import ListOf, MapOf, Scalar, Structure, training_job

ARN = "arn:aws:sagemaker:eu-west-1:012345678901:training-job/"
MAY, JULY = 1_746_100_000, 1_752_000_000

ODD_TEXTS = (
    *("", " ", "a.b", "a[0]", "a{}", '"', '\\"', "'", "\\", "\\u0041", "\0", "\x1f", "\n", "\r\n", "\t", "\u2028"),
    *("\ufeff", "null", "NaN", "{}", "[]", "0", "${x}", "--", "é", "e\u0301", "\U0001f600", "\U0010ffff"),
    *("x" * 3000, '"32"'),
)
# All of Unicode but lone surrogates, which no UTF-8 holds.
texts = st.sampled_from(ODD_TEXTS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
times = (
    st.integers(MAY * 1000, JULY * 1000).map(lambda milliseconds: milliseconds / 1000)
    | st.integers(EARLIEST_SECONDS * 1000, int(LATEST_SECONDS * 1000)).map(lambda milliseconds: milliseconds / 1000)
    | st.sampled_from(
        (0, -1, 0.001, MAY, EARLIEST_SECONDS, LATEST_SECONDS, LATEST_SECONDS - 0.001, 1e10, 9007199254.741)
    )
)
# No job is created after it was seen.
created = times.map(lambda seconds: min(seconds, JULY))
numbers = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**53), 2**53)
    | st.sampled_from(("NaN", "Infinity", "-Infinity", 5e-324, 1.7976931348623157e308, 0.1, -0.0, 1e22, 1e-7))
)
integers = st.sampled_from((0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63))) | st.integers(-(2**63), 2**63 - 1)
scalars = {"string": texts, "integer": integers, "boolean": st.booleans(), "number": numbers, "timestamp": times}
unmodelled = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)


def values(node):
    if isinstance(node, Scalar):
        return scalars[node.kind]
    if isinstance(node, ListOf):
        return st.lists(values(node.element), max_size=2)
    if isinstance(node, MapOf):
        return st.dictionaries(texts, values(node.value), max_size=3)
    # A handful of the members, so that examples stay small and every member has its turn.
    names = st.lists(st.sampled_from(sorted(node.members)), max_size=6, unique=True)
    known = names.flatmap(lambda chosen: st.fixed_dictionaries({name: values(node.members[name]) for name in chosen}))
    strange = st.dictionaries(st.sampled_from(("NewMember", "new.member", "x", "Ünknown [1]")), unmodelled, max_size=1)
    return st.tuples(known, st.just({}) | st.just({}) | strange.map(without_nulls)).map(
        lambda parts: parts[0] | parts[1]
    )


def without_nulls(members):
    return {name: value for name, value in members.items() if value is not None}


def documents():
    """Documents that have an ARN and a CreationTime, and anything else or nothing."""
    identity = {"TrainingJobArn": st.sampled_from("abcdef").map(lambda name: ARN + name), "CreationTime": created}
    return st.tuples(values(training_job()), st.fixed_dictionaries(identity)).map(lambda parts: parts[0] | parts[1])


def written(value, random: Random, node=None):
    """A text that says ``value`` in one of the ways that JSON has: spaces, escapes, nulls, members written twice."""
    space = random.choice(("", "", " ", "\n  "))
    if isinstance(value, list):
        element = node.element if isinstance(node, ListOf) else None
        return "[" + ",".join(space + written(item, random, element) for item in value) + space + "]"
    if not isinstance(value, dict):
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 and random.random() < 0.5:
            return str(int(value)) if value or str(value) == "0.0" else "-0.0"
        return json.dumps(value, ensure_ascii=random.random() < 0.5)
    members = [(key, item, _below(node, key)) for key, item in value.items()]
    random.shuffle(members)
    if isinstance(node, Structure):  # what is absent may be there as null
        absent = [name for name in node.members if name not in value]
        members += [(name, None, None) for name in absent if random.random() < 0.1]
    if members and random.random() < 0.2:  # of a member that is there twice the last one counts
        key, item, below = random.choice(members)
        members.insert(0, (key, _another(item), below))
    return "{" + ",".join(f"{space}{written(k, random)}:{space}{written(v, random, n)}" for k, v, n in members) + "}"


def _below(node, key):
    return node.members.get(key) if isinstance(node, Structure) else node.value if isinstance(node, MapOf) else None


def _another(value):
    """Another value of the same type."""
    return {bool: True, int: 7, float: 7.5, str: "NaN", list: [], dict: {}, type(None): None}[type(value)]


def marked(value):
    """The value with booleans that are equal to no number."""
    if isinstance(value, dict):
        return {key: marked(item) for key, item in value.items()}
    return (
        [marked(item) for item in value]
        if isinstance(value, list)
        else str(value)
        if value is True or value is False
        else value
    )


def rebuilt(arn, tables):
    """The document of a job; ``tables``: name -> rows of all jobs, as dicts."""
    own = {name: [row for row in rows if row["training_job_arn"] == arn] for name, rows in tables.items()}
    return rebuild_document(own)
