"""The `trainyard` command: thin over the assets and the published file.

Here: arguments, progress, what is printed, exit codes. Not here: any of the work. Modules that are slow to import are
imported by the commands that need them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console

from pipelines.config import Engine, Settings, load_settings
from pipelines.errors import TrainyardError
from pipelines.home import Home, make_private
from pipelines.interrupt import watch_signals
from pipelines.progress import Bars, Log
from pipelines.query import Format, write_answer
from pipelines.terminal import printable

if TYPE_CHECKING:
    from pipelines.refresh import Part


def _examples(*lines: str) -> str:
    """The end of a command's help: lines to type, each on its own, with what it does behind two spaces and a #."""
    return "\n\n".join(("Examples:" if len(lines) > 1 else "Example:", *lines))


app = typer.Typer(
    help="An analytics warehouse for Amazon SageMaker training jobs.",
    epilog=_examples(
        "trainyard demo  # try it, on made-up jobs",
        "trainyard init  # begin a trainyard.toml",
        "trainyard doctor  # what stands in the way of a run?",
        "trainyard run  # harvest, and publish warehouse.duckdb and dashboard.html",
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
publish = typer.Typer(help="Copy the published marts to where other tools look for them.", no_args_is_help=True)
app.add_typer(publish, name="publish")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"trainyard {version('trainyard')}")
        raise typer.Exit


AsJson = Annotated[bool, typer.Option("--json", help="Write JSON to standard output, for scripts.")]
Version = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit.")
]
_stderr = Console(stderr=True)


@app.callback()
def _options(shows_version: Version = False) -> None:
    """Take what is an option of no single command."""


@app.command(epilog=_examples("TRAINYARD_CONFIG=/etc/trainyard.toml trainyard init  # elsewhere than here"))
def init() -> None:
    """Write a `trainyard.toml` with every setting and what it means, all commented out."""
    from pipelines.first_settings import write_first_settings

    typer.echo(f"{write_first_settings()} written: name your accounts in it, then `trainyard doctor`")


@app.command(
    epilog=_examples(
        "trainyard doctor",
        "trainyard doctor --json | jq '.[] | select(.level != \"ok\")'",
    )
)
def doctor(as_json: AsJson = False) -> None:
    """Look at what a run needs (versions, disk, credentials, permissions, clock), and tell what to fix.

    Each finding is `ok`, a `warning` (a run goes without something) or `failed` (it would fail: so does this command).
    """
    from pipelines.doctor import Level, examine

    findings = []
    for finding in examine(load_settings()):
        findings.append(finding)
        if not as_json:
            typer.echo(printable(f"{finding.level:<8} {finding.subject}: {finding.told}"))
    if as_json:
        _echo_json(findings)
    if any(finding.level is Level.failed for finding in findings):
        raise typer.Exit(1)


@app.command(
    epilog=_examples(
        "AWS_PROFILE=ml-readonly AWS_REGION=eu-west-1 trainyard run",
        "trainyard run --no-harvest  # after `trainyard import`",
    )
)
def run(
    harvest: Annotated[bool, typer.Option(help="Ask the sources what changed; otherwise take what raw holds.")] = True,
) -> None:
    """Harvest, flatten, model, check and publish, once, through the assets that the schedule runs."""
    from pipelines.refresh import Part

    _refresh(load_settings(), Part.ALL if harvest else Part.FROM_RAW)


@app.command(
    "import",
    epilog=_examples(
        "aws sagemaker describe-training-job --training-job-name NAME > job.json; trainyard import job.json",
        "trainyard import archive/*.ndjson.gz && trainyard run --no-harvest",
    ),
)
def import_(
    files: Annotated[list[Path], typer.Argument(help="Files of documents: .ndjson or .json, also .gz or .zst.")],
) -> None:
    """Take documents from files; `trainyard run --no-harvest` then builds.

    A file may hold documents, `Search` or `Describe` responses, output of the AWS command line, or EventBridge events.
    """
    from pipelines.harvest.archive import Observation, RawArchive
    from pipelines.harvest.due import note_due, read_due
    from pipelines.harvest.file_import import import_files
    from pipelines.harvest.redact import Redactor

    settings = load_settings()
    home = Home(settings.home)

    def note(batch: list[Observation]) -> None:
        note_due(home.root, (observation.document for observation in batch))

    with home.writing(wait_seconds=0), _stderr.status("reading"):
        home.see_that_jobs_belong()
        outcome = import_files(RawArchive(home.raw), files, Redactor(settings.secret_keys), note)
        due = len(read_due(home.root))
    builds = ": `trainyard run --no-harvest` builds with them" if outcome.documents else ""
    typer.echo(f"{outcome.documents:,} documents imported{builds}")
    if due:
        typer.echo(f"{due:,} jobs are named by events: the next `trainyard run` asks for those that it does not have")
    if outcome.error:
        raise TrainyardError(outcome.error)


