"""How custom fields are defined now, read from the log: rules are compiled by their types."""

from typing import Final

from patron_events.catalog.contacts import FieldDefined
from patron_events.codec import decode_event
from patron_events.envelope import StreamId, decode_commit
from patron_events.store import EventStore
from patron_rules.fields import CustomField, Definitions

_CATALOGUES: Final = tuple(StreamId("contacts", "field-catalogue", entity) for entity in ("people", "companies"))


async def custom_fields(store: EventStore) -> Definitions:
    """Read the definitions; a retired field keeps its type, because its values stay readable.

    Raises:
        Unavailable: the log cannot answer.
    """
    last = await store.last(_CATALOGUES)
    found: list[dict[str, CustomField]] = []
    for stream in _CATALOGUES:
        fields: dict[str, CustomField] = {}
        newest = last.get(stream)
        count = 0 if newest is None else decode_commit(newest.body).version
        for stored in await store.read(stream, count=count) if count else ():
            for event in decode_commit(stored.body).events:
                fact = decode_event(event, stream.id, None)
                if isinstance(fact, FieldDefined):
                    fields[fact.name] = CustomField.of(fact)
        found.append(fields)
    return Definitions(*found)
