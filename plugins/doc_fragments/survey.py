# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  survey_enabled:
    version_added: "0.2.0"
    description:
      - Whether launches ask the questions of O(survey_spec).
    type: bool
  survey_spec:
    version_added: "0.2.0"
    description:
      - The survey, as AWX writes it - a dictionary of C(name), C(description) and C(spec), a list of questions.
      - An empty dictionary removes the survey. If the option is not set, it stays as it is.
      - Defaults of password questions are not shown in the diff. A server that has one cannot say which, so it counts
        as the same, see O(update_survey_secrets).
    type: dict
  update_survey_secrets:
    version_added: "0.2.0"
    description:
      - Whether to set the defaults of password questions, and the answers to them that nodes of a workflow have,
        although the server has some. The module then always reports a change.
    type: bool
    default: false
"""
