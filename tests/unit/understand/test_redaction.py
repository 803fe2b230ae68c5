"""No secret survives, nothing else is touched, and doing it twice changes nothing."""

from __future__ import annotations

import signal
import string
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_log_agent.understand.redaction import RedactionRule, Redactor

RULES = Redactor.default().rules
HITS = [pytest.param(rule, text, id=f"{rule.name}-{place}") for rule in RULES for place, text in enumerate(rule.hits)]
MISSES = [
    pytest.param(rule, text, id=f"{rule.name}-{place}") for rule in RULES for place, text in enumerate(rule.misses)
]
SECRETS = st.text(alphabet=string.ascii_letters + string.digits, min_size=12, max_size=40).filter(
    lambda text: any(char.isdigit() for char in text) and any(char.isalpha() for char in text)
)
FRAMES = [
    "password={}",
    'DB_PASSWORD="{}"',
    "Authorization: Bearer {}",
    "postgres://app:{}@db.shop.svc:5432/orders",
    '{{"name":"API_TOKEN","value":"{}"}}',
    '{{"client_secret": "{}"}}',
    "run --db-password {} --verbose",
    "GET /login?token={}&page=2",
]


@pytest.mark.parametrize(("rule", "text"), HITS)
def test_a_rule_takes_its_hits_out(rule: RedactionRule, text: str) -> None:
    redacted = Redactor([rule]).redact(text)

    assert redacted.counts.get(rule.type)
    assert redacted.text != text


@pytest.mark.parametrize(("rule", "text"), MISSES)
def test_a_rule_leaves_its_misses(rule: RedactionRule, text: str) -> None:
    assert Redactor([rule]).redact(text).text == text


@settings(deadline=None)
@given(secret=SECRETS, frame=st.sampled_from(FRAMES))
def test_no_secret_survives_in_any_frame(secret: str, frame: str) -> None:
    line = f"login failed for {frame.format(secret)} after 3 tries"

    assert secret not in Redactor().redact(line).text


@settings(deadline=None)
@given(text=st.text(max_size=300), secret=SECRETS, frame=st.sampled_from(FRAMES))
def test_redacting_twice_changes_nothing(text: str, secret: str, frame: str) -> None:
    once = Redactor().redact(f"{text} {frame.format(secret)} {text}")

    assert Redactor().redact(once.text).text == once.text


@settings(deadline=None)
@given(secret=SECRETS)
def test_the_same_secret_has_one_placeholder_and_another_has_its_own(secret: str) -> None:
    text = Redactor().redact(f"password={secret} then password={secret} then password=x{secret}").text
    first, second, third = (part.removeprefix("password=") for part in text.split(" then "))

    assert first == second != third
    assert text.count("password=") == 3


HOSTILE = ["password=", "eyJ", "a@", "://a:", "-----BEGIN PRIVATE KEY-----", '{"name":"TOKEN",', "4111 ", "bearer "]


@pytest.fixture
def twenty_seconds_of_work() -> Iterator[None]:
    """Ends the test when it has used the processor for 20 s, which only a pattern that backtracks without end does."""

    def give_up(*_: object) -> None:
        raise TimeoutError("the work on this text has no bound")

    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, 20)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


@pytest.mark.usefixtures("twenty_seconds_of_work")
@pytest.mark.parametrize("unit", [*HOSTILE, "\\", '"', "a", "0", "="])
def test_a_megabyte_of_hostile_text_is_worked_through(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))

    assert "hunter2x9" not in Redactor().redact(f"{text} password=hunter2x9").text
