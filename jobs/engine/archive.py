"""Bring the film home and prove that it is whole: fetched, decoded to its last frame, as long as
billed, hashed, stored.

The service deletes its copy after 24 h (CONTRACT §8). A film is leased on its job's row, the most
urgent first, and tried again with growing pauses until then. What was fetched stays in a part file
of this machine until the film is stored, so neither a cut, a crash, a full disk nor a bucket that
is away costs a second download. Everything may run twice: storing is by content and the move is a
compare-and-swap.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from jobs import download
from jobs.accounts import clients, rate_limit
from jobs.catalogue import entries
from jobs.common.dates import moment
from jobs.common.errors import Moved
from jobs.common.states import Code, State
from jobs.engine import retry, transitions
from jobs.engine.expiry import alarm, endangered, expires_at, left
from jobs.models import Job
from jobs.modelstudio import Explanation, WireError, without_query
from studio.common.leases import LEASE, check_connection, renewing
from studio.common.translatable import EMPTY, Sentence, phrase, together
from studio.files import file_store
from studio.media import MediaError, verify_video

__all__ = ["alarm", "due", "endangered", "left", "step", "sweep", "work"]

log = logging.getLogger("footlight.archive")
T = TypeVar("T")
DOWNLOAD_SECONDS = 3600.0  # of one try; the next goes on where it ended
SPARE = (
    64 * 1024**2
)  # bytes of the disk that stay free beside a film and the copy that the store makes of it
GRACE = 30.0  # seconds that films under way may go on when the time of `work` is over
# For so long an address that may not be asked is asked for anew: one odd answer of a name server
# is no end.
ODD_ADDRESS = timedelta(minutes=20)
HOPELESS = 6  # times that whole files came which were no film,
STUBBORN = timedelta(
    minutes=5
)  # and for so long: whoever has it downloaded again by hand must not use the tries up in a minute
NO_FILM_PAUSES = (
    2.0,
    5.0,
    20.0,
    60.0,
    300.0,
)  # seconds between them: a page instead of a film is often gone after a while
KEPT_PARTS = timedelta(days=3)
OURS = {"disk", "store", "ours"}  # kinds of trouble that are not the service's fault


# ── which film, and who brings it ─────────────────────────────────────────────────────────────────


def _ready(now: datetime) -> QuerySet[Job]:
    free = (Q(not_before=None) | Q(not_before__lte=now)) & (
        Q(lease_until=None) | Q(lease_until__lt=now)
    )
    return Job.objects.filter(free, state=State.ARCHIVING).order_by(
        F("result_expires_at").asc(nulls_first=True), "id"
    )


def due() -> list[int]:
    """Jobs whose film should be fetched now: never begun, put off until now, or whose worker died;
    nearest expiry first."""
    return list(_ready(timezone.now()).values_list("pk", flat=True)[:200])


class Lease:
    """The right to bring one film home. Its end, as it stands in the job's row, is its name: only
    who wrote it can move it."""

    def __init__(self, pk: int, until: datetime) -> None:
        self.pk, self.until, self.lost = pk, until, False

    @classmethod
    def take(cls, pk: int) -> Lease | None:
        """None when the film is not due, or somebody else is at it."""
        now = timezone.now()
        taken = _ready(now).filter(pk=pk).order_by().update(lease_until=now + LEASE)
        return cls(pk, now + LEASE) if taken else None

    @classmethod
    def take_most_urgent(cls) -> Lease | None:
        """The due film that expires first; None when none is due."""
        waits = connection.features.has_select_for_update_skip_locked
        with transaction.atomic() if waits else nullcontext():
            rows = _ready(timezone.now()).values_list("pk", flat=True)
            for pk in (rows.select_for_update(skip_locked=True) if waits else rows)[
                : 1 if waits else 20
            ]:
                lease = cls.take(pk)
                if lease is not None:
                    return lease
        return None

    def renew(self) -> None:
        until = timezone.now() + LEASE
        if Job.objects.filter(pk=self.pk, state=State.ARCHIVING, lease_until=self.until).update(
            lease_until=until
        ):
            self.until = until
        else:
            self.lost = True

    def give_back(self, **columns: Any) -> None:
        """End it, and write `columns` of the job with it. Moved, and nothing is written, when it is
        ours no longer."""
        if not Job.objects.filter(pk=self.pk, state=State.ARCHIVING, lease_until=self.until).update(
            lease_until=None, **columns
        ):
            raise Moved(f"the film of job {self.pk} is no longer ours to fetch")


def work(seconds: float, *, threads: int = 4, stop: Callable[[], bool] | None = None) -> int:
    """Bring films home, `threads` at a time, until none is due or `seconds` are over; returns how
    many are home now.

    Any number of processes may do this at once. When `stop` says so, or GRACE seconds after the
    time is over, downloads are put back where they are, to be gone on with; a film that is being
    proven or stored is finished.
    """
    end = time.monotonic() + seconds
    _or_none(sweep)
    leave = threading.Event()
    running: set[Future[bool]] = set()
    home = 0
    with ThreadPoolExecutor(threads, thread_name_prefix="archive") as pool:
        while True:
            now = time.monotonic()
            if (stop is not None and stop()) or now > end + GRACE:
                leave.set()
            lease = (
                _or_none(Lease.take_most_urgent)
                if len(running) < threads and now < end and not leave.is_set()
                else None
            )
            if lease is not None:
                running.add(pool.submit(_in_thread, lease, leave.is_set))
                continue
            if not running:
                return home
            done, running = wait(running, timeout=0.25, return_when=FIRST_COMPLETED)
            home += sum(future.result() for future in done)


def _or_none(what: Callable[[], T]) -> T | None:
    """`what()`; None when the database is away, which must not end the films under way."""
    try:
        return what()
    except DatabaseError as error:
        log.warning("archive: %s", error)
        connection.close()
        return None


def _in_thread(lease: Lease, stop: Callable[[], bool]) -> bool:
    close_old_connections()
    try:
        return _bring(lease, stop)
    except Exception:
        # Mostly the database: the lease runs out, and what was fetched is there for whoever comes
        # next.
        log.exception("archive of job %s", lease.pk)
        return False
    finally:
        connection.close()


def step(pk: int) -> bool:
    """Bring the film of job `pk` home if it is due and nobody else is at it; True when it is home
    now."""
    lease = Lease.take(pk)
    return lease is not None and _bring(lease, lambda: False)


# ── one film ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a film is not here yet. `wait` in seconds, when the host said for how long.

    `kind`: host (does not give it), address (may not be asked), content (no film, or not all of
    it), disk (no room to fetch it), store (it is fetched and proven, and could not be stored), ours
    (anything else of ours).
    """

    kind: str
    why: Sentence
    wait: float | None = None

    @property
    def fault(self) -> str:
        return "ours" if self.kind in OURS else "service"


