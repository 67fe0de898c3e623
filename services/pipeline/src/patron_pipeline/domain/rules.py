"""Rules in versions: drafted, published, and rolled back. What they say is checked before they come here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from patron_events.catalog.pipeline import rules as events
from patron_events.decider import Decider
from patron_pipeline.domain.rules_errors import NothingToRollBack, RulesUnpublished, RulesVersionNotFound

NAMES: Final = ("assignment", "score")
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """One version: what it says, and when it was drafted."""

    number: int
    document: Document
    note: str | None
    drafted_at: datetime


@dataclass(frozen=True, slots=True)
class Rules:
    """All versions, the oldest first, and which one decides.

    published: number of the version in force; None before the first. history: all that were in force, in order, with
    when each began; the same number again after a roll-back.
    """

    versions: tuple[Version, ...] = ()
    published: int | None = None
    history: tuple[tuple[int, datetime], ...] = ()

    def version(self, number: int) -> Version:
        """Give one version; raises RulesVersionNotFound."""
        if not 1 <= number <= len(self.versions):
            raise RulesVersionNotFound
        return self.versions[number - 1]

    @property
    def in_force(self) -> Version | None:
        """The version that decides now."""
        return None if self.published is None else self.versions[self.published - 1]

    def at(self, moment: datetime) -> Version | None:
        """Tell which version decided at a moment."""
        begun = [number for number, since in self.history if since <= moment]
        return self.versions[begun[-1] - 1] if begun else None


@dataclass(frozen=True, slots=True)
class DraftRules:
    """Write a new version that does nothing yet."""

    document: Document
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PublishRules:
    """Let a version decide from now on; None is the newest."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class RollBack:
    """Let the version decide again that did before the present one."""


Command = DraftRules | PublishRules | RollBack


def decide(rules: Rules, command: Command) -> Sequence[events.RulesEvent]:
    """Answer a command with the facts it creates; none when they already hold."""
    match command:
        case DraftRules(document, note):
            if rules.versions and _text(rules.versions[-1].document) == _text(document):
                return ()
            number = len(rules.versions) + 1
            return (events.RulesDrafted(rules_version=number, document=dict(document), note=note),)
        case PublishRules(number):
            wanted = rules.version(len(rules.versions) if number is None else number).number
            if wanted == rules.published:
                return ()
            return (events.RulesPublished(rules_version=wanted, was=rules.published),)
        case RollBack():
            if rules.published is None:
                raise RulesUnpublished
            before = _before(rules)
            if before is None:
                raise NothingToRollBack
            return (events.RulesPublished(rules_version=before, was=rules.published),)


def _before(rules: Rules) -> int | None:
    """Find what a roll-back returns to, so that two of them in a row go two versions back and not to and fro."""
    stack: list[int] = []
    for number, _ in rules.history:
        if number in stack:
            del stack[stack.index(number) + 1 :]
        else:
            stack.append(number)
    return stack[-2] if len(stack) > 1 else None


def _text(document: Document) -> str:
    """Write a document so that equal ones have equal texts; unlike `==` it tells true from 1."""
    return json.dumps(document, sort_keys=True)


def evolve(rules: Rules, event: events.RulesEvent, at: datetime) -> Rules:
    """Fold one recorded fact."""
    match event:
        case events.RulesDrafted(rules_version=number, document=document, note=note):
            return replace(rules, versions=(*rules.versions, Version(number, document, note, at)))
        case events.RulesPublished(rules_version=number):
            return replace(rules, published=number, history=(*rules.history, (number, at)))


RULES = Decider(category="pipeline.rules", initial=Rules(), decide=decide, evolve=evolve)
