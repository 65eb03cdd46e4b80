"""What the firm prints: the same HTML and CSS hand for all. Papers that are kept are set once, in the background;
others while somebody waits. The same input gives the same bytes, and whoever sets them fetches nothing (``press``)."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from portal_app import clock, config, plugins
from portal_app.domain import (
    deposits,
    documents,
    firms,
    invitations,
    invoices,
    ledger,
    pay_links,
    payments,
    reconciliations,
    store,
    trust_papers,
)
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.firms import Firm
from portal_app.domain.invitations import Invitation
from portal_app.domain.invoices import Invoice, InvoiceAdjustment, InvoiceLine
from portal_app.domain.matters import Matter
from portal_app.domain.payments import BankAccount, Payment, receipts
from portal_app.domain.people import PortalUser
from portal_app.domain.reconciliations import Covered, Reconciliation
from portal_app.domain.reports import Report, Table, Wanted
from portal_app.domain.today import AGES
from portal_app.domain.trust import Accounting, TrustMovement
from portal_app.domain.trust_papers import Statement, TrustReceipt
from portal_app.schema import folder
from portal_app.web import press, qr
from portal_app.web.writing import Writing, compose

LIMIT_BYTES = 50 * 1024 * 1024
LETTER_COUNTRIES = ("_US", "_CA")


# Invoices


def invoice_pdf(invoice: Invoice, token: str = "") -> bytes:
    """The paper of an issued invoice, as it was issued; with ``token`` it carries the link to pay it."""
    firm = firms.current()
    lines = invoices.lines_of(invoice)
    days = [line.worked_on for line in lines]
    html = compose(
        "pdf/invoice.html", Writing(firm, firm.time_zone), invoice=invoice, client=invoice.matter.client,
        lines=lines, totals=invoices.totals(lines), marks=marks_of(lines), first_day=min(days), last_day=max(days),
        is_one_year=min(days).year == max(days).year == invoice.issued_on.year,
        pay_qr=_qr(f"{config.active().own_url}/pay/{token}", "QR code to pay this invoice") if token else "",
        **_letterhead(firm, invoice.issued_at),
    )  # fmt: skip
    return _print(html, firm)


def _qr(text: str, title: str) -> str:
    """A QR code as a data: address, for paper."""
    drawn = qr.svg(text, title).encode()
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}"


def marks_of(lines: Sequence[InvoiceLine]) -> dict[str, str]:
    """Each timekeeper's name and the initials that stand for it in a narrow column; never two alike."""
    marks: dict[str, str] = {}
    for name in dict.fromkeys(line.timekeeper_name for line in lines if line.kind == "time"):
        initials = "".join(word[0] for word in name.split() if word[0].isalpha()).upper() or name[:2]
        count = sum(mark.rstrip("0123456789") == initials for mark in marks.values())
        marks[name] = f"{initials}{count + 1}" if count else initials
    return marks


def store_invoice(invoice_id: int) -> None:
    """The outbox's handler: make the paper, put it into the matter's documents, tell those with whom it is shared."""
    invoice = Invoice.get_by_id(invoice_id)
    if documents.latest_versions([invoice.document]):
        return
    who = pay_links.addressee(invoice)
    token = pay_links.link_for(invoice, who, on_paper=True) if who is not None else ""
    stored = store.put_bytes([invoice_pdf(invoice, token)], limit_bytes=LIMIT_BYTES)
    documents.attach_paper(invoice.document, stored)


def credit_note_pdf(note: InvoiceAdjustment) -> bytes:
    """The paper of a credit note, as it was made."""
    firm = firms.current()
    invoice = note.invoice
    html = compose(
        "pdf/credit_note.html", Writing(firm, firm.time_zone), note=note, invoice=invoice, client=invoice.matter.client,
        made_on=clock.local(note.made_at, firm.time_zone).date(), after_cents=payments.owed_after(note),
        proof=ledger.links_of(payments.entry_of_adjustment(note)), **_letterhead(firm, note.made_at),
    )  # fmt: skip
    return _print(html, firm)


