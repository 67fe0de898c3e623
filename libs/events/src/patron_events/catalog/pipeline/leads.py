"""Facts about leads: somebody who may become a customer, from capture to conversion.

The personal part of a lead is sealed under the key of the lead itself; when the person it became is erased, so is it.
Ids are UUIDs in text form. Owners are the `sub` of their tokens.
"""

from datetime import datetime

import msgspec

from patron_events.catalog.contacts import Attribute
from patron_events.personal import Personal
from patron_events.registry import Fact, event_type


class ScorePart(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one rule added to a score.

    points: exact decimal in text, after decay. of: points before decay. at: of the newest fact that counted.
    """

    rule: str
    points: str
    of: str
    at: datetime | None = None


@event_type("pipeline.lead-captured", version=1)
class LeadCaptured(Fact, frozen=True):
    """A lead became known at the time of this fact.

    channel: api, file, form or email. form_id: the web form. source, medium, campaign: as in UTM.
    external_source, external_id: the id in another system, unique together.
    """

    channel: str
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    form_id: str | None = None
    external_source: str | None = None
    external_id: str | None = None


@event_type("pipeline.lead-described", version=1)
class LeadDescribed(Fact, frozen=True):
    """Who the lead is, as they said themselves. phone: as typed; phone_e164: where a region was known to read it by."""

    given_name: Personal[str] | None = None
    family_name: Personal[str] | None = None
    email: Personal[str] | None = None
    phone: Personal[str] | None = None
    phone_e164: Personal[str] | None = None
    job_title: Personal[str] | None = None
    message: Personal[str] | None = None
    language: str | None = None
    time_zone: str | None = None


@event_type("pipeline.lead-profiled", version=1)
class LeadProfiled(Fact, frozen=True):
    """What else is known of the lead, not personal. country: ISO 3166-1 alpha-2; attributes in order of name."""

    company_name: str | None = None
    industry: str | None = None
    employees: int | None = None
    country: str | None = None
    region: str | None = None
    postal_code: str | None = None
    product_interest: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    attributes: tuple[Attribute, ...] = ()


@event_type("pipeline.lead-matched", version=1)
class LeadMatched(Fact, frozen=True):
    """The person and company of the contacts context that the lead is taken to be; None where nobody was found."""

    person_id: str | None = None
    company_id: str | None = None


@event_type("pipeline.lead-assigned", version=1)
class LeadAssigned(Fact, frozen=True):
    """Somebody is responsible from now on.

    owner: None while it waits in a queue. team, queue: where it came through.
    rule, rules_version: the assignment rule that decided; None by hand. strategy: by-hand, rep, round-robin,
    least-busy, territory, capacity, queue or fallback. why: what held, in words for people, without personal data.
    """

    owner: str | None
    was: str | None = None
    team: str | None = None
    queue: str | None = None
    rule: str | None = None
    rules_version: int | None = None
    strategy: str = "by-hand"
    why: str | None = None


@event_type("pipeline.lead-status-changed", version=1)
class LeadStatusChanged(Fact, frozen=True):
    """The lead moved on. to: new, assigned, working, qualified, recycled or dead. reason: a code of the installation.

    until: a recycled lead comes back then.
    """

    to: str
    was: str
    reason: str | None = None
    until: datetime | None = None


@event_type("pipeline.lead-scored", version=1)
class LeadScored(Fact, frozen=True):
    """The score changed at the time of this fact. score: exact decimal in text; parts explain it, in order of rule.

    next_at: when it changes next by time alone.
    """

    score: str
    rules_version: int
    was: str | None = None
    grade: str | None = None
    parts: tuple[ScorePart, ...] = ()
    next_at: datetime | None = None


@event_type("pipeline.lead-converted", version=1)
class LeadConverted(Fact, frozen=True):
    """The lead became a customer. created: which of person, company and deal did not exist before, sorted."""

    was: str
    person_id: str
    company_id: str | None = None
    deal_id: str | None = None
    created: tuple[str, ...] = ()


@event_type("pipeline.lead-conversion-relinked", version=1)
class LeadConversionRelinked(Fact, frozen=True):
    """Contacts knew the person or company already under another id; that one counts from now on."""

    person_id: str
    company_id: str | None = None


@event_type("pipeline.lead-erased", version=1)
class LeadErased(Fact, frozen=True):
    """The key of the lead was destroyed (GDPR art. 17). person_id: whose erasure caused it; None by itself."""

    person_id: str | None = None


LeadEvent = (
    LeadCaptured
    | LeadDescribed
    | LeadProfiled
    | LeadMatched
    | LeadAssigned
    | LeadStatusChanged
    | LeadScored
    | LeadConverted
    | LeadConversionRelinked
    | LeadErased
)
