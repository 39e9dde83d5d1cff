from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("funnels", "0002_order")]
    operations = [sql_file(__file__, "0003_kept.sql")]
