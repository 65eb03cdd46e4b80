"""The e-mails that the portal writes: who writes, what happened, one link, whom to ask. Made outside any request.

A letter is one text template: its first line is the subject, a paragraph that ends with an address of the portal is a
link named by the line before. The HTML part is the same paragraphs in a small layout.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from portal_app import clock, config, plugins
from portal_app.db import transaction
from portal_app.domain import (
    documents,
    firms,
    invitations,
    invoices,
    mail,
    matters,
    pay_links,
    payments,
    people,
    sharing,
    sign_ins,
    trust,
)
from portal_app.domain.audit import AuditEntry
from portal_app.domain.calendar import EventShare
from portal_app.domain.deposits import DepositShare
from portal_app.domain.devices import Device
from portal_app.domain.documents import Document, DocumentShare, DocumentVersion
from portal_app.domain.invitations import Invitation, PasswordReset, Sent
from portal_app.domain.invoices import Invoice, InvoiceAdjustment
from portal_app.domain.payments import Dispute, Payment, Refund
from portal_app.domain.people import FirmUser, Login, PortalUser
from portal_app.domain.trust import TrustMovement
from portal_app.domain.trust_papers import TrustReceipt
from portal_app.web import brief
from portal_app.web.writing import Paragraph, Writing, compose, paragraph

REMIND_DAYS = (90, 30, 7, 1)  # before a statute of limitations runs out


def _put(kind: str, name: str, address: str, zone: str, fact: str, **context: Any) -> None:
    """Compose a letter and keep it, to be sent."""
    writing = Writing(firms.current(), zone or firms.current().time_zone)
    about = {"name": name, "home": config.active().own_url}
    subject, paragraphs = _written(kind, writing, **about, **context)
    if writing.firm.letters == "brief" and kind not in brief.PLAIN:
        links = [part for part in paragraphs if part.link]
        who = context.get("who")
        must_accept = isinstance(who, PortalUser) and who.registered_at is None
        subject, paragraphs = _written(
            "brief", writing, **about, said=brief.WORDS[kind], links=links, must_accept=must_accept
        )
    html = compose("email/layout.html", writing, subject=subject, paragraphs=paragraphs)
    text = "\n\n".join(part.text for part in paragraphs) + "\n"
    mail.write_to(kind, name, address, subject=subject, text=text, html=html, fact=fact)


def _written(kind: str, writing: Writing, **context: Any) -> tuple[str, list[Paragraph]]:
    """Subject and paragraphs of a letter."""
    subject, _, body = compose(f"email/{kind}.txt", writing, **context).strip().partition("\n")
    return subject, [paragraph(part) for part in re.split(r"\n\s*\n", body.strip())]


def _to(who: Login, kind: str, fact: str, **context: Any) -> None:
    if who.has_email:
        _put(kind, who.name, who.email, who.time_zone, fact, who=who, **context)


def _to_firm(kind: str, fact: str, **context: Any) -> None:
    """To the firm's own address, if it has given one."""
    firm = firms.current()
    if firm.email:
        _put(kind, firm.name, firm.email, "", fact, **context)


# Links to choose a password


def invitation(sent: Sent) -> None:
    """Invite somebody of the firm, or a portal user. Call it in the transaction of the invitation."""
    kind = "invitation_staff" if isinstance(sent.link.login, FirmUser) else "invitation"
    _to(sent.link.login, kind, f"invitation:{sent.link.id}", link=sent.link, token=sent.token)


def password_reset(sent: Sent) -> None:
    _to(sent.link.login, "password_reset", f"password_reset:{sent.link.id}", link=sent.link, token=sent.token)


def link_for_portal_user(portal_user_id: int) -> None:
    """A portal user said that they cannot get in."""
    _fresh_way(PortalUser.get_by_id(portal_user_id), "password")


def link_for_firm_user(firm_user_id: int) -> None:
    """Somebody of the firm said that they cannot get in."""
    _fresh_way(FirmUser.get_by_id(firm_user_id), "password")


