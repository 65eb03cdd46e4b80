"""Each recipe against a small ledger in text (recipes.txt), and what no recipe allows; on both databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from peewee import IntegrityError

from portal_app import money
from portal_app.domain import draws, ledger, payments, trust
from portal_app.domain.invoices import Invoice
from portal_app.domain.ledger import JournalEntry, Leg, Posting
from portal_app.domain.ledger.chart import CHART
from portal_app.domain.ledger.recipes import RECIPES, TABLE
from portal_app.domain.payments import BankAccount
from portal_app.plugin_api import DisputeState, Outcome, OutcomeKind
from tests.domain.test_payments import pay
from tests.refunds import dispute, give, look
from tests.trust import account, authorise, bounce, deposit, draw, incident, operating
from tests.world import World, today

TEXT = (Path(__file__).parent / "recipes.txt").read_text("utf-8")
BLOCKS = [
    (block.partition(":")[0], [" ".join(line.split()) for line in block.strip().split("\n")[1:]])
    for block in TEXT.split("\n\n")[1:]
]

Given = Callable[[World], object]


def text_of(entry: JournalEntry, world: World) -> list[str]:
    """The entry's legs as lines of recipes.txt, one space between words."""
    matters = {world.matter.id: "A", world.bobs_matter.id: "B", None: ""}
    invoices = {world.invoice.id: "A1", world.second.id: "A2", world.bobs_invoice.id: "B1", None: ""}
    rows = ledger.postings_of(entry)
    words = [(row.account_code, matters[row.matter_id], invoices[row.invoice_id], row.amount_cents) for row in rows]
    return [" ".join([*filter(None, about), money.bare(cents).replace("−", "-")]) for *about, cents in words]


def post(code: str, *legs: Leg, reverses: JournalEntry | None = None) -> JournalEntry:
    return ledger.post(
        code, legs, occurred_on=today(), description=code, source=f"test:{code}", currency="USD", reverses=reverses
    )


@pytest.fixture
def books(world: World) -> World:
    """The accounts of both bank accounts and of the gateway's trust deposits are open."""
    for row in BankAccount.select():
        ledger.open_bank(row.id, name=row.name, fund=row.fund)
    trust.open_clearing("fake", account(), "Held in trust")
    return world


def issued(invoice: Invoice) -> JournalEntry:
    return ledger.entry_of(f"invoice:{invoice.id}:issued")


def given_void(world: World) -> None:
    payments.void_invoice(world.bobs_invoice, reason="x", on=today(), by=world.carol)


def given_credit(world: World) -> JournalEntry:
    about = (world.matter.id, world.invoice.id)
    return post("credit_note", Leg("credits", 10_000, *about), Leg("receivable", -10_000, *about))


def given_credit_undone(world: World) -> None:
    ledger.reverse(given_credit(world), code="credit_note_undone", occurred_on=today(), description="x")


def given_write_off(world: World) -> JournalEntry:
    about = (world.matter.id, world.second.id)
    return post("written_off", Leg("bad_debt", 80_000, *about), Leg("receivable", -80_000, *about))


def given_write_off_undone(world: World) -> None:
    ledger.reverse(given_write_off(world), code="write_off_undone", occurred_on=today(), description="x")


def given_unapplied(world: World) -> None:
    first, second = (world.matter.id, world.invoice.id), (world.matter.id, world.second.id)
    post("unapplied_applied", Leg("unapplied", 10_000, *first), Leg("receivable", -10_000, *second))


def given_surplus(world: World) -> None:
    about = (world.matter.id, world.invoice.id)
    legs = Leg("clearing:fake", 130_000), Leg("receivable", -124_000, *about), Leg("unapplied", -6_000, *about)
    post("portal_payment", *legs)


def given_mismatch(world: World) -> None:
    assert pay(world, 100_000, token="less").state == "review"


def given_given_back(world: World) -> None:
    row = pay(world, 100_000, token="less")
    payments.give_back(row, note="at the gateway", by=world.erin)


def given_refund(world: World) -> None:
    give(world, pay(world, 130_000), 30_000)


def given_refund_given_up(world: World) -> None:
    give(world, pay(world, 130_000), 30_000, is_owed_again=False)


