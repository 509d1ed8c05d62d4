"""Docstrings as the site shows them: examples as code, and names in roles as links.

In the source an example is a bare doctest, and another name a role such as ``:func:`block_linear```. Markdown knows
neither: it takes ``>>>`` for three quotations, and prints the role.
"""

import re
from itertools import groupby
from typing import Any

import griffe

_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`(~?)([\w.]+)`")


class Docstrings(griffe.Extension):
    """Rewrites every docstring before it is rendered."""

    def on_object(self, *, obj: griffe.Object, loader: griffe.GriffeLoader, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = with_links(with_fences(obj.docstring.value), obj)


def with_fences(text: str) -> str:
    """Return a docstring with each doctest, from its first ``>>>`` to the next empty line, in a fence."""
    paragraphs = []
    for is_empty, group in groupby(text.split("\n"), key=lambda line: not line.strip()):
        lines = list(group)
        first = next((number for number, line in enumerate(lines) if line.lstrip().startswith(">>> ")), None)
        if not is_empty and first is not None:
            indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
            above = [*lines[:first], ""] if first else []
            lines = [*above, f"{indent}```pycon", *lines[first:], f"{indent}```"]
        paragraphs += lines
    return "\n".join(paragraphs)


def with_links(text: str, obj: griffe.Object) -> str:
    """Return a docstring whose roles are code, and links where the site has what they name."""

    def link(found: re.Match[str]) -> str:
        short, name = found.groups()
        shown = name.rpartition(".")[2] if short else name
        return f'<autoref optional identifier="{path_of(name, obj)}"><code>{shown}</code></autoref>'

    return _ROLE.sub(link, text)


def path_of(name: str, obj: griffe.Object) -> str:
    """Return the dotted path of what a docstring of ``obj`` calls ``name``; the name itself if it is none of ours."""
    first, dot, rest = name.partition(".")
    for scope in (obj, obj.parent):
        if scope is not None and scope.is_class and first in scope.all_members:
            return f"{scope.all_members[first].canonical_path}{dot}{rest}"
    try:
        return f"{obj.resolve(first)}{dot}{rest}"
    except griffe.NameResolutionError:
        return name
