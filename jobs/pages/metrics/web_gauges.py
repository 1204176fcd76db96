"""How the web process stands that answers the scrape itself: connections, streams, uploads, and
what lies in memory and on disk of requests that are not over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from studio.web import bodies, limits, temporary
from studio.web.connection import table


def of_the_web() -> Iterator[Metric]:
    files, size = temporary.held(Path(settings.FILE_UPLOAD_TEMP_DIR))
    for name, meaning, value in (
        ("connections", "Open connections.", len(table.open)),
        ("connections_idle", "Those of them that wait for a request.", len(table.idle)),
        ("requests", "Requests that are being answered, streams included.", limits.requests.total),
        ("streams", "Open live streams.", limits.streams.total),
        ("uploads", "Bodies with files that are on their way.", limits.uploads.total),
        (
            "spooled_bytes",
            "Bodies of requests in memory and in nameless files.",
            bodies.spooled.bytes,
        ),
        ("temporary_files", "Files in the temporary folder.", files),
        ("temporary_bytes", "Their bytes.", size),
    ):
        yield GaugeMetricFamily(f"footlight_web_{name}", meaning, value=value)
    refused = CounterMetricFamily(
        "footlight_web_refused",
        "Connections and requests that were refused or cut off, by the limit, since the start.",
        labels=["limit"],
    )
    for limit, count in sorted(limits.refusals.items()):
        refused.add_metric([limit], count)
    yield refused
