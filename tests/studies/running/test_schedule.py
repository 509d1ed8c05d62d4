"""Which runs a trial gets, and what becomes of those that are lost. Whole studies in Ray: tests/studies."""

from typing import Any

from ray.tune.search import Searcher

from studies.running.schedule import MOST_LOST_IN_A_ROW, RETRIES_OF_LOST_RUNS, SECONDS_OF_A_TRIAL, _Queue


class Driver:
    """Does with a queue what Tune does; every run takes so many seconds."""

    def __init__(self, runs: int, at_once: int, seconds: float) -> None:
        self.queue = _Queue(runs, at_once)
        self.seconds = seconds
        self.begun = 0
        self.done: list[int] = []

    def begin(self) -> tuple[str, list[int]] | Any:
        self.begun += 1
        trial = f"trial {self.begun}"
        suggested = self.queue.suggest(trial)
        return (trial, list(map(int, suggested["runs"].split(",")))) if isinstance(suggested, dict) else suggested

    def finish(self, trial: str, numbers: list[int]) -> None:
        for number in numbers:
            self.queue.ended(trial, self.seconds)
            self.done.append(number)

    def complete(self, trial: str, numbers: list[int]) -> None:
        self.finish(trial, numbers)
        self.queue.on_trial_complete(trial)

    def trials(self) -> list[int]:
        """Finish everything, and return how many runs each trial had."""
        sizes = []
        while (begun := self.begin()) != Searcher.FINISHED:
            sizes.append(len(begun[1]))
            self.complete(*begun)
        return sizes


def test_every_run_is_handed_out_once_and_in_order():
    driver = Driver(200, at_once=2, seconds=0.05)
    driver.trials()
    assert driver.done == list(range(200))


def test_the_first_trials_have_one_run_since_nobody_knows_how_long_it_takes():
    assert Driver(200, at_once=2, seconds=0.05).trials()[0] == 1


def test_short_runs_come_together_and_the_last_ones_alone():
    sizes = Driver(2000, at_once=2, seconds=0.05).trials()
    assert max(sizes) == SECONDS_OF_A_TRIAL / 0.05
    assert sizes[-3:] == [1, 1, 1]
    assert len(sizes) < 60


def test_long_runs_come_one_by_one():
    assert set(Driver(100, at_once=2, seconds=2 * SECONDS_OF_A_TRIAL).trials()) == {1}


def test_no_trial_has_more_than_its_share():
    driver = Driver(1000, at_once=50, seconds=0.001)
    assert max(driver.trials()) <= 10


def test_a_lost_worker_loses_no_finished_run_and_repeats_only_the_others():
    driver = Driver(1000, at_once=2, seconds=0.05)
    driver.complete(*driver.begin())
    trial, numbers = driver.begin()
    driver.finish(trial, numbers[:3])
    driver.queue.worker_lost(trial, "its node died")
    _, again = driver.begin()
    assert again[: len(numbers) - 3] == numbers[3:]
    assert again[len(numbers) - 3] == numbers[-1] + 1
    assert driver.queue.lost == {}


def test_nothing_is_finished_as_long_as_a_run_may_still_be_lost():
    driver = Driver(2, at_once=2, seconds=1.0)
    one, other = driver.begin(), driver.begin()
    assert driver.begin() is None
    driver.complete(*one)
    assert driver.begin() is None
    driver.queue.worker_lost(other[0], "its node died")
    assert driver.begin()[1] == other[1]


def test_a_run_that_loses_every_worker_is_given_up_and_no_other_is():
    driver = Driver(50, at_once=2, seconds=0.05)
    while (begun := driver.begin()) != Searcher.FINISHED:
        trial, numbers = begun
        if 7 in numbers:
            driver.finish(trial, numbers[: numbers.index(7)])
            driver.queue.worker_lost(trial, "it ended its worker")
        else:
            driver.complete(trial, numbers)
    assert driver.queue.lost == {7: "it ended its worker"}
    assert sorted(driver.done) == [number for number in range(50) if number != 7]


def test_a_worker_that_never_starts_ends_the_study_and_not_a_run_after_the_other():
    driver = Driver(1000, at_once=2, seconds=0.05)
    begun = 0
    while (trial := driver.begin()) != Searcher.FINISHED:
        begun += 1
        driver.queue.worker_lost(trial[0], "no module named torch")
    assert RETRIES_OF_LOST_RUNS < begun <= MOST_LOST_IN_A_ROW + 1
    assert set(driver.queue.lost) == set(range(1000))
