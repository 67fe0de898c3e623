"""Read from a request who asks, from where, on what condition, and as part of which story."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from opentelemetry import trace

from patron_runtime.identity import Principal, Role, RoleMissing, token_refused
from patron_runtime.problems import Refused
from patron_runtime.state import runtime_of

_PRINCIPAL: Final = "patron.principal"
ANY_VERSION: Final = "*"
_VERSION: Final = re.compile(r'"(0|[1-9][0-9]{0,17})"')
_MATCH: Final = re.compile(rf"{_VERSION.pattern}|\*")
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")
_KEY_TEXT: Final = "1 to 255 printable ASCII characters; a repeat with the same key changes nothing."
_MATCH_TEXT: Final = 'Version that the caller saw, as in its ETag: `"7"`; 412 if there is another. `*`: any.'
_CORRELATION: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def _header(name: str, text: str, pattern: re.Pattern[str]) -> dict[str, Any]:
    schema = {"type": "string", "pattern": f"^(?:{pattern.pattern})$"}
    return {"name": name, "in": "header", "required": False, "description": text, "schema": schema}


@dataclass(frozen=True, slots=True)
class AskedBy:
    """Everything about a request that a command's cause and guard need.

    source: address of the caller; personal data, so never logged.
    correlation_id: `X-Correlation-Id`, else the trace id.
    traceparent: W3C trace context of the present span.
    expected_version: from `If-Match: "<n>"`; None without the header.
    must_exist: `If-Match: *`, which asks for any present version.
    """

    principal: Principal
    source: str
    correlation_id: str
    traceparent: str
    idempotency_key: str | None = None
    expected_version: int | None = None
    must_exist: bool = False


class _Authenticated(SecurityBase):
    """Let FastAPI list the bearer scheme in OpenAPI for every route that depends on it."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.model = HTTPBearer(bearerFormat="JWT", description="A JWT of a trusted issuer for `patron`.")
        self.scheme_name = "bearer"

    async def authorise(self, request: Request) -> Principal:
        """Verify the token and the role; `StrictRoute` does it once more early, before it reads the body."""
        principal: Principal | None = request.scope.get(_PRINCIPAL)
        if principal is None:
            principal = await runtime_of(request).verifier.verify(bearer_token(request))
            request.scope[_PRINCIPAL] = principal
        if not principal.may(self.role):
            detail = f"This operation needs the role {self.role.value}."
            raise RoleMissing(detail)
        return principal


class Requires(_Authenticated):
    """Depend on a caller with a role; give its `Principal`."""

    async def __call__(self, request: Request) -> Principal:
        """Verify the token of this request."""
        return await self.authorise(request)


class Asks(_Authenticated):
    """Depend on a caller with a role; give `AskedBy`. For queries, which have no conditions."""

    async def __call__(self, request: Request) -> AskedBy:
        """Verify the token and read the circumstances of this request."""
        principal = await self.authorise(request)
        traceparent, correlation_id = _story(request)
        return AskedBy(principal, source_address(request), correlation_id, traceparent)


class Commands(_Authenticated):
    """Depend on a caller with a role; give `AskedBy` with `Idempotency-Key` and `If-Match`."""

    # Read by hand and documented here: as FastAPI parameters they cost 60 us a request.
    parameters: ClassVar[tuple[dict[str, Any], ...]] = (
        _header("Idempotency-Key", _KEY_TEXT, _KEY),
        _header("If-Match", _MATCH_TEXT, _MATCH),
    )

    async def __call__(self, request: Request) -> AskedBy:
        """Verify the token and read the circumstances and conditions of this request."""
        principal = await self.authorise(request)
        traceparent, correlation_id = _story(request)
        if_match = request.headers.get("if-match")
        return AskedBy(
            principal,
            source_address(request),
            correlation_id,
            traceparent,
            checked_key(request.headers.get("idempotency-key")),
            version_of(if_match),
            if_match == ANY_VERSION,
        )


Reading = Annotated[AskedBy, Depends(Asks(Role.READER))]
Commanding = Annotated[AskedBy, Depends(Commands(Role.AGENT))]
Administering = Annotated[AskedBy, Depends(Commands(Role.ADMIN))]


def requires(role: Role) -> Requires:
    """Make the dependency on a role, as in `Depends(requires(Role.ADMIN))`."""
    return Requires(role)


def bearer_token(request: Request) -> str:
    """Read the token of the `Authorization` header.

    Raises:
        Refused: 401 `token-missing`.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise token_refused("token-missing", "Send a token as Authorization: Bearer <token>.")
    return token


def checked_key(value: str | None) -> str | None:
    """Check an Idempotency-Key.

    Raises:
        Refused: 400 `malformed-header`.
    """
    if value is not None and not _KEY.fullmatch(value):
        raise _malformed("Idempotency-Key takes 1 to 255 printable ASCII characters.")
    return value


def version_of(value: str | None) -> int | None:
    """Read the version of an If-Match header; None for `*` or no header.

    Raises:
        Refused: 400 `malformed-header`.
    """
    if value is None or value == ANY_VERSION:
        return None
    found = _VERSION.fullmatch(value)
    if found is None:
        raise _malformed('If-Match takes one version in quotes, such as "7", or *.')
    return int(found[1])


def source_address(request: Request) -> str:
    """Give the caller's address, believing as many entries of X-Forwarded-For as there are trusted proxies."""
    peer = request.client.host if request.client else ""
    trusted = runtime_of(request).settings.trusted_proxies
    if trusted < 1:
        return peer
    hops = [hop.strip() for hop in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
    hop = hops[max(len(hops) - trusted, 0)]
    try:
        return str(ipaddress.ip_address(hop))
    except ValueError:
        return peer


def _story(request: Request) -> tuple[str, str]:
    context = trace.get_current_span().get_span_context()
    trace_id = format(context.trace_id, "032x")
    traceparent = f"00-{trace_id}-{context.span_id:016x}-{context.trace_flags:02x}"
    given = request.headers.get("x-correlation-id")
    if given is None:
        return traceparent, trace_id
    if not _CORRELATION.fullmatch(given):
        raise _malformed("X-Correlation-Id takes 1 to 128 letters, digits and the characters . _ : -")
    return traceparent, given


def _malformed(detail: str) -> Refused:
    return Refused(400, "malformed-header", detail)
