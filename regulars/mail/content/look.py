"""What a project's mails have in common: its name, address, colour and logo. Pure."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Callable
from dataclasses import dataclass

INK = "#1f3a6e"  # the colour of a project that chose none
READS = 4.5  # the contrast from which letters can be read (WCAG 2.2, 1.4.3)
LOGO_WIDTH = 140  # pixels that a logo is wide where nothing else is said
LOGO_WIDTHS = (40, 240)
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_READS_ON_NIGHT = 0.45
_WHITE, _BLACK = "#ffffff", "#17181c"
_NEARLY_READS = 3.0  # a contrast that a shade more makes enough
_PALEST = "#f3f1ec"  # the ground that letters stand on, where it is no paper


@dataclass(frozen=True, slots=True)
class Look:
    """Whose mail it is. `base_url` stands before pictures that are kept here, without a slash."""

    name: str
    address: str = ""
    color: str = INK
    logo_url: str = ""
    base_url: str = ""
    logo_width: int = LOGO_WIDTH  # pixels

    @property
    def ink(self) -> str:
        """The project's colour."""
        return self.color.lower() if _COLOR.fullmatch(self.color) else INK

    @property
    def ground(self) -> str:
        """The colour behind buttons: a little darker where that lets white stand on it."""
        if contrast(_WHITE, self.ink) < _NEARLY_READS:
            return self.ink
        return _until(self.ink, -0.01, lambda shown: contrast(shown, _WHITE) >= READS)

    @property
    def on_ground(self) -> str:
        """Letters on that ground."""
        return _WHITE if contrast(_WHITE, self.ground) >= READS else _BLACK

    @property
    def letters(self) -> str:
        """The colour as letters on paper: the same hue, as dark as that takes."""
        return _until(self.ink, -0.02, lambda shown: contrast(shown, _PALEST) >= READS)

    @property
    def night_ink(self) -> str:
        """The colour as it reads on a dark ground: the same hue, as light as that takes."""
        return _until(self.ink, 0.02, lambda shown: luminance(shown) >= _READS_ON_NIGHT)


def contrast(one: str, other: str) -> float:
    """How much two colours stand apart (WCAG 2.2), from 1 to 21."""
    less, more = sorted((luminance(one), luminance(other)))
    return (more + 0.05) / (less + 0.05)


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.2) of `#rrggbb`, from 0 for black to 1 for white."""
    red, green, blue = (_linear(part / 255) for part in _parts(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _until(color: str, step: float, enough: Callable[[str], bool]) -> str:
    """The colour, lighter or darker by steps until it is enough."""
    red, green, blue = (part / 255 for part in _parts(color))
    hue, light, full = colorsys.rgb_to_hls(red, green, blue)
    shown = color
    while not enough(shown) and 0 < light + step < 1:
        light += step
        shown = _hex(colorsys.hls_to_rgb(hue, light, full))
    return shown


def _parts(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _linear(part: float) -> float:
    dark = 0.04045
    return part / 12.92 if part <= dark else float(((part + 0.055) / 1.055) ** 2.4)


def _hex(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)
