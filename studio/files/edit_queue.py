"""Files made from files of the library: a crop, a cut, another format. The parent stays as it is;
the child says what was done to it.

Pictures and sound are made while the page waits (`change`); a video takes a minute, so it is an
`Edit` row that a worker takes up (`ask`, `step`), and so is a picture whose page would have to wait
for others. One of each person at a time. The same recipe on the same file is made once.

A recipe is a dict: {"do": "picture", "box", "angle", "behind", "format", "max_side", "min_side",
"max_bytes"}, {"do": "cut", "start", "stop"}, {"do": "without", "cuts": [[start, stop], …]} or
{"do": "film", "start", "stop", "fps", "hold", "max_side", "max_bytes"}. Boxes are (left, top,
right, bottom) in px, times milliseconds, sizes bytes; what is missing stays as it is.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from rq.timeouts import JobTimeoutException

from studio.common import clock
from studio.common.file_names import MOST_BYTES, within_bytes
from studio.common.leases import LEASE, check_connection, renewing
from studio.common.translatable import EMPTY, phrase
from studio.files.file_store import keep, local_copy, person_key
from studio.files.names import NAME_LENGTH
from studio.media import Facts, MediaError, decoders
from studio.models import Asset, Consent, Edit, User
from studio.teams import quotas

log = logging.getLogger("footlight.edit_queue")
TRIES = 3
AGAIN = timedelta(seconds=30)
SHAPES = (
    (1, 1),
    (3, 4),
    (4, 3),
    (9, 16),
    (16, 9),
    (2, 3),
    (3, 2),
    (4, 5),
    (5, 4),
)  # width and height, told as such in a name
Recipe: TypeAlias = dict[str, Any]


def change(asset: Asset, recipe: Recipe, by: User) -> Asset:
    """The picture or sound that `recipe` makes of `asset`, which is kept beside it; the one we have
    when it was made before.

    Raises MediaError with a sentence; then nothing was stored.
    """
    made = asset.children.filter(recipe=recipe).first()
    if made is not None:
        _inherit(asset, made)
        return made
    try:
        return _make(asset, recipe, by)
    except OSError as error:  # a full disk, mostly
        log.exception("an edit of %s", asset.public_id)
        raise MediaError(
            "broken", phrase("The new file could not be written here. Try again later.")
        ) from error


def ask(asset: Asset, recipe: Recipe, by: User) -> Edit:
    """The row of this edit of a video; a worker begins it within seconds. One that failed is tried
    anew. MediaError when `by` has as many in line as one person may."""
    with transaction.atomic():
        known = Edit.objects.filter(asset=asset, word=recipe_hash(recipe)).first()
        if known is None or known.state in (Edit.State.FAILED, Edit.State.DONE):
            quotas.check_edits(by)
        edit, new = Edit.objects.get_or_create(
            asset=asset,
            word=recipe_hash(recipe),
            defaults={
                "team_id": asset.team_id,
                "owner": by,
                "recipe": recipe,
                "state": Edit.State.WAITING,
            },
        )
        made = edit.made
        gone = edit.state == Edit.State.DONE and (made is None or made.deletion_id is not None)
        if edit.state == Edit.State.FAILED or gone:
            changed = {
                "state": Edit.State.WAITING,
                "tries": 0,
                "sentence": EMPTY,
                "lease_until": None,
            }
            new = bool(Edit.objects.filter(pk=edit.pk, state=edit.state).update(**changed))
            edit.refresh_from_db()
        if new:
            _enqueue_after_commit(edit.pk)
    return edit


def due() -> list[int]:
    """Ids of edits that nobody works on: of each person the first, unless one is being made."""
    left = Q(state=Edit.State.WORKING, lease_until__lt=clock.now())
    rows = Edit.objects.filter(Q(state=Edit.State.WAITING) | left).exclude(owner__in=_busy())
    firsts = rows.filter(owner__isnull=False).values("owner").annotate(first=Min("pk"))
    return sorted(
        [
            *firsts.order_by("first").values_list("first", flat=True)[:50],
            *rows.filter(owner__isnull=True).order_by("pk").values_list("pk", flat=True)[:50],
        ]
    )


def ahead(edit: Edit) -> int:
    """How many edits are likely to be begun before this one: of others those of one each, and all
    of its owner's that were asked for before."""
    if edit.state != Edit.State.WAITING:
        return 0
    before = Edit.objects.filter(state__in=Edit.UNDER_WAY, pk__lt=edit.pk)
    own = before.filter(owner=edit.owner_id).count()
    return own + before.exclude(owner=edit.owner_id).values("owner").distinct().count()


def _busy() -> QuerySet[Edit, int]:
    """Who has an edit under way."""
    now = clock.now()
    working = Edit.objects.filter(state=Edit.State.WORKING, lease_until__gte=now)
    return working.filter(owner__isnull=False).values_list("owner", flat=True)


