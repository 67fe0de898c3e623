"""Which refusals which routes can answer with; they appear in the OpenAPI document."""

from typing import Final

from patron_campaigns.domain import errors
from patron_events.decisions import Contended, IdempotencyKeyReused
from patron_events.rejections import Rejection, Unavailable, VersionMismatch

ALWAYS: Final[tuple[type[Rejection], ...]] = (Unavailable, Contended, IdempotencyKeyReused, VersionMismatch)
KNOWN: Final = (errors.SegmentNotFound, errors.SegmentArchived)
DEFINITION: Final = (
    errors.NameMissing,
    errors.SegmentNameTaken,
    errors.InvalidRule,
    errors.RuleNeeded,
    errors.RuleNotAllowed,
    errors.UnknownSegment,
)
CREATE: Final = (*ALWAYS, *DEFINITION)
CHANGE: Final = (*ALWAYS, *KNOWN, *DEFINITION, errors.SegmentCycle)
COMMAND: Final = (*ALWAYS, *KNOWN)
ARCHIVE: Final = (*ALWAYS, errors.SegmentNotFound, errors.SegmentInUse)
SNAPSHOT: Final = (*COMMAND, errors.NotASnapshot)
READ: Final = (errors.SegmentNotFound, Unavailable)
LIST: Final = (Unavailable,)
