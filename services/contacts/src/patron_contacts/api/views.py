"""What a record looks like to a caller, as the log has it now."""

from datetime import datetime
from typing import Any

import msgspec

from patron_contacts.domain.consent import Consent
from patron_contacts.domain.record import Record
from patron_events.catalog import contacts as events
from patron_events.journal import Loaded
from patron_events.personal import Erased
from patron_events.registry import Fact
from patron_values.money import decimal_text


def _members(record: Record, *kinds: type[Fact]) -> dict[str, Any]:
    view: dict[str, Any] = {}
    for kind in kinds:
        facet = record.facets.get(kind)
        if facet is None:
            continue
        for name in kind.__struct_fields__:
            value = getattr(facet, name)
            if value is not None and value != ():
                view[name] = msgspec.to_builtins(value)
    return view


def _custom(record: Record) -> dict[str, Any]:
    facet = record.facet(events.CustomFieldsChanged)
    personal = () if isinstance(facet.personal, Erased) else facet.personal
    return {one.name: one.value for one in sorted((*facet.fields, *personal), key=lambda one: one.name)}


def _time(value: datetime | None) -> str | None:
    return None if value is None else msgspec.to_builtins(value)


def _shared(loaded: Loaded[Record]) -> dict[str, Any]:
    record = loaded.state
    view = _members(
        record,
        events.EmailsChanged,
        events.PhonesChanged,
        events.AddressesChanged,
        events.SocialHandlesChanged,
        events.TagsChanged,
        events.ExternalIdsChanged,
        events.OwnerAssigned,
    )
    custom = _custom(record)
    if custom:
        view["custom"] = custom
    if record.notes:
        view["notes"] = [
            {"note_id": note.note_id, "text": msgspec.to_builtins(note.text), "author": note.author}
            for note in record.notes.values()
        ]
    return view


def _frame(loaded: Loaded[Record], view: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": loaded.stream.id,
        "version": loaded.version,
        "status": loaded.state.status,
        "created_at": _time(loaded.state.created_at),
        "updated_at": _time(loaded.state.changed_at),
        **view,
    }


def person_view(loaded: Loaded[Record]) -> dict[str, Any]:
    """Show a person; members without a value are left out."""
    record = loaded.state
    view = _members(record, events.PersonNamed, events.PersonDetailsChanged, events.AcquisitionChanged)
    for name in ("first_touch", "last_touch"):
        if isinstance(view.get(name), tuple):  # at most one is ever written, and a view refuses no history
            view[name] = view[name][0]
    preferences = record.facet(events.PreferencesChanged).preferences
    if preferences and not isinstance(preferences, Erased):
        view["preferences"] = {one.name: one.value for one in preferences}
    if record.stage is not None:
        view["lifecycle_stage"] = record.stage
        view["lifecycle_stages"] = {stage: _time(at) for stage, at in record.stages.items()}
    if record.consents:
        view["consents"] = {purpose: _consent(one) for purpose, one in sorted(record.consents.items())}
    if record.links:
        view["companies"] = [
            {
                "company_id": link.company_id,
                "role": msgspec.to_builtins(link.role),
                "from": None if link.start is None else link.start.isoformat(),
                "to": None if link.end is None else link.end.isoformat(),
                "primary": link.primary,
            }
            for link in record.links.values()
        ]
    return _frame(loaded, {**view, **_shared(loaded)})


def _consent(consent: Consent) -> dict[str, Any]:
    view: dict[str, Any] = {"state": "given" if consent.withdrawn_at is None else "withdrawn"}
    given = consent.given
    if given is not None:
        members = {name: getattr(given, name) for name in ("channel", "basis", "source", "wording", "expires_at")}
        view |= {name: msgspec.to_builtins(value) for name, value in members.items() if value is not None}
    times = {"given_at": consent.given_at, "withdrawn_at": consent.withdrawn_at}
    return view | {name: _time(at) for name, at in times.items() if at is not None}


def company_view(loaded: Loaded[Record]) -> dict[str, Any]:
    """Show a company; members without a value are left out."""
    view = _members(loaded.state, events.CompanyNamed, events.CompanyDetailsChanged)
    revenue = loaded.state.facet(events.CompanyDetailsChanged).annual_revenue
    if revenue is not None:
        amount = decimal_text(revenue.amount_minor, revenue.currency)
        view["annual_revenue"] = {"amount": amount, "currency": revenue.currency}
    return _frame(loaded, {**view, **_shared(loaded)})