def step(pk: int) -> None:
    """Make the file of an Edit. May run twice: the lease lets one in, and what was made is kept by
    its content."""
    now = clock.now()
    free = Q(state=Edit.State.WAITING) | Q(state=Edit.State.WORKING, lease_until__lt=now)
    mine = Edit.objects.filter(pk=pk)
    edit = mine.select_related("asset__team", "owner").first()
    if edit is None or not mine.filter(free, tries=edit.tries).exclude(owner__in=_busy()).update(
        state=Edit.State.WORKING, lease_until=now + LEASE, tries=edit.tries + 1
    ):
        return
    # The number of the try is the token: whoever takes it up after us counts on.
    ours = mine.filter(state=Edit.State.WORKING, tries=edit.tries + 1)
    if edit.tries >= TRIES:  # it broke off, or whoever made it died over it, each time
        said = edit.sentence or phrase(
            "The file could not be made over. Export it again and upload it."
        )
        ours.update(state=Edit.State.FAILED, sentence=said, lease_until=None)
        return
    done: dict[str, Any]
    with renewing(lambda: ours.update(lease_until=clock.now() + LEASE)):
        try:
            made = _make(edit.asset, edit.recipe, edit.owner)
        except MediaError as error:
            done = {"state": Edit.State.FAILED, "sentence": error.sentence, "lease_until": None}
        except JobTimeoutException:
            said = phrase(
                "The file takes longer than half an hour to make over. Cut it shorter or export "
                "it smaller, and upload it again."
            )
            done = {"state": Edit.State.FAILED, "sentence": said, "lease_until": None}
        except Exception:
            # A full disk or a bucket that is away: it is tried again soon.
            log.exception("edit %s", edit.public_id)
            said = phrase(
                "The file could not be made over, because its new file could not be written here. "
                "Try again later."
            )
            done = {"sentence": said, "lease_until": clock.now() + AGAIN}
        else:
            done = {"state": Edit.State.DONE, "made": made, "sentence": EMPTY, "lease_until": None}
    ours.update(**done)
    following = Edit.objects.filter(state=Edit.State.WAITING, owner=edit.owner).exclude(pk=pk)
    if (waits := following.order_by("pk").first()) is not None:
        _enqueue_after_commit(waits.pk)


def drop(assets: Iterable[int]) -> None:
    """The files of these ids are deleted, so what waits to be made of them is not made. What is
    being made meanwhile fails when it is kept (studio/files/from_trash.py)."""
    Edit.objects.filter(asset__in=list(assets), state=Edit.State.WAITING).update(
        state=Edit.State.FAILED, sentence=phrase("Its file was deleted meanwhile.")
    )


def recipe_hash(recipe: Recipe) -> str:
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def _enqueue_after_commit(pk: int) -> None:
    """Who works is told by name: studio does not know the workers."""
    path = getattr(settings, "EDIT_WAKEUP", "")
    if path:
        enqueue: Callable[[int], None] = import_string(path)
        transaction.on_commit(lambda: enqueue(pk))


def _make(asset: Asset, recipe: Recipe, by: User | None) -> Asset:
    with (
        tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR, prefix="edit-") as folder,
        local_copy(asset) as source,
    ):
        if not source.exists():
            raise MediaError(
                "broken",
                phrase(
                    "The stored file of “%(name)s” is missing. Upload it again.", name=asset.name
                ),
            )
        target = Path(folder) / "made"
        facts = _MAKERS[recipe["do"]](source, target, recipe, person_key(by))
        check_connection()
        name = name_of(asset, recipe, facts)
        made, _new = keep(
            target,
            team=asset.team,
            owner=by,
            name=name,
            origin=Asset.Origin.EDIT,
            parent=asset,
            recipe=recipe,
        )
    _inherit(asset, made)
    return made


def _inherit(parent: Asset, child: Asset) -> None:
    """What was said of the person in the parent holds for what is made of it."""
    said = Consent.objects.filter(asset=parent).first()
    if said is not None and child.pk != parent.pk:
        Consent.objects.get_or_create(
            asset=child, defaults={"by": said.by, "said": said.said, "at": said.at}
        )


def consent(asset: Asset, by: User, words: str) -> Consent:
    """Note that `by` said `words` about `asset` and what was made of it; the first word stands."""
    said = Consent.objects.get_or_create(asset=asset, defaults={"by": by, "said": words})[0]
    seen, parents = {asset.pk}, [asset]
    while parents:
        parent = parents.pop()
        for child in parent.children.filter(origin=Asset.Origin.EDIT).exclude(pk__in=seen):
            _inherit(parent, child)
            seen.add(child.pk)
            parents.append(child)
    return said


