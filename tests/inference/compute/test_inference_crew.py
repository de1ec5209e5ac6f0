"""Workers that come late, are lost or fail, played by objects of this process."""

import random
from itertools import count
from types import SimpleNamespace

import pytest

from peftsp.errors import BundleError, ConfigError
from peftsp.inference.compute.crew import Crew


class FakeRay:
    """Calls as tickets, of which any may be the next to be done."""

    class RayError(Exception):
        pass

    class RayTaskError(RayError):
        def __init__(self, cause):
            self.cause = cause

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def __init__(self, is_never=lambda ticket: False):
        self.random = random.Random(0)
        self.is_never = is_never

    def wait(self, tickets):
        return [self.random.choice([t for t in tickets if not self.is_never(t)])], []

    def get(self, ticket):
        return ticket()


class Worker:
    """Answers with what it got, as far as ``act`` lets it.

    Args:
        act: Is called with the window, or None for loading.
    """

    def __init__(self, act=lambda window: None):
        self.load = SimpleNamespace(remote=lambda: lambda: act(None))
        self.predict = SimpleNamespace(remote=lambda window: lambda: act(window) or window)


def predict(start, size=2, ray=None, windows=20):
    crew = Crew(ray or FakeRay(), start, size)
    return list(crew.predict([f"record {number}"] for number in range(windows)))


IN_ORDER = [[f"record {number}"] for number in range(20)]


@pytest.mark.parametrize("size", [1, 2, 50])
def test_windows_come_back_in_order(size):
    assert predict(Worker, size) == IN_ORDER
    assert predict(Worker, size, windows=0) == []


def test_few_windows_are_taken_ahead():
    taken = count()
    endless = ([f"record {next(taken)}"] for _ in count())
    results = Crew(FakeRay(), Worker, 3).predict(endless)
    for number in range(100):
        assert next(results) == [f"record {number}"]
    assert next(taken) <= 100 + 4 * 3


def test_worker_without_room_keeps_nothing_waiting():
    workers = [Worker(), Worker()]
    late = workers[1].load.remote()
    workers[1].load.remote = lambda: late
    starts = iter(workers)
    assert predict(lambda: next(starts), ray=FakeRay(lambda ticket: ticket is late)) == IN_ORDER


@pytest.mark.parametrize("moment", ["load", "predict"])
def test_what_a_lost_worker_had_goes_to_another(moment):
    rng = random.Random(1)

    def act(window):
        if (moment == "load") == (window is None) and rng.random() < 0.2:
            raise FakeRay.RayError("killed")

    assert predict(lambda: Worker(act), size=4) == IN_ORDER


@pytest.mark.parametrize("fatal", [None, ["record 7"]])
def test_task_that_loses_every_worker_is_an_error(fatal):
    def act(window):
        if window == fatal:
            raise FakeRay.RayError("gone\nout of memory\n")

    with pytest.raises(ConfigError, match=r"^--cluster: .* found that 3 ended: out of memory$"):
        predict(lambda: Worker(act))


def test_error_of_a_worker_surfaces_unchanged():
    def act(window):
        if window == ["record 7"]:
            raise FakeRay.RayTaskError(BundleError("bundle: expected this, found that"))

    with pytest.raises(BundleError, match=r"^bundle: expected this, found that$"):
        predict(lambda: Worker(act))


def test_bug_in_a_worker_is_no_lost_worker():
    def act(window):
        raise FakeRay.RayTaskError(ZeroDivisionError())

    with pytest.raises(FakeRay.RayTaskError):
        predict(lambda: Worker(act))
