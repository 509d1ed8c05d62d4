"""Whole studies in Ray, driven from outside as a user does. Scenarios, since every start of Ray takes seconds."""

import io
import json
import os
import re
import signal
import sys
from pathlib import Path

import pandas as pd
import pytest

from core.seeding import SeedStreams
from studies.design.dense_front import front_arms
from studies.design.setting import Setting
from tests.support.driver import WITHOUT_RAY, Driver, wait_until
from tests.support.plugins import PLUGIN, write_plugin

pytestmark = [
    pytest.mark.slow,
    # No wait has a bound of its own: this one is for what hangs, not for a machine that is busy.
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
]

SMALL = ("--dataset", "digits", "--set", "network=8x2")
CONTRACT = {"study.json", "runs.csv", "summary.csv", "report.html"}
FIGURES = ("error_against_macs", "seeds", "learning_curves", "gates_by_class")


@pytest.fixture
def driver(tmp_path):
    driver = Driver(tmp_path)
    yield driver
    driver.end()


# Of the dense front of one layer of 8x2 at an eighth, see studies.design.dense_front.
FRONT = len(front_arms([Setting("digits", "8x2", 1 / 8)]))


def study(driver: Driver, *arguments: str, strategies: str = "dense,reinforce", epochs: int = 1) -> tuple[str, ...]:
    settings = ("--set", f"epochs={epochs}", "--strategies", strategies, "--results", str(driver.results))
    return ("run", "quickstart", *SMALL, *settings, *arguments)


def held(file: Path) -> str:
    """For a plugin's body: no run of it ends as long as there is this file."""
    return (
        "        import time\n"
        "        from pathlib import Path\n"
        f"        while Path({str(file)!r}).exists():\n"
        "            time.sleep(0.02)\n"
    )


def noise_seed(seed: int) -> int:
    """The seed of the gate noise in training, by which a strategy can tell the seeds of its runs apart."""
    return SeedStreams(0, "evaluate", "digits", seed).torch("gates", "train").initial_seed()


def untimed(runs_csv: bytes) -> pd.DataFrame:
    # The status "nan" is a word, not a gap.
    return pd.read_csv(io.BytesIO(runs_csv), keep_default_na=False, na_values=[""]).drop(columns="train_seconds")


def statuses(driver: Driver) -> dict[tuple[str, int], str]:
    records = [json.loads(text) for text in driver.runs().values()]
    return {(record["config"]["strategy"], record["config"]["seed"]): record["status"] for record in records}


