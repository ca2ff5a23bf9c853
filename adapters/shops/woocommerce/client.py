"""Call WooCommerce's REST API: signed by the `woocommerce` package, sent by us."""

import base64
import json
import secrets as randomness
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final, TypeVar, cast
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from woocommerce import API
from woocommerce.oauth import OAuth

from adapters._answer import error_of, find_json, json_of
from adapters._http import Answer, HttpClient
from adapters._json import decode
from adapters.shops.woocommerce.payload import API_VERSION
from connector.errors import (
    AdapterError,
    AuthRejected,
    InvalidRequest,
    NotFound,
    PayloadInvalid,
    PlatformDown,
)
from connector.secret import Secret

T = TypeVar("T")
_JSON: Final = "application/json;charset=utf-8"
_NO_ROUTE: Final = "rest_no_route"


class _Signature(OAuth):  # type: ignore[misc]  # the package has no types
    """The package's OAuth 1.0a, without its faults.

    # Quirk(woocommerce): the package drops empty values, leaves `/` unescaped in what
    # it signs, sorts brackets its own way, and draws only 10^8 different nonces.
    # Source: woocommerce 3.0.0; a SKU search for `CAF-GEI/250` is answered with 401.
    """

    def get_oauth_url(self) -> str:
        """Give the URL with its signature; every pair once."""
        parts = urlsplit(self.url)
        url = f"{parts.scheme}://{parts.netloc}{parts.path}"
        params: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
        params["oauth_consumer_key"] = self.consumer_key
        params["oauth_timestamp"] = str(self.timestamp)
        params["oauth_nonce"] = self.generate_nonce()
        params["oauth_signature_method"] = "HMAC-SHA256"
        params["oauth_signature"] = self.generate_oauth_signature(params, url)
        return f"{url}?{urlencode(params)}"

    @staticmethod
    def generate_nonce() -> str:
        """Draw a nonce that nobody drew before."""
        return randomness.token_hex(20)

    @staticmethod
    def sorted_params(params: Mapping[str, str]) -> "OrderedDict[str, str]":
        """Sort by name, as PHP's `strcmp` does."""
        return OrderedDict(sorted(params.items()))

    @staticmethod
    def normalize_parameters(params: Mapping[str, str]) -> "OrderedDict[str, str]":
        """Escape names and values the way the shop does before it signs."""
        return OrderedDict(
            (
                quote(unquote(key), "").replace("%", "%25"),
                quote(unquote(value), "").replace("%", "%25"),
            )
            for key, value in params.items()
        )


class _Api(API):  # type: ignore[misc]  # the package has no types
    """The package's client, with our transport under its verbs.

    # Quirk(woocommerce): the package waits 5 s at most, sends every parameter twice
    # over plain http, and follows redirects.
    """

    def __init__(self, http: HttpClient, key: Secret, secret: Secret, *, in_query: bool) -> None:
        super().__init__(
            http.base_url,
            key.reveal(),
            secret.reveal(),
            version=API_VERSION,
            query_string_auth=in_query,
        )
        self._http = http

    def _API__request(  # noqa: N802 - the one place through which the package sends
        self,
        method: str,
        endpoint: str,
        data: Any,
        params: Mapping[str, str] | None = None,
        **_others: Any,
    ) -> Answer:
        body = None if data is None else json.dumps(data, ensure_ascii=False).encode()
        return self._http.send(
            method,
            self._API__get_url(endpoint),
            params=params,
            body=body,
            headers={} if body is None else {"Content-Type": _JSON},
            sign=self.sign,
            operation=f"{method} {endpoint}",
        )

    def sign(self, method: str, url: str) -> tuple[str, dict[str, str]]:
        """Prove who asks; never reuse what this gives, a nonce counts once."""
        if not self.is_ssl:
            signed = _Signature(
                url, self.consumer_key, self.consumer_secret, version=self.version, method=method
            )
            return signed.get_oauth_url(), {}
        pair = {"consumer_key": self.consumer_key, "consumer_secret": self.consumer_secret}
        if self.query_string_auth:
            return f"{url}{'&' if '?' in url else '?'}{urlencode(pair)}", {}
        basic = base64.b64encode(":".join(pair.values()).encode()).decode("ascii")
        return url, {"Authorization": f"Basic {basic}"}


