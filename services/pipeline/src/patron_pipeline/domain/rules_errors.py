"""Refusals about rules, assignment and score. The codes are part of the public contract."""

from typing import ClassVar

from patron_events.rejections import Conflict, Invalid, NotFound


class RulesInvalid(Invalid):
    """The rules are wrong; `errors` names every part that is, with a code of docs/pipeline-rules.md."""

    code: ClassVar[str] = "rules-invalid"


class RulesNotFound(NotFound):
    """There are no rules of this name; `assignment` and `score` exist."""

    code: ClassVar[str] = "rules-not-found"


class RulesVersionNotFound(NotFound):
    """These rules have no such version."""

    code: ClassVar[str] = "rules-version-not-found"


class RulesUnpublished(Conflict):
    """No version of these rules is published."""

    code: ClassVar[str] = "rules-unpublished"


class NothingToRollBack(Conflict):
    """No other version was published before the present one."""

    code: ClassVar[str] = "rules-nothing-to-roll-back"


class LeadUnclear(Invalid):
    """A lead to be tried is named by its id, or described by fields of docs/pipeline-rules.md with values that fit."""

    code: ClassVar[str] = "lead-unclear"


class LeadPlaced(Conflict):
    """Somebody is responsible for the lead already, or it waits in a queue, or it is closed."""

    code: ClassVar[str] = "lead-placed"
