"""Answers of the server and what they mean for an append: a conflict, not now, or never.

Codes: `server/errors.json` of nats-server 2.15; the descriptions are not stable, the numbers are.
"""

from enum import Enum, auto
from typing import Final

import msgspec


class ConnectionLost(Exception):
    """There is no connection to the log, or it broke before the answer came: the outcome is unknown."""


class NoResponders(Exception):
    """Nothing listens on the subject: no stream, or no leader at the moment. Nothing was stored."""


class NoAnswer(Exception):
    """No answer within the time: the outcome is unknown."""


class ApiError(msgspec.Struct, frozen=True):
    """The server's error object; `err_code` is stable, `description` is not."""

    code: int
    err_code: int = 0
    description: str = ""


class LogFault(Exception):
    """The server refused for a reason that no repetition mends: wrong configuration or rights."""

    def __init__(self, error: ApiError) -> None:
        self.error = error
        super().__init__(f"the log refused: {error.err_code} {error.description}")


class PubAck(msgspec.Struct, frozen=True):
    """The server's answer to a publish; for a batch `seq` is that of its last message and `count` its size."""

    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    count: int = 0
    error: ApiError | None = None


class Verdict(Enum):
    """What an error means for the append that got it."""

    STALE = auto()
    """The guard does not hold: somebody appended in between, or this append was stored before."""
    DUPLICATE = auto()
    """A batch repeats a message id that the server remembers."""
    NOT_NOW = auto()
    """Nothing was stored and the same append may succeed later."""
    TOO_LARGE = auto()
    """The message exceeds a limit of the server or the stream."""
    FAULT = auto()
    """No repetition helps."""


STALE_CODE: Final = 10071
_VERDICTS: Final = {
    STALE_CODE: Verdict.STALE,
    10201: Verdict.DUPLICATE,
    10054: Verdict.TOO_LARGE,  # message size exceeds maximum allowed
    10097: Verdict.TOO_LARGE,  # header size exceeds maximum allowed
    10164: Verdict.NOT_NOW,  # another message of this subject is being proposed
    10158: Verdict.NOT_NOW,  # a message with this id is being proposed
    10163: Verdict.NOT_NOW,  # a new leader does not know yet what is being proposed
    10077: Verdict.NOT_NOW,  # stream full (max_bytes, discard new)
    10047: Verdict.NOT_NOW,  # insufficient storage resources
    10023: Verdict.NOT_NOW,  # insufficient resources
    10028: Verdict.NOT_NOW,  # insufficient memory
    10167: Verdict.NOT_NOW,  # too many requests
    10176: Verdict.NOT_NOW,  # batch incomplete: its beginning was lost, timed out or was refused
    10210: Verdict.NOT_NOW,  # too many batches in flight
    10211: Verdict.NOT_NOW,  # too many batches in flight
    10118: Verdict.NOT_NOW,  # stream is offline
    10008: Verdict.NOT_NOW,  # JetStream not available
}
_PASSING: Final = frozenset({408, 429, 500, 503})


def judge(error: ApiError) -> Verdict:
    """Tell what an error of the server means for an append; unknown codes are judged by their class."""
    verdict = _VERDICTS.get(error.err_code)
    if verdict is not None:
        return verdict
    return Verdict.NOT_NOW if error.code in _PASSING else Verdict.FAULT


decode_ack: Final = msgspec.json.Decoder(PubAck).decode
