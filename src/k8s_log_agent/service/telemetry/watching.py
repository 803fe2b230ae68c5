"""Figures that are asked for when Prometheus asks: how much waits, and where."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_log = logging.getLogger(__name__)
Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Watch:
    says: str
    label: str
    read: Callable[[], Figures]


class Watched(Collector):
    """Reads each figure anew; one that cannot be read is left out, and the others are told."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._watches: dict[str, _Watch] = {}

    def watch(self, name: str, says: str, read: Callable[[], float]) -> None:
        """One figure."""
        self._watches[name] = _Watch(says, "", lambda: {"": read()})

    def watch_each(self, name: str, says: str, label: str, read: Callable[[], Figures]) -> None:
        """One figure for each value of `label`, of which there are few."""
        self._watches[name] = _Watch(says, label, read)

    def collect(self) -> Iterable[Metric]:
        """As the registry asks for it."""
        for name, watch in self._watches.items():
            family = GaugeMetricFamily(
                f"{self._prefix}_{name}", watch.says, labels=[watch.label] if watch.label else []
            )
            try:
                for value, figure in watch.read().items():
                    family.add_metric([value] if watch.label else [], figure)
            except Exception as error:  # noqa: BLE001 - whatever fails, the other figures are still told
                _log.warning("The figure %s cannot be read: %s", name, type(error).__name__)
                continue
            yield family

    def describe(self) -> Iterable[Metric]:
        """Nothing is read when the registry only wants names."""
        return []
