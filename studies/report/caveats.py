"""What a study cannot show, in sentences."""

from studies.design.freezing import FrozenStudy
from studies.report.drawing.notes import count_of
from studies.report.sentences import detectable
from studies.results import Results, origin
from studies.results.contrasts import share_that_matters
from studies.results.examples.covered import BOTH, over


def caveats(frozen: FrozenStudy, results: Results) -> list[str]:
    """Return a sentence for each limit of a finished study that its reader must know."""
    return [
        *_of_the_code(results),
        *_of_the_contrasts(results),
        *_of_the_sample(frozen, results),
        *_of_the_search(frozen),
        *_of_the_budget(results),
    ]


def _of_the_code(results: Results) -> list[str]:
    return origin.sentences(results.all_records) if origin.is_mixed(results.all_records) else []


def _of_the_contrasts(results: Results) -> list[str]:
    contrasts, protocol = results.contrasts, results.protocol
    if not contrasts["primary"].any():
        return ["The study names no primary contrast, so nothing here says that one strategy is better than another."]
    if protocol.look is None:
        looks = ", ".join(map(str, protocol.looks)) or "at least 2"
        units = protocol.unit_name
        return [
            f"There is no verdict at {protocol.units} {units}: the study looks at {looks} {units}. "
            f"{units.capitalize()} that are added until something is found find it too often, so everything here is "
            "exploratory."
        ]
    said = [smallest] if (smallest := detectable(contrasts)) else []
    return [*said, f"Differences below {share_that_matters(results)} of the reference's error are taken not to matter."]


def _of_the_sample(frozen: FrozenStudy, results: Results) -> list[str]:
    said, search = [], frozen.sweep.search
    if search is not None:
        said.append(
            f"Intervals are over {count_of(search.searches, 'search')} whose winners have "
            f"{count_of(frozen.sweep.seeds, 'seed')} each: more seeds do not make up for searches."
        )
    elif frozen.sweep.seeds < 20:
        said.append(f"{frozen.sweep.seeds} seeds: below 20, intervals are wide and tests weak.")
    said.append(_of_the_examples(frozen, results))
    what = " and ".join((" and ".join(frozen.sweep.datasets), " and ".join(frozen.sweep.networks)))
    return [*said, f"Nothing is said of other data and networks than {what}, or of longer training."]


_SHARED = {
    "resampled": "Seeds draw their test examples from one set",
    "fixed": "All seeds share the same test examples, which no search has seen",
    "development": "All seeds are tested on the development examples, by which defaults are chosen",
}


def _of_the_examples(frozen: FrozenStudy, results: Results) -> str:
    """Say what intervals of errors and contrasts cover of test and training examples."""
    shared = _said_of_sharing(frozen, results)
    covered = over(results.summary)
    other = (
        "the set that networks are trained on is one and the same for all seeds, and another is covered only in part."
    )
    if covered == BOTH:
        return (
            f"{shared}: intervals of errors and contrasts are over {covered}. Other intervals are over seeds; {other}"
        )
    return f"{shared}, and intervals are over {covered}: on other examples errors differ by more. And {other}"


def _said_of_sharing(frozen: FrozenStudy, results: Results) -> str:
    """Say which test examples seeds share; a dataset that comes with a test split keeps it, whatever a study asks."""
    shared = _SHARED[frozen.sweep.test_split]
    own = [name for name in frozen.sweep.datasets if frozen.sweep.test_split == "resampled" and _keeps(name, results)]
    if not own:
        return shared
    said = f"all seeds share the test examples that {' and '.join(own)} {'comes' if len(own) == 1 else 'come'} with"
    return f"{said[0].upper()}{said[1:]}" if len(own) == len(frozen.sweep.datasets) else f"{shared}, and {said}"


def _keeps(dataset: str, results: Results) -> bool:
    """Whether runs on a dataset were tested on the same examples, whatever their seeds."""
    fields = {
        record["config"]["seed"]: field
        for record in results.records
        if record["config"]["dataset"] == dataset
        if (field := record.get("test_hits") or record.get("test_bits"))
    }
    return len(fields) > 1 and len({(field["first"], field["among"]) for field in fields.values()}) == 1


def _of_the_search(frozen: FrozenStudy) -> list[str]:
    search = frozen.sweep.search
    if search is None:
        return ["Every strategy runs at the settings below, unsearched: another setting may do better, or worse."]
    return [
        f"Each strategy was given {search.points} configurations. A strategy with more settings, or whose good ones "
        "are rare, may gain more from a larger search; the figure of expected validation error shows what more points "
        "bought."
    ]


def _of_the_budget(results: Results) -> list[str]:
    over = int(results.summary["over_budget"].sum())
    if not over:
        return []
    return [
        f"{over} of {int(results.summary['n'].sum())} runs opened more blocks on the test split than target and "
        "tolerance allow: their errors were in part bought with compute. The table says whose."
    ]
