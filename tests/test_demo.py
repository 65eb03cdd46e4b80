"""The demo: believable, whole, and the same each time."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal_app import clock, config, db, founding, gateway_setup, plugins
from portal_app.demo import PASSWORD, SIGN_INS, story
from portal_app.demo.filling import fill
from portal_app.domain import (
    documents,
    exports,
    firms,
    invitations,
    invoices,
    ledger,
    mail,
    matters,
    passwords,
    payments,
    people,
    reconciliations,
    reports,
)
from portal_app.domain.invoices import Invoice
from portal_app.domain.payments import Payment
from portal_app.plugin_api import Fund, Method
from portal_app.verify import verify
from tests import books
from tests.ledes_rules import faults

TODAY = clock.today(story.ZONE)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> config.Config:
    """A filled folder, once for this module."""
    folder = tmp_path_factory.mktemp("demo")
    settings = config.load({}, data=str(folder))
    plugins.use(plugins.load())
    founding.open_data(settings)
    fill(settings)
    db.db.close()
    return settings


@pytest.fixture(autouse=True)
def opened(demo: config.Config) -> Iterator[None]:
    founding.open_data(demo)
    plugins.use(plugins.load())
    yield
    db.db.close()


def test_nobody_works_on_once_it_is_filled() -> None:
    assert not [
        thread.name for thread in threading.enumerate() if "postman" in thread.name or "companion" in thread.name
    ]


def alice() -> people.PortalUser:
    who = people.find_by_email("alice@example.com")
    assert isinstance(who, people.PortalUser)
    return who


@pytest.mark.parametrize("row", SIGN_INS, ids=lambda row: row[1])
def test_everybody_on_the_list_can_sign_in_where_it_says(row: tuple[str, str, str, str]) -> None:
    name, email, _, lands = row
    who = people.find_by_email(email)
    assert who is not None
    assert who.name == name
    assert isinstance(who, people.FirmUser) == (lands == "/firm")
    assert who.registered_at is not None
    assert passwords.is_password(who.password_hash, PASSWORD)


def test_the_books_hold() -> None:
    assert verify(with_documents=True).faults == []


def test_other_programs_read_the_same_books_and_the_reports_say_them(tmp_path: Path) -> None:
    names = ("beancount", "hledger", "ledes")
    texts = {name: "".join(exports.EXPORTS[name].write(exports.Wanted(), TODAY)) for name in names}
    bean = books.by_beancount(texts["beancount"], tmp_path)
    hledger = books.by_hledger(texts["hledger"], tmp_path)
    assert (bean.errors, hledger.errors, faults(texts["ledes"])) == ([], [], [])
    assert bean.balances == hledger.balances == books.ours()
    for report in reports.REPORTS.values():
        for by in report.groups:
            table = report.table(None, reports.Wanted(today=TODAY, by=by))
            totals = {column.key: cents for column, cents in zip(table.columns, table.totals, strict=True)}
            owed = totals.get("balance", totals.get("owed"))
            if owed is not None:
                assert owed == bean.balances["receivable", "USD"]
            if "billed" in totals:
                assert totals["billed"] == -bean.balances["fees", "USD"] - bean.balances["costs", "USD"]


def test_alice_owes_what_the_story_says_and_nothing_of_bobs_is_hers() -> None:
    open_ones = invoices.open_for(alice())
    assert [row.balance_cents for row in open_ones] == [118_000, 434_250, 96_000]
    assert [row.state(TODAY) for row in open_ones] == ["overdue", "open", "open"]
    bob = people.find_by_email("bob@example.com")
    assert isinstance(bob, people.PortalUser)
    assert not {row.id for row in invoices.visible_to(bob)} & {row.id for row in invoices.visible_to(alice())}


def test_it_shows_every_standing_of_a_person() -> None:
    everyone = list(people.PortalUser.select())
    last = invitations.last_invitations(everyone)
    standings = {invitations.standing_of(who, last.get(who.id)) for who in everyone}
    assert standings >= {invitations.Standing.REGISTERED, invitations.Standing.PENDING, invitations.Standing.EXPIRED}


def test_it_has_paid_overdue_void_and_draft_invoices_and_payments_of_each_kind() -> None:
    states = {row.state(TODAY) for row in invoices.with_balances()}
    assert states == {"draft", "open", "overdue", "paid", "void"}
    assert {row.state for row in Payment.select()} == {"succeeded", "declined", "pending"}


def test_a_part_of_one_payment_was_given_back_and_one_question_is_open() -> None:
    (refund,) = payments.Refund.select()
    assert (refund.state, refund.amount_cents, refund.reason) == ("succeeded", *story.REFUND[2:4])
    assert refund.made_by.name == "Erin Moss"
    (letter,) = mail.Email.select().where(mail.Email.fact.startswith(f"refund:{refund.id}:"))
    assert letter.created_at.date() == refund.created_at.date()
    (asked,) = payments.open_questions()
    assert (asked.kind, "75.00" in asked.detail) == ("unknown_charge", True)


def test_a_dozen_clients_and_matters_of_every_billing_method() -> None:
    carol = people.find_by_email("carol@example.com")
    assert isinstance(carol, people.FirmUser)
    rows = list(matters.visible_to(carol))
    assert len(rows) == len(story.CASES)
    assert people.Client.select().count() == len(story.CLIENTS)
    assert {row.billing_method for row in rows} == set(matters.BILLING_METHODS)


def test_nothing_happened_in_the_future_and_letters_have_the_dates_of_what_they_tell() -> None:
    now = clock.now()
    assert all(row.posted_at <= now for row in ledger.JournalEntry.select())
    letters = list(mail.Email.select().where(mail.Email.fact.startswith("payment:")))
    paid = {f"payment:{row.id}:succeeded:payer": row.paid_at for row in Payment.select() if row.paid_at}
    told = {row.fact: row.created_at for row in letters if row.fact in paid}
    assert told == paid


def test_the_gateway_is_tested_enabled_and_knows_every_charge() -> None:
    gateway = gateway_setup.gateway_for(Fund.OPERATING, Method.CARD)
    assert gateway is not None
    assert gateway.is_healthy
    assert gateway_setup.is_rehearsing()
    attempts = payments.Attempt.select().where(payments.Attempt.state == "succeeded")
    assert all(row.gateway_reference for row in attempts)


def test_invoice_numbers_rise_with_their_dates() -> None:
    rows = list(Invoice.select().where(Invoice.number.is_null(False)).order_by(Invoice.id))
    assert [row.issued_on for row in rows] == sorted(row.issued_on for row in rows)
    assert len({row.number for row in rows}) == len(rows)
    assert max(row.issued_on for row in rows) >= TODAY - dt.timedelta(days=5)


def test_its_papers_are_real(demo: config.Config) -> None:
    found = {row.media_type for row in documents.DocumentVersion.select()}
    assert found == {"application/pdf", "text/plain"}


def test_it_is_about_a_firm_that_cannot_exist() -> None:
    firm = firms.current()
    assert firm.email.endswith("@example.com")
    for who in [*people.FirmUser.select(), *people.PortalUser.select()]:
        assert who.email.endswith("@example.com")
    assert all(client.phone.startswith("(555) 01") for client in people.Client.select())


def test_filled_folder_is_left_as_it_is(demo: config.Config) -> None:
    before = Path(demo.data_dir / "portal.sqlite3").stat().st_size
    with pytest.raises(founding.FoundedAlready):
        fill(demo)
    assert Path(demo.data_dir / "portal.sqlite3").stat().st_size == before


def test_the_trust_account_is_reconciled_to_the_end_of_last_month() -> None:
    [account] = payments.bank_accounts("trust")
    last_month = TODAY.replace(day=1) - dt.timedelta(days=1)
    covered = reconciliations.last_covered(account)
    assert covered is not None
    assert covered.day == last_month
    assert covered.bank_cents == covered.book_cents == covered.clients_cents + covered.float_cents
    closed = reconciliations.find(covered.reconciliation_id)
    assert (closed.preparer.name, closed.closer.name) == ("Erin Moss", "Carol Quillfeather")
    assert [row.is_late for row in reconciliations.due(TODAY) if row.account.id == account.id] == [False]
