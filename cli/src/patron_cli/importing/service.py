"""Talk to a Patron installation over HTTP: bulk requests, custom fields, waiting until rows are visible."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import tenacity

from patron_cli.importing.custom_fields import FieldDefinition
from patron_cli.importing.shapes import SALES, Kind

_UNAVAILABLE = frozenset({429, 500, 502, 503, 504})
_PATIENCE_S = 120.0
_FIRST_PATIENCE_S = 10.0
_REQUEST_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_VISIBLE_WAIT_S = 30
_PAUSE_S = 0.5
_ABSENT = frozenset({404, 422})  # no such id, or nothing that could be one
# Where rows of a kind are looked for; orders and interactions are on the timelines of people.
_DIRECTORIES: dict[Kind, str] = {"companies": "companies", **{kind: kind for kind in SALES}}
_ROUTES: dict[Kind, str] = {"sales-team": "reps"}
_LONGEST_PAUSE_S = 10.0


class ServiceUnreachable(Exception):
    """The installation does not answer, or not in time."""


class RequestRefused(Exception):
    """The installation refuses the request as a whole.

    status: of HTTP; code: of the problem document.
    """

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{detail} ({code}, HTTP {status})")
        self.status = status
        self.code = code
        self.detail = detail


class _NotNow(Exception):
    """The request may succeed if it is repeated; after: what Retry-After says, in seconds."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


class Result(msgspec.Struct, frozen=True):
    """What became of one item of a bulk request."""

    index: int
    status: str
    id: str | None = None
    version: int | None = None
    code: str | None = None
    detail: str | None = None
    field: str | None = None


class BulkAnswer(msgspec.Struct, frozen=True):
    """What became of a bulk request; results are in the order of the items."""

    results: list[Result]
    position: str | None = None


class _Problem(msgspec.Struct, frozen=True):
    """The parts of a problem document (RFC 9457) that are shown."""

    code: str = "unknown"
    detail: str = ""
    title: str = ""


_answers = msgspec.json.Decoder(BulkAnswer)
_problems = msgspec.json.Decoder(_Problem)


@dataclass(slots=True)
class Service:
    """One installation. client: has its base URL and token; it is used from several threads."""

    client: httpx.Client
    answered: bool = False

    def bulk(self, kind: Kind, content: bytes, key: str) -> BulkAnswer:
        """Send one bulk request, again if need be: the key makes the repetition harmless.

        Raises:
            ServiceUnreachable: no answer within two minutes, or within ten seconds if there never was one.
            RequestRefused: the request as a whole is refused.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        path = bulk_path(kind)
        answer = self._patiently(lambda: self.client.post(path, content=content, headers=headers))
        try:
            return _answers.decode(answer.content)
        except msgspec.DecodeError as error:
            raise ServiceUnreachable(f"{path} gave an answer that cannot be read: {error}") from error

    def pipeline(self, name: str) -> dict[str, Any] | None:
        """Give the definition of a pipeline by its id; None where there is none."""
        try:
            return self._patiently(lambda: self.client.get(f"/pipeline/v1/pipelines/{quote(name, safe='')}")).json()
        except RequestRefused as refused:
            if refused.status in _ABSENT:
                return None
            raise

    def fields(self, kind: Kind) -> dict[str, str]:
        """Give the names and types of the custom fields that exist."""
        document: Any = self._patiently(lambda: self.client.get(f"/contacts/v1/fields/{kind}")).json()
        return {str(item["name"]): str(item["type"]) for item in document["items"]}

    def define(self, kind: Kind, definition: FieldDefinition) -> None:
        """Define a custom field; defining it again changes nothing."""
        path = f"/contacts/v1/fields/{kind}/{quote(definition.name)}"
        body = {"type": definition.type, "label": definition.label[:200]}
        self._patiently(lambda: self.client.put(path, json=body))

    def wait_visible(self, kind: Kind, position: str, patience_s: float = 600.0) -> None:
        """Return when the read models have applied everything up to a position.

        Raises:
            ServiceUnreachable: they have not within `patience_s`.
        """
        deadline = time.monotonic() + patience_s
        directory = _DIRECTORIES.get(kind, "people")
        found = self._until_visible(f"/projections/v1/{directory}", position, deadline)
        if kind in {"orders", "interactions"} and found.get("items"):
            self._until_visible(f"/projections/v1/timeline/{found['items'][0]['id']}", position, deadline)

    def _until_visible(self, path: str, position: str, deadline: float) -> dict[str, Any]:
        query: dict[str, str | int] = {"limit": 1, "after": position, "wait_s": _VISIBLE_WAIT_S}
        while True:
            try:
                return self._once(lambda: self.client.get(path, params=query)).json()
            except _NotNow as error:
                if time.monotonic() > deadline:
                    raise ServiceUnreachable(f"the rows are in, but not visible yet: {error}") from error
                time.sleep(min(max(error.after, _PAUSE_S), _LONGEST_PAUSE_S))

    def _patiently(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_NotNow),
            stop=tenacity.stop_after_delay(_PATIENCE_S if self.answered else _FIRST_PATIENCE_S),
            wait=_pause,
            reraise=True,
        )
        try:
            answer = retrying(self._once, ask)
        except _NotNow as error:
            raise ServiceUnreachable(f"{self.client.base_url} does not answer: {error}") from error
        self.answered = True
        return answer

    @staticmethod
    def _once(ask: Callable[[], httpx.Response]) -> httpx.Response:
        try:
            answer = ask()
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise RequestRefused(0, "invalid-url", str(error)) from error
        except httpx.TransportError as error:
            raise _NotNow(str(error) or type(error).__name__) from error
        if answer.is_success:
            return answer
        problem = _problem(answer)
        detail = problem.detail or problem.title or answer.reason_phrase
        if answer.status_code in _UNAVAILABLE:
            raise _NotNow(f"{detail} (HTTP {answer.status_code})", _retry_after(answer))
        raise RequestRefused(answer.status_code, problem.code, detail)


def bulk_path(kind: Kind) -> str:
    """Name the route that takes rows of a kind."""
    return f"/pipeline/v1/{_ROUTES.get(kind, kind)}/bulk" if kind in SALES else f"/contacts/v1/{kind}/bulk"


def connect(url: str, token: str, *, local: bool = False) -> Service:
    """Prepare to talk to an installation; nothing is sent yet. local: it is on this machine, behind no proxy."""
    limits = httpx.Limits(max_connections=8, max_keepalive_connections=8)
    headers = {"Authorization": f"Bearer {token}"}
    client = httpx.Client(base_url=url, headers=headers, timeout=_REQUEST_TIMEOUT, limits=limits, trust_env=not local)
    return Service(client)


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    stated = error.after if isinstance(error, _NotNow) else 0.0
    grown = tenacity.wait_random_exponential(multiplier=0.2, max=5)(state)
    return min(max(stated, grown), _LONGEST_PAUSE_S)


def _problem(answer: httpx.Response) -> _Problem:
    try:
        return _problems.decode(answer.content)
    except msgspec.DecodeError:
        return _Problem(detail=answer.text[:200])


def _retry_after(answer: httpx.Response) -> float:
    try:
        return float(answer.headers.get("Retry-After", "0"))
    except ValueError:
        return 0.0
