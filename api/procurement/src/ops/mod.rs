//! What people do in procurement. One function is one transaction.
//!
//! - here: what all of them share
//! - [`rfqs`], [`intents`], [`questions`], [`quotations`], [`files`]: asking and quoting
//! - [`comparisons`], [`awards`]: choosing
//! - [`agreements`], [`orders`], [`order_steps`], [`snapshots`]: buying
//! - [`policies`], [`limits`], [`approvals`]: who may
//! - [`receipts`], [`inspections`], [`supplier_returns`]: what came
//! - [`invoices`], [`tolerances`], [`matching`], [`approve`], [`debit_notes`], [`payables`]: what is owed for it
//! - [`suppliers`], [`scorecards`], [`scores`], [`analytics`]: how it goes; [`tasks`], [`reminders`]: what is to be done

pub mod agreements;
pub mod analytics;
pub mod approvals;
pub mod approve;
pub mod awards;
pub mod comparisons;
pub mod debit_notes;
pub mod files;
pub mod inspections;
pub mod intents;
pub mod invoices;
pub mod limits;
pub mod matching;
pub mod order_steps;
pub mod orders;
pub mod payables;
pub mod policies;
pub mod questions;
pub mod quotations;
pub mod receipts;
pub mod reminders;
pub mod rfqs;
pub mod scorecards;
pub mod scores;
pub mod snapshots;
pub mod supplier_returns;
pub mod suppliers;
pub mod tasks;
pub mod tolerances;

use std::collections::HashMap;

use entities::{
    catalog::{category, product, variant},
    values::id::{CategoryId, VariantId},
};
use platform::error::Error;
pub(crate) use platform::{
    app::{acting, tell_both},
    error::fresh,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QuerySelect};

/// Most lines of one document.
pub(crate) const MAX_LINES: usize = 500;
/// Most values of one list in a statement.
const CHUNK: usize = 500;

/// The categories of variants, and their paths.
pub async fn categories(
    tx: &impl ConnectionTrait,
    variants: &[VariantId],
) -> Result<HashMap<VariantId, (CategoryId, String)>, Error> {
    let of =
        product::Entity::belongs_to(variant::Entity).from(product::Column::Id).to(variant::Column::ProductId).into();
    let within =
        product::Entity::belongs_to(category::Entity).from(product::Column::CategoryId).to(category::Column::Id).into();
    let all = product::Entity::find()
        .join(JoinType::InnerJoin, of)
        .join(JoinType::InnerJoin, within)
        .select_only()
        .column(variant::Column::Id)
        .column(product::Column::CategoryId)
        .column(category::Column::Path);
    let mut found = HashMap::new();
    for part in variants.chunks(CHUNK) {
        let rows = all.clone().filter(variant::Column::Id.is_in(part.iter().copied()));
        let rows: Vec<(VariantId, CategoryId, String)> = rows.into_tuple().all(tx).await?;
        found.extend(rows.into_iter().map(|(variant, category, path)| (variant, (category, path))));
    }
    Ok(found)
}
