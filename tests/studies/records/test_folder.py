import json

import pytest

from core.errors import InputError
from studies.records.folder import Frozen, ResultsFolder
from tests.support.records import design_of


def test_a_frozen_design_comes_back(tmp_path):
    design = design_of(densities=(0.25, 0.5), strategy_settings={"reinforce": {"baseline": "none"}})
    folder = ResultsFolder(tmp_path, "quickstart")
    folder.freeze(Frozen(design, {"python": "3"}))
    assert folder.frozen() == Frozen(design, {"python": "3"})


def test_the_file_holds_design_hash_and_environment(tmp_path):
    design = design_of()
    ResultsFolder(tmp_path, "quickstart").freeze(Frozen(design, {"python": "3"}))
    content = json.loads((tmp_path / "quickstart" / "study.json").read_text("utf-8"))
    assert content["design_hash"] == design.design_hash
    assert content["design"]["sweep"]["strategies"] == ["dense", "reinforce"]
    assert content["environment"] == {"python": "3"}


def test_a_study_never_run_says_how_to_run_it(tmp_path):
    with pytest.raises(InputError, match="python -m studies run quickstart"):
        ResultsFolder(tmp_path, "quickstart").frozen()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damaged", ["{", "[]", "{}", '{"design": {}}', '{"design": 3, "environment": {}}'])
def test_a_damaged_file_is_named(tmp_path, damaged):
    path = tmp_path / "quickstart" / "study.json"
    path.parent.mkdir()
    path.write_text(damaged, "utf-8")
    with pytest.raises(InputError, match=r"study\.json: not a readable study"):
        ResultsFolder(tmp_path, "quickstart").frozen()
