"""Routes of custom fields."""

from typing import Annotated, Any, Final, Literal

from fastapi import Path, Response

from patron_contacts.api import refusal_lists
from patron_contacts.api.asking import accepted
from patron_contacts.api.bodies import Accepted, FieldBody
from patron_contacts.api.parts import Using
from patron_events.catalog.contacts import FieldDefined
from patron_runtime.bodies import router
from patron_runtime.commands import asked, plain
from patron_runtime.problems import problems
from patron_runtime.requests import Administering, Reading

fields: Final = router(prefix="/contacts/v1/fields", tags=["fields"])
Entity = Literal["people", "companies"]
Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


def _view(definition: FieldDefined) -> dict[str, Any]:
    return {name: getattr(definition, name) for name in definition.__struct_fields__}


@fields.get("/{entity}")
async def list_fields(entity: Entity, using: Using, by: Reading) -> dict[str, Any]:
    """List the custom fields that are in use, by name."""
    del by  # it stands for the permission
    found = await using.real.fields.current(entity, newest=True)
    return {"items": [_view(found[name]) for name in sorted(found)]}


@fields.put("/{entity}/{name}", responses=problems(*refusal_lists.FIELD))
async def define_field(
    entity: Entity, name: Name, body: FieldBody, using: Using, by: Administering, response: Response
) -> Accepted:
    """Define a custom field, or change its label, options or whether it is required."""
    content = {**plain(body), "name": name}
    command = asked(by, f"fields/{entity}/{name}", using.index, content)
    committed = await using.real.fields.define(entity, content, command)
    return accepted(response, committed)


@fields.delete("/{entity}/{name}", responses=problems(*refusal_lists.FIELD))
async def retire_field(entity: Entity, name: Name, using: Using, by: Administering, response: Response) -> Accepted:
    """Take a custom field out of use; recorded values stay readable."""
    command = asked(by, f"fields/{entity}/{name}/delete", using.index)
    return accepted(response, await using.real.fields.retire(entity, name, command))
