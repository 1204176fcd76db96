"""The invariant of results: every video that we say we have can be read from our storage."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.files.storage import default_storage

from jobs.catalogue import entries
from jobs.common.states import State
from jobs.engine import video_length
from jobs.engine.invariant_tally import CHUNK, Tally
from jobs.models import Job
from studio.files import file_store
from studio.media import MediaError
from studio.media.decoders import verify_video
from studio.media.preparation import sha256_of
from studio.models import Asset


def results_are_whole(tally: Tally) -> Iterator[str]:
    """Every video of a job that succeeded lies in our storage, byte for byte as it was archived,
    and is marked when it is not as long as billed; every template is filed."""
    done = (
        Job.objects.filter(state=State.SUCCEEDED, erased_at=None)
        .order_by("result_id", "pk")
        .select_related("result")
    )
    only = (
        "public_id",
        "model",
        "template_id",
        "task_id",
        "billed_units",
        "length_differs",
        "result__file",
        "result__milliseconds",
        "result__size",
        "result__sha256",
        "result__format",
    )
    last, why = 0, ""
    for job in done.only(*only).iterator(CHUNK):
        tally.seen += 1
        spec = entries.MODELS.get(job.model)
        if spec is not None and spec.kind is entries.Kind.TEMPLATE:
            if job.template_id is None:
                yield f"Job {job.public_id} succeeded and has no template."
            continue
        if job.result is None:
            yield f"Job {job.public_id} succeeded and has no video."
            continue
        if job.result.pk != last:  # the same content is stored once
            last, why = job.result.pk, _not_whole(job.result, deep=tally.deep)
        if why:
            yield f"The video of job {job.public_id} ({job.result.file.name}) {why}."
        yield from _as_billed(job, job.result, tally)


def _as_billed(job: Job, video: Asset, tally: Tally) -> Iterator[str]:
    """Another length than the billed one is noted, since it can be claimed; that nobody sees it is
    broken."""
    lengths = f"plays {video.seconds:.1f} s, and {job.billed_units or 0:.1f} s were billed"
    differs = video_length.differs(video.seconds, job.billed_units)
    if differs:
        tally.notes.append(f"The video of job {job.public_id} {lengths} (task {job.task_id}).")
    if differs != job.length_differs:
        marked = "marked as of another length" if job.length_differs else "not marked"
        yield f"The video of job {job.public_id} {lengths}; it is {marked}."


def _not_whole(video: Asset, *, deep: bool) -> str:
    """What is wrong with a stored video, as the end of a sentence; "" when it is whole."""
    try:
        size = default_storage.size(str(video.file.name))
        if size != video.size:
            return f"has {size} bytes instead of {video.size}"
        with file_store.local_copy(video) as path:
            if sha256_of(path) != video.sha256:
                return "has other bytes than were saved"
            if deep:
                verify_video(path)
    except FileNotFoundError:
        return "is not in the storage"
    except MediaError as error:
        return f"cannot be played to its end: {error}"
    except (
        Exception
    ) as error:  # a bucket has errors of its own kind, and one video must not hide the next
        return f"cannot be read ({type(error).__name__})"
    return ""
