"""The database as the scripts start and use it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from tools.recorder.recording import Pod, Recording
from tools.recorder.running import RunningProgram
from tools.recorder.steps import client, wait_for_port

COMPONENT = ("database", "mariadb")


SCHEMA = """
CREATE DATABASE shop; USE shop;
CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(40), stock INT) ENGINE=InnoDB;
CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, item INT, note TEXT,
  FOREIGN KEY (item) REFERENCES items (id)) ENGINE=InnoDB;
CREATE TABLE audit (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(200)) ENGINE=Aria;
INSERT INTO items SELECT seq, CONCAT('item ', seq), 100 FROM seq_1_to_60;
CREATE USER shop@'%' IDENTIFIED BY 'lantern'; GRANT ALL ON shop.* TO shop@'%';
CREATE USER report@'%' IDENTIFIED BY 'harbour'; GRANT SELECT ON shop.orders TO report@'%';
"""


class Database:
    """The server under one recording; every start has a copy of a fresh data folder unless told otherwise."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.dice = random.Random(61)  # noqa: S311 -- traffic, not secrets
        self.template = Path("/data/template")

    def prepare(self) -> None:
        """Make the data folder once, with the schema in it."""
        client(
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={self.template}",
            "--user=mysql",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--innodb-page-size=4k",
            seconds=60,
        )
        pod = self.recording.pod("mariadb-init-0", namespace="shop", container="init")
        program = self.start(pod, self.template, fresh=False)
        self.wait(program, 3306)
        self.sql(SCHEMA, user="root", password="")
        program.stop()

    def pod(self, number: int = 0) -> Pod:
        """A pod of the stateful set."""
        return self.recording.pod(f"mariadb-{number}", namespace="shop")

    def start(self, pod: Pod, folder: Path, *options: str, port: int = 3306, fresh: bool = True) -> RunningProgram:
        """A server on a data folder."""
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
            client("cp", "-a", str(self.template), str(folder))
        command = [
            "mariadbd",
            "--no-defaults",
            f"--datadir={folder}",
            f"--port={port}",
            "--user=mysql",
            f"--socket={folder}/mysqld.sock",
            f"--pid-file={folder}/mariadb.pid",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-page-size=4k",
            "--innodb-buffer-pool-size=16M",
            "--innodb-print-all-deadlocks",
            "--log-warnings=9",
            "--innodb-lock-wait-timeout=2",
            "--innodb-log-file-size=4M",
        ]
        return pod.run([*command, *options])

    def wait(self, program: RunningProgram, port: int) -> None:
        """Wait until it accepts connections."""
        program.wait_for("ready for connections", 40)
        wait_for_port(port)

    def started(self, pod: Pod, folder: Path, *options: str, port: int = 3306) -> RunningProgram:
        """A server that accepts connections."""
        program = self.start(pod, folder, *options, port=port)
        self.wait(program, port)
        return program

    def sql(
        self,
        text: str,
        *,
        port: int = 3306,
        user: str = "shop",
        password: str = "lantern",  # noqa: S107 -- of the recording
        force: bool = False,
    ) -> str:
        """Run statements; what the client prints is returned."""
        options = ["--force"] if force else []
        name = f"--database={'shop' if user == 'shop' else ''}"
        return client(
            "mariadb",
            "--no-defaults",
            "--protocol=tcp",
            "-h127.0.0.1",
            f"-P{port}",
            f"-u{user}",
            f"-p{password}" if password else "--skip-password",
            name,
            *options,
            text=text,
            seconds=30,
        )

    def traffic(self, rounds: int, port: int = 3306) -> None:
        """Orders, reports, and clients that go away without a word."""
        for _ in range(rounds):
            item, number = self.dice.randrange(1, 61), self.dice.randrange(10_000)
            kind = self.dice.random()
            if kind < 0.5:
                self.sql(f"INSERT INTO orders (item, note) VALUES ({item}, 'no {number}');", port=port)  # noqa: S608 -- own numbers
                self.sql(f"UPDATE items SET stock = stock - 1 WHERE id = {item};", port=port)  # noqa: S608 -- own numbers
            elif kind < 0.7:
                self.sql("SELECT count(*) FROM orders; SHOW STATUS LIKE 'Threads%';", port=port)
            elif kind < 0.8:
                insert = f"INSERT INTO audit (what) VALUES ('login {number}');"  # noqa: S608 -- own numbers
                self.sql(f"{insert} CHECK TABLE audit;", port=port)
            elif kind < 0.9:
                self.sql(f"CREATE TABLE t{number} (id INT); DROP TABLE t{number}; FLUSH TABLES;", port=port)
            else:
                self.sql(f"SET SESSION wait_timeout = 1; SELECT SLEEP(0.0{number % 9 + 1});", port=port)
