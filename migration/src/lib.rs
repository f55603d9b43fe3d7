//! How the tables come to be: hand-written steps, one file a step, only ever added to.
//!
//! A step that is released is never edited. Columns are added nullable or with a default (old code may
//! still be serving), filled by the next step, and tightened by one after that.

use sea_orm_migration::{MigrationTrait, async_trait};
pub use sea_orm_migration::{MigratorTrait, SchemaManager};

mod column;
mod m0001_party;
mod m0002_catalog;
mod m0003_offers;
mod m0004_people;
mod m0005_promises;
mod m0006_tally;
mod m0007_stock;
mod m0008_counts;
mod m0009_hot;
mod m0010_trade;
mod m0011_payments;
mod m0012_ordering;
mod m0013_customs;
mod m0014_logistics;
mod m0015_customs_again;
mod m0016_parcels;
mod m0017_inbound;
mod m0018_exports;
mod m0019_proofs;
mod m0020_customs_terms;
mod m0021_showrooms;
mod m0022_bonded_displays;
mod m0023_visits;
mod m0024_showroom_stock;
mod m0025_devices;
mod m0026_rfqs;
mod m0027_awards;
mod m0028_purchasing;
mod m0029_receipts;
mod m0030_invoices;
mod m0031_scorecards;
mod m0032_receivables;
mod m0033_financing;
mod m0034_evidence;
mod m0035_conditions;
mod m0036_money;

/// Runs the steps in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_party::Migration),
            Box::new(m0002_catalog::Migration),
            Box::new(m0003_offers::Migration),
            Box::new(m0004_people::Migration),
            Box::new(m0005_promises::Migration),
            Box::new(m0006_tally::Migration),
            Box::new(m0007_stock::Migration),
            Box::new(m0008_counts::Migration),
            Box::new(m0009_hot::Migration),
            Box::new(m0010_trade::Migration),
            Box::new(m0011_payments::Migration),
            Box::new(m0012_ordering::Migration),
            Box::new(m0013_customs::Migration),
            Box::new(m0014_logistics::Migration),
            Box::new(m0015_customs_again::Migration),
            Box::new(m0016_parcels::Migration),
            Box::new(m0017_inbound::Migration),
            Box::new(m0018_exports::Migration),
            Box::new(m0019_proofs::Migration),
            Box::new(m0020_customs_terms::Migration),
            Box::new(m0021_showrooms::Migration),
            Box::new(m0022_bonded_displays::Migration),
            Box::new(m0023_visits::Migration),
            Box::new(m0024_showroom_stock::Migration),
            Box::new(m0025_devices::Migration),
            Box::new(m0026_rfqs::Migration),
            Box::new(m0027_awards::Migration),
            Box::new(m0028_purchasing::Migration),
            Box::new(m0029_receipts::Migration),
            Box::new(m0030_invoices::Migration),
            Box::new(m0031_scorecards::Migration),
            Box::new(m0032_receivables::Migration),
            Box::new(m0033_financing::Migration),
            Box::new(m0034_evidence::Migration),
            Box::new(m0035_conditions::Migration),
            Box::new(m0036_money::Migration),
        ]
    }
}
