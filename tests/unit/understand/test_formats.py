"""Each format gives its level, its logger, its time and its message."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_log_agent.records import Severity
from k8s_log_agent.understand.formats import parse
from k8s_log_agent.understand.levels import numeric_level, otlp_level
from k8s_log_agent.understand.line_times import moment

DEBUG, INFO, WARN, ERROR, CRITICAL, UNKNOWN = (
    Severity.DEBUG,
    Severity.INFO,
    Severity.WARN,
    Severity.ERROR,
    Severity.CRITICAL,
    Severity.UNKNOWN,
)

STATED = [
    ("json", '{"level":"info","msg":"hello","error":"boom"}', INFO, "", "hello: boom"),
    ("json", '{"log":{"level":"WARN","logger":"x"},"message":"slow"}', WARN, "", "slow"),
    ("json", '{"@l":"Error","@mt":"failed {Id}"}', ERROR, "", "failed {Id}"),
    (
        "json",
        '{"timestamp":"t","level":"WARN","fields":{"message":"slow"},"target":"app::db"}',
        WARN,
        "app::db",
        "slow",
    ),
    ("json", '{"level":"error","msg":"it was cut he', ERROR, "", "it was cut he"),
    ("json", '{"severityNumber":17,"body":"x"}', ERROR, "", "x"),
    (
        "mongodb",
        '{"t":{"$date":"2026-11-24T20:00:00.000+00:00"},"s":"E","c":"STORAGE","id":1,"ctx":"x","msg":"WT error",'
        '"attr":{"error":28,"message":"No space left"}}',
        ERROR,
        "STORAGE",
        "WT error: No space left",
    ),
    (
        "logfmt",
        'time="2026-11-24T20:00:00Z" level=error msg="failed \\"x\\"" error=boom',
        ERROR,
        "",
        'failed "x": boom',
    ),
    ("logfmt", "ts=2026-11-24T20:00:00Z caller=main.go:1 component=tsdb level=info msg=hi", INFO, "tsdb", "hi"),
    ("klog", "E1124 20:00:00.123456       1 reflector.go:12] failed to list", ERROR, "reflector.go", "failed to list"),
    (
        "zap_console",
        "2026-11-24T20:00:00.123Z\tERROR\tsetup\tmain.go:12\tunable to start",
        ERROR,
        "setup",
        "unable to start",
    ),
    ("postgresql", "2026-11-24 20:00:00.123 UTC [12] LOG:  ready", INFO, "", "ready"),
    ("postgresql", "2026-11-24 20:00:00.123 UTC [12] app@db FATAL:  no role", CRITICAL, "", "no role"),
    ("mysql", "2026-11-24  8:00:00 0 [Note] InnoDB: x", INFO, "", "InnoDB: x"),
    ("mysql", "2026-11-24T20:00:00.123456Z 0 [ERROR] [MY-010119] [Server] Aborting", ERROR, "Server", "Aborting"),
    ("redis", "1:M 24 Nov 2026 20:00:00.123 # oom", WARN, "", "oom"),
    ("redis", "1:M 24 Nov 2026 20:00:00.123 * Ready", INFO, "", "Ready"),
    ("nginx", "2026/11/24 20:00:00 [emerg] 12#12: *1 bind() failed", CRITICAL, "", "bind() failed"),
    ("go_slog", "2026/11/24 20:00:00 WARN hello k=v", WARN, "", "hello k=v"),
    ("rabbitmq", "2026-11-24 20:00:00.123456+00:00 [error] <0.1.0> x", ERROR, "", "x"),
    ("logback", "2026-11-24T20:00:00.123Z  WARN 1 --- [app] [main] c.e.App     : Started", WARN, "c.e.App", "Started"),
    ("logback", "20:00:00.123 [main] ERROR c.e.App - hi", ERROR, "c.e.App", "hi"),
    ("logback", "2026-11-24 20:00:00,123 INFO  [main] c.e.App: hi", INFO, "c.e.App", "hi"),
    ("log4j", "[2026-11-24 20:00:00,123] WARN hi (kafka.server.KafkaServer)", WARN, "kafka.server.KafkaServer", "hi"),
    ("log4j", "[2026-11-24T20:00:00,123][INFO ][o.e.n.Node] [n] started", INFO, "o.e.n.Node", "started"),
    ("python", "2026-11-24 20:00:00,123 - app.db - ERROR - hi", ERROR, "app.db", "hi"),
    ("python", "ERROR:root:bad", ERROR, "root", "bad"),
    ("loguru", "2026-11-24 20:00:00.123 | INFO     | mod:fn:12 - hi", INFO, "mod:fn:12", "hi"),
    ("gunicorn", "[2026-11-24 20:00:00 +0000] [1] [INFO] Starting", INFO, "", "Starting"),
    ("celery", "[2026-11-24 20:00:00,123: WARNING/MainProcess] hi", WARN, "MainProcess", "hi"),
    ("tracing", "2026-11-24T20:00:00.123456Z  WARN tower_http::trace: hi", WARN, "tower_http::trace", "hi"),
    ("env_logger", "[2026-11-24T20:00:00Z ERROR app] hi", ERROR, "app", "hi"),
    ("syslog", "<34>Oct 11 22:14:15 host su[12]: 'su root' failed", CRITICAL, "su", "'su root' failed"),
    ("syslog", '<165>1 2003-10-11T22:14:15.003Z host app 1 ID47 [x y="z]"] hello', INFO, "app", "hello"),
    (
        "klog",
        "Nov 24 20:00:00 host kubelet[1]: E1124 20:00:00.123456  1 pod.go:1] Error syncing",
        ERROR,
        "pod.go",
        "Error syncing",
    ),
    ("kernel", "[   12.345678] Out of memory", UNKNOWN, "", "Out of memory"),
    ("envoy", "[2026-11-24 20:00:00.123][1][warning][main] [source/a.cc:1] hi", WARN, "main", "hi"),
    (
        "apache",
        "[Tue Nov 24 20:00:00.123456 2026] [core:error] [pid 1:tid 2] [client 1.1.1.1:2] AH1: x",
        ERROR,
        "core",
        "AH1: x",
    ),
    ("haproxy", "[ALERT]   (1) : New worker", CRITICAL, "", "New worker"),
    ("bracketed", "[ERROR] plugin/errors: 2 example.com. A: read udp", ERROR, "errors", "2 example.com. A: read udp"),
    ("zerolog", "2026-11-24T20:00:00Z ERR hi k=v", ERROR, "", "hi k=v"),
    ("hclog", "2026-11-24T20:00:00.123Z [WARN]  agent.server: hi", WARN, "agent.server", "hi"),
    ("llama_cpp", "0.00.123.456 W srv  load: hmm", WARN, "srv", "load: hmm"),
    ("tomcat", "24-Nov-2026 20:00:00.123 SEVERE [main] org.apache.X.y hi", ERROR, "org.apache.X.y", "hi"),
    ("ruby", "W, [2026-11-24T20:00:00.123456 #1]  WARN -- : hi", WARN, "", "hi"),
    ("php", "[24-Nov-2026 20:00:00 UTC] PHP Fatal error:  Uncaught", CRITICAL, "", "Uncaught"),
    ("clickhouse", "2026.11.24 20:00:00.123456 [ 1 ] {} <Error> Application: hi", ERROR, "Application", "hi"),
    ("levelled", "ERROR 1045 (28000): Access denied", ERROR, "", "1045 (28000): Access denied"),
    ("kubernetes_event", "Warning BackOff Pod/web: Back-off", WARN, "", "Warning BackOff Pod/web: Back-off"),
    ("plain", "Listening on port 80", UNKNOWN, "", "Listening on port 80"),
]


@pytest.mark.parametrize(("name", "text", "level", "component", "message"), STATED)
def test_a_format_is_taken_apart(name: str, text: str, level: Severity, component: str, message: str) -> None:
    parsed = parse(text)

    assert (parsed.format, parsed.level, parsed.component, parsed.message) == (name, level, component, message)


@pytest.mark.parametrize(
    ("name", "text", "status", "level"),
    [
        ("access_combined", '10.0.0.1 - - [24/Nov/2026:20:00:00 +0000] "GET /x HTTP/1.1" 200 12 "-" "curl"', 200, INFO),
        ("access_combined", '10.0.0.1 - bob [24/Nov/2026:20:00:00 +0000] "GET /x HTTP/1.1" 403 12', 403, WARN),
        ("envoy_access", '[2026-11-24T20:00:00.123Z] "GET / HTTP/1.1" 503 UF 0 91 0 - "-" "curl"', 503, ERROR),
        (
            "haproxy_access",
            "172.17.0.1:33 [24/Nov/2026:20:00:00.123] web be/s1 0/0/0/1/1 503 217 - - SC-- 1/1/0/0/0 0/0",
            503,
            ERROR,
        ),
        ("uvicorn_access", '127.0.0.1:1234 - "GET / HTTP/1.1" 404 Not Found', 404, INFO),
        ("json_access", '{"method":"GET","path":"/","response_code":502}', 502, ERROR),
    ],
)
def test_the_status_of_an_access_line_is_its_level(name: str, text: str, status: int, level: Severity) -> None:
    parsed = parse(text)

    assert (parsed.format, parsed.status, parsed.level, parsed.method) == (name, status, level, "access")


def test_a_number_means_what_its_producer_means() -> None:
    pino = {"level": 30, "pid": 1, "hostname": "a", "msg": "x"}
    python = {"level": 30, "name": "a", "lineno": 3, "message": "x"}

    assert (numeric_level(30, pino), numeric_level(30, python)) == (INFO, WARN)
    assert numeric_level(3, {}) is ERROR
    assert [otlp_level(number) for number in (1, 9, 13, 17, 21, 25)] == [DEBUG, INFO, WARN, ERROR, CRITICAL, UNKNOWN]


def test_a_detail_line_of_postgresql_continues_its_statement() -> None:
    assert parse("2026-11-24 20:00:00.123 UTC [12] DETAIL:  Key exists").continues


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-24T20:00:00Z",
        "2026/11/24 20:00:00",
        "24/Nov/2026:20:00:00 +0000",
        "24 Nov 2026 20:00:00.000",
        "Tue Nov 24 20:00:00 2026",
        "1795550400",
        "2026-11-24 20:00:00 UTC",
    ],
)
def test_times_in_lines_are_read(stamp: str) -> None:
    assert moment(stamp) == 1_795_550_400 * 10**9


def test_a_time_without_a_year_is_no_moment() -> None:
    assert moment("1124 20:00:00.123456") is None


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.from_regex(r"[\[{<\d][\d\[\]{}<>:T .,\"=\-]{0,80}", fullmatch=True))
def test_no_text_breaks_the_parser_or_loses_its_words(text: str) -> None:
    parsed = parse(text)

    assert parsed.pieces
