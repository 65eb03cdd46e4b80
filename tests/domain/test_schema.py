"""Migrations: models and tables agree, up and down lead back, constraints stand; on both databases."""

from __future__ import annotations

import importlib
import pkgutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from peewee import IntegrityError, Model

from portal_app import db, domain, schema
from portal_app.config import Config
from portal_app.db import BaseModel, transaction
from portal_app.domain import payments
from portal_app.domain.invitations import Invitation
from portal_app.domain.payments import Allocation, GatewayRoute, Payment
from portal_app.domain.people import Client, FirmUser, PortalUser
from tests.domain.test_payments import order
from tests.world import World


def models() -> list[type[Model]]:
    for module in pkgutil.walk_packages(domain.__path__, "portal_app.domain."):
        importlib.import_module(module.name)
    found, waiting = [], [BaseModel]
    while waiting:
        kinds = waiting.pop().__subclasses__()
        waiting += kinds
        found += [kind for kind in kinds if db.db.table_exists(kind._meta.table_name)]
    return found


@pytest.mark.usefixtures("world")
def test_every_model_has_its_table_and_every_table_its_model() -> None:
    known = {model._meta.table_name: model for model in models()}
    tables = set(db.db.get_tables()) - {"schema_migration", "sqlite_sequence"}
    assert set(known) == tables
    for name, model in known.items():
        columns = {column.name: column.null for column in db.db.get_columns(name)}
        assert {field.column_name for field in model._meta.sorted_fields} == set(columns), name
        for field in model._meta.sorted_fields:
            if not field.primary_key:
                assert field.null == columns[field.column_name], f"{name}.{field.column_name}"


def test_down_and_up_again_lead_to_the_same_tables(settings: Config) -> None:
    del settings
    db.connect()

    def shape() -> dict[str, list[str]]:
        return {name: sorted(column.name for column in db.db.get_columns(name)) for name in db.db.get_tables()}

    before = shape()
    names = []
    while reverted := schema.revert():
        names += reverted
    assert set(db.db.get_tables()) <= {"schema_migration", "sqlite_sequence"}
    assert schema.migrate() == sorted(names)
    assert shape() == before
    assert schema.pending() == []


def test_processes_that_migrate_at_once_take_turns(settings: Config) -> None:
    del settings
    db.connect()
    while schema.revert():
        pass
    db.db.close()

    def work(_number: int) -> list[str]:
        try:
            return schema.migrate()
        finally:
            db.db.close()

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(work, range(4)))
    assert sorted(len(names) for names in done)[:3] == [0, 0, 0]


@pytest.mark.usefixtures("world")
def test_bank_accounts_of_one_name_are_numbered_before_names_are_their_own() -> None:
    while schema.revert() != ["0008_bank_account_names"]:
        pass
    long = "Sample Bank of the Northern Prairie and Western Lakes, Account for Firm Operating"[:80]
    for name in ("Old", "Old", "Old (2)", "Old", long, long):
        db.db.execute_sql(f"INSERT INTO bank_account (name, fund, last4) VALUES ('{name}', 'operating', '')")
    schema.migrate()
    names = [row.name for row in payments.BankAccount.select().order_by(payments.BankAccount.id)][2:]
    assert names == ["Old", "Old (3)", "Old (2)", "Old (4)", long, f"{long[:76]} (2)"]
    refused(payments.BankAccount, name="Old", fund="trust", last4="")


def refused(model: type[Model], **values: object) -> None:
    with pytest.raises(IntegrityError), transaction():
        model.create(force_insert=True, **values)


def test_constraints_stand(world: World) -> None:
    payment = payments.start(world.alice, world.gateway, order(100))
    now = payment.created_at
    login = {"time_zone": "UTC", "created_at": now}
    refused(PortalUser, public_id="x", email="Upper@example.com", name="X", **login)
    refused(PortalUser, public_id="x", email="alice@example.com", name="X", **login)
    refused(FirmUser, email="x@example.com", name="", **login)
    refused(Client, kind="robot", name="X", created_at=now)
    refused(Invitation, token_hash="x", sent_at=now, expires_at=now)
    refused(Invitation, token_hash="x", sent_at=now, expires_at=now, firm_user=world.dan, portal_user=world.bob)
    refused(Allocation, payment=payment, invoice=world.second, amount_cents=0)
    refused(GatewayRoute, gateway=world.gateway, fund="other", merchant_account="x", bank_account=1)
    refused(
        Payment, public_id="y", portal_user=world.alice, gateway=world.gateway, key=payment.key, fund="operating",
        method="card", amount_cents=1, currency="USD", billing="{}", created_at=now, changed_at=now,
    )  # fmt: skip
    for change in ({"amount_cents": 1}, {"portal_user": world.bob}, {"state": "lost"}, {"receipt_number": "R-1"}):
        with pytest.raises(IntegrityError), transaction():
            Payment.update(change).where(Payment.id == payment.id).execute()
    with pytest.raises(IntegrityError), transaction():
        Allocation.delete().execute()