class WooClient:
    """The REST API of one shop.

    Args: in_query: put the key into the address, for hosts that strip the
        Authorization header; only over https.
    """

    def __init__(
        self, http: HttpClient, key: Secret, secret: Secret, *, in_query: bool = False
    ) -> None:
        self.http = http
        self._api = _Api(http, key, secret, in_query=in_query)

    def sign(self, method: str, url: str) -> tuple[str, Mapping[str, str]]:
        """Prove who asks, for routes beside the API's own."""
        return self._api.sign(method, url)

    def get(self, path: str, **params: str) -> Answer:
        """Read; the status is not looked at."""
        return cast("Answer", self._api.get(path, params=params))

    def read(self, kind: type[T], path: str, **params: str) -> T:
        """Read one thing and decode it.

        Raises: AdapterError: see `decode`.
        """
        return self.decode(kind, self.get(path, **params))

    def decode(self, kind: type[T], answer: Answer) -> T:
        """Decode the answer to a read.

        Raises:
            AdapterError: the status is one, or no JSON came.
            InvalidRequest: JSON of another shape; the path is named.
        """
        self.check(answer, write=False)
        try:
            return decode(kind, find_json(answer.body))
        except PayloadInvalid as err:
            # No JSON at all is the shop's fault and passes; another shape stays.
            json_of(answer, self.http, write=False)
            raise unreadable(err, answer.operation) from err

    def post(self, path: str, data: Any) -> Any:
        """Make something; give the JSON of the answer."""
        return self._written(self._api.post(path, data))

    def put(self, path: str, data: Any) -> Any:
        """Change something; give the JSON of the answer."""
        return self._written(self._api.put(path, data))

    def delete(self, path: str) -> Any:
        """Delete for good; give the JSON of the answer."""
        return self._written(self._api.delete(path, params={"force": "true"}))

    def _written(self, answer: Answer) -> Any:
        self.check(answer, write=True)
        return json_of(answer, self.http, write=True)

    def check(self, answer: Answer, *, write: bool) -> None:
        """Raise the error of an answer, in WooCommerce's own terms."""
        error = error_of(answer, self.http, write=write)
        if error is not None:
            raise _in_our_terms(error)


def _in_our_terms(error: AdapterError) -> AdapterError:
    """Tell a missing order from a missing WooCommerce, and a firewall from a bad key.

    Source: recorded on WooCommerce 10.2.4: an unknown id has a code of its own; with the
    plugin off every route is `rest_no_route`; firewalls answer pages without a code.
    """
    if isinstance(error, NotFound) and error.code in {"", _NO_ROUTE}:
        return _as(
            PlatformDown,
            error,
            "The shop has no WooCommerce REST API at this address: check that the plugin is "
            "active, that permalinks are not Plain, and the shop's URL.",
        )
    if isinstance(error, AuthRejected) and error.status == 403 and not error.code:  # noqa: PLR2004
        return _as(
            AuthRejected,
            error,
            "A firewall or security plugin in front of the shop refuses us: allow this server.",
        )
    if isinstance(error, InvalidRequest) and error.code == "woocommerce_rest_invalid_order_id":
        return _as(NotFound, error, "The shop does not have this order any more.")
    return error


def unreadable(err: PayloadInvalid, operation: str) -> InvalidRequest:
    """Say in a caller's terms that the shop sent something else than its API describes."""
    return InvalidRequest(
        f"The shop's answer cannot be read: {err}", platform="woocommerce", operation=operation
    )


def _as(kind: type[AdapterError], error: AdapterError, message: str) -> AdapterError:
    return kind(
        f"{message} ({error.status})",
        platform=error.platform,
        operation=error.operation,
        status=error.status,
        request_id=error.request_id,
        excerpt=error.excerpt,
        retry_after_s=error.retry_after_s,
        code=error.code,
    )
