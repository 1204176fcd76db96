"""The button that makes the video: why it cannot be pressed yet."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from jobs.models import Account
from jobs.orders.consent import ConsentState
from jobs.pages.create.check_panel import CheckPanel
from jobs.pages.create.consent_words import what_to_do
from jobs.pages.create.draft import Draft
from jobs.pages.create.draft_fields import TEMPLATE_VIDEO, file_fields
from jobs.pages.create.draft_plan import DraftPlan
from studio.common.translatable import translated


def blocked_reason(
    draft: Draft,
    planned: DraftPlan,
    account: Account | None,
    check: CheckPanel | None,
    consents: Mapping[str, ConsentState | None],
) -> str:
    """Why nothing can be made of `draft` now, the first thing to do first; "" when it can. Without
    the budget, which may have room for less. `consents` by the name of the file."""
    return (
        _account_or_file(draft, account)
        or _unchecked_or_missing(draft, check)
        or _template(draft)
        or next(iter(planned.reasons), "")
        or next((what_to_do(state) for state in consents.values() if state and state.missing), "")
    )


def _account_or_file(draft: Draft, account: Account | None) -> str:
    if account is None:
        return _("There is no Model Studio connection yet. Add one with its API key first.")
    for file in file_fields(draft.spec):
        if file.name in draft.edits:
            if file.kind == "image":
                return _("The picture is being made over.")
            return _("The video is being made over.")
        problems = draft.problems.get(file.name)
        if problems and draft.asset(file.name) is not None:
            return problems[0]
    return ""


def _unchecked_or_missing(draft: Draft, check: CheckPanel | None) -> str:
    """The picture before its check, the check before the other files."""
    missing = [
        file
        for file in file_fields(draft.spec)
        if draft.asset(file.name) is None and file.name != TEMPLATE_VIDEO
    ]
    if check is not None and not check.passed and (not missing or missing[0].kind != "image"):
        return _unchecked(check)
    if missing:
        return _("%(what)s is missing. Choose a file.") % {"what": translated(missing[0].label)}
    return ""


def _unchecked(check: CheckPanel) -> str:
    if check.waits:
        return _("The picture is being checked.")
    if check.refused:
        return _("The service does not take this picture. Choose another one.")
    if check.again:
        return _("The check has no answer. Ask again, or choose another picture.")
    return (
        _("The picture is not checked yet. The check costs %(price)s.") % {"price": check.price}
        if check.price
        else check.why_no_price
    )


def _template(draft: Draft) -> str:
    if draft.spec.makes and draft.template is None and draft.template_video is None:
        return _("Choose a dance template, or a video to make one from.")
    if draft.template is not None and draft.template.forgotten:
        return _(
            "The service has forgotten this template, and its video is not here to make it anew. "
            "Choose another one."
        )
    return ""
