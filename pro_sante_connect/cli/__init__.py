"""The command `psc`. A command's module is imported when it is called, so that `psc --help` answers at once.

Exit codes of every command: 0 done · 1 refused, or something is wrong · 2 the call or the settings are wrong.
"""

from importlib import import_module
from pathlib import Path

import click

from pro_sante_connect import __version__

# name → (module, one line of help)
COMMANDS = {
    "init": ("init", "Write the settings, the secrets and an empty store."),
    "serve": ("serve", "Run the service: web workers and the signals worker."),
    "worker": ("worker", "Run the signals worker alone."),
    "demo": ("demo", "Everything on this machine, with fictional people."),
    "doctor": ("doctor", "Say what is wrong with this deployment and how to mend it."),
    "database": ("database", "The schema of the store."),
    "registry": ("registry", "Import extracts of the national registry, and search it."),
    "practitioner": ("practitioner", "Show a practitioner, or decide: suspend, strike off, reinstate…"),
    "account": ("account", "Registry staff: invite, give roles, retire."),
    "client": ("client", "Services that sign people in."),
    "signals": ("signals", "What services were told, and telling them again."),
    "keys": ("keys", "Root secrets and signing keys."),
    "audit": ("audit", "Read and verify the journal."),
}


class LazyGroup(click.Group):
    """Knows its commands by name only; the bodies come late."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"pro_sante_connect.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Turns what the rooms refuse into one sentence; imported late, like the rooms."""
        try:
            return super().invoke(ctx)
        except Exception as problem:
            from pro_sante_connect.cli.output import explain

            explain(problem)
            raise


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="psc")
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file; else PSC_SETTINGS, else psc.toml here.",
)
@click.pass_context
def psc(ctx: click.Context, settings_file: Path | None) -> None:
    """An open OpenID Connect provider for health professionals.

    \b
    Try it:      psc demo
    Install it:  psc init && psc doctor && psc serve
    """
    ctx.obj = settings_file


def main() -> None:
    """Entry of the script."""
    psc(prog_name="psc")
