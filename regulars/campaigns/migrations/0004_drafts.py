from django.db import migrations

from regulars.kit.migrate import sql_file


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0003_by_hand")]
    operations = [sql_file(__file__, "0004_drafts.sql")]
