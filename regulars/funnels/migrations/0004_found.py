from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("funnels", "0003_kept"), ("segments", "0008_found")]
    operations = [sql_file(__file__, "0004_found.sql")]
