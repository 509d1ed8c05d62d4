"""Whether what a strategy infers is a prediction: of each example, by itself, without its label."""

from collections.abc import Iterator

import torch
from torch import Tensor

from core.architecture import Architecture
from core.conformance.subject import CLASSES, DENSITY, STREAMS, WHOLE_DENSITY, briefly_trained, examples_of, inferred
from core.strategy import Strategy
from core.training.independence import FEWEST, Dependence, dependence
from kernels import BackendError


def label_free_inference(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """Inference works without labels and predicts once per example."""
    done, batch = inferred(briefly_trained(strategy_type, architecture))
    if done.loss is not None:
        yield "infer returns a pass with a loss"
    expected = (batch.rows, CLASSES)
    if done.output.shape != expected:
        yield f"infer returns output {list(done.output.shape)}, expected {list(expected)}"
    if not torch.isfinite(done.output).all():
        yield "infer returns logits that are not finite"


def gates_in_range(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """Test-time gates are finite, and open-probabilities in 0..1."""
    done, _ = inferred(briefly_trained(strategy_type, architecture))
    layers = len(architecture.layers)
    for number, decision in enumerate(done.decisions):
        where = f"layer {number % layers}"
        if not bool(decision.gates.isfinite().all()):
            yield f"{where}: gates reach from {_range(decision.gates)}, expected finite numbers"
        probability = decision.probability
        if probability is not None and not bool(((probability >= 0) & (probability <= 1)).all()):
            yield f"{where}: probability reaches from {_range(probability)}, expected 0..1"


def own_gates(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """An example's gates and output at test time do not depend on the other examples of its batch."""
    found = _dependence(strategy_type, architecture)
    if found.share > 0:
        yield f"a prediction depends on the other examples of its batch: {found}"


def comparable_draws(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """Random draws at test time can be told apart by example, so that :func:`own_gates` can compare."""
    found = _dependence(strategy_type, architecture)
    if not found.compared:
        yield f"whether a prediction depends on the other examples of its batch was {found}"


def rule_followed(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """A declared gate rule gives what inference gives, where its compiled form can be run."""
    trained = briefly_trained(strategy_type, architecture, WHOLE_DENSITY)
    if trained.strategy.gate_rule() is None or not trained.network.compiles:
        return
    try:
        fused = trained.network.for_inference(trained.strategy, WHOLE_DENSITY)
    except (ImportError, BackendError):
        return
    done, _ = inferred(trained, WHOLE_DENSITY)
    found = fused(examples_of(architecture).validation.x.contiguous(), STREAMS.torch("gates", "test"))
    if not torch.allclose(found, done.output, rtol=1e-3, atol=1e-4):
        yield "gate_rule describes other test gates than those of infer"


def _dependence(strategy_type: type[Strategy], architecture: Architecture) -> Dependence:
    try:
        # In double precision no score of the examples is within rounding of a threshold.
        return _dependence_in(torch.float64, strategy_type, architecture)
    except Exception:
        # Some make tensors of single precision, whatever the network has.
        return _dependence_in(torch.float32, strategy_type, architecture)


def _dependence_in(dtype: torch.dtype, strategy_type: type[Strategy], architecture: Architecture) -> Dependence:
    trained = briefly_trained(strategy_type, architecture)
    network, strategy = trained.network.to(dtype), trained.strategy.to(dtype)
    x = examples_of(architecture).validation.x[:FEWEST]
    x = x.to(dtype) if x.is_floating_point() else x
    return dependence(network, strategy, x, STREAMS.torch("gates", "test"), density=DENSITY)


def _range(values: Tensor) -> str:
    return f"{values.min():.3g} to {values.max():.3g}"
