"""Refusals of quotes. The codes are part of the public contract."""

from typing import ClassVar

from patron_events.rejections import Conflict, Forbidden, Invalid, NotFound


class QuoteNotFound(NotFound):
    """No quote has this id."""

    code: ClassVar[str] = "quote-not-found"


class QuoteEmpty(Invalid):
    """A quote needs at least one line."""

    code: ClassVar[str] = "quote-empty"


class TooManyQuotes(Conflict):
    """The deal has as many quotes as it may have; write a new version of one."""

    code: ClassVar[str] = "too-many-quotes"


class QuoteStateWrong(Conflict):
    """This cannot be done with a quote in its present state."""

    code: ClassVar[str] = "quote-state-wrong"


class QuoteExpired(Conflict):
    """The quote is not valid any more; write a new version."""

    code: ClassVar[str] = "quote-expired"


class OwnQuote(Forbidden):
    """Whoever drafted a version cannot approve it."""

    code: ClassVar[str] = "quote-of-oneself"


class ApproverNotAsked(Forbidden):
    """The rules of the pipeline do not ask this caller for approval."""

    code: ClassVar[str] = "approver-not-asked"
