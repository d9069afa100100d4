"""The root of every "no"."""

from typing import Any


class Refusal(Exception):
    """A decision against the caller. `code` is stable: pages, logs and tests name it; `facts` are for words."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts
