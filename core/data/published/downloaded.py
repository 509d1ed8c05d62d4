"""Datasets whose files are downloaded on request, each with its publisher's own test split."""

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import Dataset, Files, RemoteFile, Source
from core.data.published.cifar import read_cifar
from core.data.published.idx import read_idx
from core.data.published.mat import read_mat
from core.errors import InputError


def _mnist(_: int, files: Files) -> Dataset:
    return _of_idx("mnist", files)


def _fashion_mnist(_: int, files: Files) -> Dataset:
    return _of_idx("fashion_mnist", files)


def _of_idx(name: str, files: Files) -> Dataset:
    xs: list[NDArray[np.uint8]] = []
    ys: list[NDArray[np.uint8]] = []
    for part in ("train", "t10k"):
        path = files[f"{part}-labels-idx1-ubyte.gz"]
        x, y = read_idx(files[f"{part}-images-idx3-ubyte.gz"], 3), read_idx(path, 1)
        if len(x) != len(y):
            raise InputError(f"{path}: holds {len(y)} labels for {len(x)} images; fetch the files again")
        xs.append(x.reshape(len(x), -1))
        ys.append(y)
    return Dataset(name, np.concatenate(xs), np.concatenate(ys).astype(np.int64), len(ys[-1]))


def _cifar10(_: int, files: Files) -> Dataset:
    return Dataset("cifar10", *read_cifar(files["cifar-10-binary.tar.gz"]))


def _svhn(_: int, files: Files) -> Dataset:
    (x, y), (test_x, test_y) = (read_mat(files[f"{part}_32x32.mat"]) for part in ("train", "test"))
    return Dataset("svhn", np.concatenate([x, test_x]), np.concatenate([y, test_y]), len(test_y))


def _files(folder: str, *files: tuple[str, str, int]) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(name, folder + name, md5, size) for name, md5, size in files)


# Addresses and checksums are those of torchvision, of the page of CIFAR-10, and of the repository of Fashion-MNIST.
# The host of MNIST's authors no longer serves the files; this is torchvision's copy of them.
DOWNLOADED = (
    Source(
        "mnist",
        "handwritten digits, 28 x 28",
        "LeCun, Cortes and Burges",
        *(70_000, 784, 10),
        made_in=None,
        test_examples=10_000,
        load=_mnist,
        files=_files(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
            ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", 28_881),
            ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", 1_648_877),
            ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", 4_542),
        ),
    ),
    Source(
        "fashion_mnist",
        "pictures of clothes, 28 x 28",
        "Zalando Research",
        *(70_000, 784, 10),
        made_in=None,
        test_examples=10_000,
        load=_fashion_mnist,
        files=_files(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
            ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", 29_515),
            ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", 4_422_102),
            ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", 5_148),
        ),
    ),
    Source(
        "cifar10",
        "colour photographs of ten kinds, 3 x 32 x 32",
        "Krizhevsky",
        *(60_000, 3072, 10),
        made_in=None,
        test_examples=10_000,
        load=_cifar10,
        files=_files(
            "https://www.cs.toronto.edu/~kriz/",
            ("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", 170_052_171),
        ),
    ),
    Source(
        "svhn",
        "house numbers in colour, cropped to a digit, 3 x 32 x 32",
        "Netzer et al.",
        *(99_289, 3072, 10),
        made_in=None,
        test_examples=26_032,
        load=_svhn,
        files=_files(
            "http://ufldl.stanford.edu/housenumbers/",
            ("train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373", 182_040_794),
            ("test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3", 64_275_384),
        ),
    ),
)
