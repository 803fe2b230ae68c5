"""The heads that programs put before a message: time, level, logger, in the order that each of them has chosen."""

from __future__ import annotations

import re
from typing import NamedTuple

_ISO = r"(?P<stamp>\d{4}-\d\d-\d\d[T ][ \d]\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?)"
_SLASHED = r"(?P<stamp>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)"
_LEVEL = (
    r"(?P<level>(?i:trace|debug|info|information|notice|note|warn|warning|error|err|severe|critical|crit|fatal"
    r"|alert|emerg|emergency|panic|dpanic|fine|finer|finest|verbose|config|trc|dbg|inf|wrn|ftl|pnc|system))"
)
_CAPITAL = (
    r"(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|CRIT|FATAL|ALERT"
    r"|EMERG|FINE|FINER|FINEST|CONFIG)"
)
_LOGGER = r"(?P<logger>[\w.$/@:\-]{1,200})"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_IN_BRACKETS = r"\[[^\]\n]{0,200}\]"


class Header(NamedTuple):
    """One kind of head. `first` are the characters that it can begin with; empty means letters."""

    name: str
    first: str
    pattern: re.Pattern[str]


def _header(name: str, first: str, pattern: str) -> Header:
    return Header(name, first, re.compile(pattern))


_DIGITS = "0123456789"

