"""What breaks the stock service."""

from __future__ import annotations

import time
from pathlib import Path

from tools.recorder.certificates import authority, issue
from tools.recorder.programs.stock_stage import ARTICLES, COMPONENT, Stock
from tools.recorder.steps import port_held, write_file
from tools.recorder.upstream import Answer, ask


def record(stock: Stock) -> None:
    """Every fault at least three times."""
    _starts(stock)
    _panics(stock)
    _descriptors(stock)
    _price_faults(stock)
    _certificates(stock)


def _starts(stock: Stock) -> None:
    for port in (8080, 8443, 9300):
        with (
            stock.recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"bind: address already in use"],
                description="Another process listens on the port",
                values={"port": str(port)},
            ),
            port_held(port, "127.0.0.1"),
        ):
            pod = stock.pod("b2n8c")
            for _ in range(3):  # the kubelet starts it again
                stock.start(pod, stock.settings(port=str(port))).wait()
    good = stock.settings()
    broken = {
        "tab": good.replace("  url:", "\turl:"),
        "field": good.replace("warehouse:", "warehause:"),
        "duration": good.replace("restock: 2s", "restock: often"),
        "indent": good.replace("articles:\n", "articles:\n   - "),
    }
    for name, text in broken.items():
        with stock.recording.fault(
            "config_parse_error",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"parse settings: ", r"^  line \d+"],
            description="The settings are no YAML, or not of this service",
            values={"mistake": name},
        ):
            pod = stock.pod("d7s4f")
            for _ in range(3):
                stock.start(pod, text).wait()
    for name in ("stock.yaml", "settings.yml", "warehouse.yaml"):
        with stock.recording.fault(
            "missing_config_object",
            severity="CRITICAL",
            component=COMPONENT,
            evidence=[r"no such file or directory"],
            description="The settings are not where the command says",
            values={"file": name},
        ):
            pod = stock.pod("x9r5g")
            for _ in range(3):
                pod.run(["/app/stock", f"/etc/warehouse/{name}"]).wait()


def _panics(stock: Stock) -> None:
    with stock.prices():
        for strangers in (1, 3, 6):
            with stock.recording.fault(
                "panic",
                severity="CRITICAL",
                component=COMPONENT,
                evidence=[r"^panic: runtime error: invalid memory address"],
                description="An article of an unknown supplier runs out; the worker panics",
                values={"articles": str(strangers)},
            ):
                text = stock.settings(strangers=strangers, restock="1s").replace("bolt: {count: 4", "bolt: {count: 2")
                pod = stock.pod("k4m7w")
                for _ in range(2):
                    program = stock.started(pod, text)
                    stock.traffic(12)
                    program.wait(20)
        for strangers in (2, 5, 9):
            with stock.recording.fault(
                "panic",
                severity="ERROR",
                component=COMPONENT,
                evidence=[r"http: panic serving .*nil pointer dereference"],
                description="A page of an unknown supplier panics in the handler",
                values={"articles": str(strangers)},
            ):
                program = stock.started(stock.pod("p6t3j"), stock.settings(strangers=strangers, restock="9s"))
                for article in ARTICLES[:strangers][:3]:
                    stock.traffic(9)
                    ask(f"http://127.0.0.1:8080/articles/{article}/supplier")
                program.stop()


def _descriptors(stock: Stock) -> None:
    for article in ARTICLES:
        write_file(f"/data/images/{article}.png", "picture" * 40)
    with stock.prices():
        for limit in (20, 32, 48):
            with stock.recording.fault(
                "fd_limit",
                severity="ERROR",
                component=COMPONENT,
                evidence=[r"too many open files"],
                description="Images that were served stay open until no file is left",
                values={"nofile": str(limit)},
            ):
                program = stock.started(stock.pod("q5w8h"), stock.settings(), {"nofile": limit})
                stock.traffic(12)
                for index in range(limit):
                    url = f"http://127.0.0.1:8080/articles/{ARTICLES[index % len(ARTICLES)]}"
                    ask(f"{url}/image", seconds=1)
                    if index % 5 == 0:
                        ask(url, seconds=1)
                    if index > limit // 2 and ask("http://127.0.0.1:8080/healthz", seconds=0.5) == 0:
                        break
                time.sleep(0.5)
                program.stop()


