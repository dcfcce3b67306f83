# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait for a job or a project update, which the API shows alike."""

from __future__ import annotations

from time import monotonic, sleep

from ansible_collections.playhook.webhooks.plugins.module_utils._errors import JobNotSuccessful

_SHOWN = ("id", "status", "elapsed", "started", "finished", "job_explanation")


def wait_for_end(controller, path, what, interval, timeout):
    """Return a job as a module shows it, once it has ended well.

    timeout is in seconds; None or 0 waits for ever. Raises JobNotSuccessful for any other end, and when time is up.
    """
    give_up = monotonic() + timeout if timeout else None
    while True:
        job = controller.send("GET", path)
        if job.get("event_processing_finished", job.get("finished")):
            break
        if give_up is not None and monotonic() >= give_up:
            raise JobNotSuccessful(
                "{} is still {} after {} seconds. Wait longer, or see why it takes so long.".format(
                    what, job["status"], timeout
                ),
                **_shown(job),
            )
        sleep(interval)
    if job.get("failed") or job["status"] != "successful":
        reason = job.get("job_explanation") or "its output says why"
        raise JobNotSuccessful("{} ended as {}: {}.".format(what, job["status"], reason.rstrip(".")), **_shown(job))
    return _shown(job)


def _shown(job):
    return {name: job.get(name) for name in _SHOWN}
