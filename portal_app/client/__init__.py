"""Portal users' routes, a module per noun."""

from portal_app.client.blueprint import blueprint

__all__ = ["blueprint"]