def words(recipe: Recipe) -> list[str]:
    """What the recipe does to a file, such as ["straightened", "cropped"]; bounds that a file keeps
    anyway are not told."""
    do, found = recipe.get("do"), []
    if recipe.get("angle"):
        found.append(_("straightened"))
    if recipe.get("box"):
        found.append(_("cropped"))
    if recipe.get("behind"):
        found.append(_("with a background"))
    if do in ("cut", "without") or (
        do == "film" and (recipe.get("start") or recipe.get("stop") is not None)
    ):
        found.append(_("cut"))
    if recipe.get("hold"):
        found.append(_("last picture held"))
    if recipe.get("fps"):
        found.append(_("made %(n)s frames per second") % {"n": f"{recipe['fps']:g}"})
    if recipe.get("format"):
        found.append(_("converted"))
    return found


# ── names ──


def name_of(asset: Asset, recipe: Recipe, facts: Facts) -> str:
    """“portrait, cropped 3:4.jpg” for the file with `facts` that `recipe` made of `asset`: the
    first file's name, and all that was done since."""
    first, done = asset, recipe
    while first.origin == Asset.Origin.EDIT:
        done = _both(first.recipe, done)
        if first.parent is None:
            break
        first = first.parent
    stem = first.name.removesuffix(f".{first.extension}")
    if (
        first.origin == Asset.Origin.EDIT
    ):  # what it was made from was deleted; its own name tells what was done to that
        stem = stem.removesuffix(_suffix(first.recipe, first.facts))
    suffix, ending = _suffix(done, facts), f".{facts.extension}"
    stem = stem[: NAME_LENGTH - len(suffix) - len(ending)]
    stem = within_bytes(stem, MOST_BYTES - len((suffix + ending).encode())).rstrip(" .,")
    return stem + suffix + ending


def _both(before: Recipe, after: Recipe) -> Recipe:
    """One recipe for two, as far as a name tells it; times count from the start of what `before`
    was done to."""
    both = before | after
    if "start" in before:
        both["start"] = before["start"] + after.get("start", 0)
    if "without" in (before.get("do"), after.get("do")):
        both["do"] = "without"
    return both


def _suffix(recipe: Recipe, facts: Facts) -> str:
    found = []
    if recipe.get("angle"):
        found.append(_("straightened"))
    if recipe.get("box"):
        found.append(_("cropped %(shape)s") % {"shape": _shape(facts.width, facts.height)})
    if recipe.get("behind"):
        found.append(_("with a background"))
    start = recipe.get("start", 0) / 1000
    do = recipe.get("do")
    if do == "without":
        found.append(_("cut to %(n)s s") % {"n": f"{facts.seconds:.1f}"})
    elif do == "cut" or start or recipe.get("stop") is not None:
        found.append(
            _("cut %(start)s–%(stop)s s")
            % {"start": f"{start:.1f}", "stop": f"{start + facts.seconds:.1f}"}
        )
    if recipe.get("hold"):
        found.append(_("last picture held"))
    if recipe.get("fps"):
        found.append(_("%(n)s frames per second") % {"n": f"{recipe['fps']:g}"})
    if recipe.get("format"):
        found.append(_("converted"))
    return "".join(f", {word}" for word in found or [_("made to fit")])


def _shape(width: int, height: int) -> str:
    # Whole pixels: one more or less on a side is the same shape.
    shape = next(
        (shape for shape in SHAPES if abs(width * shape[1] - height * shape[0]) <= max(shape)), None
    )
    return "{}:{}".format(*shape) if shape else f"{width} × {height}"


# ── how each is made ──


def _picture(source: Path, target: Path, recipe: Recipe, person: str) -> Facts:
    box = recipe.get("box")
    return decoders.edit_picture(
        source,
        target,
        person=person,
        box=(int(box[0]), int(box[1]), int(box[2]), int(box[3])) if box else None,
        angle=float(recipe.get("angle", 0)),
        format=recipe.get("format", ""),
        max_side=recipe.get("max_side"),
        max_bytes=recipe.get("max_bytes"),
        min_side=recipe.get("min_side"),
        behind=recipe.get("behind", ""),
    )


def _cut(source: Path, target: Path, recipe: Recipe, person: str) -> Facts:
    start, stop = recipe["start"] / 1000, recipe["stop"] / 1000
    return decoders.cut_sound(source, target, start, stop, person=person)


def _without(source: Path, target: Path, recipe: Recipe, person: str) -> Facts:
    cuts = [(start / 1000, stop / 1000) for start, stop in recipe["cuts"]]
    return decoders.without(source, target, cuts, person=person)


def _video(source: Path, target: Path, recipe: Recipe, person: str) -> Facts:
    stop = recipe.get("stop")
    return decoders.remake_video(
        source,
        target,
        person=person,
        start=recipe.get("start", 0) / 1000,
        stop=stop / 1000 if stop is not None else None,
        fps=recipe.get("fps"),
        max_side=recipe.get("max_side"),
        max_bytes=recipe.get("max_bytes"),
        hold=bool(recipe.get("hold")),
    )


_MAKERS: dict[str, Callable[[Path, Path, Recipe, str], Facts]] = {
    "picture": _picture,
    "cut": _cut,
    "without": _without,
    "film": _video,
}
