"""Log lines: one JSON object each, whatever its cause. Rooms give facts by `extra=facts(…)`, never a secret."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import orjson

# JSON escapes control characters, and whatever is not ASCII: nobody forges a line.
_text = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=str).encode


def facts(**named: Any) -> dict[str, Any]:
    """The `extra` argument of a logger's call."""
    return {"facts": named}


class JsonLines(logging.Formatter):
    """`at`, `level`, `logger`, `message`, the facts, and the trace of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        document = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }  # fmt: skip
        if record.exc_info:
            document["trace"] = self.formatException(record.exc_info)
        line = orjson.dumps(document, default=str)
        return line.decode() if line.isascii() else _text(document)


def install() -> None:
    """For a process of ours: everything from INFO to standard error."""
    # What our lines never say is not looked up for each of them (logging, "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
