"""Where the parts of the demo live: three ports in a row, all on loopback."""

from dataclasses import dataclass

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses by the provider's port."""

    port: int

    @property
    def ports(self) -> tuple[int, int, int]:
        return self.port, self.port + 1, self.port + 2

    @property
    def provider(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def service(self) -> str:
        return f"http://localhost:{self.port + 1}"

    @property
    def message_box(self) -> str:
        return f"http://localhost:{self.port + 2}"
