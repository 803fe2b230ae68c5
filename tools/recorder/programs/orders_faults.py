"""What breaks the order service."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tools.recorder.certificates import authority, issue
from tools.recorder.steps import port_held, wait_for_port, write_file
from tools.recorder.upstream import Answer, ask

if TYPE_CHECKING:
    from tools.recorder.programs.orders import Orders

MIGRATIONS = {
    "V3__discount.sql": "ALTER TABLE orders ADD COLUMN discount DECIMAL(5,2) NOT NUL;\n",
    "V4__invoice.sql": "INSERT INTO invoices (order_id) SELECT id FROM orders;\n",
    "V5__city.sql": "ALTER TABLE customers ALTER COLUMN city SET NOT NULL;\n",
    "V2__again.sql": "CREATE TABLE again (id INT);\n",
}


def record(orders: Orders) -> None:
    """Every fault at least three times."""
    _starts(orders)
    _migrations(orders)
    _payments(orders)
    _certificates(orders)
    _requests(orders)
    _exhaustion(orders)
    _database(orders)


def _starts(orders: Orders) -> None:
    for port in (8080, 8181, 9000):
        with (
            orders.recording.fault(
                "address_in_use",
                severity="CRITICAL",
                component=orders.component,
                evidence=[r"BindException: Address already in use"],
                description="Another process listens on the port",
                values={"port": str(port)},
            ),
            port_held(port, "127.0.0.1"),
        ):
            orders.start(orders.pod("b7k2m"), port).wait()
    for name, value in (
        ("ORDERS_DATABASE_URL", ""),
        ("ORDERS_POOL_SIZE", "many"),
        ("ORDERS_WORKERS", "0"),
        ("ORDERS_PAYMENTS_URL", ""),
    ):
        with orders.recording.fault(
            "invalid_env",
            severity="CRITICAL",
            component=orders.component,
            evidence=[r"nvironment variable \w+(=\S+)? is "],
            description="A variable is missing or out of its range",
            values={name: value},
        ):
            pod = orders.pod("d4w9t")
            for _ in range(2):  # the kubelet starts it again
                orders.start(pod, env={name: value}).wait()
    for library in ("HikariCP-6.3.0", "jackson-databind-2.18.3", "flyway-core-10.20.1"):
        folder = Path(f"/app/without-{library.split('-', maxsplit=1)[0].lower()}")
        shutil.copytree("/app/lib", folder)
        (folder / f"{library}.jar").unlink()
        with orders.recording.fault(
            "unhandled_exception",
            severity="CRITICAL",
            component=orders.component,
            evidence=[r"NoClassDefFoundError"],
            description="A library is missing in the image",
            values={"library": library},
        ):
            orders.start(orders.pod("f5h8v"), classpath=f"/app/orders.jar:{folder}/*").wait()


def _migrations(orders: Orders) -> None:
    for name, statement in MIGRATIONS.items():
        folder = f"/app/migrations-{name.split('_')[0].lower()}"
        write_file(f"{folder}/{name}", statement)
        with orders.recording.fault(
            "migration_failed",
            severity="CRITICAL",
            component=orders.component,
            evidence=[r"(Flyway\w*Exception|DbMigrate|Script \S+ failed|more than one migration)"],
            description="A migration of the release cannot be applied",
            values={"migration": name},
        ):
            pod = orders.pod("k3r6n")
            orders.start(pod, env={"ORDERS_MIGRATIONS": f"classpath:db/migration,filesystem:{folder}"}).wait()


def _payments(orders: Orders) -> None:
    cases = {
        "upstream_refused": ("ERROR", r"ConnectException", "The payment service is not running"),
        "upstream_timeout": ("ERROR", r"HttpTimeoutException: request timed out", "Payments answer too late"),
        "external_api_failure": ("WARN", r"IOException: HTTP (429|500|503) from", "Payments turn requests away"),
        "dns_failure": ("ERROR", r"UnresolvedAddressException", "The name of the payment service is unknown"),
    }
    for cause, (severity, evidence, description) in cases.items():
        for turn in range(3):
            port, status = 8090 + turn, (503, 429, 500)[turn]
            host = f"payments.bank{turn}.svc.cluster.local" if cause == "dns_failure" else "127.0.0.1"
            with orders.recording.fault(
                cause,
                severity=severity,
                component=orders.component,
                evidence=[evidence],
                description=description,
                values={"payments": f"{host}:{port}"},
            ):
                payments = orders.payments(port)
                if cause == "dns_failure":
                    orders.recording.sandbox.name(host, "127.0.0.1")
                wait = str(250 + 100 * turn)
                program = orders.started(
                    orders.pod("m9c4x"),
                    8080,
                    options=("-Dsun.net.inetaddr.ttl=0",),
                    env={"ORDERS_PAYMENTS_URL": f"http://{host}:{port}", "ORDERS_PAYMENT_WAIT_MS": wait},
                )
                orders.traffic(10 + 3 * turn)
                if cause in ("upstream_refused", "dns_failure"):
                    payments.close()
                if cause == "dns_failure":
                    orders.recording.sandbox.nameserver.names.clear()
                elif cause == "upstream_timeout":
                    payments.answer = lambda *_: Answer(200, "{}", delay=0.9)
                elif cause == "external_api_failure":
                    payments.answer = lambda *_, now=status: Answer(now, '{"error": "too busy"}')
                orders.place()
                ask("http://127.0.0.1:8080/health")
                program.stop()
                if cause not in ("upstream_refused", "dns_failure"):
                    payments.close()


def _certificates(orders: Orders) -> None:
    folder = Path("/app/tls")
    company = authority(folder, "Shop CA")
    store = ["keytool", "-importcert", "-noprompt", "-keystore", "/app/trust.p12", "-storepass", "changeit"]
    subprocess.run([*store, "-alias", "shop", "-file", str(company.file)], check=True, capture_output=True)
    trust = ("-Djavax.net.ssl.trustStore=/app/trust.p12", "-Djavax.net.ssl.trustStorePassword=changeit")
    for turn, host in enumerate(("payments.shop", "pay.bank.example", "charges.shop")):
        orders.recording.sandbox.name(host, "127.0.0.1")
        expired = 3 + 40 * turn
        good, old = issue(company, folder / "good", host), issue(company, folder / "old", host, expired_days=expired)
        cases = (
            ("cert_expired", "CRITICAL", old, trust, r"NotAfter|validity check failed", {"expired_days": str(expired)}),
            ("cert_untrusted", "ERROR", good, (), r"PKIX path building failed", {"authority": "Shop CA"}),
        )
        for cause, severity, certificate, options, evidence, values in cases:
            with (
                orders.recording.fault(
                    cause,
                    severity=severity,
                    component=orders.component,
                    evidence=[evidence],
                    description="The payment service shows a certificate that is not accepted",
                    values={"host": host, **values},
                ),
                orders.payments(8443, certificate),
            ):
                program = orders.started(
                    orders.pod("r2g5j"), options=options, env={"ORDERS_PAYMENTS_URL": f"https://{host}:8443"}
                )
                ask("http://127.0.0.1:8080/labels/1")
                orders.place()
                ask("http://127.0.0.1:8080/health")
                program.stop()


def _requests(orders: Orders) -> None:
    with orders.payments():
        for customer in (3, 77, 40412):
            with orders.recording.fault(
                "unhandled_exception",
                severity="ERROR",
                component=orders.component,
                evidence=[r"java\.lang\.NullPointerException"],
                description="A customer without a city or without a row",
                values={"customer": str(customer)},
            ):
                program = orders.started(orders.pod("t6s8p"))
                orders.traffic(12)
                ask(f"http://127.0.0.1:8080/labels/{customer}")
                orders.traffic(4)
                program.stop()
        for bad in ('{"customer": 1, "item": ', '{"customer": 2}', '{"customer": 1, "item": "lamp", "quantity": -4}'):
            with orders.recording.fault(
                "bad_request_data",
                severity="WARN",
                component=orders.component,
                evidence=[r"Rejected request"],
                description="A client sends broken orders",
                values={"body": bad},
            ):
                program = orders.started(orders.pod("v4n7q"))
                for _ in range(8):
                    orders.traffic(2)
                    ask("http://127.0.0.1:8080/orders", method="POST", body=bad)
                program.stop()


def _exhaustion(orders: Orders) -> None:
    with orders.payments():
        for megabytes in (32, 48, 64):
            with orders.recording.fault(
                "heap_exhausted",
                severity="ERROR",
                component=orders.component,
                evidence=[r"OutOfMemoryError: Java heap space"],
                description="Cached reports fill the heap",
                values={"Xmx": f"{megabytes}m"},
            ):
                program = orders.started(orders.pod("w3f6h"), options=(f"-Xmx{megabytes}m",))
                orders.traffic(10)
                for _ in range(3):
                    ask("http://127.0.0.1:8080/reports/400", seconds=4)
                program.stop()
        for limit in (50, 60, 80):
            with orders.recording.fault(
                "pid_limit",
                severity="ERROR",
                component=orders.component,
                evidence=[r"unable to create native thread", r"pthread_create failed"],
                description="The user may have no more threads",
                values={"nproc": str(limit)},
            ):
                program = orders.start(orders.pod("x5d9k"), user="www-data", limits={"nproc": limit})
                program.wait_for("Listening on port", 40)
                orders.traffic(8)
                for _ in range(2):
                    ask("http://127.0.0.1:8080/follow/70", seconds=4)
                orders.traffic(4)
                program.stop(signal.SIGKILL)  # the JVM has no thread left that could handle SIGTERM


def _database(orders: Orders) -> None:
    orders.recording.sandbox.name("h2-0", "127.0.0.1")
    with orders.payments():
        for size in (2, 3, 4):
            with orders.recording.fault(
                "db_pool_exhausted",
                severity="ERROR",
                component=orders.component,
                evidence=[r"Connection is not available, request timed out"],
                description="Long exports hold every connection of the pool",
                values={"pool": str(size)},
            ):
                wait = str(600 + 200 * size)
                program = orders.started(
                    orders.pod("z8m3w"),
                    env={"ORDERS_POOL_SIZE": str(size), "ORDERS_POOL_WAIT_MS": wait, "ORDERS_WORKERS": "12"},
                )
                orders.traffic(10)
                exports = orders.together(size, "/exports/3200")
                time.sleep(0.2)
                orders.place()
                ask("http://127.0.0.1:8080/labels/2")
                for export in exports:
                    export.join()
                orders.traffic(4)
                program.stop()
        for turn, port in enumerate((9092, 9101, 9110)):
            server = ["java", "-Xmx64m", "-cp", "/app/lib/h2-2.3.232.jar", "org.h2.tools.Server", "-tcp"]
            url = f"jdbc:h2:tcp://127.0.0.1:{port}/mem:shop"
            with ExitStack() as stack:
                stack.enter_context(
                    orders.recording.fault(
                        "db_unavailable",
                        severity="CRITICAL",
                        component=("database", "h2"),
                        evidence=[r"(Connection is broken|Database is already closed)"],
                        description="The database stops while orders come in",
                        values={"port": str(port)},
                    )
                )
                database = orders.recording.pod("h2-0", namespace="shop").run(
                    [*server, "-tcpPort", str(port), "-ifNotExists"]
                )
                database.wait_for("TCP server running")
                wait_for_port(port)
                program = orders.started(
                    orders.pod("c7t4b"),
                    env={"ORDERS_DATABASE_URL": url + ";DB_CLOSE_DELAY=-1", "ORDERS_POOL_SIZE": str(2 + turn)},
                )
                orders.traffic(8)
                database.stop(signal.SIGKILL)
                orders.place()
                ask("http://127.0.0.1:8080/health")
                program.stop()
