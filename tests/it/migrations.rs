//! Tables and entities say the same, and every step can be taken back.

use std::collections::BTreeMap;

use entities::{
    catalog, customs, finance, inventory, logistics, ordering, party, payments, platform, procurement, showroom, trade,
    webhooks,
};
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, Database, DatabaseConnection, DbBackend, EntityTrait, IdenStatic, Iterable, Statement,
};

use crate::support::{Backend, backend};

struct Empty {
    db: DatabaseConnection,
    _guard: crate::support::EmptyDatabase,
    _folder: tempfile::TempDir,
}

async fn empty() -> Empty {
    let folder = tempfile::tempdir().unwrap();
    let guard = crate::support::EmptyDatabase::empty().await;
    let url = match guard.setting() {
        Some((_, url)) => url,
        None => format!("sqlite://{}?mode=rwc", folder.path().join("empty.sqlite").display()),
    };
    Empty { db: Database::connect(url).await.unwrap(), _guard: guard, _folder: folder }
}

/// Column by column: whether it may be null.
type Table = BTreeMap<String, bool>;

async fn tables(db: &DatabaseConnection) -> BTreeMap<String, Table> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT table_name::text AS t, column_name::text AS c, (is_nullable = 'YES')::int AS n \
             FROM information_schema.columns WHERE table_schema = 'public'"
        }
        _ => {
            "SELECT m.name AS t, c.name AS c, (c.\"notnull\" = 0 AND c.pk = 0) AS n \
             FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        }
    };
    let mut found: BTreeMap<String, Table> = BTreeMap::new();
    for row in db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap() {
        let (table, column): (String, String) = (row.try_get("", "t").unwrap(), row.try_get("", "c").unwrap());
        let nullable: i32 = row.try_get("", "n").unwrap();
        found.entry(table).or_default().insert(column, nullable != 0);
    }
    found.remove("seaql_migrations");
    found
}

