"""Put the version and the position of the log into the headers of an answer."""

from typing import Final

from fastapi import Response

POSITION_HEADER: Final = "Patron-Position"


def entity_tag(version: int) -> str:
    """Write a version as a strong entity tag (RFC 9110, 8.8.3)."""
    return f'"{version}"'


def stamp(response: Response, *, version: int | None = None, position: str | None = None) -> None:
    """Set `ETag` to the version and `Patron-Position` to the position, where they are known."""
    if version is not None:
        response.headers["ETag"] = entity_tag(version)
    if position is not None:
        response.headers[POSITION_HEADER] = position
