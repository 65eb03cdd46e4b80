"""Invoices and receipts on paper: what they say, that they are accessible, reproducible and made once."""

from __future__ import annotations

import datetime as dt
import io
import json
from types import SimpleNamespace
from typing import Any

import pypdf
import pytest

from portal_app import clock, gateways, plugins
from portal_app.domain import firms, ledger, payments, store
from portal_app.domain.documents import DocumentVersion
from portal_app.domain.firms import Firm
from portal_app.domain.matters import Matter
from portal_app.domain.outbox import Outbox
from portal_app.domain.payments import Payment, receipts
from portal_app.plugin_api import Outcome, OutcomeKind
from portal_app.web import paper
from tests.domain.test_payments import pay
from tests.fake_gateway import FakeGateway
from tests.world import World

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf50"
    "0f0003860180343a65e20000000049454e44ae426082"
)


def _read(body: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(body))


def _text(body: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in _read(body).pages).split())


def test_an_invoice_says_what_was_issued(world: World) -> None:
    text = _text(paper.invoice_pdf(world.invoice))
    for part in (f"Invoice {world.invoice.number}", "Alice Vasquez-Thornbury", "Drafted the complaint", "CQ Carol",
                 "1,200.00", "Filing fee", "Balance Due $1,240.00", "Page 1 of 1"):  # fmt: skip
        assert part in text


def test_later_payments_change_no_paper(world: World) -> None:
    before = paper.invoice_pdf(world.invoice)
    pay(world, 10_000)
    with clock.frozen(clock.now()) as advance:
        advance(dt.timedelta(days=40))
        assert paper.invoice_pdf(world.invoice) == before


def test_paper_is_tagged_named_and_dated(world: World) -> None:
    found = _read(paper.invoice_pdf(world.invoice))
    assert found.metadata is not None
    assert found.metadata.title == f"Invoice {world.invoice.number}, Quillfeather & Larkspur LLP"
    assert found.metadata.author == "Quillfeather & Larkspur LLP"
    assert str(found.metadata["/CreationDate"]) == f"D:{world.invoice.issued_at:%Y%m%d%H%M%S}Z"
    root: Any = found.root_object
    assert str(root["/MarkInfo"]["/Marked"]) == "True"
    assert str(root["/Lang"]) == "en-US"
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data()


@pytest.mark.parametrize(("locale", "size"), [("en_US", (612, 792)), ("en_GB", (595, 842))])
def test_the_sheet_is_the_one_of_the_country(world: World, locale: str, size: tuple[int, int]) -> None:
    Firm.update(locale=locale).execute()
    box = _read(paper.invoice_pdf(world.invoice)).pages[0].mediabox
    assert (round(box.width), round(box.height)) == size


def test_the_firms_logo_stands_on_it_and_a_lost_one_stops_nothing(world: World) -> None:
    key = store.put_bytes([PIXEL], limit_bytes=1000, folder="firm").key
    Firm.update(logo_key=key).execute()
    assert len(_read(paper.invoice_pdf(world.invoice)).pages[0].images) == 1
    Firm.update(logo_key="firm/lost").execute()
    assert "Balance Due" in _text(paper.invoice_pdf(world.invoice))


def test_words_stay_words_and_nothing_is_fetched(world: World, caplog: pytest.LogCaptureFixture) -> None:
    Matter.update(name='<img src="file:///etc/hostname"> & <b>').execute()
    assert '<img src="file:///etc/hostname"> & <b>' in _text(paper.invoice_pdf(world.invoice))
    caplog.clear()
    firm = firms.current()
    paper._print('<html lang="en"><title>x</title><img alt="x" src="file:///etc/hostname">', firm)
    assert "Failed to load image" in caplog.text


def test_initials_are_never_alike() -> None:
    names = ("Ann Moss", "Al May", "Ann Moss", "Bo Li")
    lines: list[Any] = [SimpleNamespace(kind="time", timekeeper_name=name) for name in names]
    lines.append(SimpleNamespace(kind="expense", timekeeper_name="Zoe Zed"))
    assert paper.marks_of(lines) == {"Ann Moss": "AM", "Al May": "AM2", "Bo Li": "BL"}


# Stored


