"""Jobs on lanes: how much longer they take together than their work, what that costs in calls, and
how late a video is here.

Work times are scattered by a fifth around what the site has learned. The service, and our
`manage.py worker`, are processes of their own. `--length 120 --jobs 1 --lanes 6` tells how many
status queries a video of two minutes of work costs.
"""

from __future__ import annotations

import argparse

from tests.bench import flow, stage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=50, help="on each lane")
    parser.add_argument("--lanes", type=int, default=1)
    parser.add_argument("--length", type=float, default=20.0, help="seconds of work of each")
    parser.add_argument(
        "--untaught", action="store_true", help="begin with what nobody has learned"
    )
    asked = parser.parse_args()
    work = flow.Work(asked.lanes, asked.jobs, asked.length)
    keys = [f"sk-ours-{number}" for number in range(work.lanes)]
    with stage.module("service", "--length", work.length) as service:
        url = stage.line(service)
        with (
            stage.site(redis=True, database=stage.database_asked(), MEDIA_DELIVERY="temporary"),
            stage.workers(),
        ):
            for done in flow.ours(url, work, keys, taught=not asked.untaught):
                if done is not None:
                    stage.say(
                        bench="makespan",
                        lanes=work.lanes,
                        length_s=work.length,
                        **flow.figures(url, keys, work, done),
                        machine_ms=stage.machine(),
                    )


if __name__ == "__main__":
    main()
