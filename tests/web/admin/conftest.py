"""A server with two shops and the people who look after them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.storage.access import Role
from tests.running import Running
from tests.support import FrozenClock
from tests.web.admin.console import Console
from tests.web.admin.world import Filled, add_user, fill_shop


@pytest.fixture
def clock() -> FrozenClock:
    """Give a clock that stands."""
    return FrozenClock()


@pytest.fixture
def running(tmp_path: Path, clock: FrozenClock) -> Iterator[Running]:
    """Give a server whose clock stands."""
    with Running(tmp_path, clock=clock) as server:
        yield server


@pytest.fixture
def ours(running: Running) -> Filled:
    """Give the shop of the one who looks."""
    return fill_shop(running, "Ours")


@pytest.fixture
def theirs(running: Running) -> Filled:
    """Give a shop of somebody else."""
    return fill_shop(running, "Theirs")


@pytest.fixture
def owner(running: Running) -> Console:
    """Give an owner of all shops, signed in."""
    add_user(running, "ana")
    return Console(running, "ana")


@pytest.fixture
def shop_owner(running: Running, ours: Filled) -> Console:
    """Give an owner of our shop alone, signed in."""
    add_user(running, "olga", {ours.id: Role.OWNER})
    return Console(running, "olga")


@pytest.fixture
def viewer(running: Running, ours: Filled) -> Console:
    """Give a viewer of our shop alone, signed in."""
    add_user(running, "vera", {ours.id: Role.VIEWER})
    return Console(running, "vera")
