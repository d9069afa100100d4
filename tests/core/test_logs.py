"""Log lines: JSON always, no line within a line, nothing of the statement's values."""

import json
import logging

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from pro_sante_connect.core.database import writing
from pro_sante_connect.core.logs import JsonLines, facts
from tests.world import World


def record(message: str, *values: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("psc.test", logging.INFO, "file", 1, message, values, None)
    made.__dict__.update(facts(**extra))
    return made


@pytest.mark.parametrize("nasty", ["a\nb", 'x"}', "\x1b[31m", "\u2028é", "\0"])
def test_a_line_is_one_json_object_whatever_it_holds(nasty: str) -> None:
    line = JsonLines().format(record("said %s", nasty, route=nasty))
    assert line.isascii()
    assert line.isprintable()
    document = json.loads(line)
    assert (document["message"], document["route"]) == (f"said {nasty}", nasty)
    assert document["at"].endswith("+00:00")


def test_a_defect_brings_its_trace_in_the_same_line() -> None:
    made = record("defect")
    try:
        raise ValueError("two\nlines")
    except ValueError as problem:
        made.exc_info = (ValueError, problem, problem.__traceback__)
    assert "ValueError: two\nlines" in json.loads(JsonLines().format(made))["trace"]


def test_the_values_of_a_failed_statement_stay_out_of_its_message(world: World) -> None:
    with pytest.raises(SQLAlchemyError) as problem, writing(world.engine) as db:
        db.execute(text("SELECT :value FROM nowhere"), {"value": "s3cret-value"})
    assert "s3cret-value" not in str(problem.value)
