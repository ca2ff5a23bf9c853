"""Break calls between the program and the shops on the wire."""

from contextlib import ExitStack

from tests.faults.checker import Verdict
from tests.faults.proxy import MODES, FaultProxy
from tests.faults.rig import Rig
from webhooks.sandbox.woocommerce.shop import WooShop

_HANG_S = 6.0
# Small: each hang costs a read its time limit.
_SHARES = {mode: 0.01 if mode.startswith("hang") else 0.03 for mode in MODES}


def broken_network(rig: Rig, orders: int, *, share: float = 1.0) -> Verdict:
    """Let every way of breaking a call happen, then judge.

    Args: share: factor on how often calls break.
    """
    with ExitStack() as stack:
        proxies = []
        for shop in rig.shops:
            proxy = stack.enter_context(FaultProxy(shop.port, rig.seed, _HANG_S))
            proxies.append(proxy)
            # The shop believes that the proxy's address is its own: signatures cover it.
            if isinstance(shop, WooShop):
                shop.keys.url = proxy.url
            else:
                shop.api_url = proxy.url
        rig.start()
        for proxy in proxies:
            proxy.break_calls({mode: part * share for mode, part in _SHARES.items()})
        rig.history.write("fault", mode="network", shares=_SHARES, factor=share)
        rig.buy(orders)
        # Half of the work is done while calls break; what waits meets a sound network.
        rig.settle(within_s=20.0)
        for proxy in proxies:
            proxy.break_calls({})
        rig.heal()
        rig.settle()
        verdict = rig.judge()
        for proxy in proxies:
            verdict.figures.update({f"call {mode}": n for mode, n in proxy.done.items()})
        return verdict
