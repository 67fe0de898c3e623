"""Routes of calendar feeds, and of the links in invitations; those with a token in the path take no other."""

from html import escape
from typing import Annotated, Any, Final, Literal

from fastapi import Path, Query, Request, Response

from patron_events.decisions import Asked
from patron_events.envelope import Actor
from patron_events.rejections import Forbidden
from patron_pipeline.api import activity_refusals as refusals
from patron_pipeline.api.activity_bodies import CalendarAddress, CalendarBody
from patron_pipeline.api.parts import Using
from patron_pipeline.handlers.icalendars import MEDIA_TYPE
from patron_pipeline.handlers.replies import Invited
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import Accepted, accepted, asked, plain
from patron_runtime.identity import Role
from patron_runtime.problems import problems
from patron_runtime.requests import AskedBy, Commanding

calendars: Final = router(prefix="/pipeline/v1", tags=["calendars"])
Token = Annotated[str, Path(min_length=40, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
_FRESH: Final = "private, max-age=300"
_PAGE: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/html": {}}}}
_CALENDAR: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/calendar": {}}},
    304: {"description": "Not changed"},
}


class NotYourCalendar(Forbidden):
    """Only administrators open and close the calendars of others."""

    code = "not-your-calendar"


@calendars.post("/calendars", responses=problems(*refusals.CALENDAR, NotYourCalendar))
async def open_calendar(
    body: CalendarBody, using: Using, by: Commanding, request: Request, response: Response
) -> CalendarAddress:
    """Give the address of one's own feed; `renew` makes a new one and ends those before."""
    subject = _subject(body.subject, by)
    command = asked(by, f"pipeline/calendars/{subject}", using.index, plain(body))
    committed, token = await using.calendars.open(subject, command, renew=body.renew)
    base = using.public_url or str(request.base_url)
    stamp(response, version=committed.version, position=str(committed.position))
    url = f"{base.rstrip('/')}/pipeline/v1/calendar/{token}.ics"
    return CalendarAddress(url=url, version=committed.version, position=str(committed.position))


@calendars.post("/calendars/close", responses=problems(*refusals.CALENDAR, NotYourCalendar))
async def close_calendar(body: CalendarBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Let no address of the feed answer any more."""
    subject = _subject(body.subject, by)
    command = asked(by, f"pipeline/calendars/{subject}/close", using.index, plain(body))
    return accepted(response, await using.calendars.close(subject, command))


@calendars.get(
    "/calendar/{calendar_token}.ics",
    response_class=Response,
    responses={**problems(*refusals.LINK), **_CALENDAR},
)
async def read_calendar(
    calendar_token: Token,
    using: Using,
    request: Request,
    tasks: Annotated[Literal["todos", "events"], Query()] = "todos",
) -> Response:
    """Read the open activities of a user as iCalendar, for programs that subscribe to an address.

    tasks: tasks and e-mails as to-dos, or as events for calendars that show no to-dos.
    """
    feed = await using.calendars.read(calendar_token, as_events=tasks == "events")
    headers = {"ETag": f'"{feed.tag}"', "Cache-Control": _FRESH}
    known = {part.strip().removeprefix("W/") for part in request.headers.get("if-none-match", "").split(",")}
    if known & {headers["ETag"], "*"}:
        return Response(status_code=304, headers=headers)
    return Response(feed.content, media_type=MEDIA_TYPE, headers=headers)


@calendars.get(
    "/invitations/{invitation_token}", response_class=Response, responses={**problems(*refusals.LINK), **_PAGE}
)
async def show_invitation(invitation_token: Token, using: Using) -> Response:
    """Show an invitation with its answers; opening the page answers nothing, as mail scanners open every link."""
    return _page(await using.replies.invited(invitation_token))


@calendars.post(
    "/invitations/{invitation_token}", response_class=Response, responses={**problems(*refusals.LINK_ANSWER), **_PAGE}
)
async def answer_by_link(
    invitation_token: Token, answer: Annotated[Literal["accepted", "tentative", "declined"], Query()], using: Using
) -> Response:
    """Answer an invitation by the link that came with it."""
    await using.replies.answer(invitation_token, answer, Asked(Actor("service", "invitation-link")))
    return _page(await using.replies.invited(invitation_token))


def _subject(given: str | None, by: AskedBy) -> str:
    own = by.principal.subject
    if given not in (None, own) and not by.principal.may(Role.ADMIN):
        raise NotYourCalendar(field="subject")
    return given or own


def _page(invited: Invited) -> Response:
    activity = invited.activity
    known = activity.answers.get((invited.attendee.lower(), None))
    due_at = activity.schedule.due_at
    when = "" if due_at is None else due_at.strftime("%Y-%m-%d %H:%M UTC")
    buttons = "".join(
        f'<form method="post" action="?answer={answer}"><button>{label}</button></form>'
        for answer, label in (("accepted", "Accept"), ("tentative", "Maybe"), ("declined", "Decline"))
    )
    place, present = escape(activity.texts.location or ""), known.answer if known else "none yet"
    content = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="robots" content="noindex">'
        f"<title>Invitation</title><h1>{escape(activity.texts.summary or '')}</h1><p>{when}"
        f"<p>{place}<p>Your answer: {present}</p>{buttons}"
    )
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; form-action 'self'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type="text/html; charset=utf-8", headers=headers)
