"""Every main page of the demo, as the person who uses it sees it: at both widths, light and dark, with nothing on the
console, nothing sideways and, in the dark, no broken accessibility rule. ``./dev screenshots`` keeps the pictures."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from portal_app.demo import PASSWORD
from tests.browser import served
from tests.browser.harness import Console, look

SIGNED_OUT = (
    ("sign-in", "/sign-in"),
    ("forgotten-password", "/password"),
    ("letter-code", "/invitation"),
    ("dead-sign-in-link", "/sign-in/link/made-up"),
    ("dead-pay-link", "/pay/made-up"),
    ("not-found", "/nowhere"),
)
GONE = {"dead-sign-in-link": 410, "dead-pay-link": 410, "not-found": 404}
ALICE = (
    ("client-home", "/portal"),
    ("client-invoices", "/portal/invoices"),
    ("client-invoice", "/portal/invoices/{invoice}"),
    ("client-documents", "/portal/documents"),
    ("client-events", "/portal/events"),
    ("client-help", "/portal/help"),
    ("client-account", "/portal/account"),
    ("client-password", "/portal/account/password"),
    ("client-app", "/portal/account/app"),
    ("client-confirm", "/portal/account/confirm"),
    ("pay-now", "/portal/pay"),
    ("payment-paid", "/portal/payments/{payment}"),
)
CAROL = (
    ("today", "/firm"),
    ("matters", "/firm/matters"),
    ("matter-new", "/firm/matters/new"),
    ("matter", "/firm/matters/{matter}"),
    ("matter-settings", "/firm/matters/{matter}/settings"),
    ("matter-time", "/firm/matters/{matter}/time"),
    ("matter-invoices", "/firm/matters/{matter}/invoices"),
    ("matter-invoice-new", "/firm/matters/{matter}/invoices/new"),
    ("matter-documents", "/firm/matters/{matter}/documents"),
    ("matter-events", "/firm/matters/{matter}/events"),
    ("matter-ledger", "/firm/matters/{matter}/ledger"),
    ("matter-people", "/firm/matters/{matter}/people"),
    ("clients", "/firm/clients"),
    ("client", "/firm/clients/{client}"),
    ("time", "/firm/time"),
    ("invoices", "/firm/invoices"),
    ("invoice", "/firm/invoices/{invoice_id}"),
    ("invoice-draft", "/firm/invoices/{draft_id}"),
    ("payments", "/firm/payments"),
    ("payment", "/firm/payments/{payment_id}"),
    ("gateways", "/firm/payments/gateways"),
    ("gateway", "/firm/payments/gateways/sandbox"),
    ("people", "/firm/people"),
    ("person", "/firm/portal-users/1/erasure"),
    ("client-data", "/firm/clients/1/privacy"),
    ("mail", "/firm/mail"),
    ("journal-entry", "/firm/ledger/{entry}"),
    ("sharing", "/firm/matters/{matter}/documents/{document}/share"),
    ("settings", "/firm/settings"),
    ("settings-look", "/firm/settings/look"),
    ("settings-signing-in", "/firm/settings/signing-in"),
    ("account", "/firm/account"),
    ("settings-help", "/firm/settings/help"),
    ("bank-accounts", "/firm/settings/bank-accounts"),
)

# One value each, by name, for the braces above.
WANTED = {
    "matter": "SELECT id FROM matter WHERE name LIKE 'Thornbury v.%'",
    "client": "SELECT client_id FROM matter WHERE name LIKE 'Thornbury v.%'",
    "invoice": "SELECT public_id FROM invoice WHERE total_cents = 318000",
    "invoice_id": "SELECT id FROM invoice WHERE total_cents = 318000",
    "draft_id": "SELECT id FROM invoice WHERE number IS NULL ORDER BY id",
    "payment": "SELECT p.public_id FROM payment p JOIN portal_user u ON u.id = p.portal_user_id "
    "WHERE u.email = 'alice@example.com' ORDER BY p.id DESC",
    "entry": "SELECT id FROM journal_entry WHERE code = 'portal_payment' ORDER BY id DESC",
    "document": "SELECT id FROM document WHERE name LIKE 'Draft settlement%'",
    "payment_id": "SELECT id FROM payment WHERE state = 'succeeded' ORDER BY id DESC",
}


@dataclass(frozen=True)
class Demo:
    url: str
    names: dict[str, object]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo as ``portal demo`` serves it, once its papers are made."""
    data = tmp_path_factory.mktemp("demo")
    with served.serving("demo", data) as url:
        served.wait_for(
            lambda: _ask(data, "SELECT COUNT(*) FROM outbox WHERE done_at IS NULL") == 0, "the outbox is not drained"
        )
        yield Demo(url, {name: _ask(data, sql) for name, sql in WANTED.items()})


def _ask(data: Path, sql: str) -> object:
    connection = sqlite3.connect(f"file:{data / 'portal.sqlite3'}?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchone()[0]
    finally:
        connection.close()


def sign_in(page: Page, demo: Demo, email: str) -> None:
    page.goto(f"{demo.url}/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/firm" if email.startswith("carol") else "**/portal")


def walk(page: Page, demo: Demo, pages: tuple[tuple[str, str], ...]) -> None:
    """See each page; say all that is wrong at once."""
    wrong = []
    for name, path in pages:
        answer = page.goto(demo.url + path.format(**demo.names))
        if answer is None or answer.status != GONE.get(name, 200):
            wrong.append(f"{name}: {answer.status if answer else 'no answer'}")
            continue
        if len(page.frames) > 1:  # the gateway's fields
            page.wait_for_load_state("networkidle")
        try:
            look(page, name, judged={"dark"})  # by day test_every_page.py judges all that there are
        except AssertionError as problem:
            wrong.append(f"{name}: {problem}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.screenshots
@pytest.mark.parametrize(
    ("email", "pages"),
    [("", SIGNED_OUT), ("alice@example.com", ALICE), ("carol@example.com", CAROL)],
    ids=["signed-out", "alice", "carol"],
)
def test_the_main_pages(
    demo: Demo, new_context: Callable[..., BrowserContext], email: str, pages: tuple[tuple[str, str], ...],
    console: Console,
) -> None:  # fmt: skip
    console.allow("status of 4(04|10)")
    console.allow("Failed to execute 'postMessage' on 'DOMWindow'")  # axe's own, into the gateway's frame
    page = new_context().new_page()
    if email:
        sign_in(page, demo, email)
    walk(page, demo, pages)
