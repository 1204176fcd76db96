"""A job: one wish for one video or template from one model; and everything that happened to it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from jobs.catalogue import entries
from jobs.common.states import LABELS, OPEN, TERMINAL, Code, Fault, Group, Outcome, Rank, State
from jobs.models.account import Account, ApiKey, Lane
from jobs.models.check import Check
from jobs.models.price import Price
from jobs.models.set import JobSet
from jobs.models.template import Template
from studio.common.fields import SentenceField
from studio.common.translatable import EMPTY
from studio.models.asset import Asset
from studio.models.people import Team, public_id
from studio.models.retention import Retention
from studio.models.trash import Deletion


class Job(Retention):
    """The row is the truth; RQ only wakes workers. Only engine/transitions changes `state`,
    `code` and `group`."""

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="jobs", db_index=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # The bill stays in the name of who clicked; the video gets that of who took the job over.
    handed_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("whose its video will be, since its owner has left the team"),
    )
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="jobs")
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="jobs", db_index=False)
    model = models.CharField(max_length=60)
    title = models.CharField(_("name"), max_length=200)

    # the wish, frozen at creation
    parameters = models.JSONField(
        default=dict, help_text=_("every choice, those of the check included")
    )
    check_used = models.ForeignKey(
        Check, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs"
    )
    template = models.ForeignKey(
        Template, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs"
    )
    needs = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="needed_by",
        help_text=_("the template job it waits for"),
    )
    again_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    set = models.ForeignKey(
        JobSet, on_delete=models.SET_NULL, null=True, blank=True, related_name="jobs"
    )
    # {input: {"asset": public id, "keep": the kept parts as a form holds them}} and "milliseconds":
    # the speech that a test clip is the beginning of
    full = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("of a test clip: the whole that it is the beginning of"),
    )
    idempotency_key = models.CharField(max_length=40, blank=True)
    made_from = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text=_("of a template job: the SHA-256 of the video that it is made from"),
    )

    # the machine
    state = models.CharField(
        max_length=10, choices=[(s.value, LABELS[s][0]) for s in State], default=State.QUEUED
    )
    code = models.CharField(max_length=20, choices=[(c.value, c.value) for c in Code], blank=True)
    group = models.SmallIntegerField(
        choices=[(g.value, g.name.lower()) for g in Group], default=Group.WAITING
    )
    rank = models.SmallIntegerField(
        choices=[(r.value, r.name.lower()) for r in Rank],
        default=Rank.NORMAL,
        help_text=_("who goes first in a queue"),
    )
    attempt = models.IntegerField(default=0, help_text=_("how many times a submit was begun"))
    retries = models.SmallIntegerField(
        default=0,
        help_text=_("tasks that the service broke, which cost nothing and were made anew"),
    )
    adopted = models.BooleanField(default=False, help_text=_("its task was made elsewhere"))
    tries = models.IntegerField(
        default=0, help_text=_("steps that had to be put off in the present state")
    )
    not_before = models.DateTimeField(
        null=True, blank=True, help_text=_("the next step is not due before")
    )
    submitting_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(
        null=True, blank=True, help_text=_("of the step that saves the video")
    )
    cancel_asked_at = models.DateTimeField(null=True, blank=True)

    # the remote side
    task_id = models.CharField(max_length=80, blank=True)
    request_id = models.CharField(max_length=80, blank=True)
    provider_status = models.CharField(
        max_length=40, blank=True, help_text=_("the service’s own word")
    )
    submitted_at = models.DateTimeField(null=True, blank=True)
    provider_started_at = models.DateTimeField(null=True, blank=True)
    provider_ended_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    next_look_at = models.DateTimeField(null=True, blank=True)
    looks = models.IntegerField(default=0)
    result_url = models.TextField(
        blank=True, editable=False, help_text=_("signed and short-lived; never shown")
    )
    result_expires_at = models.DateTimeField(null=True, blank=True)
    result = models.ForeignKey(
        Asset, on_delete=models.PROTECT, null=True, blank=True, related_name="made_by"
    )
    length_differs = models.BooleanField(
        default=False, help_text=_("its video is shorter or longer than what was billed")
    )

    # In the trash its group is DELETED, and `deletion` what it went with; erased, it is a shell
    # that the ledger names.
    deletion = models.ForeignKey(
        Deletion,
        on_delete=models.RESTRICT,
        null=True,
        blank=True,
        related_name="jobs",
        db_index=False,
        editable=False,
    )
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text=_("since then its files, name and choices are gone")
    )

    alarmed = models.SmallIntegerField(
        default=0,
        help_text=_(
            "hours after its end at which the owners were told that the video is not here yet"
        ),
    )

    # the estimates of the end that people saw, to be compared with it
    forecast_ready_at = models.DateTimeField(
        null=True, blank=True, db_column="told_ready_at", help_text=_("at the click")
    )
    forecast_late_at = models.DateTimeField(
        null=True,
        blank=True,
        db_column="told_late_at",
        help_text=_("at the click: nine of ten are ready by then"),
    )
    forecast_at_submit = models.DateTimeField(
        null=True,
        blank=True,
        db_column="told_sent_at",
        help_text=_("when the service took it"),
    )

    # money
    variant = models.CharField(max_length=30, blank=True)
    milliseconds = models.BigIntegerField(default=0, help_text=_("length that was quoted"))
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    quote_micros = models.BigIntegerField()
    settled_micros = models.BigIntegerField(null=True, blank=True)
    billed_units = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)

    # how it ended, when not well
    fault = models.CharField(max_length=8, choices=[(f.value, f.value) for f in Fault], blank=True)
    provider_code = models.CharField(max_length=80, blank=True)
    provider_message = models.TextField(blank=True)
    sentence = SentenceField(blank=True, default=EMPTY)
    advice = SentenceField(blank=True, default=EMPTY)

    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("team", "idempotency_key"),
                condition=~models.Q(idempotency_key=""),
                name="one_job_per_click",
            ),
            # No task belongs to two jobs: an adopted task can never be adopted twice.
            models.UniqueConstraint(
                fields=("task_id",), condition=~models.Q(task_id=""), name="one_job_per_task"
            ),
            # What several orders need first is made and paid once, whoever asks at the same moment.
            models.UniqueConstraint(
                fields=("account", "model", "made_from"),
                condition=~models.Q(made_from="") & models.Q(state__in=[*OPEN]),
                name="one_template_under_way",
            ),
        )
        indexes = (
            models.Index(fields=("team", "-id"), name="job_team"),
            models.Index(fields=("team", "group", "-id"), name="job_team_group"),
            models.Index(fields=("team", "owner", "-id"), name="job_team_owner"),
            # The board's filters: what somebody asks for by model, and from which day on.
            models.Index(fields=("team", "model", "-id"), name="job_team_model"),
            models.Index(fields=("team", "created_at"), name="job_team_created"),
            # How many of a person's wait is counted at each click, whatever they made before.
            models.Index(fields=("team", "owner", "state"), name="job_of_person_state"),
            models.Index(fields=("lane", "state", "id"), name="job_lane_state"),
            # With the column, or SQLite takes any other index that begins with the team: read by
            # `differing`.
            models.Index(
                fields=("team", "length_differs", "-id"),
                condition=models.Q(length_differs=True),
                name="job_differing",
            ),
            # What was charged, the most expensive first; and what was not, with the column, too.
            models.Index(
                fields=("team", "-settled_micros", "-id"),
                condition=models.Q(settled_micros__isnull=False),
                name="job_cost",
            ),
            models.Index(
                fields=("team", "settled_micros", "-id"),
                condition=models.Q(settled_micros__isnull=True),
                name="job_not_charged",
            ),
            # SQLite leaves the partial indexes of the constraints above aside when a value is
            # bound; these it uses.
            models.Index(fields=("task_id",), name="job_task"),
            models.Index(fields=("team", "idempotency_key"), name="job_click"),
            models.Index(
                fields=("lease_until",), condition=models.Q(state="archiving"), name="job_archiving"
            ),
            models.Index(
                fields=("deletion",),
                condition=models.Q(deletion__isnull=False),
                name="job_deletion",
            ),
            models.Index(
                fields=("team", "finished_at"),
                condition=models.Q(result__isnull=False, deletion=None, pinned=False, goes_at=None),
                name="job_ageing",
            ),
            models.Index(
                fields=("goes_at",), condition=models.Q(goes_at__isnull=False), name="job_going"
            ),
            models.Index(
                fields=("team", "goes_at"),
                condition=models.Q(goes_at__isnull=False),
                name="job_going_of_team",
            ),
        )

    def __str__(self) -> str:
        return f"{self.title} ({self.state})"

    def get_absolute_url(self) -> str:
        return reverse("jobs:job", args=[self.team.slug, self.public_id])

    @property
    def spec(self) -> entries.Model:
        return entries.get(self.model)

    @property
    def deleted(self) -> bool:
        """Whether it lies in the trash or is erased: nothing names it but the bill."""
        return self.group == Group.DELETED

    @property
    def terminal(self) -> bool:
        return State(self.state) in TERMINAL

    @property
    def seconds(self) -> float:
        return self.milliseconds / 1000


def differing(jobs: models.QuerySet[Job]) -> models.QuerySet[Job]:
    """Those of `jobs` of a team whose video is not as long as billed, by their own index. Said
    twice: once as the index says it, once as a value that it is searched for."""
    return jobs.filter(length_differs=True).filter(length_differs__in=[True])


class Attempt(models.Model):
    """One submit: begun before the POST, and what became of it. A task stays known after its job
    has gone on to another."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    number = models.IntegerField()
    began_at = models.DateTimeField()
    # What it was sent with, whatever the account says later: there and so it is looked for.
    key = models.ForeignKey(
        ApiKey,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    base_url = models.CharField(max_length=200, blank=True)
    workspace = models.CharField(max_length=64, blank=True)
    model_name = models.CharField(max_length=100, blank=True, help_text=_("as deployed"))
    task_id = models.CharField(max_length=80, blank=True)
    request_id = models.CharField(max_length=80, blank=True)
    outcome = models.CharField(
        max_length=10, choices=[(o.value, o.value) for o in Outcome], default=Outcome.SENDING
    )
    found = models.BooleanField(
        default=False, help_text=_("no answer named its task: the list did, or a person")
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("job_id", "number")
        constraints = (
            models.UniqueConstraint(fields=("job", "number"), name="one_attempt_per_number"),
            models.UniqueConstraint(
                fields=("task_id",), condition=~models.Q(task_id=""), name="one_attempt_per_task"
            ),
        )
        indexes = (
            models.Index(fields=("task_id",), name="attempt_task"),  # for SQLite, as above
            models.Index(fields=("outcome", "id"), name="attempt_outcome"),
            # When a key was last used, whatever it was used for before.
            models.Index(fields=("key", "-began_at"), name="attempt_of_key"),
        )

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.job_id}: {self.outcome}"


class HereManager(models.Manager["JobInput"]):
    """Without files that lie in the trash, as `job.inputs` and `asset.used_as` too."""

    def get_queryset(self) -> models.QuerySet[JobInput]:
        return super().get_queryset().filter(asset__deletion=None)


class JobInput(models.Model):
    """A file that a job was given; it cannot be deleted while the job is under way. Erased, the
    row goes with it."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="inputs")
    name = models.CharField(
        max_length=30, help_text=_("the field of the request, such as image_url")
    )
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="used_as")

    objects = HereManager()
    everything: models.Manager[JobInput] = models.Manager()

    class Meta:
        verbose_name, verbose_name_plural = _("file of a job"), _("files of jobs")
        constraints = (
            models.UniqueConstraint(fields=("job", "name"), name="one_file_per_job_and_field"),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.job_id}"


def video_of(maker: Job) -> Asset | None:
    """The video that a template job was given; None when it was deleted since."""
    row = maker.inputs.select_related("asset").first()
    return row.asset if row is not None else None
