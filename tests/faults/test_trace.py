"""Reading traces: which answers left before the log was on disk."""

from tests.faults.syscalls import read_trace

SYNC = "12 fsync(7</data/postventa.db-wal>) = 0\n"
ANSWER = (
    '9 writev(11<TCP:[…]>, [{iov_base="HTTP/1.1 200 OK\\r\\n\\r\\n", iov_len=19}, '
    '{iov_base="{\\"status\\": \\"stored\\"}\\n", iov_len=21}], 2) = 40\n'
)


def test_a_sync_before_each_answer_is_good() -> None:
    """Each answer has its own sync before it."""
    assert read_trace(SYNC + ANSWER + SYNC + ANSWER) == []


def test_an_answer_without_a_sync_is_found() -> None:
    """One sync does not cover two answers that were asked for one after the other."""
    assert read_trace(SYNC + ANSWER + ANSWER) == ["answer 2 left before the log was synced"]


def test_a_sync_that_failed_or_has_not_ended_is_none() -> None:
    """Only a sync that has returned 0 counts."""
    failed = SYNC.replace("= 0", "= -1 EIO (Input/output error)")
    begun = "12 fsync(7</data/postventa.db-wal> <unfinished ...>\n"
    ended = "12 <... fsync resumed>) = 0\n"
    assert read_trace(failed + ANSWER) == ["answer 1 left before the log was synced"]
    assert read_trace(begun + ANSWER + ended) == ["answer 1 left before the log was synced"]
    assert read_trace(begun + ended + ANSWER) == []


def test_the_sync_of_another_file_is_none() -> None:
    """Only the write-ahead log counts."""
    other = SYNC.replace("-wal", "-journal")
    assert read_trace(other + ANSWER) == ["answer 1 left before the log was synced"]


def test_an_empty_trace_proves_nothing() -> None:
    """A trace without any answer is a finding of its own."""
    assert read_trace("") == ["the trace shows no answer at all"]
