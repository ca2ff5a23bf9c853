"""A PostgreSQL server of the tests' own: made for a run and removed after it."""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg

_USER: Final = "postventa"
_SETTINGS: Final = {
    # Reached by its socket alone: no port to fight over.
    "listen_addresses": "''",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "log_min_messages": "fatal",
    "max_wal_size": "256MB",
}


def server_program(name: str) -> str:
    """Find one of the server's programs, on PATH or where Debian puts them."""
    found = shutil.which(name)
    if found:
        return found
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda item: item.parent.name)
    for folder in reversed(folders):
        if (folder / name).exists():
            return str(folder / name)
    raise RuntimeError(f"{name} is missing: run `make postgresql`")


class Cluster:
    """A running server in a folder of its own.

    Used as a context manager; `settings` are added to the ones above.
    """

    def __init__(self, **settings: str) -> None:
        self._settings = {**_SETTINGS, **settings}
        self._numbers = itertools.count(1)
        self.folder = Path()

    def __enter__(self) -> Self:
        """Make the cluster and start the server."""
        # Short and near the root: a socket's path has at most 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
        try:
            if os.geteuid() == 0:
                shutil.chown(self.folder, "postgres", "postgres")
            self._run(
                "initdb",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--no-locale",
                f"--username={_USER}",
                f"--pgdata={self.data}",
            )
            self.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def data(self) -> Path:
        """Give the folder of the server's files."""
        return self.folder / "data"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = " ".join(
            f"-c {name}={value}"
            for name, value in {
                **self._settings,
                "unix_socket_directories": str(self.folder),
            }.items()
        )
        self._run(
            "pg_ctl",
            "start",
            "--wait",
            "--timeout=60",
            f"--pgdata={self.data}",
            f"--log={self.folder / 'log'}",
            f"--options={options}",
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server: `immediate` is as good as a power cut of the process."""
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", f"--mode={mode}", "--timeout=60", f"--pgdata={self.data}")

    def url(self, database: str = "postgres") -> str:
        """Give the address of a database, as POSTVENTA_DATABASE_URL takes it."""
        return f"postgresql://{_USER}@/{database}?host={self.folder}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside of a transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def new_database(self, template: str = "template1") -> str:
        """Make a database and give its name."""
        name = f"t{next(self._numbers)}"
        # By copying files: no checkpoint, which is what takes long.
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[str] = [server_program(program), *arguments]
        if os.geteuid() == 0:
            # The server refuses to run as root.
            command = [
                "setpriv",
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                *command,
            ]
        done = subprocess.run(  # noqa: S603 - our own words only
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            log = self.folder / "log"
            text = log.read_text() if log.exists() else done.stdout
            raise RuntimeError(f"{program} failed: {text}")
