"""The tree of a rule, as it is written in JSON, kept in the log and given to the evaluators.

Every node answers true or false, never "unknown": a comparison with a value that is not there is false, and `ne`,
`not-in` and `missing` are true exactly where `eq`, `in` and `exists` are false. Facts in the future of the moment
of asking do not count. Times are compared in UTC; a day of a duration has 24 hours; calendar periods are those of
their time zone.
"""

from typing import Any, Final, Literal

import msgspec

Scalar = str | int | float | bool
Operator = Literal[
    "eq", "ne", "in", "not-in", "lt", "lte", "gt", "gte", "contains", "starts", "has", "has-any", "has-all",
    "exists", "missing", "before", "after", "within-last", "not-within-last", "within-next", "anniversary-within-next",
]  # fmt: skip
Compare = Literal["eq", "ne", "lt", "lte", "gt", "gte"]
FactKind = Literal["purchase", "interaction"]
CalendarPeriod = Literal[
    "today", "yesterday", "this-week", "last-week", "this-month", "last-month", "this-quarter", "last-quarter",
    "this-year", "last-year",
]  # fmt: skip
MOST_DEPTH: Final = 20
MOST_NODES: Final = 200


class Node(msgspec.Struct, frozen=True, tag_field="type", forbid_unknown_fields=True, omit_defaults=True):
    """One node of a rule."""


class Duration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A length of time: the sum of its parts, of which at least one is above 0."""

    days: int = 0
    hours: int = 0
    minutes: int = 0
    seconds: int = 0


class Period(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"since": "from"}):
    """When a fact happened; all parts that are given hold.

    last: after now minus this, up to now. since, until (`from`, `to` in JSON): RFC 3339 times or dates (midnight UTC),
    inclusive and exclusive. calendar: a whole period of the calendar in `time_zone` (IANA); weeks begin on Monday.
    """

    last: Duration | None = None
    since: str | None = None
    to: str | None = None
    calendar: CalendarPeriod | None = None
    time_zone: str = "UTC"


class Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A condition on one fact: a field of it, such as `amount`, `channel` or `properties.page`, and its value.

    currency: needed where the field is `amount`; facts in other currencies do not match.
    """

    field: str
    op: Operator
    value: Scalar | tuple[Scalar, ...] | Duration | None = None
    currency: str | None = None


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which facts of a customer are looked at: of one kind, all conditions fulfilled, within the period."""

    fact: FactKind
    where: tuple[Where, ...] = ()
    period: Period | None = None


class All(Node, frozen=True, tag="all"):
    """True when every rule is; true for none."""

    rules: tuple["Rule", ...]


class AnyOf(Node, frozen=True, tag="any"):
    """True when at least one rule is; false for none."""

    rules: tuple["Rule", ...]


class Not(Node, frozen=True, tag="not"):
    """True when its rule is false."""

    rule: "Rule"


class FieldIs(Node, frozen=True, tag="field"):
    """A field of the profile: `country`, `tags`, `custom.plan`, `company.industry`, `preferences.theme`.

    value: a scalar; a list for `in`, `not-in`, `has-any`, `has-all`; a Duration for the `within-…` operators; nothing
    for `exists` and `missing`. Texts are compared as they are, except that `contains` and `starts` ignore case, and
    e-mail addresses and phone numbers are compared in their normal form.
    `company.…` fields hold when any company that the person is linked to today fulfils them.
    """

    field: str
    op: Operator
    value: Scalar | tuple[Scalar, ...] | Duration | None = None


class InSegment(Node, frozen=True, tag="segment"):
    """True for the present members of another segment."""

    segment: str


class Measure(Node, frozen=True, tag="measure"):
    """A figure over the facts of a customer compared with a number.

    measure: count; or sum, average, least, greatest of `of` (`amount`, `quantity` or `duration_s`). Over no facts
    the count is 0, the sum is 0, and comparisons of the others are false. Amounts are decimal text or numbers in
    major units of `currency`, which is needed with `of: amount`; facts in other currencies do not count.
    """

    measure: Literal["count", "sum", "average", "least", "greatest"]
    facts: Facts
    op: Compare
    value: str | int | float
    of: Literal["amount", "quantity", "duration_s"] | None = None
    currency: str | None = None


class Moment(Node, frozen=True, tag="moment"):
    """The time of the first or last of the facts compared with a time.

    op: `before` or `after` with an RFC 3339 time or date; `within-last` or `not-within-last` with a Duration. Over no
    facts `not-within-last` is true and the others are false: "no interaction for 30 days".
    """

    which: Literal["first", "last"]
    facts: Facts
    op: Literal["before", "after", "within-last", "not-within-last"]
    value: str | Duration


class Followed(Node, frozen=True, tag="followed"):
    """A fact of `first` was followed by one of `then` within a time: "visited pricing, then bought within 7 days".

    negated: some fact of `first` was NOT followed by one of `then` although the time is over: "visited pricing then
    did not buy within 7 days". The follower is later than the first fact, at most `within` later. `then.period` is
    not allowed; `first.period` is.
    """

    first: Facts
    then: Facts
    within: Duration
    negated: bool = False


Rule = All | AnyOf | Not | FieldIs | InSegment | Measure | Moment | Followed


def rule_document(rule: Rule) -> dict[str, Any]:
    """Write a rule as a JSON document, in one form only: equal rules give equal documents."""
    # By way of the text, so that what is written equals what is read back from the log: lists, not tuples.
    return msgspec.json.decode(msgspec.json.encode(rule))


def read_rule(document: Any) -> Rule:
    """Read a document that was checked before; raises msgspec.ValidationError for anything that is no rule."""
    return msgspec.convert(document, Rule)
