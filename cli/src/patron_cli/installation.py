"""Find the installation that a command is about: here below a data folder, or anywhere at a URL."""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from patron_cli.console import NOT_RUNNING, USAGE, Stopped
from patron_cli.embedded.folder import DataFolder
from patron_cli.embedded.state import State, running_state

if TYPE_CHECKING:
    import httpx

DEFAULT_FOLDER: Final = Path(".patron")
_TIMEOUT_S: Final = 60.0
_CONNECT_S: Final = 5.0
_TOKEN_TTL_S: Final = 3600

Data = Annotated[
    Path | None, typer.Option("--data", help="Data folder; otherwise PATRON_DATA, otherwise .patron here.")
]
Url = Annotated[str | None, typer.Option("--url", help="Installation elsewhere; otherwise PATRON_URL.")]
Token = Annotated[str | None, typer.Option("--token", help="Bearer token for --url; otherwise PATRON_TOKEN.")]


class Role(StrEnum):
    """What the holder of a token may do; each role includes the ones before it."""

    READER = "reader"
    AGENT = "agent"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation to ask. state: what runs, when it is on this machine."""

    url: str
    token: str | None = None
    folder: DataFolder | None = None
    state: State | None = None

    @property
    def is_default(self) -> bool:
        """Tell whether commands find it without being told where."""
        return self.folder is not None and self.folder.path == folder_of(None).path and not os.environ.get("PATRON_URL")

    def token_for(self, role: Role) -> str:
        """Give a token that is good for an hour: the one that was stated, or a new one with this role."""
        if self.token is not None:
            return self.token
        if self.folder is None:
            raise Stopped("an installation at a URL needs --token (or PATRON_TOKEN)", USAGE)
        return issue(self.folder, "patron-cli", role, ttl_s=_TOKEN_TTL_S)

    def client(self, role: Role) -> "httpx.Client":
        """Open an HTTP client with a token of this role."""
        import httpx  # noqa: PLC0415 - a tenth of a second that other commands should not pay

        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.token_for(role)}"},
            timeout=httpx.Timeout(_TIMEOUT_S, connect=_CONNECT_S),
            trust_env=self.folder is None,  # no proxy lies between us and this machine
        )


@contextmanager
def reaching(installation: Installation) -> Generator[None]:
    """Say on one line that an installation does not answer, or that its address is none."""
    import httpx  # noqa: PLC0415 - as in `client`

    try:
        yield
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError) as error:
        raise Stopped(f"{installation.url} is no usable address: {error}", USAGE) from None
    except httpx.TransportError as error:
        said = str(error) or type(error).__name__
        raise Stopped(f"{installation.url} does not answer: {said}", NOT_RUNNING) from None


def folder_of(data: Path | None) -> DataFolder:
    """Choose the data folder: stated, PATRON_DATA, or `.patron` below the current one."""
    return DataFolder((data or Path(os.environ.get("PATRON_DATA") or DEFAULT_FOLDER)).absolute())


def find(data: Path | None, url: str | None, token: str | None) -> Installation:
    """Find a running installation; an option beats the environment, and a URL a folder.

    Raises:
        Stopped: nothing runs on the data folder.
    """
    url = url or (None if data else os.environ.get("PATRON_URL"))
    token = token or (None if data else os.environ.get("PATRON_TOKEN"))
    if url:
        return Installation(url.rstrip("/"), token)
    return local(data, token)


def local(data: Path | None, token: str | None = None) -> Installation:
    """Find the installation that runs on a data folder.

    Raises:
        Stopped: none does.
    """
    folder = folder_of(data)
    state = running_state(folder)
    if state is None:
        raise Stopped(f"nothing runs on {folder.path}; `patron up` starts it", NOT_RUNNING)
    return Installation(state.url, token, folder, state)


def issue(folder: DataFolder, subject: str, role: Role, teams: Sequence[str] = (), *, ttl_s: int) -> str:
    """Sign a token with the key of an embedded installation, running or not."""
    if not folder.exists:
        raise Stopped(f"there is no installation in {folder.path}; `patron up` makes one", NOT_RUNNING)
    from patron_runtime.issuer import EmbeddedIssuer  # noqa: PLC0415 - cryptography takes a while to load

    return EmbeddedIssuer(folder.keys).issue(subject, [role.value], teams, ttl_s)
