"""The proof that no fault charges twice or loses a payment: the real portal, a real plugin, and a fake of its gateway
whose own books are counted against the ledger. A matrix of faults, and a simulator of whole months."""
