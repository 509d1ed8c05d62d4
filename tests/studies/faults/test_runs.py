"""Runs that misbehave: each becomes a record that says why in one line, and the next run is as if it had not been."""

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

import strategies
from core import data
from studies.design.configuration import Configuration
from studies.records.schema import problem
from studies.running import child as child_module
from studies.running.child import Child, EndedError, Limits
from studies.running.trial import unfinished
from tests.support.driver import ROOT, wait_until
from tests.support.plugins import PLUGIN, read_plugin
from tests.support.records import configurations_of, design_of

pytestmark = [
    # A process of its own takes seconds to start.
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
]

MEMORY = 1_600_000_000
# What a process does whose run does not come back: "{file}" tells that it has come so far.
HANGS = {
    "sleeping": "import time; here(); time.sleep(10**6)",
    "in_python": "here()\nwhile True: pass",
    "in_c_with_the_lock_of_python": "import ctypes; here(); ctypes.PyDLL(None).sleep(10**6)",
    "with_a_process": "import subprocess; here(); subprocess.run(['sleep', '1000000'])",
}
DEATHS = {
    "kill": ("import os; os.kill(os.getpid(), 9)", "its process was ended by SIGKILL"),
    "terminate": ("import os; os.kill(os.getpid(), 15)", "its process was ended by SIGTERM"),
    "leave_well": ("import os; os._exit(0)", "it ended its process with exit code 0"),
    "leave_badly": ("import os; os._exit(7)", "it ended its process with exit code 7"),
    "segfault": ("import ctypes; ctypes.string_at(0)", "its process was ended by SIGSEGV"),
    "abort": ("import os; os.abort()", "its process was ended by SIGABRT"),
    # A process that lives on holds the pipe open.
    "die_before_its_fork": (
        "import os, time\nif os.fork() == 0: time.sleep(10**6)\nos.kill(os.getpid(), 9)",
        "its process was ended by SIGKILL",
    ),
    "no_exception": ("raise type('Odd', (BaseException,), {})", "it ended its process with exit code 1"),
    "garble": ("import os; os.write(answers(), b'{\\n')", "it wrote where its process answers"),
    "say_nothing_of_use": ("import os; os.write(answers(), b'3\\n')", "it wrote where its process answers"),
    "fill": (
        "kept = []\nfor _ in range(64): kept.append(bytearray(b'1' * 2**26)); time.sleep(0.05)",
        "it used more than its memory limit of 1.6 GB",
    ),
    "fill_a_fork": (
        "import os\n"
        "if os.fork() == 0: kept = [bytearray(b'1' * 2**26) for _ in range(32)]; time.sleep(10**6)\n"
        "time.sleep(10**6)",
        "it used more than its memory limit of 1.6 GB",
    ),
}
ERRORS = {
    "too_much_at_once": ("bytearray(10**15)", "error", "MemoryError: "),
    "exit": ("import sys; sys.exit('enough')", "died", "SystemExit: enough ("),
    "generator_exit": ("raise GeneratorExit", "died", "GeneratorExit: ("),
    "unprintable": (
        "raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})",
        "error",
        "Mute: its message cannot be printed (",
    ),
    "text_of_no_string": (
        "raise type('Mute', (Exception,), {'__str__': lambda self: 3})",
        "error",
        "Mute: its message cannot be printed (",
    ),
    "escapes": (r"raise ValueError('\x1b[2J\a\ud800\n\0 [/red]')", "error", "ValueError: ?[2J?? ? [/red] ("),
    "long": ("raise ValueError('x' * 10**7)", "error", "ValueError: xxx"),
    "recursion": ("def f(): return f()\nf()", "error", "RecursionError: maximum recursion depth exceeded"),
    "input": ("input()", "error", "EOFError: "),
    "wrong_number_of_gates": (
        "from core.parts.gates import explicit\nbatch(explicit([torch.ones(1, 9)]))",
        "error",
        "ProtocolError: ",
    ),
    "gates_of_text": ("from core.strategy import Decision\nbatch(lambda site: Decision('open'))", "error", ""),
    "no_decision": ("batch(lambda site: None)", "error", ""),
    "nothing": ("return None", "error", ""),
    "nan": ("done = batch(open_all); return done.mean_loss() * float('nan'), done", "nan", "objective is nan"),
    "infinity": ("done = batch(open_all); return done.mean_loss() * float('inf'), done", "nan", "objective is "),
}
# At test time alone.
ANSWERS = {
    "logits_for_probabilities": (
        "return batch(lambda site: Decision(site.scores.sign().relu(), site.scores * 9))",
        "error",
        "its record does not hold: ",
    ),
    "nan_for_a_probability": (
        "return batch(lambda site: Decision(open_all(site).gates, site.scores * float('nan')))",
        "error",
        "its record does not hold: ",
    ),
    "infinite_gates": (
        "return batch(lambda site: Decision(open_all(site).gates * float('inf')))",
        "nan",
        "validation loss is nan in epoch 1",
    ),
    # A fifth of the digits is for test, a tenth for validation.
    "nan_in_test": (
        "done = batch(open_all)\n"
        "if len(done.output) > 200: done = batch(lambda site: Decision(open_all(site).gates * float('nan')))\n"
        "return done",
        "error",
        "its record does not hold: test_loss: ",
    ),
    "no_pass": ("return None", "error", "ProtocolError: infer returned NoneType, expected a pass"),
    "a_pass_of_two": ("return batch(open_all, samples=2)", "error", "ProtocolError: infer returned output"),
    "killed_in_test": ("import os; os.kill(os.getpid(), 9)", "died", "its process was ended by SIGKILL"),
}
HARMLESS = {
    "garbage": "import os; print('{}'); os.write(1, b'{\"record\": 3}\\n'); os.write(2, b'x' * 10**6)",
    # Eight processes share nearly all that they hold: it is not eight times as much.
    "forks_that_end": (
        "import os\nif once():\n"
        "    forks = [os.fork() or time.sleep(2) or os._exit(0) for _ in range(8)]\n"
        "    for fork in forks: os.waitpid(fork, 0)"
    ),
    "without_standard_streams": "import os; os.closerange(0, 3)",
    "reading": "import subprocess; subprocess.run(['cat'], check=True)",
    "a_process_that_ends": "import subprocess; subprocess.run(['true'], check=True)",
    "elsewhere": "import os, tempfile; os.chdir(tempfile.gettempdir())",
}
LEAVING = {
    "a_thread": "import threading; threading.Thread(target=time.sleep, args=(10**6,)).start()",
    "a_process": "import subprocess; subprocess.Popen(['sleep', '1000000'])",
    "a_fork": "import os\nif once() and os.fork() == 0: time.sleep(10**6)",
    "memory": "if once(): strategies.kept = bytearray(b'1' * 2**28)",
}
# Before every plugin: a sign that a run has come so far, and the pipe of answers.
BEFORE = """
import fcntl
import os
import stat
import time
from pathlib import Path

import torch

import strategies
from core.strategy import Decision


def here():
    Path({sign!r}).touch()


times = iter(range(10**9))


def once():
    return next(times) == 0


def answers():
    for number in range(3, 100):
        try:
            if stat.S_ISFIFO(os.fstat(number).st_mode) and fcntl.fcntl(number, fcntl.F_GETFL) & os.O_WRONLY:
                return number
        except OSError:
            continue


"""


