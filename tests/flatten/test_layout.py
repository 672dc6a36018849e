"""The layout of the record: every leaf of the service model has its place."""

from pipelines.flatten.layout import lake_tables
from pipelines.flatten.record import ListOf, MapOf, Scalar, Structure, training_job


def leaves(node, path=""):
    if isinstance(node, Scalar):
        yield path
    elif isinstance(node, ListOf):
        yield from leaves(node.element, f"{path}[]")
    elif isinstance(node, MapOf):
        yield from leaves(node.value, path)
    else:
        assert isinstance(node, Structure)
        for name, member in node.members.items():
            yield from leaves(member, f"{path}.{name}" if path else name)


def test_every_leaf_of_the_record_has_a_column():
    comments = " ".join(column.comment for table in lake_tables() for column in table.table.columns)
    missing = [path for path in leaves(training_job()) if f"{path}." not in comments]
    assert missing == []
