"""What the trail tells of: every event with its sentence. A new one is a line here; its value,
which is stored, begins with its kind and never changes."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """What the page of the trail filters by."""

    PEOPLE = "people", _("People and roles")
    SIGN_IN = "sign-in", _("Signing in")
    SETTINGS = "settings", _("Settings of the team")
    MONEY = "money", _("Limits, prices and money")
    CONNECTION = "connection", _("Model Studio connections and keys")
    JOB = "job", _("Jobs")
    FILE = "file", _("Files and videos")
    SITE = "site", _("Operators of the site")


class Event(models.TextChoices):
    """A sentence has the places `by` (who), `person` (whom) and `about` (the name of the thing)."""

    # ── people and roles ──
    TEAM_MADE = "people.team-made", _("%(by)s made the team %(about)s")
    TEAM_DELETED = "people.team-deleted", _("%(by)s deleted the team %(about)s")
    TEAM_CLOSED = (
        "people.team-closed",
        _("%(by)s deleted the team %(about)s; it is closed, and erased in 30 days"),
    )
    TEAM_REOPENED = "people.team-reopened", _("%(by)s reopened the team %(about)s")
    TEAM_EMPTIED = "people.team-emptied", _("The team %(about)s was erased")
    INVITED = "people.invited", _("%(by)s invited %(person)s")
    INVITATION_SENT_AGAIN = (
        "people.invitation-sent-again",
        _("%(by)s sent the invitation of %(person)s again"),
    )
    INVITATION_REVOKED = (
        "people.invitation-revoked",
        _("%(by)s took back the invitation of %(person)s"),
    )
    JOINED = "people.joined", _("%(person)s joined the team")
    ADDED = "people.added", _("%(by)s took %(person)s into the team")
    ROLE_CHANGED = "people.role-changed", _("%(by)s changed the role of %(person)s")
    REMOVED = "people.removed", _("%(by)s removed %(person)s from the team")
    LEFT = "people.left", _("%(person)s left the team")
    OWNER_CHANGED = (
        "people.owner-changed",
        _("%(by)s handed the team over to %(person)s"),
    )
    WORK_MOVED = (
        "people.work-moved",
        _("%(by)s decided what becomes of what %(person)s made"),
    )
    DOMAIN_CHANGED = "people.domain-changed", _("%(by)s changed who may join by mail domain")
    ACCOUNT_LINK_MADE = (
        "people.account-link-made",
        _("%(by)s made a link with which %(person)s makes an account"),
    )
    SIGNED_UP = "people.signed-up", _("%(person)s made an account")
    PERSON_ADDED = "people.person-added", _("%(by)s made an account for %(person)s")
    PERSON_CHANGED = "people.person-changed", _("%(by)s changed the account of %(person)s")
    PERSON_DELETED = "people.person-deleted", _("%(by)s deleted the account of %(person)s")
    PERSON_EXPORTED = (
        "people.person-exported",
        _("%(by)s downloaded everything that is stored of %(person)s"),
    )
    PERSON_ERASED = "people.person-erased", _("%(by)s erased %(person)s")

    # ── signing in ──
    SIGNED_IN = "sign-in.signed-in", _("%(person)s signed in")
    SIGN_IN_FAILED = "sign-in.failed", _("Somebody failed to sign in as %(person)s")
    SIGNED_OUT = "sign-in.signed-out", _("%(person)s signed out")
    SIGN_INS_ENDED = "sign-in.ended", _("%(by)s ended sign-ins of %(person)s")
    PASSWORD_CHANGED = "sign-in.password-changed", _("%(by)s changed the password of %(person)s")
    EMAIL_CHANGED = (
        "sign-in.email-changed",
        _("%(by)s changed the e-mail address of %(person)s"),
    )
    EMAIL_ADDED = "sign-in.email-added", _("%(by)s added an e-mail address of %(person)s")
    EMAIL_REMOVED = "sign-in.email-removed", _("%(by)s removed an e-mail address of %(person)s")
    EMAIL_CONFIRMED = (
        "sign-in.email-confirmed",
        _("The e-mail address of %(person)s was confirmed"),
    )
    SECOND_FACTOR_ADDED = "sign-in.factor-added", _("%(by)s added a second factor of %(person)s")
    SECOND_FACTOR_REMOVED = (
        "sign-in.factor-removed",
        _("%(by)s removed a second factor of %(person)s"),
    )
    RECOVERY_CODES_MADE = (
        "sign-in.recovery-codes-made",
        _("%(by)s made new recovery codes of %(person)s"),
    )
    RECOVERY_CODE_USED = "sign-in.recovery-code-used", _("%(person)s used a recovery code")
    STEP_UP_FAILED = (
        "sign-in.step-up-failed",
        _("Somebody signed in as %(person)s could not confirm who they are"),
    )
    SECOND_STEP_FAILED = (
        "sign-in.second-step-failed",
        _("Somebody knew the password of %(person)s and failed at the second factor"),
    )
    FACTORS_LINK_MADE = (
        "sign-in.factors-link-made",
        _("%(by)s made a link that takes the second factors of %(person)s away"),
    )
    FACTORS_LOST = (
        "sign-in.factors-lost",
        _("The second factors of %(person)s were taken away by a link of the operator"),
    )
    SIGN_IN_UNLINKED = (
        "sign-in.unlinked",
        _("%(person)s was unlinked from their account at %(about)s"),
    )
    CONFIRMED_AGAIN = "sign-in.confirmed-again", _("%(person)s confirmed who they are")
    SIGN_IN_LINKED = (
        "sign-in.linked",
        _("%(person)s was linked with their account at %(about)s"),
    )

    # ── settings ──
    PROFILE_CHANGED = "settings.profile-changed", _("%(by)s changed their profile")
    TEAM_CHANGED = "settings.team-changed", _("%(by)s changed the settings of the team")
    SHARES_CHANGED = "settings.shares-changed", _("%(by)s changed the priority share of %(person)s")

    # ── limits, prices and money ──
    LIMIT_CHANGED = "money.limit-changed", _("%(by)s changed a limit: %(about)s")
    MEMBER_LIMIT_CHANGED = "money.member-limit-changed", _("%(by)s changed a limit of %(person)s")
    APPROVAL_AMOUNT_CHANGED = (
        "money.approval-amount-changed",
        _("%(by)s changed above which amount a click needs approval"),
    )
    APPROVAL_ASKED = "money.approval-asked", _("%(by)s asked for approval of %(about)s")
    APPROVED = "money.approved", _("%(by)s approved %(about)s of %(person)s")
    APPROVAL_DECLINED = "money.approval-declined", _("%(by)s declined %(about)s of %(person)s")
    APPROVAL_WITHDRAWN = (
        "money.approval-withdrawn",
        _("%(by)s withdrew the question for approval of %(about)s"),
    )
    APPROVAL_EXPIRED = (
        "money.approval-expired",
        _("Nobody answered %(person)s about %(about)s in time"),
    )
    REST_HELD = "money.rest-held", _("A limit holds the rest of %(about)s of %(person)s")
    REST_WENT_ON = "money.rest-went-on", _("%(by)s went on with the rest of %(about)s")
    REST_CANCELED = "money.rest-canceled", _("%(by)s canceled the rest of %(about)s")
    PRICE_CHANGED = "money.price-changed", _("%(by)s changed the price %(about)s")
    ADJUSTED = "money.adjusted", _("%(by)s corrected the ledger: %(about)s")

    # ── Model Studio connections and keys ──
    CONNECTION_ADDED = "connection.added", _("%(by)s added the Model Studio connection %(about)s")
    CONNECTION_CHANGED = (
        "connection.changed",
        _("%(by)s changed the Model Studio connection %(about)s"),
    )
    CONNECTION_MOVED = (
        "connection.moved",
        _("%(by)s moved the Model Studio account %(about)s, with a new key"),
    )
    CONNECTION_REMOVED = (
        "connection.removed",
        _("%(by)s removed the Model Studio connection %(about)s"),
    )
    CONNECTION_PAUSED = "connection.paused", _("%(by)s changed what %(about)s sends")
    KEY_ADDED = "connection.key-added", _("%(by)s added a key to %(about)s")
    KEY_TESTED = "connection.key-tested", _("%(by)s tested a key of %(about)s")
    KEY_EXPIRY_NOTED = (
        "connection.key-expiry-noted",
        _("%(by)s noted when a key of %(about)s expires"),
    )
    CONNECTION_USERS_CHANGED = (
        "connection.users-changed",
        _("%(by)s changed who may use the Model Studio connection %(about)s"),
    )
    KEY_RETIRED = "connection.key-retired", _("%(by)s retired a key of %(about)s")
    KEYS_ENCRYPTED_ANEW = (
        "connection.keys-encrypted-anew",
        _("%(by)s encrypted all stored keys anew"),
    )

    RECONCILED = (
        "connection.reconciled",
        _("%(by)s compared %(about)s with the service’s list"),
    )

    # ── jobs ──
    JOB_CANCELED = "job.canceled", _("%(by)s canceled the job %(about)s of %(person)s")
    JOB_RENAMED = "job.renamed", _("%(by)s gave the job %(about)s another name")
    COLLECTION_SHOWN = (
        "file.collection-shown",
        _("%(by)s made the collection %(about)s one for everybody"),
    )
    COLLECTION_HIDDEN = (
        "file.collection-hidden",
        _("%(by)s made the collection %(about)s one for its maker alone"),
    )
    COLLECTION_RENAMED = (
        "file.collection-renamed",
        _("%(by)s gave a collection for everybody the name %(about)s"),
    )
    COLLECTION_DELETED = (
        "file.collection-deleted",
        _("%(by)s deleted the collection %(about)s of everybody"),
    )
    VIEW_SAVED = "job.view-saved", _("%(by)s saved the view %(about)s for everybody")
    VIEW_RENAMED = "job.view-renamed", _("%(by)s gave a view for everybody the name %(about)s")
    VIEW_DELETED = "job.view-deleted", _("%(by)s deleted the view %(about)s of everybody")
    JOB_MOVED = "job.moved", _("%(by)s moved the job %(about)s to the front")
    JOB_DECIDED = "job.decided", _("%(by)s decided about the uncertain job %(about)s")
    JOB_ADOPTED = "job.adopted", _("%(by)s imported the task %(about)s, made elsewhere")
    JOB_ENDED_MANUALLY = (
        "job.ended-manually",
        _("%(by)s ended the job %(about)s without asking the service"),
    )

    # ── files and videos ──
    FILE_DELETED = "file.deleted", _("%(by)s deleted the file %(about)s")
    PINNED = "file.pinned", _("%(by)s keeps %(about)s, however old it gets")
    UNPINNED = "file.unpinned", _("%(by)s lets %(about)s go when it is old")
    FILE_RENAMED = "file.renamed", _("%(by)s renamed the file %(about)s")
    VIDEO_DELETED = "file.video-deleted", _("%(by)s deleted the video %(about)s of %(person)s")
    LIKENESS_DELETED = (
        "file.likeness-deleted",
        _("%(by)s deleted %(about)s with everything made of it"),
    )
    RESTORED = "file.restored", _("%(by)s took %(about)s out of the trash")
    ERASED = "file.erased", _("%(about)s was erased from the trash")
    ERASED_NOW = "file.erased-now", _("%(by)s had %(about)s erased before its time in the trash")
    VIDEO_DOWNLOADED = (
        "file.video-downloaded",
        _("%(by)s downloaded the video %(about)s of %(person)s"),
    )
    SHARE_LINK_MADE = "file.share-link-made", _("%(by)s made a share link of %(about)s")
    SHARE_LINK_CHANGED = "file.share-link-changed", _("%(by)s changed the share link of %(about)s")
    SHARE_LINK_REVOKED = "file.share-link-revoked", _("%(by)s revoked the share link of %(about)s")
    VIDEOS_DOWNLOADED = "file.videos-downloaded", _("%(by)s downloaded the videos of %(about)s")
    PRESET_SAVED = "file.preset-saved", _("%(by)s saved the preset %(about)s")
    PRESET_DELETED = "file.preset-deleted", _("%(by)s deleted the preset %(about)s")
    TEMPLATE_RENAMED = "file.template-renamed", _("%(by)s renamed the template %(about)s")
    SPEND_DOWNLOADED = "money.spend-downloaded", _("%(by)s downloaded the spend of the team")
    TRAIL_DOWNLOADED = "file.trail-downloaded", _("%(by)s downloaded the trail of the team")

    # ── operators of the site ──
    ROW_ADDED = "site.row-added", _("%(by)s added in the admin: %(about)s")
    ROW_CHANGED = "site.row-changed", _("%(by)s changed in the admin: %(about)s")
    ROW_DELETED = "site.row-deleted", _("%(by)s deleted in the admin: %(about)s")
    ACTION_RUN = "site.action-run", _("%(by)s ran in the admin: %(about)s")
    COMMAND_RUN = "site.command-run", _("%(by)s ran the command %(about)s")

    @property
    def kind(self) -> Kind:
        return Kind(self.value.partition(".")[0])


# What concerns a person wherever they are: told in each of their teams.
ABOUT_A_PERSON = frozenset(
    {event for event in Event if event.kind == Kind.SIGN_IN}
    | {
        Event.PERSON_CHANGED,
        Event.PERSON_DELETED,
        Event.PERSON_EXPORTED,
        Event.PERSON_ERASED,
    }
)
