"""The command `users`: who may sign in, told by whoever has the machine."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from connector.storage.access import Door
from tests.running import Running
from tests.web.admin.console import Console
from tests.web.admin.world import PASSWORD, fill_shop
from webhooks.cli.main import main


def run(running: Running, *words: str, typed: str = "") -> Result:
    """Run a command on the data of a server."""
    data_dir = str(running.settings.data_dir)
    environment = {"POSTVENTA_DATA_DIR": data_dir, "POSTVENTA_BASE_URL": running.url}
    return CliRunner(env=environment).invoke(main, ["users", *words], input=typed)


def test_users_come_and_go(tmp_path: Path) -> None:
    """A user is added, signs in, gets other roles and passwords, and is kept out."""
    with Running(tmp_path) as running:
        shop = fill_shop(running, "Ours")
        added = run(running, "add", "Ana@Example.com", "--role", "owner", typed=f"{PASSWORD}\n")
        assert added.exit_code == 0, added.output
        assert PASSWORD not in added.output
        assert f"{running.url}/admin/" in added.output
        ana = Console(running, "ana@example.com")
        assert ana.get("/admin/users").status_code == 200
        again = run(running, "add", "ana@example.com", typed=f"{PASSWORD}\n")
        assert (again.exit_code, "there already" in again.output) == (2, True)
        assert run(running, "role", "ana@example.com", "none").exit_code == 0
        assert run(running, "role", "ANA@example.com", "viewer", "--shop", shop.id).exit_code == 0
        (line,) = json.loads(run(running, "list", "--json").output)
        assert (line["name"], line["state"], line["totp"], line["roles"]) == (
            "ana@example.com",
            "active",
            False,
            {shop.id: "viewer"},
        )
        assert ana.get("/admin/users").status_code == 403
        done = run(running, "passwd", "ana@example.com", typed="another good one 9\n")
        assert "1 sessions were ended" in done.output
        assert ana.get("/admin/account").status_code == 303
        ana = Console(running, "ana@example.com", "another good one 9")
        assert run(running, "disable", "ana@example.com").exit_code == 0
        assert ana.get("/admin/account").status_code == 303
        assert Console(running).login("ana@example.com", "another good one 9").status_code == 401
        assert run(running, "disable", "ana@example.com", "--undo").exit_code == 0
        assert run(running, "totp", "ana@example.com", "--off").exit_code == 0
        Console(running, "ana@example.com", "another good one 9")
        with running.storage.reading() as tx:
            acts = [one.act for one in tx.audit(limit=99) if one.door is Door.COMMAND]
    assert acts[::-1] == [
        "user.added",
        "user.role",
        "user.role",
        "user.passwd",
        "user.disable",
        "user.enable",
        "user.totp_off",
    ]


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    """A weak password, an unknown user, shop or role end with 2 and store nothing."""
    with Running(tmp_path) as running:
        wrong = [
            run(running, "add", "ana", typed="short\n"),
            run(running, "add", "ana", typed=""),
            run(running, "add", "a b", typed=f"{PASSWORD}\n"),
            run(running, "add", "ana", "--shop", "snone", typed=f"{PASSWORD}\n"),
            run(running, "add", "ana", "--role", "king", typed=f"{PASSWORD}\n"),
            run(running, "passwd", "nobody", typed=f"{PASSWORD}\n"),
            run(running, "disable", "nobody"),
        ]
        assert [done.exit_code for done in wrong] == [2] * len(wrong)
        assert json.loads(run(running, "list", "--json").output) == []
