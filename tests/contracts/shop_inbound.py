"""What every shop adapter must do with deliveries."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.errors import (
    DeliveryMalformed,
    PayloadInvalid,
    SignatureRejected,
)
from connector.model.event import EventType
from connector.secret import Secret
from tests.contracts.shop_hooks import ShopHooks, times_of


class InboundContract(ShopHooks):
    """Signatures, keys, lanes and the meaning of deliveries."""

    # Signatures.

    def test_right_signature_is_taken(self) -> None:
        """A body signed with the shop's secret is taken."""
        self.bare_adapter().verify(self.delivery(), [self.secret])

    def test_old_secret_is_taken_during_rotation(self) -> None:
        """While a secret is changed, the old and the new one are both right."""
        both = [self.secret, self.old_secret]
        self.bare_adapter().verify(self.delivery(secret=self.old_secret), both)
        self.bare_adapter().verify(self.delivery(secret=self.secret), both)

    def test_old_secret_is_refused_afterwards(self) -> None:
        """A secret that is no longer listed is refused."""
        with pytest.raises(SignatureRejected):
            self.bare_adapter().verify(self.delivery(secret=self.old_secret), [self.secret])

    @pytest.mark.parametrize("secrets", [[], [Secret("")]], ids=["none", "empty"])
    def test_no_secret_takes_nothing(self, secrets: list[Secret]) -> None:
        """Without a secret, or with an empty one, nothing is right."""
        with pytest.raises(SignatureRejected):
            self.bare_adapter().verify(self.delivery(secret=Secret("")), secrets)

    def test_each_missing_header_is_named(self) -> None:
        """A delivery without one of its headers is malformed, and the header is named."""
        for name in (*self.required_headers, self.signature_header):
            delivery = self.delivery()
            headers = {key: value for key, value in delivery.headers.items() if key != name}
            with pytest.raises(DeliveryMalformed) as caught:
                self.bare_adapter().verify(replace(delivery, headers=headers), [self.secret])
            assert [item.lower() for item in caught.value.missing] == [name]

    def test_all_missing_headers_are_named(self) -> None:
        """A delivery without any header names all that are missing."""
        with pytest.raises(DeliveryMalformed) as caught:
            self.bare_adapter().verify(replace(self.delivery(), headers={}), [self.secret])
        assert {item.lower() for item in caught.value.missing} == {
            *self.required_headers,
            self.signature_header,
        }

    def test_any_changed_byte_is_refused(self) -> None:
        """A body with one bit changed, one byte more or one less is refused."""
        delivery = self.delivery()
        body = delivery.body
        changed = [
            body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            for at in range(0, len(body), max(1, len(body) // 200))
        ]
        for other in (*changed, body[:-1], body + b" ", b""):
            with pytest.raises(SignatureRejected):
                self.bare_adapter().verify(replace(delivery, body=other), [self.secret])

    def test_signature_for_another_use_is_refused(self) -> None:
        """A signature that the right secret made in another form is refused."""
        delivery = self.delivery()
        for use, signature in self.foreign_signatures(delivery.body, self.secret).items():
            headers = {**delivery.headers, self.signature_header: signature}
            with pytest.raises(SignatureRejected):
                self.bare_adapter().verify(replace(delivery, headers=headers), [self.secret])
            assert use

    @pytest.mark.parametrize("text", ["", "ñ", "\udcff", "A" * 10_000, "=", "null"])
    def test_odd_signature_is_refused(self, text: str) -> None:
        """A signature that is no base64 is refused and breaks nothing."""
        delivery = self.delivery()
        headers = {**delivery.headers, self.signature_header: text}
        with pytest.raises((SignatureRejected, DeliveryMalformed)):
            self.bare_adapter().verify(replace(delivery, headers=headers), [self.secret])

    # Keys and lanes.

    def test_redelivery_keeps_its_key(self) -> None:
        """The same delivery sent again has the same key, of at most 200 letters."""
        adapter, delivery = self.bare_adapter(), self.delivery()
        key = adapter.key(delivery)
        assert adapter.key(self.redelivery(delivery)) == key
        assert 0 < len(key) <= 200

    def test_lane_is_the_order(self) -> None:
        """A delivery about an order runs in that order's lane."""
        order = self.only_order(self.order_body())
        assert self.bare_adapter().lane(self.delivery()) == order.ref

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\x00", b'{"id":{}}', b"null"])
    def test_lane_never_raises(self, body: bytes) -> None:
        """A body that cannot be read has no lane."""
        assert not self.bare_adapter().lane(self.delivery(body=body))

    # Meaning.

    def test_order_topic_gives_an_order(self) -> None:
        """An order delivery is understood as an order."""
        events = self.bare_adapter().parse(self.delivery())
        assert [event.type for event in events] == [EventType.ORDER]

    def test_unknown_topic_is_unknown(self) -> None:
        """A topic nobody knows is UNKNOWN and no error."""
        events = self.bare_adapter().parse(self.delivery(topic=self.unknown_topic, body=b"{}"))
        assert [event.type for event in events] == [EventType.UNKNOWN]

    def test_missing_field_is_invalid(self) -> None:
        """An order without a field that each order has cannot be read; the field is named."""
        data = json.loads(self.order_body())
        del data[self.required_field]
        with pytest.raises(PayloadInvalid, match=self.required_field):
            self.bare_adapter().parse(self.delivery(body=json.dumps(data).encode()))

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"\xff\xfe",
            b'{"id": NaN}',
            b'{"id": 1e999}',
            b'{"id": ' + b"9" * 5000 + b"}",
            b"[" * 100_000,
            b'{"a":' * 65 + b"1" + b"}" * 65,
        ],
        ids=["empty", "cut", "bytes", "nan", "huge float", "huge integer", "open", "deep"],
    )
    def test_unreadable_body_is_invalid(self, body: bytes) -> None:
        """A body that is no JSON of ours is PayloadInvalid and nothing worse."""
        with pytest.raises(PayloadInvalid):
            self.bare_adapter().parse(self.delivery(body=body))

    @pytest.mark.parametrize(
        ("currency", "total", "minor"),
        [
            ("JPY", "1500", 1500),
            ("JPY", "1500.00", 1500),
            ("EUR", "43.74", 4374),
            ("EUR", "0.07", 7),
            ("KWD", "4.125", 4125),
            ("KWD", "0.001", 1),
            ("EUR", "90071992547409.93", 9007199254740993),
        ],
    )
    def test_money_is_exact(self, currency: str, total: str, minor: int) -> None:
        """Money of 0, 2 and 3 decimals is exact, beyond what a float can hold too."""
        order = self.only_order(self.order_body(currency, total))
        assert (order.total_minor, order.currency) == (minor, currency)

    def test_all_times_are_utc(self) -> None:
        """Every time in an order and its event is aware and in UTC."""
        [event] = self.bare_adapter().parse(self.delivery())
        found = [*times_of(event.order), event.occurred_at]
        assert len(found) > 2
        assert {time.utcoffset() for time in found} == {timedelta(0)}
