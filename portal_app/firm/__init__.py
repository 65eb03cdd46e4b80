"""Staff's routes, a module per noun."""

from portal_app.firm import (
    clients,  # noqa: F401
    time,  # noqa: F401
    today,  # noqa: F401
)
from portal_app.firm.blueprint import blueprint

__all__ = ["blueprint"]
