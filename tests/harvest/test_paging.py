"""A pass gets every job, whatever the service's pages, tokens, index and clocks do, and a quiet one costs two calls."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.config import Settings
from pipelines.errors import TrainyardError
from pipelines.harvest import intake, search
from pipelines.harvest.archive import RawArchive, last_looks
from pipelines.harvest.calls import Calls
from pipelines.harvest.harvest import harvest
from pipelines.home import Home
from pipelines.lake.load import load
from pipelines.simulator import Fault, Fleet, Simulator
from pipelines.simulator.made_fleet import END_SECONDS, made_documents
from tests.harvest.passes import SOURCE, held, new_pass, pass_by, received, run_pass, searched
from tests.main_job import lake, only_the_simulator
from tests.simulator.clients import client
from tests.simulator.made import T0, job

DAY = 86_400


@pytest.fixture
def small(monkeypatch):
    """Pages of 10 jobs, queries and batches of 50."""
    monkeypatch.setattr(search, "PAGE_JOBS", 10)
    monkeypatch.setattr(search, "QUERY_JOBS", 50)
    monkeypatch.setattr(intake, "BATCH_DOCUMENTS", 50)


def ended(count, every_seconds=100.0, first="a"):
    return [job(f"{first}{number:04}", T0 + number * every_seconds) for number in range(count)]


def names(documents):
    return Counter(document["TrainingJobName"] for document in documents)


def test_each_job_comes_once_at_a_call_for_a_page(small, home):
    fleet = Fleet(ended(230))
    with Simulator(fleet) as simulator:
        done = run_pass(simulator, home)
        assert set(names(received(home)).values()) == {1}
        assert held(home) == searched(fleet.documents)
        assert (done.documents, done.batches) == (230, 5)
        # 23 pages hold them; each of the 4 queries that go on begins with a job of the last one. A look before, the
        # second of its newest change after, and the jobs without a LastModifiedTime.
        assert done.calls <= 23 + 1 + 3


@pytest.mark.parametrize("spread_seconds", [0, 0.003])
def test_more_jobs_in_one_second_than_a_batch_holds(small, home, spread_seconds):
    fleet = Fleet([*ended(30, first="before"), *ended(170, spread_seconds, "at"), *ended(30, first="after")])
    with Simulator(fleet) as simulator:
        run_pass(simulator, home)
        assert held(home) == searched(fleet.documents)
        quiet = run_pass(simulator, home)
    assert quiet.documents == 0
    assert quiet.calls == 2


def test_a_crash_in_a_crowded_second_loses_nothing(small, home):
    fleet = Fleet(ended(170, 0.001))

    def crash(documents):
        if documents >= 100:
            raise KeyboardInterrupt

    with Simulator(fleet) as simulator:
        with pytest.raises(KeyboardInterrupt):
            run_pass(simulator, home, on_page=crash)
        assert 0 < len(held(home)) < 170
        run_pass(simulator, home)
    assert held(home) == searched(fleet.documents)
    assert set(names(received(home)).values()) == {1}


@pytest.mark.parametrize("most_hits", [20, 60])
def test_a_cap_on_the_results_of_a_query(small, home, most_hits):
    fleet = Fleet(ended(230))
    with Simulator(fleet, most_hits=most_hits) as simulator:
        run_pass(simulator, home)
        assert held(home) == searched(fleet.documents)
        assert run_pass(simulator, home).calls == 1


def test_a_capped_second_is_an_error_that_says_so(small, home):
    with Simulator(Fleet(ended(230, 0)), most_hits=100) as simulator:
        with pytest.raises(TrainyardError, match="Search counts 230 jobs but gives 100"):
            run_pass(simulator, home)
        assert len(held(home)) == 100
        assert last_looks(home.root) == {}


def test_jobs_that_move_while_they_are_paged_push_none_out(small, home):
    # While the first half is paged, jobs on the first pages change, so that all others move up by as many places.
    fleet = Fleet([*ended(60, 1), *(job(f"m{n}", T0 + n, LastModifiedTime=T0 + 5000 + n) for n in range(25))])
    with Simulator(fleet, now=T0 + 4000) as simulator:
        pages = iter([T0 + 4000, T0 + 5008, T0 + 5012, T0 + 6000])

        def move(documents):
            simulator.set_time(next(pages, T0 + 6000))

        run_pass(simulator, home, on_page=move)
    assert held(home) == searched(fleet.documents)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=60), st.integers(0, 1000))
def test_a_fleet_that_goes_on_while_it_is_paged(tmp_path_factory, steps, start):
    """Over passes with the clock moving between pages, the archive ends with every job as it is at the end."""
    home = Home(tmp_path_factory.mktemp("home"))
    documents = made_documents(seed=5, jobs=300, end=END_SECONDS)[-150:]
    first = min(document["CreationTime"] for document in documents)
    clock = iter(steps)
    with pytest.MonkeyPatch.context() as patch, Simulator(Fleet(documents), now=first + start * 600) as simulator:
        patch.setattr(search, "PAGE_JOBS", 10)
        patch.setattr(search, "QUERY_JOBS", 30)
        patch.setattr(intake, "BATCH_DOCUMENTS", 30)
        for _ in range(3):
            run_pass(simulator, home, on_page=lambda documents: simulator.advance(next(clock, 0) * 100))
        simulator.set_time(END_SECONDS + 400 * DAY)
        run_pass(simulator, home)
    last = {arn: document["LastModifiedTime"] for arn, document in held(home).items()}
    assert last == {document["TrainingJobArn"]: document["LastModifiedTime"] for document in documents}


def lateness(late_seconds, every=7):
    """Every seventh job shows so late in the index, the others at once."""
    return lambda document: late_seconds if int(document["TrainingJobName"][-4:]) % every == 0 else 0


@pytest.mark.parametrize("every_seconds", [100, 3])  # a few jobs in the overlap, and more than a page
def test_what_the_index_shows_late_is_found_by_the_next_pass(small, home, every_seconds):
    fleet = Fleet(ended(200, every_seconds))
    with Simulator(fleet, index_delay_seconds=lateness(600)) as simulator:
        end = simulator.now
        for now in range(int(T0), int(end) + 1, 500):
            simulator.set_time(now)
            run_pass(simulator, home)
        simulator.set_time(end + 600)
        run_pass(simulator, home)
        assert held(home) == searched(fleet.documents)
        assert run_pass(simulator, home).calls <= 2


def test_a_job_that_shows_late_is_not_made_up_for_by_one_without_an_arn(small, home):
    late, nameless = job("late", T0), job("nameless", T0 + 50, TrainingJobArn=None)
    fleet = Fleet([late, nameless, *ended(20, 3)])
    with Simulator(fleet, index_delay_seconds=lambda document: 600 if document is late else 0) as simulator:
        run_pass(simulator, home)
        assert "late" not in names(received(home))
        simulator.advance(600)
        run_pass(simulator, home)
    assert names(received(home)) == names(fleet.documents)


def test_what_shows_later_than_the_overlap_which_is_a_setting_is_not_looked_for(home, monkeypatch):
    fleet = Fleet(ended(20))
    with Simulator(fleet, index_delay_seconds=lateness(600)) as simulator:
        only_the_simulator(monkeypatch, AWS_ENDPOINT_URL_SAGEMAKER=simulator.url)
        harvest(Settings(home=home.root))
        simulator.advance(600)
        harvest(Settings(home=home.root, overlap_seconds=60))
        assert len(held(home)) < 20
        harvest(Settings(home=home.root, overlap_seconds=3000))
    assert held(home) == searched(fleet.documents)


@pytest.mark.parametrize("count", [7, 130])  # of jobs on one page, and on more than one query's
def test_a_name_used_again_is_another_job(small, home, count):
    """A job that was deleted, and one made later by the same name, have one ARN: the service counts and gives both."""
    again = job("a0003", T0 + 50_000)
    fleet = Fleet([*ended(count), again])
    with Simulator(fleet) as simulator:
        for _ in range(3):
            run_pass(simulator, home)
            simulator.advance(DAY)
    assert names(received(home))["a0003"] == 2
    assert held(home) == searched(fleet.documents)  # of two with one ARN, the newer
    load(home)
    assert len(lake(home)["training_jobs"]) == count


@pytest.mark.parametrize("count", [7, 130])
def test_jobs_without_last_modified_time_are_taken_in_and_fail_no_pass(small, home, count):
    undated = ended(3, first="u")
    for document in undated:
        del document["LastModifiedTime"]
    fleet = Fleet([*ended(count), *undated])
    with Simulator(fleet) as simulator:
        assert run_pass(simulator, home).documents == count + 3
        simulator.advance(DAY)
        assert run_pass(simulator, home).documents == 0
    assert set(names(received(home)).values()) == {1}
    load(home)
    assert len(lake(home)["training_jobs"]) == count + 3


def test_empty_pages_are_not_the_end(small, home):
    fleet = Fleet(ended(130))
    with Simulator(fleet) as simulator:
        simulator.inject(Fault(kind="empty-page", probability=0.4))
        run_pass(simulator, home)
    assert held(home) == searched(fleet.documents)


@pytest.mark.parametrize("expired", [0, 1])  # tokens of empty pages
def test_a_look_does_not_end_at_an_empty_page(small, home, expired):
    with Simulator(Fleet(ended(130))) as simulator:
        simulator.inject(Fault(kind="expired-token", count=expired))
        simulator.inject(Fault(kind="empty-page", count=1 + expired))
        run_pass(simulator, home)
        assert run_pass(simulator, home).calls <= 2


def test_nothing_but_empty_pages_is_an_error(home, monkeypatch):
    monkeypatch.setattr(search, "MOST_EMPTY_PAGES", 5)
    with Simulator(Fleet(ended(130))) as simulator:
        simulator.inject(Fault(kind="empty-page"))
        with pytest.raises(TrainyardError, match="empty pages"):
            run_pass(simulator, home)


@pytest.mark.parametrize("every_seconds", [100, 0.01])
def test_a_token_that_expires_starts_the_query_again_from_its_last_second(small, home, every_seconds):
    fleet = Fleet(ended(130, every_seconds))
    with Simulator(fleet) as simulator:
        simulator.inject(Fault(kind="expired-token", after=2, count=1))
        simulator.inject(Fault(kind="expired-token", after=5, count=1))
        run_pass(simulator, home)
    assert held(home) == searched(fleet.documents)
    assert set(names(received(home)).values()) == {1}


def test_tokens_that_never_hold_are_an_error_where_a_second_needs_them(small, home):
    with Simulator(Fleet(ended(130))) as simulator:  # a page reaches further than a second: no token is needed
        simulator.inject(Fault(kind="expired-token"))
        run_pass(simulator, home)
        assert len(held(home)) == 130
    with Simulator(Fleet(ended(130, 0, "b"))) as simulator:
        simulator.inject(Fault(kind="expired-token"))
        simulator.advance(DAY)
        with pytest.raises(TrainyardError, match="tokens"):
            run_pass(simulator, Home(home.root / "other"))
        assert simulator.calls["Search"] < 20


@pytest.mark.parametrize("fault", [Fault(kind="no-date"), Fault(kind="wrong-date", seconds=-5 * DAY)])
def test_no_clock_that_is_off_hides_a_job(small, home, monkeypatch, fault):
    """The Date header is absent or days behind, and this machine's clock is ahead."""
    monkeypatch.setattr("pipelines.harvest.calls.time.time", lambda: T0 + 300 * DAY)
    fleet = Fleet(ended(200, 200))
    with Simulator(fleet) as simulator:
        simulator.inject(fault)
        for hours in range(0, 14, 2):
            simulator.set_time(T0 + hours * 3600)
            run_pass(simulator, home)
    assert held(home) == searched(fleet.documents)


