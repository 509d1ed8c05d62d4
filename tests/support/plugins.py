"""Plugin files for tests."""

from pathlib import Path

import strategies
from strategies import Plugin

PLUGIN = '''"""A plugin."""

from core.parts.gates import open_all
from core.strategy import Strategy


class OfMine(Strategy):
    """Every block open."""

    source = "a test"
    family = "routing"
    gated = False

    def objective(self, batch):
        done = batch(open_all)
        return done.mean_loss(), done

    def infer(self, batch):
        return batch(open_all)
'''


def write_plugin(folder: Path, name: str = "of_mine", *, body: str = "", text: str = PLUGIN) -> Path:
    """Write a plugin that keeps every block open; ``body`` is put before its objective, which knows ``batch``."""
    path = folder / f"{name}.py"
    first = "        done = batch(open_all)\n"
    path.write_text(text.replace(first, body + first, 1), "utf-8")
    return path


def read_plugin(folder: Path, name: str = "of_mine", *, body: str = "", text: str = PLUGIN) -> Plugin:
    return strategies.read_plugin(write_plugin(folder, name, body=body, text=text))
