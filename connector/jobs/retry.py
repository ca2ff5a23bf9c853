"""When to try again, and when a person is needed."""

import random
from datetime import timedelta
from typing import Final

# Source: our own defaults for retries, leases and unknown outcomes; see
# docs/decisions. Seconds before the second, third, … try.
RETRY_S: Final = (30.0, 120.0, 600.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0)
MAX_ATTEMPTS: Final = len(RETRY_S) + 1
JITTER: Final = 0.2

LEASE_S: Final = 60.0
HEARTBEAT_S: Final = 15.0
# A row whose run ended the process this often is set aside: its neighbors go on.
MAX_STARTS: Final = 5

# Longer than WooCommerce's own 60 s and usual PHP limits: a request that is still
# being worked on in the shop is over by then.
PROBE_S: Final = (90.0, 300.0, 1_800.0)

# A frozen or locked shop is looked at again after this time.
PAUSED_S: Final = 3_600.0


def delay_before(
    attempt: int, *, retry_after_s: float | None, chance: float | None = None
) -> timedelta:
    """Tell how long to wait before the next try.

    Args:
        attempt: tries made so far, from 1.
        retry_after_s: what the other side asked for; never less than that.
        chance: 0 to 1, for a repeatable jitter of ±20 %; random when None.
    """
    if retry_after_s is not None:
        # Nobody means longer than our own longest wait.
        retry_after_s = min(max(retry_after_s, 0.0), RETRY_S[-1])
    base = RETRY_S[min(attempt, len(RETRY_S)) - 1]
    draw = random.random() if chance is None else chance  # noqa: S311 - jitter, no secret
    jittered = base * (1 - JITTER + 2 * JITTER * draw)
    if retry_after_s is not None:
        # The first two times the other side's own word is followed as it is: it knows
        # best. Later ones keep our growing distance as well.
        if attempt <= 2:  # noqa: PLR2004 - see above
            return timedelta(seconds=retry_after_s * (1 + JITTER * draw))
        return timedelta(seconds=max(jittered, retry_after_s))
    return timedelta(seconds=jittered)


def rest(seconds: float | None) -> timedelta:
    """Tell how long a row waits while its shop rests, a little spread.

    Args: seconds: what is left of the rest.
    """
    spread = random.uniform(0.0, 1.0)  # noqa: S311 - jitter, no secret
    return timedelta(seconds=max(seconds or 0.0, 1.0) + spread)


def probe_delay(probes: int) -> timedelta | None:
    """Tell how long to wait before an unknown outcome is looked up again.

    Args: probes: look-ups made since the first one.
    Returns: None when no more look-up helps.
    """
    return timedelta(seconds=PROBE_S[probes]) if probes < len(PROBE_S) else None
