"""Sections of the navigation that are whole folders: a new strategy or study needs no line in mkdocs.yml."""

from pathlib import Path
from typing import Any

# Files of this name are parts of pages.
INCLUDED = "verdicts.md"


def on_config(config: Any) -> Any:
    """Replace every folder in the navigation, such as ``strategies/``, by its pages: the index, then the others."""
    config.nav = [_expanded(entry, Path(config.docs_dir)) for entry in config.nav]
    return config


def _expanded(entry: Any, docs: Path) -> Any:
    if not isinstance(entry, dict):
        return entry
    ((title, what),) = entry.items()
    if isinstance(what, list):
        return {title: [_expanded(part, docs) for part in what]}
    return {title: pages_of(docs, what)} if what.endswith("/") else entry


def pages_of(docs: Path, folder: str) -> list[str]:
    """Return the pages of a folder as paths from ``docs``, the index first and the others by name."""
    found = {path.name for path in (docs / folder).glob("*.md")} - {INCLUDED}
    names = sorted(found, key=lambda name: (name != "index.md", name))
    return [f"{folder}{name}" for name in names]
