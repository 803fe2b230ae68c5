"""The one place where a module asks for the Python package `k8s_log_agent`, which does the work behind it."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from ansible.module_utils.basic import AnsibleModule

WANTED_VERSION = "1.0.0"


def load(module: AnsibleModule, name: str) -> ModuleType:
    """The module `name` of the package; ends the task with the pip line when it is missing or of another version."""
    pip = f"`{sys.executable} -m pip install k8s-log-agent=={WANTED_VERSION}`"
    try:
        package = importlib.import_module("k8s_log_agent")
        found = importlib.import_module(name)
    except ImportError as error:
        module.fail_json(
            msg=f"The Python package k8s_log_agent cannot be used by {sys.executable}: {error}. Install it with {pip}, "
            "or in a checkout with `make setup`, and run again."
        )
    if package.__version__ != WANTED_VERSION:
        module.fail_json(
            msg=f"This collection needs k8s_log_agent {WANTED_VERSION}, and {sys.executable} has "
            f"{package.__version__}. Install the right one with {pip} and run again."
        )
    return found
