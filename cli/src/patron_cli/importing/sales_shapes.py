"""Know the fields of deals, leads, products and sales teams, and which kinds of cells they hold."""

from patron_cli.importing.shapes import DATE, DECIMAL, INTEGER, LIST, MOMENT, TEXT, Group, Kind, Shape

# The day when a deal entered a stage; the slot is the stage: `entered[engaging]`.
ENTERED = Group("at", {"at": MOMENT}, frozenset({"at"}))
# What somebody is to win; the slot is the period: `quotas[2026-Q2]`.
QUOTAS = Group("amount", {"amount": DECIMAL, "currency": TEXT}, frozenset({"amount"}))
DEAL_LINES = Group(
    "sku",
    {
        **dict.fromkeys(("sku", "name"), TEXT),
        **dict.fromkeys(("quantity", "unit_price", "discount_percent", "tax_percent"), DECIMAL),
    },
    frozenset({"sku", "name"}),
)
TERRITORIES = Group("country", {"country": TEXT, "region": TEXT, "postal_prefixes": LIST}, frozenset({"country"}))
_PARTY = ("external_id", {"external_id": TEXT, "id": TEXT, "source": TEXT})
_UTM = ("source", "medium", "campaign")
_DEAL_TEXTS = (
    "external_id",
    "name",
    "pipeline",
    "stage",
    "currency",
    "owner",
    "team",
    "description",
    "next_step",
    "forecast_category",
    "lost_reason",
    "won_reason",
    "competitor",
    *_UTM,
)
_LEAD_TEXTS = (
    "external_id",
    "given_name",
    "family_name",
    "full_name",
    "email",
    "phone",
    "job_title",
    "message",
    "language",
    "time_zone",
    "company_name",
    "industry",
    "country",
    "region",
    "postal_code",
    "product_interest",
    "currency",
    "owner",
    "status",
    "reason",
    *_UTM,
)
SALES_SHAPES: dict[Kind, Shape] = {
    "deals": Shape(
        values={
            **dict.fromkeys(_DEAL_TEXTS, TEXT),
            **dict.fromkeys(("opened_at", "stage_since", "closed_at"), MOMENT),
            **dict.fromkeys(("amount", "won_amount"), DECIMAL),
            "close_date": DATE,
            "competitors": LIST,
        },
        groups={"lines": DEAL_LINES, "entered": ENTERED},
        structs={
            "company": _PARTY,
            "person": ("external_id", {**_PARTY[1], "email": TEXT, "role": TEXT}),
        },
        maps=frozenset({"attributes"}),
    ),
    "leads": Shape(
        values={
            **dict.fromkeys(_LEAD_TEXTS, TEXT),
            **dict.fromkeys(("captured_at", "closed_at"), MOMENT),
            "amount": DECIMAL,
            "employees": INTEGER,
        },
        groups={},
        structs={},
        maps=frozenset({"attributes"}),
    ),
    "products": Shape(
        values={
            **dict.fromkeys(("sku", "name", "family", "currency"), TEXT),
            **dict.fromkeys(("unit_price", "tax_percent"), DECIMAL),
            "aliases": LIST,
        },
        groups={},
        structs={},
        maps=frozenset(),
    ),
    "sales-team": Shape(
        values={
            **dict.fromkeys(("subject", "name", "email", "time_zone", "language"), TEXT),
            **dict.fromkeys(("team", "region", "manager"), TEXT),
            "placed_at": MOMENT,
            "capacity": INTEGER,
        },
        groups={"territories": TERRITORIES, "quotas": QUOTAS},
        structs={},
        maps=frozenset(),
    ),
}
