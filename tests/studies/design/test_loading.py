"""What a specification loads: neither pictures nor the scheduler, and nothing that trains or compiles."""

import subprocess
import sys

import pytest

from tests.support.driver import ROOT

# Beside what a study is made of, each of these takes a second or more.
FOREIGN = {"matplotlib", "ray", "seaborn", "sklearn", "torch._dynamo"}
DESIGN = "import studies.design\n"
FREEZING = (
    "import studies.design\n"
    "from studies import catalogue\n"
    "from studies.design.freezing import FrozenStudy\n"
    "study = catalogue.find('quickstart')\n"
    "hashes = {FrozenStudy.freeze('quickstart', scale, sweep).design_hash for scale, sweep in study.scales.items()}\n"
    "assert len(hashes) == 3\n"
)


@pytest.mark.parametrize("program", [DESIGN, FREEZING], ids=["design", "quickstart"])
def test_a_specification_loads_nothing_that_it_does_not_need(program):
    program += "import sys\nprint(*sys.modules)\n"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not set(done.stdout.split()) & FOREIGN
