"""Whatever is typed, and whatever plugins and files hold, an exit code and at most one line of error come of it.

``GATING_STUDIES_FUZZ=N`` generates N examples; the same N are generated every time.
"""

import contextlib
import gc
import hashlib
import io
import json
import os
import shutil
import socket
import tempfile
import time
import traceback
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from core import conformance, data
from studies import cli
from studies.design import Search
from studies.design.configuration import content_hash
from studies.records import environment
from studies.records.stamp import Stamp
from studies.running import estimate, load, verify
from studies.timing import rows as measuring
from studies.timing.clock import Timed
from tests.studies.faults import generated
from tests.support.records import design_of, finished, this_environment

EXAMPLES = int(os.environ.get("GATING_STUDIES_FUZZ", "300"))
PARTS = 2
# What share of the examples each kind has.
SHARES = {"command": 0.4, "plugin": 0.25, "record": 0.2, "study": 0.15}
LONGEST = 120.0  # seconds
TIMED = estimate._timed
REPORT, POWER, FIGURES = ("report", "quickstart"), ("power", "quickstart"), ("figures", "quickstart", "--format", "svg")
SMALL = ("--dataset", "digits", "--set", "network=8x2", "--seeds", "2", "--strategies", "small_dense,reinforce")
RUN = ("run", "quickstart", *SMALL, "--set", "epochs=2")

# What the command load would measure for ten minutes.
LOADED = {
    "scheduling": load.Scheduling(10, wall=1.0, start=1.0, total=2.0, inside=1.0, bytes_per_run=1.0),
    "start": 1.0,
    "tiny": None,
    "reported": None,
    "finish": 10,
    "forget_one": None,
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("scheduler", "without_figures", "nothing_slow"),
    pytest.mark.timeout(max(300, EXAMPLES)),
]
every_part = pytest.mark.parametrize("part", range(PARTS))


def examples(kind: str, part: int) -> Iterator[tuple[str, Random]]:
    """The examples of a part: a name that finds each again, and what draws it."""
    for number in range(part, round(EXAMPLES * SHARES[kind]), PARTS):
        yield f"{kind} {number}", Random(f"{kind} {number}")


@pytest.fixture
def nothing_slow(monkeypatch, publisher, tmp_path) -> None:
    """No training, no timing, no network; datasets of any size are not made."""
    loaded, described = data.load, this_environment()
    monkeypatch.setattr(
        data, "load", lambda name, folder=None: data.find(name) if ":" in name else loaded(name, folder)
    )
    monkeypatch.setattr(estimate, "_timed", lambda *_: 1.0)
    monkeypatch.setattr(measuring, "interleaved", lambda *_: [(Timed(6.0, 6.0), Timed(1.0, 1.0))] * 3)
    monkeypatch.setattr(measuring, "contenders", lambda *_: ({"eager": None}, None))
    monkeypatch.setattr(conformance, "problems", lambda _: [])
    monkeypatch.setattr(conformance, "warnings", lambda _: [])
    monkeypatch.setattr(conformance, "estimate", lambda _: None)
    monkeypatch.setattr(verify, "verify", lambda *_: iter(()))
    for name, found in LOADED.items():
        monkeypatch.setattr(load, name, lambda *_, found=found: found)
    monkeypatch.setattr("studies.cli.commands.load._seconds_of_report", lambda *_: 1.0)
    monkeypatch.setattr(environment, "describe", lambda: dict(described))
    # Nobody is asked for the addresses of hosts that do not exist.
    monkeypatch.setattr(socket, "getaddrinfo", _no_address)
    # Statsmodels collects garbage at each correction of p values, which takes longer than all the rest.
    monkeypatch.setattr(gc, "collect", lambda *_: 0)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


ADDRESSES = socket.getaddrinfo


def _no_address(host: Any, *arguments: Any, **options: Any) -> Any:
    if host == "127.0.0.1":
        return ADDRESSES(host, *arguments, **options)
    host.encode("idna")
    raise socket.gaierror(-2, "Name or service not known")


def whole(path: Path) -> str:
    """What a path holds, as a hash; of what is no file, its kind."""
    if path.is_symlink() or not path.is_file():
        return "link" if path.is_symlink() else "folder" if path.is_dir() else "device"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): whole(path) for path in folder.rglob("*")}


