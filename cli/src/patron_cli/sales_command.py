"""`patron pipeline`: what somebody who sells asks and does from a shell."""

from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from patron_cli.console import EXIT_CODES, USAGE, Json, Stopped, print_json, say
from patron_cli.installation import Data, Role, Token, Url, find
from patron_cli.sales_tables import (
    show_activities,
    show_board,
    show_cards,
    show_deals,
    show_leads,
    show_stays,
)
from patron_cli.segments_api import Api, Document, finished, opened, read_document

pipeline: Final = typer.Typer(no_args_is_help=True, help="Boards, deals, leads and what is to be done.")
READ: Final = "/projections/v1"
WRITE: Final = "/pipeline/v1"
PipelineId = Annotated[str, typer.Argument(help="Id of the pipeline.")]
DealId = Annotated[str, typer.Argument(help="Id of the deal.")]
Filters = Annotated[list[str] | None, typer.Option("--filter", help="field:operator:value; may be repeated.")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="How many are shown at most.")]
Sort = Annotated[str | None, typer.Option(help="Field to sort by; `-` in front: descending.")]
AsOf = Annotated[str | None, typer.Option(help="A moment or day: what was the case then.")]
Reason = Annotated[str | None, typer.Option(help="A reason of the pipeline.")]
At = Annotated[str | None, typer.Option(help="When it happened (RFC 3339); now without it.")]


def _query(limit: int, as_of: str | None, sort: str | None = None, filters: list[str] | None = None) -> dict[str, Any]:
    return _said({"limit": str(limit), "as_of": as_of, "sort": sort, "filter": filters})


def _said(asked: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}


