//! What organisations agree on: credit that a seller gives, approval that a buyer asks of its own, bundles.

use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};
use entities::{
    catalog::{offer, product, variant},
    ordering::{
        approval_rule,
        bundle_part::{self, MAX_PARTS, MAX_PIECES},
        checkout,
        credit::{CreditState, entry, limit},
        order,
        pricing::is_import,
    },
    party::{Action, Resource, Viewer},
    values::{
        Currency, ErrorCode, Money, Refusal,
        id::{ApprovalRuleId, CreditEntryId, CreditLimitId, OfferId, OrganisationId, VariantId},
    },
};
use party::ops::organisations;
use platform::{
    app::{App, Call, Work, allowed},
    clock::business_day,
    error::{Error, not_found, stale},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, JoinType, Order, QueryFilter,
    QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use serde_json::{Value, json};

/// Name of the order of limits, for cursors.
const BY_AGE: &str = "credit-limit";
/// Longest term of payment, in days.
const MOST_DAYS: i32 = 365;
/// Most rules of an organisation.
const MOST_RULES: usize = 20;

/// A credit limit as it is given.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the limit")]
pub struct NewLimit {
    pub buyer: OrganisationId,
    pub sanctioned: Money,
    pub terms_days: i32,
    pub expires_on: Option<NaiveDate>,
    pub expected_version: Option<i32>,
}

/// Gives an organisation credit, or changes what was given; what is owed stays owed.
pub async fn set_limit(app: &App, call: &Call, new: &NewLimit) -> Result<limit::Model, Error> {
    call.may(Action::GiveCredit, Resource::OWN)?;
    let seller = call.viewer.organisation().ok_or(Error::Forbidden)?;
    let range =
        |min: &str, max: String| Refusal::new(ErrorCode::OutOfRange).with("min", min.to_owned()).with("max", max);
    if !(0..=MOST_DAYS).contains(&new.terms_days) {
        return Err(range("0", MOST_DAYS.to_string()).at("termsDays").into());
    }
    if new.buyer == seller {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", encode(seller).0).at("buyerId").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    organisations::exists(work.tx(), new.buyer)
        .await?
        .then_some(())
        .ok_or_else(|| not_found("buyerId", encode(new.buyer).as_str()))?;
    let before = find_limit(work.tx(), seller, new.buyer, new.sanctioned.currency).await?;
    let row = match (&before, new.expected_version) {
        (Some(before), Some(expected)) if before.version == expected => {
            let done = limit::Entity::update_many()
                .col_expr(limit::Column::SanctionedMinor, Expr::val(new.sanctioned.minor))
                .col_expr(limit::Column::TermsDays, Expr::val(new.terms_days))
                .col_expr(limit::Column::ExpiresOn, Expr::val(new.expires_on))
                .col_expr(limit::Column::Version, Expr::col(limit::Column::Version).add(1))
                .col_expr(limit::Column::UpdatedAt, Expr::val(work.now))
                .filter(limit::Column::Id.eq(before.id))
                .filter(limit::Column::Version.eq(expected))
                .exec(work.tx())
                .await?;
            if done.rows_affected != 1 {
                return Err(stale());
            }
            find_limit(work.tx(), seller, new.buyer, new.sanctioned.currency).await?
        }
        (None, None) => {
            let row = limit::Model {
                id: CreditLimitId::new(work.now),
                seller_id: seller,
                buyer_id: new.buyer,
                currency: new.sanctioned.currency,
                sanctioned_minor: new.sanctioned.minor,
                used_minor: 0,
                terms_days: new.terms_days,
                expires_on: new.expires_on,
                version: 1,
                updated_at: work.now,
            };
            limit::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
            Some(row)
        }
        _ => return Err(stale()),
    };
    let row = row.ok_or_else(|| Error::internal("a limit is gone"))?;
    let shown = |row: &limit::Model| json!({ "sanctioned": row.sanctioned_minor, "currency": row.currency, "termsDays": row.terms_days });
    let old = before.as_ref().map_or(Value::Null, shown);
    work.audit(Some(seller), "setCreditLimit", encode(row.id).0, old, shown(&row));
    work.commit(row).await
}

async fn find_limit(
    db: &impl ConnectionTrait,
    seller: OrganisationId,
    buyer: OrganisationId,
    currency: Currency,
) -> Result<Option<limit::Model>, Error> {
    let found = limit::Entity::find()
        .filter(limit::Column::SellerId.eq(seller))
        .filter(limit::Column::BuyerId.eq(buyer))
        .filter(limit::Column::Currency.eq(currency));
    Ok(found.one(db).await?)
}

/// Limits that an organisation gives or has.
pub async fn list_limits(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    page: &PageArgs,
) -> Result<Page<limit::Model>, Error> {
    let own = viewer.organisation().ok_or(Error::Forbidden)?;
    allowed(viewer, Action::ReadOrders, Resource::of(own))?;
    let mine = Condition::any().add(limit::Column::SellerId.eq(own)).add(limit::Column::BuyerId.eq(own));
    page.by_id(db, limit::Entity::find().filter(mine), limit::Column::Id, BY_AGE, Order::Asc).await
}

/// The cursor of a limit in that list.
pub fn limit_cursor(row: &limit::Model) -> Cursor {
    Cursor::of_id(BY_AGE, row.id)
}

/// Takes from the limits that sellers gave, for each order its total: all of them, or it is refused. Limits are taken in
/// the order of their sellers. The guard is in the UPDATE.
pub(super) async fn take_credit(work: &Work, checkout: &checkout::Model, orders: &[order::Model]) -> Result<(), Error> {
    let Some(buyer) = checkout.organisation_id else { return Ok(()) };
    let today = business_day(work.now);
    let mut by_seller: BTreeMap<OrganisationId, Vec<&order::Model>> = BTreeMap::new();
    for order in orders {
        by_seller.entry(order.seller_id).or_default().push(order);
    }
    for (seller, orders) in by_seller {
        let amount: i64 = orders.iter().map(|order| order.total_minor).sum();
        let free = Expr::col(limit::Column::SanctionedMinor).sub(Expr::col(limit::Column::UsedMinor));
        let valid = Condition::any().add(limit::Column::ExpiresOn.is_null()).add(limit::Column::ExpiresOn.gte(today));
        let done = limit::Entity::update_many()
            .col_expr(limit::Column::UsedMinor, Expr::col(limit::Column::UsedMinor).add(amount))
            .filter(limit::Column::SellerId.eq(seller))
            .filter(limit::Column::BuyerId.eq(buyer))
            .filter(limit::Column::Currency.eq(checkout.currency))
            .filter(valid)
            .filter(free.gte(amount))
            .exec(work.tx())
            .await?;
        let there = find_limit(work.tx(), seller, buyer, checkout.currency).await?;
        let Some(limit) = there.filter(|_| done.rows_affected == 1) else {
            let there = find_limit(work.tx(), seller, buyer, checkout.currency).await?;
            let free = there.filter(|row| row.expires_on.is_none_or(|end| today <= end));
            let free = free.map_or(0, |row| Ord::max(row.sanctioned_minor - row.used_minor, 0));
            let free = Money { minor: free, currency: checkout.currency };
            return Err(Refusal::new(ErrorCode::LimitExceeded)
                .with("free", free.to_string())
                .at("paymentTerms")
                .into());
        };
        let due_on = today + Duration::days(limit.terms_days.into());
        let rows = orders.iter().map(|order| {
            entry::Model {
                id: CreditEntryId::new(work.now),
                limit_id: limit.id,
                document: order.number.clone(),
                amount_minor: order.total_minor,
                state: CreditState::Live,
                due_on,
                created_at: work.now,
                ended_at: None,
            }
            .into_active_model()
        });
        entry::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    }
    Ok(())
}

/// Ends what orders took of limits: each entry once.
pub(super) async fn end_credit(work: &Work, orders: &[order::Model], to: CreditState) -> Result<(), Error> {
    let documents = orders.iter().map(|order| order.number.as_str());
    let live = entry::Entity::find()
        .filter(entry::Column::Document.is_in(documents))
        .filter(entry::Column::State.eq(CreditState::Live))
        .order_by_asc(entry::Column::LimitId);
    for row in live.all(work.tx()).await? {
        let ended = entry::Entity::update_many()
            .col_expr(entry::Column::State, Expr::val(to))
            .col_expr(entry::Column::EndedAt, Expr::val(Some(work.now)))
            .filter(entry::Column::Id.eq(row.id))
            .filter(entry::Column::State.eq(CreditState::Live))
            .exec(work.tx())
            .await?;
        if ended.rows_affected == 1 {
            limit::Entity::update_many()
                .col_expr(limit::Column::UsedMinor, Expr::col(limit::Column::UsedMinor).sub(row.amount_minor))
                .filter(limit::Column::Id.eq(row.limit_id))
                .exec(work.tx())
                .await?;
        }
    }
    Ok(())
}

/// A seller says that an order on credit was paid.
pub async fn settle_credit(app: &App, call: &Call, order: &order::Model) -> Result<(), Error> {
    call.may(Action::GiveCredit, Resource::of(order.seller_id))?;
    let mut work = app.begin(call).await?;
    if work.answered::<()>()?.is_some() {
        return Ok(());
    }
    let live = entry::Entity::find()
        .filter(entry::Column::Document.eq(&order.number))
        .filter(entry::Column::State.eq(CreditState::Live));
    if live.one(work.tx()).await?.is_none() {
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "SETTLED").with("action", "SETTLE");
        return Err(refusal.at("id").into());
    }
    end_credit(&work, std::slice::from_ref(order), CreditState::Settled).await?;
    work.audit(
        Some(order.seller_id),
        "settleCredit",
        encode(order.id).0,
        Value::Null,
        json!({ "order": order.number }),
    );
    work.commit(()).await
}

/// The level of approver that an amount needs in an organisation.
pub(super) async fn level_for(
    db: &impl ConnectionTrait,
    organisation: OrganisationId,
    currency: Currency,
    amount_minor: i64,
) -> Result<Option<i32>, Error> {
    let rules = approval_rule::Entity::find()
        .filter(approval_rule::Column::OrganisationId.eq(organisation))
        .filter(approval_rule::Column::Currency.eq(currency));
    Ok(approval_rule::level_for(&rules.all(db).await?, amount_minor))
}

/// The rules of the organisation that is acted for, by currency and amount.
pub async fn rules_of(db: &impl ConnectionTrait, viewer: &Viewer) -> Result<Vec<approval_rule::Model>, Error> {
    let own = viewer.organisation().ok_or(Error::Forbidden)?;
    allowed(viewer, Action::ReadOrders, Resource::of(own))?;
    let rules = approval_rule::Entity::find().filter(approval_rule::Column::OrganisationId.eq(own));
    let rules = rules.order_by_asc(approval_rule::Column::Currency).order_by_asc(approval_rule::Column::FromMinor);
    Ok(rules.all(db).await?)
}

/// Puts the rules of the organisation that is acted for in the place of those it had.
pub async fn set_rules(app: &App, call: &Call, rules: &[(Money, i32)]) -> Result<Vec<approval_rule::Model>, Error> {
    call.may(Action::KeepApprovalRules, Resource::OWN)?;
    let own = call.viewer.organisation().ok_or(Error::Forbidden)?;
    if rules.len() > MOST_RULES {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST_RULES.to_string()).at("rules").into());
    }
    for (n, (from, level)) in rules.iter().enumerate() {
        let at = |refusal: Refusal, field: &str| refusal.at(field).at(n.to_string()).at("rules");
        if !(1..=9).contains(level) {
            return Err(at(Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", "9"), "level").into());
        }
        if rules[..n].iter().any(|(other, _)| other == from) {
            return Err(at(Refusal::new(ErrorCode::Duplicate).with("value", from.to_string()), "minimum").into());
        }
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = rules_of(work.tx(), &call.viewer).await?;
    approval_rule::Entity::delete_many().filter(approval_rule::Column::OrganisationId.eq(own)).exec(work.tx()).await?;
    let mut rows: Vec<approval_rule::Model> = rules
        .iter()
        .map(|(from, level)| approval_rule::Model {
            id: ApprovalRuleId::new(work.now),
            organisation_id: own,
            currency: from.currency,
            from_minor: from.minor,
            level: *level,
        })
        .collect();
    rows.sort_by_key(|row| (row.currency, row.from_minor));
    if !rows.is_empty() {
        let new = rows.iter().cloned().map(IntoActiveModel::into_active_model);
        approval_rule::Entity::insert_many(new).exec_without_returning(work.tx()).await?;
    }
    let shown = |rows: &[approval_rule::Model]| {
        json!(rows.iter().map(|row| json!([row.currency, row.from_minor, row.level])).collect::<Vec<_>>())
    };
    work.audit(Some(own), "setApprovalRules", encode(own).0, shown(&before), shown(&rows));
    work.commit(rows).await
}

/// Says what is in one unit of an offer; nothing: it is no bundle any more. Bonded goods are filed at customs one by one,
/// so imports are no bundles.
pub async fn set_bundle(
    app: &App,
    call: &Call,
    id: OfferId,
    parts: &[(VariantId, i32)],
) -> Result<offer::Model, Error> {
    call.may(Action::FulfilOrders, Resource::OWN)?;
    let own = call.viewer.organisation().ok_or(Error::Forbidden)?;
    if parts.len() > MAX_PARTS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_PARTS.to_string()).at("parts").into());
    }
    for (n, (variant, quantity)) in parts.iter().enumerate() {
        let at = |refusal: Refusal, field: &str| refusal.at(field).at(n.to_string()).at("parts");
        if !(1..=MAX_PIECES).contains(quantity) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MAX_PIECES.to_string());
            return Err(at(range, "quantity").into());
        }
        if parts[..n].iter().any(|(other, _)| other == variant) {
            return Err(at(Refusal::new(ErrorCode::Duplicate).with("value", encode(*variant).0), "variantId").into());
        }
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = offer::Entity::find_by_id(id).one(work.tx()).await?.filter(|row| row.seller_id == own);
    let row = row.ok_or_else(|| not_found("offerId", encode(id).as_str()))?;
    if is_import(row.supply_mode) && !parts.is_empty() {
        let mode = async_graphql::Value::from(row.supply_mode).to_string();
        return Err(Refusal::new(ErrorCode::IllegalTransition)
            .with("from", mode)
            .with("action", "BUNDLE")
            .at("offerId")
            .into());
    }
    seen(&work, parts).await?;
    bundle_part::Entity::delete_many().filter(bundle_part::Column::OfferId.eq(id)).exec(work.tx()).await?;
    if !parts.is_empty() {
        let rows = parts.iter().map(|(variant, quantity)| {
            bundle_part::Model { offer_id: id, variant_id: *variant, quantity: *quantity }.into_active_model()
        });
        let replace = OnConflict::columns([bundle_part::Column::OfferId, bundle_part::Column::VariantId])
            .update_column(bundle_part::Column::Quantity)
            .to_owned();
        bundle_part::Entity::insert_many(rows).on_conflict(replace).exec_without_returning(work.tx()).await?;
    }
    let shown: Vec<Value> = parts.iter().map(|(variant, n)| json!([encode(*variant).0, n])).collect();
    work.audit(Some(own), "setBundleParts", encode(id).0, Value::Null, json!(shown));
    work.commit(row).await
}

/// Every part must be one that the viewer may see.
async fn seen(work: &Work, parts: &[(VariantId, i32)]) -> Result<(), Error> {
    let of =
        product::Entity::belongs_to(variant::Entity).from(product::Column::Id).to(variant::Column::ProductId).into();
    let known: Vec<VariantId> = product::Entity::visible_to(work.viewer())
        .join(JoinType::InnerJoin, of)
        .filter(variant::Column::Id.is_in(parts.iter().map(|(variant, _)| *variant)))
        .select_only()
        .column(variant::Column::Id)
        .into_tuple()
        .all(work.tx())
        .await?;
    match parts.iter().position(|(variant, _)| !known.contains(variant)) {
        None => Ok(()),
        Some(n) => {
            let refusal = Refusal::new(ErrorCode::NotFound).with("value", encode(parts[n].0).0);
            Err(refusal.at("variantId").at(n.to_string()).at("parts").into())
        }
    }
}
