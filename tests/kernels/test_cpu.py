"""The compiled CPU kernels against the reference in float64."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import grad

from kernels import BackendError, block_linear, cpu
from tests.kernels.cases import Case, random_case

ACTIVATIONS = ("identity", "relu", "tanh")
# [n_out, n_in, in_size, out_size]: one block, sizes that fill no register, the widest strip and what is left after it.
SHAPES = ((1, 1, 20, 8), (3, 2, 16, 24), (2, 3, 13, 10), (5, 1, 50, 7), (4, 3, 8, 90), (2, 2, 64, 64))


def narrowed(case: Case) -> Case:
    return case.map(lambda tensor: tensor.detach().to(torch.float32).requires_grad_())


def results(case: Case, upstream: Tensor, **options: str) -> list[Tensor]:
    y = case.run(**options)
    return [y, *grad(y, list(case.tensors().values()), upstream.to(y.dtype))]


def assert_like_the_reference(case: Case, **options: str) -> None:
    narrow = narrowed(case)
    wide = narrow.map(lambda tensor: tensor.detach().double().requires_grad_())
    generator = torch.Generator().manual_seed(1)
    upstream = torch.randn(case.x.shape[0], case.weight.shape[0] * case.weight.shape[3], generator=generator)
    expected = results(wide, upstream, backend="reference", **options)
    for found, true in zip(results(narrow, upstream, backend="cpu", **options), expected, strict=True):
        largest = true.abs().max().item() if true.numel() else 0.0
        torch.testing.assert_close(found.double(), true, rtol=2e-5, atol=2e-5 * (1 + largest))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sides", ["none", "in", "out", "both"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("rows", [1, 5, 33, 130])
def test_result_and_gradients(shape, sides, activation, rows):
    for kind in ("binary", "real"):
        assert_like_the_reference(
            random_case(shape, rows=rows, sides=sides, kind=kind, density=0.4), activation=activation
        )


@pytest.mark.parametrize("density", [0.0, 1.0])
@pytest.mark.parametrize("rows", [0, 1, 40])
def test_all_closed_all_open_and_no_rows(density, rows):
    assert_like_the_reference(random_case((3, 2, 16, 8), rows=rows, density=density))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("rows", [1, 40])
def test_exact_gradients_of_output_gates(activation, rows):
    for kind in ("binary", "real"):
        case = random_case((3, 2, 16, 8), rows=rows, sides="out", kind=kind)
        assert_like_the_reference(case, activation=activation, gate_grad="exact")


def test_without_a_bias():
    for sides in ("out", "both"):
        for rows in (2, 40):
            assert_like_the_reference(random_case((3, 2, 16, 8), rows=rows, bias=False, sides=sides))


@given(
    shape=st.tuples(*[st.integers(1, 5)] * 2, *[st.integers(1, 40)] * 2),
    rows=st.integers(0, 150),
    density=st.floats(0, 1),
    sides=st.sampled_from(["none", "in", "out", "both"]),
    kind=st.sampled_from(["binary", "real"]),
    seed=st.integers(0, 1000),
)
def test_any_shape_and_density(shape, rows, density, sides, kind, seed):
    assert_like_the_reference(
        random_case(shape, rows=rows, density=density, sides=sides, kind=kind, seed=seed), activation="tanh"
    )


def test_only_the_gradients_asked_for():
    case = narrowed(random_case((3, 2, 16, 8), rows=40))
    everything = results(case, torch.ones(40, 24), backend="cpu")[1:]
    for (name, tensor), expected in zip(case.tensors().items(), everything, strict=True):
        (alone,) = grad(case.run(backend="cpu"), [tensor], torch.ones(40, 24))
        assert torch.equal(alone, expected), name


def test_tensors_that_are_not_contiguous():
    case = narrowed(random_case((3, 2, 16, 8), rows=40))
    upstream = torch.ones(24, 40).T
    scattered = case.map(
        lambda tensor: tensor.detach().mT.contiguous().mT.requires_grad_() if tensor.dim() > 1 else tensor
    )
    assert not scattered.weight.is_contiguous()
    for found, expected in zip(
        results(scattered, upstream, backend="cpu"), results(case, upstream, backend="cpu"), strict=True
    ):
        assert torch.equal(found, expected)


def test_equal_calls_give_equal_bits():
    case = narrowed(random_case((4, 4, 64, 64), rows=70))
    upstream = torch.randn(70, 256)
    first = results(case, upstream, backend="cpu")
    assert all(torch.equal(a, b) for a, b in zip(first, results(case, upstream, backend="cpu"), strict=True))


@pytest.mark.parametrize("sides", ["out", "both"])
def test_threads_change_no_bit(sides, request):
    request.addfinalizer(lambda: cpu.set_threads(1))
    case = narrowed(random_case((4, 4, 64, 64), rows=200, sides=sides))
    upstream = torch.randn(200, 256)
    single = results(case, upstream, backend="cpu")
    (weight_alone,) = grad(case.run(backend="cpu"), [case.weight], upstream)
    cpu.set_threads(3)
    assert all(torch.equal(a, b) for a, b in zip(single, results(case, upstream, backend="cpu"), strict=True))
    assert torch.equal(grad(case.run(backend="cpu"), [case.weight], upstream)[0], weight_alone)


def test_threads_must_be_positive():
    with pytest.raises(ValueError, match="threads: 0, expected at least 1"):
        cpu.set_threads(0)


@pytest.mark.parametrize("sides", ["out", "both"])
@pytest.mark.parametrize("rows", [3, 60])
def test_backward_and_step_is_a_step_of_plain_sgd(sides, rows):
    case = narrowed(random_case((3, 2, 16, 8), rows=rows, sides=sides, density=0.3))
    assert case.bias is not None
    upstream = torch.randn(rows, 24)
    y, x_grad, weight_grad, bias_grad, *_ = results(case, upstream, backend="cpu", activation="relu")
    weight, bias = case.weight.detach().clone(), case.bias.detach().clone()
    gates = (case.in_gates, case.out_gates)
    found = cpu.backward_and_step(upstream, case.x, weight, bias, *gates, y, "relu", learning_rate=0.1)
    assert found is not None
    assert torch.equal(found, x_grad)
    torch.testing.assert_close(weight, case.weight - 0.1 * weight_grad)
    torch.testing.assert_close(bias, case.bias - 0.1 * bias_grad)


def test_backward_and_step_touches_no_tile_that_no_row_opens():
    case = random_case((2, 2, 4, 4), rows=2)
    weight = torch.randn(2, 2, 4, 4)
    weight[0, 1] = weight[1, 0] = torch.nan
    gates = torch.eye(2)
    x, upstream = case.x.float(), torch.ones(2, 8)
    y = block_linear(x, weight, None, gates, gates, backend="cpu")
    before = weight.clone()
    assert (
        cpu.backward_and_step(upstream, x, weight, None, gates, gates, y, "identity", learning_rate=1.0, needs_x=False)
        is None
    )
    assert weight[0, 1].isnan().all()
    assert not torch.equal(weight[0, 0], before[0, 0])


def test_backward_and_step_refuses_what_it_cannot_do_in_place():
    x, weight = torch.ones(1, 4), torch.ones(1, 1, 4, 4).mT
    with pytest.raises(ValueError, match="must be contiguous"):
        cpu.backward_and_step(x, x, weight, None, None, None, x, "identity", learning_rate=1.0)
    with pytest.raises(ValueError, match="computes in float32"):
        cpu.backward_and_step(x, x, weight.double(), None, None, None, x, "identity", learning_rate=1.0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"x": torch.ones(1, 5)}, r"^x has shape \[1, 5\], expected \[1, 4\]"),
        ({"out_gates": torch.ones(1, 2)}, r"^out_gates has shape \[1, 2\], expected \[1, 1\]"),
        ({"grad": torch.ones(2, 4)}, r"^grad is torch.float32 \[2, 4\], expected torch.float32 like the result"),
        ({"y": torch.ones(1, 4, dtype=torch.float64)}, r"^y is torch.float64 \[1, 4\], expected torch.float32"),
        ({"x": torch._neg_view(torch.ones(1, 4))}, "a view that is negated when it is read"),
    ],
)
def test_backward_and_step_reads_nothing_that_does_not_fit(changes, reason):
    fitting = dict.fromkeys(("grad", "x", "y"), torch.ones(1, 4))
    fitting |= {"weight": torch.ones(1, 1, 4, 4), "bias": torch.ones(4), "out_gates": torch.ones(1, 1)}
    with pytest.raises(ValueError, match=reason):
        cpu.backward_and_step(**{**fitting, **changes}, in_gates=None, activation="identity", learning_rate=1.0)


def test_backward_and_step_takes_masks():
    case = random_case((3, 2, 4, 5), rows=3, kind="binary").map(Tensor.float)
    assert case.in_gates is not None
    assert case.out_gates is not None
    y, upstream = case.run(backend="cpu"), torch.ones(3, 15)
    weights = [case.weight.clone(), case.weight.clone()]
    for weight, gates in zip(
        weights, ((case.in_gates, case.out_gates), (case.in_gates != 0, case.out_gates != 0)), strict=True
    ):
        cpu.backward_and_step(upstream, case.x, weight, None, *gates, y, "identity", learning_rate=0.1)
    assert torch.equal(*weights)
    assert not torch.equal(weights[0], case.weight)


class TestBoundLinear:
    @pytest.mark.parametrize("rows", [1, 3])
    @pytest.mark.parametrize("sides", ["none", "in", "out", "both"])
    def test_gives_what_block_linear_gives(self, rows, sides):
        case = random_case((3, 2, 16, 8), rows=rows, sides=sides).map(Tensor.float)
        bound = cpu.BoundLinear(case.weight, case.bias, rows=rows, activation="relu")
        expected = case.run(backend="cpu", activation="relu")
        torch.testing.assert_close(bound(case.x, case.in_gates, case.out_gates), expected)

    def test_sees_the_weight_change(self):
        weight, x = torch.ones(1, 1, 2, 1), torch.ones(1, 2)
        bound = cpu.BoundLinear(weight, None)
        assert bound(x).item() == 2
        weight.fill_(3)
        assert bound(x).item() == 6

    def test_refuses_what_does_not_fit(self):
        weight = torch.ones(1, 1, 2, 3)
        bound = cpu.BoundLinear(weight, None)
        for wrong in (
            torch.ones(2, 2),
            torch.ones(1, 3),
            torch.ones(1, 2, dtype=torch.float64),
            torch.ones(1, 4)[:, ::2],
        ):
            with pytest.raises(ValueError, match=r"expected contiguous float32 \[1, 2\] on cpu"):
                bound(wrong)
        with pytest.raises(ValueError, match="must be contiguous"):
            cpu.BoundLinear(weight.mT, None)
        with pytest.raises(ValueError, match="computes in float32"):
            cpu.BoundLinear(weight.double(), None)
        with pytest.raises(ValueError, match=r"^bias has shape \[4\], expected \[3\]"):
            cpu.BoundLinear(weight, torch.ones(4))
        with FakeTensorMode() as mode, pytest.raises(ValueError, match="got FakeTensor"):
            bound(mode.from_tensor(torch.ones(1, 2)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dtype": torch.float64}, "the cpu back end computes in float32, these are torch.float64"),
        ({"gate_grad": "exact"}, "the cpu back end has no exact gradients of input gates"),
    ],
)
def test_pinned_it_says_why_it_cannot_run(changes, reason):
    case = random_case((1, 1, 2, 2)).map(lambda tensor: tensor.to(changes.get("dtype", torch.float32)))
    with pytest.raises(BackendError, match=f"backend 'cpu' is pinned and cannot run this call: {reason}"):
        case.run(backend="cpu", gate_grad=changes.get("gate_grad", "open"))
