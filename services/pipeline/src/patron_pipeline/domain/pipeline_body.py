"""From the body of a pipeline to its definition; everything that contradicts itself is named at once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from patron_events.catalog.pipeline.settings import Approval, Stage
from patron_events.rejections import Fault
from patron_pipeline.domain.deal_errors import PipelineInvalid
from patron_pipeline.domain.lines import percent
from patron_pipeline.domain.pipeline import Definition
from patron_values import money, texts

Body = Mapping[str, Any]
REQUIRABLE: Final = (
    "amount",
    "close_date",
    "company",
    "competitors",
    "decision-maker",
    "description",
    "forecast_category",
    "lines",
    "next_step",
    "owner",
    "person",
    "source",
    "team",
)
"""Fields that a stage may need, beside `attributes.<name>`."""
FORECAST_CATEGORIES: Final = ("pipeline", "best-case", "commit", "omitted")
_OPEN_ONLY: Final = ("wip_limit", "rotting_days", "skippable")
_CLOSED: Final[Mapping[str, tuple[int, str]]] = {"won": (100, "commit"), "lost": (0, "omitted")}
_ATTRIBUTE: Final = re.compile(r"attributes\..{1,200}")


def definition(body: Body) -> Definition:
    """Read the body of a pipeline; its version is given where it is decided.

    Raises:
        PipelineInvalid: stages or rules contradict each other. TextEmpty, CurrencyUnknown: as the values say.
    """
    stages = tuple(_stage(one, f"stages[{number}]") for number, one in enumerate(body["stages"]))
    faults = [*_faults(body["stages"], stages)]
    if faults:
        raise PipelineInvalid(field=faults[0].field, faults=faults)
    stated = body.get("currency")
    return Definition(
        definition_version=0,
        name=texts.required_text(body["name"], "name"),
        stages=stages,
        lost_reasons=_codes(body, "lost_reasons"),
        won_reasons=_codes(body, "won_reasons"),
        won_reason_required=bool(body.get("won_reason_required")),
        reopen=body.get("reopen") or "anyone",
        reopen_days=body.get("reopen_days"),
        activity_days=body.get("activity_days"),
        lead_days=body.get("lead_days"),
        currency=None if stated is None else money.currency(stated, "currency"),
        approvals=tuple(_approval(one, f"approvals[{place}]") for place, one in enumerate(body.get("approvals") or ())),
    )


def _approval(body: Body, path: str) -> Approval:
    discount, net = body.get("discount_above"), body.get("net_above")
    currency = None if net is None else money.currency(body.get("currency"), f"{path}.currency")
    return Approval(
        group=texts.required_text(body["group"], f"{path}.group"),
        discount_above=None if discount is None else percent(discount, f"{path}.discount_above"),
        net_above_minor=None if currency is None else money.minor(net, currency, f"{path}.net_above"),
        currency=currency,
    )


def _codes(body: Body, name: str) -> tuple[str, ...]:
    codes = [texts.required_text(one, f"{name}[{place}]") for place, one in enumerate(body.get(name) or ())]
    return tuple(dict.fromkeys(codes))


def _stage(body: Body, path: str) -> Stage:
    kind = body.get("kind") or "open"
    probability, category = _CLOSED.get(kind, (0, "pipeline"))
    stated = body.get("probability")
    from_stages = body.get("from_stages")
    return Stage(
        id=body["id"],
        name=texts.required_text(body.get("name") or body["id"], f"{path}.name"),
        kind=kind,
        probability=probability if stated is None else stated,
        forecast_category=body.get("forecast_category") or category,
        required=tuple(dict.fromkeys(body.get("required") or ())),
        wip_limit=body.get("wip_limit"),
        from_stages=None if from_stages is None else tuple(dict.fromkeys(from_stages)),
        skippable=body.get("skippable", True),
        movers=tuple(dict.fromkeys(body.get("movers") or ())),
        rotting_days=body.get("rotting_days"),
    )


def _faults(bodies: Sequence[Body], stages: Sequence[Stage]) -> Iterator[Fault]:
    ids = [one.id for one in stages]
    for number, (body, stage) in enumerate(zip(bodies, stages, strict=True)):
        path = f"stages[{number}]"
        if stage.id in ids[:number]:
            yield Fault(f"{path}.id", "repeated", "Another stage has this id.")
        for place, name in enumerate(stage.from_stages or ()):
            if name not in ids:
                yield Fault(f"{path}.from_stages[{place}]", "unknown-stage", "The pipeline has no such stage.")
        for place, name in enumerate(stage.required):
            if name not in REQUIRABLE and not _ATTRIBUTE.fullmatch(name):
                detail = f"One of {', '.join(REQUIRABLE)} or attributes.<name>."
                yield Fault(f"{path}.required[{place}]", "unknown-field", detail)
        if stage.kind in _CLOSED:
            yield from _closed_faults(body, stage, path)
    yield from _counted(stages)


def _closed_faults(body: Body, stage: Stage, path: str) -> Iterator[Fault]:
    if stage.probability != _CLOSED[stage.kind][0]:
        yield Fault(f"{path}.probability", "fixed", "A won stage has 100 percent, a lost one 0.")
    for name in _OPEN_ONLY:
        if body.get(name) is not None:
            yield Fault(f"{path}.{name}", "open-only", "Only open stages have it.")


def _counted(stages: Sequence[Stage]) -> Iterator[Fault]:
    kinds = [one.kind for one in stages]
    for kind in ("open", "won", "lost"):
        if kind not in kinds:
            yield Fault("stages", f"no-{kind}-stage", f"A pipeline needs a stage of kind {kind}.")
