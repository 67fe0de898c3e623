"""The pipeline that every installation has until it defines its own under this id; no fact says so."""

from typing import Final

from patron_events.catalog.pipeline.settings import PipelineDefined, Stage

DEFAULT_ID: Final = "default"
DEFAULT_PIPELINE: Final = PipelineDefined(
    definition_version=0,
    name="Sales",
    stages=(
        Stage(id="prospecting", name="Prospecting", probability=10),
        Stage(id="engaging", name="Engaging", probability=30),
        Stage(id="proposal", name="Proposal", probability=60, forecast_category="best-case"),
        Stage(id="negotiation", name="Negotiation", probability=80, forecast_category="commit"),
        Stage(id="won", name="Won", kind="won", probability=100, forecast_category="commit"),
        Stage(id="lost", name="Lost", kind="lost", forecast_category="omitted"),
    ),
)
