"""A number that no key can be is the key of no row. Django knows that of integer columns; of
foreign keys, and of lists of either, it asks the database, which refuses: an error of ours on any
page that takes ids from an address or a form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.exceptions import EmptyResultSet
from django.db.models import ForeignKey, IntegerField
from django.db.models.fields.related_lookups import RelatedExact, RelatedIn
from django.db.models.lookups import In

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler, _AsSqlType

LARGEST = 2**63 - 1  # of a BigAutoField; a smaller column compares with it all the same


def _may_be_key(value: object) -> bool:
    return not isinstance(value, int) or -LARGEST - 1 <= value <= LARGEST


class KeyExact(RelatedExact):
    """`exact` of a foreign key."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> _AsSqlType:
        if not _may_be_key(self.rhs):
            raise EmptyResultSet
        return super().as_sql(compiler, connection)


def _known(values: Iterable[object]) -> Iterable[object]:
    """`values` without the numbers that no key can be; a query stays."""
    return [one for one in values if _may_be_key(one)] if isinstance(values, list) else values


class KeyIn(RelatedIn):
    """`in` of a foreign key."""

    def get_prep_lookup(self) -> Iterable[object]:
        return _known(super().get_prep_lookup())


class NumberIn(In):
    """`in` of an integer."""

    def get_prep_lookup(self) -> Iterable[object]:
        return _known(super().get_prep_lookup())


def register() -> None:
    ForeignKey.register_lookup(KeyExact)
    ForeignKey.register_lookup(KeyIn)
    IntegerField.register_lookup(NumberIn)
