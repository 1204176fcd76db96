"""The shape of a model's declaration, and what can be derived from one: choices, request body,
result, billed units.

Ground floor: no Django, no I/O. The declarations themselves: emo.py, animate_anyone.py, wan.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from jobs.catalogue.limits import Limits
from studio.common.translatable import EMPTY, Sentence, phrase

MODELS: dict[str, Model] = {}  # by name; filled by entries.py


class Kind(StrEnum):
    CHECK = "check"  # synchronous verdict on a picture
    VIDEO = "video"  # asynchronous, a video comes back as an address
    TEMPLATE = "template"  # asynchronous, an id comes back


@dataclass(frozen=True, slots=True)
class Input:
    """One field of `input`. `kind`: image, audio, video (a URL of a file), template (an id) or box
    (int[4] from the check)."""

    name: str
    kind: str
    label: Sentence = EMPTY
    limits: Limits | None = None
    from_check: str = ""  # for a box: the field of the check's output that it is copied from


@dataclass(frozen=True, slots=True)
class Parameter:
    """One choice of the person. `place` is where it goes in the body: "parameters" or "input".

    `only_when` = (name, value): the service ignores it otherwise, so it is neither shown nor sent.
    `words` = (value, label, help) of each choice, in the order shown. A boolean has the values True
    and False.
    """

    name: str
    label: Sentence
    words: tuple[tuple[Any, Sentence, Sentence], ...]
    default: Any
    place: str = "parameters"
    required: bool = False
    only_when: tuple[str, Any] | None = None
    every: Sentence = EMPTY  # of the button that makes one video for each choice

    @property
    def values(self) -> tuple[Any, ...]:
        return tuple(word[0] for word in self.words)

    @property
    def is_shape(self) -> bool:
        """Whether it says how wide and high the result is, as “3:4”."""
        return self.name in ("ratio", "video_ratio")

    def usual(self, shape: str) -> object:
        """What is chosen when nobody chose: `shape`, the usual one of a team, where it is offered
        here; else the default."""
        return shape if self.is_shape and shape in self.values else self.default

    @property
    def is_boolean(self) -> bool:
        return isinstance(self.default, bool)


@dataclass(frozen=True, slots=True)
class Variant:
    """What decides the unit price besides the model. `chosen` is the parameter that decides it
    before (of the model or of its check); `usage` the field of `usage` that says it afterwards;
    `words` maps that answer to our word."""

    chosen: str
    usage: str
    words: tuple[tuple[Any, str], ...]

    def billed(self, usage: Mapping[str, Any]) -> str | None:
        """Our word for what the service says it billed; None when it says nothing that we know."""
        return dict(self.words).get(usage.get(self.usage))


@dataclass(frozen=True, slots=True)
class ListPrice:
    """A list price in millionths of `currency` per `unit` (second of result, or image). `region` ""
    is everywhere."""

    micros: int
    currency: str
    variant: str = ""
    region: str = ""
    unit: str = "second"
    effective_from: date = date(2025, 12, 27)
    source: str = ""
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """What the video will be. `frames`: (variant or ratio, width, height); () means the shape
    follows the input."""

    fps: float = 0.0
    sound: bool = False
    frames: tuple[tuple[str, int, int], ...] = ()
    note: Sentence = EMPTY


@dataclass(frozen=True, slots=True)
class Model:
    """One model of Model Studio.

    `result` and `reasons` are paths under `output`, `usage` one under `usage`. `length_of` names
    the input whose length is the length of the result (seconds billed). `states` are the provider's
    words a task may show besides the common ones. `rate` is submits per second, `concurrency` tasks
    at once, both per account (None: not limited).
    """

    name: str
    label: Sentence
    kind: Kind
    path: str
    inputs: tuple[Input, ...]
    unit: str
    usage: str
    prices: tuple[ListPrice, ...]
    parameters: tuple[Parameter, ...] = ()
    check: str = ""
    makes: str = ""  # the model that makes this one's template input
    verdict: str = ""
    reasons: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()  # fields of a verdict worth keeping and showing
    result: tuple[str, ...] = ()
    variant: Variant | None = None
    length_of: str = ""
    output: Output = field(default_factory=Output)
    rate: int = 5
    concurrency: int | None = 1
    extra_states: tuple[str, ...] = ()
    regions: tuple[str, ...] = ("cn-beijing",)
    retires_at: datetime | None = None
    successors: tuple[str, ...] = ()
    advice: tuple[Advice, ...] = ()

    @property
    def asynchronous(self) -> bool:
        return self.kind is not Kind.CHECK

    def input(self, name: str) -> Input:
        """The declared input `name`; KeyError when the model has none such."""
        return _named(self.inputs, name)

    def inputs_of(self, *kinds: str) -> tuple[Input, ...]:
        return tuple(i for i in self.inputs if i.kind in kinds)

    def parameter(self, name: str) -> Parameter:
        return _named(self.parameters, name)

    def choices(self) -> tuple[Parameter, ...]:
        """Every parameter a person chooses: the model's own and those of its check, the check's
        first."""
        return (get(self.check).parameters if self.check else ()) + self.parameters

    def variant_of(self, chosen: Mapping[str, Any]) -> str:
        """The price variant that the choices lead to; "" for a model with one price."""
        if self.variant is None:
            return ""
        for parameter in self.choices():
            if parameter.name == self.variant.chosen:
                return str(chosen.get(parameter.name, parameter.default))
        return ""

    def retired(self, now: datetime) -> bool:
        return self.retires_at is not None and now >= self.retires_at


@dataclass(frozen=True, slots=True)
class Advice:
    """A combination the contract advises against: shown, never refused. `fact` is a field of the
    verdict; `better` the words of the click that takes the parameter's other value."""

    fact: str
    is_: Any
    parameter: str
    chosen: Any
    sentence: Sentence
    better: Sentence


