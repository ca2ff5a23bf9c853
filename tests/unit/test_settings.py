"""Settings: typed, complete, and with an answer for every slip."""

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connector.errors import ConfigurationError
from connector.secret import Secret
from connector.settings import PREFIX, SETTINGS, Setting, Settings, load_settings

CANARY = "canary-8f1c"

EXAMPLES: dict[str, tuple[str, Any]] = {
    "data_dir": ("/srv/postventa", Path("/srv/postventa")),
    "database_url": ("postgresql://u:p@db/shop", Secret("postgresql://u:p@db/shop")),
    "secret_key_file": ("/etc/postventa/key", Path("/etc/postventa/key")),
    "base_url": ("https://postventa.example.com/", "https://postventa.example.com"),
    "broker_url": ("redis://:p@broker/0", Secret("redis://:p@broker/0")),
    "smtp_url": ("smtp://u:p@mail:587", Secret("smtp://u:p@mail:587")),
    "mail_from": ("shop@example.com", "shop@example.com"),
    "allow_private_hosts": ("true", True),
    "allow_http": ("yes", True),
    "log_level": ("debug", "DEBUG"),
    "poll_interval_s": ("12.5", 12.5),
    "body_limit_bytes": ("2048", 2048),
    "max_coupons_per_hour": ("3", 3),
    "max_messages_per_hour": ("0", 0),
    "keep_bodies_days": ("7", 7),
    "keep_evidence_days": ("90", 90),
}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda item: item.name)
def test_each_setting_is_read(setting: Setting) -> None:
    """A variable fills the field of its name with a value of its type, and no other."""
    text, value = EXAMPLES[setting.name]
    loaded = load_settings({f"POSTVENTA_{setting.name.upper()}": text})
    assert loaded == dataclasses.replace(Settings(), **{setting.name: value})
    assert type(getattr(loaded, setting.name)) is type(value)
    assert value != getattr(Settings(), setting.name)


def test_all_together() -> None:
    """All settings may be given at once."""
    loaded = load_settings({PREFIX + name.upper(): text for name, (text, _) in EXAMPLES.items()})
    assert loaded == Settings(**{name: value for name, (_, value) in EXAMPLES.items()})


def test_list_and_record_agree() -> None:
    """The list of settings and the record have the same names, each once."""
    assert [setting.name for setting in SETTINGS] == [
        entry.name for entry in dataclasses.fields(Settings)
    ]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda item: item.name)
def test_written_default_is_the_real_one(setting: Setting) -> None:
    """The default that people read is the value that holds."""
    assert setting.help.endswith((".", "`."))
    if setting.name == "secret_key_file":
        assert setting.default == "<data dir>/secret.key"
        assert Settings().secret_key_file is None
        return
    read = load_settings({setting.variable: setting.default})
    assert read == Settings()
    assert load_settings({}) == Settings()


@pytest.mark.parametrize("text", ["1", "true", "True", "TRUE", " yes ", "on"])
def test_flag_on(text: str) -> None:
    """These words switch a flag on."""
    assert load_settings({"POSTVENTA_ALLOW_HTTP": text}).allow_http is True


