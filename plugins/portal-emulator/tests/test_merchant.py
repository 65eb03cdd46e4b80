"""Who may call, the merchant and its accounts, what their policies do, and purging."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from portal_emulator.app import create, world_of
from portal_emulator.testing import BANK, CARD, Api, Json, Time


def test_the_merchant_has_an_operating_and_a_trust_account_for_cards_and_echecks(api: Api) -> None:
    merchant = api.get("merchant")
    for field in ("id created modified name contact_name contact_email contact_phone timezone country").split():
        assert merchant[field]
    for accounts in (merchant["merchant_accounts"], merchant["ach_accounts"]):
        assert [(a["primary"], a["trust_account"]) for a in accounts] == [(True, False), (False, True)]
        assert all(a["status"] == "ACTIVE" and a["currency"] == "USD" for a in accounts)
    account = merchant["merchant_accounts"][0]
    assert (account["cvv_policy"], account["avs_policy"]) == ("OPTIONAL", "ADDR_OR_POSTAL_CODE_LENIENT")
    assert (account["required_payment_fields"], account["swipe_required_payment_fields"]) == ("", "")
    assert "VISA" in account["accepted_card_types"].split(",")
    assert {"credit_enabled", "manual_capture_enabled"}.isdisjoint(account)


def test_only_the_secret_key_opens_and_without_a_password(api: Api) -> None:
    client = api.app.test_client()
    for auth in (None, ("wrong", ""), (api.key, "password"), (api.world.public_key, "")):
        answer = client.get("/v1/merchant", auth=auth)
        assert answer.status_code == 401
        assert answer.get_json()["messages"][0] == {
            "code": "not_authorized",
            "level": "error",
            "message": "Not authorized",
            "facility": "gateway",
        }
    for header in ("Basic !!", "Bearer " + api.key, "Basic " + b64encode(b"\xff\xfe:").decode()):
        assert client.get("/v1/merchant", headers={"Authorization": header}).status_code == 401


def test_the_public_key_makes_tokens_and_nothing_else(api: Api) -> None:
    api.key = api.world.public_key
    made = api.ok("POST", "tokens", CARD)
    for method, path in (("GET", f"tokens/{made['id']}"), ("POST", "charges"), ("GET", "transactions")):
        assert api.refused(method, path, status=401)["code"] == "not_authorized"


def test_networks_that_the_merchant_allows(api: Api) -> None:
    api.ok("PATCH", "merchant", {"api_allowed_ip_address_ranges": "127.0.0.1/32, 198.51.100.1/24"})
    assert api.get("merchant")["api_allowed_ip_address_ranges"]
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    assert api.call("GET", "merchant", environ_base=elsewhere).status_code == 401


def test_clients_of_other_countries(api: Api) -> None:
    def charge(amount: int, address: str) -> int:
        body = {"amount": amount, "method": CARD}
        return api.call("POST", "charges", body, headers={"X-Relayed-IP-Address": address}).status_code

    assert charge(1256, "216.239.32.4") == 200
    assert charge(50000, "95.27.173.123") == 401
    assert charge(500, "95.27.173.123") == 200
    assert charge(500, "190.92.112.1") == 401
    assert charge(500, "nonsense") == 200
    failed = [t for t in api.get("transactions")["results"] if t["status"] == "FAILED"]
    assert {t["failure_code"] for t in failed} == {"not_authorized_country_denied"}


# -- Changes -----------------------------------------------------------------------------------


def test_the_merchant_is_renamed_and_keeps_its_accounts(api: Api) -> None:
    merchant = api.get("merchant")
    changed = api.ok("PUT", "merchant", merchant | {"name": "the new name", "address2": None, "id": "other"})
    assert changed["name"] == "the new name"
    assert changed["id"] == merchant["id"]
    assert changed["merchant_accounts"] == merchant["merchant_accounts"]
    assert api.refused("PUT", "merchant", {"name": " "})["context"] == "name"
    assert api.refused("PATCH", "merchant", {"city": 5})["sub_code"] == "invalid"


def test_accounts_are_renamed_and_one_is_primary(api: Api) -> None:
    trust = api.account(trust=True)
    changed = api.ok("PUT", f"accounts/{trust['id']}", {"name": "the new account name", "primary": True})
    assert (changed["name"], changed["primary"], changed["trust_account"]) == ("the new account name", True, True)
    assert [a["primary"] for a in api.get("merchant")["merchant_accounts"]] == [False, True]
    api.ok("PATCH", f"accounts/{trust['id']}", {"primary": False})
    assert api.account(trust=True)["primary"] is True
    ach = api.account(ach=True)
    assert api.ok("PATCH", f"ach-accounts/{ach['id']}", {"name": "Bank"})["name"] == "Bank"
    assert api.refused("PUT", f"accounts/{ach['id']}", {}, status=404)["context"] == f"Account[{ach['id']}]"
    assert api.refused("PUT", f"accounts/{trust['id']}", {"cvv_policy": "MAYBE"})["context"] == "cvv_policy"


def test_a_charge_goes_where_it_says_and_else_to_the_primary_account(api: Api) -> None:
    assert api.charge(1)["account_id"] == api.account()["id"]
    assert api.charge(1, BANK)["account_id"] == api.account(ach=True)["id"]
    trust = api.account(trust=True)
    assert api.charge(1, account_id=trust["id"])["account_id"] == trust["id"]
    assert [t["account_id"] for t in api.get("transactions", account_id=trust["id"])["results"]] == [trust["id"]]


def test_an_account_that_does_not_take_the_method(api: Api) -> None:
    message = api.no_charge(1, BANK, account_id=api.account()["id"])
    assert message["code"] == "incorrect_payment_type"
    assert api.no_charge(1, account_id="nowhere", status=404)["context"] == "Account[nowhere]"
    assert api.no_charge(1, account_id=["list"], status=404)["code"] == "resource_not_found"


# -- Policies ----------------------------------------------------------------------------------


def policy(api: Api, **changes: object) -> None:
    api.ok("PATCH", f"accounts/{api.account()['id']}", changes)


def outcome(api: Api, number: str, **details: object) -> tuple[str | None, str | None, str | None]:
    """The error's code, the CVV result, the AVS result."""
    answer = api.call("POST", "charges", {"amount": 1, "method": CARD | {"number": number} | details}).get_json()
    message: Json = answer["messages"][0] if "messages" in answer else {}
    record = api.transaction(message["entity_id"]) if message else answer
    return message.get("code"), record.get("cvv_result"), record.get("avs_result")


