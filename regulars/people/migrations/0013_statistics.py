from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("people", "0012_packed")]
    operations = [sql_file(__file__, "0013_statistics.sql")]
