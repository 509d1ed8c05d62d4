"""Sources of a strategy from outside: which modules beside a file it imports, and a hash over texts."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_OURS = frozenset({"kernels", "core", "strategies", "studies"})


def hash_of(texts: Iterable[str]) -> str:
    """Return 16 hexadecimal digits over texts, in their order."""
    digest = hashlib.sha256()
    for text in texts:
        content = text.encode()
        digest.update(f"{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def sources_beside(folder: Path, text: str) -> dict[str, str]:
    """Return the sources of the modules in a folder that a source imports, directly or through another of them."""
    found: dict[str, str] = {}
    waiting = [text]
    while waiting:
        for name in _imported(waiting.pop()) - _OURS:
            for module, file in _files(folder, name):
                if module not in found:
                    found[module] = file.read_text(encoding="utf-8")
                    waiting.append(found[module])
    return found


def _files(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """Give the name and the file of a module in a folder, or of every module of a package in it."""
    if (folder / name / "__init__.py").is_file():
        for file in sorted((folder / name).rglob("*.py")):
            yield ".".join(file.relative_to(folder).with_suffix("").parts), file
    elif (folder / f"{name}.py").is_file():
        yield name, folder / f"{name}.py"


def _imported(text: str) -> set[str]:
    """Return the first parts of the names of all modules that a source imports; none if it is not Python."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    plain |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.partition(".")[0] for name in plain}
