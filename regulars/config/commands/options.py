"""Options that several commands share."""

from __future__ import annotations

import json
from pathlib import Path

import click

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data folder (REGULARS_DATA; ./data).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


def answer(facts: dict[str, str], *, as_json: bool) -> None:
    """Print a command's result: JSON on one line, or a name and a value a line."""
    if as_json:
        click.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        click.echo(f"{name:<12}{value}")
