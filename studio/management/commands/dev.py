"""`manage.py dev`: the whole studio in one terminal, for one person or a small team on one
machine."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.text import Text

from studio.config import private_files
from studio.local.child import StartFailed, StopRequested
from studio.local.ports import PortTaken
from studio.local.redis_server import NoRedisServer
from studio.local.stack import LOOPBACK, AlreadyRunning, Stack
from studio.management.arguments import port_number, speed_number
from studio.teams import sign_up_links

COLOURS = {"web": "cyan", "worker": "green", "simulator": "magenta", "redis": "yellow"}
FRESH = "FOOTLIGHT_FRESH"


def line_printer(console: Console, prefix: bool = True) -> Callable[[str, str], None]:
    """Prints a child's line with its name before it."""

    def say(name: str, line: str) -> None:
        console.print(
            Text.assemble((f"{name:9} │ " if prefix else "", COLOURS.get(name, "dim")), line),
            soft_wrap=True,
        )

    return say


class Command(BaseCommand):
    help = (
        "Runs everything in one terminal: Redis, the simulator, workers and the web. Ctrl-C "
        "stops all of it; starting again goes on where it was."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-simulator",
            action="store_true",
            help="call the real Model Studio (MODELSTUDIO_URL, DASHSCOPE_API_KEY)",
        )
        parser.add_argument(
            "--port",
            type=port_number,
            help="of the web; without it the one of last time, or a free one from 8000",
        )
        parser.add_argument(
            "--host", default=LOOPBACK, help="address the web listens on (default %(default)s)"
        )
        parser.add_argument(
            "--speed",
            type=speed_number,
            default=10.0,
            help="of the simulator: 1 takes as long as the service, %(default)g by default",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(highlight=False)
        simulator = not options["no_simulator"]
        if simulator and os.environ.get("MODELSTUDIO_URL", "").strip():
            console.print("MODELSTUDIO_URL is set, so the simulator stays off.")
            simulator = False
        stack = build_stack(
            console,
            simulator=simulator,
            **{name: options[name] for name in ("port", "host", "speed")},
        )
        with started_stack(stack) as addresses:
            if addresses:
                console.print(welcome_text(addresses, settings.DATA_DIR))
                stack.run_until_stopped()
            console.print("Stopping.")


def build_stack(
    console: Console,
    *,
    prefix: bool = True,
    port: int | None,
    host: str,
    simulator: bool,
    speed: float,
) -> Stack:
    """A Stack of this site's DATA_DIR, not entered yet. CommandError when a strict site wants the
    simulator."""
    if simulator and settings.STRICT:
        raise CommandError(
            "The simulator comes with a demo superuser, which a site that others can reach must "
            "not have. Use dev --no-simulator."
        )
    return Stack(
        settings.DATA_DIR,
        say=line_printer(console, prefix),
        port=port,
        host=host,
        simulator=simulator,
        speed=speed,
    )


@contextmanager
def started_stack(stack: Stack) -> Iterator[dict[str, str]]:
    """Database, first team and all children of `stack`: yields its addresses, or {} when somebody
    asked to stop.

    What keeps it from starting is raised as CommandError.
    """
    private_files.mend(settings.DATA_DIR)
    try:
        with stack:
            restart_without_stale_addresses()
            # WhiteNoise warns of a folder that is not there; in development the finders serve
            # everything.
            Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
            try:
                call_command("migrate", verbosity=0, interactive=False)
                if stack.simulator:
                    call_command("demo", seed_only=True)
                elif settings.DASHSCOPE_API_KEY:
                    call_command("createteam", key_only=True)
                addresses = stack.start()
            except StopRequested:
                addresses = {}
            yield addresses
    except (AlreadyRunning, NoRedisServer, PortTaken, StartFailed) as error:
        raise CommandError(str(error)) from None


def restart_without_stale_addresses() -> None:
    """Begin anew when these settings were read from the address file of a run that was killed (its
    ports are nobody's)."""
    if os.environ.pop(FRESH, None) is None and settings.STACK:
        os.environ[FRESH] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  (this very command)


def demo_login(data_dir: Path) -> dict[str, str]:
    """The demo person's {"email", "password"} as kept in `data_dir`/run/demo.json; empty when there
    is none."""
    try:
        found = json.loads((data_dir / "run" / "demo.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(key): str(value) for key, value in found.items()}


def welcome_text(addresses: dict[str, str], data_dir: Path) -> Text:
    """Where to look and how to sign in."""
    lines = [("", ""), ("Footlight is at ", addresses["web"])]
    if "modelstudio" in addresses:
        demo = demo_login(data_dir)
        if demo.get("password"):
            lines += [("Sign in as ", f"{demo['email']}  with the password  {demo['password']}")]
        elif demo:
            lines += [("Sign in as ", f"{demo['email']}  with the password you chose")]
        lines += [
            ("Admin: ", addresses["web"] + "/admin/"),
            ("Model Studio is simulated: videos are test pictures and nothing is paid.", ""),
        ]
    else:
        # The settings of this process were read before the web had its port.
        public = os.environ.get("PUBLIC_URL", "").strip()
        operator = sign_up_links.first_operator("" if public else addresses["web"])
        if operator:
            lines += [("Whoever opens this first runs the site (once, within a week): ", operator)]
        lines += [
            ("A new team: ", "python manage.py createteam NAME --owner EMAIL"),
            ("Videos are made by the real service and cost money.", ""),
        ]
    lines += [
        ("Logs: ", str(data_dir / "run") + "/*.log"),
        ("Ctrl-C stops everything; starting again goes on where it was.", ""),
        ("", ""),
    ]
    return Text("\n").join(Text.assemble(word, (value, "bold")) for word, value in lines)
