"""The schemas of `schema.py` as GBNF, the grammar notation of llama.cpp, for servers that ignore `response_format`.

The grammar allows exactly one spelling: properties in their order, no white space between tokens. The notation is
described in llama.cpp's grammars/README.md; repetition bounds `{m,n}` need a build of June 2024 or later.
"""

from __future__ import annotations

import json

from k8s_log_agent.llm.schema import Schema

_HEX = "[0-9a-fA-F]"
_ESCAPED = rf'"\\" (["\\/bfnrt] | "u" {_HEX} {_HEX} {_HEX} {_HEX})'
_CHARACTER = rf'character ::= [^"\\\x00-\x1F\x7F] | {_ESCAPED}'
_COMMA = ' "," '


class GrammarError(ValueError):
    """A schema holds what has no translation here; the text names it."""


def grammar_of(schema: Schema) -> str:
    """The grammar of a flat object; raises `GrammarError` for anything else."""
    if schema.get("type") != "object" or not schema.get("properties"):
        raise GrammarError(f"only an object with properties has a grammar here, not {schema}")
    parts = []
    rules = []
    for number, (name, value) in enumerate(schema["properties"].items()):
        parts.append(f"{_literal(json.dumps(name) + ':')} value{number}")
        rules.append(f"value{number} ::= {_value(value)}")
    root = 'root ::= "{" ' + _COMMA.join(parts) + ' "}"'
    return "\n".join([root, *rules, _CHARACTER]) + "\n"


def _value(schema: Schema) -> str:
    if "enum" in schema:
        return " | ".join(_literal(json.dumps(one, ensure_ascii=False)) for one in schema["enum"])
    if schema.get("type") == "string" and {"minLength", "maxLength"} <= schema.keys():
        return f'"\\"" character{{{schema["minLength"]},{schema["maxLength"]}}} "\\""'
    if schema.get("type") == "array" and {"items", "minItems", "maxItems"} <= schema.keys():
        item = f"({_value(schema['items'])})"
        least, most = schema["minItems"], schema["maxItems"]
        if least == 1 and most >= 1:
            return f'"[" {item} ("," {item}){{0,{most - 1}}} "]"'
    raise GrammarError(f"there is no grammar for {schema}")


def _literal(text: str) -> str:
    """Text as GBNF writes it, which is close to how JSON does."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r") + '"'
