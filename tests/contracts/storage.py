"""What every store must do.

Subclass StorageContract in `tests/adapters/storage/` and give the fixture `storage`:
an open, empty store; every test here then runs against that database.
"""

from collections.abc import Iterator

import pytest

from connector.storage.port import Storage
from tests.contracts.storage_access import AccessContract
from tests.contracts.storage_effects import EffectContract
from tests.contracts.storage_history import HistoryContract
from tests.contracts.storage_inbox import InboxContract
from tests.contracts.storage_install import InstallContract
from tests.contracts.storage_ledger import LedgerContract
from tests.contracts.storage_limits import LimitContract
from tests.contracts.storage_records import RecordContract
from tests.contracts.storage_strange import StrangeContract
from tests.contracts.storage_threads import ThreadContract
from tests.contracts.storage_tickets import TicketContract


class StorageContract(
    ThreadContract,
    RecordContract,
    InboxContract,
    EffectContract,
    LedgerContract,
    LimitContract,
    StrangeContract,
    HistoryContract,
    TicketContract,
    InstallContract,
    AccessContract,
):
    """Every promise of `connector.storage.port`."""

    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        """Give an open, empty store."""
        raise NotImplementedError
