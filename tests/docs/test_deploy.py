"""The files for a deployment name commands, options, settings and paths that exist."""

import configparser
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from connector.settings import SETTINGS
from webhooks.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
KUBERNETES = list(
    yaml.safe_load_all((DEPLOY / "kubernetes" / "postventa.yaml").read_text(encoding="utf-8"))
)
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PAGE = ROOT / "docs" / "howto" / "scale-out.md"


def unit(path: Path) -> configparser.ConfigParser:
    """Read a systemd unit."""
    parser = configparser.ConfigParser(interpolation=None)
    # Names of systemd keep their case.
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path, encoding="utf-8")
    return parser


def of_kind(kind: str) -> list[dict[str, Any]]:
    """Give the Kubernetes objects of a kind."""
    return [item for item in KUBERNETES if item["kind"] == kind]


def containers() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Give each Kubernetes pod with its container."""
    for deployment in of_kind("Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        for container in pod["containers"]:
            yield pod, container


def commands() -> Iterator[tuple[str, list[str]]]:
    """Give every call of our program, with where it stands."""
    for name in ("receiver", "worker"):
        yield f"compose {name}", COMPOSE["services"][name]["command"]
    for _, container in containers():
        yield f"kubernetes {container['name']}", container["args"]
    for path in UNITS:
        program, *args = shlex.split(unit(path)["Service"]["ExecStart"])
        assert Path(program).name == "postventa"
        yield path.name, args
    for line in (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("CMD"):
            yield "Dockerfile", json.loads(line.removeprefix("CMD"))
    for line in re.findall(
        r"^ *\$ postventa (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    ):
        yield "scale-out.md", shlex.split(line)


def parse(args: list[str]) -> None:
    """Let the command line read the words, without running anything."""
    context = main.make_context("postventa", list(args))
    command: click.Command = main
    words = list(args)
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, words
        command = found
        context = command.make_context(words[0], words[1:], parent=context)
        words = words[1:]


def test_every_command_can_be_read() -> None:
    """The command line takes each call with its options: in every file and on the page."""
    found = list(commands())
    assert len(found) == 11
    for where, args in found:
        try:
            parse(args)
        except click.ClickException as err:
            pytest.fail(f"{where}: {err.format_message()}")


def test_every_setting_exists() -> None:
    """No file and no line of the page names a setting that Postventa would refuse."""
    known = {setting.variable for setting in SETTINGS}
    files = [path for path in DEPLOY.rglob("*") if path.is_file()]
    assert len(files) == 6
    for path in [*files, PAGE]:
        named = set(re.findall(r"POSTVENTA_[A-Z_]+", path.read_text(encoding="utf-8")))
        assert named <= known, path.name


def test_the_compose_file_holds_together() -> None:
    """What a service waits for and mounts is there, and only the receiver has a port."""
    services = COMPOSE["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"]), name
        assert ("ports" in service) == (name == "receiver")
    assert services["receiver"]["environment"] == services["worker"]["environment"]
    context = DEPLOY / services["worker"]["build"]["context"]
    assert (context / services["worker"]["build"]["dockerfile"]).is_file()


def test_the_image_copies_what_is_there() -> None:
    """Each file and folder that the image is made of exists."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (.+)$", text, re.MULTILINE)
    sources = [name for line in copied for name in line.split()[:-1]]
    assert {"connector", "adapters", "webhooks", "pyproject.toml"} <= set(sources)
    assert [name for name in sources if not (ROOT / name).exists()] == []


def test_the_kubernetes_objects_fit() -> None:
    """Selectors find their pods, and every Secret, ConfigMap, volume and port is defined."""
    names = {(item["kind"], item["metadata"]["name"]) for item in KUBERNETES}
    assert len(names) == len(KUBERNETES)
    labels = []
    for deployment in of_kind("Deployment"):
        spec = deployment["spec"]
        assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
        labels.append(spec["template"]["metadata"]["labels"])
    for pod, container in containers():
        for source in container["envFrom"]:
            if "secretRef" in source:
                assert ("Secret", source["secretRef"]["name"]) in names
            else:
                assert ("ConfigMap", source["configMapRef"]["name"]) in names
        for volume in pod["volumes"]:
            assert ("Secret", volume["secret"]["secretName"]) in names
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    (service,) = of_kind("Service")
    assert service["spec"]["selector"] in labels
    ports = {port["name"] for _, one in containers() for port in one.get("ports", [])}
    assert service["spec"]["ports"][0]["targetPort"] in ports


def test_probes_ask_what_the_server_answers() -> None:
    """Liveness asks for the process, readiness for the ability to store."""
    (probed,) = [one for _, one in containers() if "livenessProbe" in one]
    assert probed["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert probed["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_every_unit_can_be_started() -> None:
    """A unit has a user, the settings, and an end that waits for what is under way."""
    assert [path.name for path in UNITS] == [
        "postventa-receiver.service",
        "postventa-worker@.service",
    ]
    for path in UNITS:
        parts = unit(path)
        assert parts["Service"]["User"] == "postventa"
        assert parts["Service"]["EnvironmentFile"].endswith("postventa.env")
        assert int(parts["Service"]["TimeoutStopSec"]) >= 60
        assert parts["Install"]["WantedBy"] == "multi-user.target"
