"""What a study cannot show, in sentences."""

from studies.design.freezing import FrozenStudy
from studies.formatting import points
from studies.report.sentences import detectable, fewest_seeds_for_significance
from studies.results import Results, origin


def caveats(frozen: FrozenStudy, results: Results) -> list[str]:
    """Return a sentence for each limit of a finished study that its reader must know."""
    return [
        *_of_the_code(results),
        *_of_the_contrasts(results),
        *_of_the_sample(frozen),
        *_of_the_search(frozen),
        *_of_the_budget(results),
    ]


def _of_the_code(results: Results) -> list[str]:
    return origin.sentences(results.records) if origin.is_mixed(results.records) else []


def _of_the_contrasts(results: Results) -> list[str]:
    contrasts, protocol = results.contrasts, results.protocol
    if contrasts.empty:
        return ["No contrasts were frozen, so nothing here says that one strategy is better than another."]
    said = [detectable(contrasts)]
    fewest = fewest_seeds_for_significance(protocol.alpha, len(contrasts))
    if protocol.seeds < fewest:
        said.append(
            f"No contrast can be significant: a sign flip test of {protocol.seeds} seeds has no p value below "
            f"2/2^{protocol.seeds}, and with {len(contrasts)} in the family it takes at least {fewest} seeds."
        )
    return [*said, f"Differences below {points(protocol.delta, signed=False)} points are taken not to matter."]


def _of_the_sample(frozen: FrozenStudy) -> list[str]:
    said = []
    if frozen.sweep.seeds < 20:
        said.append(f"{frozen.sweep.seeds} seeds: below 20, intervals are wide and tests weak.")
    if frozen.sweep.test_split == "fixed":
        said.append(
            "All seeds share the same test examples, which no search has seen: intervals do not cover the draw of the "
            "test set."
        )
    what = " and ".join((" and ".join(frozen.sweep.datasets), " and ".join(frozen.sweep.networks)))
    return [*said, f"Nothing is said of other data and networks than {what}, or of longer training."]


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
