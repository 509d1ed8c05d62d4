import gzip
import struct

import numpy as np
import pytest

from core.data.published.idx import read_idx
from core.errors import InputError
from tests.support.publisher import idx

ARRAY = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
WHOLE = idx(ARRAY)


def test_an_array_comes_back_as_it_was(tmp_path):
    path = tmp_path / "images.gz"
    for array in (ARRAY, ARRAY[:, 0, 0]):
        path.write_bytes(idx(array))
        found = read_idx(path, array.ndim)
        assert found.dtype == np.uint8
        assert np.array_equal(found, array)


def headed(*header: int, content: bytes = ARRAY.tobytes()) -> bytes:
    return gzip.compress(struct.pack(f">{len(header)}I", *header) + content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[:-20], "not a whole gzip file"),
        (WHOLE[:5], "not a whole gzip file"),
        (WHOLE[:-8] + b"\0" + WHOLE[-7:], "not a whole gzip file"),
        (WHOLE[:20] + b"\xff\xff\xff" + WHOLE[23:], "not a whole gzip file"),
        (b"<html>not found</html>", "not a whole gzip file"),
        (b"", "begins with nothing, but IDX with bytes in 3 dimensions begins with 00000803"),
        (headed(0x0D03, 3, 4, 5), "begins with 00000d03"),
        (headed(0x0801, 60), "begins with 00000801"),
        (headed(0x0803, 3, content=b""), "ends within its header"),
        (headed(0x0803, 3, 4, 6), "holds 60 values, but its header says 3 x 4 x 6"),
        (headed(0x0803, 3, 4, 4), "holds 60 values, but its header says 3 x 4 x 4"),
    ],
    ids=lambda value: "bytes" if isinstance(value, bytes) else value,
)
def test_a_damaged_file_is_named_in_one_line(tmp_path, content, message):
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_idx(path, 3)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_more_comes_out_of_a_file_than_any_published_one_holds(tmp_path, monkeypatch):
    path = tmp_path / "images.gz"
    path.write_bytes(headed(0x0803, 400, 50, 50, content=bytes(1_000_000)))
    assert read_idx(path, 3).shape == (400, 50, 50)
    monkeypatch.setattr("core.data.published.expanding.MOST_BYTES", 1 << 19)
    with pytest.raises(InputError, match=r"images.gz: more than 0 MB come out of it"):
        read_idx(path, 3)


def test_a_header_that_promises_more_than_there_is_takes_no_memory(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(headed(0x0803, *[0xFFFFFFFF] * 3))
    with pytest.raises(InputError, match="holds 60 values"):
        read_idx(path, 3)