def folder() -> Path:
    """Where films lie while they are fetched."""
    path = Path(settings.FILE_UPLOAD_TEMP_DIR) / "films"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _bring(lease: Lease, stop: Callable[[], bool]) -> bool:
    job = Job.objects.select_related("team", "owner", "account", "lane").get(pk=lease.pk)
    part = download.Part(folder() / f"{job.public_id}.part")
    try:
        trouble = _try(job, lease, part, stop)
        if trouble is not None:
            _again(job, lease, trouble)
        return trouble is None
    except (download.Stopped, download.Busy) as error:
        log.info("job %s: %s", job.public_id, error)
        with suppress(Moved):
            lease.give_back(
                not_before=timezone.now() + timedelta(seconds=5)
                if isinstance(error, download.Busy)
                else None
            )
    except Moved as moved:
        log.info("%s", moved)
    return False


def _try(job: Job, lease: Lease, part: download.Part, stop: Callable[[], bool]) -> Trouble | None:
    """What is in the way; None when the film is home. Moved, Stopped, Busy, DatabaseError."""
    try:
        with renewing(lease.renew), part.locked():
            trouble = _fetch_and_prove(job, part, lambda: lease.lost or stop())
            check_connection()
            trouble = trouble or _store(job, part)
            if trouble is None or trouble.kind == "content":
                part.drop()
            return trouble
    except download.NoRoom as error:
        return Trouble("disk", error.sentence)
    except (Moved, download.Stopped, download.Busy, DatabaseError):
        raise
    except Exception as error:
        log.exception("archive of job %s", job.public_id)
        return Trouble(
            "ours", phrase("The film could not be fetched (%(name)s).", name=type(error).__name__)
        )