_Named = TypeVar("_Named", Input, Parameter)


def _named(items: tuple[_Named, ...], name: str) -> _Named:
    for item in items:
        if item.name == name:
            return item
    raise KeyError(name)


class BadChoice(ValueError):
    """A parameter that the model does not take, or a value it does not know."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def clean_choices(model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    """All choices of `model` (its check's included) with defaults filled in; strings are read as
    the declared values.

    Raises BadChoice naming what may be chosen.
    """
    known = {parameter.name: parameter for parameter in model.choices()}
    for name in given:
        if name not in known:
            takes = ", ".join(sorted(known)) or phrase("no parameters")
            raise BadChoice(
                phrase(
                    "%(model)s has no parameter “%(name)s”; it takes %(takes)s.",
                    model=model.name,
                    name=name,
                    takes=takes,
                )
            )
    chosen: dict[str, Any] = {}
    for name, parameter in known.items():
        value = given.get(name, parameter.default)
        match = next((v for v in parameter.values if v == value and type(v) is type(value)), None)
        if match is None:
            match = next(
                (v for v in parameter.values if str(v).lower() == str(value).strip().lower()), None
            )
        if match is None:
            may = ", ".join(
                str(v).lower() if isinstance(v, bool) else str(v) for v in parameter.values
            )
            raise BadChoice(
                phrase(
                    "%(name)s cannot be “%(value)s”; it may be %(may)s.",
                    name=name,
                    value=value,
                    may=may,
                )
            )
        chosen[name] = match
    return chosen


def own_choices(model: Model, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The part of `chosen` that goes to this very model (not to its check), without what the
    service would ignore."""
    sent = {}
    for parameter in model.parameters:
        if parameter.only_when and chosen.get(parameter.only_when[0]) != parameter.only_when[1]:
            continue
        sent[parameter.name] = chosen.get(parameter.name, parameter.default)
    return sent


def body(
    model: Model, deployed_name: str, inputs: Mapping[str, Any], chosen: Mapping[str, Any]
) -> dict[str, Any]:
    """The JSON body of a call: `inputs` has a URL, id or box for every declared input (CONTRACT §2
    to §6, §13)."""
    missing = [i.name for i in model.inputs if i.name not in inputs]
    if missing:
        raise ValueError(f"{model.name} needs {', '.join(missing)}")
    sent: dict[str, Any] = {
        "model": deployed_name,
        "input": {i.name: inputs[i.name] for i in model.inputs},
    }
    parameters = {}
    for name, value in own_choices(model, chosen).items():
        if model.parameter(name).place == "input":
            sent["input"][name] = value
        else:
            parameters[name] = value
    sent["parameters"] = parameters
    return sent


def result_of(model: Model, output: Mapping[str, Any]) -> str | None:
    """The result address or template id under `output`; None when it is not there."""
    found: Any = output
    for step in model.result:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) and found else None


def billed_units(model: Model, usage: Mapping[str, Any]) -> Decimal | None:
    """Seconds or images that the service says it billed, exactly as it says them; None when it does
    not say, or says what no task can have used (a million)."""
    value = usage.get(model.usage)
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        units = Decimal(str(value))
    except ArithmeticError:
        return None
    return units if units.is_finite() and 0 <= units < 1_000_000 else None


def get(name: str) -> Model:
    """The model called `name`; KeyError with the known names when there is none."""
    try:
        return MODELS[name]
    except KeyError:
        raise KeyError(f"no model {name!r}; known: {', '.join(MODELS)}") from None
