"""Settings from `POSTVENTA_*`: read once, typed, an unknown name is an error."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from connector.errors import ConfigurationError
from connector.secret import Secret

PREFIX: Final = "POSTVENTA_"
_NOTHING: Final = Secret("")


@dataclass(frozen=True, slots=True)
class Settings:
    """How this Postventa runs; one field for each entry of SETTINGS."""

    data_dir: Path = Path("data")
    database_url: Secret = _NOTHING
    secret_key_file: Path | None = None
    base_url: str = ""
    broker_url: Secret = _NOTHING
    smtp_url: Secret = _NOTHING
    mail_from: str = ""
    allow_private_hosts: bool = False
    allow_http: bool = False
    log_level: str = "INFO"
    poll_interval_s: float = 300.0
    body_limit_bytes: int = 5 * 1024 * 1024
    max_coupons_per_hour: int = 200
    max_messages_per_hour: int = 2_000
    keep_bodies_days: int = 30
    keep_evidence_days: int = 400


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name without the prefix, how it is read and what it is for."""

    name: str
    read: Callable[[str], Any]
    help: str
    default: str

    @property
    def variable(self) -> str:
        """Name the environment variable."""
        return PREFIX + self.name.upper()


def _flag(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"", "0", "false", "no", "off"}:
        return False
    raise ValueError("write true or false")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 86_400:  # noqa: PLR2004 - one day
        raise ValueError("write seconds, more than 0 and less than a day")
    return value


def _bytes(text: str) -> int:
    value = int(text)
    if not 1024 <= value <= 64 * 1024 * 1024:  # noqa: PLR2004 - 1 KiB to 64 MiB
        raise ValueError("write bytes, from 1024 to 67108864")
    return value


def _ceiling(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 1_000_000:  # noqa: PLR2004 - more bounds nothing
        raise ValueError("write a number from 0 to 1000000")
    return value


def _days(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 400:  # noqa: PLR2004 - as long as the rows themselves
        raise ValueError("write days, from 1 to 400")
    return value


def _url(text: str) -> str:
    cleaned = text.strip().rstrip("/")
    parts = urlsplit(cleaned)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write an address like https://postventa.example.com")
    return cleaned


def _level(text: str) -> str:
    upper = text.strip().upper()
    if upper not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError("write DEBUG, INFO, WARNING or ERROR")
    return upper


SETTINGS: Final = (
    Setting("data_dir", Path, "Folder of the SQLite database and of the secret key.", "./data"),
    Setting(
        "database_url",
        Secret,
        "Where the data lives: empty for SQLite in the data folder, or "
        "`postgresql://user:password@host/name`.",
        "",
    ),
    Setting(
        "secret_key_file",
        Path,
        "File with the key that seals shop keys in the database. Made on first use in the "
        "data folder. Keep a copy apart from the database: without it the shop keys are lost.",
        "<data dir>/secret.key",
    ),
    Setting("base_url", _url, "The address under which shops and buyers reach this server.", ""),
    Setting("broker_url", Secret, "Broker of the Celery workers; empty for one machine.", ""),
    Setting(
        "smtp_url",
        Secret,
        "Mail server, like `smtp://user:password@host:587`, or `smtps://…`. Empty: mails are "
        "kept in the database and not sent.",
        "",
    ),
    Setting("mail_from", str, "Sender address of mails, like `shop@example.com`.", ""),
    Setting(
        "allow_private_hosts",
        _flag,
        "Allow shops on private or loopback addresses. Only for tests and the sandbox.",
        "false",
    ),
    Setting("allow_http", _flag, "Allow shop addresses without TLS.", "false"),
    Setting("log_level", _level, "DEBUG, INFO, WARNING or ERROR.", "INFO"),
    Setting("poll_interval_s", _seconds, "Seconds between two looks for missed orders.", "300"),
    Setting("body_limit_bytes", _bytes, "Largest webhook body that is taken.", "5242880"),
    Setting(
        "max_coupons_per_hour",
        _ceiling,
        "Most discount codes that rules make for one shop in an hour; more wait for the next.",
        "200",
    ),
    Setting(
        "max_messages_per_hour",
        _ceiling,
        "Most messages that rules send for one shop in an hour; more wait for the next.",
        "2000",
    ),
    Setting(
        "keep_bodies_days",
        _days,
        "Days that what shops sent is kept word for word; after that only its digest.",
        "30",
    ),
    Setting(
        "keep_evidence_days",
        _days,
        "Days that is kept why rules acted, how effects were tried and what messages said.",
        "400",
    ),
)


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Args: environment: all variables; those without the prefix are passed over.
    Raises: ConfigurationError: an unknown name, or a value that cannot be read.
    """
    known = {setting.variable: setting for setting in SETTINGS}
    values: dict[str, Any] = {}
    for name, text in environment.items():
        # The pretend shops of the demo have settings of their own.
        if not name.startswith(PREFIX) or name.startswith(PREFIX + "SANDBOX_"):
            continue
        setting = known.get(name)
        if setting is None:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ConfigurationError(f"{name} is no setting of Postventa.{hint}")
        if not text.strip():
            continue
        try:
            values[setting.name] = setting.read(text)
        except ValueError as err:
            raise ConfigurationError(f"{name} cannot be read: {err}.") from err
    return Settings(**values)
