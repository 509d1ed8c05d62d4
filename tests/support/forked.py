"""Drivers in processes of their own that start at once: each is forked from one that has imported everything.

``Forked`` starts that one, which is this module as a program. Invented records stand in for Ray, and the text of the
numbers for pictures, unless they are asked for.
"""

import ctypes
import errno
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Literal, get_args
from unittest import mock

import matplotlib.figure
import pandas as pd

from studies import cli
from studies.cli.commands import run  # noqa: F401
from studies.records import environment, stamp
from studies.report.drawing.figure import Figure
from studies.report.drawing.venue import Venue
from tests.studies.conftest import Invented
from tests.support.records import configurations_of, design_of, record_of

ROOT = Path(__file__).resolve().parents[2]

Moment = Literal["made", "before", "after", "removed", "in a picture"]


@dataclass(frozen=True)
class Fault:
    """What goes wrong in a driver.

    Attributes:
        moment: of a file's writing in the results: when the temporary file is made, before and after it becomes the
            file, before a file is removed, or when a picture is half drawn.
        number: how many such moments pass before.
        signal: what the driver gets then.
        error: the name of the system's error that it meets then, in place of a signal.
    """

    moment: Moment
    number: int
    signal: int = signal.SIGKILL
    error: str | None = None


@dataclass(frozen=True)
class How:
    """In which circumstances a driver runs.

    Attributes:
        fault: what goes wrong.
        failures: the status of invented runs that fail, by strategy and seed.
        reason: why.
        pictures: whether figures are drawn.
        powerless: whether it is bound by permissions, also where it is root's.
        limits: of the process, by the names of ``resource``.
        encoding: of its output.
        output: the file that standard output is, if another than the one that is read.
        reads: how many lines of its output are read; None for all.
        closed: which of the standard streams are closed from the start.
        environment: variables that differ; None for one that is not there.
        umask: permissions that are withheld from new files.
    """

    fault: Fault | None = None
    failures: dict[str, str] = field(default_factory=dict)
    reason: str = "invented {}"
    pictures: bool = False
    powerless: bool = False
    limits: dict[str, int] = field(default_factory=dict)
    encoding: str | None = None
    output: str | None = None
    reads: int | None = None
    closed: tuple[int, ...] = ()
    environment: dict[str, str | None] = field(default_factory=dict)
    umask: int | None = None


@dataclass(frozen=True)
class Ended:
    """How a driver ended.

    Attributes:
        code: its exit code, or -N for signal N.
        out: what it printed.
        err: what it printed as errors.
        moments: how many of each kind passed; empty if it was killed.
    """

    code: int
    out: str
    err: str
    moments: dict[Moment, int]


class Forked:
    """Runs commands, each in a process of its own. Use it in a ``with`` statement.

    Args:
        folder: for what drivers print, and their working directory.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forked", str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Forked":
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __call__(self, *arguments: str, **how: Any) -> Ended:
        """Run a command to its end; ``how`` is as :class:`How` has it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"arguments": arguments, "how": asdict(How(**how))}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        out, err = ((self._folder / name).read_text("utf-8", "replace") for name in ("out", "err"))
        return Ended(code, out, err, json.loads((self._folder / "moments").read_text("utf-8") or "{}"))

    def study(self, results: Path, *arguments: str, **how: Any) -> Ended:
        """Run a small study."""
        small = (
            "--dataset",
            "digits",
            "--set",
            "network=8x2",
            "--set",
            "epochs=2",
            "--strategies",
            "small_dense,reinforce",
        )
        return self("run", "quickstart", *small, "--results", str(results), *arguments, **how)


