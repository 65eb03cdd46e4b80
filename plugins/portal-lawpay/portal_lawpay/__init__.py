"""Payments through LawPay (8am, AffiniPay)."""
