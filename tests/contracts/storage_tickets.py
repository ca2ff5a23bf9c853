"""What the store promises about tickets."""

import threading

from connector.secret import Secret
from connector.storage.port import Storage
from tests.contracts.storage_data import NOW, later

END = later(minutes=30)


class TicketContract:
    """Every promise about tickets."""

    def test_a_ticket_is_taken_once(self, storage: Storage) -> None:
        """Who takes it has what it holds; who comes second has nothing."""
        with storage.transaction() as tx:
            assert tx.put_ticket(
                "state", "abc", now=NOW, expires_at=END, data={"a": 1}, secret=Secret("s3")
            )
        with storage.transaction() as tx:
            seen = tx.ticket("state", "abc", now=NOW)
            assert seen is not None
            assert seen.secret is not None
            assert (seen.data, seen.expires_at, seen.secret.reveal()) == ({"a": 1}, END, "s3")
            assert tx.take_ticket("state", "abc", now=NOW) == seen
            assert tx.take_ticket("state", "abc", now=NOW) is None
            assert tx.ticket("state", "abc", now=NOW) is None

    def test_a_ticket_ends(self, storage: Storage) -> None:
        """At its end it opens nothing, and it can still not be made anew."""
        with storage.transaction() as tx:
            assert tx.put_ticket("nonce", "abc", now=NOW, expires_at=END)
            assert tx.ticket("nonce", "abc", now=later(minutes=29)) is not None
            assert tx.ticket("nonce", "abc", now=END) is None
            assert not tx.put_ticket("nonce", "abc", now=END, expires_at=later(hours=1))
            assert tx.take_ticket("nonce", "abc", now=END) is None

    def test_a_ticket_is_for_one_purpose(self, storage: Storage) -> None:
        """The same token opens nothing of another kind."""
        with storage.transaction() as tx:
            assert tx.put_ticket("one", "abc", now=NOW, expires_at=END)
            assert tx.ticket("two", "abc", now=NOW) is None
            assert tx.put_ticket("two", "abc", now=NOW, expires_at=END)

    def test_a_ticket_can_be_changed(self, storage: Storage) -> None:
        """Its values are replaced, its secret only by another one."""
        with storage.transaction() as tx:
            tx.put_ticket("state", "abc", now=NOW, expires_at=END, secret=Secret("old"))
            assert tx.change_ticket("state", "abc", data={"b": 2})
            assert not tx.change_ticket("state", "else", data={})
            seen = tx.ticket("state", "abc", now=NOW)
            assert seen is not None
            assert (seen.data, seen.secret) == ({"b": 2}, Secret("old"))
            tx.change_ticket("state", "abc", data={}, secret=Secret("new"))
            seen = tx.ticket("state", "abc", now=NOW)
            assert seen is not None
            assert seen.secret == Secret("new")

    def test_old_tickets_are_deleted(self, storage: Storage) -> None:
        """A day after its end the row is gone, when the next one is made."""
        with storage.transaction() as tx:
            tx.put_ticket("nonce", "abc", now=NOW, expires_at=END)
            tx.put_ticket("nonce", "def", now=later(days=2), expires_at=later(days=3))
            assert tx.put_ticket("nonce", "abc", now=later(days=2), expires_at=later(days=3))

    def test_one_of_many_spends_a_nonce(self, storage: Storage) -> None:
        """Eight at once spend the same nonce: it counts for one."""
        spent: list[bool] = []
        start = threading.Barrier(8)

        def spend() -> None:
            start.wait()
            with storage.transaction() as tx:
                spent.append(tx.put_ticket("nonce", "abc", now=NOW, expires_at=END))

        threads = [threading.Thread(target=spend) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(spent) == [False] * 7 + [True]
