"""Whose custom resource definitions a cluster has, and what is done with them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.homelab.log_intelligence.plugins.module_utils.crd_owner import decide, owner_of
from ansible_collections.homelab.log_intelligence.plugins.module_utils.object_set import SET_LABEL

GROUP = "gateway.networking.k8s.io"
OURS = {SET_LABEL: "gateway-crds"}
OF_K3S = {"meta.helm.sh/release-name": "gateway-api-crd", "meta.helm.sh/release-namespace": "kube-system"}
OF_HELM = {"meta.helm.sh/release-name": "istio", "meta.helm.sh/release-namespace": "istio-system"}


def definition(
    kind: str = "Gateway",
    version: str = "v1.6.1",
    *,
    served: tuple[str, ...] = ("v1",),
    channel: str = "standard",
    marks: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
) -> dict[str, Any]:
    annotations = {f"{GROUP}/bundle-version": version, f"{GROUP}/channel": channel, **(marks or {})}
    return {
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.lower()}s.{GROUP}", "annotations": annotations, "labels": labels or {}},
        "spec": {
            "group": GROUP,
            "names": {"kind": kind},
            "versions": [{"name": name, "served": True} for name in served],
        },
    }


def there(*found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in found}


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (definition(labels=OURS), "ours"),
        (definition(labels=OURS, marks=OF_K3S), "ours"),
        (definition(marks=OF_K3S), "k3s"),
        (definition(marks={"objectset.rio.cattle.io/owner-name": "traefik"}), "k3s"),
        (definition(marks=OF_HELM), "helm"),
        (definition(), "nobody"),
    ],
)
def test_the_owner_is_read_from_the_marks_of_installers(found: dict[str, Any], kind: str) -> None:
    assert owner_of(found).kind == kind


@pytest.mark.parametrize("found", [{}, there(definition(labels=OURS, version="v1.5.1"))], ids=["none", "ours"])
def test_what_is_missing_or_ours_is_applied(found: dict[str, Any]) -> None:
    decision = decide([definition()], found, take_over=False)

    assert decision.apply == {GROUP} and not decision.taken_over and not decision.refused


@pytest.mark.parametrize("version", ["v1.6.1", "v1.6.2", "v1.10.0"])
def test_another_owners_are_left_when_they_serve(version: str) -> None:
    decision = decide([definition()], there(definition(version=version, marks=OF_K3S)), take_over=False)

    assert decision.apply == set() and "gateway-api-crd" in decision.leave[GROUP]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (definition(version="v1.5.1", marks=OF_HELM), "v1.5.1"),
        (definition(served=("v1beta1",), marks=OF_HELM), "not served as v1"),
        (definition("HTTPRoute", marks=OF_HELM), "Gateway are missing"),
    ],
)
def test_another_owners_are_refused_with_the_reason_when_they_do_not_serve(found: dict[str, Any], why: str) -> None:
    wanted = [definition(), definition("HTTPRoute")] if "missing" in why else [definition()]

    decision = decide(wanted, there(found), take_over=False)

    assert decision.apply == set()
    assert why in decision.refused[GROUP] and "istio in istio-system" in decision.refused[GROUP]
    assert decide(wanted, there(found), take_over=True).apply == {GROUP}


def test_nobodys_are_taken_on_but_not_those_of_the_experimental_channel() -> None:
    assert decide([definition()], there(definition(version="v1.2.0")), take_over=False).taken_over == {GROUP: "nobody"}

    refused = decide([definition()], there(definition(channel="experimental")), take_over=False)
    assert refused.apply == set() and "experimental" in refused.refused[GROUP]
