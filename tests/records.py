"""Training job records for property tests, made from the service model itself; and a record rebuilt from its rows."""

import datetime as dt

from botocore import xform_name
from hypothesis import strategies as st

from pipelines.flatten.record import ListOf, MapOf, Scalar, Structure, training_job

ARN = "arn:aws:sagemaker:eu-west-1:012345678901:training-job/"
# All of Unicode but lone surrogates, which no UTF-8 holds.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
scalars = {
    "string": texts,
    "integer": st.integers(-(2**63), 2**63 - 1),
    "boolean": st.booleans(),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "timestamp": st.integers(-(10**12), 4 * 10**12).map(lambda milliseconds: milliseconds / 1000),
}


def values(node):
    if isinstance(node, Scalar):
        return scalars[node.kind]
    if isinstance(node, ListOf):
        return st.lists(values(node.element), max_size=2)
    if isinstance(node, MapOf):
        return st.dictionaries(texts, values(node.value), max_size=2)
    # A handful of the members, so that examples stay small and every member has its turn.
    names = st.lists(st.sampled_from(sorted(node.members)), max_size=6, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: values(node.members[name]) for name in chosen}))


def documents():
    """Documents that have an ARN and a CreationTime, and anything else or nothing."""
    identity = {
        "TrainingJobArn": st.sampled_from("abcdef").map(lambda name: ARN + name),
        "CreationTime": st.integers(0, 10**8).map(lambda seconds: 1.7e9 + seconds),
    }
    return st.tuples(values(training_job()), st.fixed_dictionaries(identity)).map(lambda parts: parts[0] | parts[1])


def rebuilt(arn, tables):
    """The document of a job; ``tables``: name -> list of rows as dicts."""
    own = {name: [row for row in rows if row["training_job_arn"] == arn] for name, rows in tables.items()}
    (row,) = own["training_jobs"]
    return _rebuilt(training_job(), row, "", "training_jobs", {}, own)


def _rebuilt(node, row, column, table, keys, tables):
    """The value of ``node`` in ``row``; None if absent. ``keys``: the row's own position in ``table``."""
    if isinstance(node, Scalar):
        value = row[column or "value"]
        return (value - dt.datetime(1970, 1, 1)) / dt.timedelta(seconds=1) if isinstance(value, dt.datetime) else value
    if isinstance(node, Structure):
        if column and not row[f"{column}__present"]:
            return None
        members = {
            name: _rebuilt(below, row, "_".join(filter(None, (column, xform_name(name)))), table, keys, tables)
            for name, below in node.members.items()
        }
        return {name: value for name, value in members.items() if value is not None}
    count = row[f"{column}__count"]
    if count is None:
        return None
    child = column if table == "training_jobs" else f"{table}_{column}"
    rows = [r for r in tables[child] if all(r[name] == position for name, position in keys.items())]
    assert len(rows) == count
    if isinstance(node, MapOf):
        return {r["key"]: _rebuilt(node.value, r, "", child, {}, tables) for r in rows}
    rows.sort(key=lambda r: r["index"])
    assert [r["index"] for r in rows] == list(range(count))
    return [_rebuilt(node.element, r, "", child, {**keys, f"{child}_index": r["index"]}, tables) for r in rows]
