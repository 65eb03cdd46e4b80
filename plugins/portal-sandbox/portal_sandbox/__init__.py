"""The rehearsal gateway: magic cards, its own card fields on its own origin, and no real money anywhere."""

from portal_sandbox.gateway import gateway

__all__ = ["gateway"]
