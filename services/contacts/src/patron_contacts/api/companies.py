"""Routes of companies."""

from typing import Any, Final

from fastapi import Response

from patron_contacts.api import refusal_lists
from patron_contacts.api.asking import accepted, bulk_answer, match_of, read_items
from patron_contacts.api.bodies import Accepted, BulkAnswer, BulkRecords, CompanyBody, UpsertCompany
from patron_contacts.api.parts import RecordId, Using
from patron_contacts.api.views import company_view
from patron_contacts.handlers.bulk import Origin, RecordBulk
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import asked, plain
from patron_runtime.problems import problems
from patron_runtime.requests import Commanding, Reading

companies: Final = router(prefix="/contacts/v1/companies", tags=["companies"])


@companies.post("", status_code=201, responses=problems(*refusal_lists.CREATE))
async def create_company(body: CompanyBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Record a company. With an `Idempotency-Key`, repeating the request changes nothing."""
    content = plain(body)
    return accepted(response, await using.real.companies.create(content, asked(by, "companies", using.index, content)))


@companies.post("/upsert", responses=problems(*refusal_lists.UPSERT))
async def upsert_company(body: UpsertCompany, using: Using, by: Commanding, response: Response) -> Accepted:
    """Change the company that holds a unique key, or record one."""
    match = match_of(body.match, await using.real.fields.current("companies"))
    command = asked(by, "companies/upsert", using.index, plain(body))
    return accepted(response, await using.real.companies.upsert(match, plain(body.company), command))


@companies.post("/bulk", responses=problems(*refusal_lists.BULK), response_model=BulkAnswer)
async def bulk_companies(body: BulkRecords, using: Using, by: Commanding, response: Response) -> Response:
    """Create or upsert up to 10,000 companies; each item is decided by itself. `dry_run` records nothing."""
    cases = using.rehearse() if body.dry_run else using.real
    command = asked(by, "companies/bulk", using.index, [body.mode, body.items])
    items = read_items(CompanyBody, body.items)
    origin = None if body.origin is None else Origin(body.origin.file, body.origin.rows)
    results = await RecordBulk(cases.companies, origin).run(items, command, upsert=body.mode == "upsert")
    return bulk_answer(response, results, dry_run=body.dry_run)


@companies.get("/{record_id}", responses=problems(*refusal_lists.READ))
async def read_company(record_id: RecordId, using: Using, by: Reading, response: Response) -> dict[str, Any]:
    """Read a company from the log: always current."""
    del by  # it stands for the permission
    loaded = await using.real.companies.read(record_id)
    stamp(response, version=loaded.version, position=str(loaded.position))
    return company_view(loaded)


@companies.patch("/{record_id}", responses=problems(*refusal_lists.CHANGE))
async def change_company(
    record_id: RecordId, body: CompanyBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Change what the body states; members that are absent stay, null clears. Only what differs is recorded."""
    content = plain(body)
    command = asked(by, f"companies/{record_id}", using.index, content)
    return accepted(response, await using.real.companies.change(record_id, content, command))
