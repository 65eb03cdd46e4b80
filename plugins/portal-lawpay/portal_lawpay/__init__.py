"""Payments through LawPay (8am, AffiniPay)."""

from portal_lawpay.gateway import gateway

__all__ = ["gateway"]
