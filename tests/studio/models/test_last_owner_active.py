"""A team keeps an owner who can sign in."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.db.models import ProtectedError

from studio.models import Membership, Role, Team, User

pytestmark = pytest.mark.django_db


def test_an_owner_who_cannot_sign_in_is_no_other_owner(
    team: Team, owner: User, admin: User
) -> None:
    team.memberships.filter(user=admin).update(role=Role.OWNER)
    User.objects.filter(pk=admin.pk).update(is_active=False)
    with pytest.raises(ProtectedError, match="last owner"), transaction.atomic():
        team.memberships.get(user=owner).delete()
    User.objects.filter(pk=admin.pk).update(is_active=True)
    team.memberships.get(user=owner).delete()
    assert Membership.objects.filter(team=team, role=Role.OWNER).count() == 1


def test_an_owner_who_cannot_sign_in_may_go(team: Team, owner: User, admin: User) -> None:
    team.memberships.filter(user=admin).update(role=Role.OWNER)
    User.objects.filter(pk=admin.pk).update(is_active=False)
    team.memberships.get(user=admin).delete()
    assert team.memberships.get(role=Role.OWNER).user == owner
