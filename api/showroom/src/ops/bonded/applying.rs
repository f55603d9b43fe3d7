//! Until a bonded display is in its showroom: applied for, guaranteed, out of the gate; put off, or given up.

use chrono::NaiveDate;
use entities::{
    catalog::variant,
    inventory::{CustomsStatus, MoveReason, ReservationKind, ReservationStep, balance},
    party::Action,
    showroom::{
        BondedDisplayState, BondedDisplayStep, UnitClass,
        bonded_display::{self, FullTax, latest_return},
        display_guarantee::DisplayGuaranteeReason,
    },
    trade::tariff::row_on,
    values::{
        Currency, ErrorCode, Money, Refusal,
        id::{BondedDisplayId, ShowroomId, StockBalanceId, VariantId},
    },
};
use inventory::{
    ops::own_bonded,
    promises::{self, Purpose},
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::json;
use trade::tariffs;

use super::{
    Said, begun, document, go,
    guarantee::{self, Change},
    held, moved, moving, noted, number, open, parts_of, place_of, store_for, told, unfit, unlined, written,
};

/// What is to go out.
#[derive(Clone, Debug)]
pub struct Asked {
    /// To which showroom.
    pub showroom: ShowroomId,
    /// Of which balance of a bonded warehouse.
    pub balance: StockBalanceId,
    /// How many pieces.
    pub quantity: i64,
    /// The dutiable price of a piece.
    pub unit_price: Money,
    /// The last day on which they may be out.
    pub return_by: NaiveDate,
    /// The application to customs (业务申报表).
    pub application_no: String,
}

fn days(from: NaiveDate, until: NaiveDate) -> Refusal {
    Refusal::new(ErrorCode::OutOfRange).with("min", from.to_string()).with("max", until.to_string())
}

/// What a piece of a variant is taxed with in full on a day.
async fn taxed(
    tx: &impl ConnectionTrait,
    variant: VariantId,
    unit_price_minor: i64,
    day: NaiveDate,
) -> Result<FullTax, Error> {
    let row = variant::Entity::find_by_id(variant).one(tx).await?;
    let row = row.ok_or_else(|| Error::internal("the variant of a balance is gone"))?;
    let tariffs = tariffs::rows_for(tx, std::slice::from_ref(&row.hs_code), day).await?;
    let tariff = row_on(&tariffs, &row.hs_code, day)?;
    Ok(FullTax::of(tariff, unit_price_minor, &row.contents())?)
}

/// Applies for a bonded display: the goods are promised in their warehouse from here on.
pub async fn apply(app: &App, call: &Call, asked: &Asked) -> Result<bonded_display::Model, Error> {
    let application_no = number(&asked.application_no, "applicationNumber")?;
    if asked.unit_price.currency != Currency::CNY {
        let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", asked.unit_price.currency.code());
        return Err(refusal.at("unitPrice").into());
    }
    if asked.unit_price.minor == 0 {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "0.01").with("max", Money::MAX_MINOR.to_string());
        return Err(range.at("unitPrice").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let store = store_for(work.tx(), &call.viewer, Action::KeepShowrooms, asked.showroom, "showroomId").await?;
    open(&store, "APPLY", "showroomId")?;
    let today = business_day(work.now);
    if !(today..=latest_return(today)).contains(&asked.return_by) {
        return Err(days(today, latest_return(today)).at("returnBy").into());
    }
    let from = balance::Entity::find_by_id(asked.balance).one(work.tx()).await?;
    let own = |row: &balance::Model| row.owner_id == store.organisation_id && row.status == CustomsStatus::Bonded;
    let from = from.filter(own).ok_or_else(|| not_found("balanceId", encode(asked.balance).as_str()))?;
    own_bonded(work.tx(), store.organisation_id, from.location_id, "balanceId").await?;
    let tax = taxed(work.tx(), from.variant_id, asked.unit_price.minor, today).await?;
    tax.times(asked.quantity.max(0))?;
    let row = bonded_display::Model {
        id: BondedDisplayId::new(work.now),
        organisation_id: store.organisation_id,
        showroom_id: store.id,
        origin_id: None,
        from_id: from.location_id,
        variant_id: from.variant_id,
        lot_id: from.lot_id,
        quantity: asked.quantity,
        unit_price_minor: asked.unit_price.minor,
        duty_minor: tax.duty_minor,
        consumption_minor: tax.consumption_minor,
        vat_minor: tax.vat_minor,
        taxed_on: today,
        application_no,
        outbound_no: None,
        pass_no: None,
        return_by: asked.return_by,
        extension_no: None,
        version: 1,
        created_by: work.viewer().subject(),
        created_at: work.now,
        gated_out_at: None,
    };
    promised(&work, &row, &from).await?;
    begun(&work, &row, BondedDisplayState::Applied, BondedDisplayStep::Apply, &row.application_no).await?;
    let shown = json!({ "quantity": row.quantity, "applicationNumber": row.application_no });
    noted(&mut work, "applyBondedDisplay", &row, shown);
    work.commit(row).await
}

/// Promises the goods of an application, until they leave or it is given up.
async fn promised(work: &Work, row: &bonded_display::Model, from: &balance::Model) -> Result<(), Error> {
    let held = row.hold();
    let until = work.now + chrono::Duration::minutes(1);
    let purpose = Purpose { kind: ReservationKind::Display, document: &held, key: &held, until };
    let lines = [(from.clone(), row.quantity)];
    promises::hold_these(work.tx(), work.now, &lines, purpose).await.map_err(unlined)?;
    promises::confirm_all(work.tx(), work.now, &held).await?;
    Ok(())
}

/// Locks the guarantee for a bonded display: all taxes of all its pieces by the tariff of today.
pub async fn lock_guarantee(app: &App, call: &Call, id: BondedDisplayId) -> Result<bonded_display::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, _) = held(&work, Action::KeepShowrooms, id).await?;
    let went = go(&work, &row, BondedDisplayStep::Lock, None, Said::under(&row.application_no)).await?;
    let today = business_day(work.now);
    let tax = taxed(work.tx(), row.variant_id, row.unit_price_minor, today).await?;
    let change = Change {
        organisation: row.organisation_id,
        reason: DisplayGuaranteeReason::Locked,
        used_minor: tax.times(went.pieces)?,
        display: Some(id),
        document: &row.application_no,
        key: format!("lock:{id}"),
    };
    guarantee::changed(&work, change).await?;
    let after = bonded_display::Model {
        duty_minor: tax.duty_minor,
        consumption_minor: tax.consumption_minor,
        vat_minor: tax.vat_minor,
        taxed_on: today,
        ..row.clone()
    };
    let after = written(&work, &row, after).await?;
    noted(&mut work, "lockBondedDisplay", &after, json!({ "tax": tax.total_minor(), "quantity": went.pieces }));
    work.commit(after).await
}

