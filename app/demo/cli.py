"""The whole ``habeas`` command: the ordinary verbs, and ``demo`` and ``tour`` on top."""

from app import cli

VERBS = {**cli.VERBS, "demo": "app.demo.verbs", "tour": "app.demo.verbs"}


def main() -> None:
    """Entry point of the command."""
    cli.main(VERBS)
