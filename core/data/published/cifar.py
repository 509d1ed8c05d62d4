"""The binary version of CIFAR-10: a tar of six files, whose records are a label and 3 x 32 x 32 pixels."""

import tarfile
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from core.data.published.expanding import gunzipped
from core.errors import InputError

PIXELS = 3 * 32 * 32
CLASSES = 10
_FOLDER = "cifar-10-batches-bin"
TRAIN = tuple(f"{_FOLDER}/data_batch_{number}.bin" for number in range(1, 6))
TEST = f"{_FOLDER}/test_batch.bin"
# The official one has nine.
MOST_MEMBERS = 100


def read_cifar(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64], int]:
    """Read the archive without unpacking it to disk.

    Returns:
        Pixels ``[N, 3072]`` uint8, first all red, then all green, then all blue ones, each row by row; labels ``[N]``
        int64; and how many of the last examples are the test split.

    Raises:
        InputError: the archive is damaged, lacks a file, holds too much, or a link or a path that leads out of its
            folder.
    """
    content = gunzipped(path, "tar.gz archive")
    whole = content.getbuffer()
    found: dict[str, NDArray[np.uint8]] = {}
    try:
        with tarfile.open(fileobj=content, mode="r:") as archive:
            for number, member in enumerate(archive):
                if number == MOST_MEMBERS:
                    raise InputError(f"{path}: has more than {MOST_MEMBERS} members; fetch the publisher's own file")
                _check(path, member)
                if member.name in {*TRAIN, TEST}:
                    part = whole[member.offset_data : member.offset_data + member.size]
                    if len(part) < member.size:
                        raise tarfile.ReadError("it ends within a member")
                    found[member.name] = _records(path, member.name, part)
    except InputError:
        raise
    except (tarfile.TarError, ValueError, OverflowError) as error:
        # Of a damaged header it lets out what it stumbles over.
        raise InputError(f"{path}: not a whole tar.gz archive ({error}); fetch it again") from None
    missing = [name for name in (*TRAIN, TEST) if name not in found]
    if missing:
        raise InputError(f"{path}: lacks {', '.join(missing)}; fetch the binary version again")
    batches = [found[name] for name in (*TRAIN, TEST)]
    x = np.concatenate([batch[:, 1:] for batch in batches])
    y = np.concatenate([batch[:, 0] for batch in batches]).astype(np.int64)
    return x, y, len(found[TEST])


def _check(path: Path, member: tarfile.TarInfo) -> None:
    # Nothing is unpacked, so none of this could do harm; but an archive that tries is not the publisher's.
    name = PurePosixPath(member.name.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or (name.parts[:1] and name.parts[0].endswith(":")):
        raise InputError(f"{path}: its member {member.name!r} leads out of the archive; fetch the publisher's own file")
    if not (member.isfile() or member.isdir()):
        raise InputError(f"{path}: its member {member.name!r} is a link or a device; fetch the publisher's own file")
    # What a sparse member holds is not what it says it holds, and reading on from a negative size would never end.
    if member.issparse() or member.size < 0:
        raise InputError(f"{path}: its member {member.name!r} is no plain file; fetch the publisher's own file")


def _records(path: Path, name: str, content: memoryview) -> NDArray[np.uint8]:
    if not len(content) or len(content) % (1 + PIXELS):
        raise InputError(f"{path}: {name} has {len(content)} bytes, no multiple of {1 + PIXELS}; fetch it again")
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + PIXELS)
    if records[:, 0].max() >= CLASSES:
        raise InputError(f"{path}: {name} has the label {records[:, 0].max()}, not one of 0..9; fetch it again")
    return records