/// The goods of a bonded display leave the zone and are in the showroom.
pub async fn gate_out(
    app: &App,
    call: &Call,
    id: BondedDisplayId,
    outbound_no: &str,
    pass_no: &str,
) -> Result<bonded_display::Model, Error> {
    let outbound_no = number(outbound_no, "outboundNumber")?;
    let pass_no = number(pass_no, "passNumber")?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, store) = held(&work, Action::KeepShowrooms, id).await?;
    open(&store, "GATE_OUT", "id")?;
    let said = Said::under(&format!("{outbound_no} / {pass_no}"));
    let went = go(&work, &row, BondedDisplayStep::GateOut, None, said).await?;
    let today = business_day(work.now);
    if row.return_by < today {
        return Err(days(today, latest_return(today)).at("id").into());
    }
    // Before two balances of one owner are locked one after the other.
    guarantee::locked(work.tx(), row.organisation_id).await?;
    promises::let_go(work.tx(), work.now, &row.hold(), ReservationStep::Release).await?;
    let shelf = place_of(work.tx(), &store, UnitClass::BondedDisplay).await?;
    let to = (shelf, CustomsStatus::Bonded);
    moved(&work, &[moving(&row, row.from_id, to, went.pieces, MoveReason::Transfer, &outbound_no)]).await?;
    let after = bonded_display::Model {
        outbound_no: Some(outbound_no),
        pass_no: Some(pass_no),
        gated_out_at: Some(work.now),
        ..row.clone()
    };
    let after = written(&work, &row, after).await?;
    let shown = json!({ "outboundNumber": after.outbound_no, "passNumber": after.pass_no });
    noted(&mut work, "gateOutBondedDisplay", &after, shown);
    work.commit(after).await
}

/// Gives a bonded display up before it left the warehouse: goods and guarantee are free again.
pub async fn cancel(app: &App, call: &Call, id: BondedDisplayId) -> Result<bonded_display::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, _) = held(&work, Action::KeepShowrooms, id).await?;
    let went = go(&work, &row, BondedDisplayStep::Cancel, None, Said::under(&row.application_no)).await?;
    let reason = DisplayGuaranteeReason::Cancelled;
    guarantee::freed(&work, &row, went.freed, reason, &row.application_no, format!("cancel:{id}")).await?;
    promises::let_go(work.tx(), work.now, &row.hold(), ReservationStep::Release).await?;
    let after = written(&work, &row, row.clone()).await?;
    noted(&mut work, "cancelBondedDisplay", &after, json!({ "quantity": went.pieces }));
    work.commit(after).await
}

/// Puts the last day of a bonded display off, once, by a document of customs.
pub async fn extend(
    app: &App,
    call: &Call,
    id: BondedDisplayId,
    return_by: NaiveDate,
    said: &str,
) -> Result<bonded_display::Model, Error> {
    let said = document(said)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, _) = held(&work, Action::KeepShowrooms, id).await?;
    if row.extension_no.is_some() {
        return Err(unfit("EXTENDED", "EXTEND").at("id").into());
    }
    let parts = parts_of(work.tx(), id).await?;
    let out: i64 = parts.iter().filter(|part| part.state.is_out()).map(|part| part.quantity).sum();
    if out == 0 {
        let state = parts.iter().filter(|part| part.quantity > 0).map(|part| part.state).max();
        return Err(unfit(&state.map(BondedDisplayState::name).unwrap_or_default(), "EXTEND").at("id").into());
    }
    let first = row.return_by.succ_opt().unwrap_or(row.return_by);
    if !(first..=latest_return(row.return_by)).contains(&return_by) {
        return Err(days(first, latest_return(row.return_by)).at("returnBy").into());
    }
    told(&work, id, None, BondedDisplayStep::Extend, out, Some(said.clone())).await?;
    let after = bonded_display::Model { return_by, extension_no: Some(said), ..row.clone() };
    let after = written(&work, &row, after).await?;
    let shown = json!({ "returnBy": after.return_by, "document": after.extension_no });
    noted(&mut work, "extendBondedDisplay", &after, shown);
    work.commit(after).await
}
