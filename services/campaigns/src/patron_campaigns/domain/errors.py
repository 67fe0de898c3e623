"""Refusals of the campaigns context. The codes are part of the public contract."""

from typing import ClassVar

from patron_events.rejections import Conflict, Invalid, NotFound


class SegmentNotFound(NotFound):
    """No segment has this id."""

    code: ClassVar[str] = "segment-not-found"


class SegmentArchived(Conflict):
    """The segment is archived; make another one."""

    code: ClassVar[str] = "segment-archived"


class SegmentNameTaken(Conflict):
    """Another live segment has this name; upper and lower case count as the same."""

    code: ClassVar[str] = "segment-name-taken"


class SegmentInUse(Conflict):
    """Rules of other live segments look at this one; change them first."""

    code: ClassVar[str] = "segment-in-use"


class SegmentCycle(Invalid):
    """The rule would make a segment depend on itself."""

    code: ClassVar[str] = "segment-cycle"


class UnknownSegment(Invalid):
    """The rule names a segment that does not exist or is archived."""

    code: ClassVar[str] = "unknown-segment"


class NameMissing(Invalid):
    """A segment needs a name."""

    code: ClassVar[str] = "segment-name-missing"


class RuleNeeded(Invalid):
    """Dynamic and snapshot segments need a rule."""

    code: ClassVar[str] = "rule-needed"


class RuleNotAllowed(Invalid):
    """A static segment has no rule; its members are put in by hand."""

    code: ClassVar[str] = "rule-not-allowed"


class InvalidRule(Invalid):
    """The rule is wrong; `errors` names every part that is, with a code of docs/rules.md."""

    code: ClassVar[str] = "rule-invalid"


class NotASnapshot(Conflict):
    """Only the members of a snapshot segment are taken at a moment."""

    code: ClassVar[str] = "segment-not-snapshot"
