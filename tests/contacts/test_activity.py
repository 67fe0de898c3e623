"""What a customer did is recorded once per source and external id."""

import pytest

from patron_contacts.domain.activity import ACTIVITY, RecordActivity
from patron_events.catalog import contacts as events
from patron_events.decider import Dated
from patron_events.registry import Fact
from patron_events.scenarios import THEN, given

called = events.InteractionLogged(interaction_id="i1", kind="call", source="pbx", external_id="9")
bought = events.OrderPlaced(order_id="o1", currency="USD", amount_minor=2933, source="pbx", external_id="9")


def record(*facts: Fact) -> RecordActivity:
    """Ask for facts that happened then."""
    return RecordActivity([Dated(fact, THEN) for fact in facts])


def test_new_facts_are_recorded_at_their_time() -> None:
    given(ACTIVITY).when(record(called, bought)).then(Dated(called, THEN), Dated(bought, THEN))


def test_a_known_source_and_external_id_is_recorded_once() -> None:
    again = events.InteractionLogged(interaction_id="i2", kind="chat", source="pbx", external_id="9")
    given(ACTIVITY, called).when(record(again)).then()
    given(ACTIVITY).when(record(called, again)).then(Dated(called, THEN))


def test_orders_and_interactions_do_not_share_ids() -> None:
    given(ACTIVITY, called).when(record(bought)).then(Dated(bought, THEN))


def test_facts_without_an_external_id_are_told_apart_by_their_own() -> None:
    one = events.InteractionLogged(interaction_id="i1", kind="call", source="pbx")
    two = events.InteractionLogged(interaction_id="i2", kind="call", source="pbx")
    given(ACTIVITY, one).when(record(one, two)).then(Dated(two, THEN))


def test_nothing_else_is_an_activity() -> None:
    with pytest.raises(TypeError):
        given(ACTIVITY).when(record(events.PersonCreated()))
