"""The ledger is written once: the database itself refuses to change or delete an order or an entry.

SQLite makes a table anew when a later migration alters it, and its triggers are gone then: such a migration runs this again."""

from django.db import migrations

TABLES = ("interactions_order", "interactions_ledgerentry")
REFUSED = "orders and ledger entries are never changed or deleted; write a refund"


def refuse_changes(apps, schema_editor):
    run = schema_editor.execute
    if schema_editor.connection.vendor == "postgresql":
        run(
            "CREATE OR REPLACE FUNCTION liveroom_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'restrict_violation'; END $$"
        )
    for table in TABLES:
        for event in ("UPDATE", "DELETE"):
            name = f"{table}_no_{event.lower()}"
            if schema_editor.connection.vendor == "postgresql":
                run(f"DROP TRIGGER IF EXISTS {name} ON {table}")
                run(
                    f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION liveroom_append_only()"
                )
            else:
                run(f"DROP TRIGGER IF EXISTS {name}")
                run(f"CREATE TRIGGER {name} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END")


def allow_changes(apps, schema_editor):
    postgresql = schema_editor.connection.vendor == "postgresql"
    for table in TABLES:
        for event in ("update", "delete"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{event}" + (f" ON {table}" if postgresql else ""))


class Migration(migrations.Migration):
    dependencies = [("interactions", "0005_standing_and_statistics")]

    operations = [migrations.RunPython(refuse_changes, allow_changes)]
