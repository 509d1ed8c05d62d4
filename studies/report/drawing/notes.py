"""What captions say of the runs behind a figure."""

from studies.report.drawing.panels import heading
from studies.results import SETTING, Results


def sample_note(results: Results) -> str:
    """Say how many runs stand behind a figure, how many failed, and how their settings were found.

    The setting is named if all panels share it, since panel headings name only what differs.
    """
    counts = sorted(set(results.summary["n"]))
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    common = heading(results.summary, [column for column in SETTING if results.summary[column].nunique() == 1])
    of = f" on {', '.join(common)}" if common else ""
    failed = _failures(int(results.summary["failures"].sum()), int(results.summary["n"].sum()), "in no mean")
    search = results.protocol.search
    if search is not None:
        winners = f"the winners of R = {count_of(search.searches, 'search')}"
        runs = f"n = {count_of(results.protocol.seeds, 'paired seed')} per arm for each of {winners}"
        return f"{runs}{of}; {failed}. {search_note(results)}"
    few = "; below 20 seeds, intervals are wide and tests weak" if counts[0] < 20 else ""
    return f"n = {n} paired seeds per arm{of}; {failed}{few}."


def search_note(results: Results) -> str:
    """Say how the settings were searched; nothing without a search."""
    search = results.protocol.search
    if search is None:
        return ""
    runs = results.runs[results.runs["stage"] == "search"]
    failed = _failures(int((runs["status"] != "ok").sum()), len(runs), "counted at the chance floor")
    return (
        f"Settings were searched in R = {count_of(search.searches, 'search')} of "
        f"K = {count_of(search.points, 'point')} on S = {count_of(search.seeds, 'tuning seed')}, in which {failed}."
    )


def count_of(number: int, word: str) -> str:
    """Write a number with its noun.

    >>> count_of(1, "search"), count_of(3, "search"), count_of(2, "point")
    ('1 search', '3 searches', '2 points')
    """
    ending = "" if number == 1 else "es" if word.endswith("search") else "s"
    return f"{number} {word}{ending}"


def _failures(failed: int, of: int, how: str) -> str:
    return f"{failed} of {of} runs failed ({how})" if failed else "no run failed"
