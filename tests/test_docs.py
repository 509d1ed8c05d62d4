"""Every strategy and every study has its page, and strategy pages name all there is to set."""

from pathlib import Path

import pytest

import strategies
import studies.catalogue

DOCS = Path(__file__).resolve().parent.parent / "docs"
PARTS = ("**Idea.**", "**Source.**", "**Settings.**", "**Cost.**", "**When it fails.**", "**Sanity**")


@pytest.mark.parametrize("name", strategies.built_in())
def test_a_strategy_page_has_all_parts_and_names_every_setting(name):
    page = (DOCS / "strategies" / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {name}\n")
    assert [part for part in PARTS if part not in page] == []
    assert [setting for setting in strategies.find(name).space if f"`{setting}`" not in page] == []


@pytest.mark.parametrize("name", studies.catalogue.names())
def test_a_study_page_has_its_question_and_what_it_cannot_show(name):
    page = (DOCS / "studies" / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {name}\n")
    assert studies.catalogue.find(name).question in " ".join(page.split())


@pytest.mark.parametrize(
    ("folder", "names"), [("strategies", strategies.built_in()), ("studies", studies.catalogue.names())]
)
def test_no_page_is_left_over(folder, names):
    assert {path.stem for path in (DOCS / folder).glob("*.md")} - {"index"} == set(names)
