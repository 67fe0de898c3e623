"""What request models of this context share. They check shape and size; what values mean is decided in the domain."""

from typing import Annotated, Any, Final, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

SLUG: Final = r"^[a-z][a-z0-9-]{0,62}$"
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Slug = Annotated[str, StringConstraints(pattern=SLUG)]
Text = Annotated[str, StringConstraints(max_length=1_000)]
LongText = Annotated[str, StringConstraints(max_length=100_000)]
Scalar = str | bool | int | float
Amount = Annotated[str | int | float, Field(description="Exact decimal, best sent as text.", examples=["1234.50"])]
Time = Annotated[
    Text, Field(description="RFC 3339, also in the past; now if absent.", examples=["2026-01-31T09:30:00Z"])
]
Currency = Annotated[Text, Field(description="ISO 4217.", examples=["EUR"])]
ForecastCategory = Literal["pipeline", "best-case", "commit", "omitted"]
Items = Annotated[list[dict[str, Any]], Field(max_length=10_000, min_length=1)]
RecordId = Annotated[Id, Path(description="UUID", examples=["6e0bd8a4-57b5-4d2e-9b49-3c3f40d7ad63"])]
SlugId = Annotated[Slug, Path(description="lower-case name", examples=["default"])]


class Body(BaseModel):
    """A request body: unknown members are refused, and nothing is converted in silence."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ExternalIdBody(Body):
    """The id of a record in another system."""

    source: Text = Field(examples=["salesforce"])
    id: Text = Field(examples=["0064x00000AbCdEAAV"])
