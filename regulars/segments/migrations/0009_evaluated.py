from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("segments", "0008_found")]
    operations = [sql_file(__file__, "0009_evaluated.sql")]
