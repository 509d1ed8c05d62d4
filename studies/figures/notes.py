"""What captions say of the runs behind a figure."""

from studies.results import Results


def sample_note(results: Results) -> str:
    """Say how many runs stand behind a figure, how many failed, and how their settings were found."""
    return f"{_seeds(results)} {search_note(results)}".strip()


def search_note(results: Results) -> str:
    """Say how the settings were searched; nothing without a search."""
    search = results.protocol.search
    if search is None:
        return ""
    runs = results.runs[results.runs["stage"] == "search"]
    failed = int((runs["status"] != "ok").sum())
    return (
        f"Settings were searched in R = {search.searches} {_plural('search', search.searches)} of "
        f"K = {search.points} {_plural('point', search.points)} on S = {search.seeds} tuning "
        f"{_plural('seed', search.seeds)}, in which {_failures(failed, len(runs))}; the selected configuration is the "
        "winner of the first."
    )


def _seeds(results: Results) -> str:
    counts = sorted(set(results.summary["n"]))
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    failed = _failures(int(results.summary["failures"].sum()), int(results.summary["n"].sum()))
    few = "; below 20 seeds, intervals are wide and tests weak" if counts[0] < 20 else ""
    return f"n = {n} paired seeds per strategy; {failed}{few}."


def _failures(failed: int, of: int) -> str:
    return f"{failed} of {of} runs failed and count at the chance floor" if failed else "no run failed"


def _plural(word: str, count: int) -> str:
    ending = "es" if word.endswith("ch") else "s"
    return word if count == 1 else word + ending
