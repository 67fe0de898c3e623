"""Which facts erase: the key behind the texts of their aggregate is gone (GDPR art. 17)."""

from typing import Final

from patron_events.catalog.contacts import RecordErased
from patron_events.catalog.pipeline.activities import ActivityErased
from patron_events.catalog.pipeline.deals import DealErased
from patron_events.catalog.pipeline.leads import LeadErased
from patron_events.registry import Fact

ERASING: Final[frozenset[type[Fact]]] = frozenset({RecordErased, LeadErased, DealErased, ActivityErased})
