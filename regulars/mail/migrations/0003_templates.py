from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("mail", "0002_deliverability"), ("workspaces", "0001_initial")]
    operations = [sql_file(__file__, "0003_templates.sql")]
