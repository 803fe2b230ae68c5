"""Log statements written as the loggers of real programs write them: time stamp, level, source, message, fields."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from k8s_log_agent.dataset.templates import Format, Level

FieldValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said: `text` may run over several lines; `logger` is a class, module or source file."""

    moment: datetime
    level: Level
    text: str
    logger: str
    fields: Mapping[str, FieldValue]
    values: Mapping[str, str]

    @property
    def head(self) -> str:
        """The first line."""
        return self.text.split("\n", 1)[0]

    @property
    def rest(self) -> str:
        """What follows the first line; empty for most statements."""
        return self.text.partition("\n")[2]

    def clock(self, pattern: str, digits: int) -> str:
        """The moment by a `strftime` pattern with the first `digits` of its fraction behind it."""
        return self.moment.strftime(pattern) + f"{self.moment.microsecond:06d}"[:digits]


def render(style: Format, statement: Statement) -> str:
    """Return the statement as one log entry, without a newline at its end."""
    return _STYLES[style](statement)


def _quoted(value: FieldValue) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    plain = text and not any(character in text for character in ' "=\n\t\\')
    return text if plain else json.dumps(text)


def _pairs(fields: Mapping[str, FieldValue]) -> str:
    return " ".join(f"{key}={_quoted(value)}" for key, value in fields.items())


def _with_pairs(text: str, fields: Mapping[str, FieldValue]) -> str:
    return f"{text} {_pairs(fields)}" if fields else text


def _structured(pairs: Mapping[str, object]) -> str:
    return json.dumps({key: value for key, value in pairs.items() if value != ""}, separators=(",", ":"))


def _iso(said: Statement, digits: int = 3) -> str:
    return said.clock("%Y-%m-%dT%H:%M:%S.", digits) + "Z"


def _plain(said: Statement) -> str:
    return said.text


def _json(said: Statement) -> str:
    word = {"critical": "fatal", "warn": "warning"}.get(said.level, said.level)
    record = {"time": _iso(said), "level": word, "msg": said.head, **said.fields, "stack": said.rest}
    return _structured(record)


def _zap_json(said: Statement) -> str:
    word = {"critical": "fatal"}.get(said.level, said.level)
    moment = round(said.moment.timestamp(), 3)
    record = {"level": word, "ts": moment, "caller": said.logger or "app/server.go:118", "msg": said.head}
    return _structured({**record, **said.fields, "stacktrace": said.rest})


def _pino(said: Statement) -> str:
    number = {"debug": 20, "info": 30, "warn": 40, "error": 50, "critical": 60}[said.level]
    record = {"level": number, "time": round(said.moment.timestamp() * 1000), "pid": int(said.values["pid"])}
    failure = {"type": "Error", "stack": said.text} if said.rest else ""
    return _structured({**record, "hostname": said.values["pod"], **said.fields, "err": failure, "msg": said.head})


def _python_json(said: Statement) -> str:
    record = {"asctime": said.clock("%Y-%m-%d %H:%M:%S,", 3), "levelname": _python_level(said)}
    record |= {"name": said.logger or "app.main", "message": said.head}
    return _structured({**record, **said.fields, "exc_info": said.rest})


def _logfmt(said: Statement) -> str:
    word = {"critical": "crit"}.get(said.level, said.level)
    return _with_pairs(f"ts={_iso(said)} level={word} msg={_quoted(said.text)}", said.fields)


def _klog(said: Statement) -> str:
    letter = {"debug": "I", "info": "I", "warn": "W", "error": "E", "critical": "F"}[said.level]
    stamp = said.clock("%m%d %H:%M:%S.", 6)
    source = said.logger or "controller.go:114"
    pairs = " ".join(f'{key}="{value}"' for key, value in said.fields.items())
    entry = f"{letter}{stamp} {said.values['pid']:>7} {source}] {said.head}"
    return "\n".join(filter(None, [f"{entry} {pairs}".rstrip(), said.rest]))


def _java(said: Statement) -> str:
    word = {"critical": "ERROR"}.get(said.level, said.level.upper())
    name = said.logger or f"com.example.{said.values['class_name']}"
    return f"{said.clock('%Y-%m-%d %H:%M:%S.', 3)} {word:>5} 1 --- [{said.values['thread']}] {name} : {said.text}"


def _python_level(said: Statement) -> str:
    return {"warn": "WARNING"}.get(said.level, said.level.upper())


