"""What `regulars up` says once it serves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True, slots=True)
class FirstStart:
    """What the first start made; the link signs its owner in once."""

    sign_in_path: str
    write_key: str
    project_id: str


def show(url: str, address: str, data: Path, first: FirstStart | None) -> None:
    """Print where everything is; until somebody has signed in also how to get in.

    `url` is how the world reaches it, `address` where it listens.
    """
    rows: list[tuple[str, str]] = [("Console", f"{url}/")]
    if first is not None:
        rows = [
            ("Sign in", f"{url}{first.sign_in_path}  (works once)"),
            ("Write key", f"{first.write_key}  (of the project My app)"),
        ]
    rows += [("Demo site", f"{url}/demo/"), ("Data", str(data))]
    click.echo()
    click.secho(f"  Regulars is running at {address}", bold=True)
    click.echo()
    for name, value in rows:
        click.echo(f"  {name:<11}{value}")
    click.echo()
    click.echo("  Ctrl-C stops it.")
    click.echo()
