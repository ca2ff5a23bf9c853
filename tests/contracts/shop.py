"""What every shop adapter must do; an adapter's own test fills in the hooks.

Subclass ShopContract in `tests/adapters/shops/`, give the hooks below and the fixture
`pretend`; every test here then runs against that adapter.
"""

import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from connector.errors import (
    AdapterError,
    AuthRejected,
    Conflict,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TemporaryFailure,
    Unreachable,
    Unsupported,
)
from connector.model.write import (
    AddTags,
    RemoveTags,
)
from connector.ports import Capability
from tests.contracts.shop_hooks import ACTIONS, MARKER, NOW, Pretend
from tests.contracts.shop_inbound import InboundContract

__all__ = ["MARKER", "NOW", "Pretend", "ShopContract"]


class ShopContract(InboundContract):
    """The rules of a shop adapter: deliveries, writes, and what may go wrong."""

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
