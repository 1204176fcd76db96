"""Every address of the URL list × everybody × every method, on one's own things and on those of
another team: nobody reads or writes what is not theirs, and no answer tells whether it is there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.test import Client
from selectolax.lexbor import LexborHTMLParser

from jobs.models import ApiKey, JobSet, Preset
from studio.models import Membership, Role, Team, User
from studio.teams.access import MARK
from studio.teams.permissions import Permission
from tests import makers
from tests.hostile.addresses import Address, every_address
from tests.roles import decided

pytestmark = pytest.mark.usefixtures("service")

# The others by hand, see fuzz.py: every view that takes no PUT takes none of them.
ALL = ("GET", "POST", "PUT", "HEAD", "PATCH", "DELETE", "OPTIONS")
METHODS = ALL if "FUZZ_INPUTS" in os.environ else ALL[:3]
SAFE = ("GET", "HEAD", "OPTIONS")
CANARY = "Canary4711"
EVERY = every_address()
OURS = [one for one in EVERY if not one.path.startswith(("accounts/", "admin/"))]
OF_TEAMS = [one for one in OURS if getattr(one.entry.callback, MARK, "").startswith("team:")]
# What takes files away comes last: they do not come back with the rows.
OF_TEAMS.sort(key=lambda one: one.name.endswith("delete"))
ADMIN = [one for one in EVERY if one.path.startswith("admin/")]
# What everybody may open in the admin: signing in and out, and the words of its scripts.
ADMIN_DOORS = ("login", "logout", "jsi18n", "password_change")
# Names of fields that hold the id of something else than a file.
FIELDS = {
    "job": ("job", "again", "after", "before", "task", "pick", "choice", "picked"),
    "account": ("account", "pinned_account", "region"),
    "template": ("template", "templates"),
    "jobset": ("jobset", "set"),
    "preset": ("preset",),
    "view": ("view",),
    "collection": ("collection", "take"),
    "key": ("key",),
    "deletion": ("deletion",),
}
MORE_FIELDS = (
    "image",
    "audio",
    "video",
    "asset",
    "parent",
    "older",
    "newer",
    "files",
    "from",
)
# Parts that the things of these tests do not have.
MAY_BE_ABSENT = (
    "jobs:job_ready",
    "jobs:try_it",  # only on the simulator
    "jobs:job_sound",
    "jobs:set_pick",
    "jobs:set_films",
    "jobs:trash_thumb",  # of what somebody else deleted
    "team_picture",
)
# Or of an admin; the things here are another creator's.
OF_ITS_MAKER = ("jobs:preset_delete", "jobs:view_change", "collection", "jobs:approval_withdraw")
UNKNOWN = {
    "key": "987654",
    "member": "987654",
    "domain": "987654",
    "whose": "987654",
    "what": "original",
}


def _things(team: Team, by: User) -> dict[str, Any]:
    """One thing of each kind, with names that must not be seen by others."""
    account = makers.account(team, label=f"{CANARY} account")
    asset = makers.asset(team, name=f"{CANARY} file")
    job = makers.job(team, by, account=account, title=f"{CANARY} job")
    template = makers.template(team, account, name=f"{CANARY} template")
    key = account.keys.get()
    jobset = JobSet.objects.create(
        team=team, owner=by, kind=JobSet.Kind.BATCH, title=f"{CANARY} set"
    )
    preset = Preset.objects.create(team=team, owner=by, model="emo-v1", name=f"{CANARY} preset")
    return {
        "team": team.slug,
        "asset": asset.public_id,
        "what": "original",
        "job": job.public_id,
        "account": account.public_id,
        "key": key.pk,
        "template": template.public_id,
        "check": makers.check(asset, account).public_id,
        "jobset": jobset.public_id,
        "preset": preset.public_id,
        "collection": makers.collection(
            team, by, asset, name=f"{CANARY} collection", whole_team=True
        ).public_id,
        "view": makers.saved_view(team, by, name=f"{CANARY} view", whole_team=True).public_id,
        "share": makers.share_link(team, by, job, title=f"{CANARY} share").public_id,
        "place": 1,
        "invitation": makers.invitation(team, by, note=f"{CANARY} person").public_id,
        "deletion": makers.deletion(team, by, f"{CANARY} deleted.jpg").public_id,
        "member": team.memberships.get(user=by).pk,
        "domain": 4711,
        "approval": makers.pending_order(team, by, title=f"{CANARY} question").public_id,
        "whose": team.memberships.get(user=by).pk,
    }


@pytest.fixture
def theirs(stranger: User) -> dict[str, Any]:
    """Things of a team that the cast does not know."""
    team = stranger.teams.get()
    Team.objects.filter(pk=team.pk).update(name=f"{CANARY} team")
    things = _things(team, stranger)
    # A number of as many digits as the unknown one, so that pages may repeat it.
    ApiKey.objects.filter(pk=things["key"]).update(id=123456)
    Membership.objects.filter(pk=things["member"]).update(id=123456)
    return things | {"key": 123456, "member": 123456, "whose": 123456}


@pytest.fixture
def own(team: Team, creator: User) -> dict[str, Any]:
    return _things(team, creator)


def _ask(client: Client, method: str, path: str, fields: dict[str, str] | None = None) -> Any:
    """The answer; what was written is taken back, also the messages for the next page."""
    cookies = SimpleCookie(client.cookies)
    with transaction.atomic():
        answer: Any
        if fields is None:
            answer = client.generic(method, path)
        elif method == "GET":
            answer = client.get(path, fields)
        else:
            answer = client.post(path, fields)
        if answer.streaming:
            answer.whole = b"".join(answer.streaming_content)
        else:
            answer.whole = answer.content
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


CHANGING = re.compile(
    r'name="csrfmiddlewaretoken" value="\w+"|"x-csrftoken": ?"\w+"|nonce="[^"]+"'
    r'|(?<=name="click" value=")[^"]+|(?<=/join-team/)[\w-]+|(?<=/invitations/)\w+'
    r'|(?<=value=")[0-9a-f-]{32,36}(?=")|\d\d:\d\d(?::\d\d)?'
)


def _look(answer: Any, ids: dict[str, Any]) -> tuple[Any, ...]:
    """What somebody can tell from an answer, without the ids that they sent themselves."""
    text = answer.whole.decode("latin-1") + answer.get("Location", "")
    for value in sorted(map(str, ids.values()), key=len, reverse=True):
        if len(value) > 4:
            text = text.replace(value, "…").replace(quote(value), "…")
    text = CHANGING.sub("…", text)
    names = sorted(name for name in answer.headers if name not in ("Content-Length", "Set-Cookie"))
    return answer.status_code, text, names


def _unknown(ids: dict[str, Any]) -> dict[str, Any]:
    """Ids of the same form that nothing has."""
    return {
        name: UNKNOWN.get(name, "z" * len(str(value)) if name != "team" else "nobodys-team")
        for name, value in ids.items()
    }


@pytest.mark.parametrize("role", list(Role))
def test_a_role_writes_what_its_mark_says(
    own: dict[str, Any], team: Team, role: Role, client_of: Callable[[User], Client]
) -> None:
    """On their own team's things, by every method: 403 without the permission of the page, and
    nobody who has it is turned away."""
    user = User.objects.create_user("role@example.com", "correct horse")
    Membership.objects.create(team=team, user=user, role=role)
    client = client_of(user)
    for address in OF_TEAMS:
        _, read, write = getattr(address.entry.callback, MARK).split(":")
        path = address.at(**{name: own[name] for name in address.names})
        for method in METHODS:
            needed = Permission(read if method in SAFE else write)
            answer = _ask(client, method, path)
            if not decided(role, needed):
                assert answer.status_code == 403, (address.name, method)
            else:
                turned_away: tuple[int, ...] = (
                    (403,) if address.name in MAY_BE_ABSENT else (403, 404)
                )
                decides = decided(role, Permission.MANAGE_JOBS)
                if not decides and address.name in OF_ITS_MAKER and method == "POST":
                    turned_away = (200, 302, 404)
                assert answer.status_code not in turned_away, (address.name, method)
            assert answer.status_code < 500, (address.name, method)


def test_a_team_of_others_is_as_one_that_is_not_there(
    theirs: dict[str, Any], team: Team, owner: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(owner)
    unknown = _unknown(theirs)
    for address in OF_TEAMS:
        for method in METHODS:
            found, missing = (
                _look(_ask(client, method, address.at(**{n: ids[n] for n in address.names})), ids)
                for ids in (theirs, unknown)
            )
            assert found[0] == 404, (address.name, method)
            assert found == missing, (address.name, method)


def test_a_thing_of_others_is_as_one_that_is_not_there(
    theirs: dict[str, Any],
    own: dict[str, Any],
    owner: User,
    client_of: Callable[[User], Client],
) -> None:
    """Under the address of one's own team, as its owner."""
    client = client_of(owner)
    unknown = _unknown(theirs)
    tried = 0
    for address in OF_TEAMS:
        for name in set(address.names) - {"team", "what"}:
            ids = [own | {name: values[name]} for values in (theirs, unknown)]
            for method in METHODS:
                found, missing = (
                    _look(
                        _ask(client, method, address.at(**{n: one[n] for n in address.names})), one
                    )
                    for one in ids
                )
                assert found[0] in (404, 405), (address.name, name, method)
                assert found == missing, (address.name, name, method)
                tried += 1
    assert tried > 80