def store_credit_note(adjustment_id: int) -> None:
    """Make and keep a credit note's paper among the matter's documents, if it has none yet."""
    note = InvoiceAdjustment.get_by_id(adjustment_id)
    if note.document_id is not None and not documents.latest_versions([note.document]):
        stored = store.put_bytes([credit_note_pdf(note)], limit_bytes=LIMIT_BYTES)
        documents.attach_paper(note.document, stored, is_announced=False)


# Invitations


def invitation_pdf(link: Invitation, code: str) -> bytes:
    """The letter that invites somebody: the code to type, and the same as a QR code."""
    firm = firms.current()
    html = compose(
        "pdf/invitation.html", Writing(firm, firm.time_zone), link=link, who=link.login,
        code=invitations.shown_code(code), invitation_qr=_qr(f"{config.active().own_url}/invitation/{code}", "QR code"),
        **_letterhead(firm, link.sent_at),
    )  # fmt: skip
    return _print(html, firm, is_awaited=True)


# Trust


def trust_pdf(matter: Matter, accounting: Accounting) -> bytes:
    """A full accounting of a matter's money in trust, for the client (T17); dated by its last day."""
    firm = firms.current()
    moment = clock.to_utc(dt.datetime.combine(accounting.until, dt.time(12)), firm.time_zone)
    html = compose(
        "pdf/trust.html", Writing(firm, firm.time_zone), matter=matter, client=matter.client, accounting=accounting,
        **_letterhead(firm, moment),
    )  # fmt: skip
    return _print(html, firm, is_awaited=True)


# Receipts


def receipt_pdf(payment: Payment) -> bytes:
    """The receipt of a payment that succeeded."""
    firm = firms.current()
    manifest = plugins.registry().manifests.get(payment.gateway.plugin)
    html = compose(
        "pdf/receipt.html", Writing(firm, firm.time_zone), payment=payment, receipt=receipts.receipt_of(payment),
        is_rehearsal=manifest is not None and manifest.is_rehearsal, attempt=payment.attempts.get(),
        gateway=manifest.title if manifest else payment.gateway.plugin, **_letterhead(firm, payment.paid_at),
    )  # fmt: skip
    return _print(html, firm)


def store_receipt(payment_id: int) -> None:
    """Make and keep the receipt of a payment, if it succeeded and has none yet."""
    payment = Payment.get_by_id(payment_id)
    if payment.state != "succeeded" or payment.receipt_key:
        return
    stored = store.put_bytes([receipt_pdf(payment)], limit_bytes=LIMIT_BYTES, folder="receipts")
    receipts.keep(payment, stored.key)


# Deposit requests


def deposit_pdf(deposit: DepositRequest) -> bytes:
    """The paper of a deposit request, as it was asked."""
    firm = firms.current()
    html = compose(
        "pdf/deposit.html", Writing(firm, firm.time_zone), deposit=deposit, client=deposit.matter.client,
        account=BankAccount.get_by_id(deposit.bank_account_id), **_letterhead(firm, deposit.created_at),
    )  # fmt: skip
    return _print(html, firm)


def store_deposit(deposit_id: int) -> None:
    """The outbox's handler: make and keep the paper of a deposit request, if it has none yet."""
    deposit = DepositRequest.get_by_id(deposit_id)
    if not deposit.paper_key:
        stored = store.put_bytes([deposit_pdf(deposit)], limit_bytes=LIMIT_BYTES, folder="deposits")
        deposits.keep_paper(deposit, stored.key)


# Trust


def store_trust_receipt(movement: TrustMovement) -> TrustReceipt | None:
    """Make and keep the receipt of trust money that staff have entered; ``None`` for what has another one."""
    receipt = trust_papers.receipt_for(movement)
    if receipt is not None and not receipt.paper_key:
        firm = firms.current()
        html = compose(
            "pdf/trust_receipt.html", Writing(firm, firm.time_zone), receipt=receipt, movement=movement,
            matter=movement.matter, account=movement.bank_account, held_cents=trust_papers.held_after(movement),
            **_letterhead(firm, receipt.made_at),
        )  # fmt: skip
        stored = store.put_bytes([_print(html, firm)], limit_bytes=LIMIT_BYTES, folder="receipts")
        trust_papers.keep_paper(receipt, stored.key)
    return receipt


