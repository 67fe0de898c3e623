"""Signed addresses: what stands in a URL that opens without a token of an issuer.

They hold an id and a keyed hash (HMAC-SHA-256, 128 bits) and nothing personal, and end with what they were made for:
a feed with its generation, an invitation with the attendee it was made for.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from uuid import UUID

from patron_events.vault import BlindIndex
from patron_pipeline.domain.activity_errors import LinkInvalid

_ID_BYTES = 16
_MAC_BYTES = 16


def sign(index: BlindIndex, record_id: str, number: int, *purpose: str) -> str:
    """Write an address part for a record. number: 0 to 2**32-1; purpose: what it opens, and for whom."""
    raw = UUID(record_id).bytes + number.to_bytes(4, "big") + _mac(index, record_id, number, *purpose)
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def read(token: str) -> tuple[str, int]:
    """Read the record and number of an address part, unproved; raises LinkInvalid for what is none."""
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (Error, ValueError):
        raise LinkInvalid from None
    if len(raw) != _ID_BYTES + 4 + _MAC_BYTES:
        raise LinkInvalid
    return str(UUID(bytes=raw[:_ID_BYTES])), int.from_bytes(raw[_ID_BYTES : _ID_BYTES + 4], "big")


def proved(index: BlindIndex, token: str, *purpose: str) -> bool:
    """Tell whether an address part was signed for this purpose, in a time that tells nothing."""
    record_id, number = read(token)
    return hmac.compare_digest(sign(index, record_id, number, *purpose).encode(), token.encode())


def _mac(index: BlindIndex, record_id: str, number: int, *purpose: str) -> bytes:
    return bytes.fromhex(index.of("address", *purpose, record_id, str(number)))
