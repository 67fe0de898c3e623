"""Facts of the segments context, which projections derive: who entered and left which segment, and why.

One aggregate per customer: `member`, with the customer's id. `cause` is event (`cause_id` is the id of the causing
event), time (the rule looks at the clock), rule (the definition changed; `cause_id` is that event's id), hand
(`cause_id` likewise), or segment (membership of another one changed; `cause_id` is that segment's id).
"""

from patron_events.registry import Fact, event_type


@event_type("segments.member-entered", version=1)
class MemberEntered(Fact, frozen=True):
    """The customer of this aggregate became a member. rule_version: 0 for static segments."""

    segment_id: str
    rule_version: int
    cause: str
    cause_id: str | None = None


@event_type("segments.member-left", version=1)
class MemberLeft(Fact, frozen=True):
    """The customer of this aggregate is no member any more."""

    segment_id: str
    rule_version: int
    cause: str
    cause_id: str | None = None


MemberEvent = MemberEntered | MemberLeft
