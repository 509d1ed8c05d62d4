"""Results depend on values and a generator, not on the global random state, nor on the order of values."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable
from types import FunctionType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import studies.results.statistics
from studies.results.statistics.random_effects.seeds_and_examples import ExampleValues

MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(studies.results.statistics.__path__, f"{studies.results.statistics.__name__}.")
]
# Every public function of the room by its name, but the one by which the others tell rounding. Where two modules share
# a name, the second's has the module's before it.
FUNCTIONS: dict[str, FunctionType] = {}
for module in MODULES:
    for name, value in vars(module).items():
        if isinstance(value, FunctionType) and value.__module__ == module.__name__ and not name.startswith("_"):
            FUNCTIONS[f"{module.__name__.rpartition('.')[2]}_{name}" if name in FUNCTIONS else name] = value
FUNCTIONS.pop("equal_but_for_rounding")
ours = SimpleNamespace(**FUNCTIONS)
VALUES = np.random.default_rng(60).normal(0.1, 0.2, size=12)
MANY = np.random.default_rng(61).normal(0.1, 0.2, size=40)
OTHERS = np.random.default_rng(62).normal(0.1, 0.2, size=15)
CLOUD = np.random.default_rng(63).random((12, 2))
EXAMPLES = [ExampleValues(np.arange(2), row) for row in CLOUD]
CROSSED = pd.DataFrame(
    {"row": ["a", "a", "b", "b"] * 3, "column": ["x", "y"] * 6, "seed": np.repeat([0, 1, 2], 4), "error": VALUES}
)

# Of values in any order.
UNORDERED: dict[str, Callable[[np.ndarray], object]] = {
    "t_interval": lambda values: ours.t_interval(values.tolist()),
    "interquartile_mean": lambda values: ours.interquartile_mean(values.tolist()),
    "sample_std": lambda values: ours.sample_std(values.tolist()),
    "sign_flip_p": ours.sign_flip_p,
    "holm": lambda values: sorted(ours.holm(np.abs(values).tolist())),
    "probability_below": ours.probability_below,
    "probability_of_improvement": lambda values: ours.probability_of_improvement(values, OTHERS),
    "of what it is compared with": lambda values: ours.probability_of_improvement(OTHERS, values),
    "survival": lambda values: ours.survival(values, [0.0, 0.1, 0.2]),
    "expected_best": lambda values: ours.expected_best(values.tolist(), 4),
    "expected_of_best": lambda values: ours.expected_of_best(values.tolist(), (values**2).tolist(), 4),
    "median_interval": lambda values: ours.median_interval(values.tolist()),
    "repeated_interval": lambda values: ours.repeated_interval(values.tolist(), 0.02),
    "repeated_intervals": lambda values: ours.repeated_intervals(values, 0.02),
    "resampled_interval": lambda values: ours.resampled_interval(values.tolist(), train=7, test=2),
    "hurdle": lambda values: dataclasses.astuple(ours.hurdle(values.tolist(), (values < 0).tolist())),
    "outcome": lambda values: ours.outcome(values < 0, values > 9) == "arm fails",
    "conditional_differences": lambda values: sorted(
        ours.conditional_differences(values, values**2, values < 0, [False] * 12)
    ),
    "futile": lambda values: ours.futile(values.tolist(), looks=[20], level_at_end=0.02, delta=0.1),
    "pareto_front": lambda values: ours.pareto_front(CLOUD[np.argsort(np.argsort(values))]),
    "hypervolume": lambda values: ours.hypervolume(CLOUD[np.argsort(np.argsort(values))]),
    "attainment": lambda values: ours.attainment(np.split(CLOUD[np.argsort(np.argsort(values))], 12), 0.5),
}
DRAWING: dict[str, Callable[[np.random.Generator], object]] = {
    "bootstrap_interval": lambda rng: ours.bootstrap_interval([VALUES.tolist(), OTHERS.tolist()], rng),
    "cluster_interval": lambda rng: ours.cluster_interval(CLOUD, rng),
    "sign_flip_p": lambda rng: ours.sign_flip_p(MANY, rng),
}
FIXED: dict[str, Callable[[], object]] = {
    "look_levels": lambda: ours.look_levels([5, 10], 0.05),
    "crossed_mean": lambda: dataclasses.astuple(ours.crossed_mean(CLOUD)),
    "example_variance": lambda: ours.example_variance(EXAMPLES),
    "error_variance": lambda: ours.error_variance([0.1, 0.2, 0.3], EXAMPLES[:3]),
    "error_interval": lambda: ours.error_interval([0.1, 0.2, 0.3], EXAMPLES[:3]),
    "mean_interval": lambda: ours.mean_interval([1.1, 2.2, 3.3], EXAMPLES[:3]),
    "left_to_seeds": lambda: ours.left_to_seeds(0.1, 0.001, 0.95),
    "with_examples": lambda: ours.with_examples(0.1, (0.0, 0.3), 0.01, 0.95),
    "procedure_error": lambda: dataclasses.astuple(ours.procedure_error(CLOUD, common_seeds=True)),
    "procedure_difference": lambda: dataclasses.astuple(ours.procedure_difference(CLOUD, 0.01)),
    "clustered_rate_interval": lambda: ours.clustered_rate_interval(2, 12, 3),
    "procedure_optimism": lambda: dataclasses.astuple(
        ours.procedure_optimism(CLOUD[:, 0], CLOUD[:, 1:], common_seeds=False)
    ),
    "mean_ranks": lambda: ours.mean_ranks(CLOUD),
    "friedman_p": lambda: ours.friedman_p(CLOUD.T),
    "critical_difference": lambda: ours.critical_difference(4, 12),
    "indistinct_groups": lambda: len(ours.indistinct_groups(CLOUD[:, 0].tolist(), 0.2)),
    "share_of_gap": lambda: ours.share_of_gap(CLOUD, narrow=0.9, wide=0.1),
    "regrets": lambda: ours.regrets(CLOUD),
    "quantiles": lambda: ours.quantiles(0.3, 10, 0.02),
    "unbiasing": lambda: ours.unbiasing(10),
    "decide": lambda: ours.decide(-0.2, -0.1, 0.1) == "better",
    "decide_all": lambda: ours.decide_all([-0.2, -0.1], [-0.1, 0.1], 0.2),
    "below_delta": lambda: ours.below_delta(-0.2, -0.1, 0.3),
    "rate_interval": lambda: ours.rate_interval(2, 10),
    "probability_decided": lambda: list(
        ours.probability_decided(0.1, 0.2, looks=[5, 9], alpha=0.05, contrasts=2, delta=0.2).values()
    ),
    "detectable": lambda: ours.detectable(0.2, looks=[5, 9], alpha=0.05, contrasts=2),
    "seeds_needed": lambda: ours.seeds_needed(0.2, 0.2, alpha=0.05, contrasts=2, delta=0.2),
    "expected_maximum_of_normals": lambda: ours.expected_maximum_of_normals(20),
    "two_way": lambda: ours.two_way(CROSSED).to_dict("list"),
}


def test_every_public_function_is_here():
    assert {*UNORDERED, *DRAWING, *FIXED} - {"of what it is compared with"} == {*FUNCTIONS}


@pytest.mark.parametrize("name", UNORDERED)
def test_the_order_of_values_does_not_matter(name):
    compute = UNORDERED[name]
    expected = np.asarray(compute(VALUES), dtype=float)
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(VALUES)
        assert np.asarray(compute(shuffled), dtype=float) == pytest.approx(expected, rel=1e-12)


def everything() -> list[object]:
    fixed = [compute(VALUES) for compute in UNORDERED.values()] + [compute() for compute in FIXED.values()]
    return fixed + [compute(np.random.default_rng(1)) for compute in DRAWING.values()]


def test_the_global_random_state_is_neither_read_nor_moved():
    seen = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        seen.append(list(map(np.asarray, everything())))
        drawn = np.random.random()  # noqa: NPY002
        np.random.seed(seed)  # noqa: NPY002
        assert drawn == np.random.random()  # noqa: NPY002
    assert all(np.array_equal(one, other) for one, other in zip(*seen, strict=True))


@pytest.mark.parametrize("name", DRAWING)
def test_draws_are_those_of_the_generator(name):
    draw = DRAWING[name]
    assert draw(np.random.default_rng(5)) == draw(np.random.default_rng(5))
    assert len({str(draw(np.random.default_rng(seed))) for seed in range(4)}) > 1
