"""Follow what the contacts context says about people: who a converted lead is there, and who was erased."""

from collections.abc import Callable
from dataclasses import dataclass

from patron_events.decisions import Asked
from patron_pipeline.domain.customer import CUSTOMER
from patron_pipeline.domain.lead import LEAD, RelinkLead
from patron_pipeline.handlers.activities import ActivityHandlers
from patron_pipeline.handlers.finding import USABLE
from patron_pipeline.handlers.lead_conversion import Conversion
from patron_values.keys import COMPANIES, PEOPLE

Asking = Callable[[str], Asked]
"""Makes one of several commands of the same cause; the argument tells them apart."""


@dataclass(frozen=True, slots=True)
class CustomerHandlers:
    """Use cases on everything that speaks of one person."""

    conversion: Conversion
    activities: ActivityHandlers

    async def known_as(self, person_id: str, lead_id: str, asked: Asked) -> None:
        """Take over that a person says to have been this lead; nothing to do where the lead says so too.

        The company is the one of the conversion, or where contacts have none with that id, the one they work for.
        """
        leads = self.conversion.leads
        lead = (await leads.decisions.journal.load(LEAD, lead_id)).state
        if lead.status != "converted" or lead.converted is None:
            return
        company_id = lead.converted.company_id
        if company_id is not None:
            status = (await leads.finding.known(COMPANIES, [company_id]))[company_id].status
            if status not in USABLE:
                person = (await leads.finding.known(PEOPLE, [person_id]))[person_id]
                company_id = person.primary_company or company_id
        if (person_id, company_id) != (lead.converted.person_id, lead.converted.company_id):
            await self.conversion.relinked(lead_id, RelinkLead(person_id, company_id), asked)

    async def forget(self, person_id: str, asked: Asking) -> None:
        """Erase what is personal in every lead, activity and deal that speaks of an erased person (GDPR art. 17).

        Each record is erased by a command of its own; all of them are safe to repeat, and so is the whole.
        """
        leads = self.conversion.leads
        links = (await leads.decisions.journal.load(CUSTOMER, person_id)).state
        for link in sorted(links):
            told = asked(f"{link.kind}:{link.record_id}")
            match link.kind:
                case "lead":
                    await leads.erase(link.record_id, told, person_id=person_id)
                case "deal":
                    await self.conversion.deals.forget(link.record_id, person_id, told)
                case "activity":
                    await self.activities.erase(link.record_id, told, person_id=person_id)
                case unknown:
                    msg = f"nothing says how a {unknown} is erased"
                    raise LookupError(msg)
