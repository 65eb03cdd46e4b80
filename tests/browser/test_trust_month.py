"""A month of trust work, by everybody who has a part in it: the client, the lawyer, the bookkeeper, the gateway."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pypdf
from playwright.sync_api import BrowserContext, Page, expect

from portal_app import gateway_setup, gateways
from portal_app.domain import ledger, reconciliations, trust
from portal_app.domain.deposits import DepositRequest
from portal_app.domain.payments import BankAccount
from portal_app.domain.reconciliations import Reconciliation
from portal_app.domain.trust import TrustMovement
from portal_app.verify import verify
from tests.browser.harness import Console, look
from tests.browser.served import wait_for
from tests.browser.test_deposit import bank, deposit
from tests.browser.test_pay import Portal, card_of, fill_address, portal
from tests.world import PASSWORD, World, today

__all__ = ["bank", "deposit", "portal"]

New = Callable[..., BrowserContext]


def sign_in(new_context: New, portal: Portal, who: str) -> Page:
    page = new_context().new_page()
    page.goto(f"{portal.url}/sign-in")
    page.get_by_label("E-mail").fill(f"{who}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/portal" if who == "alice" else "**/firm")
    return page


def pay_by_echeck(page: Page) -> None:
    page.get_by_role("link", name="Retainer for the appeal").click()
    page.get_by_role("link", name="Pay into trust").click()
    fill_address(page)
    page.get_by_label("Bank account").check()
    card_of(page).locator("#routing").fill("110000000")
    card_of(page).locator("#account").fill("000123456789")
    page.get_by_role("button", name="Deposit $2,500.00").click()
    expect(page.get_by_role("heading", name="On its way")).to_be_visible()


def at_the_gateway(page: Page, button: str) -> None:
    """Press a button on the sandbox's own control page, and let the portal compare its list."""
    row = gateway_setup.find("sandbox")
    assert row is not None
    page.goto(json.loads(row.settings)["base_url"])
    page.get_by_role("button", name=button).first.click()
    gateways.sweep(row)


def draw(carol: Page, erin: Page, url: str) -> None:
    """The lawyer authorises, the bookkeeper pays by check."""
    carol.goto(url)
    carol.get_by_text("Authorize a withdrawal").click()
    form = carol.locator("form[action$='/authorisations']")
    for name, typed in (("amount", "400"), ("payee", "Sample County Court"), ("purpose", "Filing fee")):
        form.locator(f"[name={name}]").fill(typed)
    form.get_by_role("button", name="Authorize it").click()
    erin.goto(url)
    erin.get_by_text("Carry out $400.00").click()
    erin.locator("form[action$='/payment'] [name=reference]").fill("1042")
    erin.get_by_role("button", name="Book $400.00").click()
    expect(erin.locator("main")).to_contain_text("1042")


def replenish(erin: Page, portal: Portal) -> None:
    erin.goto(f"{portal.url}/firm/trust")
    expect(erin.locator("main")).to_contain_text("It was $400.00 short")
    erin.get_by_text("Replenish $400.00").click()
    erin.get_by_role("button", name="The firm has put in $400.00").click()
    expect(erin.locator("main")).not_to_contain_text("It was $400.00 short")


def bring_the_statement(erin: Page, account: BankAccount, url: str, folder: Path) -> None:
    """The payout and the firm's own money are at the bank; check 1042 is not cashed yet."""
    file = folder / "trust.csv"
    day = f"{today():%m/%d/%Y}"
    file.write_text(f"Date,Description,Amount\n{day},SANDBOX PAYOUT,2500.00\n{day},TRANSFER IN,400.00\n")
    erin.goto(f"{url}/firm/reconciliations/accounts/{account.id}")
    erin.get_by_label("The bank’s file").set_input_files(file)
    erin.get_by_role("button", name="Read the file").click()
    expect(erin.locator("#preview")).to_contain_text("Enter the closing balance")
    erin.get_by_label("Closing balance").fill("2,900.00")
    erin.get_by_label("Closing balance").blur()
    expect(erin.locator("#preview")).to_contain_text("follow on what is here already")
    look(erin, "firm-statement-reading")
    erin.get_by_role("button", name="Import the statement").click()
    expect(erin.locator("main")).to_contain_text("2 lines of 2 are not accounted for yet")
    look(erin, "firm-statement-lines")
    erin.get_by_role("button", name="Accept all 2 suggestions").click()
    expect(erin.locator("main")).to_contain_text("Every line is accounted for")


def close(erin: Page) -> None:
    erin.get_by_role("link", name="Reconcile to").click()
    expect(erin.locator("main")).to_contain_text("are one, to the cent")
    expect(erin.locator("main")).to_contain_text("1042")
    expect(erin.locator("main")).to_contain_text("At gateways for this account")
    look(erin, "firm-reconciliation")
    erin.get_by_role("button", name="Close to").click()
    expect(erin.locator("main")).to_contain_text("Nothing of these days can change any more")


def test_a_month_of_trust_work(
    portal: Portal, deposit: DepositRequest, bank: BankAccount, world: World, new_context: New, console: Console,
    tmp_path: Path,
) -> None:  # fmt: skip
    console.allow("status of 422|favicon")
    alice, carol, erin = (sign_in(new_context, portal, who) for who in ("alice", "carol", "erin"))
    pay_by_echeck(alice)
    wait_for(lambda: trust.balance(world.matter, bank) == 250_000, "the eCheck does not settle")
    at_the_gateway(erin, "Pay out now")
    assert ledger.account_balance(ledger.bank(bank.id)) == 250_000

    receipt = TrustMovement.get(TrustMovement.kind == "receipt")
    erin.goto(f"{portal.url}/firm/trust/movements/{receipt.id}")
    expect(erin.locator("dt", has_text="Cleared").locator("+ dd")).to_contain_text("On ")  # the payout proves it
    draw(carol, erin, f"{portal.url}/firm/matters/{world.matter.id}/trust")
    assert trust.balance(world.matter, bank) == 210_000

    at_the_gateway(erin, "Return")
    wait_for(lambda: trust.balance(world.matter, bank) == -40_000, "the return is not booked")
    replenish(erin, portal)
    assert trust.balance(world.matter, bank) == 0

    bring_the_statement(erin, bank, portal.url, tmp_path)
    close(erin)
    closed = Reconciliation.get()
    assert (closed.statement_cents, closed.outstanding_cents, closed.at_gateways_cents) == (290_000, -40_000, -250_000)
    assert closed.adjusted_cents == closed.book_cents == closed.clients_cents == 0
    wait_for(lambda: reconciliations.find(closed.id).report is not None, "the report is not printed")
    erin.reload()
    look(erin, "firm-reconciliation-closed")
    answer = erin.request.get(f"{portal.url}/firm/reconciliations/{closed.id}/pdf")
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.body())).pages)
    for said in ("Three-way reconciliation", "2,900.00", "1042", "$0.00", "Erin Moss"):
        assert said in text
    assert closed.snapshot_sha256 in text.replace("\n", "").replace(" ", "")
    assert verify(with_documents=True).faults == []
