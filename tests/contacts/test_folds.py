"""Folding is total: whatever facts are on record, in any order, also erased, they make a state and a view."""

import types
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.any_fact import any_fact
from patron_contacts.api.views import company_view, person_view
from patron_contacts.domain.activity import ACTIVITY
from patron_contacts.domain.claim import CLAIM
from patron_contacts.domain.company import COMPANY
from patron_contacts.domain.field_catalogue import FIELDS
from patron_contacts.domain.person import PERSON
from patron_contacts.domain.record import unique_keys
from patron_events.catalog import contacts as events
from patron_events.decider import Decider
from patron_events.journal import Loaded
from patron_events.personal import ERASED
from patron_events.registry import Fact, type_of

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
DEFINITIONS = {"a": events.FieldDefined(name="a", type="string", unique=True)}


def _erased(fact: Fact) -> Fact:
    return msgspec.structs.replace(fact, **dict.fromkeys(type_of(type(fact)).personal, ERASED))


def _any_of(union: types.UnionType) -> st.SearchStrategy[Any]:
    facts = st.one_of(*(any_fact(kind) for kind in get_args(union)))
    return st.lists(facts | facts.map(_erased), max_size=6)


def _folded(decider: Decider[Any, Any, Any], history: list[Fact]) -> Any:
    state = decider.initial
    for fact in history:
        state = decider.evolve(state, fact, NOW)
    return state


@pytest.mark.parametrize(
    ("decider", "union"),
    [
        (PERSON, events.PersonEvent),
        (COMPANY, events.CompanyEvent),
        (ACTIVITY, events.ActivityEvent),
        (CLAIM, events.ClaimEvent),
        (FIELDS, events.FieldEvent),
    ],
    ids=lambda one: getattr(one, "category", ""),
)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_history_folds_and_the_same_way_each_time(
    decider: Decider[Any, Any, Any], union: types.UnionType, data: st.DataObject
) -> None:
    history = data.draw(_any_of(union))
    assert _folded(decider, history) == _folded(decider, history)


@settings(max_examples=60, deadline=None)
@given(_any_of(events.PersonEvent))
def test_any_person_can_be_shown_and_names_its_keys(history: list[Fact]) -> None:
    _shown(PERSON, person_view, history)


@settings(max_examples=60, deadline=None)
@given(_any_of(events.CompanyEvent))
def test_any_company_can_be_shown_and_names_its_keys(history: list[Fact]) -> None:
    amounts = [one.annual_revenue for one in history if isinstance(one, events.CompanyDetailsChanged)]
    if all(amount is None for amount in amounts):  # an amount in no currency is never written
        _shown(COMPANY, company_view, history)


def _shown(decider: Decider[Any, Any, Any], view: Any, history: list[Fact]) -> None:
    state = _folded(decider, history)
    assert msgspec.json.encode(view(Loaded(decider.stream("x"), state)))
    # Keys of addresses are read from the form in which they are written, so they are left out here.
    assert isinstance(unique_keys(state, DEFINITIONS, emails=False), set)
