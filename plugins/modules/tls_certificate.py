#!/usr/bin/python
"""Ansible door to :mod:`self_signed`."""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_certificate
short_description: Keep a self-signed certificate, or check one that was given
version_added: "1.0.0"
author:
  - The homelab.log_intelligence authors (@homelab-log-intelligence)
description:
  - Makes a key and a certificate that signs itself when there is none, when it is for other names, or when it ends
    soon. Both files have the mode 0600.
  - With O(given=true) nothing is written; a certificate that has ended or has another key is refused.
requirements:
  - The Python package C(cryptography)
options:
  certificate_path:
    description: The file of the certificate, PEM; a chain begins with the server's own.
    type: path
    required: true
  key_path:
    description: The file of its private key, PEM without a passphrase.
    type: path
    required: true
  given:
    description: The files are somebody's own and only checked.
    type: bool
    default: false
  names:
    description: The DNS names and addresses that a self-signed certificate is for.
    type: list
    elements: str
    default: []
  valid_days:
    description: How long a new one is good for, in days.
    type: int
    default: 397
  renew_days:
    description: How many days before its end a new one is made, or a given one is warned of.
    type: int
    default: 30
extends_documentation_fragment:
  - homelab.log_intelligence.attributes
"""

EXAMPLES = r"""
- name: Keep the gateway's certificate
  homelab.log_intelligence.tls_certificate:
    certificate_path: /etc/homelab/secrets/gateway.crt
    key_path: /etc/homelab/secrets/gateway.key
    names: [ai.example.lan, 10.0.0.102]
"""

RETURN = r"""
reason:
  description: Why a new one was made; empty when the one that is there serves.
  type: str
  returned: always
  sample: it ends in 12 days
days_left:
  description: Whole days until the certificate ends; not told in check mode for one that would be made.
  type: int
  returned: when there is one
names:
  description: The DNS names and addresses that it is for.
  type: list
  elements: str
  returned: when there is one
fingerprint:
  description: Its SHA-256 fingerprint in hexadecimal.
  type: str
  returned: when there is one
"""

import datetime
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.homelab.log_intelligence.plugins.module_utils import self_signed

ARGUMENTS = {
    "certificate_path": {"type": "path", "required": True},
    "key_path": {"type": "path", "required": True, "no_log": False},
    "given": {"type": "bool", "default": False},
    "names": {"type": "list", "elements": "str", "default": []},
    "valid_days": {"type": "int", "default": 397},
    "renew_days": {"type": "int", "default": 30},
}


def main() -> None:
    """Looks, and in a real run makes what is due."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS, supports_check_mode=True, required_if=[("given", False, ("names",))]
    )
    given = module.params
    certificate, key = Path(given["certificate_path"]), Path(given["key_path"])
    now = datetime.datetime.now(datetime.UTC)
    try:
        if given["given"]:
            if refused := self_signed.why_not(certificate, key, now):
                module.fail_json(msg=refused)
            found = self_signed.read(certificate, key)
            if found.days_left(now) < given["renew_days"]:
                module.warn(f"{certificate} ends in {found.days_left(now)} days; put a new one there before.")
            module.exit_json(changed=False, reason="", **told(found, now))
        wanted = self_signed.Wanted(tuple(given["names"]), given["valid_days"], given["renew_days"])
        reason = self_signed.why_renew(certificate, key, wanted, now)
        loose = self_signed.open_to_others([certificate, key])
        changed = bool(reason or loose)
        diff = {"before": {"reason": reason, "open to others": [str(one) for one in loose]}, "after": {}}
        if module.check_mode:
            found_now = {} if reason else told(self_signed.read(certificate, key), now)
            module.exit_json(changed=changed, reason=reason, diff=diff if changed else None, **found_now)
        if reason:
            self_signed.make(certificate, key, wanted, now)
        for path in self_signed.open_to_others([certificate, key]):
            path.chmod(self_signed.PRIVATE)
        answer = told(self_signed.read(certificate, key), now)
        module.exit_json(changed=changed, reason=reason, diff=diff if changed else None, **answer)
    except ImportError as error:
        module.fail_json(msg=f"The Python package cryptography is needed: {error}. Install it beside ansible-core.")
    except (self_signed.CertificateError, OSError) as error:
        module.fail_json(msg=str(error))


def told(found: self_signed.Found, now: datetime.datetime) -> dict[str, object]:
    """What is answered about a certificate."""
    return {"days_left": found.days_left(now), "fingerprint": found.fingerprint, "names": list(found.names)}


if __name__ == "__main__":
    main()