BOTH = "ADDRESS_AND_POSTAL_CODE"


@pytest.mark.parametrize(
    ("policy_name", "not_matched", "unavailable"),
    [
        ("DISABLED", None, None),
        ("OPTIONAL", "card_cvv_incorrect", None),
        ("REQUIRE_MATCH_LENIENT", "card_cvv_incorrect", None),
        ("REQUIRE_MATCH_STRICT", "card_cvv_incorrect", "card_cvv_incorrect"),
    ],
)
def test_cvv_policies(api: Api, policy_name: str, not_matched: str | None, unavailable: str | None) -> None:
    policy(api, cvv_policy=policy_name)
    checked = policy_name != "DISABLED"
    assert outcome(api, "4000000000000101") == (not_matched, "NOT_MATCHED" if checked else None, BOTH)
    assert outcome(api, "4000000000000077") == (unavailable, "UNAVAILABLE" if checked else None, BOTH)
    assert outcome(api, "4242424242424242") == (None, "MATCHED" if checked else None, BOTH)


def test_a_required_code_is_missed_but_not_on_a_saved_card(api: Api) -> None:
    saved = api.ok("POST", "cards", CARD)
    policy(api, cvv_policy="REQUIRE_MATCH_STRICT")
    assert api.no_charge(1, {k: v for k, v in CARD.items() if k != "cvv"})["context"] == "method.cvv"
    assert api.charge(1, saved["id"])["status"] == "AUTHORIZED"


REJECTED = "card_avs_rejected"


@pytest.mark.parametrize(
    ("policy_name", "fails"),
    [
        ("DISABLED", ""),
        ("SUBMIT_IGNORE_RESULT", ""),
        ("ADDR_OR_POSTAL_CODE_LENIENT", "010"),
        ("ADDR_OR_POSTAL_CODE_STRICT", "010 085 093"),
        ("ADDR_STRICT", "010 085 093 028"),
        ("POSTAL_CODE_STRICT", "010 085 093 036"),
        ("EXACT_ADDR_AND_POSTAL_CODE_LENIENT", "010 028 036"),
        ("EXACT_ADDR_AND_POSTAL_CODE_STRICT", "010 085 093 028 036"),
    ],
)
def test_avs_policies(api: Api, policy_name: str, fails: str) -> None:
    policy(api, avs_policy=policy_name)
    results = {
        "010": "NO_MATCH",
        "085": "UNAVAILABLE",
        "093": "AVS_ERROR_INELIGIBLE",
        "028": "POSTAL_CODE",
        "036": "ADDRESS",
    }
    for ending, result in results.items():
        code, _, avs = outcome(api, "4000000000000" + ending)
        assert code == (REJECTED if ending in fails.split() else None)
        assert avs == (None if policy_name == "DISABLED" else result)
    assert outcome(api, "4242424242424242")[0] is None