def test_a_change_dated_in_the_future_hides_nothing(small, home):
    odd = job("odd0", T0, LastModifiedTime=T0 + 400 * DAY)
    del odd["CreationTime"]  # it is served as it stands, whatever the time
    fleet = Fleet([odd, *ended(200, 200)])
    with Simulator(fleet) as simulator:
        for hours in range(0, 14, 2):
            simulator.set_time(T0 + hours * 3600)
            run_pass(simulator, home)
    assert {document["TrainingJobName"] for document in held(home).values()} == {
        document["TrainingJobName"] for document in fleet.documents
    }


def test_credentials_that_expire_are_renewed_once(small, home):
    fleet = Fleet(ended(130))
    with Simulator(fleet) as simulator:
        simulator.inject(Fault(kind="expired-credentials", after=4, count=1))
        done = run_pass(simulator, home)
        assert held(home) == searched(fleet.documents)
        assert done.calls == simulator.calls["Search"]
        simulator.advance(DAY)
        simulator.inject(Fault(kind="expired-credentials"))
        refused = new_pass(simulator, home)
        with pytest.raises(Exception, match="ExpiredToken"):
            refused.run()
        assert refused.calls == 2


def test_a_quiet_pass_is_two_calls_after_any_burst(small, home):
    fleet = Fleet(ended(300, 0.5))
    with Simulator(fleet) as simulator:
        run_pass(simulator, home)
        for _ in range(3):
            quiet = run_pass(simulator, home)
            assert (quiet.calls, quiet.documents, quiet.batches) == (2, 0, 0)
            simulator.advance(600)