def sign_in_for_portal_user(portal_user_id: int) -> None:
    """A portal user wants to sign in by e-mail."""
    _fresh_way(PortalUser.get_by_id(portal_user_id), "link")


def sign_in_for_firm_user(firm_user_id: int) -> None:
    """Somebody of the firm wants to sign in by e-mail."""
    _fresh_way(FirmUser.get_by_id(firm_user_id), "link")


def _fresh_way(who: FirmUser | PortalUser, wants: str) -> None:
    with transaction():
        way = sign_ins.fresh_way(who, wants=wants)
        if way is None:
            return
        if isinstance(way.link, Invitation):
            invitation(Sent(way.link, way.token))
        elif isinstance(way.link, PasswordReset):
            password_reset(Sent(way.link, way.token))
        else:
            _to(who, "sign_in_link", f"sign_in_link:{way.link.id}", link=way.link, token=way.token)


def new_device(device_id: int) -> None:
    """Tell somebody that their account was used from a browser that was never seen before."""
    device: Device = Device.get_by_id(device_id)
    _to(device.login, "new_device", f"new_device:{device.id}", device=device)


def way_changed(who: Login, said: str) -> None:
    """Tell somebody that one of their ways to sign in has changed (ASVS 6.3.7). Call it in the transaction of that."""
    _to(who, "way_changed", f"way:{type(who).__name__}:{who.id}:{clock.now().isoformat()}", said=said)


# What was shared


def _invited(who: PortalUser) -> Invitation | None:
    """The invitation that somebody must accept before they can see what was shared."""
    return None if who.registered_at else invitations.last_invitations([who]).get(who.id)


def document_shared(share_id: int) -> None:
    """Tell a portal user of a document or an invoice; nothing once it is un-shared, removed, void or paid."""
    share = sharing.find_open(DocumentShare, share_id)
    if share is None or share.item.removed_at or share.portal_user.disabled_at or _is_held(share.item):
        return
    kind, context = "document_shared", {"document": share.item}
    if share.item.kind == "invoice":
        note = payments.note_of(share.item)
        if note is not None:
            credit_note(note.id, share.portal_user)
            return
        invoice = invoices.of_document(share.item)
        if invoice.is_void:
            return
        pay_token = pay_links.link_for(invoice, share.portal_user) if invoice.balance_cents > 0 else ""
        kind, context = "invoice_shared", {"invoice": invoice, "pay_token": pay_token}
    who = share.portal_user
    _to(who, kind, f"document_share:{share.id}", share=share, invited=_invited(who), **context)


def _is_held(document: Document) -> bool:
    """Nobody can open it yet: they are told once the malware scanner has let it through."""
    version = documents.open_versions([document]).get(document.id)
    return version is not None and version.is_held


def pay_link(link_id: int) -> None:
    """Bring a new link to one invoice to its person; nothing once it has ended."""
    link = pay_links.PayLink.get_by_id(link_id)
    token = pay_links.token_of(link)
    if link.ended_at is None and token is not None:
        invoice = invoices.with_balances().where(Invoice.id == link.invoice_id).get()
        fact = f"pay_link:{link.id}:{clock.now():%Y-%m-%d.%H}"  # asked for once more, it is sent once more
        _to(link.portal_user, "pay_link", fact, link=link, invoice=invoice, token=token)


def pay_link_again(link_id: int) -> None:
    """Somebody has opened a link that no longer works, and asked for a fresh one."""
    pay_links.send_again(pay_links.PayLink.get_by_id(link_id))


def event_shared(share_id: int) -> None:
    """Tell a portal user of a date; nothing once it is un-shared or off."""
    share = sharing.find_open(EventShare, share_id)
    if share is None or share.item.canceled_at or share.portal_user.disabled_at:
        return
    who = share.portal_user
    _to(who, "event_shared", f"event_share:{share.id}", share=share, event=share.item, invited=_invited(who))


