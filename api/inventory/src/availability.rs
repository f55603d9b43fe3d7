//! What can be sold of which variant, and where: one statement for any number of them.

use chrono::{Days, NaiveDate};
use entities::{
    inventory::{CustomsStatus, LocationKind, balance, location, lot},
    values::id::{OrganisationId, StockLocationId, VariantId},
};
use platform::error::Error;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, JoinType, QueryFilter,
    QuerySelect,
    sea_query::{Alias, Expr, Func},
};

/// So much of a variant that can be sold from a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Saleable {
    /// Whose.
    pub owner_id: OrganisationId,
    /// Where.
    pub location_id: StockLocationId,
    /// What the place is.
    pub kind: LocationKind,
    /// Under which customs status.
    pub status: CustomsStatus,
    /// Of what.
    pub variant_id: VariantId,
    /// How much.
    pub available: i64,
}

/// What can be sold of these variants by these owners: not promised, and of lots that keep `keeps_days` more after `today`
/// (停售).
pub async fn saleable(
    db: &impl ConnectionTrait,
    owners: impl IntoIterator<Item = OrganisationId>,
    variants: impl IntoIterator<Item = VariantId>,
    today: NaiveDate,
    keeps_days: u32,
) -> Result<Vec<Saleable>, Error> {
    // The free pieces of a hot item's pool are reserved for whoever comes first: they can be sold.
    let free = "(SELECT COUNT(*) FROM stock_unit WHERE stock_unit.balance_id = stock_balance.id \
                AND stock_unit.reservation_id IS NULL)";
    let available = Expr::col((balance::Entity, balance::Column::OnHand))
        .sub(Expr::col((balance::Entity, balance::Column::Reserved)))
        .add(Expr::cust(free));
    let first_bad = today.checked_add_days(Days::new(keeps_days.into())).unwrap_or(NaiveDate::MAX);
    let keeps = Condition::any().add(lot::Column::ExpiresOn.is_null()).add(lot::Column::ExpiresOn.gt(first_bad));
    let place =
        balance::Entity::belongs_to(location::Entity).from(balance::Column::LocationId).to(location::Column::Id).into();
    let of_lot = balance::Entity::belongs_to(lot::Entity).from(balance::Column::LotId).to(lot::Column::Id).into();
    let sum = Func::cast_as(Expr::expr(Func::sum(available.clone())), Alias::new("BIGINT"));
    let rows = balance::Entity::find()
        .select_only()
        .columns([
            balance::Column::OwnerId,
            balance::Column::LocationId,
            balance::Column::Status,
            balance::Column::VariantId,
        ])
        .column(location::Column::Kind)
        .column_as(Expr::expr(sum), "available")
        .join(JoinType::InnerJoin, place)
        .join(JoinType::InnerJoin, of_lot)
        .filter(balance::Column::VariantId.is_in(variants))
        .filter(balance::Column::OwnerId.is_in(owners))
        .filter(balance::Column::Outside.eq(false))
        .filter(available.gt(0))
        .filter(keeps)
        .group_by(balance::Column::OwnerId)
        .group_by(balance::Column::LocationId)
        .group_by(balance::Column::Status)
        .group_by(balance::Column::VariantId)
        .group_by(location::Column::Kind)
        .into_model::<Saleable>()
        .all(db)
        .await?;
    Ok(rows)
}
