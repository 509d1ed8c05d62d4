import pytest
from rich.console import Console

from studies import catalogue


def test_list_gives_every_study_once_with_what_it_is_about(command):
    done = command("list")
    assert (done.code, done.err) == (0, "")
    head, *lines = done.out.splitlines()
    assert head.split() == ["study", "about"]
    assert [line.split(maxsplit=1)[0] for line in lines] == catalogue.names()
    assert [line.split(maxsplit=1)[1].rstrip() for line in lines] == list(map(catalogue.line, catalogue.names()))


@pytest.mark.parametrize("width", [80, 60])
def test_on_a_narrow_terminal_names_stay_whole_and_no_line_is_too_long(command, monkeypatch, width):
    monkeypatch.setattr("studies.cli.output.console", Console(width=width))
    lines = command("list").out.splitlines()
    assert all(len(line) <= width for line in lines)
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == ["study", *catalogue.names()]
    words = " ".join(word for line in lines for word in line.split())
    assert all(f"{name} {catalogue.line(name)}" in words for name in catalogue.names())
