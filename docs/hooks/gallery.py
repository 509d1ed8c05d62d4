"""The gallery of figures: those of each study's own are read off the table at the end of the study's page."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = "guides/figures.md"
MARK = "<!-- figures of studies -->"
_HEADING = "## Figures of its own\n"
_ROW = re.compile(r"^\| \[(.+?)\]\((.+?)\) `(\w+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """A figure of a study's own; ``picture`` is a path from the folder of the studies' pages."""

    study: str
    name: str
    title: str
    picture: str
    shows: str
    cannot: str

    @property
    def command(self) -> str:
        """What draws it for a paper."""
        return f"python -m studies figures {self.study} --only {self.name} --venue icml --format pdf"

    @property
    def markdown(self) -> str:
        """Its part of the gallery."""
        return (
            f"### {self.title} {{ #{self.study}-{self.name} }}\n\n"
            f"![{self.title}](../studies/{self.picture}){{ loading=lazy }}\n\n"
            f"{self.shows} *What it cannot show*: {self.cannot}\n\n"
            f"```sh\n{self.command}\n```\n"
        )


def entries(page: Path) -> list[Entry]:
    """Return the figures of a study's own, from its page."""
    _, _, table = page.read_text(encoding="utf-8").partition(_HEADING)
    return [
        Entry(page.stem, name, title, picture, shows, cannot)
        for title, picture, name, shows, cannot in _ROW.findall(table)
    ]


def on_page_markdown(markdown: str, *, page: Any, config: Any, **others: Any) -> str:
    """Put them into the gallery, study by study."""
    if page.file.src_uri != PAGE:
        return markdown
    parts = []
    for study in sorted((Path(config.docs_dir) / "studies").glob("*.md")):
        own = entries(study)
        if own:
            parts.append(f"## [{study.stem}](../studies/{study.name})\n")
            parts += [entry.markdown for entry in own]
    return markdown.replace(MARK, "\n".join(parts))
