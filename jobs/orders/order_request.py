"""What somebody asks for, before it is a job: the model, the files, the choices, for whom."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from jobs.catalogue import entries
from jobs.models import Account, Template
from jobs.orders import trim
from jobs.orders.trim import Trim
from studio.models import Asset, Team, User


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """`files` by the model's input name; `chosen` has the model's parameters and those of its
    check.

    For a model that needs a template give `template`, or `template_video` to have one made (or
    found) first. `key` makes the click idempotent: the same key in a team is the same job.
    """

    team: Team
    owner: User
    model: str
    files: dict[str, Asset] = field(default_factory=dict)
    chosen: dict[str, Any] = field(default_factory=dict)
    template: Template | None = None
    template_video: Asset | None = None
    account: Account | None = None
    title: str = ""
    key: str = ""
    # what of a speech goes into the video, by the model's input name; cut out (`trimmed`) before it
    # becomes a job
    trims: dict[str, Trim] = field(default_factory=dict)

    def trimmed(self) -> OrderRequest:
        """The same with every trim made a file. Raises MediaError with a sentence."""
        if not self.trims:
            return self
        spec = entries.get(self.model)
        files = {name: self._trimmed(spec, name, asset) for name, asset in self.files.items()}
        return replace(self, files=files, trims={})

    @property
    def needs_cut(self) -> bool:
        """Whether `trimmed` makes a new file."""
        spec = entries.get(self.model)
        for name, parts in self.trims.items():
            limits, asset = spec.input(name).limits, self.files.get(name)
            if limits is not None and asset is not None and trim.needs_cut(asset, parts, limits):
                return True
        return False

    def _trimmed(self, spec: entries.Model, name: str, asset: Asset) -> Asset:
        limits = spec.input(name).limits
        return (
            trim.trimmed_file(asset, self.trims[name], limits, self.owner)
            if name in self.trims and limits is not None
            else asset
        )