def given_refund_failed(world: World) -> None:
    refund = give(world, pay(world, 130_000), 30_000)
    payments.settle_refund(refund.id, Outcome(kind=OutcomeKind.DECLINED))


def given_dispute(*states: DisputeState) -> Given:
    def happen(world: World) -> None:
        row = pay(world, 130_000)
        for state in states:
            look(row, disputes=dispute(state, 130_000))

    return happen


def given_fee(_world: World) -> None:
    post("gateway_costs", Leg("merchant_fees", 2_900), Leg("clearing:fake", -2_900))


def at_gateway(world: World, cents: int = 200_000) -> trust.TrustMovement:
    """A deposit that the gateway has taken and not paid out."""
    at = trust.open_clearing("fake", account(), "Held in trust")
    return deposit(world, cents, at=at)


def given_payout(world: World) -> None:
    at_gateway(world)
    post("trust_payout", Leg("bank:2", 200_000), Leg("clearing:fake:trust", -200_000))


def given_refund_of_trust(world: World) -> None:
    deposit(world, 200_000)
    draw(world, 15_000, kind="refund")


def given_applied(world: World) -> None:
    deposit(world, 200_000)
    word = draws.authorise(world.second, account(), amount_cents=80_000, by=world.dan)
    draws.apply(word, operating(), on=today(), by=world.erin)


def given_transfer(world: World) -> None:
    deposit(world, 200_000)
    word = authorise(world, 10_000, kind="transfer", to_matter=world.bobs_matter)
    trust.transfer(word, on=today(), by=world.erin)


def given_shortfall(world: World) -> None:
    deposit(world, 500_000, matter=world.bobs_matter)
    receipt = deposit(world, 150_000)
    draw(world, 150_000)
    bounce(receipt)
    trust.replenish(incident(), operating(), on=today(), reference="W-1", by=world.erin)


def given_float(world: World) -> None:
    trust.move_float(
        account(), operating(), kind="float_in", amount_cents=5_000, on=today(), reference="", by=world.erin
    )


def given_charge(world: World) -> None:
    given_float(world)
    trust.charge(account(), amount_cents=1_200, on=today(), what="Checks", by=world.erin)


def given_draw(world: World) -> None:
    deposit(world, 200_000)
    draw(world, 35_000)


def given_reversal(world: World) -> None:
    trust.correct(deposit(world, 50_000), on=today(), reason="Entered twice", by=world.erin)


def given_kept(world: World) -> None:
    about = (world.matter.id, world.invoice.id)
    post("payment_kept", Leg("receivable", 10_000, *about), Leg("unapplied", -10_000, *about))


def given_payout_of_fees(_world: World) -> JournalEntry:
    return post("gateway_costs", Leg("bank:1", 50_000), Leg("clearing:fake", -50_000))


def given_failed_payout(world: World) -> None:
    ledger.reverse(given_payout_of_fees(world), code="payout_failed", occurred_on=today(), description="x")


GONE = DisputeState.OPEN
HAPPENS: dict[str, Given] = {
    "invoice_issued": lambda world: issued(world.second),
    "invoice_issued/costs": lambda world: issued(world.invoice),
    "invoice_voided": given_void,
    "credit_note": given_credit,
    "credit_note_undone": given_credit_undone,
    "written_off": given_write_off,
    "write_off_undone": given_write_off_undone,
    "portal_payment": lambda world: pay(world, 130_000),
    "portal_payment/surplus": given_surplus,
    "unapplied_applied": given_unapplied,
    "payment_mismatch": given_mismatch,
    "payment_returned": given_given_back,
    "refund": given_refund,
    "refund/given_up": given_refund_given_up,
    "refund_failed": given_refund_failed,
    "payment_bounced": lambda world: look(pay(world, 130_000), kind=OutcomeKind.RETURNED),
    "dispute_opened": given_dispute(GONE),
    "dispute_won": given_dispute(GONE, DisputeState.WON),
    "dispute_lost": given_dispute(GONE, DisputeState.LOST),
    "gateway_costs": given_fee,
    "gateway_costs/payout": given_payout_of_fees,
    "trust_deposit": at_gateway,
    "trust_deposit/check": lambda world: deposit(world, 200_000),
    "trust_payout": given_payout,
    "trust_disbursement": given_draw,
    "trust_refund": given_refund_of_trust,
    "trust_applied": given_applied,
    "trust_transfer": given_transfer,
    "trust_returned": lambda world: bounce(at_gateway(world)),
    "trust_disputed": lambda world: bounce(at_gateway(world), kind="dispute", source="dispute:1"),
    "trust_shortfall_replenished": given_shortfall,
    "trust_float": given_float,
    "trust_bank_charge": given_charge,
    "reversal": given_reversal,
    "payment_kept": given_kept,
    "payout_failed": given_failed_payout,
}  # fmt: skip


