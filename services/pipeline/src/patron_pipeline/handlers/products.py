"""Use cases of products: define, change, retire, read; and finding those that lines name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from patron_events.decisions import Asked, Committed, Decisions, Unit, Work
from patron_events.journal import AnyDecider, Loaded
from patron_events.rejections import Rejection
from patron_events.vault import BlindIndex
from patron_pipeline.domain import ids
from patron_pipeline.domain.claim import CLAIM, ExternalIdTaken, ReleaseId, TakeId, claim_id
from patron_pipeline.domain.deal_errors import AliasTaken, ProductNotFound, RepeatedInRequest
from patron_pipeline.domain.lines import Offered
from patron_pipeline.domain.product import (
    PRODUCT,
    ChangeProduct,
    Command,
    DefineProduct,
    Product,
    RetireProduct,
    aliases,
    fields,
    offered,
)

Body = Mapping[str, Any]
_KIND = "product"


@dataclass(frozen=True, slots=True)
class ProductHandlers:
    """Use cases of products. Every one of them is safe to repeat with the same command id."""

    decisions: Decisions
    index: BlindIndex

    async def define(self, body: Body, asked: Asked) -> Committed:
        """Define a product; its id is derived from its number.

        Raises:
            SkuTaken, AliasTaken, and the refusals of values.
        """
        command = DefineProduct(fields(body))
        return await self.decisions.transact(self._work(product_id(command.fields["sku"]), command), asked)

    async def define_each(self, bodies: Sequence[Body | Rejection], asked: Asked) -> Sequence[Committed | Rejection]:
        """Define or change many products by their numbers; each item is answered by itself, in order."""
        answers: dict[int, Committed | Rejection] = {}
        works: dict[int, tuple[Work, Asked]] = {}
        reads: dict[str, tuple[AnyDecider, str]] = {}
        for index, body in enumerate(bodies):
            try:
                if isinstance(body, Rejection):
                    raise body
                command = DefineProduct(fields(body), upsert=True)
                own = product_id(command.fields["sku"])
                if own in reads:
                    raise RepeatedInRequest(field="sku")
            except Rejection as refusal:
                answers[index] = refusal
                continue
            reads[own] = (PRODUCT, own)
            one = replace(asked, command_id=f"{asked.command_id}:{index}", expected_version=None)
            works[index] = (self._work(own, command), one)
        done = await self.decisions.transact_each(list(works.values()), list(reads.values()))
        answers |= dict(zip(works, done, strict=True))
        return [answers[index] for index in range(len(bodies))]

    async def change(self, own: str, body: Body, asked: Asked) -> Committed:
        """Change what the body states; raises ProductNotFound, SkuFixed, AliasTaken."""
        return await self.decisions.transact(self._work(own, ChangeProduct(fields(body))), asked)

    async def retire(self, own: str, asked: Asked) -> Committed:
        """Sell a product no more; lines that name it stay. Raises ProductNotFound."""
        return await self.decisions.transact(self._work(own, RetireProduct()), asked)

    async def read(self, own: str) -> Loaded[Product]:
        """Read a product from the log as it is now, retired or not; raises ProductNotFound."""
        loaded = await self.decisions.journal.load(PRODUCT, own)
        if loaded.state.defined is None:
            raise ProductNotFound
        return loaded

    async def named(self, lines: Iterable[Body]) -> Mapping[str, Offered]:
        """Find the products that lines name by `product_id` or `sku`, an alias too, in two round trips."""
        listed = list(lines)
        own = {one["product_id"] for one in listed if one.get("product_id")}
        names = {one["sku"] for one in listed if one.get("sku") and not one.get("product_id")}
        if not own and not names:
            return {}
        claims = {claim_id(self.index, _KIND, ("alias", name)): name for name in names}
        by_sku = {product_id(name): name for name in names}
        wanted: list[tuple[AnyDecider, str]] = [(PRODUCT, one) for one in sorted(own | by_sku.keys())]
        journal = self.decisions.journal
        loaded = await journal.load_each([*wanted, *((CLAIM, one) for one in claims)])
        states = {stream.id: one.state for stream, one in loaded.items()}
        leads = {name: states[claim].owner for claim, name in claims.items() if states[claim].owner}
        missing = [(PRODUCT, one) for one in sorted(set(leads.values()) - states.keys())]
        states |= {stream.id: one.state for stream, one in (await journal.load_each(missing)).items()}
        found: dict[str, Offered] = {}
        for key, one in [*((one, one) for one in own), *leads.items(), *((name, one) for one, name in by_sku.items())]:
            product = offered(one, states[one])
            if product is not None:
                found[key] = product
        return found

    def _work(self, own: str, command: Command) -> Work:
        async def work(unit: Unit) -> None:
            before = aliases(await unit.state(PRODUCT, own))
            await unit.decide(PRODUCT, own, command)
            after = aliases(await unit.state(PRODUCT, own))
            for alias in sorted(after - before):
                await self._claim(unit, own, alias)
            for alias in sorted(before - after):
                await unit.decide(CLAIM, claim_id(self.index, _KIND, ("alias", alias)), ReleaseId(own))

        return work

    async def _claim(self, unit: Unit, own: str, alias: str) -> None:
        another = product_id(alias)
        if another != own and (await unit.state(PRODUCT, another)).defined is not None:
            raise AliasTaken(field="aliases")
        try:
            await unit.decide(CLAIM, claim_id(self.index, _KIND, ("alias", alias)), TakeId(_KIND, own))
        except ExternalIdTaken:
            raise AliasTaken(field="aliases") from None


def product_id(sku: str) -> str:
    """Derive the id of a product from its number."""
    return ids.derived_id("product", sku)
