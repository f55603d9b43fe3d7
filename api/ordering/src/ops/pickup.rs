//! Goods of an order are handed over in the showroom that brought it about (自提): where the zone's policy, or the law, lets
//! bonded goods be picked up, once customs released them, to the person who ordered them and shows the card.

use entities::{
    catalog::SupplyMode,
    ordering::{OrderStep, checkout, order, order_line, pricing::is_import},
    values::{ErrorCode, Refusal, ResidentId, id::ShowroomId},
};
use party::ops::identities;
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::orders::{sent_off, step};
use crate::{clearance, parcels};

/// Whether whoever takes the goods is who ordered them: by the card that is shown, whose number nobody keeps. An order that
/// no person placed with a number is not handed over so.
async fn is_buyer(app: &App, work: &Work, row: &order::Model, shown: Option<&str>) -> Result<(), Error> {
    let shown = shown.map(str::trim).filter(|text| !text.is_empty());
    let shown = shown.ok_or_else(|| Refusal::new(ErrorCode::Required).at("residentId"))?;
    let of = checkout::Entity::find_by_id(row.checkout_id).one(work.tx()).await?;
    let known = of.and_then(|row| row.buyer_lookup);
    // One answer for what is no number and what is another's.
    let number = ResidentId::parse_at(shown, business_day(work.now)).ok();
    let same = number.is_some_and(|number| Some(identities::lookup(app.vault(), number.reveal())) == known);
    if same { Ok(()) } else { Err(Refusal::new(ErrorCode::WrongPerson).at("residentId").into()) }
}

/// Hands an order over: it leaves the warehouse without a parcel, and is complete. Whoever does so sees nothing of the
/// buyer but the number that is shown.
pub async fn hand_over(
    app: &App,
    call: &Call,
    at: ShowroomId,
    number: &str,
    resident_id: Option<&str>,
) -> Result<order::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let number = number.trim();
    let row = order::Entity::find().filter(order::Column::Number.eq(number)).one(work.tx()).await?;
    let mode = row.as_ref().map_or(SupplyMode::Domestic, |row| row.supply_mode);
    let lines: Vec<i32> = match &row {
        Some(row) => {
            let of = order_line::Entity::find().filter(order_line::Column::OrderId.eq(row.id));
            of.all(work.tx()).await?.into_iter().map(|line| line.number).collect()
        }
        None => Vec::new(),
    };
    let from = row.as_ref().and_then(|row| row.location_id);
    let (tx, viewer) = (work.tx(), &call.viewer);
    showroom::attribution::may_hand_over(tx, viewer, work.now, at, (number, mode), &lines, from).await?;
    let row = row.ok_or_else(|| not_found("orderNumber", number))?;
    if is_import(row.supply_mode) {
        clearance::may_go(work.tx(), &row).await.map_err(|error| error.of("orderNumber"))?;
        is_buyer(app, &work, &row, resident_id).await?;
    }
    if parcels::is_out(work.tx(), &row).await? {
        return Err(OrderStep::Ship.refused(row.state).at("orderNumber").into());
    }
    if is_import(row.supply_mode) {
        // The declaration first, as everyone locks.
        customs::lists::lock_document(work.tx(), &row.number).await?;
    }
    logistics::ops::cancel(&mut work, &row.number).await?;
    let sent = sent_off(&mut work, &row, "PICK_UP").await?;
    let after = step(&mut work, &sent, OrderStep::Complete, Some("PICK_UP")).await?;
    if is_import(row.supply_mode) {
        let at = work.now;
        customs::underway::signed_for(app, &mut work, &row.number, at).await?;
    }
    let shown = serde_json::json!({ "number": after.number, "state": after.state });
    work.audit(Some(after.seller_id), "handOverOrder", encode(after.id).0, serde_json::Value::Null, shown);
    work.commit(after).await
}
