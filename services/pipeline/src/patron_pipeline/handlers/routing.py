"""Everything that judges leads, put together once: for the routes, and for the reactions."""

from dataclasses import dataclass

from patron_events.decisions import Decisions
from patron_events.in_turn import InTurn
from patron_events.journal import Journal
from patron_events.store import LogReader
from patron_pipeline.handlers.assigning import Assigning, Rotations
from patron_pipeline.handlers.backtest import Backtest
from patron_pipeline.handlers.finding import Finding
from patron_pipeline.handlers.lead_facts import FactsOfLeads
from patron_pipeline.handlers.reps import SalesTeam
from patron_pipeline.handlers.rules import RulesHandlers
from patron_pipeline.handlers.scoring import Scoring
from patron_pipeline.handlers.sellers import RulesInForce, Sellers


@dataclass(frozen=True, slots=True)
class Routing:
    """The use cases of rules, assignment and score, which share what they remember."""

    in_force: RulesInForce
    facts: FactsOfLeads
    scoring: Scoring
    assigning: Assigning
    rules: RulesHandlers
    backtest: Backtest | None = None


def routing(decisions: Decisions, finding: Finding, team: SalesTeam, log: LogReader | None = None) -> Routing:
    """Put the use cases together over the log of `decisions`. log: where whole histories are read, if anywhere."""
    journal = decisions.journal
    in_force, sellers = RulesInForce(journal), Sellers(team)
    facts = FactsOfLeads(finding, Journal(journal.store, journal.vault))
    scoring = Scoring(decisions, in_force, facts)
    assigning = Assigning(decisions, in_force, sellers, facts, scoring, Rotations(decisions), InTurn(decisions))
    rules = RulesHandlers(decisions, sellers, facts, assigning)
    backtest = None if log is None else Backtest(log, journal.vault, facts)
    return Routing(in_force, facts, scoring, assigning, rules, backtest)
