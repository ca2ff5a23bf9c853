"""Disks, networks and databases that break under the program; one run of each kind."""

from pathlib import Path

import pytest

from tests.faults.disk import (
    broken_syncs,
    enlarge,
    full_disk,
    held_database,
    limited_files,
    may_mount,
    small_disk,
)
from tests.faults.network import broken_network
from tests.faults.postgres import restarts
from tests.faults.rig import Rig
from tests.postgresql import Cluster

pytestmark = pytest.mark.faults
SHORT = ("--lease-s", "5", "--probe-s", "2")
ONE = ("woocommerce",)


def test_a_broken_network_doubles_nothing(tmp_path: Path) -> None:
    """Calls dropped, cut, reset, refused, answered with pages or not at all: all done once."""
    with Rig(tmp_path, seed=13, options=SHORT) as rig:
        verdict = broken_network(rig, 6)
    assert verdict.findings == []


def test_a_full_disk_is_refused_and_survived(tmp_path: Path) -> None:
    """Without room for a row there is no 2xx; with room again it goes on by itself."""
    if not may_mount():
        # Whoever may not mount gets the same refusal from a limit on the file's size.
        with Rig(tmp_path, seed=14, platforms=ONE) as rig:
            assert limited_files(rig, 1_500_000).findings == []
        return
    with (
        small_disk(tmp_path / "disk") as disk,
        Rig(tmp_path, seed=14, platforms=ONE, data_dir=disk) as rig,
    ):
        verdict = full_disk(rig, lambda: enlarge(disk))
    assert verdict.findings == []


def test_failing_syncs_are_no_success(tmp_path: Path) -> None:
    """While the disk answers EIO there is no 2xx, and nothing is damaged."""
    with Rig(tmp_path, seed=15, platforms=ONE) as rig:
        verdict = broken_syncs(rig, 3, 6)
    assert verdict.findings == []
    assert verdict.figures["refused with 503"] > 0


def test_a_held_database_is_waited_for_then_refused(tmp_path: Path) -> None:
    """Another process holds the write lock too long: 503, and then it goes on by itself."""
    with Rig(tmp_path, seed=16, platforms=ONE, options=("--busy-s", "1")) as rig:
        verdict = held_database(rig)
    assert verdict.findings == []
    assert verdict.figures["refused with 503"] > 0


@pytest.mark.postgresql
def test_a_database_that_dies_loses_nothing(tmp_path: Path) -> None:
    """PostgreSQL stopped at once under load and started again: all kept, all done once."""
    with (
        Cluster() as cluster,
        Rig(
            tmp_path,
            seed=17,
            database_url=cluster.url(cluster.new_database()),
            cluster=cluster,
            options=SHORT,
        ) as rig,
    ):
        verdict = restarts(rig, 2)
    assert verdict.findings == []
