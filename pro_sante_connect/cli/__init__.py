"""The command `psc`."""


def main() -> None: ...
