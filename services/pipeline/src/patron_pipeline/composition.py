"""Put the use cases together over any log; `app` does it over JetStream, tests over memory."""

from dataclasses import dataclass, field, replace

from patron_events.decisions import Decisions
from patron_events.journal import Journal
from patron_events.rehearsal import RehearsalStore, RehearsalVault
from patron_events.store import EventStore, LogReader
from patron_events.vault import BlindIndex, KeyVault
from patron_pipeline.api.parts import Parts
from patron_pipeline.handlers.activities import ActivityHandlers
from patron_pipeline.handlers.calendars import CalendarHandlers
from patron_pipeline.handlers.counting import PlaceCounting
from patron_pipeline.handlers.deals import DealHandlers
from patron_pipeline.handlers.definitions import PipelineHandlers
from patron_pipeline.handlers.finding import Finding
from patron_pipeline.handlers.forms import FormHandlers, MemoryLimits, SubmissionLimits
from patron_pipeline.handlers.lead_conversion import Conversion
from patron_pipeline.handlers.leads import LeadHandlers
from patron_pipeline.handlers.products import ProductHandlers
from patron_pipeline.handlers.quotes import QuoteHandlers
from patron_pipeline.handlers.rates import RateHandlers
from patron_pipeline.handlers.replies import ReplyHandlers
from patron_pipeline.handlers.reps import RepHandlers, SalesTeam
from patron_pipeline.handlers.routing import routing


@dataclass(frozen=True, slots=True)
class Around:
    """What the use cases know of the world around them.

    default_region: ISO 3166 region of phone numbers in national form where a lead says no country. public_url: where
    callers outside reach this service. reader: without it, limits of stages count only deals that enter from then
    on, and no rules are tried on history. limits: of web forms; by default those of this process alone.
    """

    default_region: str | None = None
    public_url: str | None = None
    reader: LogReader | None = None
    limits: SubmissionLimits = field(default_factory=MemoryLimits)


def parts(store: EventStore, vault: KeyVault, index: BlindIndex, around: Around | None = None) -> Parts:
    """Build what the routes need. store: holds the contexts pipeline and, to be read only, contacts."""
    around = around or Around()
    decisions = Decisions(Journal(store, vault))
    pipelines = PipelineHandlers(decisions, None if around.reader is None else PlaceCounting(decisions, around.reader))
    finding = Finding(decisions.journal, index)
    products = ProductHandlers(decisions, index)
    activities = ActivityHandlers(decisions, index, finding)
    leads = LeadHandlers(decisions, finding, index, around.default_region)
    deals = DealHandlers(decisions, pipelines, finding, products)
    team = SalesTeam(decisions.journal)
    return Parts(
        decisions=decisions,
        index=index,
        leads=leads,
        forms=FormHandlers(decisions, leads, index, around.limits),
        conversion=Conversion(leads, deals),
        pipelines=pipelines,
        deals=deals,
        products=products,
        quotes=QuoteHandlers(decisions, deals),
        rates=RateHandlers(decisions),
        reps=RepHandlers(decisions, team),
        rehearse=lambda: parts(RehearsalStore(store), RehearsalVault(vault), index, replace(around, reader=None)),
        activities=activities,
        calendars=CalendarHandlers(decisions, index),
        replies=ReplyHandlers(activities, index),
        routing=routing(decisions, finding, team, around.reader),
        public_url=around.public_url,
    )
