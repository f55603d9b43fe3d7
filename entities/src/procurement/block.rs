//! Suppliers that a buyer has stopped (停用供应商): no requests go to them and no orders, whatever their score, until a day or
//! until somebody lets them in again.

use crate::Relation;
use chrono::NaiveDate;
use sea_orm::{Select, entity::prelude::*, sea_query::Expr};

use crate::{
    party::{Viewer, machine_client::Scope},
    values::id::OrganisationId,
};

/// A row of `supplier_block`: a supplier is stopped by a buyer once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "supplier_block")]
pub struct Model {
    /// Who does not buy there.
    #[sea_orm(primary_key, auto_increment = false)]
    pub buyer_id: OrganisationId,
    /// Where.
    #[sea_orm(primary_key, auto_increment = false)]
    pub supplier_id: OrganisationId,
    /// Why.
    pub reason: String,
    /// Who stopped it.
    pub blocked_by: String,
    /// The last day on which it holds; none: until it is taken back.
    pub until: Option<Date>,
    /// Since when.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The blocks that `viewer` may see: its organisation's own. Whoever is blocked does not read the reasons of the house.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        match viewer.reads_for(Scope::Procurement) {
            Some(own) => Self::find().filter(Column::BuyerId.eq(own)),
            None => Self::find().filter(Expr::val(false)),
        }
    }
}

impl Model {
    /// Whether it holds on a day.
    pub fn holds_on(&self, day: NaiveDate) -> bool {
        self.until.is_none_or(|last| day <= last)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_block_holds_until_the_end_of_its_last_day() {
        let day = |text: &str| -> NaiveDate { text.parse().unwrap() };
        let row = |until: Option<&str>| Model {
            buyer_id: OrganisationId(Uuid::from_u128(1)),
            supplier_id: OrganisationId(Uuid::from_u128(2)),
            reason: "late".into(),
            blocked_by: "test".into(),
            until: until.map(day),
            at: DateTime::<Utc>::UNIX_EPOCH,
        };
        for (until, on, expected) in [
            (None, "2126-03-01", true),
            (Some("2026-03-31"), "2026-03-31", true),
            (Some("2026-03-31"), "2026-04-01", false),
        ] {
            assert_eq!(row(until).holds_on(day(on)), expected, "until {until:?} on {on}");
        }
    }
}
