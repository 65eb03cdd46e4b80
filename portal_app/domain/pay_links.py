"""Paying without an account: a link that shows one invoice and takes its payment, for whoever holds it.

The payer is the portal user for whom the link was made. The token is derived from a random nonce and the installation's
key, so that the paper and the e-mail can carry it while the database holds its hash alone.
"""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

from peewee import JOIN, BooleanField, CharField, DateTimeField, ForeignKeyField

from portal_app import clock, config
from portal_app.db import BaseModel, locked, transaction
from portal_app.domain import audit, invoices, outbox
from portal_app.domain.documents import DocumentShare
from portal_app.domain.errors import LinkUnusable
from portal_app.domain.invoices import Invoice
from portal_app.domain.payments import Payment
from portal_app.domain.people import FirmUser, PortalUser, hash_token

_TOUCH_SECONDS = 60


class PayLink(BaseModel):
    """The link of one person to one invoice. Ended: replaced or revoked (``ended_by``), or its share was taken back."""

    invoice = ForeignKeyField(Invoice, backref="+")
    portal_user = ForeignKeyField(PortalUser, backref="+")
    nonce = CharField(max_length=32)
    token_hash = CharField(max_length=64)
    made_at = DateTimeField()
    made_by = ForeignKeyField(FirmUser, null=True, backref="+")
    expires_at = DateTimeField()
    is_on_paper = BooleanField(default=False)
    last_opened_at = DateTimeField(null=True)
    ended_at = DateTimeField(null=True)
    ended_by = ForeignKeyField(FirmUser, null=True, backref="+")

    @property
    def is_expired(self) -> bool:
        return bool(self.expires_at <= clock.now())


class PayLinkPayment(BaseModel):
    """The fact that a payment was made through a link: its holder may see what became of it."""

    payment = ForeignKeyField(Payment, primary_key=True, backref="+")
    pay_link = ForeignKeyField(PayLink, backref="+")


# The token


