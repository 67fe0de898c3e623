"""The score of a lead: points by rules, their decay, what counted, and when time alone changes it next. Pure.

Points lose value in steps, once a day at the time of day when the lead was captured, so that a score is constant
between two steps: what was told at a moment can be told again exactly, the moment of the next change is known, and the
steps of many leads are spread over the day.
Arithmetic is decimal with 28 digits, the same on every machine; parts are rounded to hundredths, scores to whole
points, halves away from zero.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from itertools import count, takewhile
from math import log2
from typing import Any, Final

from patron_events.catalog.pipeline.leads import ScorePart
from patron_pipeline.domain.conditions import fits, fulfilled, leaves
from patron_pipeline.domain.lead_fields import Happened, LeadFacts, lead_field, value_in
from patron_pipeline.domain.score_document import ScoreRule, ScoreRules, number
from patron_rules.periods import length
from patron_rules.tree import Duration

STEP: Final = timedelta(days=1)
_HUNDREDTH: Final = Decimal("0.01")
_WHOLE: Final = Decimal(1)
_CONTEXT: Final = Context(prec=28)
MOST_MOMENTS: Final = 60
"""Moments that are looked ahead, two months of decay, because each costs; then the lead is to be looked at again."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Score:
    """A score as of a moment.

    score: exact decimal in text. parts: what counted, in the order of the rules. next_at: when it changes next by
    time alone, or is to be looked at again; None: never.
    """

    score: str
    grade: str | None
    parts: tuple[ScorePart, ...]
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Given:
    """Points that were given once: since when they decay, and when they end. anchor: when days of this lead begin."""

    points: Decimal
    anchor: datetime
    at: datetime | None = None
    half_life: timedelta | None = None
    until: datetime | None = None

    def left(self, now: datetime) -> Decimal:
        """Tell what is left of the points at a moment."""
        if self.until is not None and now >= self.until:
            return Decimal(0)
        if self.half_life is None or self.at is None:
            return self.points
        days = max((now - self.anchor) // STEP - (self.at - self.anchor) // STEP, 0)
        exponent = Decimal(-days * STEP.total_seconds()) / Decimal(self.half_life.total_seconds())
        return self.points * Decimal(2) ** exponent

    def gone(self, among: int) -> datetime | None:
        """Tell from when on so little is left that, with as many others, it rounds to nothing; None: never decays."""
        if self.half_life is None or self.at is None:
            return None
        halvings = max(log2(abs(float(self.points)) * 1_000 * among), 0) + 1
        decayed = self.at + self.half_life * halvings + STEP
        return decayed if self.until is None else min(decayed, self.until)


def score(rules: ScoreRules, lead: LeadFacts, now: datetime) -> Score:
    """Score a lead as of a moment; facts of the future do not count."""
    with localcontext(_CONTEXT):
        total, parts = _counted(rules, lead, now)
        grade, next_at = _grade(rules, total), None
        for looked, moment in enumerate(_moments(rules, lead, now), 1):
            later, _ = _counted(rules, lead, moment)
            if (later, _grade(rules, later)) != (total, grade) or looked == MOST_MOMENTS:
                next_at = moment
                break
    return Score(_text(total), grade, parts, next_at)


def _counted(rules: ScoreRules, lead: LeadFacts, now: datetime) -> tuple[Decimal, tuple[ScorePart, ...]]:
    total, parts = Decimal(0), list[ScorePart]()
    for rule in rules.rules:
        given = list(_given(rule, lead, now))
        left = sum((one.left(now) for one in given), Decimal(0))
        if rule.most is not None:
            most = number(rule.most)
            left = max(min(left, most), -most)
        left = left.quantize(_HUNDREDTH, ROUND_HALF_UP)
        if given and left:
            at = max((one.at for one in given if one.at is not None), default=None)
            of = sum((one.points for one in given), Decimal(0))
            parts.append(ScorePart(rule=rule.id, points=_text(left), of=_text(of), at=at))
            total += left
    if rules.least is not None:
        total = max(total, number(rules.least))
    if rules.most is not None:
        total = min(total, number(rules.most))
    return total.quantize(_WHOLE, ROUND_HALF_UP), tuple(parts)


def _given(rule: ScoreRule, lead: LeadFacts, now: datetime) -> Iterator[_Given]:
    """Give what a rule grants as of a moment, before decay."""
    if fulfilled(rule.when, lead, now):
        yield from (one for one in _grants(rule, lead, now) if one.until is None or now < one.until)


def _grants(rule: ScoreRule, lead: LeadFacts, now: datetime) -> Iterator[_Given]:
    """Give what a rule would grant as of a moment if its condition held, ended or not."""
    points, half_life = number(rule.points), _length(rule.half_life)
    captured = lead.fields.get("captured_at") or _EPOCH
    if rule.facts is None:
        yield _Given(points, captured, captured if half_life is not None else None, half_life)
        return
    within = _length(rule.facts.within)
    for one in _chosen(rule, lead.happened, now):
        yield _Given(points, captured, one.at, half_life, None if within is None else one.at + within)


def _chosen(rule: ScoreRule, happened: Sequence[Happened], now: datetime) -> Iterator[Happened]:
    facts = rule.facts
    if facts is None:
        return
    for one in happened:
        if one.kind == facts.fact and one.at <= now and all(fits(where, one, now) for where in facts.where):
            yield one


def _moments(rules: ScoreRules, lead: LeadFacts, now: datetime) -> Iterator[datetime]:
    """Give every moment after now when the score may change by time alone, the next first, each once."""
    # Conditions and facts may come to hold later, so every step is taken that they could have then.
    granted = [one for rule in rules.rules for one in _grants(rule, lead, _LATEST)]
    ends = {one.until for one in granted if one.until is not None and one.until > now}
    gone = max((end for one in granted if (end := one.gone(len(granted))) is not None), default=now)
    anchor = lead.fields.get("captured_at") or _EPOCH
    today = (now - anchor) // STEP
    days = takewhile(lambda one: one <= gone, (anchor + STEP * day for day in count(today + 1)))
    last = now
    for moment in heapq.merge(sorted({*_edges(rules, lead, now), *ends}), days):
        if moment > last:
            last = moment
            yield moment


def _edges(rules: ScoreRules, lead: LeadFacts, now: datetime) -> Iterator[datetime]:
    """Give the moments when conditions on times turn over, and when facts of the future begin to count."""
    for rule in rules.rules:
        for leaf in leaves(rule.when):
            field = lead_field(leaf.field)
            at: Any = None if field is None else value_in(lead.fields, field)
            if isinstance(at, datetime) and isinstance(leaf.value, Duration):
                within = length(leaf.value)
                yield from (one for one in (at, at + within, at - within) if one > now)
        if rule.facts is not None:
            yield from (one.at for one in _chosen(rule, lead.happened, _LATEST) if one.at > now)


def _length(duration: Duration | None) -> timedelta | None:
    return None if duration is None else length(duration)


def _grade(rules: ScoreRules, total: Decimal) -> str | None:
    return next((one.grade for one in rules.grades if total >= number(one.at_least)), None)


def _text(value: Decimal) -> str:
    """Write a decimal without needless zeros, without an exponent, and nothing as 0, not as -0."""
    text = f"{value + 0:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
