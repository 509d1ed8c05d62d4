import io
import sys

import pytest

from core.data import catalogue, load
from core.data.published.progress import shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def to_terminal(monkeypatch):
    """Makes standard error one; called in the test itself, since pytest sets its own before."""

    def replaced() -> Terminal:
        made = Terminal()
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setattr(sys, "stderr", made)
        return made

    return replaced


def test_every_download_has_a_bar_on_a_terminal(publisher, to_terminal):
    terminal = to_terminal()
    load("mnist")
    for file in publisher.sources["mnist"].files:
        assert file.name in terminal.getvalue()


def test_a_cached_file_has_none(publisher, to_terminal):
    terminal = to_terminal()
    load("mnist")
    catalogue._load.cache_clear()
    second = to_terminal()
    load("mnist")
    assert "ubyte" in terminal.getvalue()
    assert "ubyte" not in second.getvalue()


def test_a_second_attempt_starts_at_nothing(to_terminal):
    to_terminal()
    with shown("file.gz") as bar:
        assert bar is not None
        for _ in range(2):
            bar.total = 1000
            bar.update(400)
        (task,) = bar._progress.tasks
        assert (task.completed, task.total, bar.total) == (400, 1000, 1000)


def test_without_a_terminal_there_is_none():
    with shown("file.gz") as bar:
        assert bar is None
