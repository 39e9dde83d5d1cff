"""What a project's mails have in common: its name, address, colour and logo. Pure."""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass

INK = "#1f3a6e"  # the colour of a project that chose none
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_LIGHT_ENOUGH = 0.33  # the relative luminance that carries dark letters
_READS_ON_NIGHT = 0.45


@dataclass(frozen=True, slots=True)
class Look:
    """Whose mail it is. `base_url` stands before pictures that are kept here, without a slash."""

    name: str
    address: str = ""
    color: str = INK
    logo_url: str = ""
    base_url: str = ""

    @property
    def ink(self) -> str:
        """The project's colour, as letters on white and as the ground of buttons."""
        return self.color.lower() if _COLOR.fullmatch(self.color) else INK

    @property
    def on_ink(self) -> str:
        """Letters on that colour."""
        return "#17181c" if luminance(self.ink) > _LIGHT_ENOUGH else "#ffffff"

    @property
    def night_ink(self) -> str:
        """The colour as it reads on a dark ground: the same hue, as light as that takes."""
        red, green, blue = (part / 255 for part in _parts(self.ink))
        hue, light, full = colorsys.rgb_to_hls(red, green, blue)
        shown = self.ink
        while luminance(shown) < _READS_ON_NIGHT and light < 1:
            light = min(light + 0.02, 1)
            shown = _hex(colorsys.hls_to_rgb(hue, light, full))
        return shown


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.2) of `#rrggbb`, from 0 for black to 1 for white."""
    red, green, blue = (_linear(part / 255) for part in _parts(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _linear(part: float) -> float:
    dark = 0.04045
    return part / 12.92 if part <= dark else float(((part + 0.055) / 1.055) ** 2.4)


def _hex(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)
