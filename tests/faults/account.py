"""What one fault counted, and which promises were broken."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Account:
    """Counters of one fault; a breach is a promise that did not hold."""

    name: str
    scale: str
    seed: int
    seconds: float = 0.0
    counters: dict[str, Any] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)

    def expect(self, promise: str, found: Any, wanted: Any) -> None:
        """Note a breach where what was found is not what must hold."""
        if found != wanted:
            self.breaches.append(f"{promise}: {found!r}, must be {wanted!r}")

    @property
    def held(self) -> bool:
        """Whether every promise held."""
        return not self.breaches

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "fault": self.name,
            "scale": self.scale,
            "seed": self.seed,
            "held": self.held,
            "seconds": self.seconds,
            **self.counters,
            "breaches": self.breaches,
        }

    def line(self) -> str:
        """For people."""
        counted = ", ".join(f"{name} {value}" for name, value in self.counters.items())
        verdict = "held" if self.held else "BROKEN"
        return f"{self.name} ({self.scale}, {self.seconds} s): {verdict}; {counted}" + "".join(
            f"\n    {breach}" for breach in self.breaches
        )
