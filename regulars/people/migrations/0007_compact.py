from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("people", "0006_bulk")]
    # The rows are written by 0010, which makes the table anew.
    operations = [sql_file(__file__, "0007_compact.sql")]
