"""Routes that people and companies share: notes, archive, restore, erasure."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from patron_contacts.api import refusal_lists
from patron_contacts.api.asking import accepted
from patron_contacts.api.bodies import Accepted, ErasureBody, NoteBody, ReasonBody
from patron_contacts.api.parts import Parts, RecordId, Using
from patron_contacts.domain.intake import notes
from patron_contacts.domain.record import AddNote, Archive, Erase, RemoveNote, Restore
from patron_contacts.handlers.changing import RecordHandlers
from patron_runtime.bodies import router
from patron_runtime.commands import asked, plain
from patron_runtime.problems import problems
from patron_runtime.requests import Administering, AskedBy, Commanding
from patron_values.keys import derived_id
from patron_values.texts import optional_text

Handlers = Callable[[Parts], RecordHandlers]


async def _run(parts: tuple[Parts, Handlers, str], record_id: str, by: AskedBy, step: tuple[str, Any]) -> Any:
    using, handlers, entity = parts
    name, command = step
    told = asked(by, f"{entity}/{record_id}/{name}", using.index, [name])
    return await handlers(using).command(record_id, command, told)


def commands_on(entity: str, handlers: Handlers) -> APIRouter:
    """Make the routes for one kind of record; `entity` is people or companies."""
    routes = router(prefix=f"/contacts/v1/{entity}/{{record_id}}", tags=[entity])

    @routes.post("/notes", status_code=201, responses=problems(*refusal_lists.NOTE))
    async def add_note(
        record_id: RecordId, body: NoteBody, using: Using, by: Commanding, response: Response
    ) -> Accepted:
        """Write a note about the record. Its id is the `note_id` in the record."""
        content = plain(body)
        command = asked(by, f"{entity}/{record_id}/notes", using.index, content)
        terms = await handlers(using).records.terms(entity, command, adding=False)
        (note,) = notes([{**content, "note_id": derived_id("note", command.command_id)}], terms)
        return accepted(response, await handlers(using).command(record_id, AddNote(note), command), "created")

    @routes.delete("/notes/{note_id}", responses=problems(*refusal_lists.NOTE))
    async def remove_note(
        record_id: RecordId, note_id: RecordId, using: Using, by: Commanding, response: Response
    ) -> Accepted:
        """Take a note back."""
        step = (f"notes/{note_id}/delete", RemoveNote(note_id))
        return accepted(response, await _run((using, handlers, entity), record_id, by, step))

    @routes.post("/archive", responses=problems(*refusal_lists.COMMAND))
    async def archive(
        record_id: RecordId, body: ReasonBody, using: Using, by: Commanding, response: Response
    ) -> Accepted:
        """Take the record out of daily use; its unique keys become free."""
        step = ("archive", Archive(optional_text(body.reason, "reason")))
        return accepted(response, await _run((using, handlers, entity), record_id, by, step))

    @routes.post("/restore", responses=problems(*refusal_lists.COMMAND))
    async def restore(record_id: RecordId, using: Using, by: Commanding, response: Response) -> Accepted:
        """Bring an archived record back; refused when somebody else holds one of its unique keys by now."""
        return accepted(response, await _run((using, handlers, entity), record_id, by, ("restore", Restore())))

    @routes.post("/erasure", responses=problems(*refusal_lists.COMMAND))
    async def erase(
        record_id: RecordId, body: ErasureBody, using: Using, by: Administering, response: Response
    ) -> Accepted:
        """Destroy the key of everything personal in this record, for good; counts and amounts stay."""
        command = asked(by, f"{entity}/{record_id}/erasure", using.index, plain(body))
        return accepted(response, await handlers(using).erase(record_id, Erase(body.reason), command))

    return routes
