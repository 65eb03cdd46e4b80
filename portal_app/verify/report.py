"""What a proof of the books comes to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, as counts by name; what does not hold, a sentence each; and what stands on each account,
    in cents by its code, debit plus, credit minus."""

    counts: dict[str, int]
    faults: list[str]
    balances: dict[str, int]

    def summary(self) -> str:
        looked = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        if not self.faults:
            return f"The books hold: {looked}."
        faults = len(self.faults)
        return f"The books do not hold: {faults} fault{'' if faults == 1 else 's'} in {looked}."

    def as_dict(self) -> dict[str, object]:
        return {
            "holds": not self.faults, "counts": self.counts, "faults": self.faults, "balances_cents": self.balances,
        }  # fmt: skip
