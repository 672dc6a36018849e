"""A pass that ends without an error holds every job that there was when it began, whatever moves between its calls."""

from random import Random

import pytest

from pipelines.errors import TrainyardError
from pipelines.harvest import intake, search
from tests.harvest.moving import MovingFleet
from tests.harvest.passes import held, pass_by
from tests.simulator.made import T0


@pytest.mark.parametrize("seed", range(30))
def test_what_there_was_when_a_pass_began_is_held_when_it_ends(monkeypatch, home, seed):
    random = Random(seed)
    monkeypatch.setattr(search, "PAGE_JOBS", 10)
    monkeypatch.setattr(search, "QUERY_JOBS", random.choice((50, 5_000)))
    monkeypatch.setattr(intake, "BATCH_DOCUMENTS", 30)
    fleet = MovingFleet(
        random,
        jobs=random.randrange(50, 400),
        restlessness=random.choice((0.1, 0.5, 1.0, 3.0)),
        step_seconds=random.choice((0.1, 1, 20)),
        spread_seconds=random.choice((0, 30, 3_000)),  # all at once, some in each second, or one now and then
    )
    for _ in range(3):
        one_pass = pass_by(fleet, home, overlap_seconds=random.choice((0, 30, 900)))
        at_first = fleet.versions()
        try:
            one_pass.run()
        except TrainyardError:
            continue
        assert not lacking(home, at_first)
        for _ in range(random.randrange(40)):
            fleet.ask("Search", SortBy="LastModifiedTime", SortOrder="Ascending", MaxResults=1)
    fleet.restlessness = 0
    pass_by(fleet, home).run()
    assert {arn: job["LastModifiedTime"] for arn, job in held(home).items()} == fleet.versions()


@pytest.fixture
def starting(monkeypatch):
    """Thirty jobs that started in the five minutes before T0, and stay in progress: no count shows that they change."""
    monkeypatch.setattr(search, "PAGE_JOBS", 10)
    fleet = MovingFleet(Random(0), 0, restlessness=0, step_seconds=0)
    fleet.now = T0
    for number in range(30):
        fleet.create(T0 - 300 + 10 * number)
    return fleet


def take_pass(fleet, home, **options):
    pass_by(fleet, home, **options).run()


def test_a_change_that_slips_out_of_a_page_is_not_taken_for_held(starting, home):
    take_pass(starting, home)
    starting.now = T0 + 400
    for number in range(30):
        starting.change(number, T0 + 1 + 10 * number)
    versions = starting.versions()
    moves = iter([lambda: starting.change(0, T0 + 400)])  # after the first page: job 10 moves onto it
    take_pass(starting, home, on_page=lambda documents: next(moves, lambda: None)())
    assert not lacking(home, versions)


def test_a_change_in_the_second_in_which_the_last_pass_ended_is_seen(starting, home):
    starting.now = T0 + 0.2
    starting.create(T0 + 0.1)
    take_pass(starting, home)
    starting.change(5, T0 + 0.5)
    starting.now = T0 + 200
    for number in range(10, 25):  # more than a look shows
        starting.change(number, T0 + 100 + number)
    take_pass(starting, home)
    assert not lacking(home, starting.versions())


def test_a_change_dated_in_the_future_hides_no_other(starting, home):
    starting.create(T0 + 400 * 86_400)
    take_pass(starting, home)
    starting.now = T0 + 200
    for number in range(25):
        starting.change(number, T0 + 100 + number)
    take_pass(starting, home)
    assert not lacking(home, starting.versions())


def test_a_fleet_that_never_rests_costs_few_calls_more(monkeypatch, home):
    monkeypatch.setattr(search, "PAGE_JOBS", 10)
    monkeypatch.setattr(search, "QUERY_JOBS", 500)
    fleet = MovingFleet(Random(0), 1_000, restlessness=1, step_seconds=3)
    one_pass = pass_by(fleet, home)
    one_pass.run()
    assert one_pass.calls < 1.5 * 100


@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_counted_but_not_given_is_looked_for_until_it_comes(monkeypatch, home, is_first):
    monkeypatch.setattr(search, "PAGE_JOBS", 10)
    fleet = MovingFleet(Random(0), 60, restlessness=0, step_seconds=0)
    if not is_first:
        take_pass(fleet, home)
    fleet.now += 100_000
    fleet.hidden = {fleet.create(fleet.now - 1_000)}
    for _ in range(3):
        fleet.now += 10_000  # more than the overlap
        for seconds in range(25):
            fleet.create(fleet.now - 50 + seconds)
        with pytest.raises(TrainyardError, match=r"Search counts \d+ jobs but gives"):
            take_pass(fleet, home)
    fleet.hidden = set()
    take_pass(fleet, home)
    assert not lacking(home, fleet.versions())
    calls = fleet.made.total()
    take_pass(fleet, home)
    assert fleet.made.total() <= calls + 2


def test_documents_that_cannot_be_read_are_counted_with_the_others(monkeypatch, home):
    monkeypatch.setattr(search, "PAGE_JOBS", 10)
    fleet = MovingFleet(Random(0), 0, restlessness=0, step_seconds=0)
    arns = [fleet.create(fleet.now - 600 + 10 * number) for number in range(40)]  # all within the overlap
    fleet.broken = {arns[5], arns[36]}
    for documents in (40, 0, 0):
        one_pass = pass_by(fleet, home)
        one_pass.run()
        assert one_pass.documents == documents


def lacking(home, versions):
    """The jobs of which no version as new as this is held."""
    of_held = {arn: job["LastModifiedTime"] for arn, job in held(home).items()}
    return {arn for arn, modified in versions.items() if of_held.get(arn, 0) < modified}