def _fetch_and_prove(job: Job, part: download.Part, stop: Callable[[], bool]) -> Trouble | None:
    """None when `part` is the whole film, proven; else what is in the way. A forbidden address gets
    one more chance: a fresh one."""
    if part.proven:
        return None
    if not job.result_url:
        _ask_for_address(job)
    private_ok = download.at_home(job.account.url)
    for last in (False, True):
        try:
            fetched = download.fetch(
                job.result_url,
                part,
                private_ok=private_ok,
                seconds=DOWNLOAD_SECONDS,
                leave=lambda size: size + SPARE,
                stop=stop,
            )
            break
        except download.Forbidden as error:
            log.warning("job %s: %s", job.public_id, error)
            if last:
                return Trouble("address", error.sentence)
            heard, fresh = _ask_for_address(job)
            if not heard:
                return Trouble(
                    "host",
                    together(error.sentence, phrase("The service is asked for another one.")),
                )
            if not fresh:
                return Trouble("address", error.sentence)
        except download.TooLarge as error:
            return Trouble("content", error.sentence)
        except download.Answered as error:
            return Trouble("host", error.sentence, error.retry_after)
        except (download.Cut, download.Unreached) as error:
            return Trouble("host", error.sentence)
    log.info(
        "job %s: %d bytes fetched, %d of them before",
        job.public_id,
        fetched.size,
        fetched.resumed_at,
    )
    try:
        seconds = verify_video(part.path).seconds
    except MediaError as error:
        return Trouble("content", phrase("What came is no whole film: %(why)s", why=error.sentence))
    billed = float(job.billed_units or 0)
    if seconds < billed - max(0.5, 0.05 * billed):
        return Trouble(
            "content",
            phrase(
                "What came is not the whole film: it plays %(seconds)s s of the %(billed)s s that "
                "were billed.",
                seconds=f"{seconds:.2f}",
                billed=f"{billed:.2f}",
            ),
        )
    if seconds > billed + max(0.5, 0.05 * billed) and billed:
        log.warning(
            "job %s: the film plays %.2f s, billed were %.2f s", job.public_id, seconds, billed
        )
    part.prove()
    return None


def _store(job: Job, part: download.Part) -> Trouble | None:
    """The proven film becomes an asset and the job succeeds. Moved, DatabaseError."""
    try:
        film, _ = file_store.keep(
            part.path, team=job.team, owner=job.owner, name=f"{job.title}.mp4", origin="result"
        )
    except DatabaseError:
        raise
    except OSError as error:
        if error.errno in download.FULL:
            return Trouble(
                "store",
                phrase("The film is fetched and proven; the disk that it belongs on is full."),
            )
        log.exception("storing the film of job %s", job.public_id)
        return Trouble(
            "store",
            phrase(
                "The film is fetched and proven; it could not be stored (%(name)s).",
                name=type(error).__name__,
            ),
        )
    except Exception as error:
        log.exception("storing the film of job %s", job.public_id)
        return Trouble(
            "store",
            phrase(
                "The film is fetched and proven; the storage did not take it (%(name)s).",
                name=type(error).__name__,
            ),
        )
    if job.sentence:
        Job.objects.filter(pk=job.pk, state=State.ARCHIVING).update(sentence=EMPTY)
    transitions.archived(job, film)
    return None


def _ask_for_address(job: Job) -> tuple[bool, bool]:
    """Ask the service where the film is, which costs nothing: (whether it said so, whether that is
    another address than ours)."""
    try:
        client = clients.client_for(job.account)
        rate_limit.take(job.account.root_id, "query")
        task = client.get(job.task_id)
    except (WireError, clients.NoKey) as error:
        log.warning("job %s: no fresh address: %s", job.public_id, error)
        return False, False
    found = entries.result_of(job.spec, task.output) or ""
    other = bool(found) and without_query(found) != without_query(job.result_url)
    if found and found != job.result_url:
        Job.objects.filter(pk=job.pk, state=State.ARCHIVING, attempt=job.attempt).update(
            result_url=found
        )
        job.result_url = found
    return True, other


# ── when it did not work ──────────────────────────────────────────────────────────────────────────


class _Lost(WireError):
    """The film will not come. Fails the job with sentences of our own."""

    def __init__(self, code: str, fault: str, sentence: Sentence, advice: Sentence) -> None:
        super().__init__(code, sentence)
        self.told = Explanation(fault, sentence, advice)

    def explain(self) -> Explanation:
        return self.told


