"""The site: its navigation has every page, its reference is rendered, its links are links."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.docs.hooks import hook
from tests.docs.markdown import DOCS, PAGES, ROOT, page_id, prose

yaml: Any = pytest.importorskip("yaml")
CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
FOLDERS = {"Strategies": "strategies/", "Studies": "studies/"}


def expanded() -> list[Any]:
    config = SimpleNamespace(nav=CONFIG["nav"], docs_dir=str(DOCS))
    return list(hook("navigation").on_config(config).nav)


def entries(nav: Any, title: str = "") -> Iterator[tuple[str, str]]:
    """Title and path of every page in a navigation; the title is empty where it is the page's own."""
    if isinstance(nav, str):
        yield title, nav
        return
    for part in nav:
        if isinstance(part, str):
            yield "", part
        else:
            ((name, below),) = part.items()
            yield from entries(below, name)


def test_every_page_is_in_the_navigation_once():
    pages = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if path.name != "verdicts.md")
    assert sorted(path for _, path in entries(expanded())) == pages


def test_strategies_and_studies_are_whole_folders_and_other_pages_have_titles_in_words():
    assert {title: what for part in CONFIG["nav"] for title, what in part.items() if title in FOLDERS} == FOLDERS
    titles = [title for title, path in entries(expanded()) if not path.startswith(tuple(FOLDERS.values()))]
    assert [title for title in titles if not title or "_" in title] == []


def test_a_new_page_of_a_strategy_needs_no_line_in_the_navigation(tmp_path):
    (tmp_path / "strategies").mkdir()
    for name in ("top_k", "index", "a_new_one"):
        (tmp_path / "strategies" / f"{name}.md").touch()
    found = hook("navigation").pages_of(tmp_path, "strategies/")
    assert found == ["strategies/index.md", "strategies/a_new_one.md", "strategies/top_k.md"]


@pytest.mark.parametrize(
    ("text", "fenced"),
    [
        ("One.", "One."),
        (">>> 1\n1", "```pycon\n>>> 1\n1\n```"),
        ("So:\n>>> 1\n1\n\n>>> 2\n2", "So:\n\n```pycon\n>>> 1\n1\n```\n\n```pycon\n>>> 2\n2\n```"),
        ("Args:\n    x: it.\n\n    >>> 1\n    1", "Args:\n    x: it.\n\n    ```pycon\n    >>> 1\n    1\n    ```"),
    ],
)
def test_a_doctest_is_fenced_up_to_the_next_empty_line(text, fenced):
    assert hook("docstrings").with_fences(text) == fenced


class Text(HTMLParser):
    """The text of a page, without what stands in code, and the number of code blocks with a prompt."""

    def __init__(self) -> None:
        super().__init__()
        self.prose: list[str] = []
        self.prompts = 0
        self._inside = {"pre": 0, "code": 0, "script": 0, "style": 0}

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in self._inside:
            self._inside[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside[tag] -= 1

    def handle_data(self, data: str) -> None:
        self.prompts += bool(self._inside["pre"]) and ">>> " in data
        if not any(self._inside.values()):
            self.prose.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    # Whatever is not found, a link, an anchor or a picture, is a warning, and strict builds have none.
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_docstrings_are_rendered(site):
    prompts = 0
    for page in sorted((site / "reference").rglob("index.html")):
        text = Text()
        text.feed(page.read_text("utf-8"))
        shown = "".join(text.prose)
        assert re.findall(r":(?:attr|class|data|exc|func|meth|mod):", shown) == [], page
        assert ">>>" not in shown, page
        assert "<blockquote>" not in page.read_text("utf-8"), page
        prompts += text.prompts
    assert prompts > 100


@pytest.mark.slow
def test_a_role_is_a_link_to_what_it_names(site):
    page = (site / "reference" / "core" / "index.html").read_text("utf-8")
    assert re.search(
        r'<a class="autorefs[^>]+href="#core.network.blocks.Gater.of_input"><code>of_input</code></a>', page
    )


@pytest.mark.slow
def test_every_picture_of_a_page_is_there(site):
    for page in site.rglob("index.html"):
        for picture in re.findall(r'<img [^>]*src="([^":]+)"', page.read_text("utf-8")):
            assert (page.parent / picture).resolve().is_file(), f"{page}: {picture}"


@pytest.mark.slow
def test_the_gallery_has_the_figures_of_every_study(site):
    page = (site / "guides" / "figures" / "index.html").read_text("utf-8")
    own = [entry for study in (DOCS / "studies").glob("*.md") for entry in hook("gallery").entries(study)]
    assert own
    assert [entry for entry in own if f'id="{entry.study}-{entry.name}"' not in page] == []
    assert hook("gallery").MARK not in page


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_link_to_elsewhere_is_an_address(page):
    links = re.findall(r"\]\((\w+:[^)\s]*)\)|<(https?:[^>]*)>", prose(page))
    for link in (found or bare for found, bare in links):
        parts = urlsplit(link)
        assert parts.scheme in ("https", "http"), link
        assert re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.hostname or ""), link
        assert not re.search(r"[\s.,;]$", link), link
