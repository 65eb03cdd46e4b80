"""The interface itself, ``/v1``: one line per call to what it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from portal_emulator import accounts, charges, events, listing, recurring, signing, transactions, wallet
from portal_emulator import details as fields
from portal_emulator.door import FORM, answer, body, client_ip, interface, lagging, world
from portal_emulator.refusal import refuse
from portal_emulator.store import Thing

routes = interface("v1")

RESERVED: Final = fields.KNOWN | {"public_key", "redirect_url", "token_id", "form_data"}


# -- Merchant ----------------------------------------------------------------------------------


@routes.get("/merchant")
def merchant() -> Response:
    return answer(world().merchant)


@routes.route("/merchant", methods=["PUT", "PATCH"])
def change_merchant() -> Response:
    return answer(accounts.change_merchant(world(), body()))


@routes.route("/accounts/<identity>", methods=["PUT", "PATCH"])
def change_account(identity: str) -> Response:
    return answer(accounts.change_account(world(), accounts.CARD_ACCOUNTS, identity, body()))


@routes.route("/ach-accounts/<identity>", methods=["PUT", "PATCH"])
def change_ach_account(identity: str) -> Response:
    return answer(accounts.change_account(world(), accounts.ACH_ACCOUNTS, identity, body()))


@routes.post("/merchant/purge-test-data")
def purge() -> tuple[str, int]:
    """Everything, unless the call names what."""
    here, asked = world(), body()
    if here.live:
        raise refuse("unavailable_for_merchant_mode")
    names = ("delete_transactions", "delete_payment_methods")
    everything = not any(asked.get(name) for name in names)
    if everything or asked.get(names[0]):
        for kind in ("transaction", "recurring", "occurrence", "signature", "event", "delivery"):
            here.store.clear(kind)
    if everything or asked.get(names[1]):
        here.store.clear("token")
        here.store.clear("method")
    return "", 204


# -- Tokens, saved cards and banks -------------------------------------------------------------


@routes.post("/tokens")
def create_token() -> AnyResponse:
    """JSON or a form; a form's unknown fields are kept with the token, and it may ask to be sent on."""
    asked = body() if request.mimetype != FORM else _form()
    token = wallet.create_token(world(), asked)
    target = str(asked.get("redirect_url") or "")
    if request.mimetype == FORM and target.startswith(("http://", "https://")):
        joint = "&" if "?" in target else "?"
        return redirect(target + joint + urlencode({"token_id": token["id"]}), 303)
    return answer(wallet.token_shown(token))


def _form() -> Thing:
    several = request.form.to_dict(flat=False)
    plain = {key: values[0] if len(values) == 1 else values for key, values in several.items()}
    extra = {key: value for key, value in plain.items() if key not in RESERVED}
    return plain | ({"form_data": extra} if extra else {})


@routes.get("/tokens/<identity>")
def token(identity: str) -> Response:
    return answer(wallet.token_shown(wallet.get_token(world(), identity)))


def _saved_methods(kind: str) -> None:
    path = f"/{kind}s"

    def create() -> Response:
        return answer(wallet.method_shown(wallet.save(world(), kind, body())))

    def listed() -> Response:
        kept = listing.equal(wallet.all_saved(world(), kind), request.args, "reference", "exp_month", "exp_year")
        return answer(listing.page_of(listing.ordered(lagging(kept), request.args), request.args))

    def single(identity: str) -> Response:
        return answer(wallet.method_shown(wallet.get_saved(world(), kind, identity)))

    def delete(identity: str) -> Response:
        return answer(wallet.method_shown(wallet.delete_saved(world(), kind, identity)))

    routes.add_url_rule(path, f"create_{kind}", create, methods=["POST"])
    routes.add_url_rule(path, f"{kind}s", listed, methods=["GET"])
    routes.add_url_rule(f"{path}/<identity>", kind, single, methods=["GET"])
    routes.add_url_rule(f"{path}/<identity>", f"delete_{kind}", delete, methods=["DELETE"])


for _kind in (wallet.CARD, wallet.BANK):
    _saved_methods(_kind)


# -- Transactions ------------------------------------------------------------------------------


@routes.post("/charges")
def create_charge() -> Response:
    asked = body()
    make: Callable[..., Thing] = recurring.charge_and_recur if asked.get("recur") else charges.charge
    return answer(transactions.shown(make(world(), asked, client_ip=client_ip())))


@routes.get("/charges/holds")
def holds() -> Response:
    return _transactions(charges.holds(world()))


@routes.get("/transactions")
def list_transactions() -> Response:
    return _transactions(world().store.all("transaction"))


def _transactions(records: list[Thing]) -> Response:
    found = listing.equal([transactions.shown(r) for r in lagging(records)], request.args, "account_id")
    found = listing.search(listing.between(found, request.args), request.args)
    return answer(listing.page_of(listing.ordered(found, request.args), request.args))


@routes.post("/charges/<identity>/capture")
def capture(identity: str) -> Response:
    return answer(transactions.shown(charges.capture(world(), identity, body())))


@routes.post("/charges/<identity>/refund")
def refund(identity: str) -> Response:
    return answer(transactions.shown(charges.refund(world(), identity, body())))


@routes.post("/credits")
def credit() -> Response:
    return answer(transactions.shown(charges.credit(world(), body())))


@routes.get("/transactions/<identity>")
def transaction(identity: str) -> Response:
    return answer(transactions.shown_whole(world(), transactions.find(world(), identity)))


@routes.get("/charges/<identity>")
def single_charge(identity: str) -> Response:
    return answer(transactions.shown_whole(world(), transactions.find(world(), identity, transactions.CHARGE)))


@routes.post("/transactions/<identity>/void")
def void(identity: str) -> Response:
    return answer(transactions.shown(charges.void(world(), identity, body())))


@routes.post("/transactions/<identity>/sign")
def sign(identity: str) -> Response:
    return answer(transactions.shown(signing.sign(world(), identity, body())))


@routes.get("/signatures/<identity>")
def signature(identity: str) -> Response:
    return answer(signing.get(world(), identity))


# -- Events ------------------------------------------------------------------------------------


@routes.get("/events")
def list_events() -> Response:
    """Newest first; from a ``start_date`` on, oldest first."""
    found = listing.between(lagging(world().store.all("event")), request.args)
    if not request.args.get("start_date"):
        found.reverse()
    return answer(listing.page_of(found, request.args))


@routes.get("/events/<identity>")
def event(identity: str) -> Response:
    return answer(events.get_event(world(), identity))