@pytest.mark.parametrize("text", ["0", "false", "False", "FALSE", " no ", "off", "", "  "])
def test_flag_off(text: str) -> None:
    """These words switch a flag off; above all, `false` does."""
    assert load_settings({"POSTVENTA_ALLOW_HTTP": text}).allow_http is False


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("ALLOW_HTTP", "maybe", "write true or false"),
        ("ALLOW_HTTP", "2", "write true or false"),
        ("ALLOW_PRIVATE_HOSTS", "sí", "write true or false"),
        ("POLL_INTERVAL_S", "0", "more than 0"),
        ("POLL_INTERVAL_S", "-5", "more than 0"),
        ("POLL_INTERVAL_S", "86400", "less than a day"),
        ("POLL_INTERVAL_S", "nan", "more than 0"),
        ("POLL_INTERVAL_S", "inf", "less than a day"),
        ("POLL_INTERVAL_S", "5m", "could not convert"),
        ("BODY_LIMIT_BYTES", "1023", "from 1024 to 67108864"),
        ("BODY_LIMIT_BYTES", "67108865", "from 1024 to 67108864"),
        ("BODY_LIMIT_BYTES", "5MB", "invalid literal"),
        ("BODY_LIMIT_BYTES", "1e6", "invalid literal"),
        ("BASE_URL", "postventa.example.com", "write an address like https://"),
        ("BASE_URL", "ftp://postventa.example.com", "write an address like https://"),
        ("BASE_URL", "https://", "write an address like https://"),
        ("BASE_URL", "https://[::1", "cannot be read"),
        ("LOG_LEVEL", "verbose", "write DEBUG, INFO, WARNING or ERROR"),
        ("LOG_LEVEL", "10", "write DEBUG, INFO, WARNING or ERROR"),
    ],
)
def test_wrong_values_name_setting_and_remedy(name: str, text: str, hint: str) -> None:
    """A value that cannot be read stops the start and says which one and what to write."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings({PREFIX + name: text})
    assert str(caught.value).startswith(f"POSTVENTA_{name} cannot be read: ")
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("poll_interval_s", "0.01", 0.01),
        ("poll_interval_s", "86399.9", 86_399.9),
        ("body_limit_bytes", "1024", 1024),
        ("body_limit_bytes", "67108864", 67_108_864),
        ("base_url", " http://127.0.0.1:8000// ", "http://127.0.0.1:8000"),
        ("base_url", "https://example.com/postventa/", "https://example.com/postventa"),
        ("log_level", " warning ", "WARNING"),
    ],
)
def test_values_at_the_edge(name: str, text: str, value: object) -> None:
    """The outermost values are taken, and space around a value does no harm."""
    assert getattr(load_settings({PREFIX + name.upper(): text}), name) == value


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("POSTVENTA_DATABSE_URL", "POSTVENTA_DATABASE_URL"),
        ("POSTVENTA_BASEURL", "POSTVENTA_BASE_URL"),
        ("POSTVENTA_ALLOW_PRIVATE_HOST", "POSTVENTA_ALLOW_PRIVATE_HOSTS"),
        ("POSTVENTA_data_dir", None),
        ("POSTVENTA_", None),
    ],
)
def test_unknown_name(name: str, meant: str | None) -> None:
    """A name we do not know is an error that names the one that was meant."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings({name: CANARY})
    assert str(caught.value).startswith(f"{name} is no setting of Postventa.")
    assert CANARY not in str(caught.value)
    if meant is not None:
        assert str(caught.value).endswith(f" Did you mean {meant}?")


def test_name_like_no_other_has_no_suggestion() -> None:
    """A name that is far from all has no suggestion."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings({"POSTVENTA_ZZZZZZZZZZZZZZZZZZZZ": "1"})
    assert "Did you mean" not in str(caught.value)


def test_other_variables_are_passed_over() -> None:
    """Variables of others, and those of the pretend shops, are none of our business."""
    others = {"PATH": "/bin", "postventa_base_url": "x", "POSTVENTA_SANDBOX_SEED": "7"}
    assert load_settings(others) == Settings()


def test_empty_value_is_the_default() -> None:
    """An empty variable counts as not set, for every setting."""
    for blank in ("", "   "):
        assert load_settings({setting.variable: blank for setting in SETTINGS}) == Settings()


def test_secrets_never_show() -> None:
    """However settings are printed, formatted or written as JSON, no secret is in it."""
    hidden = [s.name for s in SETTINGS if s.read is Secret]
    assert hidden == ["database_url", "broker_url", "smtp_url"]
    loaded = load_settings({PREFIX + name.upper(): CANARY for name in hidden})
    for name in hidden:
        secret = getattr(loaded, name)
        assert secret.reveal() == CANARY
        for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{secret!s:>9}"):
            assert CANARY not in shown
            assert "****" in shown
    assert CANARY not in repr(loaded)
    assert CANARY not in str(copy.deepcopy(loaded))
    assert CANARY not in json.dumps({"settings": loaded}, default=str)
    assert CANARY not in str(dataclasses.asdict(loaded))
    for write in (json.dumps, msgspec.json.encode, msgspec.to_builtins):
        with pytest.raises(TypeError) as caught:
            write({"url": loaded.database_url})
        assert CANARY not in str(caught.value)


def test_secret_is_no_text() -> None:
    """A secret is not a str, is true when it holds something, and equals its equal."""
    assert not isinstance(Secret("a"), str)
    assert Secret("a")
    assert not Secret("")
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert copy.deepcopy(Secret("a")).reveal() == "a"
    with pytest.raises(TypeError):
        "key " + Secret("a")  # type: ignore[operator]  # that is the point
