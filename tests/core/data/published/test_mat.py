import numpy as np
import pytest

from core.data.published.mat import read_mat
from core.errors import InputError
from tests.support.publisher import mat

LABELS = np.array([[1], [10], [9], [2]], dtype=np.uint8)
IMAGES = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 4), np.uint8)
WHOLE = mat({"X": IMAGES, "y": LABELS})


def test_pixels_are_ordered_as_in_cifar_and_ten_is_zero(tmp_path):
    path = tmp_path / "train_32x32.mat"
    path.write_bytes(WHOLE)
    x, y = read_mat(path)
    assert (x.shape, x.dtype.name, y.dtype.name) == ((4, 3072), "uint8", "int64")
    assert y.tolist() == [1, 0, 9, 2]
    for example, channel, row, column in ((0, 0, 0, 1), (1, 1, 5, 0), (3, 2, 31, 31)):
        assert x[example, 1024 * channel + 32 * row + column] == IMAGES[row, column, channel, example]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[:200], "not a readable MATLAB file"),
        (WHOLE[: len(WHOLE) // 2], "not a readable MATLAB file"),
        (WHOLE[:300] + bytes(100) + WHOLE[400:], "not a readable MATLAB file"),
        (b"<html>not found</html>", "not a readable MATLAB file"),
        (b"", "not a readable MATLAB file"),
        (mat({"y": LABELS}), "lacks X"),
        (mat({"X": IMAGES}), "lacks y"),
        (mat({"X": IMAGES.astype(float), "y": LABELS}), "X is float64 [32, 32, 3, 4], not uint8"),
        (mat({"X": IMAGES[..., 0], "y": LABELS}), "X is uint8 [32, 32, 3], not uint8 [32, 32, 3, N]"),
        (mat({"X": IMAGES.transpose(3, 0, 1, 2), "y": LABELS}), "X is uint8 [4, 32, 32, 3]"),
        (mat({"X": IMAGES, "y": LABELS[:3]}), "y is uint8 [3, 1], not [4, 1] labels"),
        (mat({"X": IMAGES, "y": "abcd"}), "y is a char array; SVHN's cropped digits have X"),
        (mat({"X": np.array([IMAGES, 1], object), "y": LABELS}), "X is a cell array"),
        (mat({"X": IMAGES, "y": LABELS - 1}), "y has labels other than 1..10"),
        (mat({"X": IMAGES, "y": LABELS + 0.5}), "y has labels other than 1..10"),
    ],
    ids=lambda value: "bytes" if isinstance(value, bytes) else value,
)
def test_a_damaged_or_other_file_is_named_in_one_line(tmp_path, content, message):
    path = tmp_path / "train_32x32.mat"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_mat(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_more_comes_out_of_a_file_than_any_published_one_holds(tmp_path, monkeypatch):
    path = tmp_path / "train_32x32.mat"
    path.write_bytes(mat({"surplus": np.zeros(1_000_000, np.uint8), "X": IMAGES, "y": LABELS}))
    assert len(read_mat(path)[0]) == 4
    for module in ("expanding", "mat"):
        monkeypatch.setattr(f"core.data.published.{module}.MOST_BYTES", 1 << 19)
    with pytest.raises(InputError, match=r"train_32x32.mat: more than 0 MB come out of it"):
        read_mat(path)


def test_a_part_that_says_it_is_longer_than_the_file_takes_no_memory(tmp_path):
    path = tmp_path / "train_32x32.mat"
    content = bytearray(WHOLE)
    content[132:136] = b"\xff" * 4
    path.write_bytes(content)
    with pytest.raises(InputError, match="a part is longer than the file"):
        read_mat(path)
