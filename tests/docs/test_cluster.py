"""The recipes for clusters: the batch script does what the guide says, with stand-ins for the programs of a cluster."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.docs.markdown import DOCS, ROOT, blocks

GUIDE = DOCS / "guides" / "cluster.md"
yaml: Any = pytest.importorskip("yaml")

STAND_INS = {
    "srun": 'echo "srun $*" >> log; while [[ "$1" == --* ]]; do shift; done; exec "$@"',
    "ray": """echo "ray $* $RAY_AUTH_MODE $(wc -c < "$RAY_AUTH_TOKEN_PATH")" >> log
port=$(sed -n 's/.*--head --port=\\([0-9]*\\).*/\\1/p' <<< "$*")
[ -z "$port" ] && exec sleep 1000
exec PYTHON -c "import socket, signal; listening = socket.create_server(('127.0.0.1', $port)); signal.pause()" """,
    "scontrol": 'echo "scontrol $*" >> log',
    "python": """echo "python $*" >> log
trap 'sleep 0.5; echo "kept what is finished" >> log; exit 143' TERM
[ -n "$ENDS_WITH" ] && exit "$ENDS_WITH"
while true; do sleep 0.1; done""",
}


def example(title: str) -> str:
    (text,) = (block.text for block in blocks(GUIDE) if block.title == title)
    return text


@dataclass
class Job:
    """A batch job on one machine that stands for three."""

    folder: Path
    process: "subprocess.Popen[bytes]"

    def log(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text("utf-8").splitlines() if log.exists() else []

    def wait_for(self, start: str, times: int = 1) -> None:
        began = time.monotonic()
        while sum(line.startswith(start) for line in self.log()) < times:
            assert time.monotonic() - began < 120, self.log()
            time.sleep(0.05)


@pytest.fixture
def job(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Job]:
    for name, text in STAND_INS.items():
        file = tmp_path / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/bash\n{text.replace('PYTHON', sys.executable)}\n", "utf-8")
        file.chmod(0o755)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").touch()
    (tmp_path / "study.sbatch").write_text(example("study.sbatch"), "utf-8")
    variables = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "SLURM_JOB_ID": str(free_port() - 20_000),
        "SLURMD_NODENAME": "127.0.0.1",
        "SLURM_CPUS_PER_TASK": "2",
        "SLURM_JOB_NUM_NODES": "3",
        "ENDS_WITH": getattr(request, "param", ""),
    }
    process = subprocess.Popen(["bash", "study.sbatch"], cwd=tmp_path, env=variables, start_new_session=True)
    yield Job(tmp_path, process)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """A port that the batch script can choose."""
    for port in range(20_000 + os.getpid() % 9000, 30_000):
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def test_the_time_limit_of_slurm_ends_the_driver_well_and_the_job_is_submitted_again(job):
    job.wait_for("python -m studies run")
    job.process.send_signal(signal.SIGTERM)
    assert job.process.wait(60) == 143
    *_, kept, requeued = job.log()
    assert kept == "kept what is finished"
    assert re.fullmatch(r"scontrol requeue \d+", requeued)
    assert not list((job.folder / ".ray").iterdir())


@pytest.mark.parametrize("job", ["0", "1", "3"], indirect=True)
def test_a_study_that_ends_ends_the_job_with_its_exit_code(job, request):
    assert job.process.wait(60) == int(request.node.callspec.params["job"])
    assert not [line for line in job.log() if line.startswith("scontrol")]
    assert not list((job.folder / ".ray").iterdir())


def test_head_and_workers_have_the_token_and_the_driver_their_address(job):
    job.wait_for("python -m studies run")
    job.wait_for("ray start ", times=2)
    head, worker = sorted(
        (line for line in job.log() if line.startswith("ray ")), key=lambda line: "--head" not in line
    )
    (driver,) = (line for line in job.log() if line.startswith("python "))
    port = re.findall(r"--port=(\d+)", head)[0]
    assert head.endswith(" token 64")
    assert worker.endswith(f"--address=127.0.0.1:{port} token 64")
    assert driver.endswith(f"--address 127.0.0.1:{port}")
    assert [line.count("--nodes=2") for line in job.log() if line.startswith("srun ") and "--exclude" in line] == [1]


def test_the_manifest_is_of_one_piece():
    claim, job = yaml.safe_load_all(example("rayjob.yaml"))
    cluster = job["spec"]["rayClusterSpec"]
    head = cluster["headGroupSpec"]["template"]["spec"]
    (worker,) = cluster["workerGroupSpecs"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert f"ray=={cluster['rayVersion']}" in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert head["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    mounted = head["containers"][0]["volumeMounts"][0]
    assert mounted["name"] == head["volumes"][0]["name"]
    assert f"--results {mounted['mountPath']}" in job["spec"]["entrypoint"]
    assert head["containers"][0]["image"] == worker["template"]["spec"]["containers"][0]["image"]


@pytest.mark.parametrize("block", [block for block in blocks(GUIDE) if block.language in ("sh", "bash")], ids=str)
def test_a_shell_can_read_every_example(block):
    done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
