import pytest

from core.architecture import Architecture
from studies.catalogue.structures import GRID, STUDY
from studies.catalogue.structures.report import TABLES, by_width, tree_against_blocks
from studies.design import DENSE_FRONT
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun
from studies.design.study import SCALES
from studies.results import Results
from tests.support.drawings import row_of
from tests.support.invented import Record, measured, results_of
from tests.support.tables import written

LEARNED = ("tree_routing", "top_k", "reinforce", "local_search")
ERRORS = {"small_dense": 0.08, "tree_routing": 0.10, "top_k": 0.07, "reinforce": 0.12, "local_search": 0.09}


def design(scale: str = "default") -> FrozenStudy:
    return FrozenStudy.freeze("structures", scale, STUDY.scales[scale])  # type: ignore[index]


def test_layers_grow_while_as_many_blocks_stay_open():
    layers = [Architecture.parse(network, 1, 1).layers[0] for network, _ in GRID]
    assert {layer.blocks * density for layer, (_, density) in zip(layers, GRID, strict=True)} == {2.0}
    assert len({layer.size for layer in layers}) == 1
    assert [layer.blocks for layer in layers] == sorted({layer.blocks for layer in layers})


@pytest.mark.parametrize("scale", SCALES)
def test_trees_are_compared_with_top_k_and_all_with_the_dense_front_at_every_width(scale):
    frozen = design(scale)
    assert set(frozen.contrasts) == {*((name, DENSE_FRONT) for name in LEARNED), ("tree_routing", "top_k")}
    networks = {(setting.network, setting.target_density) for setting, arm in frozen.combinations() if arm in LEARNED}
    assert networks == set(GRID)
    assert frozen.protocol.contrasts == len(GRID) + 1


def record(run: PlannedRun) -> Record:
    """Dense networks of all widths have the same error."""
    macs = float(run.setting.network.removeprefix("1x")) if run.arm.startswith(DENSE_FRONT) else 50.0
    return measured(run, ERRORS.get(run.arm, 0.08) + 0.01 * run.configuration.seed, macs=macs)


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(design("quick"), record)


def test_the_table_has_a_row_per_strategy_and_width_with_the_difference_to_the_dense_network(results):
    numbers = by_width(results)
    assert len(numbers) == len(GRID) * len(ERRORS)
    assert set(numbers.loc[numbers["arm"] == "top_k", "hidden_units"]) == {128, 256, 512, 1024}
    row = row_of(numbers, arm="top_k", network="32x16")
    assert (row["difference"], row["mean"], row["n"]) == pytest.approx((-0.01, 0.075, 2))
    assert row_of(numbers, arm="small_dense", network="32x16")["verdict"] == "–"
    assert {row[4] for row in written(TABLES[0], numbers) if row[1] == "small_dense"} == {"–"}


def test_trees_have_a_row_per_width(results):
    numbers = tree_against_blocks(results)
    assert numbers["reference"].tolist() == ["top_k"] * len(GRID)
    assert numbers["difference"].tolist() == pytest.approx([0.03] * len(GRID))
    assert numbers["primary"].all()
