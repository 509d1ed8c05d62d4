"""The winner of every search, as a table."""

from studies.formatting import percent
from studies.metric import error_text
from studies.results.table import Column, Table, setting_columns

WINNERS = Table(
    name="winners",
    title="The winners of every search",
    numbers=lambda results: results.winners,
    columns=(
        Column("arm", "arm"),
        *setting_columns(),
        Column("search", "search", str),
        Column("point", "point", str),
        Column("validation_error", "validation error", error_text, keys=("dataset", "validation_error")),
        Column("validation_density", "density", percent),
        Column("within_budget", "in budget", lambda within: "yes" if within else "no", flag=lambda within: not within),
        Column("eligible_points", "eligible points", str),
        Column("settings", "settings", outputs=("page",)),
    ),
    caption=lambda _: (
        "The configuration that each search chose: mean validation error and realised density on the tuning seeds, and "
        "how many of its points kept to the density budget."
    ),
    folded=True,
)
