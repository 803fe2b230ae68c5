"""Templates and signatures: the same for what differs by chance, different for what differs in meaning."""

from __future__ import annotations

from ipaddress import IPv4Address
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_log_agent.understand.masking import Mask, Masker, MaskFile, mask
from k8s_log_agent.understand.rule_files import load_rules
from k8s_log_agent.understand.signature import exception_type, signature

RECIPE = load_rules("masks.yaml", MaskFile)
HITS = [
    pytest.param(hit.text, hit.template, id=f"{one.name}-{place}")
    for one in RECIPE.masks
    for place, hit in enumerate(one.hits)
]
MISSES = [
    pytest.param(one, text, id=f"{one.name}-{place}") for one in RECIPE.masks for place, text in enumerate(one.misses)
]
POD = st.text(alphabet="bcdfghjklmnpqrstvwxz2456789", min_size=5, max_size=5).filter(lambda text: not text.isdigit())


@pytest.mark.parametrize(("text", "template"), HITS)
def test_the_recipe_makes_the_template_of_its_examples(text: str, template: str) -> None:
    assert mask(text) == template


@pytest.mark.parametrize(("one", "text"), MISSES)
def test_a_mask_leaves_its_misses(one: Mask, text: str) -> None:
    alone = Masker(MaskFile(masks=(one,), code_words=(), port_words=(), ports=RECIPE.ports, status_phrases=()))

    assert alone.mask(text) == text


@settings(deadline=None)
@given(
    uuids=st.tuples(st.uuids(), st.uuids()),
    addresses=st.tuples(st.ip_addresses(v=4), st.ip_addresses(v=4)),
    numbers=st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)),
    pods=st.tuples(POD, POD),
)
def test_a_signature_does_not_change_when_ids_do(
    uuids: tuple[UUID, UUID],
    addresses: tuple[IPv4Address, IPv4Address],
    numbers: tuple[int, int],
    pods: tuple[str, str],
) -> None:
    lines = [
        f"request {uuid} from {address}:{40000 + number % 9999} to pod alloy-{pod} took {number}ms"
        for uuid, address, number, pod in zip(uuids, addresses, numbers, pods, strict=True)
    ]

    assert signature("web", lines[0]) == signature("web", lines[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("upstream answered with status 502", "upstream answered with status 404"),
        ("container ended with exit code 137", "container ended with exit code 143"),
        ("dial tcp 10.43.0.17:5432: refused", "dial tcp 10.43.0.17:6379: refused"),
        ("worker exited on signal 9", "worker exited on signal 11"),
        ("reason: OOMKilled", "reason: Evicted"),
    ],
)
def test_what_carries_meaning_stays(one: str, other: str) -> None:
    assert signature("web", one) != signature("web", other)


def test_the_component_is_part_of_the_signature() -> None:
    assert signature("web", "cannot start")[0] != signature("db", "cannot start")[0]


def test_a_trace_is_signed_by_its_innermost_cause() -> None:
    trace = [
        "    at shop.Cart.add(Cart.java:12)",
        "Caused by: java.net.ConnectException: refused",
        "    at x.Y.z(Y.java:1)",
    ]
    other = [trace[0], "Caused by: java.sql.SQLException: deadlock", trace[2]]

    assert exception_type("java.lang.RuntimeException: cannot add", trace) == "java.net.ConnectException"
    assert signature("web", "cannot add", trace)[0] != signature("web", "cannot add", other)[0]


@settings(deadline=None)
@given(st.text(max_size=400))
def test_masking_is_the_same_whatever_was_seen_before(text: str) -> None:
    assert Masker(RECIPE).mask(text) == mask(text)
