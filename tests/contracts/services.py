"""The HTTP services that have a contract. A new service is one line in each table."""

from collections.abc import Callable
from typing import Any, Final

from contacts.served import contacts_for_documents

DOCUMENTS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "contacts": lambda: contacts_for_documents().openapi(),
}
