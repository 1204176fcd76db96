"""A text column for sentences, which keep their values and are translated when they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from studio.common.translatable import Sentence, packed, unpacked

if TYPE_CHECKING:
    _Text = models.TextField[Sentence, Sentence]
else:
    _Text = models.TextField


class SentenceField(_Text):
    """A Sentence in Python; in the database its message and values, so that it can be translated
    when it is read."""

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return packed(value) if isinstance(value, str) else value

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Sentence | None:
        return unpacked(value) if value is not None else None

    def to_python(self, value: Any) -> Any:
        # As it comes from a dump, whose text is that of the column.
        return (
            unpacked(value) if isinstance(value, str) and not isinstance(value, Sentence) else value
        )

    def save_form_data(self, instance: models.Model, data: Any) -> None:
        # A form gives the English words back; what was not changed there keeps its values.
        if data != self.value_from_object(instance):
            super().save_form_data(instance, data)

    def value_to_string(self, obj: models.Model) -> str:
        return packed(self.value_from_object(obj))
