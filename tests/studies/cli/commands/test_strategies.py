from rich.console import Console

import strategies
from tests.support.plugins import write_plugin


def test_strategies_lists_each_with_family_and_idea(command):
    done = command("strategies")
    assert (done.code, done.err) == (0, "")
    for name in strategies.built_in():
        found = strategies.find(name)
        (line,) = [line for line in done.out.splitlines() if line.startswith(f"{name} ")]
        assert found.family in line
        assert found.idea()[:25] in line


def test_strategies_lists_a_plugin_beside_them(command, tmp_path):
    done = command("strategies", "--plugin", str(write_plugin(tmp_path)))
    assert done.code == 0
    (line,) = [line for line in done.out.splitlines() if line.startswith("of_mine ")]
    assert "routing" in line


def test_settings_are_shown_with_what_a_search_covers_and_when_they_matter(command):
    done = command("strategies", "--settings", "reinforce,dense")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"reinforce: {strategies.find('reinforce').idea()}"
    assert lines[-2:] == [
        "dense: Every block open for every example, and no gater: what gating is measured against.",
        "It has no settings.",
    ]
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in lines[2:-2] if not line.startswith(" ")}
    assert set(rows) == set(strategies.find("reinforce").space)
    assert rows["samples"] == "4 2..64 2..6 baseline is samples"
    assert rows["balance"] == "3 0.001..10 or 0 0.3..10 gates is exactly_k or tree"
    assert rows["score_gradient"] == "gater gater, all all always"
    assert rows["probability_floor"] == "0 0..0.25 – gates is bernoulli"


def test_strategies_check_accepts_one_that_keeps_the_protocol(command, tmp_path):
    done = command("strategies", "--plugin", str(write_plugin(tmp_path)), "--check", "of_mine,dense")
    assert (done.code, done.out, done.err) == (0, "of_mine: keeps the protocol\ndense: keeps the protocol\n", "")


def test_strategies_check_names_what_a_plugin_breaks(command, tmp_path):
    plugin = write_plugin(tmp_path, body="        raise RuntimeError('not yet')\n")
    done = command("strategies", "--plugin", str(plugin), "--check", "of_mine")
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0] == "of_mine: breaks the protocol"
    assert len(lines) > 1
    assert "not yet" in done.out
    assert "Traceback" not in done.out + done.err


def test_names_are_whole_words_in_a_table_of_eighty_columns(command, monkeypatch):
    monkeypatch.setattr("studies.cli.output.console", Console(width=80))
    lines = command("strategies").out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert set(strategies.built_in()) <= {line.split()[0] for line in lines if not line.startswith(" ")}


WITHOUT_GRADIENT = '''"""A gater that cannot learn."""

from core.parts.gates import budget, top_blocks
from core.strategy import Decision, Strategy


class OfMine(Strategy):
    """The highest scores, without a gradient."""

    source = "a test"
    family = "routing"

    def decide(self, batch):
        return lambda site: Decision(top_blocks(site.scores.detach(), budget(site.blocks, batch.density)))

    def objective(self, batch):
        done = batch(self.decide(batch))
        return done.mean_loss(), done

    def infer(self, batch):
        return batch(self.decide(batch))
'''


def test_strategies_check_warns_of_what_does_not_learn_and_still_accepts_it(command, tmp_path):
    plugin = write_plugin(tmp_path, text=WITHOUT_GRADIENT)
    done = command("strategies", "--plugin", str(plugin), "--check", "of_mine")
    assert (done.code, done.err) == (0, "")
    first, *warnings = done.out.splitlines()
    assert first == "of_mine: keeps the protocol"
    assert warnings[0].startswith("  warning: gradients: layer 0: the gater is asked for scores and gets no gradient")


def test_strategies_check_says_how_good_an_estimate_is(command):
    lines = command("strategies", "--check", "reinforce").out.splitlines()
    assert lines[0] == "reinforce: keeps the protocol"
    assert lines[1].startswith("  its gradient estimate has relative variance ")
