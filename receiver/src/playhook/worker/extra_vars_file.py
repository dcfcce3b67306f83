# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extra variables of a job, as files that Ansible cannot mistake for templates (SECURITY S2, S3).

A pull request's title may be `{{ lookup('pipe', '…') }}`. Ansible runs that wherever it takes the text for a template,
and it does so with every string of a plain JSON or YAML file of extra variables. So what comes from outside is written
in the JSON that Ansible itself uses to say "not a template": each string as `{"__ansible_unsafe": "…"}`.

Two traps were found in that form, and each has a test:
- A payload may hold Ansible's own marks as keys, which breaks its decoder; such keys get an underscore in front.
- When its JSON decoder fails, Ansible reads the same text as YAML, where every string is a template. The file starts
  with a tab: JSON takes it, YAML refuses it, so that a failure can only ever be an error.

YAML with `!unsafe` is safe too, but ansible-core 2.19 guesses the type of what is tagged: "123" became a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from playhook.domain.variables import parse_variables
from playhook.errors import JobCannotRun
from playhook.intake.extra_vars import PREFIXES, webhook_variables
from playhook.store.job_inputs import JobInputs
from playhook.worker.private_dir import write_private

_RESERVED: Final = "__ansible_"


@dataclass(frozen=True, kw_only=True)
class ExtraVars:
    """`trusted` is what the operator wrote in the template, and may hold templates; nothing else may."""

    trusted: Mapping[str, Any]
    untrusted: Mapping[str, Any]


def collect_extra_vars(inputs: JobInputs, scm_revision: str) -> ExtraVars:
    """Join what we, the template, the launch and the delivery say; the later wins. Raises JobCannotRun.

    A variable of the job counts as the template's own while the template still says the same, as in AWX: what a
    launch sent is never a template.
    """
    own = read_variables(inputs.template.extra_vars, "the job template") if inputs.template else {}
    of_job = {**read_variables(inputs.job.extra_vars, "the job"), **inputs.passwords}
    of_webhook = _from_delivery(inputs)
    trusted = {
        name: value
        for name, value in of_job.items()
        if name not in of_webhook and name not in inputs.passwords and name in own and own[name] == value
    }
    everything = {**_about_the_job(inputs, scm_revision), **of_job, **of_webhook}
    return ExtraVars(trusted=trusted, untrusted={k: v for k, v in everything.items() if k not in trusted})


def write_extra_vars(directory: Path, extra_vars: ExtraVars, injected: Mapping[str, Any]) -> list[str]:
    """Write the files (0600) and return the options that name them; what credentials inject wins, as in AWX."""
    files = []
    if extra_vars.trusted:
        files.append(write_private(directory / "template_vars.json", _dump(extra_vars.trusted)))
    if extra_vars.untrusted:
        files.append(write_private(directory / "extra_vars.json", encode_untrusted(extra_vars.untrusted)))
    if injected:
        files.append(write_private(directory / "injected_vars.json", encode_untrusted(injected)))
    return [option for file in files for option in ("-e", f"@{file}")]


def encode_untrusted(variables: Mapping[str, Any]) -> bytes:
    """Encode so that no key and no string, at any depth, is ever a template. Raises JobCannotRun."""
    try:
        return b"\t" + _dump(_wrap(variables))
    except RecursionError:
        raise JobCannotRun("the extra variables are nested too deeply to be given to Ansible") from None


def read_variables(text: str, whose: str) -> dict[str, Any]:
    """Read variables that a person wrote as YAML or JSON. Raises JobCannotRun, without quoting what may be secret."""
    try:
        return {str(name): value for name, value in parse_variables(text).items()}
    except ValueError:
        raise JobCannotRun(f"the variables of {whose} are not a mapping in YAML or JSON: correct them") from None


def _wrap(value: Any) -> Any:
    if isinstance(value, str):
        return {"__ansible_unsafe": value}
    if isinstance(value, Mapping):
        return {_rename(str(key)): _wrap(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_wrap(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _wrap(str(value))  # YAML's dates


def _rename(key: str) -> str:
    return f"_{key}" if key.startswith(_RESERVED) else key


def _dump(value: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)
    except TypeError as error:
        raise JobCannotRun(f"the extra variables hold what JSON cannot say ({error})") from None


def _from_delivery(inputs: JobInputs) -> dict[str, Any]:
    if inputs.job.delivery_id is None:
        return {}
    if inputs.delivery is None or inputs.delivery.payload is None:
        raise JobCannotRun("the delivery that launched this job has been purged, so its payload cannot be given to it")
    return webhook_variables(inputs.delivery.event, inputs.delivery.payload)


def _about_the_job(inputs: JobInputs, scm_revision: str) -> dict[str, Any]:
    """Return what AWX tells every job about itself ("Extra variables" in its user guide), under both prefixes."""
    job = inputs.job
    facts: dict[str, Any] = {"job_id": job.id, "job_launch_type": job.launch_type}
    if inputs.template is not None:
        facts |= {"job_template_id": inputs.template.id, "job_template_name": inputs.template.name}
    if inputs.inventory is not None:
        facts |= {"inventory_id": inputs.inventory.id, "inventory_name": inputs.inventory.name}
    if inputs.project is not None:
        branch = job.scm_branch or inputs.project.scm_branch
        facts |= {"project_revision": scm_revision, "project_scm_branch": branch}
    if (workflow := inputs.workflow) is not None:
        facts |= {f"workflow_job_{name}": value for name, value in vars(workflow).items()}
    if (user := inputs.user) is not None:
        names = {"name": user.username, "email": user.email, "first_name": user.first_name, "last_name": user.last_name}
        facts |= {"user_id": user.id, **{f"user_{name}": value for name, value in names.items()}}
    return {f"{prefix}_{name}": value for prefix in PREFIXES for name, value in facts.items()}
