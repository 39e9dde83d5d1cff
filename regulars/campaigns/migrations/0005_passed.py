from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0004_drafts")]
    operations = [sql_file(__file__, "0005_passed.sql")]
