"""The key file: made once, readable by its owner only, and never swapped unseen."""

import base64
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from connector.errors import ConfigurationError
from connector.settings import Settings
from tests.support import until
from webhooks.wiring import key_path, open_application, read_key

ROOT = Path(__file__).parents[2]
KEY = bytes(range(32))


def test_first_use_makes_a_key(tmp_path: Path) -> None:
    """The first start makes 32 random bytes that only the owner may read, and keeps them."""
    settings = Settings(data_dir=tmp_path / "new" / "folder")
    key = read_key(settings)
    path = tmp_path / "new" / "folder" / "secret.key"
    assert key_path(settings) == path
    assert len(key) == 32
    assert base64.b64decode(path.read_text(encoding="ascii")) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret.key"]
    assert read_key(settings) == key
    assert read_key(Settings(data_dir=tmp_path / "other")) != key


def test_key_file_elsewhere(tmp_path: Path) -> None:
    """A key file that is named is used, and none is made in the data folder."""
    path = tmp_path / "my.key"
    path.write_text(base64.b64encode(KEY).decode() + "\n", encoding="ascii")
    settings = Settings(data_dir=tmp_path / "data", secret_key_file=path)
    assert read_key(settings) == KEY
    assert not (tmp_path / "data").exists()


_MAKE = """
import sys, time
from pathlib import Path
from connector.settings import Settings
from tests.support import until
from webhooks.wiring import read_key
here = Path(sys.argv[1])
(here / f"ready-{sys.argv[2]}").touch()
while not (here / "go").exists():
    time.sleep(0.0005)
for number in range(30):
    print(read_key(Settings(data_dir=here / "data" / str(number))).hex())
"""


def test_two_processes_make_one_key(tmp_path: Path) -> None:
    """Two processes that start at the same time end with the same key, thirty times over."""
    running = [
        subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", _MAKE, str(tmp_path), name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    for name in ("a", "b"):
        until((tmp_path / f"ready-{name}").exists, what=f"process {name}")
    (tmp_path / "go").touch()
    one, other = (process.communicate(timeout=120)[0].split() for process in running)
    assert [process.returncode for process in running] == [0, 0]
    assert one == other
    assert len(set(one)) == 30
    for number, key in enumerate(one):
        (path,) = (tmp_path / "data" / str(number)).iterdir()
        assert path.name == "secret.key"
        assert base64.b64decode(path.read_bytes()).hex() == key
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "must hold 32 bytes as base64"),
        (base64.b64encode(KEY[:16]), "must hold 32 bytes as base64"),
        (base64.b64encode(KEY + b"x"), "must hold 32 bytes as base64"),
        (b"not base64!", "cannot be read"),
        (KEY.hex().encode() + b"!", "cannot be read"),
        ("clé".encode(), "cannot be read"),
        (KEY[:3] + b"\xff" * 29, "cannot be read"),
    ],
)
def test_wrong_content(content: bytes, says: str, tmp_path: Path) -> None:
    """A file that holds no key is refused, named, left as it is, and not quoted."""
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read_key(Settings(data_dir=tmp_path))
    text = str(caught.value)
    assert str(path) in text
    assert says in text
    assert "32 bytes as base64" in text
    assert path.read_bytes() == content
    assert content == b"" or content.decode("latin-1") not in text


def test_key_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """A folder in the place of the key, or a file in that of its folder, is refused."""
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(ConfigurationError, match="restore your copy"):
        read_key(Settings(data_dir=tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_key(Settings(data_dir=tmp_path / "file" / "below"))


def test_another_key_on_the_same_database(tmp_path: Path) -> None:
    """A database is not opened with a key it was not made with; the right one still fits."""
    settings = Settings(data_dir=tmp_path)
    with open_application(settings):
        pass
    right = (tmp_path / "secret.key").read_bytes()
    with open_application(settings):
        pass
    other = tmp_path / "other.key"
    other.write_bytes(base64.b64encode(KEY))
    with (
        pytest.raises(ConfigurationError, match=r"not the one this database was made with") as told,
        open_application(replace(settings, secret_key_file=other)),
    ):
        pass
    assert "POSTVENTA_SECRET_KEY_FILE" in str(told.value)
    # A lost key is not replaced in silence either.
    (tmp_path / "secret.key").unlink()
    with pytest.raises(ConfigurationError, match="not the one"), open_application(settings):
        pass
    (tmp_path / "secret.key").write_bytes(right)
    with open_application(settings):
        pass
