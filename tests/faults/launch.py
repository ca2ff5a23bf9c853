"""Start the real program with short waits, and with a planted bug when asked for.

    python -m tests.faults.launch [--planted NAME] [--lease-s S] [--probe-s S] -- serve --port 8000

The waits of `connector.jobs.retry` are constants, not settings: nobody should turn them
down in earnest. A test that kills for an hour cannot wait 90 s for each look-up, so they
are set here, in the child process, before the program is imported.
"""

import argparse
import sys
from datetime import timedelta
from typing import Final

# Generous next to what a loaded machine needs, short next to the real ones.
LEASE_S: Final = 10.0
HEARTBEAT_S: Final = 1.5
PROBE_S: Final = 6.0
READ_TIMEOUT_S: Final = 4.0
BUSY_S: Final = 10
REST_S: Final = 1.0
# Many: under a kill each second an effect is begun often, and none may end for that.
TRIES: Final = 40


def shorten(lease_s: float, probe_s: float, busy_s: int) -> None:
    """Set the waits; must come before the program is imported."""
    import adapters._http as http
    from adapters.storage import sqlite
    from connector.jobs import retry

    values = {
        "LEASE_S": lease_s,
        "HEARTBEAT_S": min(HEARTBEAT_S, lease_s / 4),
        "PROBE_S": (probe_s,) * 3,
        "RETRY_S": (0.3, 0.6, 1.2) + (2.0,) * (TRIES - 3),
        "MAX_ATTEMPTS": TRIES + 1,
        "MAX_STARTS": TRIES,
    }
    for name, value in values.items():
        setattr(retry, name, value)
    # After the waits above: who imports them by value must find the short ones.
    from connector.jobs import breaker

    breaker.FIRST_REST = breaker.LONGEST_REST = timedelta(seconds=REST_S)  # type: ignore[misc]  # shortened on purpose
    http.READ_TIMEOUT_S = READ_TIMEOUT_S  # type: ignore[misc]  # shortened on purpose
    sqlite.BUSY_S = busy_s  # type: ignore[misc]  # the same


def main() -> None:
    """Run the program's command line."""
    cut = sys.argv.index("--")
    options = argparse.ArgumentParser()
    options.add_argument("--planted", default="")
    options.add_argument("--lease-s", type=float, default=LEASE_S)
    options.add_argument("--probe-s", type=float, default=PROBE_S)
    options.add_argument("--busy-s", type=int, default=BUSY_S)
    options.add_argument("--nursery", action="store_true")
    options.add_argument("--held", action="store_true")
    own = options.parse_args(sys.argv[1:cut])
    shorten(own.lease_s, own.probe_s, own.busy_s)
    if own.planted:
        from tests.faults.planted import plant

        plant(own.planted)
    words = sys.argv[cut + 1 :]
    if own.nursery:
        from tests.faults.nursery import serve_forks

        words = serve_forks()
    if own.held:
        from tests.faults.nursery import wait_for_the_word

        wait_for_the_word()
    from webhooks.cli.main import main as program

    program(words, prog_name="postventa")


if __name__ == "__main__":
    main()
