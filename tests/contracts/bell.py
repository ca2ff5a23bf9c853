"""What every bell must do."""

import threading
from collections.abc import Iterator

import pytest

from connector.ports import Bell


class BellContract:
    """The rules of a bell; a subclass gives one that is heard, and one to ring."""

    @pytest.fixture
    def bells(self) -> Iterator[tuple[Bell, Bell]]:
        """Give who rings and who waits, before anybody rang: the same bell, or two."""
        raise NotImplementedError

    def test_silence_ends_by_itself(self, bells: tuple[Bell, Bell]) -> None:
        """Nobody rings: the wait ends with its time and says so."""
        _, waiting = bells
        assert waiting.wait(0.01) is False

    def test_ring_before_the_wait_is_not_lost(self, bells: tuple[Bell, Bell]) -> None:
        """A ring that came while nobody waited ends the next wait."""
        ringing, waiting = bells
        ringing.ring("1")
        assert waiting.wait(30.0) is True

    def test_ring_wakes_who_waits(self, bells: tuple[Bell, Bell]) -> None:
        """A ring from another thread ends the wait."""
        ringing, waiting = bells
        ringer = threading.Timer(0.05, ringing.ring, ("1",))
        ringer.start()
        try:
            assert waiting.wait(60.0) is True
        finally:
            ringer.join()

    def test_one_wait_takes_all_rings(self, bells: tuple[Bell, Bell]) -> None:
        """Many rings of one shop are one wake-up, or one more; then it is silent again."""
        ringing, waiting = bells
        for _ in range(50):
            ringing.ring("1")
        assert waiting.wait(30.0) is True
        # The last ring is never left out, so one may follow the first.
        waiting.wait(1.0)
        assert waiting.wait(0.5) is False

    def test_every_ring_is_followed_by_a_waking(self, bells: tuple[Bell, Bell]) -> None:
        """However close rings come, the last one wakes too."""
        ringing, waiting = bells
        for _ in range(5):
            ringing.ring("1")
            assert waiting.wait(30.0) is True

    def test_waking_is_for_this_process(self, bells: tuple[Bell, Bell]) -> None:
        """Who waits here can be woken without a ring."""
        _, waiting = bells
        waiting.wake()
        assert waiting.wait(30.0) is True
        assert waiting.wait(0.01) is False

    def test_nothing_is_lost_while_all_is_well(self, bells: tuple[Bell, Bell]) -> None:
        """Rings that were heard are not counted as lost."""
        ringing, waiting = bells
        ringing.ring("1")
        assert waiting.wait(30.0) is True
        assert ringing.figures().get("lost", 0) == 0

    def test_a_closed_bell_is_silent(self, bells: tuple[Bell, Bell]) -> None:
        """Ringing after the end fails nobody; closing twice does not either."""
        ringing, _ = bells
        ringing.close()
        ringing.ring("1")
        ringing.close()