@pipeline.command("board", epilog=EXIT_CODES)
def board(  # noqa: PLR0913 - every parameter is an option of the command line
    pipeline_id: PipelineId = "default",
    *,
    filters: Filters = None,
    currency: Annotated[str | None, typer.Option(help="Currency of the totals.")] = None,
    cards: Annotated[int, typer.Option(min=1, max=200, help="Deals shown per stage.")] = 5,
    as_of: AsOf = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Show the board of a pipeline: what stands in each stage, what it may bring, and the next deals to close."""
    asked = {"limit": str(cards), "currency": currency, "as_of": as_of, "filter": filters}
    found = opened(find(data, url, token), Role.READER).get(f"{READ}/pipelines/{pipeline_id}/board", **_said(asked))
    if as_json:
        print_json(found)
        return
    show_board(found)
    show_cards(found)


@pipeline.command("deals", epilog=EXIT_CODES)
def deals(  # noqa: PLR0913 - as above
    *,
    filters: Filters = None,
    sort: Sort = None,
    limit: Limit = 20,
    as_of: AsOf = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """List deals, such as --filter stage:eq:proposal --filter owner:eq:ann --sort -amount."""
    answer = opened(find(data, url, token), Role.READER).get(f"{READ}/deals", **_query(limit, as_of, sort, filters))
    _listed(answer, show_deals, as_json=as_json)


@pipeline.command("leads", epilog=EXIT_CODES)
def leads(  # noqa: PLR0913 - as above
    *,
    filters: Filters = None,
    sort: Sort = None,
    limit: Limit = 20,
    as_of: AsOf = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """List leads, such as --filter open:eq:true --sort -score."""
    answer = opened(find(data, url, token), Role.READER).get(f"{READ}/leads", **_query(limit, as_of, sort, filters))
    _listed(answer, show_leads, as_json=as_json)


def _listed(answer: Document, show: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    show(answer["items"])
    if answer.get("next_cursor"):
        say("There are more: narrow them down with --filter, or show more with --limit.")


@pipeline.command("deal", epilog=EXIT_CODES)
def deal(
    deal_id: DealId,
    as_of: AsOf = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    *,
    as_json: Json = False,
) -> None:
    """Show a deal, and how long it was in each stage."""
    found = opened(find(data, url, token), Role.READER).get(
        f"{READ}/deals/{deal_id}", **({"as_of": as_of} if as_of else {})
    )
    if as_json:
        print_json(found)
        return
    show_deals([found])
    show_stays(found["stays"])


@pipeline.command("work", epilog=EXIT_CODES)
def work(
    owner: Annotated[str, typer.Argument(help="Whose work: the `sub` of their tokens.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many are shown of each kind.")] = 10,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    *,
    as_json: Json = False,
) -> None:
    """Show what somebody has to do: overdue and due activities, deals without a next step, leads that wait."""
    found = opened(find(data, url, token), Role.READER).get(f"{READ}/work", owner=owner, limit=str(limit))
    if as_json:
        print_json(found)
        return
    _sections(found)


@pipeline.command("inbox", epilog=EXIT_CODES)
def inbox(
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many are shown of each kind.")] = 10,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    *,
    as_json: Json = False,
) -> None:
    """Show the leads that wait: those that nobody has, by queue, and those that nobody has begun to work on."""
    found = opened(find(data, url, token), Role.READER).get(f"{READ}/leads/inbox", limit=str(limit))
    if as_json:
        print_json(found)
        return
    for queue in found["queues"]:
        say(f"{queue['queue'] or 'no queue'}: {queue['leads']:,} leads")
    _sections({f"leads_{name}": one for name, one in found.items()})


def _sections(page: Document) -> None:
    """Print the sections of a page that have anything in them."""
    shown = {"deals": show_deals, "leads": show_leads}
    for name, section in page.items():
        if isinstance(section, dict) and cast("Document", section).get("number"):
            told = cast("Document", section)
            say(f"{name.replace('_', ' ')}: {told['number']:,}")
            shown.get(name.partition("_")[0], show_activities)(told["items"])


@pipeline.command("define", epilog=EXIT_CODES)
def define(
    pipeline_id: PipelineId,
    file: Annotated[Path, typer.Argument(help="JSON: name, stages and rules; `-` is standard input.")],
    data: Data = None,
    url: Url = None,
    token: Token = None,
    *,
    as_json: Json = False,
) -> None:
    """Define a pipeline, or change its definition as a whole."""
    document = read_document(file, None)
    if not isinstance(document, dict):
        raise Stopped(f"{file} holds no definition of a pipeline", USAGE)
    api = opened(find(data, url, token), Role.ADMIN)
    finished(api.send("PUT", f"{WRITE}/pipelines/{pipeline_id}", cast("Document", document)), as_json=as_json)


@pipeline.command("move", epilog=EXIT_CODES)
def move(  # noqa: PLR0913 - as above
    deal_id: DealId,
    stage: Annotated[str, typer.Argument(help="Id of the stage.")],
    *,
    seen: Annotated[str | None, typer.Option("--from", help="Stage in which you saw it; the present one.")] = None,
    at: At = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Move a deal into another open stage; with --from only if nobody has moved it meanwhile."""
    api = opened(find(data, url, token), Role.AGENT)
    body = {"to": stage, "from": seen or api.get(f"{WRITE}/deals/{deal_id}")["stage"]} | _stated(occurred_at=at)
    _told(api, f"{deal_id}/move", body, as_json=as_json)


@pipeline.command("win", epilog=EXIT_CODES)
def win(  # noqa: PLR0913 - as above
    deal_id: DealId,
    *,
    amount: Annotated[str | None, typer.Option(help="Agreed amount; that of the deal without it.")] = None,
    reason: Reason = None,
    at: At = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Close a deal as won."""
    body = _stated(amount=amount, reason=reason, occurred_at=at)
    _told(opened(find(data, url, token), Role.AGENT), f"{deal_id}/win", body, as_json=as_json)


@pipeline.command("lose", epilog=EXIT_CODES)
def lose(  # noqa: PLR0913 - as above
    deal_id: DealId,
    *,
    reason: Annotated[str, typer.Option(help="Why: one of the reasons of the pipeline.")],
    competitor: Annotated[str | None, typer.Option(help="To whom.")] = None,
    at: At = None,
    data: Data = None,
    url: Url = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Close a deal as lost."""
    body = _stated(reason=reason, competitor=competitor, occurred_at=at)
    _told(opened(find(data, url, token), Role.AGENT), f"{deal_id}/lose", body, as_json=as_json)


def _told(api: Api, path: str, body: Document, *, as_json: bool) -> None:
    finished(api.send("POST", f"{WRITE}/deals/{path}", body), as_json=as_json)


def _stated(**members: str | None) -> dict[str, str]:
    return {name: value for name, value in members.items() if value is not None}
