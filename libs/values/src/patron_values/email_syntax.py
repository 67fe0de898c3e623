"""Check and normalise one e-mail address, by the rules that mail servers of today apply.

The policy, in the classes of the isemail test set (`tests/contacts/test_emails.py` runs all 164):

- Accepted: addresses of RFC 5321 without special forms (VALID), also where the DNS has no mail server at the
  moment (DNSWARN): a record is not lost because a name server is down. Internationalised addresses (RFC 6531)
  and domains (IDNA 2008), normalised to Unicode NFC. Blanks around an address are dropped, as forms do.
- Refused, although some RFC allows it: quoted local parts, address literals and top-level domains of digits
  (RFC5321); comments and folding (CFWS); obsolete forms (DEPREC); lengths and domains that mail cannot use
  (RFC5322); a domain without a dot unless it is a country code (ICANN forbids them to all others); names that
  are reserved for no use on the Internet (`.invalid`, `.local`, ...; RFC 6761), but not `.test`.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

from email_validator import EmailNotValidError, validate_email

MAX_LENGTH: Final = 254
MAX_LOCAL_LENGTH: Final = 64

_DOT_ATOM: Final = re.compile(r"[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+(?:\.[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~]+)*")
_COUNTRY_CODE: Final = re.compile(r"[A-Za-z]{2}")
_ROLE_NAMES: Final = (
    "info marketing sales support abuse noc security postmaster hostmaster usenet news webmaster www uucp ftp"
)
_ROLES: Final = frozenset(_ROLE_NAMES.split())
"""RFC 2142: mailboxes whose case never counts."""


class Domain(NamedTuple):
    """A domain as people read it, and as the DNS has it (IDNA)."""

    shown: str
    ascii: str


@lru_cache(maxsize=8192)
def domain(name: str) -> Domain | None:
    """Normalise the domain of an address; None where mail cannot have it."""
    dotless = _COUNTRY_CODE.fullmatch(name) is not None
    try:
        found = validate_email(
            "x@" + name, check_deliverability=False, test_environment=True, globally_deliverable=not dotless
        )
    except EmailNotValidError:
        return None
    if "." not in found.ascii_domain and not dotless:  # `x@test`, which a test environment would have
        return None
    return Domain(found.domain, found.ascii_domain)


@lru_cache(maxsize=8_192)
def normalised(address: str) -> tuple[str, Domain] | None:
    """Normalise an address to its local part and domain; None where it is not acceptable."""
    local, at, name = address.strip(" ").rpartition("@")
    if not at or len(address) > MAX_LENGTH + 2 or len(local) > MAX_LOCAL_LENGTH:
        return None
    host = domain(name)
    if host is None:
        return None
    # The plain local parts of nearly all addresses need nothing; the library takes ten times as long to say so.
    if _DOT_ATOM.fullmatch(local):
        read = local.lower() if local.lower() in _ROLES else local
    else:
        read = _international(local, host)
    if read is None or len(read.encode()) + 1 + len(host.ascii) > MAX_LENGTH:
        return None
    return read, host


def _international(local: str, host: Domain) -> str | None:
    if local.isascii():  # quoted, or wrong
        return None
    try:
        found = validate_email(f"{local}@{host.ascii}", check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        return None
    return found.local_part


def key(local: str, host: Domain) -> str:
    """Give the form that two writings of one address share: lower case, and the domain in ASCII."""
    return f"{unicodedata.normalize('NFC', local.lower())}@{host.ascii}"
