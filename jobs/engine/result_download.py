"""Download a result and prove that it is a whole video: fetched, decoded to its last frame, stored
by content. Whole is what the host announced and what plays to the end that its header states, not
what was billed: a video of another length is kept, and the difference is said (`video_length`).

What was fetched stays in a part file of this machine until the video is stored, so neither a cut, a
crash, a full disk nor a bucket that is away costs a second download.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError

from jobs import download
from jobs.accounts import clients, rate_limit
from jobs.catalogue import entries
from jobs.common.states import State
from jobs.engine import transitions, video_length
from jobs.models import Job
from jobs.modelstudio import WireError, without_query
from studio.common.translatable import EMPTY, Sentence, phrase
from studio.files import file_store
from studio.media import MediaError
from studio.media.decoders import DecoderEnded, verify_video
from studio.models import User

log = logging.getLogger("footlight.result_download")
DOWNLOAD_SECONDS = 3600.0  # of one try; the next goes on where it ended
# bytes of the disk that stay free beside a video and the copy that the store makes of it
SPARE = 64 * 1024**2
PARTS_STAY = timedelta(days=3)
OURS = {"disk", "store", "ours"}  # kinds of trouble that are not the service's fault


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a video is not here yet. `wait` in seconds, when the host said for how long.

    `kind`: host (does not give it), address (may not be asked), content (no video, or not all of
    it), disk (no room to fetch it), store (it is fetched and proven, and could not be stored), ours
    (anything else of ours).
    """

    kind: str
    why: Sentence
    wait: float | None = None
    sha256: str = ""  # of a video that may be cut: when the same comes again, it is whole

    @property
    def fault(self) -> str:
        return "ours" if self.kind in OURS else "service"


def folder() -> Path:
    """Where videos lie while they are fetched."""
    path = Path(settings.FILE_UPLOAD_TEMP_DIR) / "films"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def fetch_and_prove(
    job: Job, part: download.PartialFile, stop: Callable[[], bool]
) -> Trouble | None:
    """None when `part` is the whole video, proven; else what is in the way. Stopped, DiskFull."""
    if part.proven:
        return None
    return _fetch(job, part, stop) or _prove(job, part)


def _fetch(job: Job, part: download.PartialFile, stop: Callable[[], bool]) -> Trouble | None:
    """None when `part` holds all that the host has; else what is in the way. A forbidden address
    gets one more chance: a fresh one."""
    if not job.result_url:
        ask_for_address(job)
    account = job.account
    # The site's own setting is the word of who runs it; any other address needs that of staff.
    private_ok = account.private_network or (
        not account.base_url and download.is_private_host(account.url)
    )
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
        except download.ForbiddenAddress as error:
            log.warning("job %s: %s", job.public_id, error)
            if last:
                return Trouble("address", error.sentence)
            heard, fresh = ask_for_address(job)
            if not heard:
                return Trouble("host", error.sentence)
            if not fresh:
                return Trouble("address", error.sentence)
        except download.TooLarge as error:
            return Trouble("content", error.sentence)
        except download.UnexpectedAnswer as error:
            return Trouble("host", error.sentence, error.retry_after)
        except (download.Interrupted, download.Unreachable) as error:
            return Trouble("host", error.sentence)
    log.info(
        "job %s: %d bytes fetched, %d of them before",
        job.public_id,
        fetched.size,
        fetched.resumed_at,
    )
    return None


def _prove(job: Job, part: download.PartialFile) -> Trouble | None:
    """None when `part` can be decoded to its last frame, however long it was billed; else what is
    wrong with it."""
    try:
        seconds = verify_video(part.path).seconds
    except DecoderEnded as error:
        # Nothing is known of the video yet, also after a crash: an error of ours ends it as well.
        return Trouble("ours", error.sentence)
    except MediaError as error:
        return Trouble(
            "content", phrase("What came is no whole video: %(why)s", why=error.sentence)
        )
    if video_length.differs(seconds, job.billed_units):
        log.warning(
            "job %s: the video plays %.2f s, billed were %s s",
            job.public_id,
            seconds,
            job.billed_units,
        )
        if seconds < float(job.billed_units or 0) and not part.announced:
            # A video in fragments that was cut between two of them plays to an end as well.
            digest = part.sha256
            if not job.events.filter(data__sha256=digest).exists():
                return Trouble("content", _perhaps_cut(seconds, job), sha256=digest)
    part.prove()
    return None


def _perhaps_cut(seconds: float, job: Job) -> Sentence:
    return phrase(
        "What came may be cut: it plays %(seconds)s s of the %(billed)s s that were billed, and "
        "its host did not say how large the file is. It is compared with a second download.",
        seconds=f"{seconds:.2f}",
        billed=f"{job.billed_units or 0:.2f}",
    )


def _whose(job: Job) -> User | None:
    """In whose name the video is kept: that of who made the job or took it over, as long as they
    are in the team; else it is the team's."""
    for user in (job.handed_to, job.owner):
        if user is not None and job.team.memberships.filter(user=user).exists():
            return user
    return None


def store(job: Job, part: download.PartialFile) -> Trouble | None:
    """The proven video becomes an asset and the job succeeds. Moved, DatabaseError."""
    try:
        video, _ = file_store.keep(
            part.path,
            team=job.team,
            owner=_whose(job),
            name=f"{job.title}.mp4",
            origin="result",
            own=job.public_id,
        )
    except DatabaseError:
        raise
    except OSError as error:
        if error.errno in download.DISK_FULL_ERRNOS:
            return Trouble(
                "store",
                phrase("The video is fetched and proven; the disk that it belongs on is full."),
            )
        log.exception("storing the video of job %s", job.public_id)
        return Trouble(
            "store",
            phrase(
                "The video is fetched and proven; it could not be stored (%(name)s).",
                name=type(error).__name__,
            ),
        )
    except Exception as error:
        log.exception("storing the video of job %s", job.public_id)
        return Trouble(
            "store",
            phrase(
                "The video is fetched and proven; the storage did not take it (%(name)s).",
                name=type(error).__name__,
            ),
        )
    if job.sentence:
        Job.objects.filter(pk=job.pk, state=State.ARCHIVING).update(sentence=EMPTY)
    transitions.archived(job, video)
    return None


def ask_for_address(job: Job) -> tuple[bool, bool]:
    """Ask the service where the video is, which costs nothing: (whether it said so, whether that is
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


def sweep() -> int:
    """Remove parts of jobs that are over, and those that were not touched for three days unless
    they are whole; returns how many."""
    parts = {path.stem: download.PartialFile(path) for path in folder().glob("*.part")}
    if not parts:
        return 0
    wanted = set(
        Job.objects.filter(public_id__in=parts, state=State.ARCHIVING).values_list(
            "public_id", flat=True
        )
    )
    old = time.time() - PARTS_STAY.total_seconds()
    swept = 0
    for name, part in parts.items():
        try:
            with part.locked():
                note = part.resume_note
                if name not in wanted or (
                    part.path.stat().st_mtime < old and not (note is not None and note.proven)
                ):
                    part.delete()
                    swept += 1
        except (download.FetchError, OSError) as error:
            log.debug("%s stays: %s", part.path.name, error)
    return swept
