"""The addresses that the parts of a create page lead to and ask."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from jobs.pages.create.draft import Draft


@dataclass(frozen=True, slots=True)
class PageUrls:
    """`page` without a draft, `draft` with all that is chosen. The polls are asked while a picture
    is checked and while a video is made over."""

    page: str
    draft: str
    price: str
    check: str
    check_poll: str
    fix: str
    fix_poll: str
    preset_save: str

    @classmethod
    def of(cls, draft: Draft, page: str) -> PageUrls:
        def url(name: str) -> str:
            return reverse(f"jobs:{name}", args=[draft.team.slug])

        query = draft.query
        check, fix = url("check"), url("fix")
        return cls(
            page=url(page),
            draft=f"{url(page)}?{query}",
            price=url("price"),
            check=check,
            check_poll=f"{check}?page={page}&{query}",
            fix=fix,
            fix_poll=f"{fix}?page={page}&{query}",
            preset_save=url("preset_save"),
        )
