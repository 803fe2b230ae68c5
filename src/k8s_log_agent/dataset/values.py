"""Values for the placeholders of templates: plausible, seeded, and the same wherever a record uses one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

from k8s_log_agent.dataset.templates import TemplateError, ValueRule

PLACEHOLDER = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")

_APPS = (
    "checkout billing-api orders catalog inventory-sync web-frontend payments gateway-auth search-indexer mailer "
    "session-store report-builder media-encoder ledger pricing shipping-worker telemetry-agent image-proxy "
    "user-profile recommender"
).split()
_NAMESPACES = "shop payments media default staging data platform-tools team-blue team-green web".split()
_NODES = "node-1 node-2 node-3 worker-a worker-b worker-c k3s-agent-1 k3s-agent-2".split()
_DOMAINS = "example.com shop.example.org internal.example.net api.example.io".split()
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"  # the letters that Kubernetes draws pod suffixes from
_DATABASES = "orders billing catalog users ledger reports sessions inventory".split()
_TABLES = "orders order_items invoices customers payments events stock_levels audit_log sessions".split()
_USERS = "app_rw app_ro billing reporting orders_svc migrator".split()
_SERVICES = "payments-api inventory auth user-directory rates ledger-writer notifications stock search".split()
_VERBS = "list get watch create update patch delete".split()
_RESOURCES = "pods secrets configmaps deployments endpointslices leases nodes jobs".split()
_PATHS = "/api/v1/orders /api/v1/carts /v2/items/search /internal/export /api/invoices /login /api/v1/stock".split()


def _address(random: Random, prefix: str) -> str:
    return f"{prefix}.{random.randint(0, 7)}.{random.randint(2, 250)}"


def _uid(random: Random) -> str:
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _suffix(random: Random, length: int) -> str:
    return "".join(random.choice(_SUFFIX) for _ in range(length))


COMMON = (
    "app namespace node pod container pod_ip node_ip service_ip peer_ip uid container_id short_id image image_tag "
    "digest pid tid port domain database table user service verb resource path trace_id request_id thread attempt "
    "duration_ms count version class_name method canary"
).split()
MOMENTARY = ("now_iso", "now_access")  # the time of the statement itself


def common_values(random: Random) -> dict[str, str]:
    """Draw one value for each name in `COMMON`; those that belong together agree, as the pod with its application."""
    app = random.choice(_APPS)
    tag = f"{random.randint(0, 4)}.{random.randint(0, 30)}.{random.randint(0, 12)}"
    container_id = f"{random.getrandbits(256):064x}"
    return {
        "app": app,
        "namespace": random.choice(_NAMESPACES),
        "node": random.choice(_NODES),
        "pod": f"{app}-{random.getrandbits(36):09x}-{_suffix(random, 5)}",
        "container": app,
        "pod_ip": _address(random, "10.42"),
        "node_ip": f"10.0.0.{random.randint(100, 120)}",
        "service_ip": _address(random, "10.43"),
        "peer_ip": _address(random, "10.42"),
        "uid": _uid(random),
        "container_id": container_id,
        "short_id": container_id[:12],
        "image": f"registry.{random.choice(_DOMAINS)}/{app}",
        "image_tag": tag,
        "digest": f"sha256:{random.getrandbits(256):064x}",
        "pid": str(random.randint(1, 64) if random.random() < 0.4 else random.randint(300, 65000)),
        "tid": str(random.randint(2, 90)),
        "port": random.choice("8080 8443 9090 3000 5000 8000 9000".split()),
        "domain": random.choice(_DOMAINS),
        "database": random.choice(_DATABASES),
        "table": random.choice(_TABLES),
        "user": random.choice(_USERS),
        "service": random.choice(_SERVICES),
        "verb": random.choice(_VERBS),
        "resource": random.choice(_RESOURCES),
        "path": random.choice(_PATHS),
        "trace_id": f"{random.getrandbits(128):032x}",
        "request_id": _uid(random),
        "thread": f"{random.choice(['http-nio-8080-exec', 'pool-2-thread', 'worker'])}-{random.randint(1, 32)}",
        "attempt": str(random.randint(2, 6)),
        "duration_ms": str(random.randint(3, 4800)),
        "count": str(random.randint(2, 480)),
        "version": tag,
        "class_name": f"{random.choice(['Order', 'Invoice', 'Cart', 'Stock', 'Report', 'Session'])}Service",
        "method": random.choice("process load refresh apply handle persist".split()),
        "canary": f"klacanary{random.getrandbits(96):024x}",
    }


def draw(rules: Mapping[str, ValueRule], values: Mapping[str, str], random: Random) -> dict[str, str]:
    """Return `values` with one more for each rule, drawn in the rules' order. Raises `TemplateError`."""
    drawn = dict(values)
    for name, rule in rules.items():
        drawn[name] = _drawn(name, rule, drawn, random)
    return drawn


def _drawn(name: str, rule: ValueRule, values: Mapping[str, str], random: Random) -> str:
    if rule.integer is not None:
        low, high = (_whole(name, bound, values) for bound in rule.integer)
        if low > high:
            raise TemplateError(f"the value {name} has no room: its bounds are {low} and {high}")
        return str(random.randint(low, high))
    if rule.number is not None:
        return f"{random.uniform(*rule.number):.2f}"
    if rule.choice is not None:
        return fill(random.choice(rule.choice), values)
    if rule.hex is not None:
        return f"{random.getrandbits(4 * rule.hex):0{rule.hex}x}"
    if rule.product is not None:
        return str(_whole(name, rule.product[0], values) * rule.product[1])
    return fill(rule.text or "", values)


def _whole(name: str, bound: int | str, values: Mapping[str, str]) -> int:
    if isinstance(bound, int):
        return bound
    if not values.get(bound, "").lstrip("-").isdigit():
        raise TemplateError(f"the value {name} is bounded by {bound}, which is no whole number defined before it")
    return int(values[bound])


def placeholders(text: str) -> set[str]:
    """Return the names that `text` asks for."""
    return set(PLACEHOLDER.findall(text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put the values in, once: a value that looks like a placeholder stays as it is. Raises `TemplateError`."""
    unknown = sorted(placeholders(text) - set(values))
    if unknown:
        raise TemplateError(
            f"the text {text[:80]!r} asks for {', '.join(unknown)}, which nothing defines. Add it to the template's "
            f"`values`, or use one of {', '.join(sorted([*COMMON, *MOMENTARY]))}."
        )
    return PLACEHOLDER.sub(lambda found: values[found[1]], text)
