"""A study on a cluster of separate nodes on this machine, one of which is lost. Every start of Ray takes seconds."""

import json
import os
import re
import secrets
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.driver import Driver, wait_until
from tests.support.plugins import write_plugin

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="needs more than one address of its own, and /proc"),
]

RAY = ("-c", "from ray.scripts.scripts import main; main()")
HERE, OTHER = "127.0.0.1", "127.0.0.2"
SMALL = ("--dataset", "digits", "--set", "network=8x2", "--set", "epochs=1", "--strategies", "dense,of_mine")
LINES = (
    r"quickstart \(default\): \d+ runs, \d+ already done, \d+ to run",
    r"\[\d+/\d+\] (dense|of_mine), digits 8x2 density 0\.125 seed \d+: .*",
    r"arm +n +test error .*",
    r"(dense|of_mine) .*",
    r"report: .*",
)


@pytest.fixture
def driver(tmp_path: Path):
    driver = Driver(tmp_path, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    yield driver
    driver.end()


def start_node(driver: Driver, address: str, *arguments: str) -> int:
    """Start a node with one processor at an address of this machine, and return the process of its raylet."""
    before = set(raylets(driver))
    small = ("--num-cpus=1", "--object-store-memory=100000000", "--min-worker-port=0", "--max-worker-port=0")
    node = ("--disable-usage-stats", f"--node-ip-address={address}")
    done = driver.run("start", *node, *small, *arguments, program=RAY)
    assert done.returncode == 0, done.stdout + done.stderr
    (started,) = set(raylets(driver)) - before
    return started


def raylets(driver: Driver) -> list[int]:
    return [
        process for process, command in driver.processes().items() if "--raylet_socket_name" in command.split("=")[0]
    ]


def free_port() -> int:
    with socket.create_server((HERE, 0)) as server:
        return int(server.getsockname()[1])


def runs_on(node: int, begun: Path) -> bool:
    """Whether a run is going on in a process that came from a node."""
    processes = [int(path.name) for path in begun.iterdir()]
    return any(node in ancestors(process) for process in processes)


def ancestors(process: int) -> set[int]:
    try:
        return {parent.pid for parent in psutil.Process(process).parents()}
    except psutil.NoSuchProcess:
        return set()


def test_a_study_outlives_a_node_of_its_cluster(driver, tmp_path):
    address = f"{HERE}:{free_port()}"
    head = start_node(driver, HERE, "--head", f"--port={address.partition(':')[2]}", "--include-dashboard=false")
    lost = start_node(driver, OTHER, f"--address={address}")
    begun, hold = tmp_path / "begun", tmp_path / "hold"
    begun.mkdir()
    hold.touch()
    body = (
        "        import os, time\n"
        "        from pathlib import Path\n"
        f"        Path({str(begun)!r}, str(os.getpid())).touch()\n"
        f"        while Path({str(hold)!r}).exists():\n"
        "            time.sleep(0.02)\n"
    )
    options = ("--seeds", "8", "--plugin", str(write_plugin(tmp_path, body=body)), "--results", str(driver.results))
    study = driver.start("run", "quickstart", *SMALL, *options, "--address", address)
    wait_until(lambda: runs_on(head, begun) and runs_on(lost, begun), "a run on each node", study)
    kept = driver.runs()

    os.kill(lost, signal.SIGKILL)
    wait_until(lambda: not runs_on(lost, begun), "an end of the runs on the lost node", study)
    hold.unlink()
    out, err = study.communicate()

    assert (study.returncode, err) == (0, ""), out
    assert [line for line in out.splitlines() if not any(re.fullmatch(known, line.strip()) for known in LINES)] == []
    records = [json.loads(text) for text in driver.runs().values()]
    assert {(record["config"]["strategy"], record["config"]["seed"]) for record in records} == {
        (strategy, seed) for strategy in ("dense", "of_mine") for seed in range(8)
    }
    assert {record["status"] for record in records} == {"ok"}
    assert kept.items() <= driver.runs().items()
    assert out.count("] of_mine, ") == out.count("] dense, ") == 8
    assert (driver.results / "quickstart" / "report.html").exists()
    assert not driver.temporary()

    again = driver.run("run", "quickstart", *SMALL, *options, "--address", address)
    assert (again.returncode, again.stderr) == (0, "")
    assert "nothing to run, all 16 runs are done" in again.stdout
