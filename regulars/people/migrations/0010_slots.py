from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    # It empties the compact rows; the next one fills them, since it changes what stands in them.
    dependencies = [("people", "0009_imports")]
    operations = [sql_file(__file__, "0010_slots.sql")]
