"""One submit whose answer is cut off after the service did its work: how many tasks exist, how many POSTs were sent."""

from __future__ import annotations

import time

from tests.bench import stage

PATIENCE = 60.0


def main() -> None:
    with stage.site(MEDIA_DELIVERY="temporary"):
        from jobs import lanes, runner
        from jobs.models import Job
        from jobs.simulator import Simulator
        from jobs.states import State

        # Slow enough that the task is still there to be found, and the windows of the rates are the real ones.
        with Simulator(speed=1.0) as service:
            team, owner, account = stage.company(service.url)
            wish = stage.portrait_wish(team, owner, account)
            service.arm("cut-after", where="submit")
            job = runner.create(wish)
            began = time.monotonic()
            doubted = False
            while time.monotonic() - began < PATIENCE:
                lanes.work(0.5)
                job = Job.objects.get(pk=job.pk)
                doubted = doubted or job.state == State.UNCERTAIN
                if job.state == State.RUNNING:
                    break
            settled = time.monotonic() - began
            tasks = service.tasks
            stage.say(
                bench="dropped-submit",
                tasks=len(tasks),
                posts=service.count("submit"),
                was_in_doubt=doubted,
                adopted=job.state == State.RUNNING and [job.task_id] == [task.task_id for task in tasks],
                settled_s=settled,
            )


if __name__ == "__main__":
    main()
