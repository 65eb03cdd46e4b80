"""Outgoing e-mails: kept as rows, sent from the outbox, retried, and shown to the firm when they cannot be sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from peewee import CharField, DateTimeField, ModelSelect, TextField

from portal_app import clock
from portal_app.db import BaseModel, transaction
from portal_app.domain import audit, outbox
from portal_app.domain.people import Login

if TYPE_CHECKING:  # few processes send letters: what makes them is imported by those that do
    from email.message import EmailMessage

TIMEOUT_SECONDS = 20
# What is written there lets its reader in as somebody else.
LETS_IN = frozenset({"invitation", "invitation_staff", "password_reset", "sign_in_link"})


@dataclass(frozen=True, slots=True)
class Server:
    """How e-mail leaves. ``security``: starttls, tls or none."""

    host: str
    port: int
    security: str
    user: str
    password: str
    sender: str


class Email(BaseModel):
    """One e-mail. Its text is cleared once sent: it may hold a link that signs somebody in. ``fact`` is what it tells
    ("payment:17:succeeded:payer"): nobody is told twice."""

    kind = CharField(max_length=40)
    fact = CharField(max_length=80)
    to_name = CharField(max_length=120)
    to_address = CharField(max_length=254)
    subject = CharField(max_length=200)
    text = TextField()
    html = TextField()
    created_at = DateTimeField()
    sent_at = DateTimeField(null=True)
    last_error = CharField(default="", max_length=300)


def is_told(fact: str) -> bool:
    return bool(Email.select().where(Email.fact == fact).exists())


def write(kind: str, to: Login, *, subject: str, text: str, html: str, fact: str) -> Email:
    """Keep an e-mail to ``to`` and promise to send it. Call it in the transaction of its cause."""
    return write_to(kind, to.name, to.email, subject=subject, text=text, html=html, fact=fact)


def write_to(kind: str, name: str, address: str, *, subject: str, text: str, html: str, fact: str) -> Email:
    """As :func:`write`, to an address (the firm's own). The same ``fact`` again changes nothing."""
    with transaction():
        told: Email | None = Email.get_or_none(Email.fact == fact)
        if told is not None:
            return told
        email: Email = Email.create(
            kind=kind, to_name=name, to_address=address, subject=" ".join(subject.split())[:200], text=text, html=html,
            created_at=clock.now(), fact=fact,
        )  # fmt: skip
        outbox.put("email", email.id)
    return email


def send(email_id: int, server: Server | None, sender_name: str) -> None:
    """The outbox's handler. A failure is written on the row, for the firm to see, and raised, to be tried again.

    Without a server the e-mail just stays, readable for administrators.
    """
    email = Email.get_by_id(email_id)
    if email.sent_at is not None or server is None:
        return
    try:
        _deliver(server, _message(email, server, sender_name))
    except Exception as problem:  # also an address or a name that cannot stand in a header
        reason = f"{type(problem).__name__}: {problem}"[:300]
        with transaction():
            Email.update(last_error=reason).where(Email.id == email.id).execute()
            if is_for_good(problem) and not email.last_error:
                audit.record(
                    "refuse_email", subject=email.kind.replace("_", " "), subject_ref=f"email:{email.id}",
                    after={"answer": getattr(problem, "smtp_code", type(problem).__name__)},
                )  # fmt: skip
        raise
    mark_sent(email)


def is_for_good(problem: Exception) -> bool:
    """Whether the mail server, or the letter itself, says that it will never be delivered: a 5xx answer, or an address
    that cannot stand in a header. Whom it was for is not part of it."""
    import smtplib

    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in problem.recipients.values())
    if isinstance(problem, smtplib.SMTPResponseException):
        return bool(problem.smtp_code >= 500) and not isinstance(problem, smtplib.SMTPAuthenticationError)
    return isinstance(problem, ValueError)


def mark_sent(email: Email) -> None:
    """It is on its way. Its text is cleared: it may hold a link that signs somebody in."""
    with transaction():
        Email.update(sent_at=clock.now(), last_error="", text="", html="").where(Email.id == email.id).execute()


def _message(email: Email, server: Server, sender_name: str) -> EmailMessage:
    from email.headerregistry import Address
    from email.message import EmailMessage
    from email.utils import format_datetime, make_msgid

    message = EmailMessage()
    message["From"] = Address(sender_name, addr_spec=server.sender)
    message["To"] = Address(email.to_name, addr_spec=email.to_address)
    message["Subject"] = email.subject
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=server.sender.partition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(email.text)
    message.add_alternative(email.html, subtype="html")
    return message


def _deliver(server: Server, message: EmailMessage) -> None:
    import smtplib
    import ssl

    context = ssl.create_default_context()
    connect = (
        smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=context)
        if server.security == "tls"
        else smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    )
    with connect as smtp:
        if server.security == "starttls":
            smtp.starttls(context=context)
        if server.user:
            smtp.login(server.user, server.password)
        smtp.send_message(message)


def unsent() -> ModelSelect:
    """E-mails not sent yet, newest first."""
    return Email.select().where(Email.sent_at.is_null()).order_by(Email.id.desc())


def latest(limit: int) -> list[Email]:
    return list(Email.select().order_by(Email.id.desc()).limit(limit))


def send_again(email: Email) -> None:
    """Try an e-mail once more, now."""
    with transaction():
        Email.update(last_error="").where(Email.id == email.id).execute()
        outbox.put("email", email.id)
