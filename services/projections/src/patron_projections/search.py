"""Search in a directory: beginnings of words, and words that are alike (pg_trgm), ranked together."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Numeric, and_, cast, func, literal, or_, select

from patron_projections.records import normalised, number_key

_MOST_WORDS: Final = 8
_SHORTEST_ALIKE: Final = 3
_NOT_WORDS: Final = re.compile(r"[^\w@.+\-]+")
_MOST_COMPANIES: Final = 100


class Search(NamedTuple):
    """What must hold for a row to be found, and how well it fits."""

    condition: ColumnElement[bool]
    score: ColumnElement[Any]


def words_of(q: str) -> list[str]:
    """Split a search into its first eight words, as they are stored."""
    words = (word.strip(".-+_") for word in _NOT_WORDS.split(normalised(q)))
    return [word for word in words if word][:_MOST_WORDS]


def _prefix(word: str) -> ColumnElement[Any]:
    return func.to_tsquery("simple", "'" + word.replace("\\", "").replace("'", "") + "':*")


def _found(view: FromClause, word: str) -> ColumnElement[bool]:
    begins = view.c.search.op("@@", is_comparison=True)(_prefix(word))
    if len(word) < _SHORTEST_ALIKE:
        return begins
    return or_(begins, literal(word).op("<%", is_comparison=True)(view.c.search_text))


def searched(view: FromClause, words: Sequence[str], companies: FromClause | None = None) -> Search:
    """Find rows that have all words.

    companies: rows are also found by the name of a company that they are linked to.
    """
    condition: ColumnElement[bool] = and_(*(_found(view, word) for word in words))
    number = number_key("".join(words))
    if len(words) > 1 and number.isdecimal():
        # A telephone number: how its digits are grouped is a matter of taste.
        condition = or_(condition, view.c.search.op("@@", is_comparison=True)(_prefix(number)))
    if companies is not None:
        theirs = and_(*(_found(companies, word) for word in words))
        ids = select(companies.c.id).where(theirs).limit(_MOST_COMPANIES).scalar_subquery()
        if "company_ids" in view.c:
            condition = or_(condition, view.c.company_ids.op("&&", is_comparison=True)(func.array(ids)))
        else:
            condition = or_(condition, view.c.company_id == func.any(func.array(ids)))
    likeness: ColumnElement[Any] = literal(0.0)
    for word in words:
        likeness = likeness + func.word_similarity(literal(word), view.c.search_text)
        likeness = likeness + func.ts_rank(view.c.search, _prefix(word))
    return Search(condition, func.round(cast(likeness, Numeric), 6))
