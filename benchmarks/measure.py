"""Measuring: each contestant works in a process of its own, in turns with the others; medians are compared.

A benchmark's module is run again as the child, with the contestant's name; the child calls ``report``. CPU seconds are
the process's own and its children's, user and system; the peak of memory is the process's (Linux).
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"

T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """What one run took."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Target:
    """A ratio (or other figure) that was measured, and the bound it should keep."""

    name: str
    figure: float
    bound: float
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        """Does the figure keep the bound?"""
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound

    @property
    def verdict(self) -> str:
        """As a person reads it."""
        return f"{self.figure:.2f}, at {'least' if self.at_least else 'most'} {self.bound:g}: " + (
            "met" if self.is_met else "NOT met"
        )


def report(work: Callable[[], object]) -> None:
    """In the child: do the work and print what it took."""
    took, _ = timed(work)
    print(json.dumps(asdict(took)))


def timed(work: Callable[[], T]) -> tuple[Measured, T]:
    """Do the work: what it took, and what it gave."""
    cpu, wall = _cpu_seconds(), time.perf_counter()
    given = work()
    return Measured(_cpu_seconds() - cpu, time.perf_counter() - wall, peak_mib()), given


def measure(
    module: str, contestants: Iterable[str], arguments: Sequence[str], repetitions: int, cores: int | None = None
) -> dict[str, list[Measured]]:
    """Run each contestant so many times, one after the other and again; only on so many cores, if they are given."""
    runs: dict[str, list[Measured]] = {name: [] for name in contestants}
    for _ in range(repetitions):
        for name, measured in runs.items():
            command = [sys.executable, "-m", module, "--contestant", name, *arguments]
            usable = sorted(os.sched_getaffinity(0))[:cores]
            child = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                check=True,
                preexec_fn=lambda usable=usable: os.sched_setaffinity(0, usable),  # type: ignore[misc]
            )
            measured.append(Measured(**json.loads(child.stdout.splitlines()[-1])))
            print(f"{name}: {measured[-1].cpu_seconds:.2f} s CPU", file=sys.stderr)
    return runs


def median(runs: Sequence[Measured]) -> Measured:
    """The median of each figure; of memory, the most."""
    return Measured(
        statistics.median(run.cpu_seconds for run in runs),
        statistics.median(run.wall_seconds for run in runs),
        max(run.peak_mib for run in runs),
    )


def publish(
    name: str, documents: dict[str, int], runs: dict[str, list[Measured]], ours: str, targets: Iterable[Target]
) -> None:
    """Print the table and the targets, and keep all of it in ``results/<name>.json``.

    ``documents``: how many each contestant had.
    """
    targets = list(targets)
    medians = {contestant: median(measured) for contestant, measured in runs.items()}
    cpu = {contestant: medians[contestant].cpu_seconds / documents[contestant] * 1e6 for contestant in runs}
    table = Table("contestant", *(f"{figure}" for figure in ("documents", "CPU µs/doc", "wall µs/doc", "peak MiB")))
    table.add_column(f"CPU : {ours}")
    for contestant, took in medians.items():
        table.add_row(
            contestant,
            f"{documents[contestant]:,}",
            f"{cpu[contestant]:.1f}",
            f"{took.wall_seconds / documents[contestant] * 1e6:.1f}",
            f"{took.peak_mib:.0f}",
            f"{cpu[contestant] / cpu[ours]:.2f}",
        )
    console = Console()
    console.print(table)
    for target in targets:
        console.print(f"{target.name}: {target.verdict}", highlight=False)
    RESULTS.mkdir(exist_ok=True)
    result = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "python": sys.version.split()[0],
        "packages": {package: installed for package in PACKAGES if (installed := _version(package))},
        "documents": documents,
        "runs": {contestant: [asdict(run) for run in measured] for contestant, measured in runs.items()},
        "targets": [asdict(target) | {"is_met": target.is_met} for target in targets],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")


PACKAGES = ("boto3", "botocore", "dlt", "duckdb", "msgspec", "pandas", "polars", "pyarrow", "pysimdjson")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def forget_peak() -> None:
    """Have ``peak_mib`` begin anew with what the process holds now."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mib() -> float:
    """Since the process was made, or since it was forgotten: ``ru_maxrss`` would begin with its parent's."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
