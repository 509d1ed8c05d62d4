"""Drivers of real runs in Ray, as processes of their own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_RAY = "import sys; sys.modules['ray'] = None; from studies.cli import main; sys.exit(main(sys.argv[1:]))"

# Ray gives up after seconds on what a busy machine does not get to.
PATIENCE_OF_RAY = {
    "RAY_gcs_server_port_wait_time_s": "600",
    "RAY_gcs_server_request_timeout_seconds": "600",
    "RAY_worker_register_timeout_seconds": "600",
}


def wait_until(condition: Callable[[], Any], what: str, driver: subprocess.Popen[str] | None = None) -> None:
    """Wait for an event, however long it takes; only a driver that ends without it is a failure, and that at once.

    How busy a machine is must not decide a test: what never comes is for pytest's own timeout to end.

    Args:
        condition: whether it is there.
        what: what is waited for.
        driver: which process brings it about; None if none does that is a child of this one.
    """
    while not condition():
        ended = driver is not None and driver.poll() is not None
        # It may have come between the two questions.
        if ended and not condition():
            assert driver is not None
            out, err = driver.communicate()
            raise AssertionError(f"{what}: the driver ended without it, with {driver.returncode}:\n{out}\n{err}")
        time.sleep(0.05)


class Driver:
    """Starts ``python -m studies``, and knows every process that came from it, workers of Ray included.

    Args:
        folder: where it works.
        variables: of the environment, besides those of these tests.
    """

    def __init__(self, folder: Path, **variables: str) -> None:
        self.results = folder / "results"
        self.folder = folder
        # Short, since Ray keeps sockets there; apart from /tmp/ray, so that no other cluster of the machine is found.
        self.ray = Path(tempfile.mkdtemp(prefix="gs", dir="/tmp"))
        self._marker = f"GATING_STUDIES_TEST={uuid.uuid4()}"
        (folder / "tmp").mkdir()
        name, _, value = self._marker.partition("=")
        self._environment = {
            **{key: text for key, text in os.environ.items() if not key.startswith(("RAY_", "PYTEST_"))},
            **PATIENCE_OF_RAY,
            name: value,
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "400",
            "RAY_TMPDIR": str(self.ray),
            "TMPDIR": str(folder / "tmp"),
            **variables,
        }

    def start(self, *arguments: str, program: tuple[str, ...] = ("-m", "studies")) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *program, *arguments],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Where the tests run in the background of a script, SIGINT is ignored, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *arguments: str, program: tuple[str, ...] = ("-m", "studies")) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, program=program)
        out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def files(self, study: str = "quickstart", results: Path | None = None) -> dict[str, bytes]:
        """Everything in the study's folder by its path there, but the lock."""
        folder = (results or self.results) / study
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and path.name != ".lock"
        }

    def runs(self, results: Path | None = None) -> dict[str, bytes]:
        folder = (results or self.results) / "quickstart" / "runs"
        return {path.name: path.read_bytes() for path in folder.glob("*.json")}

    def temporary(self) -> list[str]:
        return [path.name for path in (self.folder / "tmp").glob("gating-studies-*")]

    def processes(self) -> dict[int, str]:
        """Every living process that inherited this driver's environment: its command line by its id."""
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                environment = (path / "environ").read_bytes()
                state = (path / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
                command = (path / "cmdline").read_text("utf-8", "replace").replace("\0", " ").strip()
            except OSError:
                continue
            if self._marker.encode() in environment and state != "Z":
                found[int(path.name)] = command
        return found

    def end(self) -> None:
        """End what is left, by process id."""
        for process in self.processes():
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        shutil.rmtree(self.ray, ignore_errors=True)


def python(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Python in a folder of a user's, which finds this package but is not in it, and return what came of it."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