def faults_of(arguments: Sequence[str], folder: Path) -> list[str]:
    """Run a command in a folder, and return what it did that no command may do."""
    before = contents(folder)
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
    began = time.monotonic()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.chdir(folder):
            code = cli.main(arguments)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        return [f"{type(error).__name__}: {str(error)[:200]} ({last.filename}:{last.lineno})"]
    said, complained = (stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err))
    faults = [] if time.monotonic() - began < LONGEST else [f"took longer than {LONGEST} s"]
    if type(code) is not int or code not in (0, 1, 2, 3):
        faults.append(f"exit code {code!r}")
    lines = complained.splitlines()
    if code in (2, 3) and not (len(lines) == 1 and lines[0].startswith("error: ") and complained.endswith("\n")):
        faults.append(f"exit code {code} with {complained[:300]!r}")
    if code in (0, 1) and complained:
        faults.append(f"exit code {code} with {complained[:300]!r}")
    if "Traceback" in said + complained:
        faults.append("prints a traceback")
    odd = {letter for letter in said + complained if unicodedata.category(letter) in ("Cc", "Cs")} - {"\n"}
    if odd:
        faults.append(f"prints {sorted(odd)}")
    after = contents(folder)
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    if any(Path(name).name.startswith(".") and ".part" in name for name in after):
        faults.append("left an unfinished file")
    if code == 2 and not all(Path(name).name == ".lock" for name in changed):
        faults.append(f"failed, but changed {sorted(changed)}")
    if any(Path(tempfile.gettempdir()).iterdir()):
        faults.append("left temporary files")
    page = (said.splitlines() or [""])[-1].partition("report: ")[2]
    return faults + (of_report(folder / page) if page.endswith(".html") else [])


def of_report(page: Path) -> list[str]:
    """What is wrong with the report of a study that a command says it wrote."""
    stamp = Stamp.read(page.parent)
    if stamp is None or page.name not in stamp.files:
        return ["no stamp"]
    wrong = [name for name, held in stamp.files.items() if not _holds(page.parent / name, held)]
    return [f"the stamp does not hold for {wrong}"] if wrong else []


def _holds(path: Path, held: str) -> bool:
    content = path.read_bytes()
    return hashlib.sha256(f"{len(content)}\0".encode() + content).hexdigest()[:16] == held


