"""Routes of consents: for which purposes a person's data may be used."""

from typing import Annotated, Any, Final, Literal

from fastapi import Body as FromBody
from fastapi import Path, Response
from pydantic import ConfigDict, Field

from patron_contacts.api import refusal_lists
from patron_contacts.api.asking import accepted
from patron_contacts.api.bodies import Accepted, Body, Text
from patron_contacts.api.parts import RecordId, Using
from patron_contacts.domain.consent import PURPOSE, consent, withdrawal
from patron_runtime.bodies import router
from patron_runtime.commands import asked, plain
from patron_runtime.problems import problems
from patron_runtime.requests import Commanding

consents: Final = router(prefix="/contacts/v1/people/{record_id}/consents", tags=["people"])

_EXAMPLE: Final[dict[str, Any]] = {
    "channel": "email",
    "source": "web-form",
    "wording": "newsletter-2026-01",
    "at": "2026-03-01T09:00:00Z",
    "expires_at": "2028-03-01T09:00:00Z",
}
Purpose = Annotated[
    str, Path(pattern=f"^{PURPOSE.pattern}$", description="What the data are used for", examples=["newsletter"])
]
_AT: Final = "RFC 3339, also in the past; now if absent"


class ConsentBody(Body):
    """A consent as it was given. basis: of GDPR art. 6 (1); channel: absent means every one."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [_EXAMPLE]})

    channel: Literal["email", "phone", "post", "sms"] | None = None
    basis: Literal[
        "consent", "contract", "legal-obligation", "vital-interests", "public-task", "legitimate-interests"
    ] = "consent"
    source: Text | None = Field(default=None, description="Where it was given")
    wording: Text | None = Field(default=None, description="Name and version of the text that was agreed to")
    at: Text | None = Field(default=None, description=_AT)
    expires_at: Text | None = Field(default=None, description="RFC 3339; the consent holds until then")


class WithdrawalBody(Body):
    """A withdrawal, or an objection."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"source": "unsubscribe-link"}]}
    )

    source: Text | None = Field(default=None, description="Where it was said")
    at: Text | None = Field(default=None, description=_AT)


@consents.put("/{purpose}", responses=problems(*refusal_lists.CONSENT))
async def give_consent(
    record_id: RecordId, purpose: Purpose, body: ConsentBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Record that a person agreed, now or at a time in the past. What already holds is not recorded again."""
    content = plain(body)
    command = asked(by, f"people/{record_id}/consents/{purpose}", using.index, content)
    terms = await using.real.people.records.terms("people", command, adding=False)
    given = consent(purpose, content, terms.now)
    return accepted(response, await using.real.people.command(record_id, given, command))


@consents.delete("/{purpose}", responses=problems(*refusal_lists.CONSENT))
async def withdraw_consent(
    record_id: RecordId,
    purpose: Purpose,
    using: Using,
    by: Commanding,
    response: Response,
    body: Annotated[WithdrawalBody | None, FromBody()] = None,
) -> Accepted:
    """Record that a person withdrew a consent, or objected where none was on record. Repeating it changes nothing."""
    content = {} if body is None else plain(body)
    command = asked(by, f"people/{record_id}/consents/{purpose}/delete", using.index, content)
    terms = await using.real.people.records.terms("people", command, adding=False)
    withdrawn = withdrawal(purpose, content, terms.now)
    return accepted(response, await using.real.people.command(record_id, withdrawn, command))
