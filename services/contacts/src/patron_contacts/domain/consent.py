"""Consents: for which purposes a person's data may be used, on what basis, and until when.

There is one consent per purpose. The log tells all that were given and withdrawn; the newest one holds. What is
recorded late must not undo what came after it: a consent on paper from May does not bring back what was withdrawn
in June (GDPR art. 7 (3)).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from patron_contacts.domain.errors import ConsentOutOfOrder
from patron_contacts.domain.value_errors import ConsentEndsBefore, PurposeInvalid
from patron_events.catalog import contacts as events
from patron_events.decider import Dated
from patron_events.registry import Fact
from patron_values import moments, texts

PURPOSE: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")


class Consent(msgspec.Struct, frozen=True):
    """What holds for one purpose. given: None where a person objected without ever having agreed (GDPR art. 21)."""

    given: events.ConsentGiven | None = None
    given_at: datetime | None = None
    withdrawn_at: datetime | None = None


Consents = Mapping[str, Consent]


@dataclass(frozen=True, slots=True)
class GiveConsent:
    """Record that a person agreed; `at` is when, None for now."""

    consent: events.ConsentGiven
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WithdrawConsent:
    """Record that a person withdrew, or objected; `at` is when, None for now."""

    purpose: str
    source: str | None = None
    at: datetime | None = None


def purpose(value: str) -> str:
    """Read the name of a purpose; raises PurposeInvalid."""
    if not PURPOSE.fullmatch(value):
        raise PurposeInvalid(field="purpose")
    return value


def consent(name: str, body: Mapping[str, object], now: datetime) -> GiveConsent:
    """Read a consent.

    Raises:
        PurposeInvalid, ConsentEndsBefore, and the refusals of texts and times.
    """
    at = _at(body, now)
    expires = body.get("expires_at")
    expires_at = None if expires is None else moments.moment(expires, "expires_at")
    if expires_at is not None and expires_at <= (at or now):
        raise ConsentEndsBefore(field="expires_at")
    channel, basis = body.get("channel"), body.get("basis")
    fact = events.ConsentGiven(
        purpose=purpose(name),
        channel=None if channel is None else str(channel),
        basis="consent" if basis is None else str(basis),
        source=texts.optional_text(body.get("source"), "source"),
        wording=texts.optional_text(body.get("wording"), "wording"),
        expires_at=expires_at,
    )
    return GiveConsent(fact, at)


def withdrawal(name: str, body: Mapping[str, object], now: datetime) -> WithdrawConsent:
    """Read a withdrawal; raises PurposeInvalid, and the refusals of texts and times."""
    return WithdrawConsent(purpose(name), texts.optional_text(body.get("source"), "source"), _at(body, now))


def _at(body: Mapping[str, object], now: datetime) -> datetime | None:
    at = body.get("at")
    return None if at is None else moments.instant(at, "at", now=now)


def decide_consent(consents: Consents, command: GiveConsent | WithdrawConsent) -> tuple[Fact | Dated, ...]:
    """Answer a command with the fact it creates; none when it already holds.

    Raises:
        ConsentOutOfOrder: something later is on record for this purpose.
    """
    match command:
        case GiveConsent(fact, at):
            present = consents.get(fact.purpose, Consent())
            if present.withdrawn_at is None and present.given == fact and at in (None, present.given_at):
                return ()
            _check_order(present, at)
            return (fact if at is None else Dated(fact, at),)
        case WithdrawConsent(name, source, at):
            present = consents.get(name, Consent())
            if present.withdrawn_at is not None:
                return ()
            _check_order(present, at)
            withdrawn = events.ConsentWithdrawn(purpose=name, source=source)
            return (withdrawn if at is None else Dated(withdrawn, at),)


def _check_order(present: Consent, at: datetime | None) -> None:
    latest = max((one for one in (present.given_at, present.withdrawn_at) if one is not None), default=None)
    if at is not None and latest is not None and at < latest:
        raise ConsentOutOfOrder(field="at")


def evolve_consents(consents: Consents, event: Fact, at: datetime) -> Consents:
    """Fold one fact of consents."""
    match event:
        case events.ConsentGiven(purpose=name):
            return {**consents, name: Consent(event, at)}
        case events.ConsentWithdrawn(purpose=name):
            return {**consents, name: msgspec.structs.replace(consents.get(name, Consent()), withdrawn_at=at)}
        case _:
            return consents
