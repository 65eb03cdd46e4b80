"""The story that must always work, steps 1 to 9, in Chromium: on an empty firm and on the demo's.

Two people, two browsers, and nothing but what the pages offer: no address is typed but the portal's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from portal_app import demo
from tests.browser import served
from tests.browser.harness import Console, look

ADMINISTRATOR = "carol@example.com"
PASSWORD = "three grey herons wait"
CLIENT = "Wilhelmina Testworth"
ADDRESS = "wilhelmina@example.com"
MATTER = "Testworth v. Example Bakery"
CARD = "4242 4242 4242 4242"
PAPER_MS = 120_000  # a demo that was just filled has a year of papers to set first


@dataclass
class Stage:
    """Where the story plays: the firm's browser, the client's, and how the administrator signs in."""

    url: str
    firm: Page
    client: Page
    password: str
    is_empty: bool


@pytest.fixture(params=["empty", "demo"])
def stage(
    request: pytest.FixtureRequest, tmp_path: Path, new_context: Callable[..., BrowserContext]
) -> Iterator[Stage]:
    is_empty = request.param == "empty"
    if is_empty:
        words = ["--name", "Larch & Finch", "--admin-name", "Carol Larch", "--admin-email", ADMINISTRATOR]
        served.run("init", "--data", str(tmp_path), *words, "--admin-password", PASSWORD)
    with served.serving("serve" if is_empty else "demo", tmp_path) as url:
        firm, client = new_context().new_page(), new_context().new_page()
        yield Stage(url, firm, client, PASSWORD if is_empty else demo.PASSWORD, is_empty)


def press(page: Page, name: str, *, exact: bool = True) -> None:
    page.get_by_role("button", name=name, exact=exact).click()


def follow(page: Page, name: str, *, exact: bool = True) -> None:
    page.get_by_role("link", name=name, exact=exact).first.click()


def tab(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Matter", exact=True).get_by_role("link", name=name).click()


def heading(page: Page, name: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", name=name).first).to_be_visible()


def sign_in(page: Page, stage: Stage, email: str, password: str) -> None:
    page.goto(stage.url)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    press(page, "Sign in")


def set_up_an_app(page: Page) -> None:
    """An administrator is asked for a second factor the first time that they sign in."""
    heading(page, "Set up a second factor")
    secret = page.locator("strong.num").inner_text().replace(" ", "")
    page.get_by_label("Code that the app shows").fill(pyotp.TOTP(secret).now())
    press(page, "Set it up and sign in")
    heading(page, "Your recovery codes")
    look(page, "recovery-codes")
    follow(page, "I have kept them. Go on")


def enable_a_gateway(stage: Stage) -> None:
    """Step 1."""
    page = stage.firm
    sign_in(page, stage, ADMINISTRATOR, stage.password)
    if stage.is_empty:
        set_up_an_app(page)
    page.wait_for_url("**/firm")
    page.get_by_role("navigation", name="Firm").get_by_role("link", name="Payments").click()
    follow(page, "Gateways")
    heading(page, "Gateways")
    page.locator("#main").get_by_role("link", name="Sandbox", exact=True).click()
    heading(page, "Sandbox")
    if stage.is_empty:
        press(page, "Save and test")
    press(page, "Test connection")
    expect(page.locator("#connection")).to_contain_text("Operating money goes to sandbox-operating")
    if stage.is_empty:
        press(page, "Enable Sandbox")
    expect(page.locator("#connection")).to_contain_text("Enabled")
    expect(page.get_by_text("Rehearsal: no real money moves.")).to_be_visible()


def open_a_matter(stage: Stage) -> None:
    """Step 2, from nothing: the pages lead from the matter to its missing client and back."""
    page = stage.firm
    page.get_by_role("navigation", name="Firm").get_by_role("link", name="Clients").click()
    page.get_by_role("link", name=re.compile("(new|first) client", re.IGNORECASE)).first.click()
    page.get_by_label("Name", exact=True).fill(CLIENT)
    page.get_by_label("E-mail").fill(ADDRESS)
    press(page, "Make this client")
    page.get_by_role("navigation", name="Firm").get_by_role("link", name="Matters").click()
    page.get_by_role("link", name=re.compile("(new|open a|first) matter", re.IGNORECASE)).first.click()
    page.get_by_label("Name", exact=True).fill(MATTER)
    page.get_by_label("Client", exact=True).select_option(label=CLIENT)
    press(page, "Open this matter")
    heading(page, "Edit matter")
    for label in (
        "Billing method",
        "Statute of limitations",
        "User access",
        "Who can receive invoices from this matter",
    ):
        heading(page, label)
    page.get_by_label("Hourly").check()
    page.get_by_label("Statute of limitations").fill("2031-05-18")
    press(page, "Save")
    page.get_by_role("link", name="Edit matter").or_(page.get_by_role("heading", name="Edit matter")).first.wait_for()


def invite_the_client(stage: Stage) -> None:
    """Steps 2 and 3: type an e-mail address, press OK; later the same list says Registered."""
    page = stage.firm
    if page.get_by_role("heading", name="Edit matter").count() == 0:
        follow(page, "Edit matter")
    page.get_by_label("Add a person").fill(ADDRESS)
    page.get_by_label("Not known here yet: invite them").check()
    found = page.locator("#found")
    found.get_by_label("Name", exact=True).fill(CLIENT)
    found.get_by_label("E-mail").fill(ADDRESS)
    press(page, "OK")
    expect(page.locator("#recipients")).to_contain_text("Invitation pending")
    matter = page.url
    link = read_link(stage)
    accept(stage, link)
    page.goto(matter)
    expect(page.locator("#recipients")).to_contain_text("Registered")


def read_link(stage: Stage) -> str:
    """No mail server is set: the administrator reads the invitation where the portal keeps it."""
    page = stage.firm
    page.get_by_role("navigation", name="Firm").get_by_role("link", name="Settings").click()
    follow(page, "E-mails", exact=False)
    row = page.get_by_role("row").filter(has_text=ADDRESS).filter(has_text="Invitation")
    row.get_by_role("link").first.click()
    text = page.locator("article").inner_text()
    found = re.search(r"http://\S+/invitation/\S+", text)
    assert found, f"no link in {text}"
    return found[0]


def accept(stage: Stage, link: str) -> None:
    page = stage.client
    page.goto(link)
    page.get_by_label("Choose a password").fill(PASSWORD)
    page.get_by_label("Type it again").fill(PASSWORD)
    press(page, "Accept the invitation")
    page.wait_for_url("**/portal")
    expect(page.locator("#balance-due")).to_contain_text("nothing", ignore_case=True)


def run_an_invoice(stage: Stage) -> str:
    """Step 4. Gives the invoice's number."""
    page = stage.firm
    follow(page, "To the matter")
    tab(page, "Time & expenses")
    page.get_by_label("Hours").fill("2:30")
    page.get_by_label("Description").fill("Drafted the complaint and its exhibits")
    page.get_by_label("Hourly rate").fill("$400")
    press(page, "Add time")
    expect(page.locator("#unbilled")).to_contain_text("$1,000.00")
    follow(page, "Run an invoice")
    press(page, "Preview")
    heading(page, "Preview")
    press(page, "Issue invoice")
    heading(page, re.compile(r"Invoice \d{4}-\d{4}"))
    number = re.search(r"\d{4}-\d{4}", page.get_by_role("heading", level=1).inner_text())
    assert number
    return number[0]


