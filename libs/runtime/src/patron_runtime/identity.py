"""Tell who asks: verify the bearer token and give its claims as a `Principal`."""

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Final, cast

import jwt

from patron_events.rejections import Forbidden
from patron_runtime.issuer import AUDIENCE, EmbeddedIssuer
from patron_runtime.keys import ALGORITHMS, JwksFile, JwksUrl, KeySource, PemKey, UnknownKeyError
from patron_runtime.problems import Refused

__all__ = [
    "AUDIENCE",
    "EmbeddedIssuer",
    "Principal",
    "Role",
    "RoleMissing",
    "TrustedIssuer",
    "Verifier",
    "token_refused",
]

_CACHE_SIZE: Final = 4096
# A key that its issuer withdrew is believed no longer than this, whatever the token says.
_CACHE_TTL_S: Final = 300.0
_LEEWAY_S: Final = 5
_TOKEN_LIMIT: Final = 8192


class Role(StrEnum):
    """What a caller may do; each role includes the ones before it."""

    READER = "reader"
    AGENT = "agent"
    ADMIN = "admin"


_INCLUDES: Final[Mapping[Role, frozenset[str]]] = {
    Role.READER: frozenset({"reader", "agent", "admin"}),
    Role.AGENT: frozenset({"agent", "admin"}),
    Role.ADMIN: frozenset({"admin"}),
}


class RoleMissing(Forbidden):
    """The token does not carry the role that this operation needs."""

    code: ClassVar[str] = "forbidden"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, as its issuer says.

    subject: opaque id of the user or service, unique within the issuer.
    """

    subject: str
    roles: frozenset[str]
    teams: frozenset[str]
    issuer: str

    def may(self, role: Role) -> bool:
        """Tell whether one of the roles is this one or includes it."""
        return not _INCLUDES[role].isdisjoint(self.roles)


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """Trust the tokens of one issuer; exactly one of the three places of keys is given.

    roles_claim, teams_claim: dotted path in the claims, such as `realm_access.roles`.
    """

    issuer: str
    public_key_file: Path | None = None
    jwks_file: Path | None = None
    jwks_url: str | None = None
    roles_claim: str = "roles"
    teams_claim: str = "teams"

    def keys(self) -> KeySource:
        """Open the place of its keys.

        Raises:
            ValueError: none or several of the places are given.
        """
        match self.public_key_file, self.jwks_file, self.jwks_url:
            case Path() as path, None, None:
                return PemKey(path)
            case None, Path() as path, None:
                return JwksFile(path)
            case None, None, str(url):
                return JwksUrl(url)
            case _:
                message = f"issuer {self.issuer}: give one of public_key_file, jwks_file, jwks_url"
                raise ValueError(message)


class Verifier:
    """Verify tokens of the trusted issuers; remembers the good ones until they end (at most five minutes)."""

    def __init__(self, issuers: Iterable[TrustedIssuer], audience: str = AUDIENCE) -> None:
        self._issuers = {trusted.issuer: (trusted, trusted.keys()) for trusted in issuers}
        self._audience = audience
        self._known: OrderedDict[str, tuple[Principal, float]] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """Give the principal of a token.

        Raises:
            Refused: 401 `token-invalid` or `token-expired`.
            IssuerUnreachable: the keys cannot be fetched now.
        """
        known = self._known.get(token)
        if known is not None and known[1] > time.time():
            self._known.move_to_end(token)
            return known[0]
        if len(token) > _TOKEN_LIMIT:
            raise token_refused("token-invalid", "The token is too long.")
        principal, ends_at = await self._check(token)
        self._known[token] = principal, min(ends_at, time.time() + _CACHE_TTL_S)
        if len(self._known) > _CACHE_SIZE:
            self._known.popitem(last=False)
        return principal

    async def _check(self, token: str) -> tuple[Principal, float]:
        try:
            trusted, keys, key_id = self._origin(token)
            key, algorithm = await keys.find(key_id)
            if algorithm not in ALGORITHMS:
                raise token_refused("token-invalid", "The token is signed with an algorithm that is not accepted.")
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=trusted.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise token_refused("token-expired", "The token has ended; get a new one.") from None
        except (jwt.PyJWTError, UnknownKeyError, ValueError, RecursionError):
            raise token_refused("token-invalid", "The token cannot be verified.") from None
        return _principal(claims, trusted), float(claims["exp"])

    def _origin(self, token: str) -> tuple[TrustedIssuer, KeySource, str | None]:
        unverified = jwt.decode_complete(token, options={"verify_signature": False})
        issuer = unverified["payload"].get("iss")
        key_id = unverified["header"].get("kid")
        if not isinstance(issuer, str) or issuer not in self._issuers:
            raise jwt.InvalidIssuerError
        trusted, keys = self._issuers[issuer]
        return trusted, keys, key_id if isinstance(key_id, str) else None


def token_refused(code: str, detail: str) -> Refused:
    """Refuse with 401 and the challenge of RFC 6750."""
    challenge = 'Bearer realm="patron"'
    if code != "token-missing":
        challenge += f', error="invalid_token", error_description="{detail}"'
    return Refused(401, code, detail, {"WWW-Authenticate": challenge})


def _principal(claims: Mapping[str, Any], trusted: TrustedIssuer) -> Principal:
    subject = claims["sub"]
    if not subject:
        raise token_refused("token-invalid", "The token names no subject.")
    return Principal(
        subject=subject,
        roles=frozenset(_strings(claims, trusted.roles_claim)),
        teams=frozenset(_strings(claims, trusted.teams_claim)),
        issuer=trusted.issuer,
    )


def _strings(claims: Mapping[str, Any], path: str) -> Sequence[str]:
    value: object = claims
    for step in path.split("."):
        value = cast("Mapping[str, object]", value).get(step) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        return value.split()
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]
