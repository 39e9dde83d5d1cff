from typing import Any

from django.db import migrations

from regulars.kit import database
from regulars.kit.migrate import sql_file


def fill(_apps: Any, _schema_editor: Any) -> None:
    """Write the compact rows of those who are here already."""
    from regulars.people import compact  # noqa: PLC0415 - migrations are read without their need

    with database.of_django() as connection:
        compact.fill(connection)


class Migration(migrations.Migration):
    dependencies = [("people", "0009_imports")]
    operations = [
        sql_file(__file__, "0010_slots.sql"),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
