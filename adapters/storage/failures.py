"""Turn the drivers' errors into ours, without the data they carry."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import exc

from connector.errors import PostventaError, StorageUnavailable

# A statement that is wrong stays wrong: these are never a reason to try again.
_FAULTS: Final = (
    exc.IntegrityError,
    exc.DataError,
    exc.ProgrammingError,
    exc.NotSupportedError,
)


@contextmanager
def translated() -> Iterator[None]:
    """Raise StorageUnavailable for what the database cannot do at the moment."""
    try:
        yield
    except exc.DBAPIError as err:
        # From None: the driver's error may quote the values of the row.
        raise _ours(err) from None
    except exc.TimeoutError:
        raise StorageUnavailable("all connections to the database are busy") from None


def _ours(err: exc.DBAPIError) -> PostventaError:
    text = _reason(err)
    if isinstance(err, _FAULTS) and not err.connection_invalidated:
        return PostventaError(f"the database refused a statement: {text}")
    return StorageUnavailable(f"the database cannot do it now: {text}")


def _reason(err: exc.DBAPIError) -> str:
    original = err.orig
    diagnosis = getattr(original, "diag", None)
    primary = getattr(diagnosis, "message_primary", None)
    name = type(original).__name__
    if isinstance(err, exc.DataError):
        # Its text quotes the value.
        return name
    return f"{name}: {primary or str(original).partition(chr(10))[0]}"
