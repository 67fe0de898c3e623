"""`patron parked`: aggregates that wait because one of their commits cannot be applied."""

from typing import Annotated, Any, Final

import typer

from patron_cli.console import REFUSED, Json, Stopped, print_json, say
from patron_cli.installation import Data, Role, Token, Url, find, reaching

parked: Final = typer.Typer(no_args_is_help=True, help="Show and retry what cannot be applied to a read model.")
_PATH: Final = "/projections/v1/parked"
Model = Annotated[str, typer.Argument(help="Read model, such as people.")]
Category = Annotated[str, typer.Argument(help="Kind of record, such as person.")]
RecordId = Annotated[str, typer.Argument(help="Id of the record.")]


@parked.command("list")
def list_parked(data: Data = None, url: Url = None, token: Token = None, *, as_json: Json = False) -> None:
    """List parked records: model, subject, the commit that failed, the reason, and how many commits wait."""
    items = _all(data, url, token)
    if as_json:
        print_json({"items": items})
        return
    for one in items:
        say(f"{one['model']}  {one['subject']}  commit {one['sequence']}  {one['reason']}  {one['waiting']} waiting")
    if not items:
        say("Nothing is parked.")


@parked.command("show")
def show_parked(
    model: Model, category: Category, record: RecordId, data: Data = None, url: Url = None, token: Token = None
) -> None:
    """Show everything that is known about one parked record; never a personal value."""
    end = f".{category}.{record}"
    for one in _all(data, url, token):
        if one["model"] == model and str(one["subject"]).endswith(end):
            print_json(one)
            return
    raise Stopped(f"{category} {record} is not parked in {model}", REFUSED)


@parked.command("retry")
def retry_parked(
    model: Model, category: Category, record: RecordId, data: Data = None, url: Url = None, token: Token = None
) -> None:
    """Try a parked record again from the commit that failed; safe to repeat."""
    installation = find(data, url, token)
    with installation.client(Role.ADMIN) as client, reaching(installation):
        answer = client.post(f"{_PATH}/{model}/{category}/{record}/retry")
    if not answer.is_success:
        raise Stopped(f"{category} {record} is not parked in {model} (HTTP {answer.status_code})", REFUSED)
    say("Requested. `patron parked list` shows within seconds whether it helped.")


def _all(data: Data, url: Url, token: Token) -> list[dict[str, Any]]:
    installation = find(data, url, token)
    items: list[dict[str, Any]] = []
    parameters: dict[str, str] = {"limit": "200"}
    with installation.client(Role.ADMIN) as client, reaching(installation):
        while True:
            answer = client.get(_PATH, params=parameters)
            if not answer.is_success:
                raise Stopped(f"{installation.url} refuses: HTTP {answer.status_code}", REFUSED)
            page = answer.json()
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            parameters["cursor"] = page["next_cursor"]
