"""Tenant tables: rows that belong to one project, for good.

In the database a tenant table's primary key is `(project_id, id)` and every foreign key between
tenant tables is composite, so the server itself refuses a reference across projects, and the same
tables can be distributed by `project_id` over several machines. Django keeps thinking that `id`
alone is the key (a composite one can't be the target of a foreign key yet): the classes here make
its statements carry the project all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.expressions import Col
from django.db.models.lookups import Exact


class TenantModel(models.Model):
    """A row of one project. `project_id` is set when made and never changes."""

    id = models.UUIDField(primary_key=True, editable=False)
    project = models.ForeignKey("workspaces.Project", models.DO_NOTHING, related_name="+")

    class Meta:
        abstract = True

    def _do_update(self, base_qs: Any, using: Any, pk_val: Any, values: Any, *rest: Any) -> Any:
        kept = [value for value in values if value[0].attname != "project_id"]
        scoped = base_qs.filter(project_id=self.project_id)
        parent: Any = super()
        return parent._do_update(scoped, using, pk_val, kept, *rest)

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: models.QuerySet[Any] | None = None,
    ) -> None:
        queryset = from_queryset if from_queryset is not None else type(self)._base_manager.all()
        super().refresh_from_db(using, fields, queryset.filter(project_id=self.project_id))

    def delete(
        self,
        using: str | None = None,  # noqa: ARG002 - Django's signature
        keep_parents: bool = False,  # noqa: ARG002, FBT001, FBT002 - Django's signature
    ) -> tuple[int, dict[str, int]]:
        """Delete this row alone; nothing cascades behind the database's back."""
        rows: Any = type(self)._base_manager.filter(project_id=self.project_id, pk=self.pk)
        count: int = rows._raw_delete(rows.db)
        return count, {self._meta.label: count}


class TenantForeignKey(models.ForeignKey[Any, Any]):
    """A reference to another row of the same project; joins compare the project too."""

    def __init__(self, to: Any, on_delete: Any = models.DO_NOTHING, **options: Any) -> None:
        options["db_constraint"] = False  # the composite constraint is TenantKeys' work
        super().__init__(to, on_delete, **options)

    def get_extra_restriction(self, alias: Any, related_alias: Any) -> Any:
        here: Any = self.model._meta.get_field("project")
        there: Any = self.remote_field.model._meta.get_field("project")
        return Exact(Col(alias, there), Col(related_alias, here))

    def get_extra_descriptor_filter(self, instance: models.Model) -> dict[str, Any]:
        return {"project_id": instance.project_id}  # type: ignore[attr-defined]


class TenantKeys(Operation):
    """Give a tenant model's table its real keys: `(project_id, id)` and composite references."""

    reversible = True

    def __init__(self, model: str) -> None:
        self.model = model

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing: Django's state keeps `id` as the key."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002 - Django's signature
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model)
        table = model._meta.db_table
        schema_editor.execute(
            f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_pkey",'
            f' ADD CONSTRAINT "{table}_pkey" PRIMARY KEY (project_id, id)'
        )
        for field in model._meta.local_fields:
            if isinstance(field, TenantForeignKey):
                target = field.remote_field.model._meta.db_table
                schema_editor.execute(
                    f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{field.column}_fk"'
                    f' FOREIGN KEY (project_id, "{field.column}")'
                    f' REFERENCES "{target}" (project_id, id)'
                )

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,  # noqa: ARG002 - Django's signature
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model)
        table = model._meta.db_table
        for field in model._meta.local_fields:
            if isinstance(field, TenantForeignKey):
                schema_editor.execute(
                    f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_{field.column}_fk"'
                )
        schema_editor.execute(
            f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_pkey",'
            f' ADD CONSTRAINT "{table}_pkey" PRIMARY KEY (id)'
        )

    def describe(self) -> str:
        return f"Give {self.model} the keys of a tenant table"
