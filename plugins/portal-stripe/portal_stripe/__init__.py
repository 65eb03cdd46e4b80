"""Payments through Stripe: the card or bank account is typed into Stripe's own fields, or on its own page."""

from portal_stripe.gateway import gateway

__all__ = ["gateway"]