def deposit_shared(share_id: int) -> None:
    """Tell a portal user of a deposit request; nothing once it is un-shared, withdrawn or paid."""
    share = sharing.find_open(DepositShare, share_id)
    if share is None or share.portal_user.disabled_at:
        return
    who = share.portal_user
    deposit = payments.find_deposit_for(who, share.item.public_id)
    if deposit.balance_cents:
        _to(who, "deposit_shared", f"deposit_share:{share.id}", share=share, deposit=deposit, invited=_invited(who))


# Alarms


def audit_alert(entry_id: int) -> None:
    """Something was done that administrators should know at once; whoever did it is not told of themselves."""
    entry: AuditEntry = AuditEntry.get_by_id(entry_id)
    with transaction():
        for who in people.administrators():
            if who.id != entry.firm_user_id:
                _to(who, "audit_alert", f"audit:{entry.id}:{who.id}", entry=entry)


def payment_page_changed(changes: Sequence[str]) -> None:
    """The payment page is not what was accepted: tell every administrator, once for the same changes on one day."""
    today = clock.today(firms.current().time_zone)
    digest = hashlib.sha256("\n".join(changes).encode()).hexdigest()[:16]
    with transaction():
        for who in people.administrators():
            _to(who, "payment_page_changed", f"payment_page:{today}:{digest}:{who.id}", changes=changes)


def infected(version: DocumentVersion) -> None:
    """A file holds malware: tell every administrator, and whoever added it. Once."""
    added_by = [version.created_by] if version.created_by_id else []
    with transaction():
        for who in {row.id: row for row in [*people.administrators(), *added_by]}.values():
            _to(who, "infected", f"infected:{version.id}:{who.id}", version=version, document=version.document)


# Deadlines


def limitations() -> None:
    """Remind of statutes of limitations: the responsible attorney, or the firm where there is none. Call it as often
    as you like: each of ``REMIND_DAYS`` is told once, and of several that were missed the last one."""
    today = clock.today(firms.current().time_zone)
    for matter in matters.running_out(today):
        left = matter.days_to_file(today)
        if left is None or left < 0:
            continue
        step = min(days for days in REMIND_DAYS if days >= left)
        fact = f"limitation:{matter.id}:{matter.limitations_on}:{step}"
        if mail.is_told(fact):
            continue
        who = matter.responsible_attorney
        if who is not None and who.disabled_at is None:
            _to(who, "limitation", fact, matter=matter, left=left)
        else:
            _to_firm("limitation", fact, matter=matter, left=left)


# Payments


def payment_changed(payment_id: int) -> None:
    """Tell the payer and the firm what has become of a payment. A refusal is told only to those who had to wait for
    it: others read it on the page."""
    payment: Payment = Payment.get_by_id(payment_id)
    about = {"payment": payment, "is_rehearsal": _is_rehearsal(payment), "rows": payments.allocations_of(payment)}
    fact = f"payment:{payment.id}:{payment.state}"
    with transaction():
        if payment.state == "succeeded":
            _to(payment.portal_user, "payment_succeeded", f"{fact}:payer", **about)
            _to_firm("payment_succeeded_firm", f"{fact}:firm", **about)
        elif payment.state == "pending":
            _to(payment.portal_user, "payment_pending", f"{fact}:payer", **about)
        elif payment.state == "review":
            _to_firm("payment_review_firm", f"{fact}:firm", **about)
        elif payment.state == "returned":
            _to(payment.portal_user, "payment_returned", f"{fact}:payer", **about)
            _to_firm("payment_returned_firm", f"{fact}:firm", **about)
        elif payment.state in payments.FREEING and _was_waited_for(payment):
            _to(payment.portal_user, "payment_refused", f"{fact}:payer", **about)


def refund_changed(refund_id: int) -> None:
    """Tell the payer what is given back; and the firm when it did not work."""
    refund: Refund = Refund.get_by_id(refund_id)
    payment = refund.payment
    about = {"refund": refund, "payment": payment, "is_rehearsal": _is_rehearsal(payment)}
    about["rows"] = payments.allocations_of(payment)
    fact = f"refund:{refund.id}:{refund.state}"
    with transaction():
        if refund.state in {"succeeded", "pending"}:
            _to(payment.portal_user, "refund", f"{fact}:payer", **about)
        elif refund.state in payments.REFUND_FREEING and refund.made_by_id:
            _to(refund.made_by, "refund_failed_firm", f"{fact}:firm", **about)