def plugin_of(folder: Path, name: str, code: str, *, where: str = "objective") -> strategies.Plugin:
    """A plugin that does something before its objective, or before its answer."""
    body = textwrap.indent(code, "        ") + "\n"
    docstring, _, rest = PLUGIN.partition("\n")
    text = docstring + BEFORE.format(sign=str(folder / "sign")) + rest
    if where == "objective":
        return read_plugin(folder, name, text=text, body=body)
    last = "        return batch(open_all)\n"
    assert text.count(last) == 1
    return read_plugin(folder, name, text=text.replace(last, body + last))


@dataclass
class Runs:
    """One process after another, for all runs of these tests."""

    child: Child
    plugins: tuple[strategies.Plugin, ...]
    folder: Path

    def record(self, strategy: str) -> dict[str, Any]:
        """Execute a run as a worker does."""
        configuration = self.configuration(strategy)
        try:
            record = self.child.execute(configuration)
        except EndedError as error:
            found = strategies.find(strategy, self.plugins)
            record = unfinished(configuration, found, data.load("digits"), error.status, str(error))
        assert problem(record) is None
        assert record["run_id"] == configuration.run_id
        assert len(record["reason"].splitlines()) <= 1
        return record

    def configuration(self, strategy: str) -> Configuration:
        design = design_of(strategy, seeds=1, plugins=self.plugins, training={"epochs": 2})
        (configuration,) = configurations_of(design)
        return configuration

    def process(self) -> int:
        assert self.child._process is not None
        return self.child._process.pid


def without_seconds(record: dict[str, Any]) -> dict[str, Any]:
    history = [{key: epoch[key] for key in epoch if key != "train_seconds"} for epoch in record["history"]]
    return {key: value for key, value in record.items() if key != "train_seconds"} | {"history": history}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("plugins")
    trained = {name: code for name, (code, *_) in {**DEATHS, **ERRORS}.items()} | HANGS | HARMLESS | LEAVING
    plugins = [plugin_of(folder, name, code) for name, code in trained.items()]
    plugins += [plugin_of(folder, name, code, where="infer") for name, (code, *_) in ANSWERS.items()]
    child = Child({"digits": data.load("digits")}, tuple(plugins), "cpu", Limits(bytes=MEMORY))
    yield Runs(child, tuple(plugins), folder)
    child.close()


@pytest.fixture(scope="module")
def undisturbed(runs: Runs) -> dict[str, Any]:
    return without_seconds(runs.record("reinforce"))


@pytest.mark.parametrize("name", DEATHS)
def test_a_run_that_ends_its_process_has_died_and_the_next_one_runs(runs, undisturbed, name):
    record = runs.record(name)
    assert (record["status"], record["reason"]) == ("died", DEATHS[name][1])
    assert without_seconds(runs.record("reinforce")) == undisturbed


