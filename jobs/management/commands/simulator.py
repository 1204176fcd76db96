"""`manage.py simulator`: the stand-in of Model Studio as a process of its own."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.simulator import Simulator
from studio.management.arguments import port_or_any, speed_number


class Command(BaseCommand):
    help = (
        "Serve a stand-in of Model Studio on this machine. It prints its address and serves "
        "until SIGTERM or Ctrl-C."
    )
    requires_system_checks: list[
        str
    ] = []  # as Django declares it; the simulator needs nothing of the site

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=port_or_any, default=0, help="port to listen on; 0 takes a free one"
        )
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument(
            "--speed",
            type=speed_number,
            default=1.0,
            help="seconds of the service's time that pass in one second",
        )
        parser.add_argument(
            "--data-dir",
            type=Path,
            default=None,
            help="where tasks, bill and uploads live; without it they are forgotten at the end",
        )
        parser.add_argument(
            "--refusal",
            default="200",
            choices=("200", "200-empty", "400", "alternate"),
            help="how a refused picture is answered",
        )

        parser.add_argument(
            "--key",
            action="append",
            default=[],
            metavar="KEY=ACCOUNT",
            help="KEY belongs to ACCOUNT, whose own key is its name; else each key is an account",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        pairs = [word.partition("=") for word in options["key"]]
        if not all(key and account for key, _, account in pairs):
            raise CommandError("--key names a key and its account: sk-second=sk-first.")
        try:
            simulator = Simulator(
                port=options["port"],
                host=options["host"],
                speed=options["speed"],
                data_dir=options["data_dir"],
                refusal=options["refusal"],
                keys={key: account for key, _, account in pairs},
            )
        except OSError as error:
            raise CommandError(
                f"Port {options['port']} of {options['host']} cannot be used ({error.strerror}). "
                "Choose another with --port."
            ) from None
        except ValueError as error:
            raise CommandError(str(error)) from None
        done = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: done.set())
        with simulator:
            self.stdout.write(simulator.url)
            self.stdout.flush()
            done.wait()
