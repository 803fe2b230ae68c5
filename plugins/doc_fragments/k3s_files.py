"""Documentation of files with their contents."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The suboptions of `k3s_file_options.OPTIONS`, and the contents that are secret."""

    DOCUMENTATION = r"""
options:
  files:
    suboptions:
      path:
        description: Where the file lies. Missing directories are made.
        type: path
        required: true
      content:
        description: Its text. Without any content, a file is left as it is.
        type: str
      settings:
        description: Its content as a dictionary, written as YAML.
        type: dict
      secret:
        description: The key of O(secrets) that holds its content; the difference then shows none of it.
        type: str
      absent:
        description: Takes the file away.
        type: bool
        default: false
      mode:
        description: Its mode, in octal.
        type: str
        default: "0600"
      directory_mode:
        description: The mode of directories that are made for it, in octal.
        type: str
        default: "0755"
  secrets:
    description:
      - Contents by key, each a text or a dictionary of settings, for files that name one with O(files[].secret).
      - They are shown at no verbosity.
    type: dict
    default: {}
"""
