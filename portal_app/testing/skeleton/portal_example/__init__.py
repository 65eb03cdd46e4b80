"""The gateway Example Pay for Matter Portal."""

from .gateway import gateway

__all__ = ["gateway"]
