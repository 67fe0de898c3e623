"""The fold of the read model of deals, in memory, beside what the deal itself says."""

from datetime import UTC, datetime

import pytest

from patron_events.catalog.pipeline import deals as events
from patron_events.envelope import Actor, Cause, CommitHead, Recorded, StreamId
from patron_events.opening import Opened
from patron_events.registry import Fact, type_of
from patron_pipeline.domain.deal import DEAL
from patron_projections.engine.read_model import Row
from patron_projections.sales.deals import TABLE, Deals

AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
DEAL_ID = "0192f3a0-0000-7000-8000-000000000002"
COLUMNS = [column.name for column in TABLE.columns if column.computed is None]
opened = events.DealOpened(name="A", pipeline_id="default", stage="engaging")
lines = events.DealLinesChanged(currency="EUR", lines=())
won = events.DealWon(stage="won", was="engaging", amount_minor=5_00, currency="EUR")
reopened = events.DealReopened(to="engaging", was="won")


def commit(version: int, fact: Fact) -> Opened:
    head = CommitHead(
        StreamId("pipeline", "deal", DEAL_ID), version, AT, f"c{version}", AT, Actor("user", "u"), Cause(), version, 1
    )
    return Opened(head, (Recorded(fact, type_of(type(fact)).name, AT, 0, head),), "", "")


@pytest.mark.parametrize(
    "before",
    [
        (),
        (events.DealValued(5_00, "EUR"),),
        (events.DealValued(5_00, "EUR", "quote"),),
        (lines, events.DealValued(7_00, "EUR", "lines")),
        (events.DealValued(5_00, "USD", "quote"),),
    ],
)
def test_log_and_read_model_agree_on_what_a_reopened_deal_is_worth(before: tuple[events.DealEvent, ...]) -> None:
    row: Row | None = None
    deal = DEAL.initial
    for version, fact in enumerate((opened, *before, won, reopened), 1):
        row = Deals().fold(row, commit(version, fact)).kept
        deal = DEAL.evolve(deal, fact, AT)
        assert row is not None
        shown, valued = dict(zip(COLUMNS, row, strict=True)), deal.facet(events.DealValued)
        if valued.amount_minor is not None:
            told = (str(valued.amount_minor), valued.currency, valued.basis)
            assert (shown["amount_minor"], shown["currency"], shown["amount_basis"]) == told
    assert deal.facet(events.DealValued).amount_minor == 5_00