def _price_faults(stock: Stock) -> None:
    cases = {
        "upstream_timeout": ("ERROR", r"context deadline exceeded", "Prices come too late"),
        "connection_reset": ("WARN", r"(connection reset by peer|EOF)", "The price service drops connections"),
        "token_invalid": ("ERROR", r"unexpected status 401 Unauthorized", "The price service refuses the token"),
        "external_api_failure": ("WARN", r"unexpected status (429|500|503)", "The price service turns requests away"),
        "dns_failure": ("ERROR", r"dial tcp: lookup ", "The name of the price service does not resolve"),
        "upstream_refused": ("ERROR", r"connect: connection refused", "The price service is not running"),
    }
    answers = {
        "upstream_timeout": Answer(200, "{}", delay=0.9),
        "connection_reset": Answer(reset=True),
        "token_invalid": Answer(401, "the token is expired"),
    }
    write_file("/app/token", "eyJ0eXAi.stock.7f3a\n")
    for cause, (severity, evidence, description) in cases.items():
        for turn, host in enumerate(("prices", "prices.sales.svc.cluster.local", "price-feed.example.net")):
            stock.recording.sandbox.name(host, "127.0.0.1")
            timeout = f"{250 + 120 * turn}ms"
            with stock.recording.fault(
                cause,
                severity=severity,
                component=COMPONENT,
                evidence=[evidence],
                description=description,
                values={"host": host, "timeout": timeout},
            ):
                prices = stock.prices()
                program = stock.started(
                    stock.pod("s3g6k"),
                    stock.settings(url=f"http://{host}:8095", timeout=timeout, token="/app/token"),  # noqa: S106 -- a file
                )
                stock.traffic(14 + turn * 4)
                if cause in ("dns_failure", "upstream_refused"):
                    prices.close()
                if cause == "dns_failure":
                    stock.recording.sandbox.nameserver.names.clear()
                    stock.recording.sandbox.nameserver.failing = turn == 1
                else:
                    status = (429, 503, 500)[turn]
                    now = answers.get(cause, Answer(status, "try later"))
                    prices.answer = lambda *_, now=now: now
                for _ in range(4):
                    ask(f"http://127.0.0.1:8080/articles/{stock.dice.choice(ARTICLES)}")
                    stock.traffic(2)
                program.stop()
                stock.recording.sandbox.nameserver.failing = False
                if cause not in ("dns_failure", "upstream_refused"):
                    prices.close()


def _certificates(stock: Stock) -> None:
    folder = Path("/app/tls")
    company, stranger = authority(folder, "Warehouse CA"), authority(folder, "Other CA")
    for turn, host in enumerate(("prices.shop", "feed.example.net", "prices.example.com")):
        stock.recording.sandbox.name(host, "127.0.0.1")
        expired = 1 + 33 * turn
        cases = (
            (
                "cert_expired",
                "CRITICAL",
                issue(company, folder / "old", host, expired_days=expired),
                r"x509: certificate has expired",
                {"expired_days": str(expired)},
            ),
            (
                "cert_untrusted",
                "ERROR",
                issue(stranger, folder / "other", host),
                r"x509: certificate signed by unknown authority",
                {"authority": "Other CA"},
            ),
        )
        for cause, severity, certificate, evidence, values in cases:
            with (
                stock.recording.fault(
                    cause,
                    severity=severity,
                    component=COMPONENT,
                    evidence=[evidence],
                    description="The price service shows a certificate that is not accepted",
                    values={"host": host, **values},
                ),
                stock.prices(certificate),
            ):
                program = stock.started(
                    stock.pod("v8c2d"), stock.settings(url=f"https://{host}:8095", authority=str(company.file))
                )
                stock.traffic(14)
                program.stop()
