"""The server, the worker and the doctor, started as real processes where it matters."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support import free_port, until
from tests.web.cli import Cli, added
from webhooks.sandbox.woocommerce.shop import WooShop

RULES = """
rules:
  - id: gracias
    name: Gracias
    trigger: order.paid
    actions:
      - tag: {add: [postventa-welcome]}
    enabled: true
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Give commands over an empty data folder."""
    return Cli(tmp_path)


def command(*args: str) -> list[str]:
    """Give the installed program with arguments."""
    return [str(Path(sys.executable).with_name("postventa")), *args]


def environment(cli: Cli, base_url: str) -> dict[str, str]:
    """Give the variables of a process."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("POSTVENTA_")}
    return clean | {
        "POSTVENTA_DATA_DIR": str(cli.folder),
        "POSTVENTA_BASE_URL": base_url,
        "POSTVENTA_ALLOW_HTTP": "true",
        "POSTVENTA_ALLOW_PRIVATE_HOSTS": "true",
    }


@contextmanager
def process(cli: Cli, base_url: str, *args: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a command that goes on until it is stopped; its end must be an orderly one."""
    log = cli.folder / f"{args[0]}.log"
    with log.open("w", encoding="utf-8") as stream:
        running = subprocess.Popen(  # noqa: S603 - our own program
            command(*args), env=environment(cli, base_url), stderr=stream, text=True
        )
    try:
        yield running
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0, log.read_text(encoding="utf-8")
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()


def program(cli: Cli, *args: str) -> "subprocess.CompletedProcess[str]":
    """Run the installed program to its end."""
    return subprocess.run(  # noqa: S603 - our own program
        command(*args),
        env=environment(cli, "https://a.example"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def answers(url: str) -> bool:
    """Tell whether a server answers."""
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("split", [False, True])
def test_server_and_worker_work_an_order_off(cli: Cli, split: bool) -> None:
    """A paid order is tagged in the shop, by one process or by server and worker apart."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    env: dict[str, str | None] = {"POSTVENTA_BASE_URL": base}
    serve = ["serve", "--port", str(port), *(["--no-worker"] if split else ["--workers", "2"])]
    rules = cli.folder / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    with WooShop(queue_interval_s=0.2) as woo, process(cli, base, *serve):
        until(lambda: answers(base + "/readyz"), what="the server")
        made = json.loads(cli.ok(*added(woo), "--json", env=env))
        cli.ok("rules", "import", str(rules), "--shop", made["id"])
        ref = str(woo.create_order({"paid": True})["id"])

        def tagged() -> bool:
            orders: list[dict[str, Any]] = woo.state()["orders"]
            return any(
                str(one["id"]) == ref and one["meta"].get("_postventa_tags") == "postventa-welcome"
                for one in orders
            )

        if split:
            until(lambda: cli.data("status")["inbox"]["waiting"] > 0, what="a stored delivery")
            assert not tagged()
            with process(cli, base, "worker", "--threads", "1"):
                until(tagged, what="the tag")
        else:
            until(tagged, what="the tag")
        # A refused request is counted, not stored; the count is there at the latest
        # when the server has stopped.
        token = made["webhook_url"].rpartition("/")[2]
        answer = requests.post(f"{base}/hooks/woocommerce/{token}", json={}, timeout=30)
        assert answer.status_code in {400, 401}
    status = cli.data("status")
    assert status["inbox"]["rejected"] == 1
    assert status["shops"][0]["last_delivery_at"] is not None


def test_taken_port_fails(cli: Cli) -> None:
    """A port that another program has ends the server with 1 and a sentence."""
    with WooShop(queue_interval_s=60) as other:
        port = other.url.rpartition(":")[2]
        ended = program(cli, "serve", "--port", port)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Error: Cannot listen on 127.0.0.1:{port}: ")
    assert "Choose another --port." in ended.stderr


def test_bad_serve_options_are_usage(cli: Cli) -> None:
    """Ports and numbers of workers have bounds, and no worker has no threads."""
    cli.refused("serve", "--port", "70000", says="70000 is not in the range")
    cli.refused("serve", "--port", "http", says="'http' is not a valid integer")
    cli.refused("serve", "--workers", "0", says="0 is not in the range")
    cli.refused("serve", "--no-worker", "--workers", "2", says="exclude each other")


def test_migrate_makes_the_database(cli: Cli) -> None:
    """The database is there after `migrate`, twice alike."""
    assert cli.ok("migrate") == "The sqlite database is ready.\n"
    assert (cli.folder / "postventa.db").exists()
    assert cli.ok("migrate") == "The sqlite database is ready.\n"


def test_doctor_of_a_good_installation(cli: Cli) -> None:
    """Nothing is to be mended in a fresh installation with its address set."""
    findings = {one["what"]: one for one in cli.data("doctor")}
    assert {"python", "base URL", "disk", "database", "durability", "key file"} <= set(findings)
    assert {one["state"] for one in findings.values()} == {"ok", "note"}
    assert "ok" in cli.ok("doctor")


def found(cli: Cli, what: str, env: dict[str, str | None] | None = None, *args: str) -> Any:
    """Give one finding of a doctor who found something to mend."""
    result = cli.run("doctor", "--json", *args, env=env)
    assert result.exit_code == 1, (result.stdout, result.stderr)
    assert "Something needs mending" in result.stderr
    finding = next(one for one in json.loads(result.stdout) if one["what"] == what)
    assert finding["mend"]
    return finding


def test_doctor_misses_the_base_url(cli: Cli) -> None:
    """Without a public address no shop can reach us; without TLS none should."""
    assert found(cli, "base URL", {"POSTVENTA_BASE_URL": None})["state"] == "bad"
    plain: dict[str, str | None] = {
        "POSTVENTA_BASE_URL": "http://shop.example.com",
        "POSTVENTA_ALLOW_PRIVATE_HOSTS": None,
    }
    assert "TLS" in found(cli, "base URL", plain)["mend"]


def test_doctor_sees_an_open_key_file(cli: Cli) -> None:
    """A key that others may read is to be closed."""
    cli.ok("migrate")
    (cli.folder / "secret.key").chmod(0o644)
    assert "chmod 600" in found(cli, "key file")["mend"]


def test_doctor_sees_shops_and_stopped_effects(cli: Cli) -> None:
    """A shop that is down and effects that are stopped are told with what to do."""
    with WooShop(queue_interval_s=60) as woo:
        made = cli.add(woo)
        findings = {one["what"]: one for one in cli.data("doctor")}
        assert findings[f"shop {made['id']}"]["state"] == "ok"
    assert found(cli, f"shop {made['id']}")["state"] == "bad"
    cli.ok("doctor", "--offline")
    cli.ok("effects", "stop")
    assert "postventa effects start" in found(cli, "effects", None, "--offline")["mend"]


def test_doctor_names_a_wrong_setting(cli: Cli) -> None:
    """A setting that cannot be read ends the look with its name."""
    finding = found(cli, "settings", {"POSTVENTA_POLL_INTERVAL_S": "often"})
    assert "POSTVENTA_POLL_INTERVAL_S" in finding["found"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("POSTVENTA_BASE_ULR", "https://a.example", "Did you mean POSTVENTA_BASE_URL?"),
        ("POSTVENTA_BASE_URL", "a.example", "POSTVENTA_BASE_URL cannot be read"),
        ("POSTVENTA_ALLOW_HTTP", "maybe", "write true or false"),
        ("POSTVENTA_LOG_LEVEL", "LOUD", "write DEBUG, INFO, WARNING or ERROR"),
        ("POSTVENTA_BODY_LIMIT_BYTES", "12", "write bytes"),
        ("POSTVENTA_DATABASE_URL", "mysql://h/db", "POSTVENTA_DATABASE_URL"),
    ],
)
def test_wrong_settings_are_refused(cli: Cli, name: str, value: str, says: str) -> None:
    """Every command refuses a setting that it cannot read, by its name."""
    cli.refused("status", says=says, env={name: value})


