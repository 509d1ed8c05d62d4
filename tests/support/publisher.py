"""Stands in for the publishers of datasets: a server of this machine, with small files in the official formats."""

import gzip
import hashlib
import io
import struct
import tarfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

from core.data import RemoteFile, Source

Bytes = NDArray[np.uint8]
CIFAR_BATCHES = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]


def idx(array: Bytes) -> bytes:
    return gzip.compress(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


def tar(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def cifar_members(x: Bytes, y: NDArray[np.int64]) -> list[tuple[tarfile.TarInfo, bytes]]:
    """The official archive: a folder, six batches of equal size, and two files that nobody needs."""
    records = np.concatenate([y[:, None].astype(np.uint8), x.reshape(len(x), -1)], axis=1)
    batches = zip(CIFAR_BATCHES, np.split(records, 6), strict=True)
    contents = {name: batch.tobytes() for name, batch in batches} | {"batches.meta.txt": b"airplane\n"}
    folder = tarfile.TarInfo("cifar-10-batches-bin/")
    folder.type = tarfile.DIRTYPE
    files = [(tarfile.TarInfo(f"cifar-10-batches-bin/{name}"), content) for name, content in contents.items()]
    # Not in the order of their numbers, as in the official one.
    return [(folder, b""), *reversed(files)]


def mat(content: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, dict(content), do_compression=True)  # type: ignore[arg-type]  # its stubs know paths only
    return buffer.getvalue()


@dataclass(frozen=True)
class Published:
    """What a dataset must hold: ``x`` [N, features], ``y`` [N], and how many of the last are test examples."""

    x: Bytes
    y: NDArray[np.int64]
    test_examples: int


@dataclass
class Publisher:
    """Serves files and says what was asked for.

    Attributes:
        address: of the server.
        sources: by name; the suite's own catalogue while a test runs.
        served: the content of each file, by its dataset and name.
        published: what each dataset must hold.
        asked: dataset and name of each file that was asked for, in order.
        faults: what the next answers are instead: a status, or ``"drop"`` for a connection that ends half way.
    """

    address: str
    sources: dict[str, Source]
    served: dict[tuple[str, str], bytes] = field(default_factory=dict)
    published: dict[str, Published] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    faults: list[int | Literal["drop"]] = field(default_factory=list)

    def publish(self, dataset: str, files: Mapping[str, bytes]) -> None:
        """Serve these files under the addresses, sizes and checksums of the catalogue."""
        listed = []
        for name, content in files.items():
            self.served[dataset, name] = content
            md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            listed.append(RemoteFile(name, f"{self.address}/{dataset}/{name}", md5, len(content)))
        kept = [file for file in self.sources[dataset].files if file.name not in files]
        self.sources[dataset] = replace(self.sources[dataset], files=(*listed, *kept))

    def write(self, dataset: str, folder: Path) -> None:
        """Put the files of a dataset into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for file in self.sources[dataset].files:
            (folder / file.name).write_bytes(self.served[dataset, file.name])

    def publish_all(self) -> None:
        random = np.random.default_rng(0)

        def drawn(shape: tuple[int, ...], test_examples: int) -> tuple[Bytes, NDArray[np.int64]]:
            sizes = shape[0] - test_examples, test_examples
            y = np.concatenate([random.permutation(np.arange(size) % 10) for size in sizes])
            return random.integers(0, 256, shape, np.uint8), y

        for name in ("mnist", "fashion_mnist"):
            x, y = drawn((220, 28, 28), 20)
            files = {
                f"{part}-{kind}-ubyte.gz": idx(content[rows].astype(np.uint8))
                for part, rows in (("train", slice(200)), ("t10k", slice(200, 220)))
                for kind, content in (("images-idx3", x), ("labels-idx1", y))
            }
            self.publish(name, files)
            self.published[name] = Published(x.reshape(220, 784), y, 20)
        x, y = drawn((240, 3, 32, 32), 40)
        self.publish("cifar10", {"cifar-10-binary.tar.gz": tar(cifar_members(x, y))})
        self.published["cifar10"] = Published(x.reshape(240, 3072), y, 40)
        x, y = drawn((50, 3, 32, 32), 20)
        images, labels = x.transpose(2, 3, 1, 0), np.where(y == 0, 10, y)[:, None].astype(np.uint8)
        self.publish(
            "svhn",
            {
                "train_32x32.mat": mat({"X": images[..., :30], "y": labels[:30]}),
                "test_32x32.mat": mat({"X": images[..., 30:], "y": labels[30:]}),
            },
        )
        self.published["svhn"] = Published(x.reshape(50, 3072), y, 20)


@contextmanager
def serving(sources: Mapping[str, Source]) -> Iterator[Publisher]:
    """Serve all four datasets until the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _, dataset, name = self.path.split("/")
            publisher.asked.append((dataset, name))
            fault = publisher.faults.pop(0) if publisher.faults else None
            content = publisher.served.get((dataset, name))
            status = fault if isinstance(fault, int) else 404 if content is None else 200
            body = content if status == 200 and content is not None else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if fault == "drop" else body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    publisher = Publisher(f"http://127.0.0.1:{server.server_port}", dict(sources))
    publisher.publish_all()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield publisher
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
