"""Where orders would stand in line, worked out before the transaction that writes them: the hold's
lock is everybody's, and a long line takes its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jobs.engine import eta
from jobs.orders.plan import Plan
from studio.common import clock

UNKNOWN = eta.Place(0, 0, None, None)

TemplateKey = tuple[int, int]  # the ids of the account and of the video


def template_key(first: Plan) -> TemplateKey:
    """What a template is made from and where: the same one for all that ask for it."""
    return first.account.pk, first.order.files[first.spec.inputs[0].name].pk


def place_of(ready: Plan) -> eta.Place:
    """The place of one, behind its template."""
    return eta.next_place(
        ready.account,
        ready.spec.name,
        ready.variant,
        ready.milliseconds,
        ready.order.owner,
        lane=ready.lane,
        before=ready.first.task if ready.first is not None else None,
    )


def places_of(
    ready: Sequence[Plan], needed: Mapping[TemplateKey, Plan]
) -> tuple[list[eta.Place], dict[TemplateKey, eta.Place]]:
    """The places of all of them and of their templates, one behind the other in each lane."""
    firsts = dict(zip(needed, _behind_each_other(list(needed.values())), strict=True))
    now = clock.now()
    found = []
    for one, place in zip(ready, _behind_each_other(ready), strict=True):
        ready_at = firsts[template_key(one.first)].ready_at if one.first is not None else now
        found.append(place.later(ready_at - now if ready_at is not None else None))
    return found, firsts


def _behind_each_other(plans: Sequence[Plan]) -> list[eta.Place]:
    lanes: dict[tuple[int, str], list[int]] = {}
    for number, one in enumerate(plans):
        lanes.setdefault((one.account.root_id, one.spec.name), []).append(number)
    found: dict[int, eta.Place] = {}
    for (_account, model), numbers in lanes.items():
        lengths = [(plans[number].variant, plans[number].milliseconds) for number in numbers]
        first = plans[numbers[0]]
        found |= dict(
            zip(
                numbers,
                eta.next_places(first.account, model, lengths, first.order.owner, lane=first.lane),
                strict=True,
            )
        )
    return [found[number] for number in range(len(plans))]
