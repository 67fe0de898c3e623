"""Facts of people alone."""

from datetime import date, datetime

from patron_events.catalog.contacts.records import RecordEvent
from patron_events.catalog.contacts.values import Attribute, Touch
from patron_events.personal import Personal
from patron_events.registry import Fact, event_type


@event_type("contacts.person-created", version=1)
class PersonCreated(Fact, frozen=True):
    """A person became known; what is known of them stands in the facts of the same commit."""


@event_type("contacts.person-named", version=1)
class PersonNamed(Fact, frozen=True):
    """The parts of the name, as in vCard N and NICKNAME."""

    given_name: Personal[str] | None = None
    family_name: Personal[str] | None = None
    additional_name: Personal[str] | None = None
    honorific_prefix: Personal[str] | None = None
    honorific_suffix: Personal[str] | None = None
    nickname: Personal[str] | None = None


@event_type("contacts.person-details-changed", version=1)
class PersonDetailsChanged(Fact, frozen=True):
    """Single-valued facts about a person. language: BCP 47; time_zone: IANA name."""

    job_title: Personal[str] | None = None
    department: str | None = None
    language: str | None = None
    time_zone: str | None = None
    birth_date: Personal[date] | None = None
    gender: Personal[str] | None = None
    description: Personal[str] | None = None


@event_type("contacts.preferences-changed", version=1)
class PreferencesChanged(Fact, frozen=True):
    """All preferences of a person, in order of name."""

    preferences: Personal[tuple[Attribute, ...]] = ()


@event_type("contacts.acquisition-changed", version=1)
class AcquisitionChanged(Fact, frozen=True):
    """Where a person came from: lead source, first and last touch (none or one each)."""

    lead_source: str | None = None
    first_touch: Personal[tuple[Touch, ...]] = ()
    last_touch: Personal[tuple[Touch, ...]] = ()


@event_type("contacts.consent-given", version=1)
class ConsentGiven(Fact, frozen=True):
    """The person agreed, at the time of this fact, that their data are used for a purpose (GDPR art. 6 and 7).

    purpose: a short name such as `newsletter`. channel: email, phone, post, sms or None for all.
    basis: consent, contract, legal-obligation, vital-interests, public-task or legitimate-interests (GDPR art. 6 (1)).
    source: where it was given, such as `web-form`; wording: name and version of the text that was agreed to.
    """

    purpose: str
    channel: str | None = None
    basis: str = "consent"
    source: str | None = None
    wording: str | None = None
    expires_at: datetime | None = None


@event_type("contacts.consent-withdrawn", version=1)
class ConsentWithdrawn(Fact, frozen=True):
    """The person withdrew their consent or objected, at the time of this fact (GDPR art. 7 (3), art. 21)."""

    purpose: str
    channel: str | None = None
    source: str | None = None


@event_type("contacts.lifecycle-stage-changed", version=1)
class LifecycleStageChanged(Fact, frozen=True):
    """The person moved along the customer lifecycle at the time of this fact."""

    to: str
    was: str | None = None


@event_type("contacts.company-linked", version=1)
class CompanyLinked(Fact, frozen=True):
    """The person works for, or has another role at, a company. Dates are inclusive; None is open."""

    company_id: str
    role: Personal[str] | None = None
    start: date | None = None
    end: date | None = None
    primary: bool = False


@event_type("contacts.company-unlinked", version=1)
class CompanyUnlinked(Fact, frozen=True):
    """The link was a mistake; a link that ended keeps an `end` instead."""

    company_id: str


PersonEvent = (
    PersonCreated
    | PersonNamed
    | PersonDetailsChanged
    | PreferencesChanged
    | AcquisitionChanged
    | ConsentGiven
    | ConsentWithdrawn
    | LifecycleStageChanged
    | CompanyLinked
    | CompanyUnlinked
    | RecordEvent
)
