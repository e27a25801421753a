"""The cart, the checkout and the order."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from infra.demo.product import Product
from infra.demo.toyhouse.door import render, see
from infra.demo.toyhouse.forms import read_form
from infra.demo.toyhouse.sessions import MAX_QUANTITY
from infra.demo.toyhouse.shopper import Shopper
from infra.demo.toyhouse.wares import lines_properties, order_properties, piece_properties


async def cart(shopper: Shopper) -> Response:
    return render(
        shopper,
        "cart.html",
        cart=shopper.cart,
        most=MAX_QUANTITY,
        popular=shopper.shop.catalogue.bestsellers(4),
    )


async def add(shopper: Shopper) -> Response:
    form = await read_form(shopper.request)
    product = _product(shopper, form.text("sku", 40))
    quantity = form.number("quantity", 1, MAX_QUANTITY, 1)
    _put(shopper, product, shopper.cart.quantity_of(product.sku) + quantity)
    return see("/cart")


async def change(shopper: Shopper) -> Response:
    """How many of a product; 0 takes it out."""
    form = await read_form(shopper.request)
    product = _product(shopper, form.text("sku", 40))
    if shopper.session is not None:
        _put(shopper, product, form.number("quantity", 0, MAX_QUANTITY, 0))
    return see("/cart")


async def empty(shopper: Shopper) -> Response:
    if shopper.session is not None and shopper.cart.lines:
        shopper.shop.sessions.empty(shopper.session)
        shopper.shop.footfall.track(shopper.deed(), "Cart Emptied")
    return see("/cart")


async def start_checkout(shopper: Shopper) -> Response:
    """A deed of its own: whoever only reloads the checkout's page does not start it again."""
    cart = shopper.cart
    if not cart.lines:
        return see("/cart")
    properties = lines_properties(cart.lines, shopper.shop.site.currency)
    shopper.shop.footfall.track(shopper.deed(), "Checkout Started", properties)
    return see("/checkout")


async def checkout(shopper: Shopper) -> Response:
    if shopper.shop.checkout_is_broken:
        return render(shopper, "broken.html", 500)
    if not shopper.cart.lines:
        return see("/cart")
    return render(shopper, "checkout.html", cart=shopper.cart)


async def place_order(shopper: Shopper) -> Response:
    """Takes the order. Name and address are for nobody in this demo, and are not kept."""
    if shopper.shop.checkout_is_broken:
        return render(shopper, "broken.html", 500)
    await read_form(shopper.request)
    order = shopper.shop.sessions.order(shopper.session) if shopper.session else None
    if order is None:
        return see("/cart")
    properties = order_properties(order, shopper.shop.site.currency)
    shopper.shop.footfall.track(shopper.deed(), "Order Completed", properties)
    return see(f"/order/{order.id}")


async def thanks(shopper: Shopper) -> Response:
    order_id = shopper.request.path_params["order_id"]
    order = shopper.shop.sessions.placed(order_id, shopper.session) if shopper.session else None
    if order is None:
        raise HTTPException(404)
    owned = {line.product.sku for line in order.lines}
    alike = shopper.shop.catalogue.similar(order.lines[0].product, 8) if order.lines else []
    goes_with = [product for product in alike if product.sku not in owned][:4]
    return render(shopper, "thanks.html", order=order, goes_with=goes_with)


def _product(shopper: Shopper, sku: str) -> Product:
    product = shopper.shop.catalogue.by_sku(sku)
    if product is None:
        raise HTTPException(400, "There is no such product.")
    return product


def _put(shopper: Shopper, product: Product, quantity: int) -> None:
    """Changes the cart, and tells by how much it did change."""
    shop = shopper.shop
    session = shopper.keep_session()
    difference = shop.sessions.put(session, product, quantity)
    if not difference:
        return
    name = "Product Added" if difference > 0 else "Product Removed"
    properties = piece_properties(product, abs(difference), shop.site.currency)
    visit = shopper.deed()
    shop.footfall.track(visit, name, properties)
    if not shopper.cart.lines:
        shop.footfall.track(visit, "Cart Emptied")