def credit_note(adjustment_id: int, only: PortalUser | None = None) -> None:
    """Tell everybody who has the invoice, or one of them, that less of it is owed; nothing once it is taken back."""
    row: InvoiceAdjustment = InvoiceAdjustment.get_by_id(adjustment_id)
    if row.undone_at is not None:
        return
    invoice = invoices.with_balances().where(Invoice.id == row.invoice_id).get()
    shares = sharing.shares_of(DocumentShare, [invoice.document]).get(invoice.document_id, [])
    with transaction():
        for who in [only] if only is not None else [share.portal_user for share in shares]:
            _to(who, "credit_note", f"credit_note:{row.id}:{who.id}", adjustment=row, invoice=invoice)


def dispute_changed(dispute_id: int) -> None:
    """Tell the firm at every step, since it must answer in time; the payer once it is lost and owed again."""
    dispute: Dispute = Dispute.get_by_id(dispute_id)
    payment = dispute.payment
    about = {"dispute": dispute, "payment": payment, "is_rehearsal": _is_rehearsal(payment)}
    about["rows"] = payments.allocations_of(payment)
    fact = f"dispute:{dispute.id}:{dispute.state}:{dispute.changed_at.isoformat()}"
    with transaction():
        _to_firm("dispute_firm", f"{fact}:firm", **about)
        if dispute.state == "lost":
            _to(payment.portal_user, "dispute_lost", f"{fact}:payer", **about)


def _was_waited_for(payment: Payment) -> bool:
    return any(change.state in {"pending", "unknown"} for change in payments.changes_of(payment))


def _is_rehearsal(payment: Payment) -> bool:
    manifest = plugins.registry().manifests.get(payment.gateway.plugin)
    return manifest is not None and manifest.is_rehearsal


# Trust


def trust_shortfall(incident_id: int) -> None:
    """A bank has taken a trust ledger below zero: tell the administrators, and the attorney who answers for it."""
    incident = trust.find_incident(incident_id)
    about = {"incident": incident, "cents": trust.to_replenish(incident), "matter": incident.matter}
    answers = {incident.matter.responsible_attorney_id} if incident.matter_id else set()
    with transaction():
        for who in people.active_firm_users():
            if who.has_role("administrator") or who.id in answers:
                _to(who, "trust_shortfall", f"trust_shortfall:{incident.id}:{who.id}", **about)


def trust_received(movement: TrustMovement, receipt: TrustReceipt | None) -> None:
    """Tell those who may read the matter's trust account of money that came (T18); whoever paid it through the portal
    has the receipt of the payment. With a mail server, the clock of the rule stops here."""
    payer = payments.payer_of(movement.source)
    readers = matters.trust_readers(movement.matter)
    with transaction():
        for who in readers:
            if who.id != payer:
                about = {"movement": movement, "matter": movement.matter, "receipt": receipt, "invited": _invited(who)}
                _to(who, "trust_receipt", f"trust_received:{movement.id}:{who.id}", **about)
        if readers and server() is not None:
            trust.tell(movement, how=f"By e-mail to {', '.join(who.email for who in readers)}")
        elif payer in {who.id for who in readers}:  # they have paid it themselves, and have seen its receipt
            trust.tell(movement, how="Receipt in the portal")


# How letters leave


def server() -> mail.Server | None:
    """The mail server of the settings, if there is one."""
    current = config.active()
    if not current.mail_server:
        return None
    sender = current.mail_from or firms.current().email or f"portal@{urlsplit(current.own_url).hostname}"
    return mail.Server(
        host=current.mail_server, port=current.mail_port, security=current.mail_security, user=current.mail_user,
        password=current.mail_password, sender=sender,
    )  # fmt: skip


def sender_name() -> str:
    return str(firms.current().name)
