from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("inbox", "0004_inbox_views")]
    operations = [sql_file(__file__, "0005_notices.sql")]
