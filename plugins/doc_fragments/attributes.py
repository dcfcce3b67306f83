# Copyright: Playhook contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  platform:
    description: Systems on which the module can run.
    support: full
    platforms: all
"""

    ACTION_GROUP = r"""
attributes:
  action_group:
    description: >-
      Use C(group/playhook.webhooks.all) in C(module_defaults) to set the connection options of all modules that talk to
      a receiver or an AWX.
    support: full
    membership:
      - playhook.webhooks.all
"""