def test_avs_without_an_address_and_a_match_that_excuses_it(api: Api) -> None:
    assert outcome(api, "4000000000000028", postal_code="") == (REJECTED, "MATCHED", "NO_MATCH")
    assert outcome(api, "4000000000000036", address1="") == (REJECTED, "MATCHED", "NO_MATCH")
    assert outcome(api, "4242424242424242", address1="", postal_code="") == (None, "MATCHED", None)
    assert outcome(api, "4242424242424242", address1="")[2] == "POSTAL_CODE"
    assert outcome(api, "4242424242424242", postal_code="")[2] == "ADDRESS"
    policy(api, ignore_avs_failure_if_cvv_match=True)
    assert outcome(api, "4000000000000010") == (None, "MATCHED", "NO_MATCH")


def test_required_fields_and_card_types(api: Api) -> None:
    policy(api, required_payment_fields="name,email", accepted_card_types="VISA")
    message = api.no_charge(1)
    assert (message["context"], message["sub_code"]) == ("method.email", "not_blank")
    policy(api, required_payment_fields="")
    assert api.no_charge(1, CARD | {"number": "378282246310005"})["code"] == "card_type_not_accepted"
    policy(api, accepted_card_types="*")
    assert api.charge(1, CARD | {"number": "378282246310005"})["method"]["card_type"] == "AMERICAN_EXPRESS"


# -- Purge -------------------------------------------------------------------------------------


def things(api: Api) -> list[str]:
    charge = api.charge(1400)
    refund, made = api.refund(charge, 200), api.ok("POST", "tokens", CARD)
    saved = [api.ok("POST", "cards", CARD)["id"], api.ok("POST", "banks", BANK)["id"]]
    paths = [f"transactions/{charge['id']}", f"transactions/{refund['id']}", f"tokens/{made['id']}"]
    return [*paths, f"cards/{saved[0]}", f"banks/{saved[1]}"]


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (None, [404] * 5),
        ({"delete_transactions": True}, [404, 404, 200, 200, 200]),
        ({"delete_payment_methods": True}, [200, 200, 404, 404, 404]),
        ({"delete_transactions": True, "delete_payment_methods": True}, [404] * 5),
    ],
)
def test_purging_test_data(api: Api, body: Json | None, left: list[int]) -> None:
    paths = things(api)
    answer = api.call("POST", "merchant/purge-test-data", data="null") if body is None else None
    answer = answer or api.call("POST", "merchant/purge-test-data", body)
    assert (answer.status_code, answer.data) == (204, b"")
    assert [api.call("GET", path).status_code for path in paths] == left


def test_a_live_key_purges_nothing(time: Time) -> None:
    live = Api(create(secret_key="live_key", clock=time))
    assert live.refused("POST", "merchant/purge-test-data")["code"] == "unavailable_for_merchant_mode"


# -- Bodies and addresses ----------------------------------------------------------------------


def test_bodies_that_are_none(api: Api) -> None:
    for data in ("{", "[1]", '"text"', "\xff"):
        assert api.refused("POST", "charges", status=400, data=data)["code"] == "malformed_request"
    form = api.refused("POST", "charges", status=400, data="amount=1", content_type="application/x-www-form-urlencoded")
    assert form["code"] == "invalid_request"
    assert api.refused("DELETE", "charges", status=400)["code"] == "invalid_request"
    nothing = api.refused("GET", "no/such/place", status=404)
    assert (nothing["code"], "context" in nothing) == ("resource_not_found", False)


def test_a_state_file_keeps_everything_over_a_restart(tmp_path: Path, time: Time) -> None:
    path = tmp_path / "state.sqlite"
    first = Api(create(clock=time, state=path, webhook_addresses=["http://portal.test/hook"], post=lambda _a, _b: 200))
    charge = first.charge(1234, reference="kept")
    first.world.clock.move_to(time.now.replace(month=7))
    merchant = first.get("merchant")
    world_of(first.app).store.close()
    second = Api(create(clock=time, state=path))
    assert second.transaction(charge["id"])["reference"] == "kept"
    assert second.get("merchant") == merchant
    assert second.world.webhooks == ["http://portal.test/hook"]
    assert second.world.now().month == 7
    world_of(second.app).store.close()
