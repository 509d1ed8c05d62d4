"""What is said of a study that was run, and the exit code."""

from studies.cli import output
from studies.launch.whole_study import Outcome
from studies.records.folder import ResultsFolder
from studies.report.terminal import terminal_table
from studies.results import Results
from studies.results.summary import SUMMARY
from studies.running.progress import describe

DONE, FAILED, INTERRUPTED = 0, 1, 130
# Failed runs that are named at the end; all of them are in the report.
MOST_NAMED = 10


def print_ending(outcome: Outcome, folder: ResultsFolder) -> int:
    """Print the summary and what failed, if all was run, and return the exit code."""
    if outcome.ending.interrupted:
        return INTERRUPTED
    if outcome.results is None:
        return FAILED
    output.console.print(terminal_table(SUMMARY, SUMMARY.numbers(outcome.results), output.console.width))
    failed = _print_failed(outcome.results)
    output.console.print(f"report: {folder.path / 'report.html'}", soft_wrap=True)
    return FAILED if failed or outcome.other_networks else DONE


def _print_failed(results: Results) -> int:
    """Print which runs failed, and return how many of them count."""
    console = output.console
    arms = results.all_runs["arm"]
    failed = [(record, arm) for record, arm in zip(results.all_records, arms, strict=True) if record["status"] != "ok"]
    searched = sum(record["config"]["stage"] == "search" for record, _ in failed)
    if searched:
        console.print(f"in the search {searched} runs failed; they count at the chance floor there")
    failed = [(record, arm) for record, arm in failed if record["config"]["stage"] == "evaluate"]
    for record, arm in failed[:MOST_NAMED]:
        console.print(f"failed: {describe(record, arm)}", soft_wrap=True)
    if len(failed) > MOST_NAMED:
        console.print(f"and {len(failed) - MOST_NAMED} more runs failed; the report lists all {len(failed)}")
    return len(failed)
