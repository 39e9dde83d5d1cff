from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("segments", "0007_remembering")]
    operations = [sql_file(__file__, "0008_found.sql")]
