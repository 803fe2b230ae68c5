from __future__ import annotations

from k8s_log_agent.service.security.rates import MOST_SENDERS, Rates


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_fills_up_with_time() -> None:
    clock = Seconds()
    rates = Rates(clock)

    assert [rates.take("a", 60, burst=2) for _ in range(3)] == [0, 0, 1]
    clock.now += 1
    assert [rates.take("a", 60, burst=2) for _ in range(2)] == [0, 1]


def test_senders_do_not_share_a_bucket_and_are_not_kept_for_ever() -> None:
    rates = Rates(Seconds())
    assert rates.take("first", 1) == 0 and rates.take("first", 1) > 0
    assert rates.take("second", 1) == 0

    for number in range(MOST_SENDERS):
        rates.take(f"sender {number}", 1)

    assert rates.take("first", 1) == 0