def gathered(found: Sequence[str]) -> None:
    assert not found, f"{len(found)} faults:\n" + "\n".join(found[:40])


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Results of a finished study, and its report."""
    design = design_of("small_dense", "reinforce", seeds=2, training={"epochs": 2})
    finished(tmp_path / "plain", design, {("reinforce", 1): "over_budget"})
    assert cli.main((*REPORT, "--results", str(tmp_path / "plain"))) == 0
    return tmp_path / "plain"


@pytest.fixture
def searched(tmp_path: Path) -> Path:
    """Results of a finished search, and its report."""
    search = Search(points=2, searches=2)
    sizes: dict[str, Any] = {"seeds": 2, "densities": (1 / 4, 1 / 2), "test_split": "fixed", "search": search}
    finished(tmp_path / "searched", design_of("small_dense", "reinforce", **sizes), {("reinforce", 1): "nan"})
    assert cli.main((*REPORT, "--results", str(tmp_path / "searched"))) == 0
    return tmp_path / "searched"


@contextlib.contextmanager
def folder_with(results: Path | None, place: Path) -> Iterator[Path]:
    """A folder of all kinds of files, with results."""
    place.mkdir()
    generated.files_for(place)
    if results is not None:
        shutil.copytree(results, place / "results")
    yield place
    shutil.rmtree(place)


@every_part
def test_a_generated_command_line_ends_well(part, tmp_path, plain):
    found = []
    for name, random in examples("command", part):
        arguments = generated.command_line(random)
        with folder_with(plain, tmp_path / "here") as folder:
            found += [f"{name}: {arguments}: {fault}" for fault in faults_of(arguments, folder)]
    gathered(found)


@every_part
def test_a_generated_plugin_ends_well(part, tmp_path, monkeypatch):
    monkeypatch.setattr(estimate, "_timed", TIMED)
    found = []
    for name, random in examples("plugin", part):
        content = generated.plugin(random)
        own = random.choice(generated.PLUGIN_NAMES)
        place = tmp_path / random.choice(("here", "here", "[bold]here", "h\x1b[31me\nre", "日本"))
        names = ("--strategies", f"small_dense,{own}") if random.random() < 0.8 else ()
        small = ("--dataset", "digits", "--set", "network=8x2", "--set", "epochs=1", "--seeds", "1", *names)
        with folder_with(None, place) as folder:
            path = place / f"{own}.py"
            path.write_bytes(content)
            if random.random() < 0.2:
                path.write_bytes(b"import beside\n" + content)
                (place / "beside.py").write_bytes(generated.damaged_source(generated.PLUGIN.encode(), random))
            for command in (("strategies",), ("run", "quickstart", "--dry-run", *small)):
                faults = faults_of((*command, "--plugin", str(path)), folder)
                found += [f"{name}: {command[0]}: {fault}" for fault in faults]
    gathered(found)


@every_part
def test_a_generated_record_ends_well(part, tmp_path, plain, searched):
    found = []
    for name, random in examples("record", part):
        with folder_with(random.choice((plain, searched)), tmp_path / "here") as folder:
            records = sorted((folder / "results" / "quickstart" / "runs").glob("*.json"))
            for path in random.sample(records, k=random.choice((1, 1, 2, 4))):
                spoil_record(path, random.choice(records), random)
            found += [f"{name}: {fault}" for fault in faults_of_readers(folder, random)]
    gathered(found)


@every_part
def test_a_generated_study_ends_well(part, tmp_path, plain, searched):
    found = []
    for name, random in examples("study", part):
        with folder_with(random.choice((plain, searched)), tmp_path / "here") as folder:
            spoil_study(folder / "results" / "quickstart", random)
            found += [f"{name}: {fault}" for fault in faults_of_readers(folder, random)]
            if whole(folder / "notes.txt") != hashlib.sha256(b"mine").hexdigest():
                found.append(f"{name}: touched a file outside")
    gathered(found)


def faults_of_readers(folder: Path, random: Random) -> list[str]:
    """Run some of the commands that read results."""
    found = []
    for command in random.sample((REPORT, POWER, FIGURES, (*RUN, "--dry-run"), RUN), k=2):
        faults = faults_of((*command, "--results", "results"), folder)
        found += [f"{' '.join(command[:1])}: {fault}" for fault in faults]
    return found


def spoil_record(path: Path, other: Path, random: Random) -> None:
    chance = random.random()
    if not path.is_file():
        return
    content = path.read_bytes()
    if chance < 0.55:
        path.write_bytes(generated.written(generated.changed(json.loads(content), random)))
    elif chance < 0.7:
        path.write_bytes(generated.damaged(content, random))
    elif chance < 0.85 and other.is_file():
        path.write_bytes(other.read_bytes())
    elif chance < 0.95:
        record = json.loads(content)
        record["config"] = generated.changed(record["config"], random)
        with contextlib.suppress(ValueError, RecursionError, UnicodeEncodeError):
            record["run_id"] = content_hash(record["config"])
        path.unlink()
        random.choice((path, path.with_stem(str(record["run_id"])))).write_bytes(generated.written(record))
    else:
        replaced(path, random)


def spoil_study(folder: Path, random: Random) -> None:
    path = folder / random.choice(("study.json", "study.json", "study.json", "derived.json"))
    content = path.read_bytes()
    chance = random.random()
    if chance < 0.4 and path.name == "study.json":
        # As somebody would who knows how it is checked.
        study = json.loads(content)
        study["design"] = generated.changed(study["design"], random)
        with contextlib.suppress(ValueError, RecursionError, UnicodeEncodeError):
            study["design_hash"] = content_hash(study["design"])
        path.write_bytes(generated.written(study))
    elif chance < 0.4:
        stamp = json.loads(content)
        record = next((folder / "runs").iterdir()).name
        outside = folder.parent.parent / "notes.txt"
        names = ("../../notes.txt", str(outside), "study.json", f"runs/{record}", "runs", ".lock")
        stamp["files"] |= dict.fromkeys((random.choice(names), generated.odd(random)), "0")
        path.write_bytes(generated.written(stamp))
    elif chance < 0.75:
        path.write_bytes(generated.written(generated.changed(json.loads(content), random)))
    elif chance < 0.95:
        path.write_bytes(generated.damaged(content, random))
    else:
        replaced(path, random)


def replaced(path: Path, random: Random) -> None:
    """Put something else than a file in its place."""
    path.unlink()
    kind = random.choice(("folder", "loop", "dangling", "device", "nothing"))
    if kind == "folder":
        path.mkdir()
    elif kind != "nothing":
        path.symlink_to({"loop": path.name, "dangling": "nowhere", "device": "/dev/null"}[kind])
