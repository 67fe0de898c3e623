"""Web forms that leads come through: what they may send, from where, how often."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import structs

from patron_events.catalog.pipeline import settings as events
from patron_events.decider import Decider
from patron_events.rejections import Conflict, Invalid, NotFound

FIELDS: Final = frozenset(
    {
        "given_name",
        "family_name",
        "email",
        "phone",
        "job_title",
        "message",
        "language",
        "time_zone",
        "company_name",
        "industry",
        "employees",
        "country",
        "region",
        "postal_code",
        "product_interest",
        "source",
        "medium",
        "campaign",
    }
)
"""What a form can send; besides `attributes.<name>`."""

_ATTRIBUTE: Final = re.compile(r"attributes\.[A-Za-z][A-Za-z0-9_-]{0,62}")
_HONEYPOT: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")


class FormNotFound(NotFound):
    """There is no such form, or it takes nothing any more."""

    code: ClassVar[str] = "form-not-found"


class FormRetired(Conflict):
    """The form was retired; define another one."""

    code: ClassVar[str] = "form-retired"


class FormInvalid(Invalid):
    """The definition of the form contradicts itself; the detail says where."""

    code: ClassVar[str] = "form-invalid"


class Form(msgspec.Struct, frozen=True):
    """A form as the log tells it. status: absent, live or retired."""

    status: str = "absent"
    defined: events.FormDefined = events.FormDefined(name="", fields=(), honeypot="")


@dataclass(frozen=True, slots=True)
class DefineForm:
    """Say what the form is from now on."""

    defined: events.FormDefined


@dataclass(frozen=True, slots=True)
class RetireForm:
    """Take nothing through the form any more."""


def _check(defined: events.FormDefined) -> None:
    for number, name in enumerate(defined.fields):
        if name not in FIELDS and not _ATTRIBUTE.fullmatch(name):
            raise FormInvalid("A form cannot send this field.", field=f"fields[{number}]")
    if not _HONEYPOT.fullmatch(defined.honeypot) or defined.honeypot in {*FIELDS, *defined.fields}:
        raise FormInvalid("The honeypot is a name of its own, of letters, digits, _ and -.", field="honeypot")
    for number, origin in enumerate(defined.origins):
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or origin != f"{parts.scheme}://{parts.netloc}" or not parts.netloc:
            raise FormInvalid("An origin is a scheme and a host.", field=f"origins[{number}]")


def decide(form: Form, command: DefineForm | RetireForm) -> Sequence[events.FormEvent]:
    """Answer a command with the facts it creates; none when they already hold."""
    match form.status, command:
        case "retired", DefineForm():
            raise FormRetired
        case _, DefineForm(defined):
            _check(defined)
            return () if defined == form.defined else (defined,)
        case "absent", RetireForm():
            raise FormNotFound
        case _, RetireForm():
            return () if form.status == "retired" else (events.FormRetired(),)


def evolve(form: Form, event: events.FormEvent, at: datetime) -> Form:  # noqa: ARG001 - one shape for all
    """Fold one recorded fact."""
    match event:
        case events.FormDefined():
            return Form("live", event)
        case events.FormRetired():
            return structs.replace(form, status="retired")


FORM: Final = Decider(category="pipeline.form", initial=Form(), decide=decide, evolve=evolve)
