"""Template tags about the team of a page."""

from __future__ import annotations

from typing import Any

from django import template

from studio.models import Role, Team
from studio.teams.team_pages import TableRow, TeamPage, pages_of, role_table

register = template.Library()


@register.simple_tag(takes_context=True)
def team_pages(context: dict[str, Any]) -> list[TeamPage]:
    """The pages of the request's team that the person may open."""
    request = context["request"]
    return pages_of(request, request.membership)


@register.simple_tag
def roles_and_permissions(team: Team) -> list[TableRow]:
    return role_table(team)


@register.simple_tag
def all_roles() -> list[Role]:
    return list(Role)
