"""E-mails that the portal wrote: sent, waiting or failed; and what an unsent one says."""

from __future__ import annotations

from flask import Response, flash
from werkzeug.wrappers import Response as AnyResponse

from portal_app.domain import mail, outbox
from portal_app.domain.mail import Email
from portal_app.firm.blueprint import blueprint
from portal_app.web import auditing, letters
from portal_app.web.fragments import go, render
from portal_app.web.login import firm_only, firm_user, fresh
from portal_app.web.writing import WIDTH

LATEST = 100


@blueprint.get("/mail")
@firm_only("mail.read")
def emails() -> Response:
    return render(
        "firm/mail/index.html", rows=mail.latest(LATEST), has_server=_has_server(), most=LATEST,
        unwritten=outbox.troubles(but="email"),
    )  # fmt: skip


@blueprint.get("/mail/<int:email_id>")
@firm_only("mail.read")
@fresh
def email(email_id: int) -> Response:
    """What it says, for whoever has to hand it over; that it was read is recorded. With a mail server a link that lets
    somebody in is shown to nobody; without one the other administrators are told."""
    row = Email.get_by_id(email_id)
    is_shown = row.sent_at is None and not (row.kind in mail.LETS_IN and _has_server())
    if is_shown:
        auditing.opened("read_link" if row.kind in mail.LETS_IN else "open", row, firm_user())
    return render(
        "firm/mail/show.html", row=row, parts=_paragraphs(row.text), has_server=_has_server(), is_shown=is_shown
    )


def _paragraphs(text: str) -> list[list[str]]:
    """The lines of each paragraph of a letter; what was broken for the letter's width is one line again."""
    return [_lines(part.splitlines()) for part in text.strip().split("\n\n")]


def _lines(written: list[str]) -> list[str]:
    found: list[str] = []
    before = ""
    for line in written:
        is_rest = before and not line.startswith("http") and len(f"{before} {line.split(' ')[0]}") > WIDTH
        found = [*found[:-1], f"{found[-1]} {line}"] if is_rest else [*found, line]
        before = line
    return found


@blueprint.post("/mail/<int:email_id>/send")
@firm_only("mail.read")
def send_email(email_id: int) -> AnyResponse:
    """Try again now, unless it has gone out meanwhile."""
    row = Email.get_by_id(email_id)
    if row.sent_at is not None:
        flash("This e-mail has been sent already.", "good")
    elif not _has_server():
        flash("No mail server is set, so nothing can be sent. Hand over what the e-mail says.", "bad")
    else:
        mail.send_again(row)
        flash(f"It is being sent to {row.to_address} now. Reload in a moment to see how it went.", "wait")
    return go("/firm/mail")


def _has_server() -> bool:
    return letters.server() is not None
