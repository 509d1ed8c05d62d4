"""Each row of docs/concepts/pytorch.md is a scenario, whose outcome is what the page says."""

import functools
import re

import pytest
import torch
from torch import Tensor

from kernels import BackendError, block_linear, cpu, reference
from tests.docs.markdown import DOCS
from tests.kernels.pytorch import derivatives, processes, programs, tensors
from tests.kernels.pytorch.scenario import SCENARIOS, operands

# What PyTorch warns of is not what is tested.
pytestmark = pytest.mark.filterwarnings("ignore")
# In the order of the page.
MODULES = (derivatives, tensors, programs, processes)
TOLERANCE = {torch.bfloat16: 3e-2, torch.float16: 4e-3, torch.float32: 1e-4, torch.float64: 1e-9}
ours = functools.partial(block_linear, activation="tanh")


def right(*arguments: Tensor) -> Tensor:
    """The reference in float64."""
    wide = [tensor.double() if tensor.is_floating_point() else tensor for tensor in arguments]
    return block_linear(*wide, activation="tanh", backend="reference")


def rows() -> dict[str, tuple[str, str]]:
    """What the page says: name -> how it ends, and who computes it or with which words it is refused."""
    text = (DOCS / "concepts" / "pytorch.md").read_text("utf-8")
    found = re.findall(r"^\| (.+?) \| (right|refused) \| (.+?) \|$", text, re.MULTILINE)
    assert len(found) == len({name for name, *_ in found})
    return {name: (outcome, by) for name, outcome, by in found}


ROWS = rows()


def those(outcome: str, *by: str) -> list[object]:
    """The names of rows, marked as slow where something is compiled or started for them."""
    quick = {name for name, made in SCENARIOS.items() if made.__module__ in (derivatives.__name__, tensors.__name__)}
    chosen = [name for name, (ending, who) in ROWS.items() if ending == outcome and (not by or who in by)]
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in chosen]


def watched(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """A set to which whoever computes from now on is added."""
    found: set[str] = set()

    def watch(owner: object, function: str, name: str) -> None:
        computes = getattr(owner, function)

        @functools.wraps(computes)
        def noted(*arguments: object, **options: object) -> object:
            found.add(name)
            return computes(*arguments, **options)

        monkeypatch.setattr(owner, function, noted)

    watch(cpu, "forward", "the kernels")
    watch(reference, "block_linear", "the reference")
    return found


def test_the_page_has_every_scenario_and_no_other():
    pages = [name for module in MODULES for name, made in SCENARIOS.items() if made.__module__ == module.__name__]
    assert list(ROWS) == pages
    assert len(pages) == len(SCENARIOS)


@pytest.mark.parametrize("count", [2, 20])
@pytest.mark.parametrize("name", those("right"))
def test_it_is_right_and_by_whom(name, count, monkeypatch):
    expected = SCENARIOS[name](right, operands(count))
    used = watched(monkeypatch)
    found = SCENARIOS[name](ours, operands(count))
    by = ROWS[name][1]
    # Processes of their own leave no trace here.
    if name not in ("workers of a `DataLoader`", "copies of `kernels.cpu.BoundLinear`"):
        assert used == {"both": {"the kernels", "the reference"}, "only shapes": set()}.get(by, {by})
    assert len(found) == len(expected) > 0
    assert any(tensor.abs().max() > 0 for tensor in found if tensor.numel())
    for one, other in zip(found, expected, strict=True):
        tolerance = TOLERANCE[one.dtype] * (1 + (other.abs().max().item() if other.numel() else 0))
        torch.testing.assert_close(one.double(), other.double(), rtol=TOLERANCE[one.dtype], atol=tolerance)


@pytest.mark.parametrize("name", those("refused"))
def test_it_is_refused_in_one_line(name):
    with pytest.raises((ValueError, RuntimeError)) as caught:
        SCENARIOS[name](ours, operands(20))
    message = str(caught.value)
    expected = ROWS[name][1].strip("`")
    assert expected in message
    if isinstance(caught.value, ValueError):
        assert "\n" not in message


@pytest.mark.parametrize("name", those("right", "the reference"))
def test_a_pinned_back_end_says_why_it_cannot(name):
    def pinned(*arguments: Tensor) -> Tensor:
        return block_linear(*arguments, activation="tanh", backend="cpu")

    # While code is compiled, PyTorch wraps it into an error of its own.
    with pytest.raises(RuntimeError, match=r"backend 'cpu' is pinned and cannot run this call: [^\n]+") as caught:
        SCENARIOS[name](pinned, operands(20))
    if "torch.compile" not in name:
        assert isinstance(caught.value, BackendError)
        assert "\n" not in str(caught.value)