def share_more(stage: Stage, number: str) -> None:
    """Step 5: the invoice is in the matter's documents and shared by itself; a file and an event are shared by hand."""
    page = stage.firm
    open_the_matter(stage)
    tab(page, "Documents")
    row = page.get_by_role("row").filter(has_text=f"Invoice {number}")
    expect(row).to_contain_text("Shared with 1")
    page.get_by_label("Files").set_input_files(
        {"name": "Engagement letter.txt", "mimeType": "text/plain", "buffer": b"Dear client,\n"}
    )
    press(page, "Add files")
    row = page.get_by_role("row").filter(has_text="Engagement letter.txt")
    expect(row).to_contain_text("Firm only")
    row.get_by_role("link", name=re.compile("^Share with portal")).click()
    page.locator("#panel").get_by_label(CLIENT).check()
    press(page, "Update sharing")
    expect(row).to_contain_text("Shared with 1")
    tab(page, "Events")
    panel = page.locator("#panel")
    panel.get_by_label("Title").fill("Mediation")
    panel.get_by_label("Date").fill("2031-01-15")
    panel.get_by_label("Starts").fill("10:00")
    press(page, "Add event")
    row = page.get_by_role("row").filter(has_text="Mediation")
    row.get_by_role("link", name=re.compile("^Share with portal")).click()
    page.locator("#panel").get_by_label(CLIENT).check()
    press(page, "Update sharing")
    expect(row).to_contain_text("Shared with 1")


