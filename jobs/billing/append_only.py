"""The database itself refuses to change or delete a ledger entry (studio/common/append_only.py)."""

from __future__ import annotations

from studio.common.append_only import Guard

REFUSAL = "Ledger entries are never changed or deleted; write an adjustment (manage.py adjust)."
GUARD = Guard("ledger_is_append_only", "jobs_ledgerentry", REFUSAL)

protect, unprotect, protected = GUARD.protect, GUARD.unprotect, GUARD.protected
protect_after_migrate = GUARD.protect_after_migrate
