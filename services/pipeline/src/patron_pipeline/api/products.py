"""Routes of products."""

from typing import Annotated, Any, Final, Literal

from fastapi import Response
from pydantic import BaseModel, Field

from patron_events.decisions import Committed
from patron_events.rejections import Rejection, Unavailable
from patron_pipeline.api.bodies import Amount, Body, Currency, Items, RecordId, Text
from patron_pipeline.api.bulk import BulkAnswer, ItemResult, ItemStatus, bulk_answer, read_items
from patron_pipeline.api.parts import Using
from patron_pipeline.api.refusal_lists import ALWAYS, BULK
from patron_pipeline.domain import deal_errors
from patron_pipeline.domain.product import Product
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import Accepted, accepted, asked, plain
from patron_runtime.problems import problems
from patron_runtime.requests import Administering, Reading
from patron_values import errors as wrong
from patron_values.money import decimal_text

products: Final = router(prefix="/pipeline/v1/products", tags=["products"])


class _Stated(Body):
    """What can be said of a product. A price is stated with its currency."""

    unit_price: Amount | None = None
    currency: Currency | None = None
    family: Text | None = Field(default=None, examples=["GTX"])
    tax_percent: Amount | None = Field(default=None, examples=["19"])
    aliases: Annotated[list[Text], Field(max_length=50)] | None = Field(default=None, examples=[["GTXPro"]])


class ProductBody(_Stated):
    """A product; `sku` is its number, unique and for good."""

    sku: Text = Field(examples=["GTX-PRO"])
    name: Text = Field(examples=["GTX Pro"])


class ProductChangeBody(_Stated):
    """What is to change; absent members stay, null clears."""

    name: Text | None = None


class BulkProducts(Body):
    """Many products; each is defined, or changed where its `sku` is known."""

    items: Items = Field(examples=[[{"sku": "GTX-PRO", "name": "GTX Pro", "unit_price": "4821", "currency": "USD"}]])
    dry_run: bool = False


class ProductView(BaseModel):
    """A product as the log has it now."""

    id: str
    version: int
    status: Literal["live", "retired"]
    sku: str
    name: str
    unit_price: str | None
    currency: str | None
    family: str | None
    tax_percent: str
    aliases: list[str]


VALUES: Final = (
    deal_errors.AliasTaken,
    deal_errors.PercentInvalid,
    wrong.TextEmpty,
    wrong.TextInvalid,
    wrong.TextTooLong,
    wrong.CurrencyUnknown,
    wrong.AmountInvalid,
    wrong.AmountTooPrecise,
)


@products.post("", status_code=201, responses=problems(*ALWAYS, deal_errors.SkuTaken, *VALUES))
async def define_product(body: ProductBody, using: Using, by: Administering, response: Response) -> Accepted:
    """Define a product; one that was retired comes back."""
    content = plain(body)
    command = asked(by, "pipeline/products", using.index, content)
    return accepted(response, await using.products.define(content, command))


@products.post("/bulk", response_model=BulkAnswer, responses=problems(*BULK))
async def bulk_products(body: BulkProducts, using: Using, by: Administering, response: Response) -> Response:
    """Define or change up to 10,000 products by their numbers; each item is decided by itself."""
    command = asked(by, "pipeline/products/bulk", using.index, body.items)
    cases = using.rehearse() if body.dry_run else using
    answers = await cases.products.define_each(read_items(ProductBody, body.items), command)
    return bulk_answer(response, [_result(one) for one in answers], dry_run=body.dry_run)


def _result(answer: Committed | Rejection) -> ItemResult:
    if isinstance(answer, Rejection):
        repeated = isinstance(answer, deal_errors.RepeatedInRequest)
        return ItemResult("duplicate" if repeated else "rejected", refusal=answer)
    changed: ItemStatus = "created" if answer.version == 1 else "updated"
    status = changed if answer.events or answer.repeated else "unchanged"
    return ItemResult(status, answer.stream.id, answer.version, answer.last or answer.position.sequence)


@products.get("/{product_id}", response_model=ProductView, responses=problems(deal_errors.ProductNotFound, Unavailable))
async def read_product(product_id: RecordId, using: Using, by: Reading, response: Response) -> dict[str, Any]:
    """Read a product from the log: always current."""
    del by  # it stands for the permission
    loaded = await using.products.read(product_id)
    stamp(response, version=loaded.version, position=str(loaded.position))
    return {"id": product_id, "version": loaded.version, **_view(loaded.state)}


def _view(product: Product) -> dict[str, Any]:
    known = product.defined
    if known is None:
        return {}
    priced = known.unit_price_minor is not None and known.currency is not None
    return {
        "status": "retired" if product.retired else "live",
        "sku": known.sku,
        "name": known.name,
        "unit_price": decimal_text(known.unit_price_minor or 0, known.currency or "") if priced else None,
        "currency": known.currency,
        "family": known.family,
        "tax_percent": known.tax_percent,
        "aliases": list(known.aliases),
    }


@products.patch("/{product_id}", responses=problems(*ALWAYS, deal_errors.ProductNotFound, *VALUES))
async def change_product(
    product_id: RecordId, body: ProductChangeBody, using: Using, by: Administering, response: Response
) -> Accepted:
    """Change what the body states. Lines that took over the price before keep theirs."""
    content = plain(body)
    command = asked(by, f"pipeline/products/{product_id}", using.index, content)
    return accepted(response, await using.products.change(product_id, content, command))


@products.post("/{product_id}/retire", responses=problems(*ALWAYS, deal_errors.ProductNotFound))
async def retire_product(product_id: RecordId, using: Using, by: Administering, response: Response) -> Accepted:
    """Sell it no more: new lines cannot name it, those that do stay; its aliases are free."""
    command = asked(by, f"pipeline/products/{product_id}/retire", using.index)
    return accepted(response, await using.products.retire(product_id, command))
