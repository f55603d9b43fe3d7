//! What happens to the stock of a showroom: samples that are lent, and what is written off.
//!
//! What must never be is refused by the database itself: more of a deposit given back and kept than was taken, more
//! pieces back than were lent. As with other entries, what came back of a loan is not changed afterwards.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{
    ascii, drop_tables, id, index, int, long, moment, optional_ascii, optional_id, optional_moment, primary_id, refers,
    state, text, unique,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        loan(manager).await?;
        came_back(manager).await?;
        write_off(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            let off = "DROP FUNCTION sample_loan_return_is_append_only() CASCADE";
            manager.get_connection().execute_unprepared(off).await?;
        }
        let tables =
            ["showroom_write_off_line", "showroom_write_off", "sample_loan_return", "sample_loan_line", "sample_loan"];
        drop_tables(manager, &tables).await
    }
}

fn line(name: &'static str, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).null().take()
}

async fn loan(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let loan = Table::create()
        .table("sample_loan")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(ascii(manager, "document", 60))
        .col(state("state"))
        .col(optional_id("borrower_id"))
        .col(ColumnDef::new("borrower").binary().null())
        .col(line("masked_borrower", 120))
        .col(text("purpose", 200))
        .col(ColumnDef::new("due_on").date().not_null())
        .col(long("deposit_minor"))
        .col(ascii(manager, "currency", 3))
        .col(state("deposit_means"))
        .col(line("waived_reason", 200))
        .col(long("pieces"))
        .col(long("settled"))
        .col(long("back_minor"))
        .col(long("kept_minor"))
        .col(text("requested_by", 120))
        .col(line("lent_by", 120))
        .col(int("version"))
        .col(moment("created_at"))
        .col(optional_moment("lent_at"))
        .col(optional_moment("ended_at"))
        .foreign_key(&mut refers("sample_loan", "showroom_id", "showroom", restrict))
        .foreign_key(&mut refers("sample_loan", "borrower_id", "organisation", restrict))
        .check(("ck_sample_loan_pieces", Expr::cust("pieces > 0 AND settled >= 0 AND settled <= pieces")))
        .check((
            "ck_sample_loan_deposit",
            Expr::cust("back_minor >= 0 AND kept_minor >= 0 AND back_minor + kept_minor <= deposit_minor"),
        ))
        .check(("ck_sample_loan_borrower", Expr::cust("(borrower_id IS NULL) <> (borrower IS NULL)")))
        .take();
    manager.create_table(loan).await?;
    unique(manager, "sample_loan", &["document"]).await?;
    index(manager, "sample_loan", &["showroom_id", "id"]).await?;
    index(manager, "sample_loan", &["borrower_id"]).await?;
    index(manager, "sample_loan", &["state", "due_on"]).await?;

    let lines = Table::create()
        .table("sample_loan_line")
        .col(primary_id())
        .col(id("loan_id"))
        .col(int("position"))
        .col(id("balance_id"))
        .col(id("variant_id"))
        .col(id("lot_id"))
        .col(state("status"))
        .col(long("quantity"))
        .col(long("good"))
        .col(long("damaged"))
        .col(long("lost"))
        .foreign_key(&mut refers("sample_loan_line", "loan_id", "sample_loan", restrict))
        .foreign_key(&mut refers("sample_loan_line", "balance_id", "stock_balance", restrict))
        .foreign_key(&mut refers("sample_loan_line", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("sample_loan_line", "lot_id", "stock_lot", restrict))
        .check((
            "ck_sample_loan_line",
            Expr::cust(
                "quantity > 0 AND good >= 0 AND damaged >= 0 AND lost >= 0 AND good + damaged + lost <= quantity",
            ),
        ))
        .take();
    manager.create_table(lines).await?;
    unique(manager, "sample_loan_line", &["loan_id", "position"]).await?;
    index(manager, "sample_loan_line", &["balance_id"]).await?;
    index(manager, "sample_loan_line", &["variant_id"]).await?;
    index(manager, "sample_loan_line", &["lot_id"]).await
}

async fn came_back(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let back = Table::create()
        .table("sample_loan_return")
        .col(primary_id())
        .col(id("loan_id"))
        .col(id("line_id"))
        .col(long("good"))
        .col(long("damaged"))
        .col(long("lost"))
        .col(line("condition", 300))
        .col(long("back_minor"))
        .col(long("kept_minor"))
        .col(text("noted_by", 120))
        .col(moment("at"))
        .foreign_key(&mut refers("sample_loan_return", "loan_id", "sample_loan", restrict))
        .foreign_key(&mut refers("sample_loan_return", "line_id", "sample_loan_line", restrict))
        .check((
            "ck_sample_loan_return",
            Expr::cust("good + damaged + lost > 0 AND back_minor >= 0 AND kept_minor >= 0"),
        ))
        .take();
    manager.create_table(back).await?;
    index(manager, "sample_loan_return", &["loan_id", "id"]).await?;
    index(manager, "sample_loan_return", &["line_id"]).await?;
    let statements: &[&str] = match manager.get_database_backend() {
        DbBackend::Postgres => &[
            "CREATE FUNCTION sample_loan_return_is_append_only() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'what came back of a loan is append-only'; END $$",
            "CREATE TRIGGER sample_loan_return_append_only BEFORE UPDATE OR DELETE ON sample_loan_return \
             FOR EACH ROW EXECUTE FUNCTION sample_loan_return_is_append_only()",
        ],
        _ => &[
            "CREATE TRIGGER sample_loan_return_no_update BEFORE UPDATE ON sample_loan_return \
             BEGIN SELECT RAISE(ABORT, 'what came back of a loan is append-only'); END",
            "CREATE TRIGGER sample_loan_return_no_delete BEFORE DELETE ON sample_loan_return \
             BEGIN SELECT RAISE(ABORT, 'what came back of a loan is append-only'); END",
        ],
    };
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

async fn write_off(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let restrict = ForeignKeyAction::Restrict;
    let write_off = Table::create()
        .table("showroom_write_off")
        .col(primary_id())
        .col(id("showroom_id"))
        .col(ascii(manager, "document", 60))
        .col(state("state"))
        .col(state("reason"))
        .col(line("note", 300))
        .col(optional_ascii(manager, "photo_sha256", 64))
        .col(text("requested_by", 120))
        .col(line("decided_by", 120))
        .col(line("decision", 300))
        .col(int("version"))
        .col(moment("created_at"))
        .col(optional_moment("decided_at"))
        .foreign_key(&mut refers("showroom_write_off", "showroom_id", "showroom", restrict))
        .take();
    manager.create_table(write_off).await?;
    unique(manager, "showroom_write_off", &["document"]).await?;
    index(manager, "showroom_write_off", &["showroom_id", "id"]).await?;

    let lines = Table::create()
        .table("showroom_write_off_line")
        .col(primary_id())
        .col(id("write_off_id"))
        .col(int("position"))
        .col(id("balance_id"))
        .col(state("class"))
        .col(id("variant_id"))
        .col(id("lot_id"))
        .col(long("quantity"))
        .foreign_key(&mut refers("showroom_write_off_line", "write_off_id", "showroom_write_off", restrict))
        .foreign_key(&mut refers("showroom_write_off_line", "balance_id", "stock_balance", restrict))
        .foreign_key(&mut refers("showroom_write_off_line", "variant_id", "variant", restrict))
        .foreign_key(&mut refers("showroom_write_off_line", "lot_id", "stock_lot", restrict))
        .check(("ck_showroom_write_off_line", Expr::cust("quantity > 0")))
        .take();
    manager.create_table(lines).await?;
    unique(manager, "showroom_write_off_line", &["write_off_id", "position"]).await?;
    index(manager, "showroom_write_off_line", &["balance_id"]).await?;
    index(manager, "showroom_write_off_line", &["variant_id"]).await?;
    index(manager, "showroom_write_off_line", &["lot_id"]).await
}
