"""A Stripe-shaped fake for tests: it speaks the wire that the official client speaks, and remembers all.

``Fake`` is the account book, ``create`` its web application, ``served`` puts that on a port of its own. Any key works
that is shaped like one: its last part names the account, so ``sk_test_firm`` opens ``acct_firm`` in test mode.
"""

from portal_stripe.fake import charges, checkout, disputes, intents, means, payouts, reading, refunds
from portal_stripe.fake.app import create, served
from portal_stripe.fake.core import Fake, Fault, Scope
from portal_stripe.fake.disputes import close_dispute, open_dispute
from portal_stripe.fake.pages import approve, pay_page
from portal_stripe.fake.payouts import fail_payout, pay_out
from portal_stripe.fake.webhooks import deliver, signature

__all__ = [
    "Fake",
    "Fault",
    "Scope",
    "approve",
    "charges",
    "checkout",
    "close_dispute",
    "create",
    "deliver",
    "disputes",
    "fail_payout",
    "intents",
    "means",
    "open_dispute",
    "pay_out",
    "pay_page",
    "payouts",
    "reading",
    "refunds",
    "served",
    "signature",
]
