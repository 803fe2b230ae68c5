"""A run that is killed while K3s is being installed leaves what the next run can finish."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.site import K3s, Site, make_site
from tests.nodes import lab as labs

pytestmark = pytest.mark.integration


@pytest.fixture
def bare_site(k3s: K3s) -> Iterator[Site]:
    """Two more machines, on which nothing is installed."""
    made = make_site("cluster-killed", k3s)
    yield made
    labs.destroy(made.lab.name)


def test_a_run_killed_while_the_server_starts_is_finished_by_the_next(bare_site: Site) -> None:
    server = bare_site.lab["node-1"]

    def starting() -> bool:
        state = server.run("systemctl", "show", "k3s.service", "--property=ActiveState", "--value", check=False)
        return state.strip() in {"activating", "active"}

    killed = bare_site.play(stop_when=starting)
    assert killed.status < 0, killed.end

    finished = bare_site.play()
    assert finished.status == 0, finished.end
    assert bare_site.ready_nodes() == {"node-1", "node-2"}

    again = bare_site.play()
    assert again.status == 0, again.end
    assert again.changed == []
