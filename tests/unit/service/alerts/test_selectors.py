from __future__ import annotations

import pytest

from k8s_log_agent.ingest.loki_errors import SelectorError
from k8s_log_agent.service.alerts.selectors import choose, is_own, parsed

OWN = 'app!="log-analyzer", job!="log-analyzer/verdicts"'


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{namespace="shop"}', '{namespace="shop"}'),
        (' { namespace = "shop" , pod =~ "web-.*" } |= "error" ', '{namespace="shop", pod=~"web-.*"} |= "error"'),
        ('{namespace="shop",app!="x"} |~ `(?i)error` != "quiet"', None),
        ('{app=~"a|b"} |~ "fail(ed|ure)"', '{app=~"a|b"} |~ "fail(ed|ure)"'),
        ('{app="a\\"b"}', '{app="a\\"b"}'),
        ('{container="c"}', '{container="c"}'),
    ],
)
def test_what_an_annotation_says_is_put_together_anew(written: str, read: str | None) -> None:
    if read is None:  # an expression with a flag is not among the usual signs of a label, yet usual in a line filter
        assert parsed(written).logql == '{namespace="shop", app!="x"} |~ "(?i)error" != "quiet"'
    else:
        assert parsed(written).logql == read


@pytest.mark.parametrize(
    "written",
    [
        "",
        "namespace=shop",
        "{}",
        '{namespace=""}',
        '{namespace!="shop"}',
        '{namespace=~".*"}',
        '{tenant="other"}',
        '{namespace="shop"} | json',
        '{namespace="shop"} | line_format "{{.x}}"',
        'sum(rate({namespace="shop"}[5m]))',
        '{namespace="shop"} or {namespace="kube-system"}',
        '{namespace="shop"} # {',
        '{namespace="shop"',
        '{namespace="shop" pod="x"}',
        "{namespace='shop'}",
        '{namespace="shop\\x00"}',
        '{namespace="shop"} |= "' + "a" * 300 + '"',
        '{namespace="shop"} |= ""',
        '{namespace="shop"}' + ' |= "a"' * 5,
        '{namespace=~"' + "\u202e" + 'a"}',
        '{namespace="shop"}' + " " * 3000,
        "{" + ", ".join(f'namespace="n{number}"' for number in range(9)) + "}",
    ],
)
def test_what_is_not_allowed_is_not_followed(written: str) -> None:
    with pytest.raises(SelectorError):
        parsed(written)


def test_the_annotation_goes_before_the_labels_and_leaves_out_the_analyzers_own_lines() -> None:
    found = choose({"namespace": "shop"}, {"logql": '{namespace="llm"} |= "error"'})

    assert found.selector and found.selector.logql == f'{{namespace="llm", {OWN}}} |= "error"'


def test_labels_speak_where_the_annotation_may_not_and_the_reason_is_told() -> None:
    found = choose({"namespace": "shop", "pod": "web-0"}, {"logql": '{secret="x"}'})

    assert found.selector and found.selector.logql == f'{{namespace="shop", pod="web-0", {OWN}}}'
    assert "secret" in found.note


@pytest.mark.parametrize("namespace", ["", 'shop"} or {a="', "Shop", "../x"])
def test_an_alert_without_a_real_namespace_names_no_lines(namespace: str) -> None:
    assert choose({"namespace": namespace}, {}).selector is None


def test_the_analyzer_is_known_by_its_label_and_not_by_its_namespace() -> None:
    assert is_own({"app": "log-analyzer"}) and is_own({"app_kubernetes_io_name": "log-analyzer"})
    assert not is_own({"namespace": "llm", "app": "llama-cpp"})
