//! The column types of this project, named once, and the places where the dialects differ.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// A UUID that identifies or refers.
pub(crate) fn id(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).uuid().not_null().take()
}

/// A UUID that may refer to nothing.
pub(crate) fn optional_id(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).uuid().null().take()
}

/// The UUID that a table is keyed by.
pub(crate) fn primary_id() -> ColumnDef {
    id("id").primary_key().take()
}

/// Text that is compared and ordered byte by byte: keys, codes, paths. `PostgreSQL` would otherwise
/// order by the locale of the installation, `SQLite` always orders by bytes.
pub(crate) fn ascii(manager: &SchemaManager<'_>, name: &'static str, length: u32) -> ColumnDef {
    let mut column = ColumnDef::new(name).string_len(length).not_null().take();
    if manager.get_database_backend() == DbBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

/// The same, where there may be none.
pub(crate) fn optional_ascii(manager: &SchemaManager<'_>, name: &'static str, length: u32) -> ColumnDef {
    let mut column = ColumnDef::new(name).string_len(length).null().take();
    if manager.get_database_backend() == DbBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

/// The name of an enumeration's value.
pub(crate) fn state(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).string_len(24).not_null().take()
}

/// A JSON document.
pub(crate) fn json(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).json_binary().not_null().take()
}

/// A whole number.
pub(crate) fn int(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).integer().not_null().take()
}

/// A moment in UTC.
pub(crate) fn moment(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).timestamp_with_time_zone().not_null().take()
}

/// A moment that may not have come.
pub(crate) fn optional_moment(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).timestamp_with_time_zone().null().take()
}

/// A day of the calendar.
pub(crate) fn day(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).date().not_null().take()
}

/// A day, where there may be none.
pub(crate) fn optional_day(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).date().null().take()
}

/// A whole number of 64 bits, where there may be none.
pub(crate) fn optional_long(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().take()
}

/// A whole number of 64 bits.
pub(crate) fn long(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

/// Yes or no.
pub(crate) fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

/// A text of people, at most this long.
pub(crate) fn text(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).not_null().take()
}

/// A text of people, where there may be none.
pub(crate) fn optional_text(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).null().take()
}

/// What is kept encrypted.
pub(crate) fn sealed(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).binary().not_null().take()
}

/// A SHA-256 in hex.
pub(crate) fn hash(manager: &SchemaManager<'_>, name: &'static str) -> ColumnDef {
    ascii(manager, name, 64)
}

/// The key of a table whose rows are numbered in the order of writing. The database counts; it never
/// gives a number twice, also after rows were deleted.
pub(crate) fn seq() -> ColumnDef {
    ColumnDef::new("seq").big_integer().not_null().auto_increment().primary_key().take()
}

/// A foreign key to `id` of `table`.
pub(crate) fn refers(
    from: &'static str,
    column: &'static str,
    table: &'static str,
    on_delete: ForeignKeyAction,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk_{from}_{column}"))
        .from(from, column)
        .to(table, "id")
        .on_delete(on_delete)
        .take()
}

/// Creates `ix_<table>_<columns>`.
pub(crate) async fn index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    let mut index = Index::create().name(format!("ix_{table}_{}", columns.join("_"))).table(table).take();
    for column in columns {
        index.col(*column);
    }
    manager.create_index(index).await
}

/// Creates the unique index `uq_<table>_<columns>`.
pub(crate) async fn unique(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    let mut index = Index::create().name(format!("uq_{table}_{}", columns.join("_"))).table(table).unique().take();
    for column in columns {
        index.col(*column);
    }
    manager.create_index(index).await
}

/// Drops an index.
pub(crate) async fn drop_index(
    manager: &SchemaManager<'_>,
    name: &'static str,
    table: &'static str,
) -> Result<(), DbErr> {
    manager.drop_index(Index::drop().name(name).table(table).to_owned()).await
}

/// Drops tables in the order given.
pub(crate) async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(*table).take()).await?;
    }
    Ok(())
}

/// Lets rows of these tables be added only: whoever changes or deletes one is told what stands beside its table.
pub(crate) async fn append_only(manager: &SchemaManager<'_>, tables: &[(&str, &str)]) -> Result<(), DbErr> {
    let db = manager.get_connection();
    for (table, said) in tables {
        let statements: Vec<String> = match manager.get_database_backend() {
            DbBackend::Postgres => vec![
                format!(
                    "CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
                     $$ BEGIN RAISE EXCEPTION '{said}'; END $$"
                ),
                format!(
                    "CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} \
                     FOR EACH ROW EXECUTE FUNCTION {table}_is_append_only()"
                ),
            ],
            _ => ["UPDATE", "DELETE"]
                .map(|what| {
                    let name = what.to_lowercase();
                    format!(
                        "CREATE TRIGGER {table}_no_{name} BEFORE {what} ON {table} \
                         BEGIN SELECT RAISE(ABORT, '{said}'); END"
                    )
                })
                .into(),
        };
        for statement in statements {
            db.execute_unprepared(&statement).await?;
        }
    }
    Ok(())
}

/// Takes back what [`append_only`] made; what hangs on a table goes with it.
pub(crate) async fn drop_append_only(manager: &SchemaManager<'_>, tables: &[(&str, &str)]) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        for (table, _) in tables {
            let off = format!("DROP FUNCTION {table}_is_append_only() CASCADE");
            manager.get_connection().execute_unprepared(&off).await?;
        }
    }
    Ok(())
}
