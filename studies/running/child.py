"""A process of its own for runs, ended when one takes too long or too much memory.

Whatever a strategy does to its process, stops it, hangs in it, or fills its memory, ends no worker of Ray and no other
run. The two sides exchange lines of JSON over pipes, and arrays go through files: nothing is pickled.
"""

import json
import os
import queue
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import psutil

import strategies
from core.data import Dataset
from core.training.train import Epoch
from core.training.trained_network import TrainedNetwork
from studies.design.configuration import Configuration
from studies.records import provenance
from studies.records.kept_network import KeptNetwork
from studies.running.trial import execute, unfinished

# How long a run may go without finishing an epoch: so many seconds, or so many times its longest epoch.
LEAST_PATIENCE = 600.0
PATIENCE_IN_EPOCHS = 20.0
# A process that holds more of its memory limit than this after a run is not kept for the next.
MOST_KEPT = 0.5
# What a child is told of a dataset beside its arrays.
_DESCRIBED = ("name", "test_examples", "metric", "alphabet")
_BETWEEN_LOOKS = 0.25  # seconds
# The file in which a run leaves its network.
_NETWORK = "network.safetensors"
_PATIENCE_WITH_AN_END = 60.0  # seconds
# Waits for the end of the worker, however it comes, and clears up then: the process itself cannot, while compiled code
# keeps Python's lock, nor can it end what it has started. It is no child of the worker, since Ray ends those with it.
# It reads which process there is, an empty line if there is none.
_GUARD = """exec 3<&0; {
    group=
    while read -r line <&3; do group=$line; done
    [ -z "$group" ] || kill -s KILL -- "-$group"
    rm -rf -- "$1"
} &"""


@dataclass(frozen=True)
class Limits:
    """How much a run may take.

    Attributes:
        seconds: of wall time; None ends a run only if it makes no progress.
        bytes: of resident memory; None for no limit.
    """

    seconds: float | None = None
    bytes: int | None = None


class EndedError(Exception):
    """A run was ended, or ended its process, before it returned.

    Attributes:
        status: ``timeout`` or ``died``.
    """

    def __init__(self, status: Literal["timeout", "died"], reason: str) -> None:
        super().__init__(reason)
        self.status: Literal["timeout", "died"] = status


class _NotBegunError(EndedError):
    """The process ended before the run began."""