def _python(said: Statement) -> str:
    name = said.logger or "app.main"
    return f"{said.clock('%Y-%m-%d %H:%M:%S,', 3)} {_python_level(said)} {name}: {said.text}"


def _go(said: Statement) -> str:
    return f"{said.moment:%Y/%m/%d %H:%M:%S} {said.text}"


def _zap_console(said: Statement) -> str:
    word = {"critical": "FATAL"}.get(said.level, said.level.upper())
    pairs = [json.dumps(dict(said.fields))] if said.fields else []
    columns = [_iso(said), word, said.logger or "controller", said.head, *pairs]
    return "\n".join(filter(None, ["\t".join(columns), said.rest]))


def _containerd(said: Statement) -> str:
    word = {"critical": "fatal", "warn": "warning"}.get(said.level, said.level)
    stamp = said.clock("%Y-%m-%dT%H:%M:%S.", 6) + "000Z"
    return _with_pairs(f'time="{stamp}" level={word} msg={json.dumps(said.text)}', said.fields)


def _kernel(said: Statement) -> str:
    uptime = 86400 * 3 + said.moment.hour * 3600 + said.moment.minute * 60 + said.moment.second
    return f"[{uptime:>6}.{said.moment.microsecond:06d}] {said.text}"


def _syslog(said: Statement) -> str:
    stamp = said.moment.strftime("%b %e %H:%M:%S")
    return f"{stamp} {said.values['node']} {said.logger or said.values['app']}[{said.values['pid']}]: {said.text}"


def _systemd(said: Statement) -> str:
    return f"{said.moment.strftime('%b %e %H:%M:%S')} {said.values['node']} systemd[1]: {said.text}"


def _event(said: Statement) -> str:
    """As a collector of Kubernetes events writes them: one logfmt line each."""
    kind = "Warning" if said.level in ("warn", "error", "critical") else "Normal"
    fields = {"name": said.values["pod"], "kind": "Pod", "type": kind, **said.fields}
    return f"{_pairs(fields)} msg={json.dumps(said.text)}"


def _nginx(said: Statement) -> str:
    word = {"critical": "crit"}.get(said.level, said.level)
    pid = said.values["pid"]
    return f"{said.moment:%Y/%m/%d %H:%M:%S} [{word}] {pid}#{pid}: {said.text}"


def _envoy(said: Statement) -> str:
    word = {"warn": "warning"}.get(said.level, said.level)
    source = said.logger or "main"
    return f"[{said.clock('%Y-%m-%d %H:%M:%S.', 3)}][{said.values['tid']}][{word}][{source}] {said.text}"


def _postgres(said: Statement) -> str:
    words = {"debug": "DEBUG", "info": "LOG", "warn": "WARNING", "error": "ERROR", "critical": "FATAL"}
    word = said.logger or words[said.level]
    return f"{said.clock('%Y-%m-%d %H:%M:%S.', 3)} UTC [{said.values['pid']}] {word}:  {said.text}"


def _redis(said: Statement) -> str:
    mark = {"debug": ".", "info": "*"}.get(said.level, "#")
    stamp = said.clock("%d %b %Y %H:%M:%S.", 3)
    return f"{said.values['pid']}:{said.logger or 'M'} {stamp} {mark} {said.text}"


def _mongodb(said: Statement) -> str:
    letter = {"debug": "D1", "info": "I", "warn": "W", "error": "E", "critical": "F"}[said.level]
    record = {"t": {"$date": said.clock("%Y-%m-%dT%H:%M:%S.", 3) + "+00:00"}, "s": letter}
    record |= {"c": said.logger or "NETWORK", "ctx": "initandlisten", "msg": said.head}
    return json.dumps({**record, "attr": dict(said.fields)}, separators=(",", ":"))


_STYLES: Mapping[Format, Callable[[Statement], str]] = {
    "plain": _plain,
    "json": _json,
    "zap-json": _zap_json,
    "pino": _pino,
    "python-json": _python_json,
    "logfmt": _logfmt,
    "klog": _klog,
    "java": _java,
    "python": _python,
    "go": _go,
    "zap-console": _zap_console,
    "containerd": _containerd,
    "kernel": _kernel,
    "syslog": _syslog,
    "systemd": _systemd,
    "event": _event,
    "nginx": _nginx,
    "envoy": _envoy,
    "postgres": _postgres,
    "redis": _redis,
    "mongodb": _mongodb,
}
