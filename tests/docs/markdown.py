"""The documentation as tests read it: its pages, their code, and the names and paths that stand in it."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))

_FENCE = re.compile(r"^( *)```(\w*)([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """A fenced block; ``title`` is the file that it stands for, empty for a snippet."""

    page: str
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.title or self.text.partition(chr(10))[0]}"


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@cache
def blocks(page: Path) -> tuple[Block, ...]:
    found = []
    for indent, language, information, text in _FENCE.findall(page.read_text(encoding="utf-8")):
        title = _TITLE.search(information)
        text = re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)
        found.append(Block(page_id(page), language, title[1] if title else "", text))
    return tuple(found)


@cache
def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


@cache
def code(page: Path) -> tuple[str, ...]:
    """All that is set as code: lines of blocks, and spans of the prose on one line each."""
    lines = [line for block in blocks(page) for line in block.text.splitlines()]
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]
    return (*lines, *spans)


def examples(language: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page) if block.language == language]


def file_of(title: str) -> str:
    """The text of the example file of that name."""
    (text,) = (block.text for page in PAGES for block in blocks(page) if block.title == title)
    return text
