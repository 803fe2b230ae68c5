"""The names and numbers by which programs state a level."""

from __future__ import annotations

from collections.abc import Mapping

from k8s_log_agent.records import Severity

_NAMES = {
    Severity.DEBUG: "trace trc trce debug dbg dbug debug1 debug2 debug3 debug4 debug5 fine finer finest verbose vrb",
    Severity.INFO: "info inf information informational notice note log config system status ok success entry"
    " normal statement",
    Severity.WARN: "warn warning wrn deprecated deprecation",
    Severity.ERROR: "error err eror severe fail failure exception",
    Severity.CRITICAL: "critical crit crt fatal ftl panic pnc dpanic emerg emergency alert fatal_error fault",
}
_LETTERS = {
    "t": Severity.DEBUG,
    "d": Severity.DEBUG,
    "v": Severity.DEBUG,
    "i": Severity.INFO,
    "n": Severity.INFO,
    "w": Severity.WARN,
    "e": Severity.ERROR,
    "f": Severity.CRITICAL,
    "c": Severity.CRITICAL,
    "a": Severity.CRITICAL,
    "p": Severity.CRITICAL,
}
_MARKS = {".": Severity.DEBUG, "-": Severity.INFO, "*": Severity.INFO, "#": Severity.WARN}  # Redis

LEVEL_NAMES: Mapping[str, Severity] = {name: level for level, names in _NAMES.items() for name in names.split()}
_ALL = {**LEVEL_NAMES, **_LETTERS, **_MARKS}

SYSLOG = (
    Severity.CRITICAL,
    Severity.CRITICAL,
    Severity.CRITICAL,
    Severity.ERROR,
    Severity.WARN,
    Severity.INFO,
    Severity.INFO,
    Severity.DEBUG,
)
_TENS_OF_PINO = {
    10: Severity.DEBUG,
    20: Severity.DEBUG,
    30: Severity.INFO,
    40: Severity.WARN,
    50: Severity.ERROR,
    60: Severity.CRITICAL,
}
_TENS_OF_PYTHON = {
    10: Severity.DEBUG,
    20: Severity.INFO,
    30: Severity.WARN,
    40: Severity.ERROR,
    50: Severity.CRITICAL,
}
_PYTHON_KEYS = frozenset("levelname lineno funcName func_name pathname process processName threadName module".split())


def level_of(token: str) -> Severity:
    """The level that a token names, in any case, in brackets or not; UNKNOWN when it names none."""
    return _ALL.get(token.strip(" \t[]<>()|:").casefold(), Severity.UNKNOWN)


def otlp_level(number: int) -> Severity:
    """OpenTelemetry's severity number, 1 to 24 in steps of four."""
    if not 1 <= number <= 24:
        return Severity.UNKNOWN
    steps = (Severity.DEBUG, Severity.DEBUG, Severity.INFO, Severity.WARN, Severity.ERROR, Severity.CRITICAL)
    return steps[(number - 1) // 4]


def syslog_level(number: int) -> Severity:
    """Syslog's 0 (emergency) to 7 (debug)."""
    return SYSLOG[number] if 0 <= number <= 7 else Severity.UNKNOWN


def numeric_level(number: int, record: Mapping[str, object]) -> Severity:
    """A number under a level key; its scale is told from the fields beside it, since 20 to 50 mean two things."""
    if 0 <= number <= 7:
        return syslog_level(number)
    if not _PYTHON_KEYS.isdisjoint(record) and "hostname" not in record:
        return _TENS_OF_PYTHON.get(number, Severity.UNKNOWN)
    tens = number // 10 * 10
    if "hostname" in record or "v" in record or "msg" in record:
        return _TENS_OF_PINO.get(tens, Severity.UNKNOWN)
    return _TENS_OF_PYTHON.get(tens, Severity.UNKNOWN)
