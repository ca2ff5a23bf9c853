"""Talk to our plugin in a shop's WordPress, with the shop's own REST keys."""

import json
from collections.abc import Mapping
from typing import Any, Final

from adapters._answer import error_of, json_of
from adapters.shops.woocommerce.client import WooClient

# Quirk(woocommerce): only namespaces that begin with `wc-` are opened by its REST keys.
# Source: WooCommerce 10.2.4, checked 2026-11-22.
NAMESPACE: Final = "wp-json/wc-postventa/v1"
_JSON: Final = "application/json;charset=utf-8"


def agree(client: WooClient, values: Mapping[str, str]) -> None:
    """Give the plugin what it needs to speak to us: shop id, key, address, its own nonce.

    Raises: AdapterError: NotFound when the plugin is not there; InvalidRequest when it
        did not ask for this.
    """
    body = json.dumps(dict(values), ensure_ascii=True).encode()
    answer = client.http.send(
        "POST",
        f"{NAMESPACE}/agree",
        body=body,
        headers={"Content-Type": _JSON},
        sign=client.sign,
        operation="POST wc-postventa/agree",
    )
    error = error_of(answer, client.http, write=True)
    if error is not None:
        raise error
    found: Any = json_of(answer, client.http, write=True)
    del found
