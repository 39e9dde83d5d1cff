from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("segments", "0005_campaigns")]
    operations = [sql_file(__file__, "0006_windows.sql")]