def test_an_invoices_paper_is_stored_once_and_announced_after(world: World) -> None:
    promised = Outbox.select().where(Outbox.topic == "document_shared").count()
    paper.store_invoice(world.invoice.id)
    paper.store_invoice(world.invoice.id)
    (version,) = DocumentVersion.select().where(DocumentVersion.document == world.invoice.document_id)
    assert version.media_type == "application/pdf"
    assert store.read(version.storage_key).startswith(b"%PDF-")
    announced = Outbox.select().where(Outbox.topic == "document_shared").count() - promised
    assert announced == 2  # alice and frank


def test_a_receipt_says_who_paid_what_and_what_is_left(world: World) -> None:
    payment = pay(world, 150_000)
    text = _text(paper.receipt_pdf(payment))
    for part in (f"Receipt {payment.receipt_number}", "$1,500.00", "Card ending 4242", "Reference ch_",
                 f"{world.invoice.number} Thornbury v. Example Mills, Inc. 1,240.00 0.00", "260.00 540.00",
                 "This was a rehearsal. No real money moved."):  # fmt: skip
        assert part in text


def test_a_receipt_writes_the_address_as_its_country_does(world: World) -> None:
    """The firm's own country is left out, and so is a state that an address does not have."""
    payment = pay(world, 150_000)
    address = {"name": "A. Payer", "address1": "Elmweg 1", "city": "Berlin", "state": "", "postal_code": "10115"}
    address["country"] = "DE"
    Payment.update(billing=json.dumps(address)).where(Payment.id == payment.id).execute()
    payment = Payment.get_by_id(payment.id)
    assert "Berlin, 10115, DE" in _text(paper.receipt_pdf(payment))
    firms.change(locale="en_DE")
    text = _text(paper.receipt_pdf(payment))
    assert "Berlin, 10115" in text
    assert "DE" not in text


def test_a_receipt_bears_the_head_of_the_matters_chain(world: World) -> None:
    payment = pay(world, 150_000)
    head = ledger.head_of(world.matter)
    text = _text(paper.receipt_pdf(payment))
    assert f"number {head.sequence} in the chain of matter {world.matter.number}" in text
    assert head.hash in text.replace(" ", "")
    assert [link.sequence for link in ledger.with_hash(head.hash[:16])] == [head.sequence]
    assert ledger.with_hash("no hash") == ledger.with_hash("abc") == []


def test_a_receipt_reads_the_same_after_later_payments(world: World) -> None:
    payment = pay(world, 100_000)
    before = paper.receipt_pdf(payment)
    pay(world, 100_000, key="key-2")
    assert paper.receipt_pdf(payment) == before


def test_a_live_receipt_speaks_of_no_rehearsal(world: World) -> None:
    payment = pay(world, 1_000)
    plugins.registry().manifests["fake"] = FakeGateway(is_rehearsal=False).gateway_manifest()
    assert "rehearsal" not in _text(paper.receipt_pdf(payment))


def test_a_surplus_is_said(world: World) -> None:
    late = pay(world, 204_000, "declined")
    pay(world, 204_000, key="key-2")
    outcome = Outcome(
        kind=OutcomeKind.SUCCEEDED, amount_minor=204_000, currency="usd", merchant_account="fake-operating"
    )
    late = payments.settle(gateways.attempt_of(late).id, outcome)
    receipt = receipts.receipt_of(late)
    assert receipt.surplus_cents == 204_000
    assert [row.left_cents for row in receipt.cleared] == [0, 0]
    assert "$2,040.00 of it was more than the invoices still owed" in _text(paper.receipt_pdf(late))


def test_a_receipt_is_stored_once_and_for_success_alone(world: World) -> None:
    refused = pay(world, 1_000, "declined")
    paper.store_receipt(refused.id)
    assert Payment.get_by_id(refused.id).receipt_key == ""
    payment = pay(world, 1_000, key="key-2")
    paper.store_receipt(payment.id)
    key = Payment.get_by_id(payment.id).receipt_key
    paper.store_receipt(payment.id)
    assert Payment.get_by_id(payment.id).receipt_key == key
    assert store.read(key).startswith(b"%PDF-")
    assert receipts.keep(payment, "receipts/other") is False
