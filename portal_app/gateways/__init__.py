"""Gateways at work: between the domain, which writes, and the plugins, which call.

No transaction is open during a call; what is sent is committed as ``submitting`` before; any exception is
``unknown``; return visit, webhook, poll and sweep all end in ``payments.settle``.
"""

from portal_app.gateways.asking import UNREACHABLE, attempt_of, return_url
from portal_app.gateways.hearing import NotOurs, hear, look_into
from portal_app.gateways.observing import tell
from portal_app.gateways.paying import (
    begin_redirect,
    cancel,
    charge,
    fields_for,
    look_again,
    recover,
    returned,
)
from portal_app.gateways.refunding import can_refund, look_again_at_refund, recover_refunds, refund
from portal_app.gateways.sweeping import can_list, sweep, sweep_due

__all__ = [
    "UNREACHABLE", "NotOurs", "attempt_of", "begin_redirect", "can_list", "can_refund", "cancel", "charge",
    "fields_for", "hear", "look_again", "look_again_at_refund", "look_into", "recover", "recover_refunds", "refund",
    "return_url", "returned", "sweep", "sweep_due", "tell",
]  # fmt: skip
