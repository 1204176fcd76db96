"""A database of before, with a ledger and no balances, is brought up to date without a hand."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BEFORE = "0007_sentences"
GUARDS = ("ledger_is_append_only_update", "ledger_is_append_only_delete")
# Written with the tables as they were: a team, its account with a lane, four jobs, their entries.
ROWS = """
import json, sys
import django
django.setup()
from datetime import date, datetime, UTC
from decimal import Decimal
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

old = MigrationExecutor(connection).loader.project_state([("jobs", "0007_sentences")]).apps
model = lambda name, app="jobs": old.get_model(app, name).objects
owner = model("User", "studio").create(email="aiko@example.com")
team = model("Team", "studio").create(name="North", slug="north")
account = model("Account").create(team=team, label="North")
lane = model("Lane").create(account=account, model="emo-v1")
price = model("Price").create(
    id=900, model="emo-v1", variant="x", unit="second", currency="USD", micros=10,
    effective_from=date(2026, 1, 1), source="test",
)
for n in range(1, 5):
    model("Job").create(
        id=n, public_id=f"job-{n}", team=team, owner=owner, account=account, lane=lane,
        model="emo-v1", variant="x", milliseconds=4000, price=price, currency="USD",
        quote_micros=40, group=0,
    )
for pk, job, kind, held, settled, units, month, at in json.loads(sys.argv[1]):
    model("LedgerEntry").create(
        id=pk, team=team, job_id=job, kind=kind, held=held, settled=settled, currency="USD",
        model="emo-v1", price=price, units=units and Decimal(units), month=month,
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_ledgerentry SET created_at = %s WHERE id = %s", [at, pk])
"""
# Two months; the second job is settled after the end of its month, the third holds.
ENTRIES = [
    (1, 1, "hold", 40, 0, "4.000", "2026-10-01", "2026-10-30 10:00:00"),
    (2, 1, "settle", -40, 39, "3.933", "2026-10-01", "2026-10-31 23:59:59"),
    (3, 2, "hold", 40, 0, "4.000", "2026-10-01", "2026-10-31 23:59:59.5"),
    (4, 2, "settle", -40, 50, "5.000", "2026-10-01", "2026-11-01 00:00:01"),
    (5, 3, "hold", 30, 0, "3.000", "2026-11-01", "2026-11-02 00:00:00"),
    (6, 4, "hold", 20, 0, "2.000", "2026-11-01", "2026-11-02 00:00:00"),
    (7, 4, "release", -20, 0, None, "2026-11-01", "2026-11-03 00:00:00"),
]


def python(data: Path, *words: str) -> None:
    environment = {**os.environ, "DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "studio.settings"}
    environment.pop("DATABASE_URL", None)
    subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, check=True, timeout=500)


def test_balances_are_filled_and_entries_guarded(tmp_path: Path) -> None:
    python(tmp_path, "manage.py", "migrate", "jobs", BEFORE, "--verbosity", "0")
    base = sqlite3.connect(tmp_path / "footlight.sqlite3")
    # What this version makes after each migrate is what that one did not know.
    base.executescript("".join(f"DROP TRIGGER IF EXISTS {name};" for name in GUARDS))
    base.close()
    python(tmp_path, "-c", ROWS, json.dumps(ENTRIES))
    python(tmp_path, "manage.py", "migrate", "--verbosity", "0")
    base = sqlite3.connect(tmp_path / "footlight.sqlite3")
    sums = "held, settled, entries, releases, jobs, milliseconds"
    balances = f"SELECT month, of_holds, {sums} FROM jobs_balance ORDER BY month, of_holds"
    assert base.execute(balances).fetchall() == [
        ("2026-10-01", 0, -80, 89, 2, 0, 2, 8933),
        ("2026-10-01", 1, 80, 0, 2, 0, 0, 0),
        ("2026-11-01", 0, -20, 0, 1, 1, 0, 0),
        ("2026-11-01", 1, 50, 0, 2, 0, 0, 0),
    ]
    days = "SELECT month, day, price_id, settled, milliunits FROM jobs_daybalance ORDER BY day"
    assert base.execute(days).fetchall() == [
        ("2026-10-01", "2026-10-31", 900, 39, 3933),
        ("2026-10-01", "2026-11-01", 900, 50, 5000),
    ]
    with pytest.raises(sqlite3.IntegrityError, match="never changed or deleted"):
        base.execute("DELETE FROM jobs_ledgerentry")
    base.close()


# A site with limits per day, as it is before bills name their key.
LIMITS = [("jobs", "0018_limits_per_day"), ("studio", "0015_sound_of_videos")]
SENT = """
import json, sys
import django
django.setup()
from datetime import datetime, UTC
from django.db.migrations.executor import MigrationExecutor
from django.db import connection

nodes = [tuple(node) for node in json.loads(sys.argv[1])]
state = MigrationExecutor(connection).loader.project_state(nodes).apps
model = lambda name: state.get_model("jobs", name).objects
account = model("Account").get()
for number in (1, 2):
    model("ApiKey").create(
        id=number, account=account, secret="", last4="", fingerprint=str(number), active=False
    )
began = datetime(2026, 10, 30, tzinfo=UTC)
for job, number, key in ((1, 1, 1), (1, 2, 2), (2, 1, 1), (3, 1, 1)):
    model("Attempt").create(job_id=job, number=number, key_id=key, began_at=began)
"""


def test_bills_of_before_count_for_the_key_that_their_attempt_names(tmp_path: Path) -> None:
    python(tmp_path, "manage.py", "migrate", "jobs", BEFORE, "--verbosity", "0")
    base = sqlite3.connect(tmp_path / "footlight.sqlite3")
    base.executescript("".join(f"DROP TRIGGER IF EXISTS {name};" for name in GUARDS))
    base.close()
    python(tmp_path, "-c", ROWS, json.dumps(ENTRIES))
    for app, name in LIMITS:
        python(tmp_path, "manage.py", "migrate", app, name, "--verbosity", "0")
    python(tmp_path, "-c", SENT, json.dumps(LIMITS))
    python(tmp_path, "manage.py", "migrate", "--verbosity", "0")
    base = sqlite3.connect(tmp_path / "footlight.sqlite3")
    use = "SELECT key_id, month, settled, entries, jobs, milliseconds FROM jobs_keyuse"
    assert sorted(base.execute(use).fetchall()) == [
        (1, "2026-10-01", 50, 1, 1, 5000),
        (2, "2026-10-01", 39, 1, 1, 3933),
    ]
    with pytest.raises(sqlite3.IntegrityError, match="never changed or deleted"):
        base.execute("UPDATE jobs_ledgerentry SET key_id = NULL")
    base.close()