@pytest.mark.parametrize("name", [*ERRORS, *ANSWERS])
def test_a_run_that_fails_says_how_in_one_line_and_the_next_one_runs(runs, undisturbed, name):
    _, status, reason = {**ERRORS, **ANSWERS}[name]
    record = runs.record(name)
    assert record["status"] == status, record["reason"]
    assert record["reason"].startswith(reason)
    assert record["reason"].isprintable()
    assert len(record["reason"]) < 1100
    assert without_seconds(runs.record("reinforce")) == undisturbed


@pytest.mark.parametrize("name", HARMLESS)
def test_what_a_run_prints_reads_or_starts_and_ends_changes_nothing(runs, undisturbed, name):
    assert without_seconds(runs.record("reinforce")) == undisturbed
    process = runs.process()
    assert runs.record(name)["status"] == "ok"
    assert without_seconds(runs.record("reinforce")) == undisturbed
    assert runs.process() == process


@pytest.mark.parametrize("name", LEAVING)
def test_what_a_run_leaves_behind_is_ended_with_its_process(runs, undisturbed, name):
    assert without_seconds(runs.record("reinforce")) == undisturbed
    process = runs.process()
    assert runs.record(name)["status"] == "ok"
    wait_until(lambda: not group(process), "an end of all that it has started")
    assert without_seconds(runs.record("reinforce")) == undisturbed


@pytest.fixture
def hours(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes hours pass as soon as a run has told that it is there."""
    sign = runs.folder / "sign"
    sign.unlink(missing_ok=True)
    # More of them at every look, since the first one may come only after the sign.
    passed = itertools.count(10_000, 10_000)
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + (next(passed) if sign.exists() else 0))
    monkeypatch.setattr(child_module, "time", clock)
    yield
    sign.unlink(missing_ok=True)


@pytest.mark.usefixtures("hours")
@pytest.mark.parametrize("name", HANGS)
@pytest.mark.parametrize(
    ("limit", "reason"),
    [(3600.0, "it took longer than its time limit of 3600 s"), (None, "it finished no epoch within 600 s")],
    ids=["with_a_limit", "without_a_limit"],
)
def test_a_run_that_hangs_is_ended_and_the_next_one_runs(runs, undisturbed, monkeypatch, name, limit, reason):
    monkeypatch.setattr(runs.child, "_limits", Limits(limit, MEMORY))
    record = runs.record(name)
    assert (record["status"], record["reason"]) == ("timeout", reason)
    (runs.folder / "sign").unlink()
    assert without_seconds(runs.record("reinforce")) == undisturbed


def group(leader: int) -> list[int]:
    """The processes that a process and its children have started, as long as they live."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    return found


WORKER = """
import sys
from pathlib import Path
from core import data
from studies.running.child import Child, Limits
from strategies import read_plugin
from tests.support.records import configurations_of, design_of

plugins = (read_plugin(Path(sys.argv[1])),)
child = Child({"digits": data.load("digits")}, plugins, "cpu", Limits())
print(child._folder, flush=True)
child.execute(configurations_of(design_of(plugins[0].name, plugins=plugins))[0])
"""


@pytest.mark.parametrize("name", HANGS)
def test_no_process_outlives_a_worker_that_is_killed(tmp_path, name):
    sign = tmp_path / "sign"
    plugin = plugin_of(tmp_path, name, HANGS[name])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, plugin.path], env=environment, stdout=subprocess.PIPE, text=True
    ) as worker:
        try:
            assert worker.stdout is not None
            folder = Path(worker.stdout.readline().strip())
            wait_until(sign.exists, "a run that hangs")
            # Each leads a group.
            children = [child.pid for child in psutil.Process(worker.pid).children()]
            assert any(map(group, children))
        finally:
            worker.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(map(group, children)), "an end of the worker's processes")
    wait_until(lambda: not folder.exists(), "an end of its files")


def test_a_worker_that_is_killed_before_its_first_run_leaves_no_files(tmp_path):
    plugin = plugin_of(tmp_path, "idle", "here()").path
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    idle = f"{WORKER.partition('child.execute')[0]}sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", idle, plugin], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        try:
            assert worker.stdout is not None
            folder = Path(worker.stdout.readline().strip())
            assert (folder / "setup.json").exists()
        finally:
            worker.send_signal(signal.SIGKILL)
    wait_until(lambda: not folder.exists(), "an end of its files")


def test_a_process_that_a_run_ends_late_is_not_held_against_the_next(runs, undisturbed):
    assert without_seconds(runs.record("reinforce")) == undisturbed
    os.kill(runs.process(), signal.SIGKILL)
    assert without_seconds(runs.record("reinforce")) == undisturbed


def test_answers_that_come_together_are_all_heard():
    # A reader that is kept from the processor for a while finds the last epoch and the record at once.
    program = "import os, time; os.write(1, b'one\\ntwo\\nthr'); time.sleep(10**6)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        lines = child_module._lines(process)
        heard = list(itertools.islice(filter(None, lines), 2))
        process.kill()
        assert heard == [b"one", b"two"]
        assert list(filter(None, lines)) == []
