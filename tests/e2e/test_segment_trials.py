"""Somebody tries a rule at the command line before it becomes a segment."""

import json
import uuid
from pathlib import Path
from typing import Any

from installations import Installation


def rule(source: str, least: int) -> dict[str, Any]:
    where = [{"field": "source", "op": "eq", "value": source}]
    facts = {"fact": "purchase", "where": where, "period": {"last": {"days": 3}}}
    return {"type": "measure", "measure": "count", "facts": facts, "op": "gte", "value": least}


def test_a_rule_is_previewed_and_tried_over_history(installation: Installation, tmp_path: Path) -> None:
    source = f"shop-{uuid.uuid4().hex[:8]}"
    buyers = [f"{uuid.uuid4().hex}@example.com" for _ in range(2)]
    with installation.client() as client:
        for email in buyers:
            made = client.post("/contacts/v1/people", json={"emails": [{"value": email}]})
            assert made.status_code == 201, made.text
        for email, day in ((buyers[0], 1), (buyers[0], 2), (buyers[1], 3)):
            order = {
                "customer": {"email": email},
                "ordered_at": f"2024-05-0{day}T12:00:00Z",
                "amount": "60.00",
                "currency": "EUR",
                "source": source,
                "external_id": f"{email}-{day}",
            }
            answer = client.post("/contacts/v1/orders", json=order)
            assert answer.status_code == 201, answer.text
        position = answer.headers["Patron-Position"]
        body = {"rule": rule(source, 1), "as_of": "2024-05-04", "after": position, "wait_s": 30}
        assert client.post("/projections/v1/segments/preview", json=body).json()["count"] == 2
    once, twice = tmp_path / "once.json", json.dumps(rule(source, 2))
    once.write_text(json.dumps({"name": "Buyers", "rule": rule(source, 1)}))
    patron = installation.patron
    preview = patron.json("segments", "preview", str(once), "--as-of", "2024-05-03", "--limit", "1")
    assert (preview["count"], len(preview["sample"])) == (1, 1)
    saved = patron.json("segments", "create", "--rule", twice, "--name", f"Twice {source}")
    days = ("--from", "2024-05-01", "--to", "2024-05-07")
    tried = ("segments", "backtest", str(once), *days, "--against", saved["id"])
    points = patron.json(*tried, "--customers")["points"]
    assert [point["size"] for point in points] == [0, 1, 1, 2, 2, 1, 0]
    assert [point["against"]["size"] for point in points] == [0, 0, 1, 1, 0, 0, 0]
    assert [len(point["entered_ids"]) for point in points] == [0, 1, 0, 1, 0, 0, 0]
    shown = patron.ok(*tried)
    assert "greatest 2" in shown