fn declared<E: EntityTrait>(into: &mut BTreeMap<String, Table>, entity: E) {
    let columns = E::Column::iter().map(|c| (c.as_str().to_owned(), c.def().is_null())).collect();
    into.insert(entity.table_name().to_owned(), columns);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one line a table")]
async fn entities_and_tables_say_the_same() {
    let made = empty().await;
    Migrator::up(&made.db, None).await.unwrap();
    let mut entities = BTreeMap::new();
    declared(&mut entities, party::place::Entity);
    declared(&mut entities, party::organisation::Entity);
    declared(&mut entities, party::organisation_role::Entity);
    declared(&mut entities, inventory::location::Entity);
    declared(&mut entities, inventory::lot::Entity);
    declared(&mut entities, inventory::stock_move::Entity);
    declared(&mut entities, inventory::balance::Entity);
    declared(&mut entities, inventory::reservation::Entity);
    declared(&mut entities, inventory::book::Entity);
    declared(&mut entities, trade::tariff_row::Entity);
    declared(&mut entities, trade::import_list::Entity);
    declared(&mut entities, trade::zone_policy::Entity);
    declared(&mut entities, trade::shipping::Entity);
    declared(&mut entities, trade::allowance::Entity);
    declared(&mut entities, trade::allowance_entry::Entity);
    declared(&mut entities, inventory::bonded_entry::Entity);
    declared(&mut entities, inventory::returned::Entity);
    declared(&mut entities, inventory::count::Entity);
    declared(&mut entities, inventory::count_line::Entity);
    declared(&mut entities, inventory::inbound::Entity);
    declared(&mut entities, inventory::inbound::line::Entity);
    declared(&mut entities, inventory::inbound::put_away::Entity);
    declared(&mut entities, inventory::gate::line::Entity);
    declared(&mut entities, inventory::gate::list::Entity);
    declared(&mut entities, inventory::gate::pass::Entity);
    declared(&mut entities, inventory::transfer::Entity);
    declared(&mut entities, inventory::transfer_line::Entity);
    declared(&mut entities, inventory::hot_item::Entity);
    declared(&mut entities, inventory::unit::Entity);
    declared(&mut entities, ordering::cart::Entity);
    declared(&mut entities, ordering::cart_line::Entity);
    declared(&mut entities, ordering::quote::Entity);
    declared(&mut entities, ordering::checkout::Entity);
    declared(&mut entities, ordering::order::Entity);
    declared(&mut entities, ordering::order_line::Entity);
    declared(&mut entities, ordering::order_event::Entity);
    declared(&mut entities, ordering::credit::limit::Entity);
    declared(&mut entities, ordering::credit::entry::Entity);
    declared(&mut entities, ordering::approval_rule::Entity);
    declared(&mut entities, ordering::bundle_part::Entity);
    declared(&mut entities, customs::arrangement::Entity);
    declared(&mut entities, customs::goods_filing::Entity);
    declared(&mut entities, customs::declaration::Entity);
    declared(&mut entities, customs::paper::Entity);
    declared(&mut entities, customs::receipt::Entity);
    declared(&mut entities, customs::message::Entity);
    declared(&mut entities, customs::match_row::Entity);
    declared(&mut entities, customs::request::Entity);
    declared(&mut entities, customs::tax_bill::Entity);
    declared(&mut entities, customs::tax_bill::guarantee::Entity);
    declared(&mut entities, customs::simulated::Entity);
    declared(&mut entities, customs::export::declaration::Entity);
    declared(&mut entities, customs::export::line::Entity);
    declared(&mut entities, customs::export::about::Entity);
    declared(&mut entities, customs::export::summarised::Entity);
    declared(&mut entities, customs::export::summarised::part::Entity);
    declared(&mut entities, customs::export::entry::Entity);
    declared(&mut entities, logistics::shipment::Entity);
    declared(&mut entities, logistics::leg::Entity);
    declared(&mut entities, logistics::pass_parcel::Entity);
    declared(&mut entities, logistics::unit::Entity);
    declared(&mut entities, logistics::unit::sequence::Entity);
    declared(&mut entities, logistics::event::Entity);
    declared(&mut entities, logistics::hold::Entity);
    declared(&mut entities, logistics::cold::Entity);
    declared(&mut entities, logistics::proof::Entity);
    declared(&mut entities, logistics::proof::content::Entity);
    declared(&mut entities, logistics::carrier::Entity);
    declared(&mut entities, logistics::carrier::notice::Entity);
    declared(&mut entities, logistics::simulated::Entity);
    declared(&mut entities, payments::payment::Entity);
    declared(&mut entities, payments::notice::Entity);
    declared(&mut entities, payments::refund::Entity);
    declared(&mut entities, payments::ledger::Entity);
    declared(&mut entities, payments::commission::Entity);
    declared(&mut entities, payments::payout::Entity);
    declared(&mut entities, payments::payout_line::Entity);
    declared(&mut entities, payments::receipt::Entity);
    declared(&mut entities, payments::sandbox::Entity);
    declared(&mut entities, payments::sandbox_refund::Entity);
    declared(&mut entities, catalog::category::Entity);
    declared(&mut entities, catalog::category_attribute::Entity);
    declared(&mut entities, catalog::attribute::Entity);
    declared(&mut entities, catalog::brand::Entity);
    declared(&mut entities, catalog::product::Entity);
    declared(&mut entities, catalog::product_tag::Entity);
    declared(&mut entities, catalog::product_tally::Entity);
    declared(&mut entities, catalog::product_change::Entity);
    declared(&mut entities, catalog::product_history::Entity);
    declared(&mut entities, catalog::product_price::Entity);
    declared(&mut entities, catalog::variant::Entity);
    declared(&mut entities, catalog::media::Entity);
    declared(&mut entities, catalog::offer::Entity);
    declared(&mut entities, catalog::offer_price::Entity);
    declared(&mut entities, party::person::Entity);
    declared(&mut entities, party::login::Entity);
    declared(&mut entities, party::session::Entity);
    declared(&mut entities, party::sign_in_failure::Entity);
    declared(&mut entities, party::consumer_identity::Entity);
    declared(&mut entities, party::bank_account::Entity);
    declared(&mut entities, party::membership::Entity);
    declared(&mut entities, party::invitation::Entity);
    declared(&mut entities, party::machine_client::Entity);
    declared(&mut entities, party::client_key::Entity);
    declared(&mut entities, party::used_assertion::Entity);
    declared(&mut entities, party::filing::Entity);
    declared(&mut entities, party::filing_snapshot::Entity);
    declared(&mut entities, party::filing_number::Entity);
    declared(&mut entities, party::filing_grant::Entity);
    declared(&mut entities, platform::idempotent_request::Entity);
    declared(&mut entities, platform::job::Entity);
    declared(&mut entities, platform::signing_key::Entity);
    declared(&mut entities, platform::audit_entry::Entity);
    declared(&mut entities, platform::audit_head::Entity);
    declared(&mut entities, platform::feed_entry::Entity);
    declared(&mut entities, platform::feed_head::Entity);
    declared(&mut entities, showroom::store::Entity);
    declared(&mut entities, showroom::team::Entity);
    declared(&mut entities, showroom::place::Entity);
    declared(&mut entities, showroom::day::Entity);
    declared(&mut entities, showroom::zone::Entity);
    declared(&mut entities, showroom::fixture::Entity);
    declared(&mut entities, showroom::slot::Entity);
    declared(&mut entities, showroom::planogram::Entity);
    declared(&mut entities, showroom::position::Entity);
    declared(&mut entities, showroom::display::Entity);
    declared(&mut entities, showroom::audit_round::Entity);
    declared(&mut entities, showroom::audit_check::Entity);
    declared(&mut entities, showroom::photo::Entity);
    declared(&mut entities, showroom::scan_event::Entity);
    declared(&mut entities, showroom::touch::Entity);
    declared(&mut entities, showroom::sale::Entity);
    declared(&mut entities, showroom::split_rule::Entity);
    declared(&mut entities, showroom::device::Entity);
    declared(&mut entities, showroom::device_mutation::Entity);
    declared(&mut entities, showroom::change::Entity);
    declared(&mut entities, showroom::slot_note::Entity);
    declared(&mut entities, showroom::lease::Entity);
    declared(&mut entities, showroom::counter_sale::Entity);
    declared(&mut entities, showroom::bonded_display::Entity);
    declared(&mut entities, showroom::bonded_part::Entity);
    declared(&mut entities, showroom::bonded_event::Entity);
    declared(&mut entities, showroom::bonded_alarm::Entity);
    declared(&mut entities, showroom::display_guarantee::Entity);
    declared(&mut entities, showroom::display_guarantee::entry::Entity);
    declared(&mut entities, showroom::visit_slot::Entity);
    declared(&mut entities, showroom::time_hold::host::Entity);
    declared(&mut entities, showroom::time_hold::visitor::Entity);
    declared(&mut entities, showroom::appointment::Entity);
    declared(&mut entities, showroom::visit::Entity);
    declared(&mut entities, showroom::footfall::Entity);
    declared(&mut entities, showroom::loan::Entity);
    declared(&mut entities, showroom::loan::line::Entity);
    declared(&mut entities, showroom::loan::back::Entity);
    declared(&mut entities, showroom::write_off::Entity);
    declared(&mut entities, showroom::write_off::line::Entity);
    declared(&mut entities, procurement::agreement::Entity);
    declared(&mut entities, procurement::agreement::line::Entity);
    declared(&mut entities, procurement::approval::Entity);
    declared(&mut entities, procurement::award::Entity);
    declared(&mut entities, procurement::block::Entity);
    declared(&mut entities, procurement::commitment::Entity);
    declared(&mut entities, procurement::comparison::Entity);
    declared(&mut entities, procurement::debit_note::Entity);
    declared(&mut entities, procurement::file::Entity);
    declared(&mut entities, procurement::file::content::Entity);
    declared(&mut entities, procurement::inspection::Entity);
    declared(&mut entities, procurement::invitation::Entity);
    declared(&mut entities, procurement::invoice::Entity);
    declared(&mut entities, procurement::invoice::line::Entity);
    declared(&mut entities, procurement::limit::Entity);
    declared(&mut entities, procurement::limit::usage::Entity);
    declared(&mut entities, procurement::matching::Entity);
    declared(&mut entities, procurement::order::Entity);
    declared(&mut entities, procurement::order::line::Entity);
    declared(&mut entities, procurement::order::version::Entity);
    declared(&mut entities, finance::receivable::Entity);
    declared(&mut entities, finance::receivable::event::Entity);
    declared(&mut entities, finance::confirmation::Entity);
    declared(&mut entities, finance::evidence_package::Entity);
    declared(&mut entities, finance::financing::Entity);
    declared(&mut entities, finance::financing::fact::Entity);
    declared(&mut entities, finance::financing::posting::Entity);
    declared(&mut entities, finance::financing::day_end::Entity);
    declared(&mut entities, finance::condition::Entity);
    declared(&mut entities, finance::notice::Entity);
    declared(&mut entities, finance::registry::Entity);
    declared(&mut entities, finance::registry::simulated::Entity);
    declared(&mut entities, finance::standing::related::Entity);
    declared(&mut entities, finance::standing::sanctioned::Entity);
    declared(&mut entities, finance::programme::Entity);
    declared(&mut entities, finance::limit::Entity);
    declared(&mut entities, finance::limit::entry::Entity);
    declared(&mut entities, finance::request::Entity);
    declared(&mut entities, finance::request::item::Entity);
    declared(&mut entities, finance::request::encumbrance::Entity);
    declared(&mut entities, finance::request::fingerprint::Entity);
    declared(&mut entities, finance::offer::Entity);
    declared(&mut entities, procurement::payable::Entity);
    declared(&mut entities, procurement::payable::event::Entity);
    declared(&mut entities, procurement::policy::Entity);
    declared(&mut entities, procurement::question::Entity);
    declared(&mut entities, procurement::quotation::Entity);
    declared(&mut entities, procurement::receipt::Entity);
    declared(&mut entities, procurement::receipt::line::Entity);
    declared(&mut entities, procurement::reminder::Entity);
    declared(&mut entities, procurement::rfq::Entity);
    declared(&mut entities, procurement::rfq::line::Entity);
    declared(&mut entities, procurement::scorecard::Entity);
    declared(&mut entities, procurement::scorecard::score::Entity);
    declared(&mut entities, procurement::tolerance::Entity);
    declared(&mut entities, webhooks::endpoint::Entity);
    declared(&mut entities, webhooks::delivery::Entity);
    declared(&mut entities, webhooks::attempt::Entity);
    assert_eq!(tables(&made.db).await, entities, "left: the tables, right: the entities (true: may be null)");
}

#[tokio::test]
async fn every_step_goes_up_down_and_up_again() {
    let made = empty().await;
    let steps = u32::try_from(Migrator::migrations().len()).unwrap();
    for step in 1..=steps {
        Migrator::up(&made.db, Some(1)).await.unwrap_or_else(|e| panic!("step {step} up: {e}"));
        let after = tables(&made.db).await;
        Migrator::down(&made.db, Some(1)).await.unwrap_or_else(|e| panic!("step {step} down: {e}"));
        Migrator::up(&made.db, Some(1)).await.unwrap_or_else(|e| panic!("step {step} up again: {e}"));
        assert_eq!(tables(&made.db).await, after, "step {step} leaves something behind or loses something");
    }
    Migrator::down(&made.db, None).await.unwrap();
    assert!(tables(&made.db).await.is_empty(), "all the way down leaves tables");
    Migrator::up(&made.db, None).await.unwrap();
    Migrator::up(&made.db, None).await.unwrap();
}

#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let made = empty().await;
    Migrator::up(&made.db, None).await.unwrap();
    let sql = match backend() {
        Backend::Postgres(_) => {
            "SELECT c.conrelid::regclass::text || '.' || a.attname AS k FROM pg_constraint c \
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] \
             WHERE c.contype = 'f' AND NOT EXISTS ( \
               SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])"
        }
        Backend::Sqlite => {
            "SELECT m.name || '.' || f.\"from\" AS k FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f \
             WHERE m.type = 'table' AND NOT EXISTS ( \
               SELECT 1 FROM pragma_index_list(m.name) l JOIN pragma_index_info(l.name) i \
               WHERE i.seqno = 0 AND i.name = f.\"from\")"
        }
    };
    let rows = made.db.query_all_raw(Statement::from_string(made.db.get_database_backend(), sql)).await.unwrap();
    let bare: Vec<String> = rows.iter().map(|r| r.try_get("", "k").unwrap()).collect();
    assert!(bare.is_empty(), "foreign keys without an index: {bare:?}");
}
