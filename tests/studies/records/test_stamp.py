"""The stamp holds for nothing but the study, the records, the code and the files that it was made of."""

import json

import pytest

from studies.records import stamp as stamps
from studies.records.stamp import NAME, Stamp, code_hash, records_hash
from tests.support.driver import ROOT
from tests.support.records import configurations_of, design_of, record_of

DESIGN = design_of("dense", seeds=2)
RECORDS = tuple(record_of(configuration) for configuration in configurations_of(DESIGN))


@pytest.fixture
def folder(tmp_path):
    """A folder with derived files, one of the user's own, and their stamp."""
    (tmp_path / "figures").mkdir()
    for name in ("runs.csv", "figures/seeds.svg", "mine.txt"):
        (tmp_path / name).write_text(f"content of {name}", "utf-8")
    Stamp.of("d" * 16, RECORDS, tmp_path, [tmp_path / "runs.csv", tmp_path / "figures" / "seeds.svg"]).write(tmp_path)
    return tmp_path


def read(folder) -> Stamp:
    stamp = Stamp.read(folder)
    assert stamp is not None
    return stamp


def test_a_stamp_comes_back_and_holds(folder):
    stamp = read(folder)
    assert stamp.files.keys() == {"runs.csv", "figures/seeds.svg"}
    assert stamp.holds("d" * 16, RECORDS, folder)
    # As they come from their files, too.
    assert stamp.holds("d" * 16, [json.loads(json.dumps(record)) for record in RECORDS], folder)


@pytest.mark.parametrize(
    "records",
    [
        RECORDS[:1],
        (*RECORDS, RECORDS[0]),
        RECORDS[::-1],
        ({**RECORDS[0], "test_error": 0.5}, RECORDS[1]),
        ({**RECORDS[0], "reason": "x"}, RECORDS[1]),
        (),
    ],
    ids=["fewer", "more", "another order", "another number", "another word", "none"],
)
def test_it_does_not_hold_for_other_records(folder, records):
    assert not read(folder).holds("d" * 16, records, folder)


def test_it_does_not_hold_for_another_design(folder):
    assert not read(folder).holds(DESIGN.design_hash, RECORDS, folder)


def test_it_does_not_hold_for_other_code(folder, monkeypatch):
    monkeypatch.setattr(stamps, "code_hash", lambda: "0" * 16)
    assert not read(folder).holds("d" * 16, RECORDS, folder)


@pytest.mark.parametrize("name", ["runs.csv", "figures/seeds.svg"])
@pytest.mark.parametrize("content", ["", "content of another", None])
def test_it_does_not_hold_when_a_file_was_changed_emptied_or_deleted(folder, name, content):
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content, "utf-8")
    assert not read(folder).holds("d" * 16, RECORDS, folder)


def test_it_does_not_hold_when_a_folder_is_in_a_files_place(folder):
    (folder / "runs.csv").unlink()
    (folder / "runs.csv").mkdir()
    assert not read(folder).holds("d" * 16, RECORDS, folder)


def test_files_of_the_user_are_none_of_its_business(folder):
    (folder / "mine.txt").write_text("changed", "utf-8")
    (folder / "more.txt").write_text("new", "utf-8")
    assert read(folder).holds("d" * 16, RECORDS, folder)


def test_files_that_were_drawn_again_are_as_they_are_now(folder):
    (folder / "figures" / "seeds.svg").write_text("for a paper", "utf-8")
    (folder / "figures" / "seeds.pdf").write_text("for a paper", "utf-8")
    again = read(folder).with_files(folder, [folder / "figures" / "seeds.svg", folder / "figures" / "seeds.pdf"])
    assert again.holds("d" * 16, RECORDS, folder)
    assert again.files.keys() == {"runs.csv", "figures/seeds.svg", "figures/seeds.pdf"}
    assert not read(folder).holds("d" * 16, RECORDS, folder)


def test_a_stamp_of_what_is_about_to_change_names_its_files_and_holds_for_nothing(folder):
    Stamp.unfinished(["runs.csv", "report.html"]).write(folder)
    stamp = read(folder)
    assert stamp.files.keys() == {"runs.csv", "report.html"}
    assert not stamp.holds("d" * 16, RECORDS, folder)
    assert not stamp.holds("", (), folder)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"{}", b"\xff", b'{"design": 1, "files": 3}', b"[" * 10**5]
)
def test_a_stamp_that_cannot_be_read_is_none(folder, content):
    (folder / NAME).write_bytes(content)
    assert Stamp.read(folder) is None


def test_without_a_stamp_there_is_none(tmp_path):
    assert Stamp.read(tmp_path) is None


def test_the_hash_of_records_does_not_depend_on_the_order_of_their_fields():
    turned = [dict(reversed(record.items())) for record in RECORDS]
    assert records_hash(turned) == records_hash(RECORDS)


@pytest.mark.parametrize(
    "name", ["studies/results/summary.py", "studies/report/page.html.jinja", "studies/catalogue/quickstart.py"]
)
def test_editing_what_derives_is_seen(name, tmp_path, monkeypatch):
    before = code_hash()
    copy = tmp_path / "studies"
    for path in (ROOT / "studies").rglob("*"):
        if path.suffix in (".py", ".jinja"):
            (copy / path.relative_to(ROOT / "studies")).parent.mkdir(parents=True, exist_ok=True)
            (copy / path.relative_to(ROOT / "studies")).write_bytes(path.read_bytes())
    monkeypatch.setattr(stamps, "_ROOT", tmp_path)
    code_hash.cache_clear()
    try:
        assert code_hash() == before
        (tmp_path / name).write_text((tmp_path / name).read_text("utf-8") + "\n", "utf-8")
        code_hash.cache_clear()
        assert code_hash() != before
    finally:
        code_hash.cache_clear()
