"""What every shop adapter must do; an adapter's own test fills in the hooks.

Subclass ShopContract in `tests/adapters/shops/`, give the hooks below and the fixture
`pretend`; every test here then runs against that adapter.
"""

import json
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

import pytest

from connector.errors import (
    AdapterError,
    AuthRejected,
    Conflict,
    DeliveryMalformed,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PayloadInvalid,
    RateLimited,
    SignatureRejected,
    TemporaryFailure,
    Unreachable,
    Unsupported,
)
from connector.model.event import EventType, WebhookDelivery
from connector.model.order import Order, OrderRef, ShopId
from connector.model.write import (
    AddNote,
    AddTags,
    CreateDiscountCode,
    DiscountKind,
    RemoveTags,
    SetMeta,
    SetStatus,
    WriteBack,
)
from connector.ports import Capability, ShopAdapter
from connector.secret import Secret

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MARKER = "pv-4f9a01c2d3"
ACTIONS = (
    Capability.NOTE,
    Capability.NOTE_TO_BUYER,
    Capability.TAG,
    Capability.META,
    Capability.STATUS,
    Capability.DISCOUNT_CODE,
    Capability.DISCOUNT_FREE_SHIPPING,
)


class Pretend(Protocol):
    """A running pretend shop with an adapter that is connected to it.

    Attributes:
        adapter: with a read timeout of about one second.
        secret_texts: keys and tokens that may stand in no error and no log line.
    """

    adapter: ShopAdapter
    secret_texts: tuple[str, ...]

    def new_order(self) -> OrderRef:
        """Make an order that was paid a moment ago, with buyer and one line."""
        ...

    def fail(self, what: str, mode: str, **values: Any) -> None:
        """Let the next call of `what` (`read`: fetch_order, `write`: NOTE or TAG) fail.

        Args: mode: one of the sandbox's fault modes; values: its further fields.
        """
        ...

    def copies(self, action: WriteBack) -> int:
        """Count how often an action stands in the shop."""
        ...

    def unreachable(self) -> ShopAdapter:
        """Give an adapter for an address where nobody listens."""
        ...


def times_of(value: Any) -> Iterator[datetime]:
    """Walk through a record and give every time in it."""
    if isinstance(value, datetime):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from times_of(getattr(value, field.name))
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from times_of(item)


