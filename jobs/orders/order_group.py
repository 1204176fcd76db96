"""Everything that one click orders, and its stored form: what is not made yet keeps only public ids
of its files, so that it is tested again like any order when it is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypedDict, TypeVar

from jobs.catalogue import entries
from jobs.common.errors import Refused
from jobs.models import Account, Job, JobSet, PendingOrder, Template
from jobs.orders.insert_job import Full
from jobs.orders.order_request import OrderRequest
from studio.common.translatable import Sentence, phrase
from studio.models import Asset, Team


class StoredOrder(TypedDict):
    """One order as JSON. Files, template, connection and job are public ids, "" for none; `names`
    has the names of the files, for when they are gone."""

    model: str
    files: dict[str, str]
    names: dict[str, str]
    chosen: dict[str, object]
    template: str
    template_video: str
    account: str
    title: str
    key: str
    again_of: str
    full: Full | None


class StoredGroup(TypedDict):
    single: bool
    kind: str
    title: str
    key: str
    into: str
    orders: list[StoredOrder]


@dataclass(frozen=True, slots=True)
class OrderGroup:
    """One order (`kind` ""), or several that become one set of that kind, of one team and person.
    `again_of` and `full` go with the orders, one by one; `into` is a set of before that they
    join."""

    orders: Sequence[OrderRequest]
    single: bool = True
    kind: str = ""
    title: str = ""
    key: str = ""
    again_of: Sequence[Job | None] = ()
    full: Sequence[Full | None] = ()
    into: JobSet | None = None

    @property
    def name(self) -> str:
        """What people read of it."""
        order = self.orders[0]
        joined = self.into.title if self.into is not None else ""
        words = " ".join((self.title or joined or order.title).split())
        return (words or str(entries.get(order.model).label))[:200]


def stored(group: OrderGroup) -> StoredGroup:
    """`group` as JSON. Its files are cut already (`OrderRequest.trimmed`)."""
    none: list[None] = [None] * len(group.orders)
    return {
        "single": group.single,
        "kind": group.kind,
        "title": group.title,
        "key": group.key,
        "into": group.into.public_id if group.into is not None else "",
        "orders": [
            _stored_order(order, job, full)
            for order, job, full in zip(
                group.orders, group.again_of or none, group.full or none, strict=True
            )
        ],
    }


def _stored_order(order: OrderRequest, again_of: Job | None, full: Full | None) -> StoredOrder:
    if order.trims:
        raise ValueError("the files of an order are cut before it is stored")
    return {
        "model": order.model,
        "files": {name: asset.public_id for name, asset in order.files.items()},
        "names": {name: asset.name for name, asset in order.files.items()},
        "chosen": order.chosen,
        "template": order.template.public_id if order.template is not None else "",
        "template_video": order.template_video.public_id if order.template_video else "",
        "account": order.account.public_id if order.account is not None else "",
        "title": order.title,
        "key": order.key,
        "again_of": again_of.public_id if again_of is not None else "",
        "full": full,
    }


class _Rows:
    """The rows of `team` that a stored group names, each kind asked for once."""

    def __init__(self, team: Team, orders: Sequence[StoredOrder]) -> None:
        files = {one for order in orders for one in order["files"].values()}
        files |= {order["template_video"] for order in orders}
        self.files: dict[str, Asset] = _by_id(team.assets.filter(public_id__in=files))
        names = {order["template"] for order in orders}
        templates = team.templates.filter(public_id__in=names).select_related("account", "asset")
        self.templates: dict[str, Template] = _by_id(templates)
        names = {order["account"] for order in orders}
        self.accounts: dict[str, Account] = _by_id(
            team.accounts(manager="present").filter(public_id__in=names)
        )
        names = {order["again_of"] for order in orders}
        self.jobs: dict[str, Job] = _by_id(team.jobs.filter(public_id__in=names))


class _Named(Protocol):
    public_id: str


_Row = TypeVar("_Row", bound=_Named)


def _by_id(rows: Iterable[_Row]) -> dict[str, _Row]:
    return {row.public_id: row for row in rows}


def group_of(pending: PendingOrder) -> OrderGroup:
    """What `pending` stored, with the rows as they are now. Refused with a sentence for each file,
    template and connection that is gone."""
    wish, team = pending.wish, pending.team
    rows, problems = _Rows(team, wish["orders"]), list[Sentence]()
    orders = [_order(pending, one, rows, problems) for one in wish["orders"]]
    if problems:
        raise Refused(*dict.fromkeys(problems))
    into = team.sets.filter(public_id=wish["into"]).first() if wish["into"] else None
    return OrderGroup(
        orders,
        wish["single"],
        wish["kind"],
        wish["title"],
        wish["key"],
        [rows.jobs.get(one["again_of"]) for one in wish["orders"]],
        [one["full"] for one in wish["orders"]],
        pending.set if pending.reason == PendingOrder.Reason.LIMIT else into,
    )


def _order(
    pending: PendingOrder, one: StoredOrder, rows: _Rows, problems: list[Sentence]
) -> OrderRequest:
    """`problems` gets what of it is gone."""
    for name, public_id in one["files"].items():
        if public_id not in rows.files:
            problems.append(
                phrase(
                    "The file “%(name)s” was deleted since, so this cannot be made. Make it anew "
                    "with another file.",
                    name=one["names"].get(name, name),
                )
            )
    if (one["template"] and one["template"] not in rows.templates) or (
        one["template_video"] and one["template_video"] not in rows.files
    ):
        problems.append(
            phrase("The dance that this was to use was deleted since. Make it anew with another.")
        )
    if one["account"] and one["account"] not in rows.accounts:
        problems.append(
            phrase(
                "The Model Studio connection that this was to use is gone. Make it anew with "
                "another one."
            )
        )
    return OrderRequest(
        pending.team,
        pending.owner,
        one["model"],
        {name: rows.files[known] for name, known in one["files"].items() if known in rows.files},
        one["chosen"],
        rows.templates.get(one["template"]),
        rows.files.get(one["template_video"]),
        rows.accounts.get(one["account"]),
        one["title"],
        one["key"],
    )