@pytest.mark.parametrize("changed", [1, 9, 10, 57, 200])
@pytest.mark.parametrize("held_seconds", [1, 100])  # between the jobs held: all of them in the overlap, or a few
def test_a_pass_after_changes_costs_their_pages_and_two(small, home, monkeypatch, changed, held_seconds):
    monkeypatch.setattr(search, "QUERY_JOBS", 500)
    fleet = Fleet([*ended(100, held_seconds), *(job(f"new{n}", T0 + 20_000 + n) for n in range(changed))])
    with Simulator(fleet, now=T0 + 19_000) as simulator:
        run_pass(simulator, home)
        simulator.advance(2000)
        after = run_pass(simulator, home)
    assert after.documents == changed
    assert after.calls <= -(-changed // 10) * 1.02 + 2


def test_a_client_may_serve_several_passes(home):
    with Simulator(Fleet(ended(30))) as simulator:
        sagemaker = client(simulator, attempts=3)
        for _ in range(3):
            pass_by(Calls(sagemaker), home).run()
        assert simulator.calls == {"Search": 3}
    assert len(received(home)) == 30


def test_a_look_that_finds_nothing_changed_writes_nothing_but_the_look(home):
    with Simulator(Fleet(ended(30))) as simulator:
        run_pass(simulator, home)
        before = RawArchive(home.raw).batches(SOURCE)
        simulator.advance(DAY)
        run_pass(simulator, home)
        assert RawArchive(home.raw).batches(SOURCE) == before
        assert last_looks(home.root) == {SOURCE: simulator.now}
