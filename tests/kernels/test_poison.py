"""A closed block is neither read nor computed: whatever lies behind it changes nothing, bit for bit."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

from kernels import gate_blocks
from tests.kernels.cases import Case, open_case, random_case

NAN, INF = float("nan"), float("inf")
ACTIVATIONS = ("identity", "relu", "tanh")


def case_with_a_block_nobody_reads() -> tuple[Case, Tensor, Tensor]:
    """Block 1 of the input and block 2 of the output are closed in every row; the others in some.

    Also returned: which of the inputs and of the outputs are behind a closed gate.
    """
    case, in_gates, out_gates = open_case((3, 4, 2, 2), rows=5, density=0.6, seed=2)
    in_gates[:, 1] = 0.0
    out_gates[:, 2] = 0.0
    return case, in_gates.repeat_interleave(2, dim=1) == 0, out_gates.repeat_interleave(2, dim=1) == 0


@pytest.fixture(params=["reference", "cpu"])
def backend(request):
    return request.param


def result_and_gradients(case: Case, upstream: Tensor | None = None, **options: Any) -> list[Tensor]:
    dtype = torch.float32 if options["backend"] == "cpu" else torch.float64
    case = case.map(lambda tensor: tensor.detach().to(dtype, copy=True).requires_grad_())
    y = case.run(**options)
    upstream = torch.ones_like(y) if upstream is None else upstream.to(dtype)
    return [y, *grad(y, list(case.tensors().values()), upstream)]


def assert_unchanged(clean: list[Tensor], poisoned: list[Tensor]) -> None:
    assert all(torch.isfinite(tensor).all() for tensor in poisoned)
    assert all(torch.equal(a, b) for a, b in zip(clean, poisoned, strict=True))


@pytest.mark.parametrize("poison", [NAN, INF, -INF])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("gate_grad", ["open", "exact"])
def test_x_behind_closed_input_gates(poison, activation, gate_grad, backend):
    if backend == "cpu" and gate_grad == "exact":
        pytest.skip("the cpu back end has no exact gradients of input gates")
    case, closed, _ = case_with_a_block_nobody_reads()
    assert_unchanged(
        *(
            result_and_gradients(
                replace(case, x=case.x.masked_fill(closed, value)),
                activation=activation,
                gate_grad=gate_grad,
                backend=backend,
            )
            for value in (0.0, poison)
        )
    )


@pytest.mark.parametrize("poison", [NAN, INF])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_bias_and_weights_of_outputs_that_no_row_opens(poison, activation, backend):
    case, *_ = case_with_a_block_nobody_reads()
    results = []
    for value in (0.0, poison):
        poisoned = case.map(torch.clone)
        assert poisoned.bias is not None
        poisoned.weight[2] = value
        poisoned.bias[4:] = value
        results.append(result_and_gradients(poisoned, activation=activation, backend=backend))
    assert_unchanged(*results)


@pytest.mark.parametrize("poison", [NAN, INF])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_weights_of_inputs_that_no_row_opens(poison, activation, backend):
    case, *_ = case_with_a_block_nobody_reads()
    results = []
    for value in (0.0, poison):
        poisoned = case.map(torch.clone)
        poisoned.weight[:, 1] = value
        results.append(result_and_gradients(poisoned, activation=activation, backend=backend))
    assert_unchanged(*results)


def test_weights_of_two_blocks_that_are_never_open_together(backend):
    case = random_case((2, 2, 2, 2), rows=2)
    case = replace(case, in_gates=torch.eye(2, dtype=torch.float64), out_gates=torch.eye(2, dtype=torch.float64))
    results = []
    for value in (0.0, NAN):
        poisoned = case.map(torch.clone)
        poisoned.weight[0, 1] = poisoned.weight[1, 0] = value
        results.append(result_and_gradients(poisoned, backend=backend))
    assert_unchanged(*results)


@pytest.mark.parametrize("poison", [NAN, INF])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_upstream_gradients_at_closed_outputs(poison, activation, backend):
    case, _, closed = case_with_a_block_nobody_reads()
    ones = torch.ones(closed.shape, dtype=torch.float64)
    assert_unchanged(
        *(
            result_and_gradients(case, ones.masked_fill(closed, value), activation=activation, backend=backend)
            for value in (0.0, poison)
        )
    )


def test_upstream_gradients_at_closed_outputs_reach_only_the_gate_itself_when_exact(backend):
    case, _, closed = case_with_a_block_nobody_reads()
    case = replace(case, in_gates=None)
    ones = torch.ones(closed.shape, dtype=torch.float64)
    clean, poisoned = (
        result_and_gradients(case, ones.masked_fill(closed, value), gate_grad="exact", backend=backend)
        for value in (0.0, NAN)
    )
    assert_unchanged(clean[:-1], poisoned[:-1])
    assert torch.equal(poisoned[-1].isnan(), closed[:, ::2])


def test_open_blocks_do_pass_their_poison_on():
    case, _, out_gates = open_case((2, 2, 2, 2), rows=2)
    case.x[1, 0] = NAN
    out_gates[1, 1] = 0.0
    assert case.run().isnan().tolist() == [[False] * 4, [True, True, False, False]]


def test_gate_blocks_reads_nothing_behind_closed_gates():
    x = torch.tensor([[1.0, 2.0, NAN, INF], [NAN, NAN, 3.0, 4.0]], dtype=torch.float64, requires_grad=True)
    gates = torch.tensor([[2.0, 0.0], [0.0, 1.0]], dtype=torch.float64, requires_grad=True)
    y = gate_blocks(x, gates)
    assert y.tolist() == [[2.0, 4.0, 0.0, 0.0], [0.0, 0.0, 3.0, 4.0]]
    upstream = torch.tensor([[1.0, 1.0, NAN, NAN], [NAN, NAN, 1.0, 1.0]], dtype=torch.float64)
    x_gradient, gate_gradient = grad(y, (x, gates), upstream)
    assert x_gradient.tolist() == [[2.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]
    assert gate_gradient.tolist() == [[3.0, 0.0], [0.0, 7.0]]
