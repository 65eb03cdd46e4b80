"""Credit notes, write-offs and unapplied money, from an invoice's page; what the client then reads."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
from flask.testing import FlaskClient

from portal_app import gateways, verify
from portal_app.domain import invoices, ledger, outbox, payments, sharing
from portal_app.domain.documents import Document, DocumentShare
from portal_app.domain.errors import Refused
from portal_app.domain.invoices import InvoiceAdjustment
from portal_app.domain.mail import Email
from portal_app.plugin_api import Outcome, OutcomeKind
from portal_app.web import paper
from portal_app.worker import handlers
from tests.conftest import Engine
from tests.domain.test_payments import order
from tests.world import World, today

As = Callable[[Any], FlaskClient]


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture(autouse=True)
def the_books_hold(world: World) -> Any:
    yield
    assert verify.verify().faults == []


def home(world: World) -> str:
    return f"/firm/invoices/{world.invoice.id}"


def said(page: str, **changes: str) -> dict[str, str]:
    key = re.search(r'name="key"[^>]*value="([^"]+)"', page.split("/adjustments")[1])
    assert key
    return {"key": key[1], "kind": "credit_note", "amount": "240.00", "reason": "One exhibit too many"} | changes


def test_a_credit_note_is_numbered_told_and_on_the_ledger(world: World, as_: As) -> None:
    erin = as_(world.erin)
    form = said(erin.get(home(world)).text)
    assert erin.post(f"{home(world)}/adjustments", data=form).status_code == 303
    assert erin.post(f"{home(world)}/adjustments", data=form).status_code == 303
    row = InvoiceAdjustment.get()
    assert (row.number, row.amount_cents) == (f"C-{today().year}-0001", 24_000)
    assert ledger.invoice_balance(world.invoice.id) == 100_000
    assert ledger.account_balance("credits") == 24_000
    outbox.run_due(handlers(), 20)
    letter = Email.select().where(Email.kind == "credit_note").get()
    assert letter.subject == f"Credit note {row.number} from Quillfeather &amp; Larkspur LLP".replace("&amp;", "&")
    assert "$1,000.00 of the invoice is still to be paid." in letter.text.replace("\n", " ")
    page = as_(world.alice).get(f"/portal/invoices/{world.invoice.public_id}").text
    assert f"Credit note {row.number}" in page
    assert "−$240.00" in page
    assert "One exhibit too many" not in page


def test_a_credit_note_has_its_paper_for_whoever_has_the_invoice(world: World, as_: As) -> None:
    erin, alice = as_(world.erin), as_(world.alice)
    erin.post(f"{home(world)}/adjustments", data=said(erin.get(home(world)).text))
    row = InvoiceAdjustment.get()
    assert "(PDF)" not in alice.get(f"/portal/invoices/{world.invoice.public_id}").text, "it is not made yet"
    assert (row.document.name, row.document.matter_id) == (f"Credit note {row.number}", world.matter.id)
    outbox.run_due(handlers(), 20)
    outbox.run_due(handlers(), 20)
    assert Email.select().where(Email.kind == "credit_note").count() == 2, "alice and frank, once each"
    assert not Email.select().where((Email.kind == "document_shared") & Email.subject.contains(row.number)).exists()
    link = re.search(r'href="(/portal/documents/[^"]+)">Credit note', alice.get(
        f"/portal/invoices/{world.invoice.public_id}").text)  # fmt: skip
    assert link
    body = alice.get(link[1])
    text = " ".join(pypdf.PdfReader(io.BytesIO(body.data)).pages[0].extract_text().split())
    head = ledger.links_of(ledger.entry_of(f"adjustment:{row.id}"))[0]
    for part in (f"Credit note {row.number}", world.invoice.number, "$240.00", "Owed before this note $1,240.00",
                 "Owed after this note $1,000.00", f"number {head.sequence} in the chain"):  # fmt: skip
        assert part in text
    assert "One exhibit too many" not in text, "the reason is the firm's"
    assert as_(world.bob).get(link[1]).status_code == 404
    assert f"/documents/{row.document_id}/file?view=1" in erin.get(home(world)).text
    payments.adjust(world.invoice, kind="credit_note", amount_cents=100, reason="x", key="later", by=world.erin)
    assert paper.credit_note_pdf(InvoiceAdjustment.get_by_id(row.id)) == body.data, "later notes change no paper"


def test_a_credit_notes_paper_goes_where_the_invoice_goes(world: World, as_: As) -> None:
    erin, carol = as_(world.erin), as_(world.carol)
    erin.post(f"{home(world)}/adjustments", data=said(erin.get(home(world)).text))
    row = InvoiceAdjustment.get()
    outbox.run_due(handlers(), 20)

    def readers() -> list[str]:
        shares = sharing.shares_of(DocumentShare, [row.document]).get(row.document_id, [])
        return sorted(share.portal_user.name.split()[0] for share in shares)

    assert readers() == ["Alice", "Frank"]
    papers = f"/firm/matters/{world.matter.id}/documents"
    share = f"{papers}/{world.invoice.document_id}/share"
    assert carol.post(share, data={"people": [world.alice.id]}).status_code == 303
    assert readers() == ["Alice"]
    assert carol.post(f"{papers}/{row.document_id}/remove").status_code in {303, 422}
    assert Document.get_by_id(row.document_id).removed_at is None
    assert carol.post(f"{home(world)}/adjustments/{row.id}/undo").status_code == 303
    assert readers() == [], "it does not count any more"
    carol.post(share, data={"people": [world.alice.id, world.frank.id]})
    assert readers() == []
    assert "(PDF)" not in as_(world.alice).get(f"/portal/invoices/{world.invoice.public_id}").text


def test_a_write_off_of_everything_reads_settled_not_paid(world: World, as_: As) -> None:
    erin = as_(world.erin)
    form = said(erin.get(home(world)).text, kind="written_off", amount="1240.00")
    assert erin.post(f"{home(world)}/adjustments", data=form).status_code == 303
    assert ledger.account_balance("bad_debt") == 124_000
    found = invoices.find(world.erin, world.invoice.id)
    assert found.state(today()) == "settled"
    page = as_(world.alice).get(f"/portal/invoices/{world.invoice.public_id}").text
    assert "Settled: nothing is owed" in page
    assert "it is not asked for any more" in page
    assert "Pay Now" not in page.split("Balance of this invoice")[1].split("</section>")[0]
    outbox.run_due(handlers(), 20)
    assert not Email.select().where(Email.kind == "credit_note").exists()


def test_taking_it_back_is_a_linked_reversal_once(world: World, as_: As) -> None:
    row = payments.adjust(world.invoice, kind="written_off", amount_cents=124_000, reason="x", key="k", by=world.erin)
    undo = f"{home(world)}/adjustments/{row.id}/undo"
    assert [as_(world.erin).post(undo).status_code for _ in range(2)] == [303, 303]
    entry = ledger.entry_of(f"adjustment:{row.id}")
    back = ledger.reversal_of(entry)
    assert back is not None
    assert back.code == "write_off_undone"
    assert ledger.invoice_balance(world.invoice.id) == 124_000
    assert invoices.find(world.erin, world.invoice.id).state(today()) == "overdue"
    assert "Taken back" in as_(world.erin).get(home(world)).text
    assert as_(world.erin).post(f"/firm/invoices/{world.second.id}/adjustments/{row.id}/undo").status_code == 404


@pytest.mark.parametrize("amount", ["1240.01", "0", "-5", "ten", ""])
def test_more_than_is_owed_cannot_be_taken_off(world: World, as_: As, amount: str) -> None:
    erin = as_(world.erin)
    form = said(erin.get(home(world)).text, amount=amount)
    answer = erin.post(f"{home(world)}/adjustments", data=form)
    assert answer.status_code == 422
    assert "One exhibit too many" in answer.text
    assert "aria-invalid" in answer.text
    assert not InvoiceAdjustment.select().exists()


def test_what_a_payment_has_reserved_cannot_be_taken_off(world: World) -> None:
    gateways.charge(payments.start(world.alice, world.gateway, order(100_000)), "lost")
    with pytest.raises(Refused, match="240"):
        payments.adjust(world.invoice, kind="credit_note", amount_cents=24_001, reason="x", key="k", by=world.erin)
    payments.adjust(world.invoice, kind="credit_note", amount_cents=24_000, reason="x", key="k", by=world.erin)
    draft = world.draft
    with pytest.raises(Refused, match="draft"):
        payments.adjust(draft, kind="credit_note", amount_cents=1, reason="x", key="d", by=world.erin)


@pytest.fixture
def kept(world: World) -> int:
    """Alice has paid her first invoice twice, since the answer to the first payment came late: $1,240.00 is kept."""
    first = gateways.charge(payments.start(world.alice, world.gateway, order(124_000, "first")), "declined")
    second = gateways.charge(payments.start(world.alice, world.gateway, order(124_000, "second")), "ok")
    assert (first.state, second.state) == ("declined", "succeeded")
    attempt = gateways.attempt_of(first)
    late = Outcome(
        kind=OutcomeKind.SUCCEEDED, amount_minor=124_000, currency="USD", merchant_account=attempt.merchant_account,
        gateway_reference="late",
    )  # fmt: skip
    assert payments.settle(attempt.id, late).state == "succeeded"
    assert payments.unapplied_on(world.matter.id) == 124_000
    return int(first.id)


def test_unapplied_money_pays_another_invoice_and_can_still_be_refunded(world: World, as_: As, kept: int) -> None:
    erin, page = as_(world.erin), f"/firm/invoices/{world.second.id}"
    assert "Apply $800.00 to this invoice" in erin.get(page).text
    form = {"unapplied": "124000"}
    assert erin.post(f"{page}/apply-unapplied", data=form).status_code == 303
    assert erin.post(f"{page}/apply-unapplied", data=form).status_code == 422
    assert ledger.invoice_balance(world.second.id) == 0
    assert payments.unapplied_on(world.matter.id) == 44_000
    line = ledger.for_matter(world.matter)[0]
    assert (line.entry.code, line.credit_cents) == ("unapplied_applied", 80_000)
    assert "From money of yours that" in as_(world.alice).get(f"/portal/invoices/{world.second.public_id}").text
    paid = payments.Payment.get_by_id(kept)
    assert payments.refundable_cents(paid) == 124_000
    refund = payments.start_refund(
        paid, amount_cents=124_000, expected_left_cents=124_000, is_owed_again=True, reason="x", key="r", by=world.erin
    )
    assert gateways.refund(refund).state == "succeeded"
    assert payments.unapplied_on(world.matter.id) == 0
    assert ledger.invoice_balance(world.second.id) == 80_000


def test_a_client_cannot_pay_more_than_is_owed(world: World) -> None:
    with pytest.raises(Refused):
        payments.start(world.alice, world.gateway, order(204_001))


def test_who_may_not_adjust_is_not_offered_it(world: World, as_: As) -> None:
    page = as_(world.dan).get(home(world)).text
    assert "Credit note or write-off" not in page
    assert as_(world.dan).post(f"{home(world)}/adjustments").status_code == 403
