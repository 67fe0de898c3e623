"""Refusals of leads. The codes are part of the public contract."""

from typing import ClassVar

from patron_events.rejections import Conflict, Invalid, NotFound


class LeadNotFound(NotFound):
    """No lead has this id."""

    code: ClassVar[str] = "lead-not-found"


class LeadErased(Conflict):
    """The lead was erased; nothing can be written about it any more."""

    code: ClassVar[str] = "lead-erased"


class LeadClosed(Conflict):
    """The lead is converted or dead; only a dead one can be brought back, by its status."""

    code: ClassVar[str] = "lead-closed"


class LeadEmpty(Invalid):
    """A lead needs a name, an e-mail address, a phone number, a company name or an id of another system."""

    code: ClassVar[str] = "lead-empty"


class LeadMoveNotAllowed(Conflict):
    """From its present status the lead cannot move there; the detail names where it can."""

    code: ClassVar[str] = "lead-move-not-allowed"


class LeadReasonMissing(Invalid):
    """Leads are recycled, given up or brought back for a reason."""

    code: ClassVar[str] = "lead-reason-missing"


class LeadReasonInvalid(Invalid):
    """A reason is a code of up to 63 lower-case letters, digits and hyphens, beginning with a letter."""

    code: ClassVar[str] = "lead-reason-invalid"


class LeadUntilInvalid(Invalid):
    """Only a recycled lead comes back by itself, at a time after it was recycled."""

    code: ClassVar[str] = "lead-until-invalid"


class LeadUnassigned(Conflict):
    """Nobody is responsible for the lead; assign it to somebody instead."""

    code: ClassVar[str] = "lead-unassigned"


class LeadOutOfOrder(Conflict):
    """The lead was assigned or moved after this time already."""

    code: ClassVar[str] = "lead-out-of-order"