def trust_statement_pdf(
    found: Sequence[Statement], proved: Mapping[int, Covered | None], since: dt.date, until: dt.date, who: PortalUser
) -> bytes:
    """A client's statement of what is held in trust, as it stands now; ``proved``: the last reconciliation of each
    trust account, by its id."""
    firm = firms.current()
    html = compose(
        "pdf/trust_statement.html", Writing(firm, firm.time_zone), found=found, proved=proved, since=since, until=until,
        who=who, **_letterhead(firm, clock.now()),
    )  # fmt: skip
    return _print(html, firm, is_awaited=True)


# Reconciliations


def reconciliation_pdf(closed: Reconciliation) -> bytes:
    """The report of a closed reconciliation, from what was kept when it was closed."""
    firm = firms.current()
    html = compose(
        "pdf/reconciliation.html", Writing(firm, firm.time_zone), closed=closed, facts=closed.facts,
        replaces=reconciliations.replaced_by(closed), **_letterhead(firm, closed.closed_at),
    )  # fmt: skip
    return _print(html, firm)


def store_reconciliation(reconciliation_id: int) -> None:
    """The outbox's handler: print the report, once, and keep it for ever."""
    closed = reconciliations.find(reconciliation_id)
    if closed.report is None:
        stored = store.put_bytes([reconciliation_pdf(closed)], limit_bytes=LIMIT_BYTES, folder="reconciliations")
        if not reconciliations.keep_report(closed, stored):
            store.discard([stored.key])


# Reports


def report_pdf(
    report: Report, table: Table, wanted: Wanted, *, names: Sequence[str], sees_all: bool, most: int
) -> bytes:
    """A report as it stands now; ``names`` are those whom it is narrowed to. Of its rows only the first ``most``."""
    firm = firms.current()
    html = compose(
        "pdf/report.html", Writing(firm, firm.time_zone), report=report, table=table, wanted=wanted, names=names,
        rows=table.rows[:most], left_out=max(len(table.rows) - most, 0), ages=AGES, sees_all=sees_all,
        **_letterhead(firm, clock.now().replace(microsecond=0)),
    )  # fmt: skip
    return _print(html, firm, is_wide=table.is_wide, is_awaited=True)


# Setting


def _letterhead(firm: Firm, moment: dt.datetime) -> dict[str, Any]:
    """What the layout needs; dated ``moment``, never the time of printing."""
    return {"logo": _logo(firm), "home": config.active().own_url, "stamp": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}


def _logo(firm: Firm) -> str:
    """The firm's logo as a data: address, or nothing."""
    if not firm.logo_key:
        return ""
    try:
        body = store.read(firm.logo_key)
    except store.NotStored:
        return ""
    return f"data:{store.media_type_of(body[:4096])};base64,{base64.b64encode(body).decode()}"


@lru_cache(maxsize=4)
def _style(sheet: str, accent: str) -> str:
    """Our stylesheet for a sheet of paper, in the firm's colour."""
    ours = (folder("templates") / "pdf" / "paper.css").read_text("utf-8")
    return f"@page {{ size: {sheet} }} :root {{ --accent: {accent} }} {ours}"


def _print(html: str, firm: Firm, *, is_wide: bool = False, is_awaited: bool = False) -> bytes:
    """The PDF; ``is_awaited``: somebody waits for it at this moment (see :func:`press.set_paper`)."""
    sheet = "Letter" if firm.locale.endswith(LETTER_COUNTRIES) else "A4"
    style = _style(f"{sheet} landscape" if is_wide else sheet, firm.accent)
    return press.set_paper(html, style, is_awaited=is_awaited)