def test_a_study_grows_by_seeds_and_strategies_and_mends_errors(driver, tmp_path):
    first = driver.run(*study(driver, "--seeds", "2"))
    assert first.returncode == 0, first.stderr
    assert "Traceback" not in first.stderr
    runs = 2 * (2 + FRONT)
    counted = [line.partition("]")[0] for line in first.stdout.splitlines() if line.startswith("[")]
    assert counted == [f"[{number + 1}/{runs}" for number in range(runs)]
    files = driver.files()
    assert {f"figures/{name}.{end}" for name in FIGURES for end in ("pdf", "png", "csv")} | CONTRACT <= files.keys()
    assert len(driver.runs()) == runs
    assert not driver.temporary()
    wait_until(lambda: not driver.processes(), "an end of Ray's processes")

    again = driver.run(*study(driver, "--seeds", "2"), program=("-c", WITHOUT_RAY))
    assert (again.returncode, again.stderr) == (0, "")
    assert f"nothing to run, all {runs} runs are done" in again.stdout
    assert driver.files() == files

    broken = tmp_path / "broken"
    broken.touch()
    body = (
        "        from pathlib import Path\n"
        f"        if batch.generator.initial_seed() == {noise_seed(1)} and Path({str(broken)!r}).exists():\n"
        "            raise RuntimeError('out of luck')\n"
        f"        if batch.generator.initial_seed() == {noise_seed(2)}:\n"
        "            done = batch(open_all)\n"
        "            return done.mean_loss() * float('nan'), done\n"
    )
    plugin = ("--seeds", "3", "--plugin", str(write_plugin(tmp_path, body=body)))
    kept = driver.runs()
    grown = driver.run(*study(driver, *plugin, strategies="dense,reinforce,of_mine"))
    assert grown.returncode == 1, grown.stderr
    more = 3 * (3 + FRONT)
    assert f"{more} runs, {runs} already done, {more - runs} to run" in grown.stdout
    assert kept.items() <= driver.runs().items()
    failed = [line for line in grown.stdout.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 2
    assert failed[0].startswith("failed: of_mine, digits 8x2 density 0.125 seed 1: error: RuntimeError: out of luck")
    assert failed[1].startswith("failed: of_mine, digits 8x2 density 0.125 seed 2: nan: objective is nan")
    table = untimed(driver.files()["runs.csv"])
    assert table[table.status != "ok"].status.tolist() == ["error", "nan"]
    page = driver.files()["report.html"].decode()
    assert "out of luck" in page
    assert "objective is nan" in page

    kept = driver.runs()
    broken.unlink()
    mended = driver.run(*study(driver, *plugin, "--retry-errors", strategies="dense,reinforce,of_mine"))
    assert mended.returncode == 1
    assert f"{more} runs, {more - 1} already done, 1 to run" in mended.stdout
    assert statuses(driver)["of_mine", 1] == "ok"
    assert statuses(driver)["of_mine", 2] == "nan"
    assert sum(kept[name] != text for name, text in driver.runs().items()) == 1

    kept = driver.runs()
    write_plugin(tmp_path, text=PLUGIN + "# mended\n")
    edited = driver.run(*study(driver, *plugin, strategies="dense,reinforce,of_mine"))
    assert edited.returncode == 0, edited.stderr
    assert f"{more} runs, {more - 3} already done, 3 to run" in edited.stdout
    assert kept.items() <= driver.runs().items()
    assert set(untimed(driver.files()["runs.csv"]).status) == {"ok"}


def test_a_killed_driver_loses_no_finished_run_and_changes_no_result(driver, tmp_path):
    alive, hold = tmp_path / "alive", tmp_path / "hold"
    body = held(hold) + (
        "        import os\n"
        f"        if not Path({str(alive)!r}).exists():\n"
        f"            Path({str(alive)!r}).touch()\n"
        # Not the process of the run, which would be its own fault.
        "            os.kill(os.getppid(), 9)\n"
    )
    plugin = ("--plugin", str(write_plugin(tmp_path, body=body)), "--seeds", "5")
    arguments = study(driver, *plugin, strategies="dense,reinforce,of_mine", epochs=5)

    alive.touch()
    hold.touch()
    killed = driver.start(*arguments)
    wait_until(driver.runs, "a first run", killed)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    kept = driver.runs()
    runs = 5 * (3 + FRONT)
    assert 1 <= len(kept) <= runs - 5
    # Ray's two agents notice after a minute; until then they hold neither a processor nor a file of the study.
    wait_until(lambda: all("Agent" in command for command in driver.processes().values()), "an end of Ray")
    hold.unlink()

    resumed = driver.run(*arguments)
    assert resumed.returncode == 0, resumed.stderr
    assert f"{runs} runs, {len(kept)} already done, {runs - len(kept)} to run" in resumed.stdout
    assert kept.items() <= driver.runs().items()

    # Uninterrupted, one run at a time, and with a worker that dies on the way.
    alive.unlink()
    elsewhere = tmp_path / "elsewhere"
    whole = driver.run(*arguments, "--results", str(elsewhere), "--cpus", "1")
    assert whole.returncode == 0, whole.stderr
    assert alive.exists()
    resumed_csv, whole_csv = driver.files()["runs.csv"], driver.files(results=elsewhere)["runs.csv"]
    assert len(untimed(whole_csv)) == runs
    pd.testing.assert_frame_equal(untimed(resumed_csv), untimed(whole_csv), check_exact=True)
    wait_until(lambda: not driver.processes(), "an end of Ray's agents")


def test_ctrl_c_keeps_what_is_finished_and_a_second_driver_has_to_wait(driver, tmp_path):
    hold = tmp_path / "hold"
    hold.touch()
    plugin = ("--plugin", str(write_plugin(tmp_path, body=held(hold))))
    arguments = study(driver, "--seeds", "20", *plugin, strategies="dense,reinforce,of_mine")
    first = driver.start(*arguments)
    wait_until(lambda: {("dense", 0), ("reinforce", 0)} <= statuses(driver).keys(), "the runs of one seed", first)

    second = driver.run(*arguments)
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert "another run is writing there" in second.stderr

    assert first.poll() is None
    os.killpg(first.pid, signal.SIGINT)
    out, err = first.communicate()
    assert first.returncode == 130
    assert "Traceback" not in out + err
    kept = driver.runs()
    runs = 20 * (3 + FRONT)
    assert 2 <= len(kept) <= runs - 20
    assert out.count(f"interrupted: {len(kept)} of {runs} runs are kept, the same command runs the rest") == 1
    assert {json.loads(text)["status"] for text in kept.values()} == {"ok"}
    assert not (driver.results / "quickstart" / "runs.csv").exists()
    wait_until(lambda: not driver.processes(), "an end of Ray's processes")
    # Workers that are ended at once have others clear up after them.
    assert not driver.temporary()

    resumed = driver.run(*study(driver, "--seeds", "1", strategies="dense"), program=("-c", WITHOUT_RAY))
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert "nothing to run, all 1 runs are done" in resumed.stdout


def test_a_cluster_on_this_machine_is_not_joined_unasked(driver):
    (driver.ray / "ray").mkdir()
    (driver.ray / "ray" / "ray_current_cluster").write_text("127.0.0.1:1", "utf-8")
    done = driver.run(*study(driver, "--seeds", "1", strategies="dense"))
    assert done.returncode == 0, done.stderr


def test_a_dry_run_creates_nothing_and_needs_no_ray(driver):
    done = driver.run(*study(driver, "--seeds", "2", "--dry-run", "--every-run"), program=("-c", WITHOUT_RAY))
    assert (done.returncode, done.stderr) == (0, "")
    *runs, total = done.stdout.splitlines()
    assert [line.split(":")[0].split(maxsplit=1)[1] for line in runs] == ["to run"] * (2 * (2 + FRONT))
    assert re.fullmatch(r"(\d+) runs, \1 to run: about [\d:]+ with \d+ at once", total)
    assert not driver.results.exists()


def test_a_search_is_scheduled_in_two_stages_and_grows(driver):
    small = ("--dataset", "digits", "--set", "network=8x2", "--set", "epochs=1", "--results", str(driver.results))
    arguments = ("run", "strategies", "--scale", "quick", "--strategies", "dense,small_dense,reinforce", *small)
    first = driver.run(*arguments)
    assert first.returncode in {0, 1}, first.stderr
    cells = 3 + len(front_arms([Setting("digits", "8x2", 1 / 4)]))
    searched = 2 * 2 * cells
    assert f"strategies (quick, search): {searched} runs, 0 already done, {searched} to run" in first.stdout
    runs = pd.read_csv(driver.results / "strategies" / "runs.csv", keep_default_na=False)
    assert (runs.stage == "search").sum() == searched
    assert set(runs[runs.stage == "search"].test_error) == {""}
    # Two seeds for each of two winners.
    assert set(runs[runs.selected].groupby("arm").size()) == {4}
    assert (driver.results / "strategies" / "optimism.csv").exists()

    more = driver.run(*arguments, "--points", "3", "--seeds", "3")
    assert f"strategies (quick, search): {3 * 2 * cells} runs, {searched} already done" in more.stdout
    again = driver.run(*arguments, "--points", "3", "--seeds", "3", program=("-c", WITHOUT_RAY))
    assert (again.returncode, again.stderr) == (more.returncode, "")
    assert "nothing to run" in again.stdout
