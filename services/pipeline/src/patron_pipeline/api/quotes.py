"""Routes of quotes."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import Response
from pydantic import BaseModel, Field

from patron_events.catalog.pipeline import quotes as events
from patron_events.journal import Loaded
from patron_events.rejections import Unavailable
from patron_pipeline.api.bodies import Amount, Body, Currency, LongText, RecordId, Text
from patron_pipeline.api.deal_bodies import Day, LineBody, ReasonBody
from patron_pipeline.api.deal_views import line_view
from patron_pipeline.api.deals import mover
from patron_pipeline.api.parts import Using
from patron_pipeline.api.refusal_lists import ALWAYS, DEAL_VALUES
from patron_pipeline.domain import deal_errors
from patron_pipeline.domain import quote_errors as refused
from patron_pipeline.domain.quote import ApproveQuote, Command, DeclineQuote, Quote, RejectQuote, SendQuote
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import Accepted, accepted, asked, plain
from patron_runtime.problems import problems
from patron_runtime.requests import AskedBy, Commanding, Reading
from patron_values import errors as wrong
from patron_values.money import decimal_text
from patron_values.texts import optional_text, required_text

quotes: Final = router(prefix="/pipeline/v1", tags=["quotes"])
STATES: Final = (*ALWAYS, refused.QuoteNotFound, refused.QuoteStateWrong)
DRAFT: Final = (*STATES, *DEAL_VALUES, deal_errors.DealNotFound, deal_errors.DealClosed, refused.QuoteEmpty)
APPROVAL: Final = (*STATES, refused.OwnQuote, refused.ApproverNotAsked)


class QuoteBody(Body):
    """A version of a quote, as a whole."""

    lines: Annotated[list[LineBody], Field(min_length=1, max_length=500)]
    currency: Currency | None = None
    discount_percent: Amount | None = Field(default=None, description="on every line", examples=["2.5"])
    valid_until: Day | None = None
    terms: LongText | None = None


class RejectBody(Body):
    """What has to change."""

    reason: Text = Field(examples=["discount too high"])


class VersionView(BaseModel):
    """A version and what became of it."""

    quote_version: int
    status: Literal["draft", "submitted", "approved", "rejected", "sent", "accepted", "declined", "replaced"]
    currency: str
    net: str
    tax: str
    total: str
    discount_percent: str
    valid_until: str | None
    drafted_by: str | None
    lines: list[dict[str, Any]]
    terms: Any


class QuoteView(BaseModel):
    """A quote as the log has it now: its newest version last. needs: groups still asked for approval."""

    id: str
    version: int
    deal_id: str
    number: int
    status: str
    needs: list[str]
    approved: list[str]
    reason: str | None
    updated_at: str
    versions: list[VersionView]


class QuotesView(BaseModel):
    """All quotes of a deal by number."""

    items: list[QuoteView]


@quotes.post("/deals/{deal_id}/quotes", status_code=201, responses=problems(*DRAFT, refused.TooManyQuotes))
async def draft_quote(deal_id: RecordId, body: QuoteBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Draft a quote for an open deal."""
    content = plain(body)
    command = asked(by, f"pipeline/deals/{deal_id}/quotes", using.index, content)
    return accepted(response, await using.quotes.create(deal_id, content, command))


@quotes.get(
    "/deals/{deal_id}/quotes",
    response_model=QuotesView,
    responses=problems(deal_errors.DealNotFound, Unavailable),
)
async def list_quotes(deal_id: RecordId, using: Using, by: Reading) -> dict[str, Any]:
    """List all quotes of a deal, by number: always current."""
    del by  # it stands for the permission
    return {"items": [_view(one.loaded) for one in await using.quotes.listed(deal_id)]}


@quotes.get("/quotes/{quote_id}", response_model=QuoteView, responses=problems(refused.QuoteNotFound, Unavailable))
async def read_quote(quote_id: RecordId, using: Using, by: Reading, response: Response) -> dict[str, Any]:
    """Read a quote with all its versions: always current."""
    del by  # it stands for the permission
    loaded = await using.quotes.read(quote_id)
    stamp(response, version=loaded.version, position=str(loaded.position))
    return _view(loaded)


