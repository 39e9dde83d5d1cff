"""Says whether the browser journeys can run here, so loudly that nobody misses it if not."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")

found = next(filter(None, map(shutil.which, NAMES)), None)
if found:
    print(f"Browser journeys run in {found}")
else:
    print(
        "\n".join(
            (
                "*" * 78,
                "NO CHROMIUM WAS FOUND: the browser journeys will NOT run.",
                "Install one to run them all (on Debian: apt install chromium).",
                "*" * 78,
            )
        )
    )
