"""What a click on a draft would meet: worked out once per request, for the order and for the panels
of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.models import Account
from jobs.orders.consent import ConsentState, state_of
from jobs.orders.trim import Trim
from jobs.orders.waiting_room import no_room_in_line, waiting_of
from jobs.pages.create.account_panel import account_of, region_of
from jobs.pages.create.blocked_reason import blocked_reason
from jobs.pages.create.button_prices import button_prices
from jobs.pages.create.check_panel import CheckPanel, check_panel
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import file_fields
from jobs.pages.create.draft_plan import DraftPlan, draft_plan, jobs_of
from jobs.pages.create.speech_panel import SpeechPanel, speech_panel
from studio.common.translatable import translated
from studio.models.people import User


@dataclass(frozen=True, slots=True)
class DraftReview:
    """`account`: where the draft is made, None without one that has a key. `consents` by the name
    of the file, None for one that needs none. `prices`: micros of each button, by what it does.
    `waiting`: jobs of the person that wait already. `blocked`: why nothing can be made now whatever
    it costs, "" when it can."""

    account: Account | None
    planned: DraftPlan
    check: CheckPanel | None
    consents: Mapping[str, ConsentState | None]
    speech: SpeechPanel | None
    prices: dict[str, int]
    waiting: int
    blocked: str

    @property
    def region(self) -> str:
        return region_of(self.account)

    @property
    def parts(self) -> list[Trim]:
        """The parts of a speech that is too long for one video."""
        split = self.speech.split if self.speech is not None else None
        return split.trims if split is not None else []


def review_draft(draft: Draft, user: User, planned: DraftPlan | None = None) -> DraftReview:
    """`draft` as `user` would make it now; `planned` where this request has worked it out."""
    account = account_of(draft)
    if planned is None:
        planned = draft_plan(draft, user, account)
    check = check_panel(draft, region_of(account))
    files = file_fields(draft.spec)
    consents = {
        file.name: state_of(draft.asset(file.name), ticked=file.name in draft.consented)
        for file in files
    }
    sound = next((file for file in files if file.kind == "audio"), None)
    speech = speech_panel(draft, sound, region_of(account)) if sound is not None else None
    waiting = waiting_of(draft.team, user)
    return DraftReview(
        account,
        planned,
        check,
        consents,
        speech,
        button_prices(planned, speech.split if speech is not None else None),
        waiting,
        blocked_reason(draft, planned, account, check, consents)
        or translated(no_room_in_line(draft.team, waiting + jobs_of(planned))),
    )
