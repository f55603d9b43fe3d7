//! What ordering tells: a buyer brought scans along, a checkout was paid, goods came back. Each joins its transaction.
//!
//! The showroom's share goes from what is owed to the seller through the platform's commission to what is owed to the
//! showroom's organisation, in two postings of two legs each; a payout pays it like what sellers are owed. What the staff
//! member gets of it is noted, and paid by the showroom.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use entities::{
    catalog::{SupplyMode, offer},
    party::{Action, Viewer},
    payments::{Account, payment, postings::Leg},
    showroom::{
        StorePattern, UnitClass,
        attribution::{Touch, share, taken_off, wins},
        display, sale, split_rule, store, team, touch,
    },
    trade::ZoneCapability,
    values::{
        Currency, ErrorCode, Refusal,
        id::{OfferId, OrganisationId, PaymentId, PersonId, ProductId, ShowroomId, StockLocationId, TouchId},
    },
};
use payments::ledger::{self, Posting};
use platform::{
    error::{Error, not_found},
    vault::Vault,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use super::{
    ops::{store_for, stores},
    tokens, view,
};

/// Most scans that a buyer brings along.
pub const MOST_TOKENS: usize = 20;

/// Notes the scans that a buyer brought along. What is not of this house, or too old, is nobody's: it is left out and
/// stands in nobody's way.
pub async fn brought(
    tx: &impl ConnectionTrait,
    vault: &Vault,
    now: DateTime<Utc>,
    checkout: &str,
    brought: &[String],
) -> Result<(), Error> {
    let touches = brought.iter().take(MOST_TOKENS).flat_map(|token| tokens::scanned(vault, token, now));
    let rows = touches.map(|of| touch::Model {
        id: TouchId::new(now),
        checkout_number: checkout.to_owned(),
        showroom_id: of.showroom,
        slot_id: of.slot,
        product_id: of.product,
        staff_id: of.staff,
        at: of.at,
    });
    let rows: Vec<_> = rows.map(IntoActiveModel::into_active_model).collect();
    if !rows.is_empty() {
        touch::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// A line of an order that was paid.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the sale")]
pub struct Sold {
    pub order: String,
    pub line: i32,
    pub offer: OfferId,
    pub seller: OrganisationId,
    pub quantity: i32,
    pub goods_minor: i64,
    pub currency: Currency,
    /// What of the goods is left for others once the platform has its commission.
    pub most_minor: i64,
}

/// A checkout was paid: whose its lines are is fixed, and what is the showroom's of them is owed to it.
pub async fn paid(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    checkout: &str,
    payment: &payment::Model,
    lines: &[Sold],
) -> Result<(), Error> {
    let rows = touch::Entity::find()
        .filter(touch::Column::CheckoutNumber.eq(checkout))
        .order_by_asc(touch::Column::Id)
        .all(tx)
        .await?;
    if rows.is_empty() {
        return Ok(());
    }
    let touches = still_served(tx, &rows).await?;
    let offers = offer::Entity::find().filter(offer::Column::Id.is_in(lines.iter().map(|line| line.offer)));
    let products: HashMap<OfferId, ProductId> =
        offers.all(tx).await?.into_iter().map(|row| (row.id, row.product_id)).collect();
    let mut rules: BTreeMap<ShowroomId, Option<split_rule::Model>> = BTreeMap::new();
    let mut sales = Vec::new();
    for line in lines {
        let Some(of) = products.get(&line.offer).and_then(|product| wins(&touches, *product, now)) else { continue };
        if let std::collections::btree_map::Entry::Vacant(entry) = rules.entry(of.showroom) {
            entry.insert(stores::split_rule_of(tx, of.showroom).await?);
        }
        let rule = rules.get(&of.showroom).and_then(Option::as_ref);
        let showroom_minor = rule.map_or(0, |rule| share(line.goods_minor, rule.showroom_ppm)).min(line.most_minor);
        let staff_minor = match of.staff {
            Some(_) => rule.map_or(0, |rule| share(showroom_minor, rule.staff_ppm)),
            None => 0,
        };
        sales.push(sale::Model {
            order_number: line.order.clone(),
            line: line.line,
            showroom_id: of.showroom,
            slot_id: Some(of.slot),
            staff_id: of.staff,
            offer_id: line.offer,
            seller_id: line.seller,
            quantity: line.quantity,
            goods_minor: line.goods_minor,
            currency: line.currency,
            showroom_minor,
            staff_minor,
            returned_minor: 0,
            returned: false,
            rule_version: rule.map_or(0, |rule| rule.version),
            paid_at: now,
        });
    }
    if sales.is_empty() {
        return Ok(());
    }
    let models = sales.iter().cloned().map(IntoActiveModel::into_active_model);
    sale::Entity::insert_many(models).exec_without_returning(tx).await?;
    let dues = sales.iter().map(|row| (row.showroom_id, row.seller_id, row.order_number.as_str(), row.showroom_minor));
    owe(tx, now, (payment, checkout), dues, "").await
}

/// The scans as they count now: who left the team since serves nobody any more.
async fn still_served(tx: &impl ConnectionTrait, rows: &[touch::Model]) -> Result<Vec<Touch>, Error> {
    let people = rows.iter().filter_map(|row| row.staff_id);
    let teams = team::Entity::find().filter(team::Column::PersonId.is_in(people)).all(tx).await?;
    let works = |showroom: ShowroomId, person: PersonId| {
        teams.iter().any(|row| row.showroom_id == showroom && row.person_id == person)
    };
    let read = |row: &touch::Model| Touch {
        showroom: row.showroom_id,
        slot: row.slot_id,
        product: row.product_id,
        staff: row.staff_id.filter(|person| works(row.showroom_id, *person)),
        at: row.at,
    };
    Ok(rows.iter().map(read).collect())
}

/// Posts what showrooms are owed of orders, or, below nothing, are not owed any more; once for each order and `key`.
async fn owe<'a>(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    (payment, document): (&payment::Model, &str),
    dues: impl Iterator<Item = (ShowroomId, OrganisationId, &'a str, i64)>,
    key: &str,
) -> Result<(), Error> {
    let mut sums: BTreeMap<(String, ShowroomId), (OrganisationId, i64)> = BTreeMap::new();
    for (showroom, seller, order, minor) in dues {
        sums.entry((order.to_owned(), showroom)).or_insert((seller, 0)).1 += minor;
    }
    let ids = sums.keys().map(|(_, showroom)| *showroom);
    let stores = store::Entity::find().filter(store::Column::Id.is_in(ids)).all(tx).await?;
    for ((order, showroom), (seller, minor)) in sums {
        let owner = stores.iter().find(|row| row.id == showroom).map(|row| row.organisation_id);
        let owner = owner.ok_or_else(|| Error::internal("a showroom is gone"))?;
        // What a seller shows in its own showroom is its own.
        if minor == 0 || owner == seller {
            continue;
        }
        let leg = |account, party, minor| Leg { account, party, minor };
        let from = vec![leg(Account::SellerDue, Some(seller), minor), leg(Account::Commission, None, -minor)];
        let to = vec![leg(Account::Commission, None, minor), leg(Account::SellerDue, Some(owner), -minor)];
        for (what, legs) in [("from", from), ("to", to)] {
            let posted = format!("showroom:{what}:{order}:{showroom}:{key}");
            ledger::post(tx, now, &Posting::of(payment, &posted, document), legs).await?;
        }
    }
    Ok(())
}

/// Whether the goods of an order that a showroom brought about may be handed over there; somebody of its team asks. What
/// the showroom did not bring about is not its business, and does not exist.
pub async fn may_hand_over(
    tx: &impl ConnectionTrait,
    viewer: &Viewer,
    now: DateTime<Utc>,
    id: ShowroomId,
    (order, mode): (&str, SupplyMode),
    lines: &[i32],
    from: Option<StockLocationId>,
) -> Result<(), Error> {
    let store = store_for(tx, viewer, Action::WorkShowrooms, id, "showroomId").await?;
    let sold = sale::Entity::find().filter(sale::Column::OrderNumber.eq(order)).filter(sale::Column::ShowroomId.eq(id));
    let sold = sold.all(tx).await?;
    if lines.is_empty() || lines.iter().any(|line| sold.iter().all(|row| row.line != *line)) {
        return Err(not_found("orderNumber", order));
    }
    for row in &sold {
        let shown = display::Entity::find()
            .filter(display::Column::ShowroomId.eq(id))
            .filter(display::Column::OfferId.eq(row.offer_id))
            .order_by_desc(display::Column::Id)
            .one(tx)
            .await?;
        let pattern = shown.map_or(StorePattern::ExperienceOrder, |row| row.pattern);
        let (allowed, source) = view::may_hand_over(tx, &store, pattern, mode, ZoneCapability::PickUp, now).await?;
        if !allowed {
            let refusal = Refusal::new(ErrorCode::NotAllowedHere).with("what", "PICK_UP").with("source", source);
            return Err(refusal.at("showroomId").into());
        }
    }
    // What lies in a warehouse elsewhere is not handed over here.
    let here = stores::hands_over_from(tx, id).await?;
    if from.is_some_and(|from| here.contains(&from)) {
        return Ok(());
    }
    let class = async_graphql::Value::from(UnitClass::BondedStock).to_string();
    Err(Refusal::new(ErrorCode::NotAllowedHere).with("what", class).with("source", "—").at("orderNumber").into())
}

/// Goods of an order came back, or it was taken back: so much of the goods of these lines. Once for each `key`.
pub async fn came_back(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    (payment, document): (PaymentId, &str),
    order: &str,
    lines: &[(i32, i64)],
    key: &str,
) -> Result<(), Error> {
    let rows = sale::Entity::find().filter(sale::Column::OrderNumber.eq(order)).all(tx).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let payment = payment::Entity::find_by_id(payment).one(tx).await?;
    let payment = payment.ok_or_else(|| Error::internal("a payment is gone"))?;
    let mut dues = Vec::new();
    for row in &rows {
        let back: i64 = lines.iter().filter(|(line, _)| *line == row.line).map(|(_, minor)| minor).sum();
        let after = row.returned_minor.saturating_add(back).min(row.goods_minor);
        if back == 0 || after == row.returned_minor {
            continue;
        }
        dues.push((
            row.showroom_id,
            row.seller_id,
            row.order_number.as_str(),
            -taken_off(row.showroom_minor, row.goods_minor, row.returned_minor, after),
        ));
        // What is left of the staff member's share is of the goods that are left.
        let staff = taken_off(row.staff_minor, row.goods_minor - row.returned_minor, 0, after - row.returned_minor);
        let changed = sale::Model {
            staff_minor: row.staff_minor - staff,
            returned_minor: after,
            returned: after >= row.goods_minor,
            ..row.clone()
        };
        let done = sale::Entity::update_many()
            .set(changed.into_active_model().reset_all())
            .filter(sale::Column::OrderNumber.eq(order))
            .filter(sale::Column::Line.eq(row.line))
            .filter(sale::Column::ReturnedMinor.eq(row.returned_minor))
            .exec(tx)
            .await?;
        if done.rows_affected != 1 {
            return Err(Error::Unavailable("the same line came back twice at once".into()));
        }
    }
    owe(tx, now, (&payment, document), dues.into_iter(), key).await
}
