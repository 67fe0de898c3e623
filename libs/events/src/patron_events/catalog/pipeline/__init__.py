"""Facts of the pipeline context, by noun; importing the package declares them all."""

from patron_events.catalog.pipeline import (
    activities,
    agendas,
    claims,
    customers,
    deals,
    leads,
    places,
    quotes,
    rules,
    settings,
    team,
)

__all__ = [
    "activities",
    "agendas",
    "claims",
    "customers",
    "deals",
    "leads",
    "places",
    "quotes",
    "rules",
    "settings",
    "team",
]
