"""Use cases of web forms: define, retire, sign a page's token, take what a visitor sends.

A token is signed, names its form and the time it was made, and serves for one submission: what is sent with it again
is the same lead. Robots fill a field that people do not see; they are thanked like everybody and nothing is kept.
"""

import hmac
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Protocol
from uuid import UUID, uuid5

import msgspec

from patron_events.catalog.pipeline import settings as events
from patron_events.decisions import Asked, Committed, Decisions
from patron_events.envelope import Actor, Cause
from patron_events.journal import Loaded
from patron_events.rejections import Forbidden, Invalid
from patron_events.vault import BlindIndex
from patron_pipeline.domain.form import FORM, DefineForm, Form, FormNotFound, RetireForm
from patron_pipeline.handlers.leads import LeadHandlers

_COMMANDS: Final = UUID("a3d5b8f2-1c4e-5f60-9b7a-3d8e2c1f4a55")
_MINUTE_S: Final = 60.0
_MOST_KNOWN: Final = 10_000
_CLOCK_S: Final = 300
"""How far the clocks of two replicas may differ, so that a token made by the other one is not from the future."""


class FormTokenInvalid(Invalid):
    """The token is not one of this form, or it is too old; load the form again."""

    code: ClassVar[str] = "form-token-invalid"


class FormFieldUnknown(Invalid):
    """The form does not have this field."""

    code: ClassVar[str] = "form-field-unknown"


class OriginNotAllowed(Forbidden):
    """The form may not be sent from this web page."""

    code: ClassVar[str] = "origin-not-allowed"


class TooManySubmissions(Exception):
    """One address sends more often than the form allows."""


class SubmissionLimits(Protocol):
    """Counts what one address sends through a form within the last minute."""

    async def count(self, form_id: str, who: str) -> int:
        """Count one more submission and tell how many there were with it; `who` is a keyed hash of the address."""
        ...


class MemoryLimits:
    """Counts within this process: for tests, and where there is no server."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], deque[float]] = {}

    async def count(self, form_id: str, who: str) -> int:
        """Count one more submission."""
        now = time.monotonic()
        if len(self._times) > _MOST_KNOWN:
            self._times = {key: one for key, one in self._times.items() if one[-1] > now - _MINUTE_S}
        times = self._times.setdefault((form_id, who), deque())
        while times and times[0] <= now - _MINUTE_S:
            times.popleft()
        times.append(now)
        return len(times)


@dataclass(frozen=True, slots=True)
class Submission:
    """What a visitor sends. address: where it comes from; origin: of the web page, None where nobody says."""

    token: str
    fields: Mapping[str, Any]
    address: str
    origin: str | None
    correlation_id: str


@dataclass(frozen=True, slots=True)
class FormHandlers:
    """Use cases of forms."""

    decisions: Decisions
    leads: LeadHandlers
    index: BlindIndex
    limits: SubmissionLimits = field(default_factory=MemoryLimits)

    async def define(self, form_id: str, defined: events.FormDefined, asked: Asked) -> Committed:
        """Say what a form is from now on; raises FormInvalid, FormRetired."""
        return await self.decisions.run(FORM, form_id, DefineForm(defined), asked)

    async def retire(self, form_id: str, asked: Asked) -> Committed:
        """Take nothing through a form any more; raises FormNotFound."""
        return await self.decisions.run(FORM, form_id, RetireForm(), asked)

    async def read(self, form_id: str) -> Loaded[Form]:
        """Read a form from the log as it is now; raises FormNotFound."""
        loaded = await self.decisions.journal.load(FORM, form_id)
        if loaded.state.status == "absent":
            raise FormNotFound
        return loaded

    async def live(self, form_id: str, origin: str | None) -> events.FormDefined:
        """Read a form that takes leads from this origin; raises FormNotFound, OriginNotAllowed."""
        form = (await self.read(form_id)).state
        if form.status != "live":
            raise FormNotFound
        if form.defined.origins and origin not in form.defined.origins:
            raise OriginNotAllowed
        return form.defined

    def token(self, form_id: str, now: datetime) -> str:
        """Sign a token for one submission."""
        told = f"{int(now.timestamp())}.{secrets.token_hex(8)}"
        return urlsafe_b64encode(f"{told}.{self._signature(form_id, told)}".encode()).decode().rstrip("=")

    def _signature(self, form_id: str, told: str) -> str:
        return self.index.of("form-token", form_id, told)

    def _check(self, form_id: str, token: str, valid_s: int, now: datetime) -> str:
        """Read what a token tells; raises FormTokenInvalid for one that is forged, too old or written differently."""
        try:
            raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
            told, _, signature = raw.decode("ascii").rpartition(".")
        except (Base64Error, ValueError):
            raise FormTokenInvalid(field="token") from None
        # Reading drops characters that are none of base64: only one of all spellings is the token.
        spelled = urlsafe_b64encode(raw).rstrip(b"=") == token.encode()
        # The number is read of what we signed only: a stranger's may be too long to compare with a time.
        if not spelled or not hmac.compare_digest(signature, self._signature(form_id, told)):
            raise FormTokenInvalid(field="token")
        if not -_CLOCK_S <= now.timestamp() - int(told.partition(".")[0]) <= valid_s:
            raise FormTokenInvalid(field="token")
        return told

    async def submit(self, form_id: str, sent: Submission) -> None:
        """Take what a visitor sends as a lead; sent again with the same token it is the same lead.

        Raises:
            FormNotFound, OriginNotAllowed, TooManySubmissions, FormTokenInvalid, FormFieldUnknown,
            IdempotencyKeyReused: the token was used for something else; and what capturing a lead raises.
        """
        form = await self.live(form_id, sent.origin)
        who = self.index.of("form-visitor", form_id, sent.address)
        if await self.limits.count(form_id, who) > form.per_minute:
            raise TooManySubmissions
        told = self._check(form_id, sent.token, form.valid_s, datetime.now(UTC))
        if sent.fields.get(form.honeypot):
            return
        fields = {name: value for name, value in sent.fields.items() if name != form.honeypot}
        request = self.index.of("request", msgspec.json.encode(fields, order="sorted").decode())
        # The address of a visitor is personal, and the log keeps what it has for good: it is told nowhere.
        asked = Asked(
            Actor("service", f"form:{form_id}"),
            Cause(correlation_id=sent.correlation_id, request=request),
            str(uuid5(_COMMANDS, f"{form_id}|{told}")),
        )
        await self.leads.capture(lead_body(form, fields), asked, channel="form", form_id=form_id)


def lead_body(form: events.FormDefined, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make the body of a lead of what a form sends; raises FormFieldUnknown."""
    body: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for name, value in fields.items():
        if name not in form.fields:
            raise FormFieldUnknown(field="fields")
        if name.startswith("attributes."):
            attributes[name.removeprefix("attributes.")] = value
        else:
            body[name] = value
    if attributes:
        body["attributes"] = attributes
    for name, value in (("source", form.source), ("campaign", form.campaign)):
        if value is not None and not body.get(name):
            body[name] = value
    return body
