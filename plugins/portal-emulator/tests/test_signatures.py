"""Signatures and gratuities: on a charge, afterwards, at its capture, after it."""

from __future__ import annotations

from typing import Any

import pytest

from portal_emulator.testing import CARD, Api, Json

DATA = '[{"x":[179,180],"y":[77,84]}]'
SIGNED = {"mime_type": "chargeio/jsignature", "data": DATA}
STATUS = "not_valid_for_transaction_status"
BAD = [
    ({"mime_type": "chargeio/jsignature"}, "data", "not_blank"),
    ({"mime_type": "chargeio/jsignature", "data": ""}, "data", "not_blank"),
    ({"mime_type": "chargeio/jsignature", "data": "x" * 8193}, "data", "invalid_length"),
    ({"data": "x"}, "mime_type", "not_blank"),
    ({"data": "x", "mime_type": ""}, "mime_type", "not_blank"),
    ({"data": "x", "mime_type": "0" * 65}, "mime_type", "invalid_length"),
    ({"data": 5, "mime_type": "a/b"}, "data", "invalid"),
]


def sign(api: Api, charge: Json, **more: Any) -> Json:
    return api.ok("POST", f"transactions/{charge['id']}/sign", SIGNED | more)


def kept(api: Api, charge: Json) -> tuple[str, str]:
    signature = api.get(f"signatures/{charge['signature_id']}")
    return signature["mime_type"], signature["data"]


def test_a_charge_with_a_signature(api: Api) -> None:
    charge = api.charge(3000, signature=SIGNED, gratuity=600)
    assert (charge["amount"], charge["gratuity"]) == (3000, 600)
    assert kept(api, charge) == ("chargeio/jsignature", DATA)
    long = api.charge(3000, signature={"mime_type": "something/else", "data": "x" * 8192})
    assert kept(api, long) == ("something/else", "x" * 8192)
    assert api.refused("GET", "signatures/none", status=404)["context"] == "Signature[none]"


@pytest.mark.parametrize(("signature", "field", "sub_code"), BAD)
def test_a_signature_that_is_none(api: Api, signature: Json, field: str, sub_code: str) -> None:
    hold = api.hold()
    for message, prefix in (
        (api.no_charge(3000, signature=signature), "signature."),
        (api.refused("POST", f"charges/{hold['id']}/capture", {"signature": signature, "gratuity": -1}), "signature."),
        (api.refused("POST", f"transactions/{hold['id']}/sign", signature), ""),
    ):
        assert (message["code"], message["context"], message["sub_code"]) == ("invalid_data", prefix + field, sub_code)


def test_gratuities_need_a_signature(api: Api) -> None:
    assert api.charge(3000, gratuity=0)["gratuity"] == 0
    assert api.no_charge(3000, gratuity=1)["code"] == "signature_required"
    below = api.no_charge(3000, gratuity=-1)
    assert (below["context"], below["sub_code"]) == ("gratuity", "below_minimum_value")
    assert api.no_charge(3000, signature="text")["context"] == "signature"


def test_a_refund_takes_the_gratuity_in(api: Api) -> None:
    charge = api.charge(3000, signature=SIGNED, gratuity=600)
    path = f"charges/{charge['id']}/refund"
    assert api.refused("POST", path, {"amount": 3601})["code"] == "refund_exceeds_transaction"
    api.refund(charge, 3300)
    api.refund(charge, 300)
    assert api.transaction(charge["id"])["amount_refunded"] == 3600
    assert api.refused("POST", path, {"amount": 1})["code"] == "refund_exceeds_transaction"


def test_signing_afterwards(api: Api) -> None:
    hold = api.hold(3000)
    assert {"signature_id", "gratuity"}.isdisjoint(hold)
    plain = sign(api, hold)
    assert kept(api, plain) == ("chargeio/jsignature", DATA)
    assert "gratuity" not in plain
    assert api.refused("POST", f"transactions/{hold['id']}/sign", SIGNED)["code"] == STATUS
    tipped = sign(api, api.charge(3000), gratuity=250)
    assert (tipped["amount"], tipped["gratuity"]) == (3000, 250)
    assert api.events()[-1] == "transaction.updated"
    below = api.refused("POST", f"transactions/{api.hold()['id']}/sign", SIGNED | {"gratuity": -1})
    assert (below["context"], below["sub_code"]) == ("gratuity", "below_minimum_value")


def test_what_cannot_be_signed(api: Api) -> None:
    failed = api.no_charge(3000, CARD | {"number": "4000000000000044"})["entity_id"]
    refund = api.refund(api.charge(100), 5)["id"]
    for identity in (failed, refund):
        assert api.refused("POST", f"transactions/{identity}/sign", SIGNED)["code"] == STATUS


def test_signing_at_the_capture(api: Api) -> None:
    def captured(amount: int, **more: Any) -> Json:
        return api.ok("POST", f"charges/{api.hold(3000)['id']}/capture", {"amount": amount, **more})

    assert "gratuity" not in captured(3000, signature=SIGNED)
    tipped = captured(2800, signature=SIGNED, gratuity=600)
    assert (tipped["status"], tipped["amount"], tipped["gratuity"]) == ("COMPLETED", 2800, 600)
    assert captured(2800, signature=SIGNED, gratuity=0)["gratuity"] == 0
    assert {"gratuity", "signature_id"}.isdisjoint(captured(2900, gratuity=0))
    hold = api.hold(3000)
    path = f"charges/{hold['id']}/capture"
    assert api.refused("POST", path, {"amount": 3000, "gratuity": 600})["code"] == "signature_required"
    assert api.refused("POST", path, {"gratuity": -1, "signature": SIGNED})["context"] == "gratuity"
    sign(api, hold)
    assert api.refused("POST", path, {"amount": 3000, "signature": SIGNED})["code"] == STATUS
    assert api.transaction(hold["id"])["status"] == "AUTHORIZED"
    assert api.ok("POST", path, {"amount": 3000, "gratuity": 5})["gratuity"] == 5


def test_signing_after_the_capture(api: Api) -> None:
    charge = api.ok("POST", f"charges/{api.hold()['id']}/capture")
    assert api.refused("POST", f"transactions/{charge['id']}/sign", SIGNED | {"gratuity": 500})["code"] == STATUS
    assert "signature_id" not in api.transaction(charge["id"])
    assert "signature_id" in sign(api, charge)