def _again(job: Job, lease: Lease, trouble: Trouble) -> None:
    """Try again later; or the job fails: after its address expired, when it may not be asked, when
    whole files keep being no film."""
    now = timezone.now()
    log.warning("job %s: %s (try %d)", job.public_id, trouble.why, job.tries + 1)
    events = [
        event
        for event in job.events.filter(new=State.ARCHIVING).order_by("id")
        if "trouble" in event.data
    ]
    notes = [event.data for event in events]
    count = 1 + sum(note["trouble"] == "content" for note in notes)
    until = expires_at(job)
    began = {
        kind: next((event.at for event in events if event.data["trouble"] == kind), now)
        for kind in ("address", "content")
    }
    if trouble.kind == "address" and now - began["address"] >= ODD_ADDRESS:
        _give_up(
            job,
            lease,
            Code.BAD_RESULT,
            _Lost("ResultForbidden", "service", trouble.why, _advice(until)),
        )
        return
    if trouble.kind == "content" and count >= HOPELESS and now - began["content"] >= STUBBORN:
        _give_up(
            job,
            lease,
            Code.BAD_RESULT,
            _Lost(
                "ResultNotAFilm",
                "service",
                together(trouble.why, phrase("It was fetched %(n)s times.", n=count)),
                _advice(until),
            ),
        )
        return
    ours = {note["trouble"] for note in notes} & OURS
    # A film that lies proven on this disk is never given up; one that lies on the disk of another
    # worker has days to be stored from there.
    if trouble.kind == "disk" or "store" in ours:
        until += KEPT_PARTS
    if now >= until and trouble.kind != "store":
        _give_up(job, lease, Code.ARCHIVE_FAILED, _expired(trouble, bool(ours) or not notes))
        return
    pause = (
        NO_FILM_PAUSES[min(count, len(NO_FILM_PAUSES)) - 1]
        if trouble.kind == "content"
        else retry.backoff(job.tries + 1)
    )
    pause = max(pause, min(trouble.wait or 0, 600.0))
    if trouble.kind in ("host", "content", "address"):
        _ask_for_address(job)
    with transaction.atomic():
        lease.give_back(
            tries=job.tries + 1, not_before=now + timedelta(seconds=pause), sentence=trouble.why
        )
        if trouble.kind == "content" or not notes or notes[-1]["trouble"] != trouble.kind:
            # One line in the timeline per kind of trouble, not per try.
            transitions.move(
                job,
                State.ARCHIVING,
                together(trouble.why, phrase("It is tried again")),
                code=job.code,
                data={"trouble": trouble.kind, "try": job.tries + 1},
            )


def _give_up(job: Job, lease: Lease, code: Code, lost: _Lost) -> None:
    """FAILED. What was billed stays settled, and the address stays in the row, for staff to look at
    while it lives."""
    with transaction.atomic():
        lease.give_back()
        transitions.fail(job, code, lost)


def _expired(trouble: Trouble, ours: bool) -> _Lost:
    """Ours when the film was there and we could not keep it, or never came for it."""
    fault = "ours" if ours or trouble.fault == "ours" else "service"
    return _Lost(
        "ResultExpired",
        fault,
        together(
            phrase("The service’s copy of the film is gone after 24 h, and it never came home."),
            trouble.why,
        ),
        _ANEW,
    )


_ANEW = phrase("Make it again; ask whoever runs this site what was in the way.")


def _advice(until: datetime) -> Sentence:
    return phrase(
        "Whoever runs this site can look at what is there until %(until)s. Then make it again.",
        until=moment(timezone.localtime(until)),
    )


def sweep() -> int:
    """Remove parts of jobs that are over, and those that were not touched for three days unless
    they are whole; returns how many."""
    parts = {path.stem: download.Part(path) for path in folder().glob("*.part")}
    if not parts:
        return 0
    wanted = set(
        Job.objects.filter(public_id__in=parts, state=State.ARCHIVING).values_list(
            "public_id", flat=True
        )
    )
    old = time.time() - KEPT_PARTS.total_seconds()
    swept = 0
    for name, part in parts.items():
        try:
            with part.locked():
                mark = part.mark
                if name not in wanted or (
                    part.path.stat().st_mtime < old and not (mark is not None and mark.proven)
                ):
                    part.drop()
                    swept += 1
        except (download.FetchError, OSError) as error:
            log.debug("%s stays: %s", part.path.name, error)
    return swept
