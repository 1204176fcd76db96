"""`manage.py web`: the web process alone, with its limits of connections and times."""

from __future__ import annotations

import resource
import sys
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand

from studio.local.stack import LOOPBACK
from studio.web.connection import Connection, table
from studio.web.limits import KEEP_ALIVE

SWITCH = 0.0005  # seconds
OTHER_FILES = 256  # open files beside those of connections: databases, Redis, logs, spools


class Command(BaseCommand):
    help = (
        "Runs the web process: pages, live updates, uploads and files. One of it serves a site; "
        "it ends on Ctrl-C or SIGTERM."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=LOOPBACK, help="to listen on (default %(default)s)")
        parser.add_argument("--port", type=int, default=8000, help="default %(default)d")

    def handle(self, *args: Any, **options: Any) -> None:
        table.most = connections_for(open_files(2 * settings.CONNECTIONS + OTHER_FILES))
        if table.most < settings.CONNECTIONS:
            self.stderr.write(
                f"This process may open too few files for {settings.CONNECTIONS} connections, so "
                f"it takes {table.most}. Raise the limit of open files (ulimit -n, or LimitNOFILE "
                "of systemd), or lower CONNECTIONS."
            )
        # A page gives the interpreter away at every row that it reads, and gets it back this much
        # later when the event loop and other threads are at work; 5 ms is the default.
        sys.setswitchinterval(SWITCH)
        uvicorn.run(
            "studio.asgi:application",
            host=options["host"],
            port=options["port"],
            http=Connection,
            ws="none",
            lifespan="on",
            # believed from TRUSTED_PROXIES only, which the application reads itself
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            timeout_keep_alive=KEEP_ALIVE,
            # Open live streams are cut after it; browsers come back by themselves.
            timeout_graceful_shutdown=2,
        )


def open_files(wanted: int) -> int:
    """Let this process open `wanted` files, or as many as it may; how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    may = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (may, hard))
    return may


def connections_for(files: int) -> int:
    """How many connections `files` open files allow: each may send one more file."""
    return max((files - OTHER_FILES) // 2, 16)
