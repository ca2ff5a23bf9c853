"""The first Ctrl-C is a wish, the second one an order."""

import signal
import threading

import pytest

from webhooks.cli.interrupt import Interrupt


def test_the_first_is_heard_and_the_second_ends() -> None:
    """After the first signal the wish is known; the second raises as usual, also outside."""
    before = signal.getsignal(signal.SIGINT)
    with Interrupt() as interrupt:
        assert not interrupt.wanted()
        signal.raise_signal(signal.SIGINT)
        assert interrupt.wanted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_another_thread_hears_nothing() -> None:
    """Where signals cannot be taken, nothing is touched."""
    before, seen = signal.getsignal(signal.SIGINT), []

    def run() -> None:
        with Interrupt() as interrupt:
            seen.append((signal.getsignal(signal.SIGINT) is before, interrupt.wanted()))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert seen == [(True, False)]
