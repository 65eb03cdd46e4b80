"""The background: keeps the outbox's promises and follows up unfinished payments. Runs inside ``portal serve``, or
by itself with ``portal worker``."""

from __future__ import annotations

import datetime as dt
import logging
import threading

from portal_app import clock, config, gateway_setup, gateways
from portal_app.domain import (
    audit,
    documents,
    ledger,
    mail,
    outbox,
    passkeys,
    payments,
    policy_reports,
    sessions,
    sign_ins,
    statements,
    throttles,
    trust,
)
from portal_app.domain.documents import DocumentVersion
from portal_app.web import letters, paper

log = logging.getLogger(__name__)

IDLE_SECONDS = 1
AT_ONCE = 4  # papers and letters between two looks at whether to stop
SWEEP_EVERY = 600  # turns


def handlers() -> dict[str, outbox.Handler]:
    """What is done for each topic of the outbox."""
    return {
        "email": send_email,
        "invoice_pdf": paper.store_invoice,
        "deposit_pdf": paper.store_deposit,
        "deposit_shared": letters.deposit_shared,
        "audit_alert": letters.audit_alert,
        "document_scan": document_scan,
        "document_shared": document_shared,
        "event_shared": letters.event_shared,
        "firm_user_link": letters.link_for_firm_user,
        "portal_user_link": letters.link_for_portal_user,
        "firm_user_sign_in": letters.sign_in_for_firm_user,
        "portal_user_sign_in": letters.sign_in_for_portal_user,
        "pay_link": letters.pay_link,
        "pay_link_again": letters.pay_link_again,
        "new_device": letters.new_device,
        "payment_changed": payment_changed,
        "refund_changed": refund_changed,
        "dispute_changed": dispute_changed,
        "credit_note": credit_note,
        "gateway_event": gateways.look_into,
        "trust_received": trust_received,
        "trust_shortfall": letters.trust_shortfall,
        "reconciliation_report": paper.store_reconciliation,
        "ledger_posted": lambda entry_id: gateways.tell("ledger_posted", entry_id),
    }


def send_email(email_id: int) -> None:
    mail.send(email_id, letters.server(), letters.sender_name())


def payment_changed(payment_id: int) -> None:
    """A payment has become definite, or is on its way: make the receipt, then tell both sides."""
    try:
        paper.store_receipt(payment_id)
    finally:  # a receipt that cannot be made now comes later; the word does not wait for it
        letters.payment_changed(payment_id)
    gateways.tell("payment_changed", payment_id)


def refund_changed(refund_id: int) -> None:
    """Money was given back, or is on its way back, or did not arrive: tell the payer and the plugins that listen."""
    letters.refund_changed(refund_id)
    gateways.tell("refund_changed", refund_id)


def dispute_changed(dispute_id: int) -> None:
    """A payer's bank disputes a payment, or has decided: tell both sides and the plugins that listen."""
    letters.dispute_changed(dispute_id)
    gateways.tell("dispute_changed", dispute_id)


def credit_note(adjustment_id: int) -> None:
    """Less is owed: make the note's paper, then tell those who have the invoice."""
    try:
        paper.store_credit_note(adjustment_id)
    finally:  # a paper that cannot be made now comes later; the word does not wait for it
        letters.credit_note(adjustment_id)


def trust_received(movement_id: int) -> None:
    """Money came into trust: make its receipt, then tell the client."""
    movement = trust.TrustMovement.get_by_id(movement_id)
    letters.trust_received(movement, paper.store_trust_receipt(movement))


def document_scan(version_id: int) -> None:
    """Look a new file through; whoever waits for it is told of it only then."""
    version = DocumentVersion.get_by_id(version_id)
    if documents.scan(version):
        letters.infected(version)


def document_shared(share_id: int) -> None:
    letters.document_shared(share_id)
    gateways.tell("document_shared", share_id)


def turn() -> int:
    """One round of what is due now; money first, since a mail server may keep us waiting. Returns how much was done; 0
    means that nothing is due."""
    with audit.working("follow-up"):
        followed = gateways.recover(AT_ONCE) + gateways.recover_refunds(AT_ONCE)
    with audit.working("outbox"):
        return followed + outbox.run_due(handlers(), AT_ONCE)


def housekeeping() -> None:
    """What nothing but time makes due. Bears to be done often."""
    with audit.working("housekeeping"):
        _tidy()
    with audit.working("daily sweep"):
        gateways.sweep_due()


def _tidy() -> None:
    for noun in (sessions, throttles, sign_ins, passkeys):
        noun.sweep()
    policy_reports.forget_old()
    if config.active().audit_years:
        midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)  # once a day there is something
        audit.purge(midnight - dt.timedelta(days=366 * config.active().audit_years))
    gateway_setup.tell_paused()
    letters.limitations()
    payments.fill_up()
    statements.discard_forgotten()
    ledger.check_in()


class Worker(threading.Thread):
    """Turns until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(name="portal-worker", daemon=True)
        self.should_stop = threading.Event()

    def run(self) -> None:
        turns = 0
        while not self.should_stop.is_set():
            try:
                done = turn()
                if turns % SWEEP_EVERY == 0:
                    housekeeping()
            except Exception:
                log.exception("the worker's turn failed; it goes on")
                done = 0
            turns += 1
            if not done:
                self.should_stop.wait(IDLE_SECONDS)

    def stop(self) -> None:
        self.should_stop.set()
        self.join(timeout=30)
