"""What a team and a person use of the site: running sums that are written with each file, so that a
limit is asked in one row however long the history is. What lies in the trash counts until it is
erased, for it is stored."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import IntegrityError, models, transaction
from django.db.models import Count, F, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from studio.models.asset import Asset
from studio.models.people import Team, User


class Use(models.Model):
    """Bytes and number of the files that are stored, as their `Asset` rows say."""

    stored_bytes = models.BigIntegerField(_("stored bytes"), default=0)
    files = models.BigIntegerField(_("files"), default=0)

    class Meta:
        abstract = True


class TeamUse(Use):
    team = models.OneToOneField(
        Team, on_delete=models.CASCADE, primary_key=True, related_name="use"
    )

    class Meta:
        verbose_name, verbose_name_plural = _("storage of a team"), _("storage of teams")

    def __str__(self) -> str:
        return f"{self.stored_bytes} bytes of {self.team_id}"


class PersonUse(Use):
    """Of all teams together; and how many uploads the person has begun since `uploads_since`."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="use"
    )
    uploads_since = models.DateTimeField(_("uploads since"), null=True, blank=True)
    uploads = models.PositiveIntegerField(_("uploads"), default=0)

    class Meta:
        verbose_name, verbose_name_plural = _("storage of a person"), _("storage of people")

    def __str__(self) -> str:
        return f"{self.stored_bytes} bytes of {self.user_id}"


@receiver(post_save, sender=Asset)
def _kept(instance: Asset, created: bool, raw: bool = False, **_ignored: object) -> None:
    if created and not raw:
        _add(instance, instance.size, 1)


@receiver(post_delete, sender=Asset)
def _let_go(instance: Asset, **_ignored: object) -> None:
    _add(instance, -instance.size, -1)


def _add(asset: Asset, size: int, files: int) -> None:
    """In the transaction that writes the file's row; the team before the person, so that two never
    wait for each other."""
    change = {"stored_bytes": F("stored_bytes") + size, "files": F("files") + files}
    if not TeamUse.objects.filter(team_id=asset.team_id).update(**change) and files > 0:
        begin(TeamUse(team_id=asset.team_id))
        TeamUse.objects.filter(team_id=asset.team_id).update(**change)
    if asset.owner_id is None:
        return
    if not PersonUse.objects.filter(user_id=asset.owner_id).update(**change) and files > 0:
        begin(PersonUse(user_id=asset.owner_id))
        PersonUse.objects.filter(user_id=asset.owner_id).update(**change)


def move(person: User | None, heir: User | None, size: int, files: int) -> None:
    """Files of `size` bytes together that were `person`'s, or nobody's, are `heir`'s now, or
    nobody's. In the transaction that writes their rows; the lower id first, so that two never wait
    for each other."""
    both = ((person, -size, -files), (heir, size, files))
    changes = [(user, more, n) for user, more, n in both if user is not None]
    for user, bytes_more, files_more in sorted(changes, key=lambda change: change[0].pk):
        begin(PersonUse(user_id=user.pk))
        PersonUse.objects.filter(user=user).update(
            stored_bytes=F("stored_bytes") + bytes_more, files=F("files") + files_more
        )


def begin(row: TeamUse | PersonUse) -> None:
    """Write the first row of a team or person, unless somebody else was first."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        pass


def lacking() -> Iterator[tuple[Team | User, int, int]]:
    """Each team and person, with the bytes and the number of files that their sums lack of those of
    their files: 0 and 0 when they are right. One statement for teams and one for people, so that
    each sees one moment."""
    for model, column in ((Team, "team"), (User, "owner")):
        of_files = (
            Asset.everything.filter(**{column: OuterRef("pk")})
            .order_by()
            .values(column)
            .annotate(total=Sum("size"), n=Count("pk"))
        )
        rows = model._default_manager.order_by("pk").annotate(
            lacking_bytes=Coalesce(Subquery(of_files.values("total")), 0)
            - Coalesce(F("use__stored_bytes"), 0),
            lacking_files=Coalesce(Subquery(of_files.values("n")), 0)
            - Coalesce(F("use__files"), 0),
        )
        for row in rows.iterator():
            yield row, row.lacking_bytes, row.lacking_files


def recount() -> int:
    """All sums anew from the files, whose sums they are; returns how many rows were written."""
    written = 0
    with transaction.atomic():
        for model, column in ((TeamUse, "team_id"), (PersonUse, "user_id")):
            field = "team_id" if model is TeamUse else "owner_id"
            found = {
                row[field]: row
                for row in Asset.everything.exclude(**{field: None})
                .order_by()
                .values(field)
                .annotate(total=Sum("size"), n=Count("pk"))
            }
            model.objects.exclude(pk__in=found).update(stored_bytes=0, files=0)
            for pk, row in found.items():
                model.objects.update_or_create(
                    **{column: pk}, defaults={"stored_bytes": row["total"], "files": row["n"]}
                )
                written += 1
    return written
