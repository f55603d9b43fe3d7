//! In the showroom: onto the shelf; and how pieces leave it: sold, cleared, back to the zone, to another showroom,
//! lost.

use chrono::NaiveDate;
use entities::{
    inventory::{CustomsStatus, MoveReason},
    party::Action,
    showroom::{
        BondedDisplayCause, BondedDisplayState, BondedDisplayStep, UnitClass,
        bonded_display::{self, declaration_no, declare_by},
        display_guarantee::DisplayGuaranteeReason,
    },
    values::{
        ErrorCode, Refusal,
        id::{BondedDisplayId, ShowroomId, StockLocationId},
    },
};
use inventory::{
    ledger::Moving,
    ops::{customer_of, loss_of},
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found},
    graphql::encode,
};
use serde_json::json;

use super::{
    Said, begun, declared::one_year, document, go, guarantee, held, moved, moving, noted, number, open, place_of,
    store_for, written,
};

/// What should be back by now is neither shown nor sold nor sent on: it goes back, or is declared as lost.
fn in_time(work: &Work, row: &bonded_display::Model) -> Result<(), Error> {
    let today = business_day(work.now);
    if row.return_by >= today {
        return Ok(());
    }
    let (min, max) = (business_day(row.created_at).to_string(), row.return_by.to_string());
    Err(Refusal::new(ErrorCode::OutOfRange).with("min", min).with("max", max).at("id").into())
}

/// Pieces are put onto the shelf; those that were to go back stay after all. `quantity`: none: all of them.
pub async fn shelve(
    app: &App,
    call: &Call,
    id: BondedDisplayId,
    quantity: Option<i64>,
) -> Result<bonded_display::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, _) = held(&work, Action::WorkShowrooms, id).await?;
    in_time(&work, &row)?;
    let went = go(&work, &row, BondedDisplayStep::Shelve, quantity, Said::default()).await?;
    let after = written(&work, &row, row.clone()).await?;
    noted(&mut work, "shelveBondedDisplay", &after, json!({ "quantity": went.pieces }));
    work.commit(after).await
}

/// What is said of pieces that have to be declared from a day on.
fn to_declare(cause: BondedDisplayCause, document: &str, day: NaiveDate) -> Said {
    Said { cause: Some(cause), left_on: Some(day), declare_by: Some(declare_by(day)), ..Said::under(document) }
}

/// Pieces are sold at the counter: they go to the customer under customs status BONDED, because their taxes are not
/// paid, and are to be declared by the earlier of 30 days and the end of the year.
pub async fn sell(
    app: &App,
    call: &Call,
    id: BondedDisplayId,
    quantity: i64,
    receipt: &str,
) -> Result<bonded_display::Model, Error> {
    let receipt = document(receipt)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, store) = held(&work, Action::WorkShowrooms, id).await?;
    in_time(&work, &row)?;
    let said = to_declare(BondedDisplayCause::Sale, &receipt, business_day(work.now));
    let went = go(&work, &row, BondedDisplayStep::Sell, Some(quantity), said).await?;
    let shelf = place_of(work.tx(), &store, UnitClass::BondedDisplay).await?;
    let customer = customer_of(work.tx(), work.now, row.organisation_id).await?;
    let to = (customer, CustomsStatus::Bonded);
    moved(&work, &[moving(&row, shelf, to, went.pieces, MoveReason::Shipment, &receipt)]).await?;
    let after = written(&work, &row, row.clone()).await?;
    let shown = json!({ "quantity": went.pieces, "document": receipt, "declareBy": went.part.declare_by });
    noted(&mut work, "sellBondedDisplay", &after, shown);
    work.commit(after).await
}

/// Pieces are declared as general trade to be sold as goods whose duty is paid. They stay where they are until that is
/// done ([`super::declared::close`]).
pub async fn clear(
    app: &App,
    call: &Call,
    id: BondedDisplayId,
    quantity: i64,
    declaration: &str,
) -> Result<bonded_display::Model, Error> {
    let declaration = declaration_no(declaration).map_err(|refusal| refusal.at("declarationNumber"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, _) = held(&work, Action::KeepShowrooms, id).await?;
    let today = business_day(work.now);
    one_year(&work, &declaration, [today]).await.map_err(|error| error.at("declarationNumber"))?;
    let said = Said {
        cause: Some(BondedDisplayCause::Clearance),
        left_on: Some(today),
        declaration_no: Some(declaration.clone()),
        ..Said::under(&declaration)
    };
    let went = go(&work, &row, BondedDisplayStep::Clear, Some(quantity), said).await?;
    let after = written(&work, &row, row.clone()).await?;
    let shown = json!({ "quantity": went.pieces, "declarationNumber": declaration });
    noted(&mut work, "clearBondedDisplay", &after, shown);
    work.commit(after).await
}

/// Applies for pieces to go back into the zone. `quantity`: none: all that are out.
pub async fn apply_return(
    app: &App,
    call: &Call,
    id: BondedDisplayId,
    quantity: Option<i64>,
    application_no: &str,
) -> Result<bonded_display::Model, Error> {
    let application_no = number(application_no, "applicationNumber")?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, _) = held(&work, Action::KeepShowrooms, id).await?;
    let went = go(&work, &row, BondedDisplayStep::ApplyReturn, quantity, Said::under(&application_no)).await?;
    let after = written(&work, &row, row.clone()).await?;
    let shown = json!({ "quantity": went.pieces, "applicationNumber": application_no });
    noted(&mut work, "applyBondedDisplayReturn", &after, shown);
    work.commit(after).await
}