def test_each_recipe_has_its_small_ledger() -> None:
    names = [name for name, _ in BLOCKS]
    assert sorted(names) == sorted(HAPPENS)
    assert {name.partition("/")[0] for name in names} == set(RECIPES)
    assert len(TABLE) == len(RECIPES)
    assert all(recipe.words and recipe.why and bool(recipe.parts) != bool(recipe.undoes) for recipe in TABLE)


@pytest.mark.parametrize(("name", "wanted"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_an_event_makes_the_journal_of_its_recipe(books: World, name: str, wanted: list[str]) -> None:
    code, made = name.partition("/")[0], HAPPENS[name](books)
    entries = JournalEntry.select().where(JournalEntry.code == code).order_by(JournalEntry.id)
    entry = made if isinstance(made, JournalEntry) else entries[-1]
    assert text_of(entry, books) == wanted
    assert (entry.code, entry.reverses_id is not None) == (code, bool(RECIPES[code].undoes))


MISFITS: dict[str, tuple[str, list[Leg]]] = {
    "an unknown code": ("gift", [Leg("fees", 1), Leg("receivable", -1)]),
    "the wrong way round": ("written_off", [Leg("receivable", 1), Leg("bad_debt", -1)]),
    "an account of another event": ("portal_payment", [Leg("clearing:fake", 1), Leg("fees", -1)]),
    "operating money in a trust event": ("trust_deposit", [Leg("bank:1", 1), Leg("trust:2", -1)]),
    "a deposit held with the firm's own": ("trust_deposit", [Leg("clearing:fake", 1), Leg("trust:2", -1)]),
    "a fee out of trust": ("gateway_costs", [Leg("merchant_fees", 1), Leg("clearing:fake:trust", -1)]),
    "an account that is not open": ("gateway_costs", [Leg("merchant_fees", 1), Leg("clearing:none", -1)]),
    "a reversal of nothing": ("refund_failed", [Leg("receivable", 1), Leg("clearing:fake", -1)]),
    "one leg": ("portal_payment", [Leg("clearing:fake", 1)]),
    "legs that do not balance": ("portal_payment", [Leg("clearing:fake", 2), Leg("receivable", -1)]),
}


@pytest.mark.parametrize("case", MISFITS)
def test_what_no_recipe_allows_is_refused(books: World, case: str) -> None:
    code, legs = MISFITS[case]
    before = Posting.select().count()
    with pytest.raises(ledger.Unbalanced):
        post(code, *legs)
    assert Posting.select().count() == before


def test_fees_cannot_come_straight_out_of_client_money(books: World) -> None:
    about = (books.matter.id, books.second.id)
    with pytest.raises(IntegrityError, match=r"not balanced|T11"):
        post("trust_applied", Leg("trust:2", 100, *about), Leg("receivable", -100, *about))


def test_a_reversal_takes_back_only_what_its_recipe_names(books: World) -> None:
    entry = ledger.entry_of(f"invoice:{books.second.id}:issued")
    with pytest.raises(ledger.Unbalanced, match="does not take back invoice_issued"):
        ledger.reverse(entry, code="refund_failed", occurred_on=today(), description="x")
    ledger.reverse(entry, code="reversal", occurred_on=today(), description="x")


def test_the_chart_is_what_the_migrations_opened(books: World) -> None:
    rows = ledger.Account.select().where(~ledger.Account.code.contains(":"))
    assert {(row.code, row.name, row.kind, row.fund) for row in rows} == set(CHART)
