#!/usr/bin/env python
"""Footlight's command line: `python manage.py help` lists what it can do."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db.utils import OperationalError, ProgrammingError

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except (OperationalError, ProgrammingError) as error:
        if os.environ.get("DEBUG") == "1":
            raise
        said = str(error).strip()
        if "no such table" in said or "does not exist" in said:
            sys.exit(
                "The database has no tables yet, or those of an older version. Check DATA_DIR or "
                f"DATABASE_URL, then run manage.py migrate. ({said.splitlines()[0]})"
            )
        sys.exit(f"The database cannot be used; check DATABASE_URL or DATA_DIR. ({said})")


if __name__ == "__main__":
    main()
