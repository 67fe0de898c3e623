"""Facts about how an installation sells: pipelines with their stages, products, exchange rates, web forms."""

from datetime import date

import msgspec

from patron_events.registry import Fact, event_type


class Stage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stage of a pipeline.

    id: lower case, such as `proposal`; never used again for another. kind: open, won or lost.
    probability: percent 0..100 of winning, for weighted forecasts. forecast_category: pipeline, best-case, commit or
    omitted. required: fields a deal needs to enter. wip_limit: most open deals in it (None: any number).
    from_stages: the only ones it may be entered from (None: any). skippable: may be left out on the way forward.
    movers: roles or teams that may move deals into it (empty: everybody who may write). rotting_days: None: never.
    """

    id: str
    name: str
    kind: str = "open"
    probability: int = 0
    forecast_category: str = "pipeline"
    required: tuple[str, ...] = ()
    wip_limit: int | None = None
    from_stages: tuple[str, ...] | None = None
    skippable: bool = True
    movers: tuple[str, ...] = ()
    rotting_days: int | None = None


class Approval(msgspec.Struct, frozen=True, omit_defaults=True):
    """Quotes of deals in the pipeline need this group's approval above a discount or an amount; with neither, all do.

    group: a role or team. discount_above: percent, exact decimal in text.
    net_above_minor: of `currency`; a quote in another currency needs it always.
    """

    group: str
    discount_above: str | None = None
    net_above_minor: int | None = None
    currency: str | None = None


@event_type("pipeline.pipeline-defined", version=1)
class PipelineDefined(Fact, frozen=True):
    """A pipeline has this definition from now on; stages in order.

    definition_version: 1, 2, 3 … lost_reasons, won_reasons: codes (empty: any). won_reason_required, and reopen: who
    may reopen closed deals (anyone, owner, admin or nobody), within reopen_days of closing (None: always).
    activity_days: an open deal without a planned activity is reported after so many days (None: never).
    lead_days: leads that are open for so many days are given up (None: never); the pipeline `default` says it for all.
    """

    definition_version: int
    name: str
    stages: tuple[Stage, ...]
    lost_reasons: tuple[str, ...] = ()
    won_reasons: tuple[str, ...] = ()
    won_reason_required: bool = False
    reopen: str = "anyone"
    reopen_days: int | None = None
    activity_days: int | None = None
    lead_days: int | None = None
    currency: str | None = None
    approvals: tuple[Approval, ...] = ()


@event_type("pipeline.pipeline-archived", version=1)
class PipelineArchived(Fact, frozen=True):
    """No new deals enter the pipeline; those in it stay."""


@event_type("pipeline.product-defined", version=1)
class ProductDefined(Fact, frozen=True):
    """What can be sold. sku: unique; price in minor units of `currency`; tax_percent: exact decimal in text."""

    sku: str
    name: str
    unit_price_minor: int | None = None
    currency: str | None = None
    family: str | None = None
    tax_percent: str = "0"
    aliases: tuple[str, ...] = ()


@event_type("pipeline.product-retired", version=1)
class ProductRetired(Fact, frozen=True):
    """It is not sold any more; lines that name it stay."""


@event_type("pipeline.exchange-rate-set", version=1)
class ExchangeRateSet(Fact, frozen=True):
    """One unit of the base currency costs `rate` (exact decimal in text) of `currency` from `on` to the next rate."""

    base: str
    currency: str
    on: date
    rate: str


@event_type("pipeline.form-defined", version=1)
class FormDefined(Fact, frozen=True):
    """A web form that leads come through. fields: what it may send; honeypot: a field people do not see.

    origins: web origins it may be sent from (empty: any). per_minute: submissions of one address.
    """

    name: str
    fields: tuple[str, ...]
    honeypot: str
    source: str | None = None
    campaign: str | None = None
    origins: tuple[str, ...] = ()
    per_minute: int = 10
    valid_s: int = 86_400


@event_type("pipeline.form-retired", version=1)
class FormRetired(Fact, frozen=True):
    """The form takes nothing any more."""


PipelineEvent = PipelineDefined | PipelineArchived
ProductEvent = ProductDefined | ProductRetired
RatesEvent = ExchangeRateSet
FormEvent = FormDefined | FormRetired
