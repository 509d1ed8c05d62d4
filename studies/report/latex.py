"""Tables for papers, in booktabs; what is emphasised follows verdicts, not the lowest number."""

from collections.abc import Sequence

import pandas as pd

from studies.results.table import Cell, Column, Table

# All ten signs that mean something to LaTeX, those that its usual text fonts lack, and our own.
_SIGNS = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "%": r"\%",
        "&": r"\&",
        "#": r"\#",
        "$": r"\$",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        # Straight ones are in no font of the default encoding.
        '"': "''",
        "τ": r"$\tau$",
        "λ": r"$\lambda$",
        "µ": r"$\mu$",
        "≤": r"$\leq$",
        "≈": r"$\approx$",
        "↓": r"$\downarrow$",
        "−": "$-$",
        "–": "--",
        "“": "``",
        "”": "''",
    }
)
_MARKS = {"better": r"\textbf{%s}", "equivalent": r"%s $\approx$", "worse": r"%s $\downarrow$"}
_UNITS = (" %", " bits")
# As wide as it is, or as the column if that is less: \width is the table's own.
_FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


def escaped(text: str) -> str:
    r"""Return words in which no sign means anything to LaTeX but what it looks like.

    >>> print(escaped("A&B_1, 50 % of $x^2$"))
    A\&B\_1, 50 \% of \$x\textasciicircum{}2\$
    """
    return text.translate(_SIGNS)


def latex_table(table: Table, numbers: pd.DataFrame, caption: str) -> str:
    r"""Return the LaTeX source of a table, which needs ``\usepackage{booktabs,graphicx}``.

    The unit that all cells of a column have stands in its head instead. A table that is wider than the column of the
    document is made smaller.
    """
    columns = table.shown(numbers, "paper")
    rows = table.cells(numbers, "paper")
    by_column = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    heads, texts = zip(*(_written(*pair) for pair in zip(columns, by_column, strict=True)), strict=True)
    # Headings may repeat, and a frame of strings has no formats of its own.
    frame = pd.DataFrame(list(zip(*texts, strict=True)), columns=range(len(columns)))
    source: str = (
        frame.style.hide(axis="index")
        .format_index(lambda place: heads[int(str(place))], axis="columns")
        .to_latex(
            hrules=True,
            column_format="".join("l" if column.text is None else "r" for column in columns),
            position="t",
            position_float="centering",
            caption=escaped(caption),
            label=f"tab:{table.name}",
        )
    )
    # The styler has no place for what goes around the rows.
    begin, end = r"\begin{tabular}", r"\end{tabular}"
    return source.replace(begin, f"{_FITTED}\n{begin}").replace(end, f"{end}%\n}}")


def _written(column: Column, cells: Sequence[Cell]) -> tuple[str, list[str]]:
    """Return the head of a column and its cells."""
    written = [cell.text for cell in cells if cell.text != "–"]
    units = [unit for unit in _UNITS if written and all(text.endswith(unit) for text in written)]
    unit = units[0] if units and column.text is not None else ""
    head = f"{column.head} ({unit.strip()})" if unit else column.head
    texts = (cell.text.removesuffix(unit) for cell in cells)
    marks = (_MARKS.get(cell.verdict, "%s") for cell in cells)
    return escaped(head), [mark % escaped(text).replace(" -- ", "--") for mark, text in zip(marks, texts, strict=True)]
