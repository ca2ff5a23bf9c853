"""What one try of an effect leaves for a person to judge it by."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

from connector.errors import AdapterError
from connector.model.write import (
    AddNote,
    AddTags,
    CreateDiscountCode,
    RemoveTags,
    SetMeta,
    SetStatus,
    WriteBack,
)


@dataclass(slots=True)
class Evidence:
    """Collected while an effect is tried.

    Attributes:
        looked_for: what was looked for in the shop; empty when nothing was.
        found: whether it was there at the last look.
        error: the last error, without data of people.
    """

    started_at: datetime
    looked_for: str = ""
    found: bool = False
    error: dict[str, Any] = field(default_factory=dict)

    def looked(self, action: WriteBack, *, found: bool) -> None:
        """Note a look into the shop."""
        self.looked_for, self.found = sought(action), found

    def failed(self, err: AdapterError) -> None:
        """Note an error: its text is redacted where it is made."""
        said = {
            "kind": type(err).__name__,
            "text": str(err)[:300],
            "operation": err.operation[:100],
            "status": err.status,
            "code": err.code[:100],
            "request_id": err.request_id[:100],
        }
        self.error = {name: value for name, value in said.items() if value not in {"", None}}

    def plain(self) -> dict[str, Any]:
        """Give it as plain data."""
        told: dict[str, Any] = {}
        if self.looked_for:
            told |= {"looked_for": self.looked_for, "found": self.found}
        if self.error:
            told["error"] = self.error
        return told


def sought(action: WriteBack) -> str:
    """Say what a write is found by in the shop."""
    match action:
        case AddNote():
            return f"a note with the mark {action.marker}"
        case AddTags():
            return f"the labels {', '.join(action.tags)}"
        case RemoveTags():
            return f"the labels {', '.join(action.tags)} gone"
        case SetMeta():
            return "our own field"
        case SetStatus():
            return f"the status {action.status}"
        case CreateDiscountCode():
            return f"the code {action.code}"
        case _ as unknown:
            assert_never(unknown)
