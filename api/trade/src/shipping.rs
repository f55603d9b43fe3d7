//! Shipping rates of sellers: read for many sellers at once, set by each for itself.

use std::collections::BTreeSet;

use catalog::policy;
use entities::{
    catalog::SupplyMode,
    trade::shipping::{self, Model},
    values::{
        Currency,
        id::{OrganisationId, ShippingRateId},
    },
};
use platform::{
    app::{App, Call},
    error::Error,
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter};
use serde_json::{Value, json};

use super::rows;

/// Name of the order, for cursors.
const BY_AGE: &str = "shipping-rate";

/// All rates of these sellers, one statement for any number of them.
pub async fn rates(db: &impl ConnectionTrait, sellers: &[OrganisationId]) -> Result<Vec<Model>, Error> {
    let sellers: BTreeSet<OrganisationId> = sellers.iter().copied().collect();
    if sellers.is_empty() {
        return Ok(Vec::new());
    }
    Ok(shipping::Entity::find().filter(shipping::Column::SellerId.is_in(sellers)).all(db).await?)
}

/// The rate of a seller for goods supplied so, in a currency; none: it asks nothing for bringing them.
pub fn rate_of(rates: &[Model], seller: OrganisationId, mode: SupplyMode, currency: Currency) -> Option<&Model> {
    rates.iter().find(|rate| (rate.seller_id, rate.mode, rate.currency) == (seller, mode, currency))
}

/// A rate as it is typed.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the rate")]
pub struct NewRate {
    pub seller: Option<OrganisationId>,
    pub mode: SupplyMode,
    pub currency: Currency,
    pub first_weight_g: i32,
    pub first_minor: i64,
    pub step_weight_g: i32,
    pub step_minor: i64,
    pub free_from_minor: Option<i64>,
    pub insurance_ppm: i32,
}

/// Sets what a seller asks; a rate that is there is replaced when it is in the version that was expected.
pub async fn set_rate(app: &App, call: &Call, new: &NewRate, expected_version: Option<i32>) -> Result<Model, Error> {
    use shipping::Column as C;
    let seller_id = policy::offering_seller(&call.viewer, new.seller)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = shipping::Entity::find()
        .filter(C::SellerId.eq(seller_id))
        .filter(C::Mode.eq(new.mode))
        .filter(C::Currency.eq(new.currency))
        .one(work.tx())
        .await?;
    let was = before.as_ref().map(|row| row.version);
    let &NewRate { mode, currency, first_weight_g, first_minor, step_weight_g, step_minor, .. } = new;
    let row = Model {
        id: before.as_ref().map_or_else(|| ShippingRateId::new(work.now), |row| row.id),
        seller_id,
        mode,
        currency,
        first_weight_g,
        first_minor,
        step_weight_g,
        step_minor,
        free_from_minor: new.free_from_minor,
        insurance_ppm: new.insurance_ppm,
        version: rows::next_version(was, expected_version)?,
    };
    let row = row.checked()?;
    let active = row.clone().into_active_model();
    rows::put::<shipping::Entity>(work.tx(), active, (C::Id, row.id.into()), (C::Version, was)).await?;
    let old = before.as_ref().map_or(Value::Null, |row| json!(row));
    work.audit(Some(seller_id), "setShippingRate", encode(row.id).0, old, json!(row));
    work.outdates_answers();
    work.commit(row).await
}

/// The rates of a seller, in the order of their making.
pub async fn list(db: &impl ConnectionTrait, seller: OrganisationId, page: &PageArgs) -> Result<Page<Model>, Error> {
    let list = shipping::Entity::find().filter(shipping::Column::SellerId.eq(seller));
    page.by_id(db, list, shipping::Column::Id, BY_AGE, Order::Asc).await
}

/// The cursor of a rate in that list.
pub fn cursor(row: &Model) -> Cursor {
    Cursor::of_id(BY_AGE, row.id)
}
