"""Routes of web forms: admins define them; anybody may load a token and send what the form takes."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Request, Response
from pydantic import BaseModel, Field

from patron_events.catalog.pipeline import settings as events
from patron_events.decisions import Contended, IdempotencyKeyReused
from patron_events.rejections import Rejection, Unavailable
from patron_pipeline.api.bulk import InvalidItem, read_items
from patron_pipeline.api.lead_bodies import Body, LeadFields, Scalar, Text
from patron_pipeline.api.lead_refusals import ALWAYS, VALUES
from patron_pipeline.api.parts import Using
from patron_pipeline.domain import form as rules
from patron_pipeline.domain.lead_errors import LeadEmpty
from patron_pipeline.handlers import forms as cases
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import Accepted, accepted, asked, plain
from patron_runtime.problems import Refused, present_trace_id, problems, response_of_status
from patron_runtime.requests import Administering, Reading, source_address
from patron_values import texts

forms: Final = router(prefix="/pipeline/v1/forms", tags=["web forms"])
FormId = Annotated[
    str, Path(description="Slug of the form", examples=["contact-us"], pattern=r"^[a-z][a-z0-9-]{0,62}$", max_length=63)
]
_PUBLIC: Final = (rules.FormNotFound, cases.OriginNotAllowed, Unavailable)
_SUBMIT: Final = (
    *_PUBLIC, Contended, IdempotencyKeyReused, cases.FormTokenInvalid, cases.FormFieldUnknown, InvalidItem, LeadEmpty,
    *VALUES,
)  # fmt: skip
_TOO_MANY: Final = 429
_MOST_S: Final = 30 * 86_400


class FormBody(Body):
    """A web form. fields: what it may send, such as `email` or `attributes.seats`."""

    name: Text = Field(examples=["Contact us"])
    fields: Annotated[list[Text], Field(min_length=1, max_length=50)] = Field(examples=[["email", "message"]])
    honeypot: Text = Field(description="A field that people do not see.", examples=["website"])
    source: Text | None = Field(default=None, examples=["website"])
    campaign: Text | None = None
    origins: Annotated[list[Text], Field(max_length=50)] = Field(
        default_factory=list,
        description="Web origins it may be sent from; none: any.",
        examples=[["https://example.org"]],
    )
    per_minute: Annotated[int, Field(ge=1, le=1_000)] = Field(default=10, description="Submissions of one address.")
    valid_s: Annotated[int, Field(ge=60, le=_MOST_S)] = Field(default=86_400, description="How long a token serves.")


class FormView(BaseModel):
    """A form as the log has it now."""

    id: str
    version: int
    status: Literal["live", "retired"]
    name: str
    fields: list[str]
    honeypot: str
    source: str | None
    campaign: str | None
    origins: list[str]
    per_minute: int
    valid_s: int


class TokenView(BaseModel):
    """What a page needs to show the form: a token for one submission, the fields, and the one to be hidden."""

    token: str
    fields: list[str]
    honeypot: str


class SubmissionBody(Body):
    """What a visitor sends."""

    token: Annotated[str, Field(max_length=500)]
    fields: Annotated[dict[str, Scalar | None], Field(max_length=60)] = Field(examples=[{"email": "grace@example.org"}])


class Thanks(BaseModel):
    """It was taken; more is not told to strangers."""

    status: Literal["accepted"] = "accepted"


@forms.put("/{form_id}", responses=problems(*ALWAYS, rules.FormInvalid, rules.FormRetired))
async def define_form(form_id: FormId, body: FormBody, using: Using, by: Administering, response: Response) -> Accepted:
    """Define a web form, or say anew what it is."""
    defined = events.FormDefined(
        name=texts.required_text(body.name, "name"),
        fields=tuple(dict.fromkeys(body.fields)),
        honeypot=body.honeypot,
        source=texts.optional_text(body.source, "source"),
        campaign=texts.optional_text(body.campaign, "campaign"),
        origins=tuple(dict.fromkeys(body.origins)),
        per_minute=body.per_minute,
        valid_s=body.valid_s,
    )
    told = asked(by, f"pipeline/forms/{form_id}", using.index, plain(body))
    return accepted(response, await using.forms.define(form_id, defined, told))


@forms.get("/{form_id}", response_model=FormView, responses=problems(rules.FormNotFound, Unavailable))
async def read_form(form_id: FormId, using: Using, by: Reading, response: Response) -> dict[str, Any]:
    """Read a form from the log: always current."""
    del by  # it stands for the permission
    loaded = await using.forms.read(form_id)
    stamp(response, version=loaded.version, position=str(loaded.position))
    form = loaded.state.defined
    shown = {name: getattr(form, name) for name in form.__struct_fields__}
    return {"id": form_id, "version": loaded.version, "status": loaded.state.status, **shown}


@forms.post("/{form_id}/retirement", responses=problems(*ALWAYS, rules.FormNotFound))
async def retire_form(form_id: FormId, using: Using, by: Administering, response: Response) -> Accepted:
    """Take nothing through a form any more, for good; its leads stay."""
    told = asked(by, f"pipeline/forms/{form_id}/retirement", using.index)
    return accepted(response, await using.forms.retire(form_id, told))


@forms.get("/{form_id}/token", response_model=TokenView, responses=problems(*_PUBLIC))
async def load_token(form_id: FormId, using: Using, request: Request, response: Response) -> TokenView:
    """Give a web page a token for one submission. Needs no bearer token; pages of other origins are refused."""
    form = await using.forms.live(form_id, request.headers.get("origin"))
    _allow(request, response)
    response.headers["Cache-Control"] = "no-store"
    return TokenView(
        token=using.forms.token(form_id, datetime.now(UTC)), fields=list(form.fields), honeypot=form.honeypot
    )


@forms.options("/{form_id}/submissions", status_code=204, response_class=Response, responses=problems(*_PUBLIC))
async def ask_first(form_id: FormId, using: Using, request: Request) -> Response:
    """Answer a browser that asks whether a page may send the form (CORS)."""
    await using.forms.live(form_id, request.headers.get("origin"))
    response = Response(status_code=204)
    _allow(request, response)
    response.headers["Access-Control-Allow-Methods"] = "POST"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type"
    return response


@forms.post(
    "/{form_id}/submissions",
    status_code=202,
    responses={**problems(*_SUBMIT), _TOO_MANY: response_of_status(_TOO_MANY)},
)
async def submit_form(
    form_id: FormId, body: SubmissionBody, using: Using, request: Request, response: Response
) -> Thanks:
    """Take what a visitor sends. Needs no bearer token but that of the form; sending it again is harmless."""
    _allow(request, response)
    sent = cases.Submission(
        body.token,
        body.fields,
        source_address(request),
        request.headers.get("origin"),
        present_trace_id() or "",
    )
    _check_shape(body.fields)
    try:
        await using.forms.submit(form_id, sent)
    except cases.TooManySubmissions:
        text = "This address sends more often than the form allows; try again in a minute."
        raise Refused(_TOO_MANY, "too-many-submissions", text, {"Retry-After": "60"}) from None
    return Thanks()


def _check_shape(fields: dict[str, Any]) -> None:
    """Refuse values of a wrong type, such as a number for a name; raises InvalidItem."""
    known = {name: value for name, value in fields.items() if name in LeadFields.model_fields}
    (read,) = read_items(LeadFields, [known])
    if isinstance(read, Rejection):
        raise InvalidItem(read.detail, field=f"fields.{read.field}")


def _allow(request: Request, response: Response) -> None:
    """Let the page read the answer; whether its origin may send is decided by the form."""
    origin = request.headers.get("origin")
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin"
