"""Stop taking webhooks before the disk is full, and keep room to clean up."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

MIB: Final = 1024 * 1024
# What is left below this belongs to work that was taken: the smaller of the two.
RESERVE_BYTES: Final = 200 * MIB
RESERVE_SHARE: Final = 0.05
BALLAST: Final = "ballast"
BALLAST_BYTES: Final = 32 * MIB
# With less than this, not even a DELETE may succeed: it has to be written first.
_FULL_BYTES: Final = 8 * MIB
# Ballast is only held where it is a small part of what is free.
_ROOMY: Final = 10
_LOOK_S: Final = 3.0


class Disk:
    """The disk of a SQLite database.

    Args:
        folder: where the database lies; None for one on a server, whose disk is not
            ours to watch.
        usage: tells (total, used, free) bytes of the disk of a folder.
    """

    def __init__(
        self,
        folder: Path | None,
        log: Callable[..., None],
        *,
        usage: Callable[[Path], tuple[int, int, int]] = shutil.disk_usage,
    ) -> None:
        self._folder = folder
        self._log = log
        self._usage = usage
        self._lock = threading.Lock()
        self._room = True
        self._wanted = False
        self._looked_at: float | None = None

    @property
    def ballast(self) -> Path | None:
        """Name the file that is given up when the disk is full; None when there is none."""
        path = None if self._folder is None else self._folder / BALLAST
        return path if path is not None and path.exists() else None

    def has_room(self) -> bool:
        """Tell whether webhooks may be taken; looks at the disk every few seconds."""
        if self._folder is None:
            return True
        with self._lock:
            now = time.monotonic()
            if self._looked_at is None or now - self._looked_at >= _LOOK_S:
                self._look(self._folder)
                self._looked_at = now
            return self._room

    def is_fresh(self) -> bool:
        """Tell whether `has_room` would answer without a look at the disk."""
        looked_at = self._looked_at
        return self._folder is None or (
            looked_at is not None and time.monotonic() - looked_at < _LOOK_S
        )

    def hold_ballast(self) -> None:
        """Set some room aside, where there is plenty of it."""
        self._wanted = True
        if self._folder is None or self.ballast is not None:
            return
        try:
            if self._usage(self._folder)[2] < RESERVE_BYTES + _ROOMY * BALLAST_BYTES:
                return
            _allocate(self._folder / BALLAST)
        except OSError as err:
            self._log("disk.no_ballast", error=type(err).__name__)

    def hold_again(self) -> None:
        """Set room aside again after it was given up, once there is plenty."""
        if self._wanted and self.has_room():
            self.hold_ballast()

    def _look(self, folder: Path) -> None:
        try:
            total, _, free = self._usage(folder)
        except OSError:
            # The database will say what is wrong.
            return
        room = free > min(RESERVE_BYTES, total * RESERVE_SHARE)
        if room is not self._room:
            self._log("disk.room_again" if room else "disk.almost_full", free_mib=free // MIB)
        self._room = room
        ballast = self.ballast
        if free < _FULL_BYTES and ballast is not None:
            try:
                ballast.unlink(missing_ok=True)
            except OSError:
                return
            self._log("disk.ballast_released", free_mib=free // MIB)


def _allocate(path: Path) -> None:
    """Take the room for real: a file with holes would hold nothing."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(handle, 0, BALLAST_BYTES)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
