"""From which code, versions and machines the runs of a study are, in sentences."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

_WORDS = {"code": "code", "versions": "set of versions", "host": "machine"}


def origins(records: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return for ``code``, ``versions`` and ``host`` every value among the records, and how many runs have it.

    Of the code only what all runs share counts: strategies have sources of their own, whose mixture is told of each by
    :func:`mixed_strategies`.
    """
    found = {}
    for key in _WORDS:
        values = Counter(json.dumps(_shared(record, key), sort_keys=True) for record in records)
        found[key] = [{"value": json.loads(text), "runs": count} for text, count in values.most_common()]
    return found


def mixed_strategies(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the strategies whose runs are from more than one source of theirs."""
    sources: dict[str, set[str | None]] = {}
    for record in records:
        code = record.get("code") or {}
        sources.setdefault(record["config"]["strategy"], set()).add(code.get("strategy"))
    return [strategy for strategy, found in sources.items() if len(found) > 1]


def sentences(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say whether all runs are from one code, one set of versions and one machine, and if not, how many from which.

    >>> run = {"config": {"strategy": "dense"}, "code": {"suite": "ab", "strategy": "c"}, "versions": {}, "host": None}
    >>> sentences([run, run])[0]
    'All 2 runs are from one code.'
    >>> sentences([run, {**run, "code": {"suite": "xy", "strategy": "c"}}])[0]
    'Runs are from more than one code: 1 of ab, 1 of xy.'
    """
    said = []
    for key, values in origins(records).items():
        if len(values) == 1 and values[0]["value"] is not None:
            said.append(f"All {len(records)} runs are from one {_WORDS[key]}.")
        elif len(values) == 1:
            said.append(f"None of the {len(records)} runs says from which {_WORDS[key]} it is.")
        else:
            parts = ", ".join(f"{entry['runs']} of {_named(key, entry['value'])}" for entry in values)
            said.append(f"Runs are from more than one {_WORDS[key]}: {parts}.")
    mixed = mixed_strategies(records)
    if mixed:
        said.append(f"Runs of {', '.join(mixed)} are from more than one source of that strategy.")
    return said


def is_mixed(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether runs are from more than one code."""
    return len(origins(records)["code"]) > 1 or bool(mixed_strategies(records))


def _shared(record: Mapping[str, Any], key: str) -> Any:
    value = record.get(key)
    return value["suite"] if key == "code" and value is not None else value


def _named(key: str, value: Any) -> str:
    if value is None:
        return "unrecorded"
    if key == "code":
        return str(value)
    if key == "host":
        return str(value["name"])
    return ", ".join(f"{package} {version}" for package, version in value.items() if package in ("python", "torch"))
