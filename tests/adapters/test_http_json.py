"""JSON of others is decoded typed, shallow and from many threads at once."""

import subprocess
import sys

import msgspec
import pytest

from adapters._json import check_depth, decode, decode_any, decode_object
from connector.errors import PayloadInvalid


class Thing(msgspec.Struct):
    """A small shape."""

    id: int
    inner: dict[str, list[int]] = {}


def test_depth_is_counted_outside_of_texts() -> None:
    """Brackets inside of texts, escaped quotes included, are no levels."""
    check_depth(b'{"a":"' + b"[" * 1000 + b'\\"[[[["}')
    check_depth(b"[]" * 1000)
    check_depth(b"[" * 64 + b"]" * 64)
    with pytest.raises(PayloadInvalid, match="64"):
        check_depth(b"[" * 65 + b"]" * 65)


def test_depth_of_broken_text_ends_soon() -> None:
    """A text without end is looked at once, not again from each of its quotes."""
    check_depth(b'"' + b'\\"' * 200_000 + b"[" * 70)
    with pytest.raises(PayloadInvalid):
        check_depth(b'"["[' * 200_000)


@pytest.mark.parametrize("body", [b"NaN", b"Infinity", b"1e999", b"[-Infinity]", b'"\xff"', b"{,}"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """Numbers that are none, and bytes that are no text, are refused."""
    with pytest.raises(PayloadInvalid):
        decode_any(body)


def test_objects_only() -> None:
    """Where an object is wanted, a list is refused."""
    assert decode_object(b'\xef\xbb\xbf{"a":1}') == {"a": 1}
    with pytest.raises(PayloadInvalid):
        decode_object(b"[1]")


def test_large_identifiers_are_exact() -> None:
    """Identifiers of 64 bits, which a float would round, stay as they are."""
    assert decode(Thing, b'{"id":9007199254740993}').id == 9007199254740993


def test_many_threads_meet_a_type_at_once() -> None:
    """Threads that decode a type nobody decoded before do not end the process."""
    program = (
        "import threading\n"
        "from adapters._json import decode\n"
        "from adapters.shops.woocommerce.payload import OrderBody\n"
        "from connector.errors import PayloadInvalid\n"
        "gate = threading.Barrier(16)\n"
        "def work():\n"
        "    gate.wait()\n"
        "    try:\n"
        '        decode(OrderBody, b\'{"id":1,"billing":{},"line_items":[{}]}\')\n'
        "    except PayloadInvalid:\n"
        "        pass\n"
        "threads = [threading.Thread(target=work) for _ in range(16)]\n"
        "[thread.start() for thread in threads]\n"
        "[thread.join() for thread in threads]\n"
        "print('alive')\n"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "alive\n"