@app.command(epilog=_examples("trainyard build  # after a change in reference/, or after `trainyard verify`"))
def build(
    engine: Annotated[
        Engine | None, typer.Option(help="What runs the models; the setting `engine` if not given.")
    ] = None,
) -> None:
    """Model and publish what the lake holds."""
    from pipelines.refresh import Part

    settings = load_settings()
    _refresh(settings.model_copy(update={"engine": engine or settings.engine}), Part.FROM_LAKE)


@app.command(epilog=_examples("trainyard rebuild  # after an upgrade, or where files of the lake are damaged"))
def rebuild() -> None:
    """Flatten every raw document anew, then model and publish. Asks no source for anything."""
    from pipelines.refresh import Part

    _refresh(load_settings(), Part.FROM_RAW, from_scratch=True)


@app.command(epilog=_examples("trainyard verify && trainyard build", "trainyard verify --json"))
def verify(as_json: AsJson = False) -> None:
    """Compare the lake with the service, by counts of jobs, and repair what differs."""
    from pipelines.progress import by_source
    from pipelines.verify import told, verify

    settings = load_settings()
    with _progress() as log, Home(settings.home).writing(wait_seconds=0):
        verifications = verify(settings, by_source(log))
    if as_json:
        _echo_json(verifications)
    else:
        for line in told(verifications):
            typer.echo(printable(line))
    outcomes = [verification.outcome for verification in verifications]
    _exit_if_failed([f"{outcome.source} was not verified: {outcome.error}" for outcome in outcomes if outcome.error])


@app.command(epilog=_examples("trainyard status", "trainyard status --json | jq -r .warehouse.built_at"))
def status(as_json: AsJson = False) -> None:
    """Show sources, watermarks, freshness, rows, the last build and the quarantine."""
    from pipelines.status import read_status, show_status

    home = Home(load_settings().home)
    home.pull()
    home.pull_warehouse()
    found = read_status(home)
    if as_json:
        _echo_json(found)
    else:
        show_status(found, Console())


# SQL that begins with a comment is no option.
@app.command(
    context_settings={"ignore_unknown_options": True},
    epilog=_examples(
        'trainyard query "select * from marts.failure_rates"',
        'trainyard query "from marts.fct_training_jobs where is_open" --format csv > open_jobs.csv',
        'trainyard query "$(cat sql/examples/stuck_jobs.sql)"',
        "trainyard query \"select table_name, comment from duckdb_tables() where schema_name = 'marts'\"",
    ),
)
def query(
    sql: Annotated[str, typer.Argument(help="A SELECT over the schemas marts and lake.")],
    output: Annotated[
        Format, typer.Option("--format", help="How the rows are written to standard output.")
    ] = Format.table,
) -> None:
    """Ask the published warehouse, read-only."""
    home = Home(load_settings().home)
    home.pull_warehouse()
    write_answer(home.warehouse, sql, output)


@publish.command(epilog=_examples("trainyard publish postgres postgresql://trainyard@db.example.com/bi"))
def postgres(
    dsn: Annotated[
        str,
        typer.Argument(
            help="The database, as postgresql://user@host/database; its password in ~/.pgpass or PGPASSWORD."
        ),
    ],
    schema: Annotated[str, typer.Option(help="The schema, which is for the marts alone.")] = "trainyard",
) -> None:
    """Copy the marts into a schema of PostgreSQL, in one transaction, for BI tools that have a driver for it."""
    from pipelines.postgres import mirror_marts

    home = Home(load_settings().home)
    home.pull_warehouse()
    with _stderr.status("copying"):
        mirrored = mirror_marts(home.warehouse, dsn, schema)
    typer.echo(f"published {mirrored.tables} tables with {mirrored.rows:,} rows in the schema {printable(schema)}")
    _warn(mirrored.warnings)


@app.command(epilog=_examples("TRAINYARD_HOME=s3://bucket/prefix trainyard ddl > tables.sql"))
def ddl() -> None:
    """Print the SQL that makes the tables of lake and marts in Athena, for a data directory in a bucket."""
    from pipelines.hive.ddl import statements
    from pipelines.models.catalogue import load_catalogue, partitioned_tables
    from pipelines.shipped import shipped

    url = Home(load_settings().home).url
    if not url:
        raise TrainyardError("Athena reads buckets alone: set TRAINYARD_HOME to s3://bucket/prefix")
    marts = load_catalogue(shipped("sql")).marts
    for statement in statements(url, [*partitioned_tables(), *marts]):
        typer.echo(f"{statement};")


