"""Named segments of scores."""

from itertools import product

import pytest

from patron_rules.rfm import NAMES, SEGMENTS, segment_of, worth_of

SCORES = range(1, 6)


def test_every_cell_has_exactly_one_name() -> None:
    for recency, frequency, monetary in product(SCORES, repeat=3):
        worth = worth_of(frequency, monetary)
        names = [
            one.name
            for one in SEGMENTS
            if one.recency[0] <= recency <= one.recency[1] and one.worth[0] <= worth <= one.worth[1]
        ]
        assert names == [segment_of(recency, frequency, monetary)]
    assert {segment_of(*cell) for cell in product(SCORES, repeat=3)} == set(NAMES)


def test_the_best_and_the_worst() -> None:
    assert (segment_of(5, 5, 5), segment_of(1, 1, 1), segment_of(5, 1, 1)) == ("Champions", "Lost", "New customers")
    assert (worth_of(4, 5), worth_of(1, 2), worth_of(3, 3)) == (5, 2, 3)


@pytest.mark.parametrize("cell", [(0, 1, 1), (1, 6, 1), (1, 1, -1)])
def test_there_are_five_scores(cell: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (the kind is all that is promised)
        segment_of(*cell)
