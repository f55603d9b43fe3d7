//! Pieces that do not come back: declared as general trade, many under one number (集中申报), their taxes paid, written off
//! by customs; and what force majeure took, about which customs decides.
//!
//! Who applies for bonded displays does not let its own guarantee go: that taxes were paid, and what customs decided,
//! is noted by who keeps the zone's guarantees.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate};
use entities::{
    inventory::MoveReason,
    party::{Action, Resource},
    showroom::{
        BondedDisplayCause, BondedDisplayStep, UnitClass,
        bonded_display::{self, declaration_no, declare_by},
        bonded_part,
        display_guarantee::DisplayGuaranteeReason,
        store,
    },
    values::{
        ErrorCode, Refusal,
        id::{BondedDisplayId, BondedDisplayPartId},
    },
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::{
    document, guarantee, leaving::gone, locked, moved, moving, number, part_written, place_of, store_for, told,
};

/// Most parts of one declaration.
const MOST_PARTS: usize = 100;

/// Under one number goes what was sold in one year (年底前集中申报).
pub(super) async fn one_year(
    work: &Work,
    declaration: &str,
    days: impl IntoIterator<Item = NaiveDate>,
) -> Result<(), Error> {
    let before = bonded_part::Entity::find()
        .filter(bonded_part::Column::DeclarationNo.eq(declaration))
        .order_by_asc(bonded_part::Column::Id)
        .one(work.tx())
        .await?;
    let before = before.and_then(|part| part.left_on);
    let years: BTreeSet<i32> = days.into_iter().chain(before).map(|day| day.year()).collect();
    if years.len() <= 1 {
        return Ok(());
    }
    let shown = years.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
    Err(Refusal::new(ErrorCode::InvalidValue).with("value", shown).into())
}

/// A part, and what it is a part of.
pub type PartOf = (bonded_display::Model, bonded_part::Model);

fn unknown(id: BondedDisplayPartId) -> Error {
    not_found("partIds", encode(id).as_str())
}

/// The parts that an input names, in its order, with their bonded displays, which are locked.
async fn named(work: &Work, ids: &[BondedDisplayPartId]) -> Result<Vec<PartOf>, Error> {
    let refused = |refusal: Refusal| Error::from(refusal.at("partIds"));
    if ids.is_empty() {
        return Err(refused(Refusal::new(ErrorCode::Required)));
    }
    if ids.len() > MOST_PARTS {
        return Err(refused(Refusal::new(ErrorCode::TooMany).with("max", MOST_PARTS.to_string())));
    }
    let twice = ids.iter().enumerate().find(|(n, id)| ids.iter().take(*n).any(|other| other == *id));
    if let Some((_, id)) = twice {
        return Err(refused(Refusal::new(ErrorCode::Duplicate).with("value", encode(*id).0)));
    }
    let find = || bonded_part::Entity::find().filter(bonded_part::Column::Id.is_in(ids.iter().copied()));
    let of: Vec<BondedDisplayId> = find().all(work.tx()).await?.iter().map(|part| part.display_id).collect();
    let displays: BTreeMap<BondedDisplayId, bonded_display::Model> =
        locked(work.tx(), &of).await?.into_iter().map(|row| (row.id, row)).collect();
    // Somebody may have taken a step before they were locked.
    let parts = find().order_by_asc(bonded_part::Column::Id).all(work.tx()).await?;
    let part = |id: &BondedDisplayPartId| {
        let part = parts.iter().find(|part| part.id == *id)?;
        Some((displays.get(&part.display_id)?.clone(), part.clone()))
    };
    ids.iter().map(|id| part(id).ok_or_else(|| unknown(*id))).collect()
}

/// The same of showrooms in which the viewer may do this. What is somebody else's does not exist.
async fn own(work: &Work, action: Action, ids: &[BondedDisplayPartId]) -> Result<Vec<PartOf>, Error> {
    let parts = named(work, ids).await?;
    let mut looked_at = Vec::new();
    for (row, part) in &parts {
        if looked_at.contains(&row.showroom_id) {
            continue;
        }
        match store_for(work.tx(), work.viewer(), action, row.showroom_id, "partIds").await {
            Ok(store) => looked_at.push(store.id),
            Err(Error::Refused(_)) => return Err(unknown(part.id)),
            Err(error) => return Err(error),
        }
    }
    Ok(parts)
}

/// A step of a whole part.
async fn step(
    work: &Work,
    (row, part): &PartOf,
    step: BondedDisplayStep,
    after: bonded_part::Model,
    document: &str,
) -> Result<PartOf, Error> {
    let state = step.from(part.state).map_err(|refusal| refusal.at("partIds"))?;
    let after = part_written(work, part, bonded_part::Model { state, ..after }).await?;
    told(work, row.id, Some(part.id), step, part.quantity, Some(document.to_owned())).await?;
    Ok((row.clone(), after))
}

fn noted(work: &mut Work, action: &'static str, parts: &[PartOf], shown: &Value) {
    for (row, part) in parts {
        let shown = json!({ "quantity": part.quantity, "state": part.state, "said": shown });
        work.audit(Some(row.organisation_id), action, encode(part.id).0, Value::Null, shown);
    }
}

/// Declares what was sold, damaged or lost as general trade, all under one number: what left the shelf in one calendar year
/// only, because a concentrated declaration does not cross it. What comes after its day is declared all the same, and the
/// audit says that it was late.
pub async fn declare(
    app: &App,
    call: &Call,
    ids: &[BondedDisplayPartId],
    declaration: &str,
) -> Result<Vec<PartOf>, Error> {
    let declaration = declaration_no(declaration).map_err(|refusal| refusal.at("declarationNumber"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let parts = own(&work, Action::KeepShowrooms, ids).await?;
    let days = parts.iter().filter_map(|(_, part)| part.left_on);
    one_year(&work, &declaration, days).await.map_err(|error| error.at("partIds"))?;
    let today = business_day(work.now);
    let late = parts.iter().any(|(_, part)| part.declare_by.is_some_and(|by| by < today));
    let mut done = Vec::with_capacity(parts.len());
    for one in &parts {
        let after = bonded_part::Model { declaration_no: Some(declaration.clone()), ..one.1.clone() };
        done.push(step(&work, one, BondedDisplayStep::Declare, after, &declaration).await?);
    }
    noted(&mut work, "declareBondedDisplay", &done, &json!({ "number": declaration, "late": late }));
    work.commit(done).await
}

/// Notes that the taxes of what was declared are paid: their guarantee is free again.
pub async fn pay(app: &App, call: &Call, ids: &[BondedDisplayPartId], payment: &str) -> Result<Vec<PartOf>, Error> {
    call.may(Action::KeepGuarantees, Resource::OWN)?;
    let payment = number(payment, "paymentNumber")?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let mut parts = named(&work, ids).await?;
    // Guarantees are locked in one order.
    parts.sort_by_key(|(row, part)| (row.organisation_id, part.id));
    let mut done = Vec::with_capacity(parts.len());
    for one in &parts {
        let (row, part) = one;
        let after = bonded_part::Model { payment_no: Some(payment.clone()), ..part.clone() };
        done.push(step(&work, one, BondedDisplayStep::Pay, after, &payment).await?);
        let key = format!("pay:{}", part.id);
        guarantee::freed(&work, row, part.quantity, DisplayGuaranteeReason::Paid, &payment, key).await?;
    }
    noted(&mut work, "payBondedDisplayTax", &done, &json!(payment));
    work.commit(done).await
}

/// Customs wrote off pieces whose taxes are paid. Those that were cleared for sale go into the back room as goods whose
/// duty is paid, and damaged ones to what is damaged: by the number of their declaration, which is what customs let
/// them go under.
pub async fn close(
    app: &App,
    call: &Call,
    ids: &[BondedDisplayPartId],
    verification: &str,
) -> Result<Vec<PartOf>, Error> {
    let verification = number(verification, "verificationNumber")?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let parts = own(&work, Action::KeepShowrooms, ids).await?;
    let (mut done, mut moves) = (Vec::with_capacity(parts.len()), Vec::new());
    for one in &parts {
        let (row, part) = one;
        done.push(step(&work, one, BondedDisplayStep::Close, part.clone(), &verification).await?);
        let class = match part.cause {
            Some(BondedDisplayCause::Clearance) => UnitClass::Saleable,
            Some(BondedDisplayCause::Damage) => UnitClass::Damaged,
            _ => continue,
        };
        let store = showroom_of(&work, row).await?;
        let from = place_of(work.tx(), &store, UnitClass::BondedDisplay).await?;
        let to = (place_of(work.tx(), &store, class).await?, class.status());
        let release = part.declaration_no.as_deref();
        let release = release.ok_or_else(|| Error::internal("what is closed was never declared"))?;
        moves.push(moving(row, from, to, part.quantity, MoveReason::Clearance, release));
    }
    moved(&work, &moves).await?;
    noted(&mut work, "closeBondedDisplay", &done, &json!(verification));
    work.commit(done).await
}

async fn showroom_of(work: &Work, row: &bonded_display::Model) -> Result<store::Model, Error> {
    let store = store::Entity::find_by_id(row.showroom_id).one(work.tx()).await?;
    store.ok_or_else(|| Error::internal("the showroom of a bonded display is gone"))
}

/// What customs decided about pieces that force majeure took: they are written off and their guarantee is free again,
/// or they are taxed as if they had been imported. Either way they are gone.
pub async fn decide(
    app: &App,
    call: &Call,
    ids: &[BondedDisplayPartId],
    written_off: bool,
    said: &str,
) -> Result<Vec<PartOf>, Error> {
    call.may(Action::KeepGuarantees, Resource::OWN)?;
    let said = document(said)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let mut parts = named(&work, ids).await?;
    parts.sort_by_key(|(row, part)| (row.organisation_id, part.id));
    let today = business_day(work.now);
    let mut done = Vec::with_capacity(parts.len());
    for one in &parts {
        let (row, part) = one;
        if written_off {
            done.push(step(&work, one, BondedDisplayStep::WriteOff, part.clone(), &said).await?);
            let key = format!("write-off:{}", part.id);
            guarantee::freed(&work, row, part.quantity, DisplayGuaranteeReason::WrittenOff, &said, key).await?;
        } else {
            let after = bonded_part::Model {
                cause: Some(BondedDisplayCause::Loss),
                left_on: Some(today),
                declare_by: Some(declare_by(today)),
                ..part.clone()
            };
            done.push(step(&work, one, BondedDisplayStep::RefuseWriteOff, after, &said).await?);
        }
    }
    // Balances come after all guarantees.
    let mut moves = Vec::with_capacity(parts.len());
    for (row, part) in &parts {
        let shelf = place_of(work.tx(), &showroom_of(&work, row).await?, UnitClass::BondedDisplay).await?;
        moves.push(gone(&work, row, shelf, part.quantity, &said).await?);
    }
    moved(&work, &moves).await?;
    noted(&mut work, "decideBondedDisplayLoss", &done, &json!(said));
    work.commit(done).await
}
