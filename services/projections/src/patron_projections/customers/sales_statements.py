"""The statements behind the open work of a customer in the pipeline context; parameters as in `statements`."""

from typing import Final

HAS_SALES: Final = """
SELECT to_regclass('patron.deals') IS NOT NULL AND to_regclass('patron.leads') IS NOT NULL
   AND to_regclass('patron.planned_activities') IS NOT NULL AS has
"""
_BY_THEN: Final = """
recorded_at <= %(known_at)s::timestamptz
AND (%(live)s::bool OR (occurred_at <= %(as_of)s::timestamptz AND {since} <= %(as_of)s::timestamptz))
"""
_NEWEST: Final = """
SELECT DISTINCT ON (id) * FROM patron.{versions}
WHERE id IN (SELECT id FROM patron.{versions} WHERE {about}) AND {by_then}
ORDER BY id, version DESC, index DESC
"""
_OF_DEAL: Final = "(company_id = %(id)s OR person_ids @> ARRAY[%(id)s::uuid])"
_OF_RECORD: Final = "(company_id = %(id)s OR person_id = %(id)s)"
_DEALS_EVER: Final = f"SELECT id FROM patron.deal_versions WHERE {_OF_DEAL}"  # noqa: S608  (constant text)
_LEADS_EVER: Final = f"SELECT id FROM patron.lead_versions WHERE {_OF_RECORD}"  # noqa: S608  (as above)
_OF_ACTIVITY: Final = f"({_OF_RECORD} OR deal_id IN ({_DEALS_EVER}) OR lead_id IN ({_LEADS_EVER}))"


def _newest(versions: str, about: str, since: str) -> str:
    return _NEWEST.format(versions=versions, about=about, by_then=_BY_THEN.format(since=since))


OPEN_DEALS: Final = f"""
SELECT id, name, pipeline_id, stage, stage_since, owner, amount_minor, currency, expected_close, opened_at,
       count(*) OVER () AS number
FROM ({_newest("deal_versions", _OF_DEAL, "stage_since")}) AS deal
WHERE status = 'open' AND NOT archived AND {_OF_DEAL}
ORDER BY expected_close NULLS LAST, id LIMIT 20
"""  # noqa: S608  (as above)
OPEN_LEADS: Final = f"""
SELECT id, status, status_since, source, owner, score, captured_at, count(*) OVER () AS number
FROM ({_newest("lead_versions", _OF_RECORD, "status_since")}) AS lead
WHERE status IN ('new', 'assigned', 'working', 'qualified') AND NOT erased AND {_OF_RECORD}
ORDER BY captured_at, id LIMIT 20
"""  # noqa: S608  (as above)
OPEN_ACTIVITIES: Final = f"""
SELECT id, kind, summary, due_at, assignee, priority, deal_id, lead_id, count(*) OVER () AS number
FROM ({_newest("planned_activity_versions", _OF_ACTIVITY, "status_since")}) AS planned
WHERE status = 'open' AND NOT erased
ORDER BY due_at NULLS LAST, id LIMIT 20
"""  # noqa: S608  (as above)
OPEN_WORK: Final = (OPEN_DEALS, OPEN_LEADS, OPEN_ACTIVITIES)
