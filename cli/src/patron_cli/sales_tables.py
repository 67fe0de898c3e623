"""Boards, deals, leads and work as tables for people."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from patron_cli.console import say
from patron_cli.segments_api import Document, table

_ID_START = 8


def amount(money: Mapping[str, Any] | None) -> str:
    """Write an amount with its currency, thousands apart; nothing where there is none."""
    return "" if money is None else f"{Decimal(str(money['amount'])):,.2f} {money['currency']}"


def show_board(board: Document) -> None:
    """Print a column of the board per line, with the first deals of each open one below."""
    rows: list[tuple[str, ...]] = []
    for column in board["columns"]:
        limit = "" if column["wip_limit"] is None else f" / {column['wip_limit']}"
        rows.append(
            (
                column["name"],
                f"{column['deals']:,}{limit}{' !' if column['over_limit'] else ''}",
                _total(column["total"]),
                _total(column["weighted"]),
                *(f"{column[name]:,}" if name in column else "" for name in ("rotting", "without_activity", "overdue")),
            )
        )
    say(f"{board['pipeline']['name']}: {board['deals']:,} open deals at {_minute(board['moment'])}")
    table(("stage", "deals", "amount", "weighted", "rotting", "no activity", "overdue"), rows)


def show_cards(board: Document) -> None:
    """Print the deals that a board shows first, by stage."""
    rows = [
        (column["name"], *_deal(card, card["name"]))
        for column in board["columns"]
        for card in column["cards"]
        if column["kind"] == "open"
    ]
    table(("stage", "id", "name", "amount", "owner", "expected close", "next activity", ""), rows)


def show_deals(items: Sequence[Document]) -> None:
    """Print deals."""
    table(
        ("stage", "id", "name", "amount", "owner", "expected close", "next activity", ""),
        [(one["stage_name"], *_deal(one, one["name"])) for one in items],
    )


def _deal(one: Document, name: str) -> tuple[str, ...]:
    marks = "rotting" if one.get("rotting") else ""
    return (
        one["id"],
        name,
        amount(one["amount"]),
        one.get("owner_name") or one["owner"] or "",
        str(one["expected_close"] or ""),
        _minute(one["next_activity_at"]),
        marks,
    )


def show_leads(items: Sequence[Document]) -> None:
    """Print leads."""
    rows = [
        (
            *(one["status"], one["id"], one["display_name"] or one["company_name"] or "", one["score"] or ""),
            *(one.get("owner_name") or one["owner"] or one["queue"] or "", one["source"] or ""),
            _minute(one["captured_at"]),
        )
        for one in items
    ]
    table(("status", "id", "name", "score", "owner", "source", "captured"), rows)


def show_activities(items: Sequence[Document]) -> None:
    """Print planned activities."""
    rows = [(one["kind"], one["id"], one["summary"] or "", _minute(one["due_at"])) for one in items]
    table(("kind", "id", "summary", "due"), rows)


def show_stays(items: Sequence[Document]) -> None:
    """Print how long a deal was in each stage."""
    rows = [
        (one["stage"], _minute(one["entered_at"]), _minute(one["left_at"]), one["how"] or "", _days(one["seconds"]))
        for one in items
    ]
    table(("stage", "entered", "left", "how", "days"), rows)


def _total(total: Document | None) -> str:
    if total is None:
        return ""
    unknown = total["without_rate"]
    return amount(total["amount"]) + (f" (without {', '.join(unknown)})" if unknown else "")


def _days(seconds: int | None) -> str:
    return "" if seconds is None else f"{seconds / 86_400:,.1f}"


def _minute(text: str | None) -> str:
    return "" if text is None else str(text)[:16].replace("T", " ")
