"""The read models that reports of sales are made of; the last one tells how fresh an answer is."""

from typing import Final

OF_DEALS: Final = ("pipelines", "exchange_rates", "sales_team", "quotas", "deal_stays", "deals")
OF_LEADS: Final = ("exchange_rates", "sales_team", "sales_timeline", "deals", "leads")
OF_ACTIVITIES: Final = ("sales_team", "sales_timeline", "planned_activities")
