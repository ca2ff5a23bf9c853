"""Share one commit among many callers: a sync of the disk costs more than a row."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from adapters.storage.transaction import SqlTransaction
from connector.errors import StorageUnavailable

Work = Callable[[SqlTransaction], None]
_MOST: Final = 200


class _Piece:
    """One caller's work and what became of it."""

    __slots__ = ("done", "error", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()


class GroupCommit:
    """One thread that collects waiting pieces and commits them together.

    Args: transaction: opens the transaction that a group is run in.
    """

    def __init__(self, transaction: Callable[[], AbstractContextManager[SqlTransaction]]) -> None:
        self._transaction = transaction
        self._changed = threading.Condition()
        self._waiting: deque[_Piece] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, work: Work) -> None:
        """Run a piece of writing in a shared commit and wait until that is on disk.

        It may run twice, when another one of the group fails; the last run counts.

        Raises: StorageUnavailable: nothing was stored. Else what `work` raised;
            nothing of it is stored then.
        """
        piece = _Piece(work)
        with self._changed:
            if self._closed:
                raise StorageUnavailable("the store is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
                self._thread.start()
            self._waiting.append(piece)
            self._changed.notify()
        piece.done.acquire()
        if piece.error is not None:
            raise piece.error

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while group := self._next_group():
            try:
                self._commit(group)
            except BaseException as err:  # noqa: BLE001 - every caller has to learn of it
                for piece in group:
                    piece.error = piece.error or err
            for piece in group:
                piece.done.release()

    def _next_group(self) -> list[_Piece]:
        """Wait for work; an empty group means that the store is closed."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            return [self._waiting.popleft() for _ in range(min(_MOST, len(self._waiting)))]

    def _commit(self, group: list[_Piece]) -> None:
        """Commit all pieces together.

        Nearly always each of them can be stored, so they first run bare: a savepoint
        costs as much as the row inside it. When one fails, nothing of the group is kept
        and all run once more, each apart.
        """
        failed = False
        try:
            with self._transaction() as tx:
                for piece in group:
                    try:
                        piece.work(tx)
                    except BaseException as err:
                        failed = True
                        if len(group) == 1:
                            piece.error = err
                        raise
        except BaseException:
            # A commit that failed is not tried again: what became of it is not known.
            if not failed or len(group) == 1:
                raise
        if failed:
            self._commit_apart(group)

    def _commit_apart(self, group: list[_Piece]) -> None:
        with self._transaction() as tx:
            for piece in group:
                # A savepoint each: a piece that fails takes nothing else with it.
                tx.connection.exec_driver_sql("SAVEPOINT piece")
                try:
                    piece.work(tx)
                except BaseException as err:  # noqa: BLE001 - it belongs to its caller
                    # When this fails, the whole transaction is lost, for all callers.
                    tx.connection.exec_driver_sql("ROLLBACK TO SAVEPOINT piece")
                    piece.error = err
                tx.connection.exec_driver_sql("RELEASE SAVEPOINT piece")