def main(folder: Path) -> None:
    """Fork a driver for each order on standard input, and answer with its exit code."""
    prepare()
    for line in sys.stdin:
        order = json.loads(line)
        for name in ("out", "err", "moments"):
            (folder / name).write_bytes(b"")
        process = os.fork()
        if process == 0:
            drive(folder, order["arguments"], read(order["how"]))
        _, status = os.waitpid(process, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def prepare() -> None:
    """Ask for what takes a while, or may change between two drivers."""
    described = environment.describe()
    mock.patch.object(environment, "describe", return_value=described).start()
    stamp.code_hash()
    for configuration in configurations_of(design_of("small_dense", "reinforce", seeds=1)):
        record_of(configuration)


def read(how: dict[str, Any]) -> How:
    fault = how.pop("fault")
    return How(fault=Fault(**fault) if fault is not None else None, **how)


def drive(folder: Path, arguments: list[str], how: How) -> None:
    """Be a driver, to the end."""
    code = 70
    try:
        os.chdir(folder)
        for name, number in (("out", 1), ("err", 2)):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_APPEND), number)
        moments_file = os.open(folder / "moments", os.O_WRONLY)
        for name, value in how.environment.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        if how.encoding is not None:
            sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding=how.encoding) for number in (1, 2))
        if how.umask is not None:
            os.umask(how.umask)
        moments = watch(how.fault)
        invent(how)
        if how.output is not None:
            os.dup2(os.open(how.output, os.O_WRONLY), 1)
        if how.reads is not None:
            read_only(how.reads)
        for number in how.closed:
            os.close(number)
            setattr(sys, ("stdin", "stdout", "stderr")[number], None)
        for name, most in how.limits.items():
            resource.setrlimit(getattr(resource, name), (most, most))
        if how.powerless:
            give_up_powers()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        code = cli.main(arguments)
        os.write(moments_file, json.dumps(moments).encode())
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except BaseException:
        code = 70
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def read_only(lines: int) -> None:
    """Let another process read so many lines of standard output, and leave."""
    reading, writing = os.pipe()
    reader = os.fork()
    if reader == 0:
        os.close(writing)
        copy = os.dup(1)
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            for _ in range(lines):
                os.write(copy, pipe.readline())
        os._exit(0)
    os.close(reading)
    os.dup2(writing, 1)
    os.close(writing)
    if not lines:
        os.waitpid(reader, 0)


def give_up_powers() -> None:
    """Be an ordinary user in all but name."""
    if sys.platform != "linux" or os.getuid() != 0:
        return
    version_3 = struct.pack("=Ii", 0x20080522, 0)
    assert ctypes.CDLL(None, use_errno=True).capset(version_3, bytes(24)) == 0, os.strerror(ctypes.get_errno())


def watch(fault: Fault | None) -> dict[Moment, int]:
    """Count the moments of all files' writing, and let the fault happen at its own."""
    passed: dict[Moment, int] = dict.fromkeys(get_args(Moment), 0)

    def at(moment: Moment, path: Any) -> None:
        passed[moment] += 1
        if fault is None or (fault.moment, fault.number) != (moment, passed[moment] - 1):
            return
        if fault.error is None:
            os.kill(os.getpid(), fault.signal)
        else:
            number = getattr(errno, fault.error)
            raise OSError(number, os.strerror(number), os.fspath(path))

    make, replace, remove = tempfile.mkstemp, os.replace, os.unlink

    def mkstemp(*arguments: Any, **named: Any) -> tuple[int, str]:
        made = make(*arguments, **named)
        if ".part" in made[1]:
            try:
                at("made", made[1])
            except OSError:
                # It could not be made.
                os.close(made[0])
                remove(made[1])
                raise
        return made

    def put(old: Any, new: Any, **named: Any) -> None:
        ours = ".part" in os.fspath(old)
        if ours:
            at("before", new)
        replace(old, new, **named)
        if ours:
            at("after", new)

    def unlink(path: Any, **named: Any) -> None:
        if os.path.lexists(path) and Path(path).name != ".lock" and ".part" not in Path(path).name:
            at("removed", path)
        remove(path, **named)

    for module, name, changed in ((tempfile, "mkstemp", mkstemp), (os, "replace", put), (os, "unlink", unlink)):
        mock.patch.object(module, name, changed).start()
    savefig = matplotlib.figure.Figure.savefig

    def half(figure: Any, path: Path, **named: Any) -> None:
        savefig(figure, path, **named)
        at_half(path)

    def at_half(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        at("in a picture", path)
        path.write_bytes(content)

    mock.patch.object(matplotlib.figure.Figure, "savefig", half).start()
    return passed


def invent(how: How) -> None:
    """Put invented records in place of Ray, and texts in place of pictures."""
    module = ModuleType("studies.running.schedule")
    failures = {(name, int(seed)): status for key, status in how.failures.items() for name, seed in [key.split()]}
    vars(module)["execute_all"] = Invented(failures, how.reason)
    sys.modules["studies.running.schedule"] = module
    if not how.pictures:
        mock.patch.object(Figure, "drawn_for", written).start()


def written(figure: Figure, venue: Venue, numbers: pd.DataFrame) -> Any:
    """Write the numbers where a picture should be drawn of them."""
    text = f"{figure.name}\n{venue}\n{numbers.to_csv()}"
    return SimpleNamespace(savefig=lambda path, metadata: path.write_text(path.suffix + text, "utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
