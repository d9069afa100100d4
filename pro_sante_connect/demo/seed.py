"""Sows a data folder: secrets, store, registry, services, people. Every step does nothing when its work is there."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from pro_sante_connect import settings as room
from pro_sante_connect.app import open_deployment
from pro_sante_connect.core.chance import SystemChance
from pro_sante_connect.core.database import reading, writing
from pro_sante_connect.core.deployment import Deployment
from pro_sante_connect.core.vault import write_secrets
from pro_sante_connect.demo import card, clients, people, staff
from pro_sante_connect.demo.extract import Variant, write_extract
from pro_sante_connect.oidc.tokens import keys
from pro_sante_connect.rpps import loads
from pro_sante_connect.rpps.models import PUBLISHED, Practitioner

if TYPE_CHECKING:
    from pro_sante_connect.demo.house import House

PEOPLE = 2200


def sow(house: "House", *, upgrade: Callable[[str], None], say: Callable[[str], None]) -> None:
    """Complete the folder and write its card."""
    house.data.mkdir(parents=True, exist_ok=True)
    settings = settings_of(house)
    with suppress(FileExistsError):
        write_secrets(Path(settings.secrets.file), chance=SystemChance())
    house.settings_file.write_text(room.dump(settings), "utf-8")
    upgrade(settings.database.url)
    dep = open_deployment(settings)
    try:
        with reading(dep.engine) as db:
            empty = db.scalars(select(Practitioner.id).limit(1)).first() is None
        if empty:
            say("First start: writing and importing a registry of fictional people…")
            _registry(dep, house.data)
        _sow_store(dep, house)
    finally:
        dep.engine.dispose()


def _sow_store(dep: Deployment, house: "House") -> None:
    with writing(dep.engine) as db:
        keys.ensure(db, vault=dep.vault, chance=dep.chance, now=dep.clock.now())
        clients.ensure(db, dep, house.addresses.service)
    with reading(dep.engine) as db:
        named = people.chosen(db)
    people.ensure(dep, named)
    if house.virtual_phone:
        people.give_passkeys(dep, named)
    card.write(house, dep, named, staff.ensure(dep))


def settings_of(house: "House") -> room.Settings:
    """All on loopback, all in the data folder."""
    where, data = house.addresses, house.data.resolve()
    return room.Settings(
        issuer=room.Issuer(auth_base=where.provider, wallet_base=where.provider),
        database=room.Database(url=f"sqlite:///{data / 'psc.sqlite3'}"),
        secrets=room.Secrets(file=str(data / "psc.secrets")),
        outbound=room.Outbound(exempt=(f"localhost:{where.ports[1]}",)),
        server=room.Server(port=house.port),
    )


def _registry(dep: Deployment, data: Path) -> None:
    """A synthetic extract in the national format, through the importer every real file goes through."""
    yesterday = dep.clock.now() - timedelta(days=1)
    folder = data / "extract"
    write_extract(folder, people=PEOPLE, variant=Variant(stamp=yesterday.strftime("%Y%m%d%H%M")))
    report = loads.run(dep, [folder], options=loads.Options(origin=people.ORIGIN))
    if report.state != PUBLISHED:
        raise RuntimeError(f"the synthetic registry was not published: {report.reasons}")