_DIGIT_LED = (
    _header(
        "postgresql",
        _DIGITS,
        _ISO + r"(?: [A-Z]{3,5})? \[\d{1,9}(?:-\d{1,9})?\](?: \S{1,130}){0,4}? ?"
        r"(?P<level>DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|STATEMENT|CONTEXT|QUERY|LOCATION)"
        r": {1,2}",
    ),
    _header(
        "mysql",
        _DIGITS,
        _ISO + r" (?:0x)?[\da-f]{1,16} \[(?P<level>System|Note|Warning|ERROR|Error|Entry)\] (?:\[MY-\d{1,9}\] )?"
        r"(?:\[(?P<logger>\w{1,40})\] )?",
    ),
    _header("redis", _DIGITS, r"\d{1,8}:[XCSM] (?P<stamp>\d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3}) (?P<level>[.\-*#]) "),
    _header("nginx", _DIGITS, _SLASHED + r" \[(?P<level>[a-z]{4,6})\] \d{1,9}#\d{1,9}: (?:\*\d{1,19} )?"),
    _header("go_slog", _DIGITS, _SLASHED + r" (?P<level>DEBUG|INFO|WARN|ERROR)(?:[+-]\d{1,3})? "),
    _header("go_log", _DIGITS, _SLASHED + r" \[?" + _LEVEL + r"\]?:? +"),
    _header("go_log", _DIGITS, _SLASHED + r"(?: (?P<logger>[\w./\-]{1,200}\.go):\d{1,6}:)? "),
    _header(
        "zap_console",
        _DIGITS,
        _ISO + r"\t" + _LEVEL + r"\t(?:(?P<logger>[\w.\-]{1,200})\t)?(?:[\w.\-/@]{1,300}:\d{1,6}\t)?",
    ),
    _header("rabbitmq", _DIGITS, _ISO + r" \[(?P<level>\w{3,9})\] <\d{1,9}\.\d{1,9}\.\d{1,9}> "),
    _header(
        "logback",
        _DIGITS,
        _ISO + r" {1,3}" + _CAPITAL + r" +\d{1,9} --- (?:" + _IN_BRACKETS + r" ?){1,4} ?" + _LOGGER + r" *: ",
    ),
    _header(
        "log4j",
        _DIGITS,
        _ISO + r"(?: " + _IN_BRACKETS + r")? - " + _CAPITAL + r" {1,4}\[(?:[^\[\]]|\[[^\]]{0,80}\]){0,200}\] - ",
    ),
    _header(
        "logback",
        _DIGITS,
        r"(?:" + _ISO + r"|(?P<clock>\d\d:\d\d:\d\d[.,]\d{3})) {1,3}" + _IN_BRACKETS + r" {1,3}" + _CAPITAL + r" {1,5}"
        r"(?:" + _LOGGER + r"(?: " + _IN_BRACKETS + r")? ?[-:]{1,2} )?",
    ),
    _header(
        "logback",
        _DIGITS,
        _ISO + r" {1,3}" + _CAPITAL + r" {1,5}" + _IN_BRACKETS + r" (?:" + _LOGGER + r"(?::\d{1,6})? ?[-:] )?",
    ),
    _header("python", _DIGITS, _ISO + r" ?[-|] ?(?P<logger>[\w.\-]{1,200}) ?[-|] ?" + _LEVEL + r" ?[-|:] ?"),
    _header("loguru", _DIGITS, _ISO + r" \| " + _LEVEL + r" {0,8}\| (?:" + _LOGGER + r" - )?"),
    _header(
        "tracing",
        _DIGITS,
        r"(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3,9})?Z) {1,2}(?P<level>TRACE|DEBUG|INFO|WARN|ERROR) "
        r"(?:[^\n]{0,500}?\}: ?)?(?:(?P<logger>[a-z_]\w{0,80}(?:::\w{1,80}){0,10}): )?",
    ),
    _header(
        "zerolog",
        _DIGITS,
        r"(?:" + _ISO + r"|\d{1,2}:\d\d[AP]M) (?P<level>TRC|DBG|INF|WRN|ERR|FTL|PNC) (?:\S{1,200} > )?",
    ),
    _header("hclog", _DIGITS, _ISO + r" \[" + _LEVEL + r"\] {1,3}(?:(?P<logger>[a-z][\w.\-]{0,100}): )?"),
    _header(
        "tomcat",
        _DIGITS,
        r"(?P<stamp>\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d\.\d{3}) " + _CAPITAL + r" " + _IN_BRACKETS + r" " + _LOGGER + r" ",
    ),
    _header(
        "bind", _DIGITS, r"(?P<stamp>\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d\.\d{3}) (?P<logger>[\w-]{1,40}): " + _LEVEL + r": "
    ),
    _header(
        "clickhouse",
        _DIGITS,
        r"(?P<stamp>\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d\.\d{1,6}) \[ \d{1,9} \] \{[^}]{0,80}\} <"
        + _LEVEL
        + r"> (?:(?P<logger>[^:]{1,120}): )?",
    ),
    _header("llama_cpp", _DIGITS, r"\d{1,6}\.\d\d\.\d{3}\.\d{3} (?P<level>[DIWE]) (?:(?P<logger>[a-z_]\w{1,40}) +)?"),
    _header("syslog", _DIGITS, _ISO + r" [\w.\-]{1,253} (?P<logger>[\w.\-/()]{1,80})\[\d{1,9}\]: "),
    _header(
        "timestamped",
        _DIGITS,
        _ISO
        + r":?[ \t]+(?:(?:"
        + _IN_BRACKETS
        + r"|\d{1,19}|[-|]|[\w.$:\-]{1,120}) {1,3}){0,4}?[\[(<]?"
        + _CAPITAL
        + r"[\])>]?(?:[ \t:|\-]+|$)",
    ),
    _header("timestamped", _DIGITS, _ISO + r":?[ \t]+[\[(<]" + _LEVEL + r"[\])>]:? ?"),
    _header("timestamped", _DIGITS, _ISO + r":?[ \t]+" + _LEVEL + r"(?: ?[:|] ?|[ \t]{2,8})"),
    _header("timestamped", _DIGITS, r"\d\d:\d\d:\d\d(?:[.,]\d{1,6})? [\[|]? ?" + _LEVEL + r" ?[\]|]?:? {1,3}"),
    _header(
        "log4j",
        _DIGITS,
        r"(?:(?P<stamp>\d\d/\d\d/\d\d \d\d:\d\d:\d\d)|\d{6} \d{6} \d{1,9}) " + _CAPITAL + r" " + _LOGGER + r": ",
    ),
    _header(
        "logcat",
        _DIGITS,
        r"\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} +\d{1,7} +\d{1,7} (?P<level>[VDIWEFA]) (?P<logger>[^:]{1,80}): ",
    ),
    _header("timestamped", _DIGITS, _ISO + r"(?:[ \t]+-?[ \t]*|:[ \t]*|$)"),
    _header("timestamped", _DIGITS, r"(?P<stamp>1\d{9}(?:\.\d{1,9})?):? "),
)
_BRACKET_LED = (
    _header(
        "envoy",
        "[",
        r"\[" + _ISO + r"\]\[\d{1,9}\]\[(?P<level>\w{3,9})\]\[(?P<logger>[^\]]{1,60})\] (?:\[[^\]]{1,200}\] )?",
    ),
    _header("env_logger", "[", r"\[" + _ISO + r" (?P<level>TRACE|DEBUG|INFO|WARN|ERROR) *(?P<logger>[\w:]{1,120})?\] "),
    _header(
        "log4j",
        "[",
        r"\[" + _ISO + r"\]\[(?P<level>[A-Z]{4,8}) *\]\[(?P<logger>[^\]]{1,120})\] ?(?:\[[^\]]{0,200}\] ?){0,2}",
    ),
    _header("celery", "[", r"\[" + _ISO + r": " + _LEVEL + r"/(?P<logger>[\w\-]{1,60})\] "),
    _header("monolog", "[", r"\[" + _ISO + r"\] (?P<logger>[\w\-]{1,60})\." + _CAPITAL + r": "),
    _header("gunicorn", "[", r"\[" + _ISO + r"\] \[\d{1,9}\] \[" + _LEVEL + r"\] "),
    _header(
        "timestamped",
        "[",
        r"\["
        + _ISO
        + r"\] ?(?:\[[^\]]{0,120}\] ?){0,3}?[\[(<]?"
        + _LEVEL
        + r"[\])>]?(?: in (?P<logger>\w{1,80}))?(?:[:\-]? +|:)",
    ),
    _header("timestamped", "[", r"\[" + _ISO + r"\]:? ?"),
    _header(
        "apache",
        "[",
        r"\[(?P<stamp>\w{3} \w{3} \d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? \d{4})\] "
        r"\[(?:(?P<logger>\w{0,40}):)?(?P<level>[a-z]{4,6}\d?)\] "
        r"(?:\[pid [^\]]{1,40}\] )?(?:\[client [^\]]{1,80}\] )?",
    ),
    _header(
        "php",
        "[",
        r"\[(?P<stamp>\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d)(?: [\w/+]{1,40})?\] (?:PHP )?"
        r"(?P<level>Fatal error|Parse error|Warning|Notice|Deprecated|NOTICE|WARNING|ERROR|ALERT|DEBUG): +",
    ),
    _header("nats", "[", r"\[\d{1,9}\] " + _SLASHED + r" \[(?P<level>[A-Z]{3})\] "),
    _header("haproxy", "[", r"\[(?P<level>NOTICE|WARNING|ALERT|EMERG|DIAG)\] +(?:\d{3}/\d{6} )?\(\d{1,9}\) : "),
    _header("kernel", "[", r"\[ *\d{1,9}\.\d{6}\](?:\[ *[TC]\d{1,9}\])? "),
    _header("serilog", "[", r"\[\d\d:\d\d:\d\d (?P<level>VRB|DBG|INF|WRN|ERR|FTL)\] "),
    _header("bracketed", "[", r"\[" + _LEVEL + r"\](?::| -)?(?: +(?:plugin/(?P<logger>\w{1,40}): )?|$)"),
    _header("bracketed", "[", r"\[[\w.\-: /,]{1,60}\] ?\[" + _LEVEL + r"\]:? *"),
)
_LETTER_LED = (
    _header(
        "klog",
        "IWEFD",
        r"(?P<level>[IWEFD])(?P<stamp>\d{4} \d\d:\d\d:\d\d\.\d{6}) +\d{1,9} (?P<logger>[^ :\]]{1,120}):\d{1,6}\] ",
    ),
    _header(
        "julian",
        "",
        _MONTH.join(("(?P<stamp>", r" \d{1,2}, \d{4},? \d{1,2}:\d\d:\d\d.?[AP]M) "))
        + r"(?P<logger>[\w.$]{1,200}) \S{1,120}$",
    ),
    _header(
        "syslog",
        "",
        r"(?P<stamp>"
        + _MONTH
        + r" [ \d]\d \d\d:\d\d:\d\d) [\w.\-:]{1,253} (?P<logger>[\w.\-/()@]{1,80})(?:\[\d{1,9}\])?: ",
    ),
    _header(
        "ruby",
        "DIWEFAU",
        r"[DIWEFAU], \[(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}) #\d{1,9}\] +"
        r"(?P<level>[A-Z]{3,8}) -- (?P<logger>[^:]{0,60}): ",
    ),
    _header("python", "", _CAPITAL + r":(?P<logger>[\w.\-]{1,120}):"),
    _header("dotnet", "", r"(?P<level>trce|dbug|info|warn|fail|crit): (?P<logger>[\w.+`\-]{1,200})\[\d{1,9}\]$"),
    _header("npm", "n", r"npm (?P<level>ERR|WARN|error|warn|notice|info)!? "),
    _header("php", "P", r"PHP (?P<level>Fatal error|Parse error|Warning|Notice|Deprecated): +"),
    _header("levelled", "", _CAPITAL + r"(?: {1,5}\[(?P<logger>[\w.\-]{1,120})\])?(?::| -|\t| {1,5}\|)? {0,8}(?=\S)"),
    _header("levelled", "", r"(?P<level>(?i:debug|info|warn|warning|error|fatal|critical|notice)): {0,5}(?=\S)"),
    _header(
        "llama_cpp",
        "",
        r"(?P<logger>srv|slot|que|res|cmn|main|llama_\w{1,60}|ggml_\w{1,60}|common_\w{1,60}|load_\w{1,60}|print_info"
        r"|init_\w{1,40}) {0,4}[\w ]{0,60}: ",
    ),
)


def _table() -> dict[str, tuple[Header, ...]]:
    table: dict[str, tuple[Header, ...]] = dict.fromkeys(_DIGITS, _DIGIT_LED)
    table["["] = _BRACKET_LED
    for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ":
        table[letter] = tuple(header for header in _LETTER_LED if not header.first or letter in header.first)
    return table


_BY_FIRST = _table()


def find_header(text: str) -> tuple[str, re.Match[str]] | None:
    """Name and match of the header that `text` begins with, the most particular first."""
    for header in _BY_FIRST.get(text[:1], ()):
        if found := header.pattern.match(text):
            return header.name, found
    return None
