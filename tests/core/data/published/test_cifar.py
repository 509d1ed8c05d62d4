import gzip
import tarfile

import numpy as np
import pytest

from core.data.published.cifar import read_cifar
from core.errors import InputError
from tests.support.publisher import CIFAR_BATCHES, cifar_members, tar

Y = np.arange(12) % 10
X = np.random.default_rng(0).integers(0, 256, (12, 3, 32, 32), np.uint8)


def members() -> list[tuple[tarfile.TarInfo, bytes]]:
    return cifar_members(X, Y)


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made, b""


def changed(name: str, content: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    return [(entry, content if entry.name.endswith(name) else old) for entry, old in members()]


def test_records_come_in_the_order_of_the_batches_with_the_test_batch_last(tmp_path):
    path = tmp_path / "cifar.tar.gz"
    path.write_bytes(tar(members()))
    x, y, test_examples = read_cifar(path)
    assert (x.dtype.name, y.dtype.name, test_examples) == ("uint8", "int64", 2)
    assert np.array_equal(x, X.reshape(12, 3072))
    assert np.array_equal(y, Y)


def test_nothing_is_unpacked(tmp_path):
    path = tmp_path / "cifar.tar.gz"
    path.write_bytes(tar(members()))
    read_cifar(path)
    assert list(tmp_path.iterdir()) == [path]


RECORD = bytes(3073)
WHOLE = tar(members())
FOLDER, LAST = "cifar-10-batches-bin", "test_batch.bin"


def headed_by(size: bytes, name: str = "in", kind: bytes = tarfile.REGTYPE, extra: bytes = b"") -> bytes:
    """An archive of one header, in which the size of the member and what follows its prefix is as given."""
    made = tarfile.TarInfo(name)
    made.type = kind
    head = bytearray(made.tobuf(tarfile.GNU_FORMAT))
    head[124:136] = size
    head[345 : 345 + len(extra)] = extra
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head[:512]):06o}\0 ".encode()
    return bytes(head) + bytes(2048)


def sparse(size: int) -> bytes:
    """An archive of one member of so many bytes, all of them holes."""
    real = b"\x80" + size.to_bytes(11, "big")
    return headed_by(b"00000000000\0", f"{FOLDER}/{LAST}", tarfile.GNUTYPE_SPARSE, bytes(41 + 96) + b"\0" + real)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[: len(WHOLE) // 2], "not a whole tar.gz archive"),
        (WHOLE[:20_000] + bytes([1 ^ WHOLE[20_000]]) + WHOLE[20_001:], "not a whole tar.gz archive"),
        (b"<html>not found</html>", "not a whole tar.gz archive"),
        (b"", "not a whole tar.gz archive"),
        (gzip.compress(b"no archive at all" * 100), "not a whole tar.gz archive"),
        (gzip.compress(gzip.decompress(WHOLE)[:20_000]), "not a whole tar.gz archive"),
        (tar([]), f"lacks {FOLDER}/{CIFAR_BATCHES[0]}, "),
        (tar(entry for entry in members() if LAST not in entry[0].name), f"lacks {FOLDER}/{LAST};"),
        (tar(changed(LAST, RECORD[:-1])), f"{LAST} has 3072 bytes"),
        (tar(changed(LAST, b"")), f"{LAST} has 0 bytes"),
        (tar(changed(LAST, b"\x0a" + RECORD[1:])), f"{LAST} has the label 10"),
        (tar([*members(), member("/etc/passwd")]), "its member '/etc/passwd' leads out of the archive"),
        (tar([*members(), member("../outside.bin")]), "its member '../outside.bin' leads out"),
        (tar([*members(), member("a/../../outside.bin")]), "its member 'a/../../outside.bin' leads out"),
        (tar([*members(), member("..\\outside.bin")]), "leads out of the archive"),
        (tar([*members(), member("C:\\outside.bin")]), "leads out of the archive"),
        (tar([member("in", tarfile.SYMTYPE, "/etc"), *members()]), "its member 'in' is a link or a device"),
        (tar([member("in", tarfile.LNKTYPE, "x"), *members()]), "its member 'in' is a link or a device"),
        (tar([member("in", tarfile.FIFOTYPE), *members()]), "its member 'in' is a link or a device"),
        (gzip.compress(sparse(1 << 60)), f"its member '{FOLDER}/{LAST}' is no plain file"),
        (gzip.compress(headed_by(b"\xff" * 12)), "its member 'in' is no plain file"),
        (gzip.compress(headed_by(b"\x80" + b"\x7f" * 11)), "not a whole tar.gz archive"),
        (gzip.compress(headed_by(b"77777777777\0")), "not a whole tar.gz archive"),
        (tar([*members(), *[member(f"surplus_{number}") for number in range(200)]]), "has more than 100 members"),
    ],
    ids=lambda value: "bytes" if isinstance(value, bytes) else value,
)
def test_a_damaged_or_escaping_archive_is_named_in_one_line(tmp_path, content, message):
    path = tmp_path / "cifar.tar.gz"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_cifar(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


def test_no_more_comes_out_of_an_archive_than_any_published_one_holds(tmp_path, monkeypatch):
    path = tmp_path / "cifar.tar.gz"
    path.write_bytes(tar(members()))
    monkeypatch.setattr("core.data.published.expanding.MOST_BYTES", 20_000)
    with pytest.raises(InputError, match=r"cifar.tar.gz: more than 0 MB come out of it"):
        read_cifar(path)