def _fields(client: Client, path: str) -> list[str]:
    """The names of the fields of the forms at `path`, and those that pages read from an address."""
    page = _ask(client, "GET", path)
    nodes = LexborHTMLParser(page.whole).css("form [name]") if page.status_code == 200 else []
    found = {node.attributes.get("name") or "" for node in nodes} - {"", "csrfmiddlewaretoken"}
    return sorted(found.union(MORE_FIELDS, *FIELDS.values()))


def _filled(names: list[str], ids: dict[str, Any]) -> Iterator[tuple[str, str]]:
    kinds = {name: kind for kind, several in FIELDS.items() for name in several}
    for name in names:
        yield name, str(ids[kinds.get(name.rstrip("0123456789-_"), "asset")])


def test_what_a_form_names_of_others_is_as_what_is_not_there(
    theirs: dict[str, Any],
    own: dict[str, Any],
    owner: User,
    client_of: Callable[[User], Client],
) -> None:
    """Ids in the fields of every form and in the query of every page."""
    client = client_of(owner)
    unknown = _unknown(theirs)
    for address in OF_TEAMS:
        path = address.at(**{name: own[name] for name in address.names})
        names = _fields(client, path)
        for method in ("GET", "POST"):
            found, missing = (
                _look(_ask(client, method, path, dict(_filled(names, ids))), ids)
                for ids in (theirs, unknown)
            )
            assert found == missing, (address.name, method)
            assert found[0] < 500, (address.name, method)