def _derived(key: str, nonce: str) -> str:
    digest = hmac.digest(key.encode(), f"pay link {nonce}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:24]).decode("ascii")


def token_of(link: PayLink) -> str | None:
    """The token again, under whichever key made it; ``None`` when that key is gone, and the link must be renewed."""
    found = (_derived(key, link.nonce) for key in config.secret_keys(config.active()))
    return next((token for token in found if hash_token(token) == link.token_hash), None)


# Making and ending


def link_for(invoice: Invoice, who: PortalUser, *, on_paper: bool = False) -> str:
    """The token of the open link of ``who`` to ``invoice``, made when there is none that can be used; empty when the
    firm wants no such links (``pay_link_days`` is 0)."""
    if not config.active().pay_link_days:
        return ""
    with transaction():
        link = _open(invoice, who)
        token = None if link is None or link.is_expired else token_of(link)
        if link is None or token is None:
            link, token = _make(invoice, who, by=None)
        if on_paper and not link.is_on_paper:
            PayLink.update(is_on_paper=True).where(PayLink.id == link.id).execute()
    return token


def _open(invoice: Invoice, who: PortalUser) -> PayLink | None:
    """Theirs that has not ended; nobody else makes another one meanwhile."""
    locked(PortalUser.select(PortalUser.id).where(PortalUser.id == who.id)).get()
    is_mine = (PayLink.invoice == invoice.id) & (PayLink.portal_user == who.id)
    found: PayLink | None = PayLink.select().where(is_mine & PayLink.ended_at.is_null()).first()
    return found


def _make(invoice: Invoice, who: PortalUser, *, by: FirmUser | None) -> tuple[PayLink, str]:
    nonce, now = secrets.token_urlsafe(16), clock.now()
    token = _derived(config.secret_key(config.active()), nonce)
    _end(invoice, who, by=by)
    link = PayLink.create(
        invoice=invoice, portal_user=who, nonce=nonce, token_hash=hash_token(token), made_at=now, made_by=by,
        expires_at=now + dt.timedelta(days=config.active().pay_link_days),
    )  # fmt: skip
    return link, token


def _end(invoice: Invoice, who: PortalUser, *, by: FirmUser | None) -> int:
    is_mine = (PayLink.invoice == invoice.id) & (PayLink.portal_user == who.id) & PayLink.ended_at.is_null()
    return int(PayLink.update(ended_at=clock.now(), ended_by=by).where(is_mine).execute())


def revoke(invoice: Invoice, who: PortalUser, *, by: FirmUser) -> int:
    """The link is dead from now on. Returns how many were open: 0 or 1."""
    with transaction():
        _open(invoice, who)
        return _end(invoice, who, by=by)


def renew(invoice: Invoice, who: PortalUser, *, by: FirmUser | None) -> PayLink:
    """A new link in place of the old one, which is dead from now on; a letter brings it to ``who``."""
    with transaction():
        _open(invoice, who)
        link, _ = _make(invoice, who, by=by)
        if by is None:  # whoever opened the dead one asked for it
            audit.record(
                "renew_pay_link", by=f"link:{link.id}", subject=f"Invoice {invoice.number}",
                subject_ref=f"document:{invoice.document_id}", matter_id=invoice.matter_id,
            )  # fmt: skip
        outbox.put("pay_link", link.id)
    return link


def send_again(link: PayLink) -> None:
    """A link that works, to the person of ``link``, which does not: the one that they have, or a new one where that
    has expired. Whoever holds an old one can end none that works."""
    with transaction():
        last = newest(link)
        if last.ended_at is not None:
            return
        if last.is_expired or token_of(last) is None:
            renew(last.invoice, last.portal_user, by=None)
        else:
            outbox.put("pay_link", last.id)


# Opening


def find(token: str) -> PayLink:
    """The link, with its invoice, while the invoice is shared with its person.

    Raises:
        LinkUnusable: unknown, replaced, revoked or expired; the invoice is void or no longer shared.
    """
    link: PayLink | None = _rows().where(PayLink.token_hash == hash_token(token)).first()
    if link is None or link.ended_at is not None or link.is_expired or not config.active().pay_link_days:
        raise LinkUnusable
    found = invoices.visible_to(link.portal_user).where(Invoice.id == link.invoice_id).first()
    if found is None or found.is_void or link.portal_user.disabled_at is not None:
        raise LinkUnusable
    link.invoice = found
    return link


def _rows() -> Any:
    return PayLink.select(PayLink, PortalUser).join(PortalUser)


def mark_opened(link: PayLink) -> None:
    """Note that somebody has opened it; at most once a minute."""
    now = clock.now()
    if link.last_opened_at is None or link.last_opened_at < now - dt.timedelta(seconds=_TOUCH_SECONDS):
        with transaction():
            PayLink.update(last_opened_at=now).where(PayLink.id == link.id).execute()


def find_dead(token: str) -> PayLink | None:
    """A link of ours that no longer works, if its person may have a fresh one: it has expired or was replaced, not
    revoked, and its invoice is still theirs to pay."""
    link: PayLink | None = _rows().where(PayLink.token_hash == hash_token(token)).first()
    if link is None or not config.active().pay_link_days or link.portal_user.disabled_at is not None:
        return None
    last = newest(link)
    if last.ended_at is not None:
        return None
    found = invoices.visible_to(link.portal_user).where(Invoice.id == link.invoice_id).first()
    return None if found is None or found.is_void else last


def newest(link: PayLink) -> PayLink:
    """The last link that its person has had to its invoice."""
    same = (PayLink.invoice == link.invoice_id) & (PayLink.portal_user == link.portal_user_id)
    last: PayLink = _rows().where(same).order_by(PayLink.id.desc()).get()
    return last


def note_payment(link: PayLink, payment: Payment) -> None:
    """The payment was made through this link."""
    with transaction():
        PayLinkPayment.insert(payment=payment, pay_link=link).on_conflict_ignore().execute()


def has_payment(link: PayLink, public_id: str) -> bool:
    """Whether a payment was made through this link, or through one before it for the same person and invoice."""
    same = (PayLink.invoice == link.invoice_id) & (PayLink.portal_user == link.portal_user_id)
    rows = PayLinkPayment.select().join_from(PayLinkPayment, Payment).join_from(PayLinkPayment, PayLink)
    return bool(rows.where(same & (Payment.public_id == public_id)).exists())


# For the firm


def of_invoice(invoice: Invoice) -> list[PayLink]:
    """The newest link of each person, with the person; by name."""
    rows = (
        PayLink.select(PayLink, PortalUser, FirmUser)
        .join_from(PayLink, PortalUser)
        .join_from(PayLink, FirmUser, JOIN.LEFT_OUTER, on=(PayLink.ended_by == FirmUser.id))
        .where(PayLink.invoice == invoice.id)
        .order_by(PortalUser.name, PayLink.id.desc())
    )
    found: dict[int, PayLink] = {}
    for row in rows:
        found.setdefault(row.portal_user_id, row)
    return list(found.values())


def addressee(invoice: Invoice) -> PortalUser | None:
    """For whom the paper's link is: the first with whom the invoice is shared."""
    shares: Sequence[DocumentShare] = (
        DocumentShare.select(DocumentShare, PortalUser)
        .join(PortalUser)
        .where((DocumentShare.item == invoice.document_id) & DocumentShare.ended_at.is_null())
        .order_by(DocumentShare.id)
        .limit(1)
    )
    return next((row.portal_user for row in shares), None)