class ShopContract:
    """The rules of a shop adapter.

    Attributes:
        secret, old_secret: webhook secrets of the shop.
        signature_header: lower case, like the other header names.
        required_headers: all that a delivery must have; each is tried missing.
        order_topic, unknown_topic: in the platform's words.
        required_field: a field at the top of an order body that must be there.
        error_statuses: statuses that the platform answers with an HTTP status.
        write_kind: the capability whose action `fail("write", ...)` hits.
    """

    secret: ClassVar[Secret]
    old_secret: ClassVar[Secret]
    signature_header: ClassVar[str]
    required_headers: ClassVar[tuple[str, ...]]
    order_topic: ClassVar[str]
    unknown_topic: ClassVar[str]
    required_field: ClassVar[str]
    write_kind: ClassVar[Capability] = Capability.NOTE

    # Hooks.

    def bare_adapter(self) -> ShopAdapter:
        """Give an adapter for the pure verbs; it calls nobody."""
        raise NotImplementedError

    def headers(self, topic: str, body: bytes) -> dict[str, str]:
        """Give all headers of a delivery but the signature, as the platform sends them."""
        raise NotImplementedError

    def sign(self, body: bytes, secret: Secret) -> str:
        """Compute the platform's signature by the test's own means."""
        raise NotImplementedError

    def foreign_signatures(self, body: bytes, secret: Secret) -> Mapping[str, str]:
        """Give signatures made with the right secret for another use, by their use."""
        raise NotImplementedError

    def order_body(self, currency: str = "EUR", total: str = "43.74") -> bytes:
        """Give an order as the platform sends it."""
        raise NotImplementedError

    def redelivery(self, delivery: WebhookDelivery) -> WebhookDelivery:
        """Give the same delivery as the platform sends it again."""
        return replace(delivery, received_at=delivery.received_at + timedelta(minutes=7))

    # Helpers.

    def delivery(
        self, topic: str | None = None, body: bytes | None = None, secret: Secret | None = None
    ) -> WebhookDelivery:
        """Make a rightly signed delivery."""
        topic = self.order_topic if topic is None else topic
        body = self.order_body() if body is None else body
        headers = self.headers(topic, body)
        headers[self.signature_header] = self.sign(body, secret or self.secret)
        return WebhookDelivery(ShopId("1"), headers, body, NOW)

    def only_order(self, body: bytes) -> Order:
        """Parse a body that holds one order."""
        events = self.bare_adapter().parse(self.delivery(body=body))
        orders = [event.order for event in events if event.order is not None]
        assert len(orders) == 1
        return orders[0]

    def actions(self, adapter: ShopAdapter, ref: OrderRef) -> dict[Capability, WriteBack]:
        """Give one write of each capability."""
        status = adapter.info.statuses[0] if adapter.info.statuses else "completed"
        code = CreateDiscountCode(
            code="gracias-7k2m9x4q",
            kind=DiscountKind.PERCENT,
            value="10",
            currency="EUR",
            title="Gracias",
            marker=MARKER,
            starts_at=datetime.now(UTC).replace(microsecond=0),
            ends_at=datetime.now(UTC).replace(microsecond=0) + timedelta(days=30),
            usage_limit=1,
            order_ref=ref,
        )
        return {
            Capability.NOTE: AddNote(ref, "Gracias por su compra", MARKER),
            Capability.NOTE_TO_BUYER: AddNote(ref, "Gracias por su compra", MARKER, to_buyer=True),
            Capability.TAG: AddTags(ref, ("postventa-welcome",)),
            Capability.META: SetMeta(ref, "survey", "sent"),
            Capability.STATUS: SetStatus(ref, status),
            Capability.DISCOUNT_CODE: code,
            Capability.DISCOUNT_FREE_SHIPPING: replace(
                code, kind=DiscountKind.FREE_SHIPPING, value="0", code="envio-7k2m9x4q"
            ),
        }

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

    # Writing.

    @pytest.mark.parametrize("capability", ACTIONS)
    def test_declared_works_and_the_rest_is_unsupported(
        self, pretend: Pretend, capability: Capability
    ) -> None:
        """A declared capability works once and is found again; others are Unsupported."""
        adapter = pretend.adapter
        action = self.actions(adapter, pretend.new_order())[capability]
        if capability not in adapter.info.capabilities:
            with pytest.raises(Unsupported):
                adapter.write(action)
            return
        assert adapter.find(action) is None
        written = adapter.write(action)
        found = adapter.find(action)
        assert found is not None
        assert written.ref == found.ref
        assert pretend.copies(action) == 1

    @pytest.mark.parametrize("capability", ACTIONS)
    def test_same_write_twice_has_one_effect(
        self, pretend: Pretend, capability: Capability
    ) -> None:
        """Who looks before writing leaves one effect, however often it is done."""
        adapter = pretend.adapter
        if capability not in adapter.info.capabilities:
            return
        action = self.actions(adapter, pretend.new_order())[capability]
        for _ in range(3):
            if adapter.find(action) is None:
                adapter.write(action)
        assert pretend.copies(action) == 1

    def test_tags_are_added_and_removed(self, pretend: Pretend) -> None:
        """Labels join those that are there; taking one off leaves the others."""
        adapter, ref = pretend.adapter, pretend.new_order()
        adapter.write(AddTags(ref, ("one", "two")))
        adapter.write(AddTags(ref, ("two", "three")))
        adapter.write(RemoveTags(ref, ("one", "never-there")))
        assert set(adapter.fetch_order(ref).tags) == {"two", "three"}
        assert adapter.find(RemoveTags(ref, ("one",))) is not None
        assert adapter.find(RemoveTags(ref, ("two",))) is None

    # Failures.

    def _write(self, pretend: Pretend) -> Callable[[], Any]:
        action = self.actions(pretend.adapter, pretend.new_order())[self.write_kind]
        return lambda: pretend.adapter.write(action)

    def _read(self, pretend: Pretend) -> Callable[[], Any]:
        ref = pretend.new_order()
        return lambda: pretend.adapter.fetch_order(ref)

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (401, AuthRejected),
            (403, AuthRejected),
            (404, NotFound),
            (409, Conflict),
            (422, InvalidRequest),
            (500, OutcomeUnknown),
            (502, OutcomeUnknown),
            (504, OutcomeUnknown),
        ],
    )
    def test_status_of_a_write(
        self, pretend: Pretend, status: int, expected: type[AdapterError]
    ) -> None:
        """Each status after a write has its error; a 5xx does not tell what was done."""
        call = self._write(pretend)
        pretend.fail("write", "status", status=status, times=None)
        with pytest.raises(expected) as caught:
            call()
        assert caught.value.status == status
        assert caught.value.operation

    @pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
    def test_server_error_of_a_read_is_temporary(self, pretend: Pretend, status: int) -> None:
        """A read that meets a server error is tried again later."""
        call = self._read(pretend)
        pretend.fail("read", "status", status=status, times=None)
        with pytest.raises(TemporaryFailure):
            call()

    @pytest.mark.parametrize("what", ["read", "write"])
    def test_too_many_calls_tell_the_wait(self, pretend: Pretend, what: str) -> None:
        """A 429 is RateLimited with the wait that the shop asks for."""
        call = self._read(pretend) if what == "read" else self._write(pretend)
        pretend.fail(what, "status_429", retry_after_s=7, times=None)
        with pytest.raises(RateLimited) as caught:
            call()
        assert caught.value.retry_after_s is not None
        assert 5 <= caught.value.retry_after_s <= 8

    @pytest.mark.parametrize(
        "mode", ["drop_after", "reset_after", "cut_body", "html_200_after", "hang_after"]
    )
    def test_lost_answer_of_a_write_is_unknown_and_found(self, pretend: Pretend, mode: str) -> None:
        """A write that was done without a readable answer is unknown, then found."""
        action = self.actions(pretend.adapter, pretend.new_order())[self.write_kind]
        pretend.fail("write", mode, hang_s=4.0)
        with pytest.raises(OutcomeUnknown):
            pretend.adapter.write(action)
        assert pretend.adapter.find(action) is not None
        assert pretend.copies(action) == 1

    @pytest.mark.parametrize("mode", ["drop_before", "reset_before", "html_200"])
    def test_write_that_was_not_done_is_unknown_and_not_found(
        self, pretend: Pretend, mode: str
    ) -> None:
        """From a broken connection nobody can tell; looking shows that it is not there."""
        action = self.actions(pretend.adapter, pretend.new_order())[self.write_kind]
        pretend.fail("write", mode)
        with pytest.raises(OutcomeUnknown):
            pretend.adapter.write(action)
        assert pretend.adapter.find(action) is None
        pretend.adapter.write(action)
        assert pretend.copies(action) == 1

    @pytest.mark.parametrize(
        "mode", ["drop_after", "reset_after", "cut_body", "html_200", "hang_before"]
    )
    def test_lost_answer_of_a_read_is_temporary(self, pretend: Pretend, mode: str) -> None:
        """A read without a readable answer is tried again later."""
        call = self._read(pretend)
        pretend.fail("read", mode, hang_s=4.0, times=None)
        with pytest.raises(TemporaryFailure):
            call()

    def test_nobody_there_is_unreachable(self, pretend: Pretend) -> None:
        """A write that could not even connect was surely not done."""
        action = self.actions(pretend.adapter, pretend.new_order())[self.write_kind]
        with pytest.raises(Unreachable):
            pretend.unreachable().write(action)

    def test_no_secret_in_errors_and_logs(
        self, pretend: Pretend, caplog: pytest.LogCaptureFixture
    ) -> None:
        """No key and no token stands in a log line, an error or its traceback."""
        caplog.set_level(logging.DEBUG)
        texts: list[str] = []
        for what, mode in [
            ("read", "drop_after"),
            ("write", "drop_after"),
            ("read", "html_200"),
            ("write", "status_500"),
            ("read", "status_429"),
        ]:
            call = self._read(pretend) if what == "read" else self._write(pretend)
            pretend.fail(what, mode, times=2)
            try:
                call()
            except AdapterError as err:
                texts += [repr(err), err.excerpt, "".join(traceback.format_exception(err))]
        assert len(texts) >= 12
        texts += [record.getMessage() + repr(record.__dict__) for record in caplog.records]
        whole = "\n".join(texts)
        for secret in pretend.secret_texts:
            assert secret not in whole
