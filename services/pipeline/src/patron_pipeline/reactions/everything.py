"""All reactions of the pipeline context; a new one is added here."""

from typing import Final

from patron_reactions.service import Means, Reactions

SERVICE: Final = "pipeline"


def all_reactions(means: Means) -> Reactions:
    """Put them together over any log; `app` does it over JetStream, tests over memory."""
    del means
    return Reactions(SERVICE, reactions=(), timers=())
