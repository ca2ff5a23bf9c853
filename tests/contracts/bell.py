"""What every bell must do."""

import threading

from connector.ports import Bell


class BellContract:
    """The rules of a bell; a subclass gives the bell."""

    def bell(self) -> Bell:
        """Give a bell that nobody rang."""
        raise NotImplementedError

    def test_silence_ends_by_itself(self) -> None:
        """Nobody rings: the wait ends with its time and says so."""
        assert self.bell().wait(0.01) is False

    def test_ring_before_the_wait_is_not_lost(self) -> None:
        """A ring that came while nobody waited ends the next wait."""
        bell = self.bell()
        bell.ring("1")
        assert bell.wait(30.0) is True

    def test_ring_wakes_who_waits(self) -> None:
        """A ring from another thread ends the wait."""
        bell = self.bell()
        ringer = threading.Timer(0.05, bell.ring, ("1",))
        ringer.start()
        try:
            assert bell.wait(60.0) is True
        finally:
            ringer.join()

    def test_one_wait_takes_all_rings(self) -> None:
        """Many rings are one wake-up; afterwards it is silent again."""
        bell = self.bell()
        for _ in range(5):
            bell.ring("1")
        assert bell.wait(30.0) is True
        assert bell.wait(0.01) is False
