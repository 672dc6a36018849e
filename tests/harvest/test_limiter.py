"""At most so many calls a second pass, from however many threads."""

import threading
import time

from pipelines.harvest.limiter import Limiter


def test_calls_of_all_threads_pass_one_by_one():
    limiter, passed = Limiter(100), []

    def call():
        for _ in range(5):
            limiter.wait()
            passed.append(time.monotonic())

    threads = [threading.Thread(target=call) for _ in range(4)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 20
    # The first passes at once; of the n-th none passes before its turn, whatever the machine is busy with.
    assert all(at - started >= number * 0.01 - 0.001 for number, at in enumerate(sorted(passed)))


def test_idle_time_is_not_saved_up():
    limiter = Limiter(50)
    limiter.wait()
    time.sleep(0.1)
    started = time.monotonic()
    for _ in range(3):
        limiter.wait()
    assert time.monotonic() - started >= 2 * 0.02 - 0.001
