"""What a shop says about itself: that we were removed, or that a person asks."""

from connector.errors import AuthRejected, PostventaError
from connector.flows.engine import Engine
from connector.model.order import ShopId
from connector.storage.records import ShopRecord, ShopState


def close_shop(engine: Engine, shop: ShopRecord) -> str:
    """Stop working for a shop that removed us, if that is true.

    The word alone proves nothing: one app secret signs for all shops, and it may come
    late, after a new installation. So the shop's own key is tried.

    Raises: AdapterError: the shop could not be asked now.
    """
    try:
        engine.adapter_of(shop).look_at_shop()
    except AuthRejected:
        with engine.storage.transaction() as tx:
            tx.update_shop(shop.id, state=ShopState.UNINSTALLED)
            tx.drop_shop_token(shop.id)
        engine.shops.forget(shop.id)
        engine.log("shop.uninstalled", shop_id=shop.id)
        return "uninstalled: the shop refuses our key; its effects wait"
    return "uninstalled was said, but our key still works: nothing changed"


def disconnect(engine: Engine, shop_id: ShopId, request_id: str = "") -> None:
    """Remember that a shop refuses our key, if it still counts as connected."""
    with engine.storage.transaction() as tx:
        shop = tx.shop(shop_id)
        if shop is None or shop.state is not ShopState.CONNECTED:
            # Removed or uninstalled meanwhile: that stays.
            return
        tx.update_shop(shop_id, state=ShopState.DISCONNECTED)
    engine.shops.forget(shop_id)
    engine.log("shop.disconnected", shop_id=shop_id, request_id=request_id)


def look_again(engine: Engine, shop: ShopRecord) -> bool:
    """Try the key of a disconnected shop; go on with its work when it is taken again.

    A firewall or a moment of the shop's own trouble refuses a good key as well, so
    nobody has to notice for the work to go on.
    """
    try:
        engine.adapter_of(shop).look_at_shop()
    except PostventaError as err:
        engine.log("shop.still_refused", shop_id=shop.id, error=type(err).__name__)
        return False
    with engine.storage.transaction() as tx:
        now = tx.shop(shop.id)
        if now is None or now.state is not ShopState.DISCONNECTED:
            return False
        tx.update_shop(shop.id, state=ShopState.CONNECTED)
        tx.wake_deliveries(shop.id, now=engine.clock.now())
    engine.shops.forget(shop.id)
    engine.log("shop.connected_again", shop_id=shop.id)
    engine.bell.ring(shop.id)
    return True
