from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("inbox", "0002_notes")]
    operations = [sql_file(__file__, "0003_settings.sql")]
