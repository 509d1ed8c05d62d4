"""What pages say of contrasts is what the committed numbers say, word by word."""

import re
from pathlib import Path

import pandas as pd
import pytest

from studies.report.overview import overview
from studies.report.published import VERDICTS, read_verdicts
from studies.results.statistics.decision import WORDS
from tests.docs.markdown import DOCS

STUDIES = DOCS / "studies"
LEARNED = DOCS / "learned.md"
PUBLISHED = [folder for folder in sorted(STUDIES.iterdir()) if (folder / VERDICTS).exists()]
# A verdict is written in italics or in bold, alone or at the head of a sentence.
WORD = re.compile(rf"\*({'|'.join(WORDS)})\b", re.IGNORECASE)


PAGES = [*sorted(set(STUDIES.glob("*.md")) - {STUDIES / VERDICTS}), LEARNED, DOCS / "index.md"]
# Numbers after these words, as in "by at least 0.4 and 1.1 points".
BOUND = re.compile(r"by\s+at\s+least\s+([\d.]+)(?:\s+(?:and|to)\s+([\d.]+))?")


def studies_of(page: Path) -> list[Path]:
    """The folders of the studies that a page speaks of: its own, or those that it links to."""
    of_all = page.stem == "index" or page == LEARNED
    named = re.findall(r"\((?:studies/)?(\w+)\.md", page.read_text("utf-8")) if of_all else [page.stem]
    return [STUDIES / name for name in named]


def verdicts_of(folder: Path) -> str:
    path = folder / VERDICTS
    return path.read_text("utf-8") if path.exists() else ""


def bounds_in(text: str) -> set[str]:
    """What a text says that differences are at least."""
    return {number.rstrip(".") for numbers in BOUND.findall(text) for number in numbers if number}


def words_of(folder: Path) -> set[str]:
    """The verdicts that a study has."""
    path = folder / "contrasts.csv"
    if not path.exists():
        return set()
    contrasts = pd.read_csv(path, keep_default_na=False, na_values=[""])
    return set(contrasts["verdict"].dropna()) if "primary" in contrasts else set()


def test_there_are_published_verdicts():
    assert PUBLISHED


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_the_verdicts_of_a_page_are_made_of_the_numbers_beside_it(folder):
    assert (folder / VERDICTS).read_text("utf-8") == read_verdicts(folder)
    page = (STUDIES / f"{folder.name}.md").read_text("utf-8")
    assert f'--8<-- "{folder.name}/{VERDICTS}"' in page


def test_the_table_of_all_verdicts_is_made_of_the_numbers_of_each_study():
    assert (STUDIES / VERDICTS).read_text("utf-8") == overview(STUDIES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_page_has_a_verdict_that_no_primary_contrast_carries(page):
    carried = set().union(*map(words_of, studies_of(page)))
    assert {word.lower() for word in WORD.findall(page.read_text("utf-8"))} <= carried


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_page_says_more_than_the_near_end_of_an_interval(page):
    carried = {bound for folder in studies_of(page) for bound in bounds_in(verdicts_of(folder))}
    assert bounds_in(page.read_text("utf-8")) <= carried


def test_a_verdict_word_is_found_where_it_is_emphasised():
    assert WORD.findall("**Better** than that, and *worse*; a better one") == ["Better", "worse"]
