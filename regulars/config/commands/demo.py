"""`regulars demo`: people to look at."""

from __future__ import annotations

from pathlib import Path

import click

from regulars.config import installation
from regulars.config.commands.options import data_option


@click.command()
@click.option("--people", type=click.IntRange(1, 1_000_000), default=500, help="How many (500).")
@data_option
def demo(people: int, data: Path | None) -> None:
    """Send a realistic population through the tracking API of the running Regulars."""
    with installation.installation(data, "regulars demo"):
        from regulars.demo import population  # noqa: PLC0415 - needs Django

        population.run(people=people)
