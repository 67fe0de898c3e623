"""The eight named segments of recency, frequency and monetary value, and which scores belong to which.

Scores are quintiles, 1 (lowest fifth) to 5 (highest): recency of the last purchase, number of orders, sum of money.
The worth of a customer is the mean of frequency and monetary score, halves rounded up. The names are those that
Putler, Klaviyo and others use; each draws the borders in its own way, and these are ours: by recency and worth.

    recency 5 | New customers | Potential loyalist | Potential loyalist | Champions | Champions
    recency 4 | Promising     | Potential loyalist | Potential loyalist | Loyal     | Loyal
    recency 3 | Promising     | Needs attention    | Needs attention    | Loyal     | Loyal
    recency 2 | Lost          | Lost               | At risk            | At risk   | At risk
    recency 1 | Lost          | Lost               | At risk            | At risk   | At risk
        worth | 1             | 2                  | 3                  | 4         | 5
"""

from typing import Final, NamedTuple


class NamedSegment(NamedTuple):
    """A named segment: the scores of recency and of worth that belong to it, both ends included."""

    name: str
    recency: tuple[int, int]
    worth: tuple[int, int]


SEGMENTS: Final = (
    NamedSegment("Champions", (5, 5), (4, 5)),
    NamedSegment("Loyal", (3, 4), (4, 5)),
    NamedSegment("Potential loyalist", (4, 5), (2, 3)),
    NamedSegment("New customers", (5, 5), (1, 1)),
    NamedSegment("Promising", (3, 4), (1, 1)),
    NamedSegment("Needs attention", (3, 3), (2, 3)),
    NamedSegment("At risk", (1, 2), (3, 5)),
    NamedSegment("Lost", (1, 2), (1, 2)),
)
NAMES: Final = tuple(segment.name for segment in SEGMENTS)
LEAST: Final = 1
MOST: Final = 5


def worth_of(frequency: int, monetary: int) -> int:
    """Give the mean of two scores, halves rounded up."""
    return (frequency + monetary + 1) // 2


def segment_of(recency: int, frequency: int, monetary: int) -> str:
    """Name the segment of three scores; every one of the 125 cells has exactly one.

    Raises:
        ValueError: a score is not 1 to 5.
    """
    if not all(LEAST <= score <= MOST for score in (recency, frequency, monetary)):
        raise ValueError
    worth = worth_of(frequency, monetary)
    return next(
        one.name
        for one in SEGMENTS
        if one.recency[0] <= recency <= one.recency[1] and one.worth[0] <= worth <= one.worth[1]
    )