/// Pieces are back through the gate, in the warehouse that they came from: their guarantee is free again. `quantity`:
/// none: all that were to go back.
pub async fn gate_in(
    app: &App,
    call: &Call,
    id: BondedDisplayId,
    quantity: Option<i64>,
    inbound_no: &str,
    pass_no: &str,
) -> Result<bonded_display::Model, Error> {
    let inbound_no = number(inbound_no, "inboundNumber")?;
    let pass_no = number(pass_no, "passNumber")?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, store) = held(&work, Action::KeepShowrooms, id).await?;
    let said = Said::under(&format!("{inbound_no} / {pass_no}"));
    let went = go(&work, &row, BondedDisplayStep::GateIn, quantity, said).await?;
    let (reason, key) = (DisplayGuaranteeReason::Returned, format!("return:{}", went.part.id));
    guarantee::freed(&work, &row, went.freed, reason, &inbound_no, key).await?;
    let shelf = place_of(work.tx(), &store, UnitClass::BondedDisplay).await?;
    let to = (row.from_id, CustomsStatus::Bonded);
    moved(&work, &[moving(&row, shelf, to, went.pieces, MoveReason::Transfer, &inbound_no)]).await?;
    let after = written(&work, &row, row.clone()).await?;
    let shown = json!({ "quantity": went.pieces, "inboundNumber": inbound_no, "passNumber": pass_no });
    noted(&mut work, "gateInBondedDisplay", &after, shown);
    work.commit(after).await
}

/// Pieces go on to another showroom of the organisation, by a transfer document: they are a bonded display of their own
/// there, under the same papers and the same last day, and bind the guarantee as before. Answers with that one.
pub async fn transfer(
    app: &App,
    call: &Call,
    id: BondedDisplayId,
    quantity: i64,
    showroom: ShowroomId,
    said: &str,
) -> Result<bonded_display::Model, Error> {
    let said = document(said)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, store) = held(&work, Action::KeepShowrooms, id).await?;
    let there = store_for(work.tx(), &call.viewer, Action::KeepShowrooms, showroom, "toShowroomId").await?;
    if there.organisation_id != row.organisation_id {
        return Err(not_found("toShowroomId", encode(showroom).as_str()));
    }
    if there.id == store.id {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "from = to").at("toShowroomId").into());
    }
    open(&there, "TRANSFER", "toShowroomId")?;
    in_time(&work, &row)?;
    let went = go(&work, &row, BondedDisplayStep::Transfer, Some(quantity), Said::under(&said)).await?;
    let shelf = place_of(work.tx(), &store, UnitClass::BondedDisplay).await?;
    let to = (place_of(work.tx(), &there, UnitClass::BondedDisplay).await?, CustomsStatus::Bonded);
    moved(&work, &[moving(&row, shelf, to, went.pieces, MoveReason::Transfer, &said)]).await?;
    let other = bonded_display::Model {
        id: BondedDisplayId::new(work.now),
        showroom_id: there.id,
        origin_id: Some(id),
        quantity: went.pieces,
        version: 1,
        created_by: work.viewer().subject(),
        created_at: work.now,
        ..row.clone()
    };
    begun(&work, &other, BondedDisplayState::GateOut, BondedDisplayStep::Arrive, &said).await?;
    let after = written(&work, &row, row.clone()).await?;
    let shown = json!({ "quantity": went.pieces, "document": said, "to": encode(other.id).0 });
    noted(&mut work, "transferBondedDisplay", &after, shown);
    work.commit(other).await
}

/// Pieces are damaged or lost: they are taxed as if they had been imported, and bind the guarantee until that is paid.
/// Or force majeure took them: then customs decides first. What is lost is gone at once; what is damaged, or waits for
/// customs, stays where it is.
pub async fn lose(
    app: &App,
    call: &Call,
    id: BondedDisplayId,
    quantity: i64,
    cause: BondedDisplayCause,
    report: &str,
) -> Result<bonded_display::Model, Error> {
    let report = document(report)?;
    let step = match cause {
        BondedDisplayCause::Damage => BondedDisplayStep::Damage,
        BondedDisplayCause::Loss => BondedDisplayStep::Lose,
        BondedDisplayCause::ForceMajeure => BondedDisplayStep::Destroy,
        BondedDisplayCause::Sale | BondedDisplayCause::Clearance => {
            let name = async_graphql::Value::from(cause).to_string();
            return Err(Refusal::new(ErrorCode::InvalidValue).with("value", name).at("cause").into());
        }
    };
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, store) = held(&work, Action::KeepShowrooms, id).await?;
    let today = business_day(work.now);
    let said = match cause {
        BondedDisplayCause::ForceMajeure => Said { cause: Some(cause), left_on: Some(today), ..Said::under(&report) },
        _ => to_declare(cause, &report, today),
    };
    let went = go(&work, &row, step, Some(quantity), said).await?;
    if cause == BondedDisplayCause::Loss {
        let shelf = place_of(work.tx(), &store, UnitClass::BondedDisplay).await?;
        let move_out = gone(&work, &row, shelf, went.pieces, &report).await?;
        moved(&work, &[move_out]).await?;
    }
    let after = written(&work, &row, row.clone()).await?;
    let shown = json!({ "quantity": went.pieces, "cause": cause, "document": report });
    noted(&mut work, "reportBondedDisplayLoss", &after, shown);
    work.commit(after).await
}

/// The move of pieces that are not there any more.
pub(super) async fn gone(
    work: &Work,
    row: &bonded_display::Model,
    shelf: StockLocationId,
    pieces: i64,
    document: &str,
) -> Result<Moving, Error> {
    let loss = loss_of(work.tx(), work.now, row.organisation_id).await?;
    Ok(moving(row, shelf, (loss, CustomsStatus::Bonded), pieces, MoveReason::WriteOff, document))
}
