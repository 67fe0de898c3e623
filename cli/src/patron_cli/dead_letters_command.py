"""`patron dead-letters`: facts and timers that a reaction failed on for good."""

from typing import Annotated, Any, Final
from uuid import UUID

import typer

from patron_cli.console import REFUSED, Json, Stopped, print_json, say
from patron_cli.embedded.readiness import REACTING
from patron_cli.installation import Data, Installation, Role, Token, Url, find, reaching

dead_letters: Final = typer.Typer(no_args_is_help=True, help="Show and repeat what reactions failed on for good.")
_MOST: Final = 1000
LetterId = Annotated[UUID, typer.Argument(help="Id of the dead letter, as `list` shows it.")]


@dead_letters.command("list")
def list_dead_letters(data: Data = None, url: Url = None, token: Token = None, *, as_json: Json = False) -> None:
    """List dead letters, the newest first: id, reaction, what it failed on, the error, how often it was repeated."""
    items = _all(find(data, url, token))
    if as_json:
        print_json({"items": items})
        return
    for one in items:
        error = one["code"] or one["error"]
        say(f"{one['id']}  {one['reaction']}  {one['what']}  {error}  {one['died_at']}  {one['retries']} retries")
    if not items:
        say("No dead letters.")


@dead_letters.command("show")
def show_dead_letter(letter: LetterId, data: Data = None, url: Url = None, token: Token = None) -> None:
    """Show everything that is known about one dead letter; never a personal value."""
    installation = find(data, url, token)
    found = next((one for one in _all(installation) if one["id"] == str(letter)), None)
    if found is None:
        raise Stopped(f"there is no dead letter {letter}", REFUSED)
    print_json(found)


@dead_letters.command("retry")
def retry_dead_letters(  # one parameter for each option
    letter: Annotated[UUID | None, typer.Argument(help="Id of the dead letter.")] = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Repeat all there are.")] = False,
) -> None:
    """Run a reaction again on what it failed on; safe to repeat. The letter goes when it succeeds."""
    if (letter is None) == (not every):
        raise Stopped("give the id of a dead letter, or --all", REFUSED)
    installation = find(data, url, token)
    wanted = [one for one in _all(installation) if every or one["id"] == str(letter)]
    if letter is not None and not wanted:
        raise Stopped(f"there is no dead letter {letter}", REFUSED)
    with installation.client(Role.ADMIN) as client, reaching(installation):
        for one in wanted:
            answer = client.post(f"/{one['service']}/v1/dead-letters/{one['id']}/retry")
            if not answer.is_success:
                raise Stopped(f"dead letter {one['id']}: HTTP {answer.status_code}", REFUSED)
    say(f"Requested {len(wanted)}. `patron dead-letters list` shows within seconds whether it helped.")


def _all(installation: Installation) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    with installation.client(Role.ADMIN) as client, reaching(installation):
        for service in REACTING:
            answer = client.get(f"/{service}/v1/dead-letters", params={"limit": _MOST})
            if not answer.is_success:
                raise Stopped(f"{installation.url} refuses: HTTP {answer.status_code}", REFUSED)
            items += answer.json()["items"]
    return sorted(items, key=lambda one: str(one["died_at"]), reverse=True)
