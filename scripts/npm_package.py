"""Unpacks one published npm package, for the scripts that vendor a part of it."""

import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def unpacked(spec: str) -> Iterator[Path]:
    """The folder of `name@version` as published; gone when the block ends.

    `npm pack` checks the archive against the registry's integrity hash and runs none of the
    package's own scripts. Raises CalledProcessError where npm does.
    """
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder, spec],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as tar:
            tar.extractall(folder, filter="data")
        yield Path(folder) / "package"
