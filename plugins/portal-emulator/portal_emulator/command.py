"""``portal emulator``."""

from __future__ import annotations

import click


@click.command()
def emulator() -> None:
    """Serve an emulator of LawPay's payment interface on this machine."""
