from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_emails"), ("people", "0001_initial")]
    operations = [sql_file(__file__, "0002_campaigns.sql")]
