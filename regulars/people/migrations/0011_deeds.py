from typing import Any

from django.db import migrations

from regulars.kit import database
from regulars.kit.migrate import sql_file


def fill(_apps: Any, _schema_editor: Any) -> None:
    """Give those who are here already the bits of what they did, and their compact rows."""
    from regulars.people import compact, deeds  # noqa: PLC0415 - migrations are read without them

    with database.of_django() as connection:
        deeds.fill(connection)
        compact.fill(connection)


class Migration(migrations.Migration):
    dependencies = [("people", "0010_slots"), ("events", "0003_event_by_name")]
    operations = [
        sql_file(__file__, "0011_deeds.sql"),
        migrations.RunPython(fill, migrations.RunPython.noop),
        sql_file(__file__, "0011_deeds_index.sql"),
    ]
