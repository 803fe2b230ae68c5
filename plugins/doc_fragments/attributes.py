"""Documentation that several modules of this collection share."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of modules that change something, and of those that only look."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Says what a real run would change, and changes nothing.
    support: full
  diff_mode:
    description: Returns what is there and what is wanted, the same in check mode and in a real run.
    support: full
"""

    READ_ONLY = r"""
options: {}
attributes:
  check_mode:
    description: Runs the same with and without check mode.
    support: full
    details:
      - Only reads.
  diff_mode:
    description: There is no difference to show.
    support: N/A
"""
