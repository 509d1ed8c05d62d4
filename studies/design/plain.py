"""From plain data, as JSON holds it, back to dataclasses."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


def structured(kind: Callable[..., T], content: Mapping[str, Any]) -> T:
    """Return the dataclass that ``dataclasses.asdict`` turned into ``content``, after a way through JSON.

    Raises:
        ValueError: an entry is missing or of another type; the message names each.

    >>> from studies.design.protocol import Search
    >>> structured(Search, {"points": 4, "training": ["learning_rate"]}).training
    ('learning_rate',)
    """
    try:
        made: T = _adapter(kind).validate_python(content)
        return made
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise ValueError(wrong) from None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
