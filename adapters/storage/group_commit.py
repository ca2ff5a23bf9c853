"""Share one commit among many callers: a sync of the disk costs more than a row."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from queue import Empty, SimpleQueue
from typing import Final

from adapters.storage.failures import translated
from adapters.storage.transaction import SqlTransaction
from connector.errors import StorageUnavailable
from connector.storage.records import NewDelivery

Work = Callable[[SqlTransaction], None]
Settled = Callable[[int | None, BaseException | None], None]
_MOST: Final = 200


class _Piece:
    """One caller's work: a delivery to be stored, or anything else; and what became of it."""

    __slots__ = ("delivery", "error", "mark", "number", "settled", "work")

    def __init__(
        self,
        settled: Settled,
        *,
        work: Work | None = None,
        delivery: NewDelivery | None = None,
        mark: bool = False,
    ) -> None:
        self.settled = settled
        self.work = work
        self.delivery = delivery
        self.mark = mark
        self.number: int | None = None
        self.error: BaseException | None = None

    def finish(self) -> None:
        """Tell the caller."""
        self.settled(self.number, self.error)


class GroupCommit:
    """One thread that collects waiting pieces and commits them together.

    Args: transaction: opens the transaction that a group is run in.
    """

    def __init__(self, transaction: Callable[[], AbstractContextManager[SqlTransaction]]) -> None:
        self._transaction = transaction
        self._lock = threading.Lock()
        # None comes last and ends the thread.
        self._waiting: SimpleQueue[_Piece | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, work: Work) -> None:
        """Run a piece of writing in a shared commit and wait until that is on disk.

        It may run twice, when another one of the group fails; the last run counts.

        Raises: StorageUnavailable: nothing was stored. Else what `work` raised;
            nothing of it is stored then.
        """
        done = threading.Lock()
        done.acquire()
        piece = _Piece(lambda _number, _error: done.release(), work=work)
        self._add(piece)
        done.acquire()
        if piece.error is not None:
            raise piece.error

    def store_soon(self, delivery: NewDelivery, settled: Settled, *, mark: bool) -> None:
        """Store a row in a shared commit; `settled` hears of it once that is on disk.

        Raises: StorageUnavailable: the store is closed, and nobody will hear anything.
        """
        self._add(_Piece(settled, delivery=delivery, mark=mark))

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
            thread = self._thread
        if thread is not None:
            thread.join()

    def _add(self, piece: _Piece) -> None:
        with self._lock:
            if self._closed:
                raise StorageUnavailable("the store is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
                self._thread.start()
            self._waiting.put(piece)

    def _run(self) -> None:
        while group := self._next_group():
            try:
                self._commit(group)
            except BaseException as err:  # noqa: BLE001 - every caller has to learn of it
                for piece in group:
                    piece.error = piece.error or err
            for piece in group:
                piece.finish()

    def _next_group(self) -> list[_Piece]:
        """Wait for work; an empty group means that the store is closed."""
        group: list[_Piece] = []
        piece = self._waiting.get()
        while piece is not None:
            group.append(piece)
            if len(group) == _MOST:
                return group
            try:
                piece = self._waiting.get_nowait()
            except Empty:
                return group
        if group:
            # The end comes after them.
            self._waiting.put(None)
        return group

    def _commit(self, group: list[_Piece]) -> None:
        """Commit all pieces together.

        Nearly always each of them can be stored, so they first run bare: a savepoint
        costs as much as the row inside it. When one fails, nothing of the group is kept
        and all run once more, each apart.
        """
        ran = False
        try:
            with self._transaction() as tx:
                _run_pieces(tx, group)
                ran = True
        except BaseException:
            # A commit that failed is not tried again: what became of it is not known.
            if ran or len(group) == 1:
                raise
        if not ran:
            self._commit_apart(group)

    def _commit_apart(self, group: list[_Piece]) -> None:
        with self._transaction() as tx:
            for piece in group:
                # A savepoint each: a piece that fails takes nothing else with it.
                tx.connection.exec_driver_sql("SAVEPOINT piece")
                try:
                    with translated():
                        _run_pieces(tx, [piece])
                except BaseException as err:  # noqa: BLE001 - it belongs to its caller
                    # When this fails, the whole transaction is lost, for all callers.
                    tx.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT piece")
                    piece.error = err
                tx.connection.exec_driver_sql("RELEASE SAVEPOINT piece")


def _run_pieces(tx: SqlTransaction, group: list[_Piece]) -> None:
    """Run pieces; the deliveries of all of them go into few statements."""
    rows = [(piece, piece.delivery) for piece in group if piece.delivery is not None]
    if rows:
        numbers = tx.add_deliveries([delivery for _, delivery in rows])
        for (piece, delivery), number in zip(rows, numbers, strict=True):
            piece.number = number
            if piece.mark:
                tx.update_shop(delivery.shop_id, last_delivery_at=delivery.received_at)
    for piece in group:
        if piece.work is not None:
            piece.work(tx)
