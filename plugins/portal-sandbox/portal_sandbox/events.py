"""Something that happened, and how far its delivery has come; and the signature that shows who says it."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass

from portal_sandbox.charges import Charge
from portal_sandbox.disputes import Dispute
from portal_sandbox.refunds import Refund

HEADER = "sandbox-signature"
KINDS = (
    *("charge.succeeded", "charge.pending", "charge.declined", "charge.canceled", "charge.returned"),
    *("refund.succeeded", "refund.pending", "refund.declined"),
    *("dispute.open", "dispute.won", "dispute.lost"),
)
RETRY_SECONDS = (5, 30, 120, 600, 3600, 6 * 3600)
_LEASE_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """``told_id`` is the id of the charge or refund it is about (``subject`` says which). ``next_at`` is when its
    delivery is tried next, 0: never; ``said`` what came of the last try, in plain words; ``is_taken`` whether the
    portal has it."""

    id: str
    kind: str
    subject: str
    told_id: str
    reference: str
    merchant_account: str
    url: str
    key: str
    created_at: int
    next_at: int
    tries: int = 0
    said: str = ""
    is_taken: int = 0

    def body(self) -> bytes:
        """What is posted: a reason to ask, without amounts."""
        told = {"id": self.id, "kind": self.kind, "subject": self.subject, "object": self.told_id}
        told |= {"reference": self.reference, "merchant_account": self.merchant_account}
        return json.dumps(told | {"created_at": self.created_at}).encode()

    def tried(self, now: int) -> Event:
        """Taken by one postman; another may try when nothing is heard of this one for a minute."""
        return dataclasses.replace(self, tries=self.tries + 1, next_at=now + _LEASE_SECONDS)

    def answered(self, said: str, now: int, *, is_ok: bool) -> Event:
        waits = RETRY_SECONDS[self.tries - 1 : self.tries]
        next_at = now + waits[0] if waits and not is_ok else 0
        return dataclasses.replace(self, said=said, next_at=next_at, is_taken=int(is_ok))

    def again(self, now: int) -> Event:
        """The same event, to be delivered once more from the beginning."""
        return dataclasses.replace(self, tries=0, is_taken=0, next_at=now if self.url else 0)


def about(thing: Charge | Refund | Dispute, charge: Charge, now: int) -> Event | None:
    """What to tell when ``thing``, which is or concerns ``charge``, has become what it is; ``None``: nothing."""
    kind = f"{type(thing).__name__.lower()}.{thing.status}"
    if kind not in KINDS:
        return None
    refund = thing if isinstance(thing, Refund) else None
    return Event(
        id=f"evt_{secrets.token_hex(16)}",
        kind=kind,
        subject="refund" if refund else "charge",
        told_id=refund.told_id if refund else charge.id,
        reference=refund.reference if refund else charge.reference,
        merchant_account=charge.merchant_account,
        url=charge.webhook_url,
        key=charge.webhook_key,
        created_at=now,
        next_at=now if charge.webhook_url else 0,
    )


def key_of(secret_key: str) -> str:
    """The key that signs, made of the secret key: what the sandbox keeps does not tell the secret itself."""
    return hashlib.sha256(b"portal-sandbox webhook\n" + secret_key.encode("utf-8", "replace")).hexdigest()


def signature(body: bytes, key: str, at: int) -> str:
    """The value of the header ``HEADER`` for ``body`` as sent at ``at``, in seconds since 1970."""
    return f"t={at},v1={digest(body, key, str(at))}"


def digest(body: bytes, key: str, at: str) -> str:
    return hmac.new(key.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
