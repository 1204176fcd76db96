"""Bring the film home and prove that it is whole: download streamed, measured, decoded to its last frame, hashed, stored.

The service deletes its copy after 24 h. A step is leased on the job's row, tries again with growing pauses until then,
and may run twice: storing is by content and the move is a compare-and-swap.
"""

from __future__ import annotations

import logging
import tempfile
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.db import DatabaseError
from django.db.models import F, Q
from django.utils import timezone

from jobs import catalogue, clients, runner, schedule
from jobs.errors import Moved
from jobs.leases import LEASE, kept
from jobs.models import Job
from jobs.modelstudio import NoAnswer, WireError, without_query
from jobs.states import Code, State
from studio import store
from studio.media import MediaError, verify_video

log = logging.getLogger("footlight.archive")
BLOCK = 256 * 1024
MAX_BYTES = 2 * 1024**3
HOPELESS = 6  # times that whole files came which were no film


class Broken(Exception):
    """What came is not (all of) the film. The text is for the timeline; the next try may go better."""


def due() -> list[int]:
    """Jobs whose film should be fetched now: never begun, put off until now, or whose worker died; nearest expiry first."""
    now = timezone.now()
    ready = (Q(not_before=None) | Q(not_before__lte=now)) & (Q(lease_until=None) | Q(lease_until__lt=now))
    return list(Job.objects.filter(ready, state=State.ARCHIVING).order_by("result_expires_at", "id").values_list("pk", flat=True)[:200])


def step(pk: int) -> None:
    """Fetch, prove and store the film of job `pk` if it is due and nobody else is at it."""
    now = timezone.now()
    ready = (Q(not_before=None) | Q(not_before__lte=now)) & (Q(lease_until=None) | Q(lease_until__lt=now))
    if not Job.objects.filter(ready, pk=pk, state=State.ARCHIVING).update(lease_until=now + LEASE):
        return
    job = Job.objects.select_related("team", "owner", "account", "lane").get(pk=pk)
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR)
    try:
        with kept(lambda: _renew(pk)), tempfile.NamedTemporaryFile(dir=folder, prefix="film-", suffix=".part") as part:
            path = Path(part.name)
            _download(job, path)
            facts = verify_video(path)
            log.info("job %s: %.2f s fetched", job.public_id, facts.seconds)
            film, _ = store.keep(path, team=job.team, owner=job.owner, name=f"{job.title}.mp4", origin="result")
            runner.archived(job, film)
    except Moved as moved:
        log.info("%s", moved)
    except MediaError as error:
        _again(job, f"What came is not a whole film: {error}", hopeless=True)
    except Broken as error:
        _again(job, str(error))
    except DatabaseError:
        raise
    except Exception as error:
        # also a full disk or a bucket that is away: the film waits at the service meanwhile
        log.exception("archive of job %s", job.public_id)
        _again(job, f"The film could not be fetched or stored ({type(error).__name__})")


def _renew(pk: int) -> None:
    Job.objects.filter(pk=pk, state=State.ARCHIVING).exclude(lease_until=None).update(lease_until=timezone.now() + LEASE)


def _download(job: Job, path: Path) -> None:
    """Stream the result to `path`; Broken when it is refused, too large or shorter than it said it would be."""
    url = job.result_url
    if urlsplit(url).scheme not in ("http", "https"):
        raise Broken("The service named an address that is not http or https")
    with requests.Session() as session:
        session.trust_env = False
        with session.get(url, stream=True, timeout=(5, 30), headers={"Accept-Encoding": "identity"}) as answer:
            if answer.status_code in (403, 404, 410):
                raise Broken(f"The address of the film answered {answer.status_code}")
            if answer.status_code != 200:
                raise Broken(f"The film’s host answered {answer.status_code}")
            announced = answer.headers.get("Content-Length", "")
            got = 0
            with path.open("wb") as out:
                for block in answer.iter_content(BLOCK):
                    got += len(block)
                    if got > MAX_BYTES:
                        raise Broken("The film is larger than 2 GB")
                    out.write(block)
    if announced.isdigit() and int(announced) != got:
        raise Broken(f"The download was cut: {got} of {announced} bytes at {without_query(url)}")
    if got == 0:
        raise Broken("The film’s address gave an empty file")


def _again(job: Job, why: str, *, hopeless: bool = False) -> None:
    """Put the step off; after the address has expired, or when whole files keep being no film, the job fails."""
    now = timezone.now()
    tries = job.tries + 1
    log.warning("job %s: %s (try %d)", job.public_id, why, tries)
    expired = job.result_expires_at is not None and now > job.result_expires_at
    try:
        if expired or (hopeless and tries >= HOPELESS):
            code = Code.BAD_RESULT if hopeless else Code.ARCHIVE_FAILED
            error = NoAnswer(code="ResultNotAFilm" if hopeless else "ResultExpired", message=why)
            runner.fail(job, code, error, text=why, lease_until=None)
            return
    except Moved as moved:
        log.info("%s", moved)
        return
    _refresh_address(job)
    wait = schedule.backoff(tries)
    Job.objects.filter(pk=job.pk, state=State.ARCHIVING).update(
        tries=F("tries") + 1, not_before=now + timedelta(seconds=wait), lease_until=None, sentence=why[:300], result_url=job.result_url
    )


def _refresh_address(job: Job) -> None:
    """The service may give a fresh address for the same result; asking costs nothing."""
    try:
        task = clients.client_for(job.account).get(job.task_id)
    except (WireError, clients.NoKey):
        return
    fresh = catalogue.result_of(job.spec, task.output)
    if fresh:
        job.result_url = fresh
