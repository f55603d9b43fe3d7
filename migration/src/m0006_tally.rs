//! How many products there are of each state and category, so that a list tells its total without counting.
//!
//! The database keeps it itself, by triggers, so no statement that changes products can forget it. On SQLite there is
//! one row for each state and category. On PostgreSQL two transactions that change one row wait for each other, so there
//! only rows are added, one for each statement, and added up later (`catalog::store::tally`). The number is the sum of
//! the rows on both.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::column::{id, index, long, seq, state};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const POSTGRES: &[&str] = &[
    "CREATE FUNCTION product_tally_came() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
       INSERT INTO product_tally (status, category_id, n) \
       SELECT status, category_id, COUNT(*) FROM came GROUP BY status, category_id; \
       RETURN NULL; \
     END $$",
    "CREATE FUNCTION product_tally_went() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
       INSERT INTO product_tally (status, category_id, n) \
       SELECT status, category_id, -COUNT(*) FROM went GROUP BY status, category_id; \
       RETURN NULL; \
     END $$",
    "CREATE FUNCTION product_tally_moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
       INSERT INTO product_tally (status, category_id, n) \
       VALUES (OLD.status, OLD.category_id, -1), (NEW.status, NEW.category_id, 1); \
       RETURN NULL; \
     END $$",
    "CREATE TRIGGER product_tally_came AFTER INSERT ON product \
     REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION product_tally_came()",
    "CREATE TRIGGER product_tally_went AFTER DELETE ON product \
     REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION product_tally_went()",
    // Most changes of a product move it nowhere; the condition is looked at before the function is called.
    "CREATE TRIGGER product_tally_moved AFTER UPDATE OF status, category_id ON product FOR EACH ROW \
     WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.category_id IS DISTINCT FROM NEW.category_id) \
     EXECUTE FUNCTION product_tally_moved()",
];

const SQLITE: &[&str] = &[
    "CREATE TRIGGER product_tally_came AFTER INSERT ON product BEGIN \
       UPDATE product_tally SET n = n + 1 WHERE status = NEW.status AND category_id = NEW.category_id; \
       INSERT INTO product_tally (status, category_id, n) SELECT NEW.status, NEW.category_id, 1 WHERE changes() = 0; \
     END",
    "CREATE TRIGGER product_tally_went AFTER DELETE ON product BEGIN \
       UPDATE product_tally SET n = n - 1 WHERE status = OLD.status AND category_id = OLD.category_id; \
     END",
    "CREATE TRIGGER product_tally_moved AFTER UPDATE OF status, category_id ON product \
     WHEN OLD.status <> NEW.status OR OLD.category_id <> NEW.category_id BEGIN \
       UPDATE product_tally SET n = n - 1 WHERE status = OLD.status AND category_id = OLD.category_id; \
       UPDATE product_tally SET n = n + 1 WHERE status = NEW.status AND category_id = NEW.category_id; \
       INSERT INTO product_tally (status, category_id, n) SELECT NEW.status, NEW.category_id, 1 WHERE changes() = 0; \
     END",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // No foreign key: a category that goes takes no part in how rows are added up, and a key would lock it.
        let tally = Table::create()
            .table("product_tally")
            .col(seq())
            .col(state("status"))
            .col(id("category_id"))
            .col(long("n"))
            .take();
        manager.create_table(tally).await?;
        index(manager, "product_tally", &["status", "category_id"]).await?;
        let db = manager.get_connection();
        let triggers = match manager.get_database_backend() {
            DbBackend::Postgres => {
                // Nobody changes products between the count and the triggers that go on from it.
                db.execute_unprepared("LOCK TABLE product IN SHARE ROW EXCLUSIVE MODE").await?;
                POSTGRES
            }
            _ => SQLITE,
        };
        for trigger in triggers {
            db.execute_unprepared(trigger).await?;
        }
        let count = "INSERT INTO product_tally (status, category_id, n) \
                     SELECT status, category_id, COUNT(*) FROM product GROUP BY status, category_id";
        db.execute_unprepared(count).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for name in ["product_tally_came", "product_tally_went", "product_tally_moved"] {
            let taken = match manager.get_database_backend() {
                DbBackend::Postgres => format!("DROP FUNCTION {name}() CASCADE"),
                _ => format!("DROP TRIGGER {name}"),
            };
            db.execute_unprepared(&taken).await?;
        }
        manager.drop_table(Table::drop().table("product_tally").take()).await
    }
}
