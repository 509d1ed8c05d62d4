"""Text as examples: windows of letters, of which the next letter is to be predicted."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import Dataset
from core.errors import InputError

WINDOW = 12  # letters that a prediction is made from
FEWEST, DEFAULT = 1000, 100_000  # windows
# The last tenth of the text is for tests. 20,000 windows tell mean bits to about .015.
TESTED_FROM = 0.9
MOST_TESTED = 20_000
# That are tested on, over which intervals are taken.
FEWEST_SEQUENCES = 10
# One byte for each letter that a place may hold: 12 places of 256 letters make 3 GB of a million windows.
MOST_LETTERS = 256


def letters_of(text: str) -> str:
    """Return the letters of a text in small ones, with one space for whatever is between them.

    >>> letters_of("In the beginning,\\n God's")
    'in the beginning god s'
    """
    return " ".join("".join(letter if letter.isalpha() else " " for letter in text.casefold()).split())


def most_windows(letters: str) -> int:
    """Return how many windows a text has, those to be tested on included, if one begins at every letter."""
    trained, tested = _positions(len(letters), WINDOW)
    return trained + MOST_TESTED if tested >= MOST_TESTED else min(trained + tested, 5 * tested)


def windows(letters: str, name: str, examples: int) -> Dataset:
    """Return windows of ``WINDOW`` letters, evenly spaced over a text, each with the letter that follows.

    The last windows, a fifth of them and at most ``MOST_TESTED``, are test examples, from the last tenth of the text;
    no letter of these is in the others.

    Args:
        letters: of the text, see :func:`letters_of`.
        name: of the dataset.
        examples: how many windows; at most :func:`most_windows`.

    Returns:
        ``x`` ``[examples, WINDOW * letters]`` uint8, 1 where a place of the window holds a letter, 0 elsewhere.

    Raises:
        InputError: the text is too short for so many windows, or has too many different letters.
    """
    most = most_windows(letters)
    if most < FEWEST:
        raise InputError(
            f"dataset {name}: its {len(letters)} letters make {most} windows, at least {FEWEST} are needed"
        )
    if not FEWEST <= examples <= most:
        made = f"{FEWEST}..{most}, as many as its {len(letters)} letters make"
        raise InputError(f"dataset {name}: {examples} windows are not in {made}")
    alphabet = "".join(sorted(set(letters)))
    if len(alphabet) > MOST_LETTERS:
        raise InputError(f"dataset {name}: has {len(alphabet)} different letters, at most {MOST_LETTERS} are read")
    codes = np.searchsorted(np.array(list(alphabet)), np.array(list(letters)))
    tested = min(MOST_TESTED, examples // 5)
    trained_positions, tested_positions = _positions(len(letters), WINDOW)
    first = len(letters) - WINDOW - tested_positions
    starts = np.concatenate(
        [_spread(trained_positions, examples - tested), first + _spread(tested_positions, tested)],
    )
    x = np.zeros((examples, WINDOW, len(alphabet)), np.uint8)
    for place in range(WINDOW):
        x[np.arange(examples), place, codes[starts + place]] = 1
    y = codes[starts + WINDOW].astype(np.int64)
    return Dataset(name, x.reshape(examples, -1), y, tested, "bits", alphabet, codes.astype(np.uint8))


def check_sequences(name: str, examples: int, context: int, *, text: bool) -> None:
    """Check that sequences can be made of a dataset.

    Args:
        name: of the dataset.
        examples: windows that it has.
        context: letters of a sequence.
        text: whether it is a text.

    Raises:
        InputError: it is no text, or makes too few sequences to be tested on.
    """
    if not text:
        raise InputError(f"dataset {name}: is no text, which sequences of {context} are made of; kjv is one")
    least = context * FEWEST_SEQUENCES * 5
    if examples < least:
        raise InputError(
            f"dataset {name}: {examples} windows make too few sequences of {context} letters; ask for {least} or more, "
            "or for a shorter context"
        )


def sequences(dataset: Dataset, context: int) -> Dataset:
    """Return a text as sequences of letters, in place of windows, each letter with the one that follows it.

    They are evenly spread over the text, and predict as many letters as the dataset has windows, or as many fewer as
    make whole sequences; the last ones, from the last tenth of the text, are for tests, as of :func:`windows`.

    Args:
        dataset: a text.
        context: letters of a sequence.

    Returns:
        ``x`` ``[N, context]`` uint8 and ``y`` ``[N, context]`` int64, classes of letters.

    Raises:
        InputError: the dataset is no text, or makes too few sequences.
    """
    check_sequences(dataset.name, len(dataset.y), context, text=bool(dataset.alphabet))
    trained, tested = (number // context for number in (len(dataset.y) - dataset.test_examples, dataset.test_examples))
    positions, tested_positions = _positions(len(dataset.letters), context)
    first = len(dataset.letters) - context - tested_positions
    starts = np.concatenate([_spread(positions, trained), first + _spread(tested_positions, tested)])
    letters = dataset.letters[starts[:, None] + np.arange(context + 1)]
    return replace(dataset, x=letters[:, :-1], y=letters[:, 1:].astype(np.int64), test_examples=tested)


def _positions(letters: int, window: int) -> tuple[int, int]:
    """Return where windows can begin: how many positions before the last tenth, and how many in it."""
    first_tested = int(TESTED_FROM * letters)
    return max(0, first_tested - window), max(0, letters - first_tested - window)


def _spread(positions: int, number: int) -> NDArray[np.int64]:
    return np.arange(number, dtype=np.int64) * positions // number
