"""Bugs on purpose turn the harness red; without them the same scenes are green."""

from pathlib import Path

import pytest

from tests.faults.kills import kill_at_the_answer
from tests.faults.planted import PLANTED
from tests.faults.rig import Rig
from tests.faults.scenes import lost_answers, many_in_a_second, revived_worker
from tests.faults.syscalls import unsynced_answers

pytestmark = pytest.mark.faults
SHORT = ("--lease-s", "4", "--probe-s", "1")
ONE = ("woocommerce",)


def test_every_planted_bug_has_its_test() -> None:
    """No bug of the list is planted without a scene that must find it."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in PLANTED if text.count(f'"{name}"') != 1] == []


@pytest.mark.parametrize("planted", ["", "ack-before-commit"])
def test_a_kill_after_the_answer_loses_nothing(tmp_path: Path, planted: str) -> None:
    """Killed right after its 200 the delivery is stored, unless the commit came later."""
    with Rig(tmp_path, seed=1, planted=planted, platforms=ONE, options=SHORT) as rig:
        verdict = kill_at_the_answer(rig, 1)
    assert (verdict.figures["lost"] > 0) is bool(planted), verdict.findings
    assert verdict.green is not bool(planted), verdict.findings


@pytest.mark.parametrize("planted", ["", "synchronous-normal"])
def test_the_log_is_synced_before_each_answer(tmp_path: Path, planted: str) -> None:
    """The write-ahead log is on disk before each 200; kills could never show that."""
    with Rig(tmp_path, seed=2, planted=planted, platforms=ONE, senders=1) as rig:
        findings = unsynced_answers(rig, 3)
    assert bool(findings) is bool(planted), findings


def test_an_id_of_the_second_is_no_name(tmp_path: Path) -> None:
    """WooCommerce gives orders of one second the same delivery id: by it alone some are lost."""
    planted = "dedup-by-delivery-id"
    with Rig(tmp_path, seed=3, planted=planted, platforms=ONE, options=SHORT) as rig:
        verdict = many_in_a_second(rig, 8)
    assert verdict.figures["lost"] > 0, verdict.findings


def test_without_a_look_up_things_happen_twice(tmp_path: Path) -> None:
    """A program that never looks writes again what was done."""
    with Rig(tmp_path, seed=4, planted="no-look-up", platforms=ONE, options=SHORT) as rig:
        verdict = lost_answers(rig)
    assert verdict.figures["doubled"] > 0, verdict.findings


def test_lost_answers_are_looked_up(tmp_path: Path) -> None:
    """Done, and the answer lost: found in the shop, not written again, in both shops."""
    with Rig(tmp_path, seed=5, options=SHORT) as rig:
        verdict = lost_answers(rig)
    assert verdict.findings == []


@pytest.mark.parametrize("planted", ["", "no-fencing"])
def test_a_revived_worker_settles_nothing(tmp_path: Path, planted: str) -> None:
    """A worker that was stopped over its lease cannot settle what another one has settled."""
    with Rig(
        tmp_path, seed=6, planted=planted, platforms=ONE, options=SHORT, log_level="INFO"
    ) as rig:
        verdict = revived_worker(rig)
    twice = any("settled twice" in finding for finding in verdict.findings)
    assert twice is bool(planted), verdict.findings
