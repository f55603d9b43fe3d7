//! Which items are hot.

use entities::{
    inventory::{balance, hot_item},
    values::id::{StockBalanceId, VariantId},
};
use platform::{
    app::{App, Call},
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, sea_query::OnConflict};
use serde_json::json;

use super::{own, unseen};
use crate::units;

/// Says whether a variant of the organisation is hot. Off, what is free in its pools goes back into the balances.
pub async fn set_hot(app: &App, call: &Call, variant: VariantId, hot: bool) -> Result<bool, Error> {
    let organisation = own(call)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    if unseen(&work, &[variant]).await?.is_some() {
        return Err(not_found("variantId", encode(variant).as_str()));
    }
    if hot {
        let row = hot_item::Model { owner_id: organisation, variant_id: variant, since: work.now };
        let known =
            OnConflict::columns([hot_item::Column::OwnerId, hot_item::Column::VariantId]).do_nothing().to_owned();
        let insert = hot_item::Entity::insert(row.into_active_model()).on_conflict(known);
        insert.try_insert().exec_without_returning(work.tx()).await?;
    } else {
        hot_item::Entity::delete_by_id((organisation, variant)).exec(work.tx()).await?;
        let ids: Vec<StockBalanceId> = balance::Entity::find()
            .filter(balance::Column::OwnerId.eq(organisation))
            .filter(balance::Column::VariantId.eq(variant))
            .filter(balance::Column::Outside.eq(false))
            .select_only()
            .column(balance::Column::Id)
            .into_tuple()
            .all(work.tx())
            .await?;
        units::drain(work.tx(), &ids).await?;
    }
    work.audit(Some(organisation), "setHotItem", encode(variant).0, json!(null), json!({ "hot": hot }));
    work.commit(hot).await
}
