from typing import Any

from django.db import migrations

from regulars.kit import database
from regulars.kit.migrate import sql_file


def give_bits(_apps: Any, _schema_editor: Any) -> None:
    """Give those who are here already the bits of what they did."""
    from regulars.people import deeds  # noqa: PLC0415 - migrations are read without their need

    with database.of_django() as connection:
        deeds.fill(connection)


def fill(_apps: Any, _schema_editor: Any) -> None:
    """Write the compact rows where the last migration emptied them."""
    from regulars.people import compact  # noqa: PLC0415 - likewise

    with database.of_django() as connection:
        compact.fill(connection)


class Migration(migrations.Migration):
    dependencies = [("people", "0010_slots"), ("events", "0003_event_by_name")]
    operations = [
        sql_file(__file__, "0011_deeds.sql"),
        migrations.RunPython(give_bits, migrations.RunPython.noop),
        sql_file(__file__, "0011_deeds_compact.sql"),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
