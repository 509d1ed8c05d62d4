"""What a trained network infers, as one module and as an exported program: the strategy's own scores, or a refusal."""

import logging
from dataclasses import replace

import pytest
import torch

from core.errors import InputError
from core.parts.gates import open_all
from core.strategy import Batch, Decision, Pass, Site
from core.training.inference_path import drawn_anew, exported
from strategies.top_k import TopK
from tests.support.trained import path_of, subject_of


def test_the_program_gives_the_scores_of_any_number_of_examples():
    trained = subject_of("top_k", network="4x4,4x4")
    path, x = path_of(trained), trained.test.x
    program = exported(path, x).module()
    with torch.no_grad():
        expected = path(x)
        for number in (1, 2, 7, len(x)):
            torch.testing.assert_close(program(x[:number]), expected[:number], rtol=0.0, atol=1e-5)


def test_features_are_normalised_inside():
    trained = replace(subject_of("dense"), mean=0.25, std=4.0)
    x = 4.0 * trained.test.x + 0.25
    program = exported(path_of(trained), x).module()
    path = path_of(subject_of("dense"))
    with torch.no_grad():
        expected = path(trained.test.x)
        torch.testing.assert_close(program(x), expected, rtol=0.0, atol=1e-4)


def test_the_program_has_no_operation_of_ours_and_counts_nothing():
    trained = subject_of("straight_through")
    graph = exported(path_of(trained), trained.test.x).graph
    calls = [node for node in graph.nodes if node.op == "call_function"]
    assert {getattr(node.target, "namespace", "builtin") for node in calls} <= {"aten", "builtin"}
    # Multiply-adds are counted in float64.
    dtypes = {node.meta["val"].dtype for node in calls if isinstance(node.meta.get("val"), torch.Tensor)}
    assert torch.float32 in dtypes
    assert torch.float64 not in dtypes


@pytest.mark.parametrize(
    ("strategy", "settings"),
    [("random_blocks", {}), ("reinforce", {"test_gates": "sampled"}), ("ponder_halting", {"test_halting": "sampled"})],
)
def test_what_is_drawn_at_test_time_is_refused(strategy, settings):
    trained = subject_of(strategy, **settings)
    assert drawn_anew(path_of(trained), trained.test.x)
    with pytest.raises(InputError, match=f"^{strategy}: cannot be exported: its test gates are drawn anew each time"):
        exported(path_of(trained), trained.test.x)


def test_a_number_of_blocks_that_is_drawn_is_refused_too():
    trained = subject_of("top_k", network="4x4", density=0.3)
    with pytest.raises(InputError, match="at a density of a whole number of blocks"):
        exported(path_of(trained), trained.test.x)


class _Branching(TopK):
    """Goes one way or the other by what it computes."""

    def infer(self, batch: Batch) -> Pass:
        def decide(site: Site) -> Decision:
            if float(site.scores.sum()) > 0:
                return Decision(torch.ones_like(site.scores))
            return Decision((site.scores > site.scores.mean()).to(site.scores.dtype))

        return batch(decide)


class _OtherWhenTraced(TopK):
    """Opens everything while it is traced."""

    def infer(self, batch: Batch) -> Pass:
        return batch(open_all) if torch.compiler.is_compiling() else super().infer(batch)


def made(kind: type[TopK]):
    trained = subject_of("top_k")
    strategy = kind(trained.network.architecture, {}, torch.Generator())
    return replace(trained, strategy=strategy.eval())


def test_what_branches_on_its_values_is_refused_in_one_line(capfd):
    trained = made(_Branching)
    with pytest.raises(InputError, match=r"cannot be exported: torch\.export says .*data-dependent") as raised:
        exported(path_of(trained), trained.test.x)
    assert "\n" not in str(raised.value)
    assert capfd.readouterr() == ("", "")
    assert logging.root.manager.disable == 0


def test_a_program_with_other_scores_is_not_given():
    trained = made(_OtherWhenTraced)
    with pytest.raises(InputError, match=r"cannot be exported: .* gives other scores for \d+ of \d+ examples"):
        exported(path_of(trained), trained.test.x)