def open_the_matter(stage: Stage) -> None:
    page = stage.firm
    page.get_by_role("navigation", name="Firm").get_by_role("link", name="Matters").click()
    page.locator("#main").get_by_role("searchbox").first.fill("Testworth")
    follow(page, MATTER)
    heading(page, MATTER)


def look_around(stage: Stage, number: str) -> None:
    """Step 6: the client sees the Balance Due box, the invoice, the document and the event, and downloads the PDF."""
    page = stage.client
    page.goto(f"{stage.url}/portal")
    expect(page.locator("#balance-due")).to_contain_text("$1,000.00")
    for text in (number, "Engagement letter.txt", "Mediation"):
        expect(page.get_by_text(text).first).to_be_visible()
    follow(page, number)
    with page.expect_download(timeout=PAPER_MS) as download:
        page.get_by_role("link", name="Download", exact=False).first.click(timeout=PAPER_MS)
    body = Path(download.value.path()).read_bytes()
    assert body.startswith(b"%PDF-")
    assert number in download.value.suggested_filename


def pay_a_part(stage: Stage, number: str) -> None:
    """Steps 7 and 8: any smaller amount, once; then the balance is new, with no reload by hand."""
    page = stage.client
    follow(page, "Pay Now")
    page.locator("#amount").fill("400.00")
    expect(page.locator("#allocation")).to_contain_text("Leaves $600.00")
    page.get_by_label("Street address").fill("48 Placeholder Lane")
    page.get_by_label("City").fill("Springfield")
    page.get_by_label("State", exact=True).select_option("IL")
    page.get_by_label("ZIP code").fill("62704")
    frame = page.frame_locator("iframe.gateway-frame")
    frame.locator("#number").fill(CARD)
    frame.locator("#expires").fill("12/34")
    frame.locator("#code").fill("123")
    page.get_by_role("button", name="Pay $400.00").dblclick()
    heading(page, "Paid, thank you")
    expect(page.locator("#balance-due")).to_contain_text("$600.00")
    with page.expect_download(timeout=PAPER_MS) as download:
        page.get_by_role("link", name="Download receipt").click(timeout=PAPER_MS)
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    follow(page, "Back to home")
    expect(page.locator("#balance-due")).to_contain_text("$600.00")
    row = page.get_by_role("row").filter(has_text=number).first
    expect(row).to_contain_text("$600.00")


def read_the_ledger(stage: Stage, number: str) -> None:
    """Step 9, with nobody typing anything; the document now says that it was seen."""
    page = stage.firm
    open_the_matter(stage)
    tab(page, "Ledger")
    row = page.get_by_role("row").filter(has_text="Paid from portal")
    expect(row).to_have_count(1)
    for text in (CLIENT, number, "400.00", "600.00"):
        expect(row).to_contain_text(text)
    row.get_by_role("link", name="Paid from portal").click()
    expect(page.locator("#main")).to_contain_text("Accounts receivable")
    page.go_back()
    tab(page, "Documents")
    expect(page.get_by_role("row").filter(has_text=f"Invoice {number}")).to_contain_text("seen by 1")


def test_a_client_pays_an_invoice_from_the_portal(stage: Stage, console: Console) -> None:
    console.allow("status of 422")
    enable_a_gateway(stage)
    open_a_matter(stage)
    invite_the_client(stage)
    number = run_an_invoice(stage)
    share_more(stage, number)
    look_around(stage, number)
    pay_a_part(stage, number)
    read_the_ledger(stage, number)
    stage.client.goto(f"{stage.url}/portal")
    press(stage.client, "Sign out")
    heading(stage.client, "Sign in")
    stage.client.go_back()
    expect(stage.client.get_by_role("heading", name="Sign in")).to_be_visible()
