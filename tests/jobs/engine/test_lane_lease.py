"""Leases are renewed while their holder works, and only then."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs.engine import lane_lease
from jobs.models import Account, Lane
from studio.common import leases

# The connection of the caller is tested when the block is left.
pytestmark = pytest.mark.django_db


def test_a_lease_is_renewed_while_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "EVERY", 0.01)
    renewed, enough = [], threading.Event()

    def renew() -> None:
        renewed.append(1)
        if len(renewed) >= 3:
            enough.set()

    with leases.renewing(renew):
        assert enough.wait(5)
    count = len(renewed)
    assert not any(thread.name == "lease" for thread in threading.enumerate())
    assert len(renewed) == count


def test_a_quick_step_renews_nothing() -> None:
    renewed: list[int] = []
    with leases.renewing(lambda: renewed.append(1)):
        pass
    assert renewed == []


# ── whose leases may be taken back ────────────────────────────────────────────────────────────────


class Machine:
    """What a process can learn of where it runs."""

    def __init__(self, host: str = "web", boot: str = "b1", ident: str = "m1", pids: str = "p1"):
        self.host, self.pids = host, f"pid:[{pids}]"
        self.files = {"/proc/sys/kernel/random/boot_id": boot, "/etc/machine-id": ident}

    def name(self, monkeypatch: pytest.MonkeyPatch) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(lane_lease.socket, "gethostname", lambda: self.host)
            patch.setattr(lane_lease, "_read", lambda path: self.files.get(path, ""))
            patch.setattr(lane_lease.os, "readlink", lambda path: self.pids)
            return lane_lease.place_name()


@pytest.mark.parametrize(
    "other",
    [
        Machine(boot="b2"),  # another host with the same name and the usual pid namespace
        Machine(ident="m2"),  # another root of the same kernel
        Machine(pids="p2"),  # another container of the same host
        Machine(host="web" + "x" * 300),
    ],
)
def test_two_machines_of_one_name_are_two_places(
    other: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Machine().name(monkeypatch)
    assert here == Machine().name(monkeypatch)
    assert other.name(monkeypatch) != here
    assert len(other.name(monkeypatch)) <= 50
    assert not other.name(monkeypatch).startswith(f"{here}|")


def test_without_proc_the_hardware_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Machine(boot="", ident="")
    monkeypatch.setattr(lane_lease.uuid, "getnode", lambda: 1)
    one = here.name(monkeypatch)
    monkeypatch.setattr(lane_lease.uuid, "getnode", lambda: 2)
    assert here.name(monkeypatch) != one


@pytest.mark.parametrize(
    "place",
    [
        "{host}pid:[4026531836]",  # as versions before wrote it
        "{host}",
        "{host}:0123456789abcdef01234567",
    ],
)
def test_leases_of_other_places_run_out_and_are_not_taken(account: Account, place: str) -> None:
    name = place.format(host=socket.gethostname())
    lane = Lane.objects.create(
        account=account,
        model="emo-v1",
        lease_token=f"{name}|999999999|abc",
        lease_until=timezone.now() + timedelta(minutes=1),
    )
    assert lane_lease.free_the_dead() == 0
    assert lane_lease.claim() == []
    Lane.objects.filter(pk=lane.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert [taken.lane for taken in lane_lease.claim()] == [lane]
    assert len(Lane.objects.get().lease_token) <= 80
