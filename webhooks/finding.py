"""What `postventa doctor` finds."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: `ok`, `note` (works, but read it) or `bad` (needs mending).
        mend: what to do; empty when nothing is to be done.
    """

    what: str
    state: str
    found: str
    mend: str = ""

    def line(self) -> dict[str, str]:
        """Give it as plain data for JSON."""
        return asdict(self)