def test_wrong_keys_are_refused(cli: Cli) -> None:
    """A broken key file, or one of another installation, stops every command."""
    cli.ok("migrate")
    key = cli.folder / "secret.key"
    key.write_text("not base64!", encoding="ascii")
    cli.refused("status", says="cannot be read")
    key.write_text("QUJD\n", encoding="ascii")
    cli.refused("status", says="must hold 32 bytes")
    key.write_text("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=\n", encoding="ascii")
    cli.refused("status", says="not the one this database was made with")


def test_data_folder_that_cannot_be_made(cli: Cli) -> None:
    """A data folder that is a file is refused."""
    path = cli.folder / "file"
    path.write_text("", encoding="ascii")
    cli.refused("status", says="file", env={"POSTVENTA_DATA_DIR": str(path)})


def test_installed_program_answers(cli: Cli) -> None:
    """The program that is installed shows its version, its help and its errors."""
    assert re.fullmatch(r"postventa, version \d+\.\d+\.\d+\S*\n", program(cli, "--version").stdout)
    assert "Usage: postventa" in program(cli, "--help").stdout
    wrong = program(cli, "rules", "lint", "none.yaml")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "Error: none.yaml cannot be read: No such file or directory.\n"
    unknown = program(cli, "shops", "sell")
    assert unknown.returncode == 2
    assert "No such command 'sell'" in unknown.stderr


def test_a_closed_pipe_is_no_fault(cli: Cli) -> None:
    """`postventa … | head` ends quietly."""
    env = environment(cli, "https://a.example")
    running = subprocess.Popen(  # noqa: S603 - our own program
        command("rules", "fields"), env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    told = running.stderr.read().decode()
    running.stderr.close()
    running.wait(60)
    assert "Traceback" not in told
    assert "fault" not in told


def test_help_imports_nothing_heavy() -> None:
    """--help does not load the database, the web server or the adapters."""
    code = (
        "import sys, webhooks.cli.main as m\n"
        "heavy = {'sqlalchemy', 'flask', 'alembic', 'requests', 'rich', 'liquid', 'holidays'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "[]\n"


def test_every_command_has_help(cli: Cli) -> None:
    """Each command says in a whole sentence what it does, and so does each option."""
    import click

    from webhooks.cli.main import main

    def walk(group: click.Command, path: tuple[str, ...]) -> None:
        shown = cli.ok(*path, "--help")
        assert shown.startswith("Usage: postventa")
        assert (group.help or "").rstrip().endswith("."), path
        for parameter in group.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (path, parameter.name)
        if isinstance(group, click.Group):
            for name, below in group.commands.items():
                walk(below, (*path, name))

    walk(main, ())


def test_commands_share_one_database(cli: Cli) -> None:
    """Commands that run at the same time do not fail one another."""
    codes: list[int] = []

    def one() -> None:
        codes.append(program(cli, "status", "--json").returncode)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0, 0]
