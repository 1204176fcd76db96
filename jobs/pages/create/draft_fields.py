"""The fields of a create page's form: their names, and the files that a model asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jobs.catalogue import entries
from jobs.catalogue.limits import Limits

FILE_KINDS = ("image", "audio", "video")
# A choice in the library is newer than what the form remembered, so it comes under a name of its
# own.
PICK = "pick_"
UPLOAD = "upload_"
TEMPLATE, TEMPLATE_VIDEO = "template", "template_video"
# What of a sound is kept, and the edit of a video that is under way.
KEEP = "keep_"
EDIT = "edit_"
# The consent for a file: the public id of the file that it was ticked for.
CONSENT = "consent_"
# The job that this draft began as a copy of.
SOURCE = "from"
# Typed and dragged ends in seconds, the file that they were meant for, and a button that says it
# all.
FROM, TO, OF, SET = "from_", "to_", "of_", "set_"


def form_value(value: Any) -> str:
    """A declared value of a parameter as it stands in a form and an address;
    `entries.clean_choices` reads it back."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class FileField:
    """One file that a draft needs: a file input of the model, or the video that a template is made
    from."""

    name: str
    kind: str
    label: str
    limits: Limits


def file_fields(spec: entries.Model) -> tuple[FileField, ...]:
    """The files that a draft of `spec` can name, in the order of the declaration; limits are those
    of the model that reads the file."""
    fields = []
    for given in spec.inputs:
        if given.kind in FILE_KINDS and given.limits is not None:
            fields.append(FileField(given.name, given.kind, given.label, given.limits))
        elif given.kind == "template":
            source = entries.get(spec.makes).inputs_of("video")[0]
            fields.append(
                FileField(
                    TEMPLATE_VIDEO, source.kind, source.label, source.limits or Limits("video")
                )
            )
    return tuple(fields)