class Child:
    """Executes runs one after another in a process, which is started again after a run that ended it.

    Args:
        datasets: by name.
        plugins: strategies from outside.
        device: where to train.
        limits: of every run.

    Attributes:
        processor_seconds: what all runs that returned their record took.
    """

    def __init__(
        self,
        datasets: Mapping[str, Dataset],
        plugins: tuple[strategies.Plugin, ...],
        device: str,
        limits: Limits,
    ) -> None:
        self.processor_seconds = 0.0
        self._limits = limits
        self._folder = Path(tempfile.mkdtemp(prefix="gating-studies-data-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for number, dataset in enumerate(datasets.values()):
            np.save(self._folder / f"{number}.x.npy", dataset.x, allow_pickle=False)
            np.save(self._folder / f"{number}.y.npy", dataset.y, allow_pickle=False)
            np.save(self._folder / f"{number}.letters.npy", dataset.letters, allow_pickle=False)
        setup = {
            "device": device,
            "datasets": [{name: getattr(dataset, name) for name in _DESCRIBED} for dataset in datasets.values()],
            "names": list(datasets),
            "plugins": [asdict(plugin) for plugin in plugins],
        }
        (self._folder / "setup.json").write_text(json.dumps(setup), encoding="utf-8")

    def execute(
        self, configuration: Configuration, on_network: Callable[[bytes], None] | None = None
    ) -> dict[str, Any]:
        """Execute a run, and return its record.

        Args:
            configuration: of the run.
            on_network: is given the network as :meth:`studies.records.kept_network.KeptNetwork.content` has it, if the
                run ends well on an evaluation seed; None if nobody wants it.

        Raises:
            EndedError: the run took more than its limits allow, or ended its process.
        """
        used = self._process is not None
        try:
            return self._attempt(configuration, on_network)
        except _NotBegunError:
            if not used:
                raise
            # The run before has ended the process late, which is not for this one to bear.
            return self._attempt(configuration, on_network)

    def _attempt(self, configuration: Configuration, on_network: Callable[[bytes], None] | None) -> dict[str, Any]:
        process = self._started()
        assert process.stdin is not None
        heard = looked = time.monotonic()
        began: float | None = None
        longest_epoch = 0.0
        # Who does not read this any more has ended, as its silence will tell.
        with suppress(BrokenPipeError):
            order = {"configuration": configuration.as_dict(), "keep_network": on_network is not None}
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
        for line in _lines(process):
            now = time.monotonic()
            message = self._understood(line) if line is not None else {}
            if message.get("run") == configuration.run_id:
                heard = now
                if "record" in message:
                    record: dict[str, Any] = message["record"]
                    self.processor_seconds += float(message["processor_seconds"])
                    if on_network is not None and message["network"]:
                        on_network(self._fetched())
                    if not message["clean"] or self._full(process):
                        # What it has left behind, threads, processes or memory, is not for the next run to bear.
                        self._end()
                    return record
                if "epoch_seconds" in message:
                    longest_epoch = max(longest_epoch, float(message["epoch_seconds"]))
                else:
                    # The process was still starting, which takes a while and is not the run's.
                    began = now
            if line is None or now - looked > _BETWEEN_LOOKS:
                looked = now
                self._check(process, now, began, heard, longest_epoch)
        reason = self._last_words(process)
        raise EndedError("died", reason) if began is not None else _NotBegunError("died", f"before it began {reason}")

    def _fetched(self) -> bytes:
        """Return the network that a run has left in a file."""
        file = self._folder / _NETWORK
        content = file.read_bytes()
        file.unlink()
        return content

    def close(self) -> None:
        """End the process and remove its files."""
        self._end()
        shutil.rmtree(self._folder, ignore_errors=True)
        _ended(self._guard)

    def _understood(self, line: bytes) -> dict[str, Any]:
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            self._end()
            raise EndedError("died", "it wrote where its process answers")
        return message

    def _check(
        self, process: "subprocess.Popen[bytes]", now: float, began: float | None, heard: float, longest_epoch: float
    ) -> None:
        seconds, most = self._limits.seconds, self._limits.bytes
        patience = max(LEAST_PATIENCE, PATIENCE_IN_EPOCHS * longest_epoch)
        status: Literal["timeout", "died"] = "timeout"
        if seconds is not None and began is not None and now - began > seconds:
            reason = f"it took longer than its time limit of {seconds:g} s"
        elif now - heard > patience:
            reason = f"it finished no epoch within {patience:.0f} s"
        elif most is not None and _holds_more_than(most, process.pid):
            status, reason = "died", f"it used more than its memory limit of {most / 1e9:.3g} GB"
        else:
            return
        self._end()
        raise EndedError(status, reason)

    def _full(self, process: "subprocess.Popen[bytes]") -> bool:
        # It has no processes of its own, else it is not kept anyway; to look for them takes as long as a tiny run.
        return self._limits.bytes is not None and _held(process.pid) > MOST_KEPT * self._limits.bytes

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is not None:
            self._end()
        if self._process is None:
            program = "import sys; from studies.running.child import serve; serve(sys.argv[1])"
            self._process = subprocess.Popen(
                [sys.executable, "-c", program, str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                # An interrupt at the terminal is for the driver alone; and it leads a group that can be ended at once.
                start_new_session=True,
            )
            self._guarded(str(self._process.pid))
        return self._process

    def _last_words(self, process: "subprocess.Popen[bytes]") -> str:
        """Say how the process ended, and clear up after it."""
        try:
            code = process.wait(_PATIENCE_WITH_AN_END)
        except subprocess.TimeoutExpired:
            return "it closed the pipe on which its process answers"
        finally:
            self._end()
        if code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"it ended its process with exit code {code}"

    def _end(self) -> None:
        """End the process and those that it has started."""
        process, self._process = self._process, None
        if process is not None:
            # First, since the system may give its number to another process.
            self._guarded("")
            _ended(process)

    def _guarded(self, group: str) -> None:
        """Tell the guard which process there is, if any."""
        assert self._guard.stdin is not None
        # A guard that somebody has ended guards nothing, which no run has to bear.
        with suppress(BrokenPipeError):
            self._guard.stdin.write(f"{group}\n".encode())
            self._guard.stdin.flush()


def _ended(process: "subprocess.Popen[bytes]") -> None:
    """End a process and its group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        # What was not written before the process ended is written to nobody.
        with suppress(BrokenPipeError):
            if pipe is not None:
                pipe.close()


def _lines(process: "subprocess.Popen[bytes]") -> Iterator[bytes | None]:
    """Give the lines that a process writes until it ends, and None whenever there was none for a while."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    rest = b""
    ended = False
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            if selector.select(0 if ended else _BETWEEN_LOOKS):
                # Not by readline, which may keep the next line where select does not see it.
                content = os.read(descriptor, 1 << 16)
                if not content:
                    return
                *lines, rest = (rest + content).split(b"\n")
                yield from lines
            elif ended:
                # Another process of the run's still holds the pipe.
                return
            else:
                yield None
                ended = process.poll() is not None


def serve(folder: str) -> None:
    """Execute the runs that arrive on standard input, one line each, until it is closed."""
    # What a strategy prints must not pass for an answer, nor what it reads be an order.
    orders = _orders(os.dup(0))
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    _put_in_place_of_standard_streams(nothing)
    setup = json.loads((Path(folder) / "setup.json").read_text(encoding="utf-8"))
    plugins = tuple(strategies.Plugin.from_dict(plugin) for plugin in setup["plugins"])
    datasets = {
        name: Dataset(
            x=np.load(Path(folder) / f"{number}.x.npy", mmap_mode="r", allow_pickle=False),
            y=np.load(Path(folder) / f"{number}.y.npy", allow_pickle=False),
            letters=np.load(Path(folder) / f"{number}.letters.npy", allow_pickle=False),
            **described,
        )
        for number, (name, described) in enumerate(zip(setup["names"], setup["datasets"], strict=True))
    }

    def tell(message: Mapping[str, Any]) -> None:
        answers.write(json.dumps(message, allow_nan=False).encode() + b"\n")
        answers.flush()

    while True:
        order = json.loads(orders.get())
        configuration = Configuration.from_dict(order["configuration"])
        # The run before may have closed them.
        _put_in_place_of_standard_streams(nothing)
        strategy = strategies.find(configuration.strategy, plugins)
        # Before the run: its files may be edited while it goes on.
        made_by = provenance.of(configuration, plugins, setup["device"])
        run = configuration.run_id
        threads = set(threading.enumerate())
        tell({"run": run})
        spent = [0.0]

        def on_epoch(epoch: Epoch, run: str = run, spent: list[float] = spent) -> None:
            tell({"run": run, "epoch_seconds": epoch.train_seconds - spent[-1]})
            spent.append(epoch.train_seconds)

        kept: list[KeptNetwork] = []

        def on_trained(
            trained: TrainedNetwork,
            configuration: Configuration = configuration,
            kept: list[KeptNetwork] | None = kept if order["keep_network"] else None,
        ) -> None:
            if kept is not None:
                kept.append(KeptNetwork.of(configuration, trained))

        before = time.process_time()
        dataset = datasets[configuration.dataset]
        record = execute(configuration, strategy, dataset, setup["device"], on_epoch, on_trained)
        processor_seconds = time.process_time() - before
        record |= made_by
        network = bool(kept) and record["status"] == "ok"
        if network:
            try:
                (Path(folder) / _NETWORK).write_bytes(kept[0].recorded(record).content())
            except OSError as error:
                # Without it the run is not finished.
                reason = f"its network cannot be written: {error.strerror}"
                network, record = False, unfinished(configuration, strategy, dataset, "died", reason) | made_by
        clean = _leaves_nothing(threads)
        answer = {"record": record, "network": network, "processor_seconds": processor_seconds, "clean": clean}
        tell({"run": run, **answer})


def _put_in_place_of_standard_streams(descriptor: int) -> None:
    for standard in (0, 1, 2):
        os.dup2(descriptor, standard)


def _orders(descriptor: int) -> "queue.SimpleQueue[bytes]":
    """Return a queue of the lines on a pipe; when it is closed the process ends at once, whatever it is doing."""
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        with os.fdopen(descriptor, "rb") as pipe:
            for line in pipe:
                orders.put(line)
        # Nobody is left to answer: the worker has ended, however it did.
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return orders


def _leaves_nothing(threads: Set[threading.Thread]) -> bool:
    """Whether a run has left no thread of Python running beside those that were there, and no process."""
    left = {thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)}
    return left <= threads and not _has_children()


def _has_children() -> bool:
    if not hasattr(os, "waitid"):
        return bool(psutil.Process().children())
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _holds_more_than(most: int, process: int) -> bool:
    """Whether a process and its children hold more than so many bytes of memory."""
    held = _resident(process)
    # Only Linux says what is shared.
    return held > most and not 0 < _resident(process, shared_once=True) <= most


def _held(process: int) -> int:
    """Return how many bytes of memory a process holds; 0 if it has just ended."""
    try:
        return int(psutil.Process(process).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _resident(process: int, *, shared_once: bool = False) -> int:
    """Return how many bytes of memory a process and its children hold; 0 if it has just ended.

    What they share is counted for each of them, or once, which takes longer.
    """
    try:
        whole = psutil.Process(process)
        together = [whole, *whole.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    held = 0
    for each in together:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            held += getattr(each.memory_full_info(), "pss", 0) if shared_once else each.memory_info().rss
    return held
