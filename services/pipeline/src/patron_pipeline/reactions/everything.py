"""All reactions of the pipeline context; a new one is added here."""

from typing import Final

from patron_pipeline.handlers.sending import NO_CHANNELS, Channels
from patron_pipeline.reactions.activities import activity_reactions
from patron_pipeline.reactions.customers import customer_reactions
from patron_pipeline.reactions.overdue import overdue_reactions
from patron_pipeline.reactions.routing import routing_reactions
from patron_reactions.service import Means, Reactions

SERVICE: Final = "pipeline"


def all_reactions(means: Means, channels: Channels = NO_CHANNELS) -> Reactions:
    """Put them together over any log; `app` does it over JetStream, tests over memory.

    channels: mail and webhooks as the settings say.
    """
    activities, activity_timers = activity_reactions(means, channels)
    routes, routing_timers = routing_reactions(means)
    overdue, overdue_timers = overdue_reactions(means)
    return Reactions(
        SERVICE,
        reactions=(*activities, *customer_reactions(means), *routes, *overdue),
        timers=(*activity_timers, *routing_timers, *overdue_timers),
    )
