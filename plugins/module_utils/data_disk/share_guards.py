"""Guards that make sure that what was asked for fits on the disk and can be done on this machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from .facts import Facts
from .refusal import Refusal
from .request import Request

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_MODE = re.compile(r"0?[0-7]{3,4}")
_USABLE = 0.97  # the filesystem's own books and journal take the rest
_LABEL_LENGTH = {"xfs": 12, "ext4": 16}


def programs_installed(request: Request, facts: Facts) -> Iterator[Refusal]:
    """Without them nothing can be known."""
    if facts.missing_programs:
        package = {"xfs": "xfsprogs", "ext4": "e2fsprogs"}[request.filesystem]
        found = f"these programs are missing: {', '.join(facts.missing_programs)}"
        yield Refusal("programs_installed", found, f"install util-linux, udev and {package}")


def label_fits(request: Request, _facts: Facts) -> Iterator[Refusal]:
    """Filesystems cut or refuse long labels."""
    longest = _LABEL_LENGTH[request.filesystem]
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", request.label) or len(request.label) > longest:
        found = f"data_disk_label {request.label!r} is not 1 to {longest} letters, digits, dots, dashes or underscores"
        yield Refusal("label_fits", found, "the inventory")


def shares_fit(request: Request, _facts: Facts) -> Iterator[Refusal]:
    """Limits that add up to more than the disk protect nobody."""
    total = sum(project.bytes for project in request.projects)
    if total > _USABLE * request.bytes:
        found = f"the quotas add up to {total} bytes, and at most {int(_USABLE * request.bytes)} can be used"
        yield Refusal("shares_fit", found, "data_disk_projects in the inventory")


def shares_named_well(request: Request, _facts: Facts) -> Iterator[Refusal]:
    """Each name is one directory, and named once."""
    look = "data_disk_projects in the inventory"
    for name, count in Counter(project.name for project in request.projects).items():
        if count > 1:
            yield Refusal("shares_named_well", f"{name!r} is named {count} times", look)
        if not _NAME.fullmatch(name):
            yield Refusal("shares_named_well", f"{name!r} is not a name of lower-case letters, digits and dashes", look)
    for project in request.projects:
        if project.bytes < 1 << 20:
            yield Refusal("shares_named_well", f"{project.name} has {project.bytes} bytes, less than 1 MiB", look)
        if not _MODE.fullmatch(project.mode):
            yield Refusal(
                "shares_named_well", f"{project.name} has the mode {project.mode!r}, not one like '0750'", look
            )


def owners_known(request: Request, facts: Facts) -> Iterator[Refusal]:
    """A number always is; a name must exist on the host."""
    for project in request.projects:
        for kind, name in (("user", project.owner), ("group", project.group)):
            if facts.ids.get(f"{kind}:{name}") is None:
                found = f"the {kind} {name!r} of {project.name} does not exist here"
                yield Refusal("owners_known", found, f"getent {'passwd' if kind == 'user' else kind} {name}")


GUARDS = (programs_installed, label_fits, shares_fit, shares_named_well, owners_known)
