"""What data of a user's own must hold to be learned from, and what is wrong where it does not."""

import hashlib
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import Dataset
from core.data.metric import Metric
from core.errors import InputError

# A fifth of them is for development, a fifth for tests and a tenth for validation, each with every class.
LEAST_OF_A_CLASS = 10
NAMES = ("x", "y", "test_examples", "metric")
OPTIONAL = {"test_examples": 0, "metric": "error"}
HASH_LETTERS = 12


def dataset_of(held: Any, stem: str, where: str) -> Dataset:
    """Return the dataset that something holds, named ``STEM@HASH`` after its content, or ``STEM@HASH-bits``.

    Args:
        held: a :class:`Dataset`, a mapping with ``x``, ``y`` and perhaps ``test_examples`` and ``metric``, or these in
            a tuple.
        stem: what it is called.
        where: where it comes from, for messages.

    Raises:
        InputError: it holds something else, or nothing that can be learned from.
    """
    parts = _parts(held, where)
    y = _labels(parts["y"], where)
    x = _features(parts["x"], len(y), where)
    tested = _test_examples(parts["test_examples"], len(y), where)
    metric = _metric(parts["metric"], where)
    alphabet = parts.get("alphabet", "")
    if not alphabet:
        _check_classes(y, len(y) - tested, where)
    mark = "" if metric == "error" else f"-{metric}"
    name = f"{stem}@{_hash(x, y, tested, alphabet)}{mark}"
    return Dataset(name, x, y, tested, metric, alphabet, parts.get("letters", np.empty(0, np.uint8)))


def _parts(held: Any, where: str) -> dict[str, Any]:
    if isinstance(held, Dataset):
        return {name: getattr(held, name) for name in (*NAMES, "alphabet", "letters")}
    if isinstance(held, Mapping):
        if missing := [name for name in NAMES[:2] if name not in held]:
            raise InputError(f"{where}: has no {' and no '.join(missing)}; it holds {', '.join(held) or 'nothing'}")
        if strange := [str(name) for name in held if name not in NAMES]:
            raise InputError(f"{where}: holds {', '.join(strange)} besides, expected {', '.join(NAMES)} alone")
        return {**OPTIONAL, **held}
    if isinstance(held, tuple) and 2 <= len(held) <= len(NAMES):
        return {**OPTIONAL, **dict(zip(NAMES, held, strict=False))}
    raise InputError(f"{where}: is of type {type(held).__name__}, expected x and y, as a tuple or by these names")


def _labels(given: Any, where: str) -> NDArray[np.int64]:
    y = np.asarray(given)
    if y.ndim != 1:
        raise InputError(f"{where}: y has shape {list(y.shape)}, expected [N]")
    if not np.issubdtype(y.dtype, np.integer):
        raise InputError(f"{where}: y holds {y.dtype}, expected whole numbers, a class from 0 for each example")
    if not len(y):
        raise InputError(f"{where}: holds no examples")
    return y.astype(np.int64)


def _features(given: Any, examples: int, where: str) -> NDArray[np.float32] | NDArray[np.uint8]:
    x = np.asarray(given)
    if x.ndim < 2 or x.shape[0] != examples or not x.size:
        raise InputError(f"{where}: x has shape {list(x.shape)}, expected [{examples}, features] for as many labels")
    if not (np.issubdtype(x.dtype, np.number) or x.dtype == bool) or np.issubdtype(x.dtype, np.complexfloating):
        raise InputError(f"{where}: x holds {x.dtype}, expected uint8 or real numbers")
    x = np.ascontiguousarray(x.reshape(examples, -1))
    if x.dtype == np.uint8:
        features: NDArray[np.float32] | NDArray[np.uint8] = x
    else:
        with np.errstate(over="ignore"):
            features = x.astype(np.float32)
        if not np.isfinite(features).all():
            row, column = np.argwhere(~np.isfinite(features))[0].tolist()
            said = f"{x[row, column]} at example {row}, feature {column}"
            raise InputError(f"{where}: x holds {said}, expected finite numbers of float32")
    if features.min() == features.max():
        raise InputError(f"{where}: x holds nothing but {features.flat[0]}, from which nothing can be learned")
    return features


def _test_examples(given: Any, examples: int, where: str) -> int:
    number = np.asarray(given)
    if number.ndim or not np.issubdtype(number.dtype, np.integer) or not 0 <= number < examples:
        shown = number.tolist() if not number.ndim else f"of shape {list(number.shape)}"
        raise InputError(
            f"{where}: test_examples is {shown}, expected how many of the last of {examples} examples are test examples"
        )
    return int(number)


def _metric(given: Any, where: str) -> Metric:
    named = np.asarray(given)
    if named.ndim or str(named) not in get_args(Metric):
        shown = str(named) if not named.ndim else f"of shape {list(named.shape)}"
        raise InputError(f"{where}: metric is {shown}, expected {' or '.join(get_args(Metric))}")
    metric: Metric = "bits" if str(named) == "bits" else "error"
    return metric


def _check_classes(y: NDArray[np.int64], trained: int, where: str) -> None:
    if y.min() < 0:
        raise InputError(f"{where}: y holds class {y.min()}, expected classes from 0")
    counts = np.bincount(y[:trained])
    if y.max() >= len(counts):
        raise InputError(f"{where}: y has class {y.max()} in test examples alone")
    few = int(counts.argmin())
    if counts[few] < LEAST_OF_A_CLASS:
        raise InputError(
            f"{where}: y has {counts[few]} examples of class {few} to train on, at least {LEAST_OF_A_CLASS} of each "
            f"class from 0 to {y.max()} are needed"
        )
    if len(counts) < 2:
        raise InputError(f"{where}: y holds one class, expected at least two")


def _hash(x: NDArray[Any], y: NDArray[np.int64], tested: int, alphabet: str) -> str:
    found = hashlib.sha256(f"{x.dtype} {x.shape} {tested}{alphabet and ' '}{alphabet}".encode())
    found.update(x.data)
    found.update(np.ascontiguousarray(y).data)
    return found.hexdigest()[:HASH_LETTERS]