def test_nothing_of_a_team_is_in_what_others_get(
    theirs: dict[str, Any], client_of: Callable[[User], Client], everybody: dict[str, Client]
) -> None:
    """By every address that is no team's, the admin's among them, with any method."""
    for who in ("operator", "stranger", "owner", "admin", "viewer"):
        del everybody[who]
    everybody["half a person"] = client_of(User.objects.create_user("new@example.com", "x" * 12))
    for who, client in everybody.items():
        for address in [*(set(OURS) - set(OF_TEAMS)), *ADMIN]:
            values = theirs | {"token": "none", "name": "x.jpg"}
            path = address.at(**{name: values.get(name, 1) for name in address.names})
            answer = _ask(client, "GET", path)
            assert CANARY.encode() not in answer.whole, (who, address.name)
            if address in ADMIN:
                _admin_says_no(who, address, answer)


def _admin_says_no(who: str, address: Address, answer: Any) -> None:
    last = address.path.removeprefix("admin/").split("/")[0]
    if last in ADMIN_DOORS:
        assert answer.status_code < 500
    elif who != "staff without permissions":
        assert answer.status_code == 302, (who, address.path)
        assert "/login/" in answer["Location"], (who, address.path)
    elif last:  # the first page, which lists nothing, is theirs
        assert answer.status_code in (302, 403, 404, 405), (who, address.path)


def test_there_is_something_to_try() -> None:
    assert len(OF_TEAMS) > 40
    assert len(ADMIN) > 100
