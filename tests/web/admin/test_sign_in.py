"""Coming in: passwords, waits, second factor, sessions that end."""

import re
from pathlib import Path

import pyotp
import pytest

from connector.admin.tries import begin_try
from connector.storage.access import UserState
from tests.running import Running
from tests.support import FrozenClock
from tests.web.admin.console import Console
from tests.web.admin.world import PASSWORD, add_user


def acts(running: Running) -> list[str]:
    """List the acts in the log, oldest first."""
    with running.storage.reading() as tx:
        return [entry.act for entry in reversed(tx.audit(limit=100))]


def test_sign_in_and_out(running: Running) -> None:
    """The right password opens the pages until one signs out; the log knows both."""
    add_user(running, "ana@example.com")
    console = Console(running)
    assert console.get("/admin/users").headers["Location"] == "/admin/login?next=/admin/users"
    answer = console.login("  ANA@example.com ", next="/admin/users")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/users")
    cookie = answer.headers["Set-Cookie"]
    assert "postventa=" in cookie
    for word in ("HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookie
    assert console.get("/admin/users").status_code == 200
    kept = console.http.cookies["postventa"]
    console.get("/admin/")
    assert console.post("/admin/logout").status_code == 303
    console.http.cookies["postventa"] = kept
    assert console.get("/admin/users").status_code == 303
    assert acts(running) == ["sign_in.done", "sign_out.done"]


def test_cookies_are_bound_to_the_host_where_there_is_tls(tmp_path: Path) -> None:
    """Reached by https, the cookie is Secure and named `__Host-`."""
    with Running(tmp_path, base_url="https://postventa.example.com") as running:
        add_user(running, "ana")
        console = Console(running)
        page = console.get("/admin/login")
        before = page.headers["Set-Cookie"].split(";")[0]
        fields = {"csrf": console.word, "name": "ana", "password": PASSWORD}
        headers = {"Origin": "https://postventa.example.com", "Cookie": before}
        cookie = console.send("/admin/login", fields, headers).headers["Set-Cookie"]
    assert re.search(r"__Host-postventa=[\w-]{43};.*Secure", cookie)
    assert "Domain" not in cookie


def test_the_session_is_kept_as_a_digest_only(
    running: Running, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the cookie nor the password stands in the data folder or in the log."""
    add_user(running, "ana")
    cookie = Console(running, "ana").http.cookies["postventa"]
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert cookie.encode() not in file.read_bytes()
            assert PASSWORD.encode() not in file.read_bytes()
    logged = "".join(capfd.readouterr())
    assert cookie not in logged
    assert PASSWORD not in logged


@pytest.mark.parametrize(
    ("name", "password"),
    [("ana", "wrong"), ("nobody", PASSWORD), ("", ""), ("ana", ""), ("ana", "x" * 5_000)],
)
def test_wrong_words_tell_nothing(running: Running, name: str, password: str) -> None:
    """A wrong password and a name that nobody has get the same answer."""
    add_user(running, "ana")
    console = Console(running)
    answer = console.login(name, password)
    assert answer.status_code == 401
    assert "That name and password do not belong together." in answer.text
    assert "postventa=" not in answer.headers.get("Set-Cookie", "")


@pytest.mark.parametrize("name", ["ana", "nobody"])
def test_guessing_is_slowed_down(running: Running, clock: FrozenClock, name: str) -> None:
    """After five wrong tries even the right password waits, longer each time, for any name."""
    add_user(running, "ana")
    console = Console(running)
    for _ in range(5):
        assert console.login(name, "wrong").status_code == 401
    answer = console.login(name)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "16"
    assert "Wait 1 min" in answer.text
    clock.move(seconds=16)
    assert console.login(name, "wrong").status_code == 401
    # Twice as long as before.
    clock.move(seconds=16)
    assert console.login(name).status_code == 429
    clock.move(seconds=15)
    assert console.login(name).status_code == (303 if name == "ana" else 401)


def test_one_address_cannot_try_many_names(running: Running, clock: FrozenClock) -> None:
    """Tries from one address, each with another name, make that address wait at last."""
    add_user(running, "ana")
    console = Console(running)
    assert console.login("name0", "wrong").status_code == 401
    with running.storage.transaction() as tx:
        # So many are free to a near address, which may be a proxy.
        for number in range(1, 200):
            assert begin_try(tx, f"name{number}", "127.0.0.1", clock.now()) is None
    assert console.login("ana").status_code == 429
    clock.move(seconds=16)
    assert console.login("ana").status_code == 303


def test_the_session_has_a_new_name(running: Running) -> None:
    """What an attacker put into the browser before is no session afterwards."""
    add_user(running, "ana")
    first = Console(running, "ana").http.cookies["postventa"]
    console = Console(running)
    planted = {"domain": "127.0.0.1", "path": "/"}
    console.http.cookies.set("postventa", "chosen-by-somebody-else", **planted)
    console.http.cookies.set("postventa-before", first, **planted)
    assert console.login("ana").status_code == 303
    names = {cookie.value for cookie in console.http.cookies}
    assert not names & {"chosen-by-somebody-else", first}
    stranger = Console(running)
    stranger.http.cookies["postventa"] = "chosen-by-somebody-else"
    assert stranger.get("/admin/users").status_code == 303


def test_idle_sessions_end(running: Running, clock: FrozenClock) -> None:
    """Eight hours without a page end a session; a page in between does not."""
    add_user(running, "ana")
    console = Console(running, "ana")
    clock.move(hours=7, minutes=59)
    assert console.get("/admin/users").status_code == 200
    clock.move(hours=7, minutes=59)
    assert console.get("/admin/users").status_code == 200
    clock.move(hours=8)
    assert console.get("/admin/users").status_code == 303


def test_every_session_ends(running: Running, clock: FrozenClock) -> None:
    """After seven days one signs in again, however often a page was opened."""
    add_user(running, "ana")
    console = Console(running, "ana")
    for _ in range(23):
        clock.move(hours=7)
        assert console.get("/admin/users").status_code == 200
    clock.move(hours=7)
    assert console.get("/admin/users").status_code == 303


def test_who_is_kept_out_is_out_at_once(running: Running) -> None:
    """A disabled user's open session opens nothing, and the password neither."""
    user = add_user(running, "ana")
    console = Console(running, "ana")
    with running.storage.transaction() as tx:
        tx.update_user(user.id, state=UserState.DISABLED)
    assert console.get("/admin/users").status_code == 303
    assert Console(running).login("ana").status_code == 401


def test_a_new_password_ends_other_sessions(running: Running) -> None:
    """Changing the password asks for the old one and ends all other sessions."""
    add_user(running, "ana")
    here, there = Console(running, "ana"), Console(running, "ana")
    here.get("/admin/account")
    wrong = here.post("/admin/account/password", password="wrong", new="another good one 8")
    assert wrong.status_code == 401
    assert there.get("/admin/users").status_code == 200
    for bad in ("short", "aaaaaaaaaaaaaaaa", "passwordana12"):
        assert here.post("/admin/account/password", password=PASSWORD, new=bad).status_code == 422
    answer = here.post("/admin/account/password", password=PASSWORD, new="another good one 8")
    assert answer.headers["Location"].endswith("said=password_changed")
    assert here.get("/admin/users").status_code == 200
    assert there.get("/admin/users").status_code == 303
    assert Console(running).login("ana").status_code == 401
    assert Console(running).login("ana", "another good one 8").status_code == 303


def test_sessions_are_listed_and_ended(running: Running) -> None:
    """One sees where one is signed in and ends one session or all others."""
    add_user(running, "ana")
    here, there, third = (Console(running, "ana") for _ in range(3))
    page = here.get("/admin/account").text
    assert page.count("this one") == 1
    names = re.findall(r'name="which" value="([0-9a-f]{16})"', page)
    assert len(names) == 2
    here.post("/admin/account/sessions", which=names[0])
    assert sorted(one.get("/admin/users").status_code for one in (there, third)) == [200, 303]
    here.get("/admin/account")
    here.post("/admin/account/sessions", which="others")
    assert [one.get("/admin/users").status_code for one in (there, third)] == [303, 303]
    assert here.get("/admin/users").status_code == 200


def set_up_totp(console: Console, clock: FrozenClock) -> tuple[pyotp.TOTP, list[str]]:
    """Switch the second factor on; give what the telephone keeps and the recovery codes."""
    console.get("/admin/account")
    page = console.post("/admin/account/totp", password=PASSWORD).text
    secret = re.findall(r'name="secret" value="([A-Z2-7]{32})"', page)[0]
    assert f"otpauth://totp/Postventa:ana?secret={secret}" in page
    totp = pyotp.TOTP(secret)
    confirm = "/admin/account/totp/confirm"
    wrong = console.post(confirm, secret=secret, code="000000", password=PASSWORD)
    assert wrong.status_code == 422
    page = console.post(confirm, secret=secret, code=totp.at(clock.now()), password=PASSWORD).text
    codes = re.findall(r"<code>([a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4})</code>", page)
    assert len(codes) == 10
    return totp, codes


def test_second_factor(running: Running, clock: FrozenClock) -> None:
    """With a second factor the password alone opens nothing; each code counts once."""
    add_user(running, "ana")
    totp, codes = set_up_totp(Console(running, "ana"), clock)
    console = Console(running)
    answer = console.login("ana", next="/admin/users")
    assert answer.headers["Location"] == "/admin/totp?next=/admin/users"
    assert console.get("/admin/users").status_code == 303
    console.get("/admin/totp?next=/admin/users")
    # The very code that switched it on was used by that.
    used = console.post("/admin/totp", code=totp.at(clock.now()), next="/admin/users")
    assert used.status_code == 401
    clock.move(seconds=30)
    code = totp.at(clock.now())
    answer = console.post("/admin/totp", code=f" {code[:3]} {code[3:]}", next="/admin/users")
    assert answer.headers["Location"] == "/admin/users"
    assert console.get("/admin/users").status_code == 200
    again = Console(running)
    again.login("ana")
    again.get("/admin/totp")
    assert again.post("/admin/totp", code=code).status_code == 401
    assert again.post("/admin/totp", code=codes[0].upper()).status_code == 303
    third = Console(running)
    third.login("ana")
    third.get("/admin/totp")
    assert third.post("/admin/totp", code=codes[0]).status_code == 401
    assert "second_factor.recovery_used" in acts(running)


def test_codes_cannot_be_guessed(running: Running, clock: FrozenClock) -> None:
    """Wrong codes count like wrong passwords: after some even the right one waits."""
    add_user(running, "ana")
    totp, _ = set_up_totp(Console(running, "ana"), clock)
    console = Console(running)
    console.login("ana")
    console.get("/admin/totp")
    answers = [console.post("/admin/totp", code=f"{n:06}").status_code for n in range(6)]
    assert 429 in answers
    clock.move(seconds=1)
    assert console.post("/admin/totp", code=totp.at(clock.now())).status_code == 429


def test_the_half_way_session_ends_soon(running: Running, clock: FrozenClock) -> None:
    """Ten minutes after the password the code comes too late."""
    add_user(running, "ana")
    totp, _ = set_up_totp(Console(running, "ana"), clock)
    console = Console(running)
    console.login("ana")
    console.get("/admin/totp")
    clock.move(minutes=10)
    answer = console.post("/admin/totp", code=totp.at(clock.now()))
    assert answer.headers["Location"].startswith("/admin/login")
