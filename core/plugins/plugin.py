"""A strategy file from outside this package, as text that can be sent to other machines."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from core.errors import InputError
from core.plugins.sources import hash_of, sources_beside


@dataclass(frozen=True)
class Plugin:
    """A strategy file from outside this package, as text, so that it can be sent to other machines.

    It is code that you trust: it is run with your rights, on this machine and on every worker.

    Attributes:
        name: the file's stem, which names the strategy.
        path: where it was read, for messages.
        text: its source.
        beside: name and source of every module beside the file that it imports, directly or through another of these;
            of a package all modules, its own source as that of ``PACKAGE.__init__``.
    """

    name: str
    path: str
    text: str
    beside: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, path: Path, taken: Collection[str] = ()) -> Self:
        """Read a plugin file, whose stem must be none of the names that are ``taken``.

        Raises:
            InputError: it is not a readable Python file, or its stem is not free to name a strategy.
        """
        if path.suffix != ".py" or not path.stem.isidentifier():
            raise InputError(
                f"plugin {path}: expected a Python file whose stem can name a strategy, such as my_gater.py"
            )
        if path.stem in taken:
            raise InputError(f"plugin {path}: the name {path.stem!r} belongs to another strategy; rename the file")
        try:
            if path.exists() and not path.is_file():
                raise InputError(f"plugin {path}: is no file")
            text = path.read_text(encoding="utf-8")
            return cls(path.stem, str(path), text, tuple(sorted(sources_beside(path.parent, text).items())))
        except InputError:
            raise
        except (OSError, ValueError) as error:
            raise InputError(f"plugin {path}: cannot be read: {error}") from None

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what ``dataclasses.asdict`` wrote, after a way through JSON."""
        return cls(**{**content, "beside": tuple((name, text) for name, text in content["beside"])})

    @property
    def source_hash(self) -> str:
        """A hash of its source and of the modules beside it."""
        return hash_of([self.text, *(part for module in self.beside for part in module)])
