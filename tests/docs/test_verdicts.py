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


@pytest.mark.parametrize(
    "page", [*sorted(set(STUDIES.glob("*.md")) - {STUDIES / VERDICTS}), LEARNED], ids=lambda page: page.stem
)
def test_no_page_has_a_verdict_that_no_primary_contrast_carries(page):
    of_all = page.stem == "index" or page == LEARNED
    named = re.findall(r"\((?:studies/)?(\w+)\.md", page.read_text("utf-8")) if of_all else [page.stem]
    carried = set().union(*(words_of(STUDIES / name) for name in named))
    assert {word.lower() for word in WORD.findall(page.read_text("utf-8"))} <= carried


def test_a_verdict_word_is_found_where_it_is_emphasised():
    assert WORD.findall("**Better** than that, and *worse*; a better one") == ["Better", "worse"]
