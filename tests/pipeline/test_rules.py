"""Versions of rules: drafted, published, rolled back."""

from datetime import timedelta

from patron_events.catalog.pipeline import rules as events
from patron_events.decider import Dated
from patron_events.scenarios import THEN, given
from patron_pipeline.domain.rules import RULES, DraftRules, PublishRules, RollBack
from patron_pipeline.domain.rules_errors import NothingToRollBack, RulesUnpublished, RulesVersionNotFound

drafts = [events.RulesDrafted(rules_version=number, document={"rules": [number]}) for number in (1, 2, 3)]


def published(number: int, was: int | None = None) -> events.RulesPublished:
    return events.RulesPublished(rules_version=number, was=was)


def test_a_draft_gets_the_next_number_and_does_nothing() -> None:
    found = given(RULES, drafts[0]).when(DraftRules({"rules": [2]}, "more"))
    found.then(events.RulesDrafted(rules_version=2, document={"rules": [2]}, note="more"))
    assert found.state.in_force is None


def test_the_same_rules_again_make_no_version() -> None:
    given(RULES, drafts[0]).when(DraftRules({"rules": [1]})).then()
    given(RULES, drafts[0]).when(DraftRules({"rules": [True]})).then(
        events.RulesDrafted(rules_version=2, document={"rules": [True]})
    )


def test_a_version_is_published_once() -> None:
    given(RULES, *drafts).when(PublishRules()).then(published(3))
    given(RULES, *drafts, published(3)).when(PublishRules(1)).then(published(1, 3))
    given(RULES, *drafts, published(3)).when(PublishRules(3)).then()
    given(RULES).when(PublishRules()).then_rejected(RulesVersionNotFound)
    given(RULES, *drafts).when(PublishRules(4)).then_rejected(RulesVersionNotFound)


def test_rolling_back_goes_step_by_step() -> None:
    history = (*drafts, published(1), published(2, 1), published(3, 2))
    given(RULES, *history).when(RollBack()).then(published(2, 3))
    given(RULES, *history, published(2, 3)).when(RollBack()).then(published(1, 2))
    given(RULES, *history, published(2, 3), published(1, 2)).when(RollBack()).then_rejected(NothingToRollBack)
    given(RULES, *history, published(2, 3), published(3, 2)).when(RollBack()).then(published(2, 3))
    given(RULES, *drafts).when(RollBack()).then_rejected(RulesUnpublished)


def test_it_is_known_which_version_decided_when() -> None:
    later = THEN + timedelta(days=1)
    state = given(RULES, *drafts, published(1), Dated(published(2, 1), later)).state
    at = [state.at(THEN + timedelta(hours=hours)) for hours in (-1, 0, 24)]
    assert [None if one is None else one.number for one in at] == [None, 1, 2]
