"""`patron verify`: prove that nothing in the log was altered, left out or reordered."""

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patron_cli.catalogue import contexts
from patron_cli.console import DONE, NOT_RUNNING, REFUSED, Json, Stopped, print_json, say
from patron_cli.installation import Data, local

if TYPE_CHECKING:
    from patron_events.verify import Verification

_WHAT = {
    "unreadable": "cannot be read",
    "altered": "was altered: its hash does not fit its content",
    "wrong-version": "has a wrong version: a commit before it is missing or doubled",
    "chain-broken": "does not follow the commit before it",
    "sequence-missing": "is missing in the stream",
}


def verify(
    data: Data = None,
    nats: Annotated[
        str | None, typer.Option("--nats", help="Address of a nats-server elsewhere; otherwise PATRON_NATS_URL.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Walk the hash chain of every record in every context's stream; name the first commit that does not fit.

    A sequence that is missing in a stream is a fault as well. Reads stored bytes only: it needs no keys, and
    erased records verify like any other. Without a copy of newer hashes elsewhere it cannot show that the newest
    commits of a whole stream were cut off, or that a chain was rewritten with all its hashes.
    """
    began = time.monotonic()
    found = asyncio.run(_verified(_address(data, nats)))
    document = [_document(one) for one in found]
    sound = all(one.is_sound for one in found)
    if as_json:
        print_json({"sound": sound, "contexts": document})
    else:
        for one in found:
            say(_sentence(one))
        say(f"{'Sound' if sound else 'NOT SOUND'}, in {time.monotonic() - began:.1f} s.")
    raise typer.Exit(DONE if sound else REFUSED)


def _address(data: Path | None, nats: str | None) -> str:
    url = nats or (None if data else os.environ.get("PATRON_NATS_URL"))
    if url:
        return url
    state = local(data).state
    return state.nats_url if state else ""


async def _verified(url: str) -> "list[Verification]":
    from nats.errors import Error  # noqa: PLC0415 - other commands need no log

    from patron_events.jetstream.connection import connect  # noqa: PLC0415 - as above
    from patron_events.jetstream.reader import JetStreamReader  # noqa: PLC0415 - as above
    from patron_events.rejections import Unavailable  # noqa: PLC0415 - as above
    from patron_events.verify import verify as walk  # noqa: PLC0415 - as above

    try:
        connection = await connect(url)
    except (OSError, Error) as error:
        raise Stopped(f"the log at {url} does not answer: {error}", NOT_RUNNING) from None
    try:
        reader = JetStreamReader(connection)
        return [await walk(reader, context) for context in contexts()]
    except Unavailable:
        raise Stopped(f"the log at {url} does not answer", NOT_RUNNING) from None
    finally:
        await connection.close()


def _document(one: "Verification") -> dict[str, Any]:
    bad = one.bad
    return {
        "context": one.context,
        "commits": one.commits,
        "aggregates": one.aggregates,
        "through": one.through,
        "sound": one.is_sound,
        "first_bad": None
        if bad is None
        else {"subject": bad.stream.subject if bad.stream else None, "sequence": bad.sequence, "reason": bad.reason},
    }


def _sentence(one: "Verification") -> str:
    walked = f"{one.context}: {one.commits:,} commits of {one.aggregates:,} records"
    if one.bad is None:
        return f"{walked}; every one fits."
    whose = f" of {one.bad.stream.subject}" if one.bad.stream else ""
    return f"{walked}; commit {one.bad.sequence}{whose} {_WHAT[one.bad.reason]}."
