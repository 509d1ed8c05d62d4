"""Networks come back from Ray's workers, whole and to the last digit."""

import pytest

import studies
from tests.support.driver import Driver

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SMALL = ("--dataset", "digits", "--set", "network=8x2", "--set", "epochs=2")


@pytest.fixture
def driver(tmp_path):
    driver = Driver(tmp_path)
    yield driver
    driver.end()


def test_every_network_that_is_kept_measures_what_its_record_says(driver):
    options = ("--strategies", "top_k,reinforce", "--seeds", "2", "--keep-networks", "--results", str(driver.results))
    first = driver.run("run", "quickstart", *SMALL, *options)
    assert first.returncode == 0, first.stderr
    found = studies.load(driver.results / "quickstart")
    kept = list((driver.results / "quickstart" / "networks").glob("*.safetensors"))
    assert {path.stem for path in kept} == set(found.runs["run_id"])
    for arm in ("top_k", "reinforce"):
        for seed in (0, 1):
            network = found.network(arm, seed=seed)
            recorded = found.runs.query("arm == @arm and seed == @seed").iloc[0]
            measured = network.measure(*network.test_examples())
            assert network.origin == "kept"
            assert (measured.error, measured.loss) == (recorded["test_error"], recorded["test_loss"])
    # One that is lost is made again, the same to the last bit.
    content = kept[0].read_bytes()
    kept[0].unlink()
    again = driver.run("run", "quickstart", *SMALL, *options)
    assert again.returncode == 0, again.stderr
    assert "1 finished run has no network kept" in again.stdout
    assert kept[0].read_bytes() == content
