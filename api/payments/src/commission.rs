//! The list of commission rules: read by whoever splits a payment, set as a whole by the operator.

use chrono::NaiveDate;
use entities::{
    catalog::{category, offer::SupplyMode},
    party::{Action, Resource, organisation},
    payments::commission::{self as rule, WHOLE_PPM},
    values::{
        Currency, ErrorCode, Money, Refusal,
        id::{CategoryId, CommissionRuleId, OrganisationId},
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found, stale, violates_unique},
    graphql::encode,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::json;

/// Most rules of the list.
pub const MAX_RULES: usize = 200;

/// A rule as the operator gives it; its place is that in the list.
#[derive(Clone, Debug)]
pub struct NewRule {
    /// Only of this seller.
    pub seller: Option<OrganisationId>,
    /// Only of goods in this category or below it.
    pub category: Option<CategoryId>,
    /// Only of goods that reach the buyer this way.
    pub supply_mode: Option<SupplyMode>,
    /// How much, in parts per million.
    pub ppm: i32,
    /// And this much for each order.
    pub fixed: Option<Money>,
    /// The only currency that it is for.
    pub currency: Option<Currency>,
    /// The first day on which it holds.
    pub valid_from: Option<NaiveDate>,
    /// The first day on which it holds no more.
    pub valid_to: Option<NaiveDate>,
}

/// The list in force.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Rules {
    /// Counts up with every change; 0 while there are none.
    pub version: i32,
    /// In their order.
    pub rules: Vec<rule::Model>,
}

/// The list, in its order: what [`rule::of_sale`] takes.
pub async fn rules(db: &impl ConnectionTrait) -> Result<Rules, Error> {
    let rules = rule::Entity::find().order_by_asc(rule::Column::Position).all(db).await?;
    Ok(Rules { version: rules.first().map_or(0, |rule| rule.list_version), rules })
}

/// Puts a list in the place of the one that is there.
pub async fn set(app: &App, call: &Call, expected: i32, new: &[NewRule]) -> Result<Rules, Error> {
    call.may(Action::SetCommission, Resource::OWN)?;
    if new.len() > MAX_RULES {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_RULES.to_string()).at("rules").into());
    }
    for (n, rule) in new.iter().enumerate() {
        checked(rule).map_err(|refusal| refusal.at(n.to_string()).at("rules"))?;
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = rules(work.tx()).await?;
    if before.version != expected {
        return Err(stale());
    }
    let made = made(&work, expected, new).await?;
    let gone = rule::Entity::delete_many().filter(rule::Column::ListVersion.eq(expected)).exec(work.tx()).await?;
    if gone.rows_affected != before.rules.len() as u64 {
        return Err(stale());
    }
    if !made.is_empty() {
        let rows = made.iter().cloned().map(IntoActiveModel::into_active_model);
        let written = rule::Entity::insert_many(rows).exec_without_returning(work.tx()).await;
        // Whoever set a list at the same time made the same version.
        written.map_err(|e| {
            if violates_unique(&e, "commission_rule", &["list_version", "position"]) { stale() } else { e.into() }
        })?;
    }
    let shown = |rules: &[rule::Model]| json!(rules);
    let node = made.first().or(before.rules.first()).map(|rule| encode(rule.id).0).unwrap_or_default();
    work.audit(call.viewer.organisation(), "setCommissionRules", node, shown(&before.rules), shown(&made));
    let version = if made.is_empty() { 0 } else { expected + 1 };
    work.commit(Rules { version, rules: made }).await
}

fn checked(rule: &NewRule) -> Result<(), Refusal> {
    if !(0..=WHOLE_PPM).contains(&rule.ppm) {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", WHOLE_PPM.to_string());
        return Err(range.at("ppm"));
    }
    if rule.fixed.is_some_and(|fixed| rule.currency.is_some_and(|currency| currency != fixed.currency)) {
        let code = rule.currency.map_or("", Currency::code);
        return Err(Refusal::new(ErrorCode::InvalidCurrency).with("value", code).at("currency"));
    }
    if rule.valid_from.zip(rule.valid_to).is_some_and(|(from, to)| from >= to) {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "validTo <= validFrom").at("validTo"));
    }
    Ok(())
}

async fn made(work: &Work, version: i32, new: &[NewRule]) -> Result<Vec<rule::Model>, Error> {
    let sellers = new.iter().filter_map(|rule| rule.seller);
    let sellers = organisation::Entity::find().filter(organisation::Column::Id.is_in(sellers)).all(work.tx()).await?;
    let categories = new.iter().filter_map(|rule| rule.category);
    let categories = category::Entity::find().filter(category::Column::Id.is_in(categories)).all(work.tx()).await?;
    let mut rows = Vec::with_capacity(new.len());
    for (n, rule) in new.iter().enumerate() {
        let here = |error: Error| match error {
            Error::Refused(all) => Error::Refused(all.into_iter().map(|r| r.at(n.to_string()).at("rules")).collect()),
            other => other,
        };
        if let Some(seller) = rule.seller.filter(|id| !sellers.iter().any(|row| row.id == *id)) {
            return Err(here(not_found("sellerId", encode(seller).as_str())));
        }
        let category_path = match rule.category {
            None => None,
            Some(id) => {
                let row = categories.iter().find(|row| row.id == id);
                Some(row.ok_or_else(|| here(not_found("categoryId", encode(id).as_str())))?.path.clone())
            }
        };
        rows.push(rule::Model {
            id: CommissionRuleId::new(work.now),
            list_version: version + 1,
            position: i32::try_from(n).unwrap_or(i32::MAX),
            seller_id: rule.seller,
            category_path,
            supply_mode: rule.supply_mode,
            ppm: rule.ppm,
            fixed_minor: rule.fixed.map_or(0, |fixed| fixed.minor),
            currency: rule.currency.or(rule.fixed.map(|fixed| fixed.currency)),
            valid_from: rule.valid_from,
            valid_to: rule.valid_to,
        });
    }
    Ok(rows)
}
