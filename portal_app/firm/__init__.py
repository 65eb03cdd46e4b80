"""Staff's routes, a module per noun."""

from portal_app.firm.blueprint import blueprint

__all__ = ["blueprint"]
