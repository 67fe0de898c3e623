"""Use cases of quotes: draft, submit, approve, reject, send, accept, decline, read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from patron_events.catalog.pipeline import deals
from patron_events.catalog.pipeline import quotes as events
from patron_events.decisions import Asked, Committed, Decisions, Unit
from patron_events.journal import AnyDecider, Loaded
from patron_pipeline.domain import deal_body, ids
from patron_pipeline.domain.deal import DEAL, ChangeDeal
from patron_pipeline.domain.deal_errors import DealClosed, DealNotFound
from patron_pipeline.domain.deal_state import Changes, Deal
from patron_pipeline.domain.lines import percent
from patron_pipeline.domain.quote import (
    MOST_QUOTES,
    QUOTE,
    AcceptQuote,
    Command,
    DraftQuote,
    Quote,
    SubmitQuote,
    totals,
)
from patron_pipeline.domain.quote_errors import QuoteEmpty, QuoteNotFound, QuoteStateWrong, TooManyQuotes
from patron_pipeline.handlers.deals import DealHandlers
from patron_values import moments, texts

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class QuoteHandlers:
    """Use cases of quotes. Every one of them is safe to repeat with the same command id."""

    decisions: Decisions
    deals: DealHandlers

    async def create(self, deal_id: str, body: Body, asked: Asked) -> Committed:
        """Draft a new quote for an open deal; the ids of a deal's quotes are derived from their numbers.

        Raises:
            DealNotFound, DealClosed, QuoteEmpty, TooManyQuotes, and the refusals of lines.
        """

        async def work(unit: Unit) -> None:
            quotes = await self.of_deal(deal_id)
            repeated = [one for one in quotes if asked.command_id in one.loaded.commands]
            number = repeated[0].number if repeated else len(quotes) + 1
            if number > MOST_QUOTES:
                raise TooManyQuotes
            draft = await self._draft(unit, (deal_id, number), body, asked)
            await unit.decide(QUOTE, ids.quote_id(deal_id, number), DraftQuote(draft))

        return await self.decisions.transact(work, asked)

    async def redraft(self, own: str, body: Body, asked: Asked) -> Committed:
        """Draft a new version; approvals of the one before count no more.

        Raises:
            QuoteNotFound, QuoteStateWrong, and what `create` raises.
        """

        async def work(unit: Unit) -> None:
            present = (await unit.state(QUOTE, own)).draft
            if present is None:
                raise QuoteNotFound
            draft = await self._draft(unit, (present.deal_id, present.number), body, asked)
            await unit.decide(QUOTE, own, DraftQuote(draft))

        return await self.decisions.transact(work, asked)

    async def submit(self, own: str, asked: Asked) -> Committed:
        """Ask for approval by the rules of the deal's pipeline; without any that asks it is approved at once."""

        async def work(unit: Unit) -> None:
            draft = (await unit.state(QUOTE, own)).draft
            if draft is None:
                raise QuoteNotFound
            deal = await unit.state(DEAL, draft.deal_id)
            definition = await self.deals.pipelines.of_deal(deal.pipeline_id)
            await unit.decide(QUOTE, own, SubmitQuote(definition.approvals))

        return await self.decisions.transact(work, asked)

    async def command(self, own: str, command: Command, asked: Asked) -> Committed:
        """Approve, reject, send or decline; raises as the rules of quotes say."""
        return await self.decisions.run(QUOTE, own, command, asked)

    async def accept(self, own: str, asked: Asked) -> Committed:
        """The buyer accepts: in the same batch an open deal gets the lines and the net amount of the quote.

        Raises:
            QuoteNotFound, QuoteStateWrong, QuoteExpired.
        """

        async def work(unit: Unit) -> None:
            if not await unit.decide(QUOTE, own, AcceptQuote(unit.now.date())):
                return
            draft = (await unit.state(QUOTE, own)).draft
            if draft is None or (await unit.state(DEAL, draft.deal_id)).status != "open":
                return
            valued = {"amount_minor": draft.net_minor, "currency": draft.currency, "basis": "quote"}
            lines = {"currency": draft.currency, "lines": draft.lines}
            changes = Changes({deals.DealLinesChanged: lines, deals.DealValued: valued})
            await self.deals.decide(unit, draft.deal_id, ChangeDeal(changes, unit.now), None)

        return await self.decisions.transact(work, asked)

    async def read(self, own: str) -> Loaded[Quote]:
        """Read a quote from the log as it is now; raises QuoteNotFound."""
        loaded = await self.decisions.journal.load(QUOTE, own)
        if loaded.state.draft is None:
            raise QuoteNotFound
        return loaded

    async def listed(self, deal_id: str) -> Sequence["Numbered"]:
        """Read all quotes of a deal, in order of their numbers; raises DealNotFound."""
        await self.deals.read(deal_id)
        return await self.of_deal(deal_id)

    async def of_deal(self, deal_id: str) -> Sequence["Numbered"]:
        """Read all quotes of a deal, in order of their numbers; in one round trip, for there are never gaps."""
        own = [ids.quote_id(deal_id, number) for number in range(1, MOST_QUOTES + 1)]
        wanted: list[tuple[AnyDecider, str]] = [(QUOTE, one) for one in own]
        loaded = await self.decisions.journal.load_each(wanted)
        quotes = [loaded[QUOTE.stream(one)] for one in own]
        return [Numbered(number, one) for number, one in enumerate(quotes, 1) if one.version]

    async def _draft(self, unit: Unit, where: tuple[str, int], body: Body, asked: Asked) -> events.QuoteDrafted:
        deal_id, number = where
        deal = await unit.state(DEAL, deal_id)
        _check_open(deal)
        if not body.get("lines"):
            raise QuoteEmpty(field="lines")
        definition = await self.deals.pipelines.of_deal(deal.pipeline_id)
        currency, lines = deal_body.priced(body, await self.deals.reading(body, definition, deal))
        discount = percent(body.get("discount_percent") or 0, "discount_percent")
        net, tax = totals(lines, discount)
        until = body.get("valid_until")
        return events.QuoteDrafted(
            deal_id=deal_id,
            quote_version=0,
            currency=currency,
            lines=lines,
            number=number,
            drafted_by=asked.actor.id,
            discount_percent=discount,
            net_minor=net,
            tax_minor=tax,
            valid_until=None if until is None else moments.day(until, "valid_until"),
            terms=texts.optional_text(body.get("terms"), "terms", deal_body.LONG_TEXT, multiline=True),
        )


@dataclass(frozen=True, slots=True)
class Numbered:
    """A quote of a deal with its number."""

    number: int
    loaded: Loaded[Quote]


def _check_open(deal: Deal) -> None:
    match deal.status:
        case "open":
            return
        case "absent":
            raise DealNotFound
        case "archived":
            raise QuoteStateWrong("The deal is archived.")
        case _:
            raise DealClosed
