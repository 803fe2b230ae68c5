"""The real Chroma server: indexing, searching, replacing, and every way in which it can refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import typer
from typer.testing import CliRunner, Result

from k8s_log_agent.commands import index as index_verb
from k8s_log_agent.commands import triage as triage_verb
from k8s_log_agent.dataset.store import encode, records_sha256
from k8s_log_agent.llm.thread_sweep import free_port
from k8s_log_agent.records import GoldenDataset, GoldenManifest, GoldenRecord
from k8s_log_agent.retrieval.documents import Document, document_of
from k8s_log_agent.retrieval.embeddings import Embedder
from k8s_log_agent.retrieval.errors import (
    IndexMissingError,
    IndexUnavailableError,
    OtherEmbedderError,
    RetrievalError,
)
from k8s_log_agent.retrieval.indexing import apply_index, plan_index
from k8s_log_agent.retrieval.memory import MemoryIndex
from k8s_log_agent.retrieval.retriever import Retriever
from k8s_log_agent.retrieval.store import IndexKey, connect, generations, open_index
from tests.module_door import run_module
from tests.unit.retrieval.records import WordEmbedder, record

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

pytestmark = pytest.mark.integration

RECORDS = [
    record("r1", "no space left on device", signature="s1", origin="postgres/1"),
    record("r2", "no space left on device", signature="s1", origin="postgres/2"),
    record("r3", "write failed: no space left", signature="s2", origin="redis/1"),
    record("r4", "x509: certificate has expired", "cert_expired", signature="s3", origin="nginx/1"),
    record("r5", "connection refused by upstream", "upstream_refused", signature="s4", origin="nginx/2"),
]
DOCUMENTS = [document_of(one) for one in RECORDS]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("chroma")
    port = free_port()
    program = Path(sys.executable).with_name("chroma")
    command = [str(program), "run", "--path", str(folder / "data"), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "ANONYMIZED_TELEMETRY": "False"}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=environment) as server,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/api/v2/heartbeat")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def wait_for(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if httpx.get(address, timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
        assert time.monotonic() < deadline


@pytest.fixture
def client(url: str) -> ClientAPI:
    return connect(url)


@pytest.fixture
def key(request: pytest.FixtureRequest) -> IndexKey:
    """A base name of its own for each test."""
    return key_for(WordEmbedder(), f"t{abs(hash(request.node.name)) % 10**9}")


def key_for(embedder: Embedder, base: str) -> IndexKey:
    return IndexKey(base, 1, embedder.name, embedder.dimensions)


def documents_in(client: ClientAPI, key: IndexKey) -> list[Document]:
    return open_index(client, key).documents()


def test_a_collection_holds_exactly_what_was_wanted(client: ClientAPI, key: IndexKey) -> None:
    predicted = plan_index(client, key, DOCUMENTS)
    done = apply_index(client, key, DOCUMENTS, WordEmbedder())

    assert predicted == done
    assert (len(done.added), done.kept, done.current) == (5, 0, None)
    assert documents_in(client, key) == DOCUMENTS
    assert open_index(client, key).name == done.target


def test_a_second_run_changes_nothing_and_embeds_nothing(client: ClientAPI, key: IndexKey) -> None:
    first = apply_index(client, key, DOCUMENTS, WordEmbedder())
    embedder = WordEmbedder()

    again = apply_index(client, key, DOCUMENTS, embedder)

    assert not again.changed and again.target == first.target
    assert not embedder.embedded


def test_only_what_differs_is_embedded(client: ClientAPI, key: IndexKey) -> None:
    apply_index(client, key, DOCUMENTS, WordEmbedder())
    embedder = WordEmbedder()
    changed = document_of(record("r4", "x509: certificate has expired", "cert_untrusted", signature="s3"))
    new = document_of(record("r6", "out of memory"))

    done = apply_index(client, key, [DOCUMENTS[0], DOCUMENTS[2], changed, new], embedder)

    assert (done.added, done.updated, done.removed, done.kept) == (("r6",), ("r4",), ("r2", "r5"), 2)
    assert sorted(embedder.embedded) == sorted([changed.text, new.text])
    assert documents_in(client, key) == sorted([DOCUMENTS[0], DOCUMENTS[2], changed, new], key=lambda one: one.id)
    assert list(generations(client, key)) == [2], "the old generation is gone"


def test_a_record_altered_from_outside_is_mended(client: ClientAPI, key: IndexKey) -> None:
    target = apply_index(client, key, DOCUMENTS, WordEmbedder()).target
    client.get_collection(target, embedding_function=None).delete(ids=["r3"])

    assert apply_index(client, key, DOCUMENTS, WordEmbedder()).added == ("r3",)
    assert documents_in(client, key) == DOCUMENTS


def test_a_run_that_was_cut_short_is_never_read_and_cleared_away(client: ClientAPI, key: IndexKey) -> None:
    class Cut(WordEmbedder):
        def embed(self, *_: object) -> Any:
            raise KeyboardInterrupt

    apply_index(client, key, DOCUMENTS[:2], WordEmbedder())
    with pytest.raises(KeyboardInterrupt):
        apply_index(client, key, DOCUMENTS, Cut())
    assert documents_in(client, key) == DOCUMENTS[:2]

    apply_index(client, key, DOCUMENTS, WordEmbedder())
    assert documents_in(client, key) == DOCUMENTS
    assert len(generations(client, key)) == 1


def test_a_reader_goes_on_when_the_collection_is_replaced(client: ClientAPI, key: IndexKey) -> None:
    apply_index(client, key, DOCUMENTS[3:], WordEmbedder())
    searched = Retriever(lambda: open_index(client, key), WordEmbedder())
    assert searched.similar("no space left on device", 1)[0].id != "r1"

    apply_index(client, key, DOCUMENTS, WordEmbedder())

    assert searched.similar("no space left on device", 1)[0].id == "r1"


def test_it_finds_what_an_exact_search_finds(client: ClientAPI, key: IndexKey) -> None:
    apply_index(client, key, DOCUMENTS, WordEmbedder())
    exact = MemoryIndex(DOCUMENTS, WordEmbedder())
    served = Retriever(lambda: open_index(client, key), WordEmbedder())
    local = Retriever(lambda: exact, WordEmbedder())

    for question in ("no space left", "certificate expired", "refused"):
        for excluded in ((), ("s1",), ("redis/1", "s3")):
            assert served.similar(question, 3, excluded) == local.similar(question, 3, excluded)


def test_an_embedder_that_did_not_make_it_is_refused(client: ClientAPI, key: IndexKey) -> None:
    apply_index(client, key, DOCUMENTS, WordEmbedder())
    other = key_for(WordEmbedder("bge-small"), key.base)

    with pytest.raises(OtherEmbedderError, match="words-64"):
        open_index(client, other)


def test_a_collection_that_lies_about_its_embedder_is_refused(client: ClientAPI, key: IndexKey) -> None:
    target = apply_index(client, key, DOCUMENTS, WordEmbedder()).target
    collection = client.get_collection(target, embedding_function=None)
    collection.modify(metadata={**(collection.metadata or {}), "embedder": "someone-else"})

    for attempt in (lambda: open_index(client, key), lambda: plan_index(client, key, DOCUMENTS)):
        with pytest.raises(OtherEmbedderError, match="someone-else"):
            attempt()


def test_a_missing_and_an_empty_collection_are_told_apart_from_a_dead_server(client: ClientAPI, key: IndexKey) -> None:
    with pytest.raises(IndexMissingError, match="has no collection"):
        open_index(client, key)
    target = apply_index(client, key, DOCUMENTS, WordEmbedder()).target
    client.get_collection(target, embedding_function=None).delete(ids=[one.id for one in DOCUMENTS])
    with pytest.raises(IndexMissingError, match="is empty"):
        open_index(client, key)
    with pytest.raises(IndexUnavailableError, match="Is its server running"):
        connect("http://127.0.0.1:9")
    with pytest.raises(IndexUnavailableError, match="http://host:port"):
        connect("nonsense")


def test_nothing_to_index_and_repeats_are_refused(client: ClientAPI, key: IndexKey) -> None:
    with pytest.raises(RetrievalError, match="no records"):
        plan_index(client, key, [])
    with pytest.raises(RetrievalError, match="r1 stands twice"):
        plan_index(client, key, [DOCUMENTS[0], DOCUMENTS[0]])


def dataset(records: list[GoldenRecord]) -> bytes:
    manifest = GoldenManifest(
        name="golden",
        created_by="test",
        package_version="1.0.0",
        signature_version=1,
        seed=0,
        records_sha256=records_sha256(records),
        counts={},
    )
    return encode(GoldenDataset(manifest=manifest, records=tuple(records)))


def test_the_module_predicts_brings_and_keeps(url: str, tmp_path: Path) -> None:
    file = tmp_path / "golden_dataset.json"
    file.write_bytes(dataset(RECORDS))
    arguments = {"url": url, "dataset": str(file), "collection": "module"}

    predicted = run_module("chroma_index", arguments, check=True)
    brought = run_module("chroma_index", arguments)
    again = run_module("chroma_index", arguments)
    file.write_bytes(dataset(RECORDS[1:]))
    less = run_module("chroma_index", arguments)

    assert "failed" not in brought, brought.get("msg")
    assert predicted["changed"] and brought["changed"] and predicted["diff"] == brought["diff"]
    assert (brought["added"], brought["updated"], brought["removed"]) == (5, 0, 0)
    assert brought["collection"] == predicted["collection"] == "module-s1-minilm-l6-v2-int8-g000001"
    assert not again["changed"] and again["unchanged"] == 5 and again["collection"] == brought["collection"]
    assert less["changed"] and (less["removed"], less["unchanged"]) == (1, 4)


def test_the_module_says_in_one_paragraph_what_is_missing(url: str, tmp_path: Path) -> None:
    absent = run_module("chroma_index", {"url": url, "dataset": str(tmp_path / "absent.json")})
    file = tmp_path / "golden_dataset.json"
    file.write_bytes(dataset(RECORDS))
    down = run_module("chroma_index", {"url": "http://127.0.0.1:9", "dataset": str(file)})

    assert absent["failed"] and "absent.json cannot be read" in absent["msg"]
    assert down["failed"] and "Is its server running" in down["msg"] and "\n" not in down["msg"]


def command(*arguments: str) -> Result:
    app = typer.Typer()
    index_verb.add_to(app)
    triage_verb.add_to(app)
    return CliRunner().invoke(app, list(arguments))


def test_the_commands_fill_a_collection_and_compare_with_it(url: str, tmp_path: Path) -> None:
    file = tmp_path / "golden_dataset.json"
    file.write_bytes(dataset(RECORDS))
    log = tmp_path / "app.log"
    log.write_text("ERROR writing block 7: no space left on device\n")
    to = ["--chroma-url", url, "--collection", "verbs"]

    predicted = command("index", str(file), *to, "--check", "--json")
    done = command("index", str(file), *to)
    again = command("index", str(file), *to, "--json")
    judged = command("triage", str(log), *to, "--no-model", "--json")

    assert json.loads(predicted.stdout)["added"] == 5
    assert "verbs-s1-minilm-l6-v2-int8-g000001: 5 added, 0 updated, 0 removed" in done.stdout
    assert not json.loads(again.stdout)["changed"]
    assert json.loads(judged.stdout)[0]["similar"][0] in ("r1", "r2"), judged.stderr


def test_the_command_says_in_one_paragraph_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "golden_dataset.json"
    file.write_bytes(dataset(RECORDS))

    down = command("index", str(file), "--chroma-url", "http://127.0.0.1:9")
    absent = command("index", str(tmp_path / "absent.json"))

    assert down.exit_code == 1 and "Is its server running" in down.stderr
    assert absent.exit_code == 1 and "cannot be read" in absent.stderr
