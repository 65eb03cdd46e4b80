"""Taking money: the account is looked at before, the answer is read with care after."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from portal_app.plugin_api import (
    BeginRequest,
    ChargeRequest,
    Context,
    Fields,
    Fund,
    LookupQuery,
    Outcome,
    OutcomeKind,
    Redirect,
)
from portal_lawpay import errors, transactions, words
from portal_lawpay.accounts import Route, misfit
from portal_lawpay.api import Answer, Api
from portal_lawpay.lookups import look_up_charge, read
from portal_lawpay.settings import address, origin, setting
from portal_lawpay.transactions import text

UNREACHABLE = "The payment service could not be reached. Please try again in a few minutes."
NOT_LET_IN = "The payment service does not let the firm in just now. Please call the firm."
NO_PAGE = "The fields for card and account cannot be shown in this browser. Please use another one, or call the firm."
# Where the vendor's own script may send what was typed, whichever of its names the portal itself calls.
_VENDOR = "affinipay.com"
_VENDOR_APIS = ("https://api.affinipay.com", "https://api.8am.com")


def charge(ctx: Context, request: ChargeRequest) -> Outcome:
    """Everything before the one POST takes no money: what goes wrong there is ``not_submitted``. What the wire raises
    at the POST goes to the host, which knows that nobody knows."""
    api, route = Api(ctx), Route(request.merchant_account)
    account_id = route.account_for(request.method)
    if not account_id:
        return _not_sent("no_account", words.NOT_SET_UP)
    try:
        merchant = api.get("merchant")
    except Exception:
        return _not_sent("account_not_checked", UNREACHABLE)
    if not merchant.is_ok:
        return _not_sent(f"http_{merchant.status}", NOT_LET_IN if merchant.status == 401 else UNREACHABLE)
    wrong = misfit(merchant.told, account_id, method=request.method, fund=request.fund, currency=request.currency)
    if wrong:
        return _not_sent(wrong, words.NOT_SET_UP)
    body = {
        "amount": request.amount_minor, "currency": request.currency, "method": request.token,
        "account_id": account_id, "reference": request.reference, "auto_capture": True,
    }  # fmt: skip
    return _answered(api, route, request, api.post("charges", body=body))


def _answered(api: Api, route: Route, request: ChargeRequest, answer: Answer) -> Outcome:
    if answer.is_ok and text(answer.told, "id"):
        return transactions.charge(answer.told, route)
    said = errors.outcome(answer)
    if said.kind is not OutcomeKind.UNKNOWN:
        return said
    try:
        if said.gateway_reference:
            return _failed(api, route, said)
        if answer.status == 404:  # the token was used already: perhaps by this very charge
            return _used(api, request, said)
    except Exception:
        return said
    return said


def _failed(api: Api, route: Route, said: Outcome) -> Outcome:
    """The error names the transaction that failed: that one knows."""
    told = read(api, said.gateway_reference)
    return transactions.charge(told, route) if told is not None else said


def _used(api: Api, request: ChargeRequest, said: Outcome) -> Outcome:
    query = LookupQuery(reference=request.reference, merchant_account=request.merchant_account)
    found = look_up_charge(api, query)
    return said if found.kind is OutcomeKind.ABSENT else found


def _not_sent(code: str, message: str) -> Outcome:
    return Outcome(kind=OutcomeKind.NOT_SUBMITTED, code=code, message=message)


def fields(ctx: Context) -> Fields:
    """The vendor's fields, mounted by our script. They talk to the vendor's own hosts alone."""
    script = address(ctx, "fields_url")
    at, api = origin(script), origin(address(ctx, "base_url"))
    is_vendors = at.startswith("https://") and at.endswith(f".{_VENDOR}")
    reached = tuple(dict.fromkeys((at, api, *(_VENDOR_APIS if is_vendors else ()))))
    config = {
        "gateway": "lawpay", "script": script, "integrity": setting(ctx, "fields_integrity"),
        "publicKey": setting(ctx, "public_key"), "surcharge": setting(ctx, "surcharge") or "off",
    }  # fmt: skip
    return Fields(
        module="fields.js", config=config, script_origins=(at,), frame_origins=reached, connect_origins=reached
    )


def payment_page(ctx: Context, request: BeginRequest) -> Redirect | Outcome:
    """The link to the firm's payment page of the fund, filled in and fixed. It has no id until somebody has paid."""
    page = setting(ctx, "page_trust" if request.fund is Fund.TRUST else "page_operating")
    merchant = setting(ctx, "page_merchant")
    if not merchant or not page:
        return _not_sent("no_payment_page", NO_PAGE)
    filled = {
        "amount": request.amount_minor, "reference": request.reference, "readOnlyFields": "reference,amount",
        "return_url": request.return_url,
    }  # fmt: skip
    path = "/".join(quote(part, safe="") for part in ("pages", merchant, page))
    return Redirect(url=f"{address(ctx, 'page_url')}/{path}?{urlencode(filled)}", gateway_reference="")
