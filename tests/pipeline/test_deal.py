"""What a deal decides beside what callers ask over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from patron_events.catalog.pipeline import deals as events
from patron_events.catalog.pipeline.defaults import DEFAULT_ID, DEFAULT_PIPELINE
from patron_events.decider import Dated
from patron_events.scenarios import THEN, given
from patron_pipeline.domain.deal import (
    DEAL,
    ArchiveDeal,
    ChangeDeal,
    EraseDeal,
    OpenDeal,
    TellIdle,
    TellRotting,
)
from patron_pipeline.domain.deal_errors import DealArchived, DealMovedMeanwhile, DealNotFound, HappenedBefore
from patron_pipeline.domain.deal_moves import LoseDeal, MoveDeal, WinDeal
from patron_pipeline.domain.deal_state import Changes, Deal, Stay
from patron_pipeline.domain.stages import RULE, Terms

TERMS = Terms(DEFAULT_ID, DEFAULT_PIPELINE, RULE)
ANN, BEN = (f"{number}e0bd8a4-57b5-4d2e-9b49-3c3f40d7ad63" for number in (1, 2))
LATER = datetime(2026, 2, 1, tzinfo=UTC)
opened = events.DealOpened(name="A", pipeline_id=DEFAULT_ID, stage="engaging")
people = events.DealCustomerChanged(people=(events.DealPerson(ANN), events.DealPerson(BEN)))
archived = events.DealArchived()


def test_rotting_is_told_once_for_each_stay() -> None:
    told = TellRotting("engaging", THEN, 30, LATER)
    rotted = events.DealRotted(stage="engaging", since=THEN, days=30)
    given(DEAL, opened).when(told).then(Dated(rotted, LATER))
    given(DEAL, opened, rotted).when(told).then()
    moved = Dated(events.DealMoved(to="proposal", was="engaging"), LATER)
    given(DEAL, opened, moved).when(told).then()
    given(DEAL, opened, archived).when(told).then()
    won = events.DealWon(stage="won", was="engaging", amount_minor=1, currency="EUR")
    given(DEAL, opened, won).when(told).then()
    back = Dated(events.DealMoved(to="engaging", was="proposal"), LATER)
    again = TellRotting("engaging", LATER, 30, LATER + timedelta(days=31))
    given(DEAL, opened, rotted, moved, back).when(again).then(
        Dated(events.DealRotted(stage="engaging", since=LATER, days=30), again.at)
    )


def test_that_nothing_is_planned_is_told_once_for_each_time() -> None:
    idle = events.DealLeftWithoutActivity(since=THEN)
    given(DEAL, opened).when(TellIdle(THEN, LATER)).then(Dated(idle, LATER))
    given(DEAL, opened, idle).when(TellIdle(THEN, LATER)).then()
    given(DEAL, opened, archived).when(TellIdle(THEN, LATER)).then()


def test_people_are_forgotten_one_by_one_and_the_texts_with_the_last() -> None:
    only_ben = events.DealCustomerChanged(people=(events.DealPerson(BEN),))
    given(DEAL, opened, people).when(EraseDeal(ANN, LATER)).then(Dated(only_ben, LATER))
    given(DEAL, opened, only_ben).when(EraseDeal(ANN, LATER)).then()
    gone = (Dated(events.DealCustomerChanged(), LATER), Dated(events.DealErased(person_id=BEN), LATER))
    given(DEAL, opened, only_ben).when(EraseDeal(BEN, LATER)).then(*gone)
    given(DEAL, opened, only_ben, archived).when(EraseDeal(BEN, LATER)).then(*gone)
    given(DEAL, opened, only_ben, *gone).when(EraseDeal(BEN, LATER)).then()


@pytest.mark.parametrize(
    "command",
    [
        ChangeDeal(Changes(name="B"), LATER),
        MoveDeal("proposal", TERMS, LATER),
        WinDeal(TERMS, LATER),
        LoseDeal(TERMS, LATER, "price"),
    ],
)
def test_nothing_is_done_with_a_deal_that_is_not_there_or_archived(command: Any) -> None:
    given(DEAL).when(command).then_rejected(DealNotFound)
    given(DEAL, opened, archived).when(command).then_rejected(DealArchived)
    given(DEAL, opened, archived).when(ArchiveDeal(LATER)).then()
    given(DEAL, opened).when(OpenDeal(opened, Changes(), TERMS, LATER)).then()


def test_what_happened_is_told_in_order() -> None:
    early = THEN - timedelta(seconds=1)
    given(DEAL, opened).when(MoveDeal("proposal", TERMS, early)).then_rejected(HappenedBefore, field="occurred_at")
    given(DEAL, opened).when(MoveDeal("proposal", TERMS, THEN, "prospecting")).then_rejected(DealMovedMeanwhile)
    given(DEAL, opened).when(MoveDeal("proposal", TERMS, THEN, "engaging")).then(
        Dated(events.DealMoved(to="proposal", was="engaging"), THEN)
    )


_facts = st.one_of(
    st.just(opened),
    st.just(people),
    st.just(archived),
    st.builds(events.DealMoved, to=st.sampled_from("abc"), was=st.just("x"), pipeline_id=st.none() | st.just("p")),
    st.builds(events.DealWon, stage=st.just("won"), was=st.just("x"), amount_minor=st.just(1), currency=st.just("EUR")),
    st.builds(events.DealLost, stage=st.just("lost"), was=st.just("x"), reason=st.just("r")),
    st.builds(events.DealReopened, to=st.sampled_from("abc"), was=st.just("won")),
    st.builds(events.DealRotted, stage=st.just("a"), since=st.just(THEN), days=st.just(1)),
    st.builds(events.DealValued, amount_minor=st.none() | st.integers(0, 9), currency=st.just("EUR")),
    st.just(events.DealErased()),
)


@any_of(st.lists(_facts, max_size=12))
def test_any_history_can_be_folded_and_stays_follow_each_other(history: list[Any]) -> None:
    deal = Deal()
    for number, fact in enumerate(history):
        deal = DEAL.evolve(deal, fact, THEN + timedelta(days=number))
    assert all(one.left_at == after.entered_at for one, after in zip(deal.stays, deal.stays[1:], strict=False))
    if deal.stays:
        assert deal.stays[-1] == Stay(deal.pipeline_id, deal.stage, deal.since or THEN)