@quotes.post("/quotes/{quote_id}/versions", responses=problems(*DRAFT))
async def redraft_quote(
    quote_id: RecordId, body: QuoteBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Draft a new version, as a whole; approvals of the one before count no more."""
    content = plain(body)
    command = asked(by, f"pipeline/quotes/{quote_id}/versions", using.index, content)
    return accepted(response, await using.quotes.redraft(quote_id, content, command))


@quotes.post("/quotes/{quote_id}/submit", responses=problems(*STATES))
async def submit_quote(quote_id: RecordId, using: Using, by: Commanding, response: Response) -> Accepted:
    """Ask for approval; where no rule of the pipeline asks for any, the quote is approved at once."""
    command = asked(by, f"pipeline/quotes/{quote_id}/submit", using.index)
    return accepted(response, await using.quotes.submit(quote_id, command))


async def _run(where: tuple[str, str], command: Command, using: Using, asking: tuple[AskedBy, Response]) -> Accepted:
    quote_id, name = where
    by, response = asking
    told = asked(by, f"pipeline/quotes/{quote_id}/{name}", using.index, [name])
    return accepted(response, await using.quotes.command(quote_id, command, told))


@quotes.post("/quotes/{quote_id}/approve", responses=problems(*APPROVAL))
async def approve_quote(quote_id: RecordId, using: Using, by: Commanding, response: Response) -> Accepted:
    """Approve for the groups that were asked and that the caller is in; never one's own draft."""
    return await _run((quote_id, "approve"), ApproveQuote(mover(by)), using, (by, response))


@quotes.post("/quotes/{quote_id}/reject", responses=problems(*APPROVAL, wrong.TextEmpty, wrong.TextInvalid))
async def reject_quote(
    quote_id: RecordId, body: RejectBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Refuse approval, saying what has to change."""
    command = RejectQuote(mover(by), required_text(body.reason, "reason", 1_000))
    return await _run((quote_id, "reject"), command, using, (by, response))


@quotes.post("/quotes/{quote_id}/send", responses=problems(*STATES, refused.QuoteExpired))
async def send_quote(quote_id: RecordId, using: Using, by: Commanding, response: Response) -> Accepted:
    """Say that the buyer has the approved version."""
    return await _run((quote_id, "send"), SendQuote(datetime.now(UTC).date()), using, (by, response))


@quotes.post("/quotes/{quote_id}/accept", responses=problems(*STATES, refused.QuoteExpired))
async def accept_quote(quote_id: RecordId, using: Using, by: Commanding, response: Response) -> Accepted:
    """Say that the buyer accepted what was sent; an open deal gets its lines and its net amount."""
    command = asked(by, f"pipeline/quotes/{quote_id}/accept", using.index)
    return accepted(response, await using.quotes.accept(quote_id, command))


@quotes.post("/quotes/{quote_id}/decline", responses=problems(*STATES, wrong.TextInvalid))
async def decline_quote(
    quote_id: RecordId, body: ReasonBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Say that the buyer declined, or withdraw the quote; a new version can follow."""
    command = DeclineQuote(optional_text(body.reason, "reason", 1_000))
    return await _run((quote_id, "decline"), command, using, (by, response))


def _view(loaded: Loaded[Quote]) -> dict[str, Any]:
    quote = loaded.state
    draft = quote.draft
    return {
        "id": loaded.stream.id,
        "version": loaded.version,
        "deal_id": "" if draft is None else draft.deal_id,
        "number": 0 if draft is None else draft.number,
        "status": quote.status,
        "needs": [one for one in quote.needs if one not in quote.approved],
        "approved": sorted(quote.approved),
        "reason": quote.reason,
        "updated_at": msgspec.to_builtins(quote.changed_at),
        "versions": [_version(one, became) for one, became in quote.versions],
    }


def _version(draft: events.QuoteDrafted, status: str) -> dict[str, Any]:
    return {
        "quote_version": draft.quote_version,
        "status": status,
        "currency": draft.currency,
        "net": decimal_text(draft.net_minor, draft.currency),
        "tax": decimal_text(draft.tax_minor, draft.currency),
        "total": decimal_text(draft.net_minor + draft.tax_minor, draft.currency),
        "discount_percent": draft.discount_percent,
        "valid_until": None if draft.valid_until is None else draft.valid_until.isoformat(),
        "drafted_by": draft.drafted_by,
        "lines": [line_view(one, draft.currency) for one in draft.lines],
        "terms": msgspec.to_builtins(draft.terms),
    }
