"""Every route of the portal, with addresses that lead to the cast's own things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from portal_app import gateways
from portal_app.domain import invoices, ledger, mail, payments, trust_papers
from portal_app.domain.matters import InvoiceRecipient
from portal_app.domain.passkeys import Passkey
from portal_app.domain.payments import Payment
from tests import banks
from tests import trust as trusts
from tests.deposits import ask, open_trust
from tests.domain.test_payments import order
from tests.world import World

NOWHERE = "nothing-here"


@dataclass(frozen=True)
class Route:
    """One method of one rule."""

    rule: Rule
    method: str
    action: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule.rule}"

    @property
    def face(self) -> str:
        return self.rule.rule.split("/")[1].split("<")[0]

    def address(self, values: dict[str, Any]) -> str:
        given = {name: values[self._kind(name)] for name in self.rule.arguments}
        _, path = self.rule.build({**given, **_words(self.rule)}, append_unknown=False) or ("", "")
        return path

    def _kind(self, name: str) -> str:
        """``public_id`` means another thing under each noun."""
        return f"{self.rule.rule.split('/')[2]}.{name}" if name == "public_id" else name


def _words(rule: Rule) -> dict[str, str]:
    if "kind" in rule.arguments:
        return {"kind": "portal-users", "step": "invite"}
    return {"step": "renew"} if "step" in rule.arguments else {}


def routes(app: Flask, *, method: str = "") -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        for name in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if not method or name == method:
                view = app.view_functions[rule.endpoint]
                yield Route(rule, name, getattr(view, "action", ""))


def alices(world: World) -> dict[str, Any]:
    """What each parameter of a route stands for: always something of alice's, or on her matter."""
    payment = payments.start(world.alice, world.gateway, order(10_000, "ladder"))
    gateways.charge(payment, "ok")
    entry = ledger.entry_of(f"payment:{payment.id}:paid")
    item = invoices.lines_of(world.draft)[0].work_item
    key = Passkey.create(
        portal_user=world.alice, public_id="alices-key", credential_id="ladder", public_key="", sign_count=0,
        name="Phone", added_at=world.invoice.issued_at,
    )  # fmt: skip
    letter = mail.write("invitation", world.frank, subject="Ladder", text="Ladder", html="", fact="ladder")
    payments.ask("unknown_charge", "ladder", "A charge", gateway=world.gateway)
    adjustment = payments.adjust(
        world.invoice, kind="written_off", amount_cents=1, reason="Ladder", key="ladder", by=world.carol
    )
    deposit = ask(world, open_trust(world), 70_000)
    bank = banks.ladder(world)
    money = trusts.deposit(world, 300_000, method="card")
    receipt = trust_papers.receipt_for(money)
    trusts.deposit(world, 200_000)
    word, held = trusts.authorise(world, 1_000), trusts.hold(world, 1_000)
    short = trusts.shortfall(world)
    recipient = InvoiceRecipient.get(InvoiceRecipient.portal_user == world.frank)
    return {
        "matter_id": world.matter.id, "client_id": world.client.id, "invoice_id": world.invoice.id,
        "document_id": world.document.id, "adjustment_id": adjustment.id,
        "event_id": world.event.id, "item_id": item.id, "entry_id": entry.id,
        "payment_id": payment.id, "person_id": world.dan.id, "recipient_id": recipient.id, "code": "fake",
        "field": "name", "secret": NOWHERE, "token": NOWHERE, "tag": NOWHERE, "name": NOWHERE, "kind": "", "step": "",
        "what": "taken", "account_code": "receivable", "about": "unknown_charge", "report": "receivables",
        "export": "journal",
        "movement_id": money.id, "authorisation_id": word.id, "hold_id": held.id, "incident_id": short.id,
        "email_id": letter.id, **bank, "bank_account_id": trusts.account().id, "question_id": 1,
        "invoices.public_id": world.invoice.public_id,
        "documents.public_id": world.document.public_id, "events.public_id": world.event.public_id,
        "account.public_id": key.public_id, "<token>.public_id": NOWHERE,
        "payments.public_id": Payment.get_by_id(payment.id).public_id, "deposit_id": deposit.id,
        "deposits.public_id": deposit.public_id, "trust.public_id": receipt.public_id if receipt else "",
    }  # fmt: skip


def strangers(values: dict[str, Any], number: int) -> dict[str, Any]:
    """The same parameters, leading nowhere."""
    kept = {"field", "kind", "step", "what"}
    return {
        name: value if name in kept else number if isinstance(value, int) else NOWHERE for name, value in values.items()
    }
