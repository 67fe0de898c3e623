"""How an installation sells: pipelines with the stages of every definition, products, and exchange rates."""

from collections.abc import Mapping
from typing import ClassVar, Final

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Index, Integer, Numeric, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from patron_events.catalog.pipeline import settings as events
from patron_events.envelope import Recorded
from patron_events.opening import Opened
from patron_events.registry import Fact
from patron_projections.engine.read_model import Blank, Folded, Row, bool_text, line, time_text, written_columns
from patron_projections.engine.tables import read_model_table, view_of
from patron_projections.records import Draft, texts
from patron_projections.sales.folding import FALSE, TRUE, Telling, Told, document, first_columns, number, versions_of

PIPELINES: Final = read_model_table(
    "pipelines",
    1,
    *first_columns(Text),
    Column("definition_version", Integer),
    Column("name", Text),
    # The stages in order, as the fact has them.
    Column("stages", JSONB),
    Column("lost_reasons", ARRAY(Text)),
    Column("won_reasons", ARRAY(Text)),
    Column("won_reason_required", Boolean),
    Column("reopen", Text),
    Column("reopen_days", Integer),
    Column("activity_days", Integer),
    Column("currency", Text),
    Column("archived", Boolean, nullable=False),
    Column("archived_at", DateTime(timezone=True)),
)
PIPELINES_VIEW: Final = view_of(PIPELINES)
STAGES: Final = read_model_table(
    "pipeline_stages",
    1,
    Column("pipeline_id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    # Of the stage in its pipeline: 0, 1, 2 …
    Column("place", SmallInteger, primary_key=True),
    Column("index", SmallInteger, primary_key=True),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("definition_version", Integer, nullable=False),
    Column("pipeline_name", Text, nullable=False),
    Column("pipeline_currency", Text),
    Column("stage", Text, nullable=False),
    Column("name", Text, nullable=False),
    # open, won or lost.
    Column("kind", Text, nullable=False),
    # Percent, 0 to 100.
    Column("probability", Integer, nullable=False),
    # pipeline, best-case, commit or omitted.
    Column("forecast_category", Text, nullable=False),
    Column("wip_limit", Integer),
    Column("rotting_days", Integer),
    Column("activity_days", Integer),
)
STAGES_VIEW: Final = view_of(STAGES)
_PRODUCTS: Final = [
    *first_columns(UUID),
    Column("sku", Text),
    Column("name", Text),
    Column("unit_price_minor", BigInteger),
    Column("currency", Text),
    Column("family", Text),
    Column("tax_percent", Numeric),
    Column("aliases", ARRAY(Text)),
    Column("retired", Boolean, nullable=False),
    Column("retired_at", DateTime(timezone=True)),
]
PRODUCTS: Final = read_model_table(
    "products", 1, *_PRODUCTS, indexes=[Index("by_sku", next(one for one in _PRODUCTS if one.name == "sku"))]
)
PRODUCTS_VIEW: Final = view_of(PRODUCTS)
PRODUCT_VERSIONS: Final = read_model_table("product_versions", 1, *versions_of(_PRODUCTS))
PRODUCT_VERSIONS_VIEW: Final = view_of(PRODUCT_VERSIONS)
RATES: Final = read_model_table(
    "exchange_rates",
    1,
    # The base currency in lower case.
    Column("base_id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("index", SmallInteger, primary_key=True),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("currency", Text, nullable=False),
    # From this day on, to the next rate.
    Column("day", Date, nullable=False),
    # What one unit of the base costs of the currency.
    Column("rate", Numeric, nullable=False),
)
RATES_VIEW: Final = view_of(RATES)


def _pipeline_defined(draft: Draft, fact: events.PipelineDefined, _: Recorded[Fact]) -> None:
    draft["definition_version"] = str(fact.definition_version)
    draft["stages"] = document(fact.stages)
    draft["lost_reasons"] = texts(fact.lost_reasons)
    draft["won_reasons"] = texts(fact.won_reasons)
    draft["won_reason_required"] = bool_text(fact.won_reason_required)
    for name in ("name", "reopen", "currency"):
        draft[name] = getattr(fact, name)
    draft["reopen_days"] = number(fact.reopen_days)
    draft["activity_days"] = number(fact.activity_days)
    draft["archived"] = FALSE
    draft["archived_at"] = None


def _pipeline_archived(draft: Draft, _: events.PipelineArchived, recorded: Recorded[Fact]) -> None:
    draft["archived"] = TRUE
    draft["archived_at"] = time_text(recorded.occurred_at)


def _product_defined(draft: Draft, fact: events.ProductDefined, _: Recorded[Fact]) -> None:
    for name in ("sku", "name", "currency", "family", "tax_percent"):
        draft[name] = getattr(fact, name)
    draft["unit_price_minor"] = number(fact.unit_price_minor)
    draft["aliases"] = texts(fact.aliases)
    draft["retired"] = FALSE
    draft["retired_at"] = None


def _product_retired(draft: Draft, _: events.ProductRetired, recorded: Recorded[Fact]) -> None:
    draft["retired"] = TRUE
    draft["retired_at"] = time_text(recorded.occurred_at)


_PIPELINE: Final = Telling(
    Told(
        columns=written_columns(PIPELINES),
        apply={events.PipelineDefined: _pipeline_defined, events.PipelineArchived: _pipeline_archived},
        begins={"archived": FALSE},
    )
)
_PRODUCT: Final = Telling(
    Told(
        columns=written_columns(PRODUCTS),
        apply={events.ProductDefined: _product_defined, events.ProductRetired: _product_retired},
        begins={"retired": FALSE},
    )
)


def _stage_lines(recorded: Recorded[Fact], fact: events.PipelineDefined) -> list[str]:
    head = recorded.commit
    times = [time_text(recorded.occurred_at), time_text(head.recorded_at)]
    whole = [str(fact.definition_version), fact.name, fact.currency]
    return [
        line(
            [
                *(head.stream.id, str(head.sequence), str(place), str(recorded.index), *times, *whole),
                *(stage.id, stage.name, stage.kind, str(stage.probability), stage.forecast_category),
                *(number(stage.wip_limit), number(stage.rotting_days), number(fact.activity_days)),
            ]
        )
        for place, stage in enumerate(fact.stages)
    ]


class Pipelines:
    """The read model `pipelines`: the present definitions, and a row per stage of every definition."""

    name: ClassVar[str] = "pipelines"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "pipeline"
    categories: ClassVar[frozenset[str]] = frozenset({"pipeline"})
    kept: ClassVar[Table | None] = PIPELINES
    added: ClassVar[Table | None] = STAGES
    subject_column: ClassVar[str] = "pipeline_id"
    blanked: ClassVar[Mapping[str, Blank]] = {}

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Give the pipeline's row after a commit, and a line per stage of each definition."""
        lines: list[str] = []
        for recorded in commit.events:
            if isinstance(recorded.event, events.PipelineDefined):
                lines += _stage_lines(recorded, recorded.event)
        return Folded(_PIPELINE(row, commit).kept, lines)

    def emptied(self, row: Row) -> Row:
        """Give the row back: a definition holds nothing personal."""
        return row


class Products:
    """The read model `products`."""

    name: ClassVar[str] = "products"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "pipeline"
    categories: ClassVar[frozenset[str]] = frozenset({"product"})
    kept: ClassVar[Table | None] = PRODUCTS
    added: ClassVar[Table | None] = PRODUCT_VERSIONS
    subject_column: ClassVar[str] = "id"
    blanked: ClassVar[Mapping[str, Blank]] = {}

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Give the product's row after a commit, and add its versions."""
        return _PRODUCT(row, commit)

    def emptied(self, row: Row) -> Row:
        """Give the row back: a product holds nothing personal."""
        return row


class ExchangeRates:
    """The read model `exchange_rates`: every rate that was set; of one day the one set last holds."""

    name: ClassVar[str] = "exchange_rates"
    version: ClassVar[int] = 1
    context: ClassVar[str] = "pipeline"
    categories: ClassVar[frozenset[str]] = frozenset({"rates"})
    kept: ClassVar[Table | None] = None
    added: ClassVar[Table | None] = RATES
    subject_column: ClassVar[str] = "base_id"
    blanked: ClassVar[Mapping[str, Blank]] = {}

    def fold(self, row: Row | None, commit: Opened) -> Folded:
        """Write one line per rate."""
        del row
        head = commit.head
        lines: list[str] = []
        for recorded in commit.events:
            fact = recorded.event
            if not isinstance(fact, events.ExchangeRateSet):
                msg = f"{recorded.type} says nothing about a rate"
                raise KeyError(msg)
            place = [head.stream.id, str(head.sequence), str(recorded.index)]
            times = [time_text(recorded.occurred_at), time_text(head.recorded_at), recorded.event_id]
            lines.append(line([*place, *times, fact.base, fact.currency, time_text(fact.on), fact.rate]))
        return Folded(None, lines)

    def emptied(self, row: Row) -> Row:
        """Give the row back: this model keeps none."""
        return row
