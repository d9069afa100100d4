"""Engines for special work."""

from sqlalchemy import Engine

from pro_sante_connect.core.database import open_engine, unmapped


def test_a_process_that_goes_through_everything_maps_no_file(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    own = unmapped(unmapped(open_engine(url)))
    with own.connect() as db:
        if own.dialect.name == "sqlite":
            assert db.exec_driver_sql("PRAGMA mmap_size").scalar_one() == 0
        assert db.exec_driver_sql("SELECT 1").scalar_one() == 1
    own.dispose()
