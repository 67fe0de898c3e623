"""The statements behind a customer's answer: constant text, one exchange with PostgreSQL for all of them.

Parameters: id; as_of, the time up to which things had happened; live, whether that is now; known_at, the time up to
which things had been recorded; recorded_by, the earlier of both; since, the time after which something is a change.
Every one of them looks at the rows of one customer, through primary keys.
"""

from typing import Final

_VERSION: Final = """
SELECT * FROM patron.{table} WHERE id = %(id)s AND recorded_at <= %(recorded_by)s::timestamptz
ORDER BY version DESC LIMIT 1
"""
_VERSION_SINCE: Final = """
SELECT * FROM patron.{table}
WHERE id = %(id)s AND recorded_at <= least(%(recorded_by)s::timestamptz, %(since)s::timestamptz)
ORDER BY version DESC LIMIT 1
"""
PERSON: Final = _VERSION.format(table="people_versions")
COMPANY: Final = _VERSION.format(table="companies_versions")
PERSON_SINCE: Final = _VERSION_SINCE.format(table="people_versions")
COMPANY_SINCE: Final = _VERSION_SINCE.format(table="companies_versions")

EVENTS: Final = """
SELECT version, commit_id, index, type, occurred_at, recorded_at, actor_kind, actor_id, authority, correlation_id,
       causation_id, details, personal, erased
FROM patron.timeline
WHERE customer_id = %(id)s AND record_id = %(id)s AND category IN ('person', 'company')
ORDER BY version, index
"""

# What a person did is with the person. A company's history names what others did for it; the figures are with them.
_OF_PERSON: Final = "SELECT a.* FROM patron.activities AS a WHERE a.customer_id = %(id)s"
_OF_COMPANY: Final = """
SELECT a.* FROM patron.timeline AS t JOIN patron.activities AS a
  ON a.customer_id = t.record_id AND a.occurred_at = t.occurred_at AND a.position = t.position AND a.index = t.index
WHERE t.customer_id = %(id)s AND t.category = 'activity'
"""
_KNOWN: Final = "recorded_at <= %(known_at)s::timestamptz"
# A fact that was recorded as having happened has, although the clock of its recorder may be ahead of ours.
_HAPPENED: Final = "(occurred_at <= %(as_of)s::timestamptz OR (%(live)s::bool AND occurred_at <= recorded_at))"

# One pass over what the customer did: interactions by kind and channel, orders by currency.
_FIGURES: Final = """
WITH facts AS ({facts})
SELECT fact, kind, channel, currency, count(*) AS number, sum(amount_minor) AS amount_minor, sum(quantity) AS quantity,
       min(occurred_at) AS first_at, max(occurred_at) AS last_at,
       (array_agg(event_id ORDER BY occurred_at DESC, position DESC, index DESC))[1] AS last_id,
       count(*) FILTER (WHERE recorded_at > %(since)s::timestamptz) AS since,
       (extract(epoch FROM max(occurred_at) - min(occurred_at)) / nullif(count(*) - 1, 0))::float8 AS gap_s
FROM facts WHERE {known} AND {happened}
GROUP BY fact, kind, channel, currency ORDER BY fact, kind, channel, currency
"""
# What had been planned by then; what was recorded afterwards, such as an imported history, was nobody's plan.
_PLANNED: Final = """
WITH facts AS ({facts})
SELECT event_id, kind, channel, direction, occurred_at, recorded_at, count(*) OVER () AS planned
FROM facts WHERE fact = 'interaction' AND recorded_at <= %(recorded_by)s::timestamptz AND NOT {happened}
ORDER BY occurred_at, position, index LIMIT 20
"""


def _over(facts: str) -> tuple[str, str]:
    parts = {"facts": facts, "known": _KNOWN, "happened": _HAPPENED}
    return _FIGURES.format(**parts), _PLANNED.format(**parts)


FIGURES_OF_PERSON: Final = _over(_OF_PERSON)
FIGURES_OF_COMPANY: Final = _over(_OF_COMPANY)

# Those of the person's links at the moment, and at the beginning of the changes.
_LINKED: Final = """
SELECT unnest(company_ids) FROM (
  SELECT company_ids FROM patron.people_versions
  WHERE id = %(id)s AND recorded_at <= {by} ORDER BY version DESC LIMIT 1
) AS version
"""
_BY: Final = "%(recorded_by)s::timestamptz"
COMPANY_NAMES: Final = """
SELECT DISTINCT ON (id) id::text AS id, display_name FROM patron.companies_versions
WHERE recorded_at <= %(recorded_by)s::timestamptz AND id = ANY(ARRAY(
  {now} UNION {then}))
ORDER BY id, version DESC
""".format(now=_LINKED.format(by=_BY), then=_LINKED.format(by=f"least({_BY}, %(since)s::timestamptz)"))
PEOPLE_OF_COMPANY: Final = """
SELECT id, display_name, company_roles->>(%(id)s::uuid)::text AS role, number
FROM (
  SELECT *, count(*) OVER () AS number
  FROM (
    SELECT DISTINCT ON (id) id, display_name, companies, company_roles, archived, erased FROM patron.people_versions
    WHERE recorded_at <= %(recorded_by)s::timestamptz AND id = ANY(ARRAY(
      SELECT record_id FROM patron.timeline
      WHERE customer_id = %(id)s AND category = 'person' AND type = 'contacts.company-linked'))
    ORDER BY id, version DESC
  ) AS person
  WHERE NOT archived AND NOT erased AND EXISTS (
    SELECT FROM jsonb_array_elements(companies) AS link
    WHERE link->>'company_id' = (%(id)s::uuid)::text
      AND coalesce((link->>'end')::date >= (%(as_of)s::timestamptz AT TIME ZONE 'UTC')::date, true))
) AS present
ORDER BY display_name, id LIMIT 50
"""
HAS_MEMBERSHIPS: Final = "SELECT to_regclass('patron.memberships') IS NOT NULL AS has"
# The order of the log decides, not that of the clocks: what was told last holds.
MEMBERSHIPS: Final = """
SELECT segment_id, occurred_at, rule_version, event_id, entered,
       recorded_at > %(since)s::timestamptz AS since
FROM (
  SELECT DISTINCT ON (segment_id) * FROM patron.memberships
  WHERE customer_id = %(id)s AND recorded_at <= %(known_at)s::timestamptz
    AND (occurred_at <= %(as_of)s::timestamptz OR (%(live)s::bool AND occurred_at <= recorded_at))
  ORDER BY segment_id, position DESC, index DESC
) AS newest
ORDER BY segment_id
"""