@app.command(
    epilog=_examples(
        "trainyard simulate --port 8900",
        "trainyard simulate jobs.ndjson.gz",
    )
)
def simulate(
    file: Annotated[Path | None, typer.Argument(help="Fleet to serve: NDJSON of documents, also .gz or .zst.")] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port on the loopback address; 0 takes a free one.")
    ] = 8900,
) -> None:
    """Serve a fleet (made up, or from a file) as a SageMaker endpoint.

    Its clock, and faults that befall calls, are told and changed in JSON at /_simulator/clock and /_simulator/faults.
    """
    from pipelines.simulator import Fleet, Simulator
    from pipelines.simulator.made_fleet import made_fleet

    simulator = Simulator(Fleet.load(file) if file else made_fleet(), port=port)
    surroundings = f"AWS_ENDPOINT_URL_SAGEMAKER={simulator.url} AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x"
    typer.echo(f"SageMaker is simulated at {simulator.url} until Ctrl-C. In another terminal:")
    typer.echo(f"  {surroundings} TRAINYARD_HOME=trainyard-data-simulated trainyard run")
    sys.stdout.flush()
    simulator.serve_forever()


@app.command(epilog=_examples("trainyard demo && trainyard status"))
def demo() -> None:
    """Run the main job on an embedded simulator: made-up jobs of three accounts and a year."""
    from pipelines.demo import demo_settings
    from pipelines.refresh import Part

    with demo_settings(load_settings()) as settings:
        _refresh(settings, Part.ALL)


def _refresh(settings: Settings, part: Part, *, from_scratch: bool = False) -> None:
    """Make the part, showing progress, and say what was published; exit with 1 if a source failed."""
    from pipelines.refresh import refresh

    home = Home(settings.home)
    with _progress() as log:
        findings = refresh(settings, part, log, from_scratch=from_scratch)
    write_answer(
        home.warehouse,
        "select jobs, open_jobs, newest_last_modified_time, documents_quarantined from marts.build_info",
        Format.table,
    )
    typer.echo(f"published {home.warehouse}" if not home.url else f"published {home.url}, here {home.warehouse}")
    if home.dashboard.exists():
        typer.echo(f"drew it in {home.dashboard}: open that in a browser")
    _warn(finding.text for finding in findings if not finding.is_failure)
    _exit_if_failed([finding.text for finding in findings if finding.is_failure])


def _echo_json(value: object) -> None:
    """Write it in ASCII: what is not, and all that a terminal would obey, is an escape there."""
    typer.echo(json.dumps(msgspec.to_builtins(value), indent=2))


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        typer.echo(f"trainyard: warning: {printable(warning)}", err=True)


def _exit_if_failed(failures: list[str]) -> None:
    for failure in failures:
        typer.echo(f"trainyard: {printable(failure)}", err=True)
    if failures:
        raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Log]:
    """Where to say how far a command is: bars on a terminal, lines elsewhere, both on standard error."""
    if _stderr.is_terminal:
        with Bars(_stderr) as bars:
            yield bars
    else:
        yield lambda line: typer.echo(printable(line), err=True)


def main() -> None:
    """Run the command; what the user can mend is one line on standard error, without a traceback."""
    make_private()
    if isinstance(sys.stdout, TextIOWrapper):  # what its encoding lacks is an escape there, as on standard error
        sys.stdout.reconfigure(errors="backslashreplace")
    signal_that_came = watch_signals(_end)
    try:
        status = app(prog_name="trainyard", standalone_mode=False)
        if status and (came := signal_that_came()):  # Typer has made an exit code of a KeyboardInterrupt
            status = _end(came)
    except BaseException as error:
        if came := signal_that_came():  # whatever was raised, this is behind it
            raise SystemExit(_end(came)) from None
        said = _said_of(error)
        if said is None:
            raise
        raise SystemExit(f"trainyard: {printable(said)}" if said else 1) from None
    raise SystemExit(status)


def _end(by: Signals) -> int:
    """Say what ended the command; give its exit code, as shells have it."""
    typer.echo(f"trainyard: ended by {by.name}: run it again to go on", err=True)
    return 128 + by


def _said_of(error: BaseException) -> str | None:
    """What the user can mend, in one line, empty if it was said; None where the program itself is wrong."""
    if isinstance(error, TrainyardError):
        return " ".join(str(error).split())
    if isinstance(error, typer.TyperException):  # of the arguments; without any, the help is shown
        worded, asked = getattr(error, "format_message", error.__str__), getattr(error, "ctx", None)
        told = worded().rstrip(".")
        return told and f"{told}: `{asked.command_path if asked else 'trainyard'} --help` tells what there is"
    if isinstance(error, OSError):  # a file or folder that is missing, forbidden, or full
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}: correct this, then run again"
    return None


if __name__ == "__main__":
    main()
