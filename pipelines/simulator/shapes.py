"""The service model: which members there are, and whether a request is made as it says.

Here: what botocore's model of SageMaker tells. Not here: what the model cannot say, such as the limits of a search.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from pipelines.service_model import service_model
from pipelines.simulator.errors import invalid

PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "structure": dict,
    "list": list,
    "map": dict,
}


@cache
def training_job() -> Any:
    """The shape of a job as Search returns it."""
    return service_model().shape_for("TrainingJob")


@cache
def describe_only() -> frozenset[str]:
    """Members of a job that DescribeTrainingJob returns and Search does not."""
    return frozenset(service_model().shape_for("DescribeTrainingJobResponse").members) - frozenset(
        training_job().members
    )


@cache
def summary_members() -> tuple[str, ...]:
    """Members of a job that ListTrainingJobs returns."""
    return tuple(service_model().shape_for("TrainingJobSummary").members)


def check(operation: str, parameters: dict[str, Any]) -> None:
    """Raise ValidationException where ``parameters`` are not as the model has them; members it lacks are ignored."""
    problems = list(_problems(service_model().operation_model(operation).input_shape, parameters, ""))
    if problems:
        plural = "" if len(problems) == 1 else "s"
        raise invalid(f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}")


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if not is_of(shape.type_name, value):
        yield f"Value at '{path}' failed to satisfy constraint: Member must be a {shape.type_name}"
        return
    yield from _broken_constraints(shape, value, path)
    if shape.type_name == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"Value null at '{_below(path, name)}' failed to satisfy constraint: Member must not be null"
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _problems(member, value[name], _below(path, name))
    elif shape.type_name == "list":
        for index, element in enumerate(value, 1):
            yield from _problems(shape.member, element, f"{path}.{index}.member")


def _broken_constraints(shape: Any, value: Any, path: str) -> Iterator[str]:
    failed = f"Value '{value}' at '{path}' failed to satisfy constraint: Member must"
    limits = shape.metadata
    size = value if isinstance(value, int | float) else len(value)
    what = "have value" if isinstance(value, int | float) else "have length"
    if "min" in limits and size < limits["min"]:
        yield f"{failed} {what} greater than or equal to {limits['min']}"
    if "max" in limits and size > limits["max"]:
        yield f"{failed} {what} less than or equal to {limits['max']}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"{failed} satisfy enum value set: [{', '.join(limits['enum'])}]"
    if "pattern" in limits and not re.fullmatch(limits["pattern"], value, re.DOTALL):
        yield f"{failed} satisfy regular expression pattern: {limits['pattern']}"


def _below(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


def is_of(type_name: str, value: Any) -> bool:
    """Whether a JSON value is of a type of the model; true and false are no numbers."""
    return isinstance(value, PYTHON_TYPES[type_name]) and (type_name == "boolean" or not isinstance(value, bool))
