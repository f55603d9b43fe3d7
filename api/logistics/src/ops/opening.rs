//! What rooms above do with the shipment of a document, in their own transaction.

use chrono::{DateTime, Utc};
use entities::{
    logistics::{
        Adapter, BizStep, Booking, HoldReason, ShipmentState, ShipmentStep, TrackingEventType, TransportMode, carrier,
        cold::{MEASURED, Range},
        hold as row, leg,
        shipment::{self, Line, Lines},
        waybill,
    },
    party::OrganisationRole,
    values::{
        Consignee, ErrorCode, Refusal, Refusals,
        id::{OrganisationId, PersonId, ShipmentId, ShipmentLegId, StockLocationId},
        refusal::Check,
    },
};
use party::ops::organisations;
use platform::{
    app::{App, Work},
    db::wrote,
    error::Error,
    graphql::encode,
    vault,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::{consignee_place, house_event, of_document, told, written};
use crate::{
    jobs::{Book, CallOff},
    ops::holds,
    setting,
};

/// Longest name of a document: a job's aggregate holds it.
const LONGEST_DOCUMENT: usize = 64;
/// The heaviest that anything may be, in grams: a hundred tons.
pub(super) const HEAVIEST_G: i64 = 100_000_000;
/// Most lines of a shipment.
const MAX_LINES: usize = 1_000;

/// A shipment that is to be made.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// The document that it carries out; each has one shipment.
    pub document: &'a str,
    /// Whose goods they are.
    pub owner: OrganisationId,
    /// The organisation that gets them; none: a person does.
    pub buyer: Option<OrganisationId>,
    /// The person who gets them, and may see where they are.
    pub person: Option<PersonId>,
    /// Who carries them.
    pub carrier: OrganisationId,
    /// How.
    pub mode: TransportMode,
    /// From which location of stock.
    pub from: Option<StockLocationId>,
    /// From where, as a division or UN/LOCODE; empty: not said.
    pub origin: &'a str,
    /// To where, likewise.
    pub destination: &'a str,
    /// What it should weigh, in grams.
    pub gross_weight_g: i64,
    /// Who takes it in.
    pub consignee: &'a Consignee,
    /// What is in it.
    pub lines: &'a [Line],
    /// Whether customs has to release it first; then it is one list, so one unit.
    pub needs_release: bool,
    /// What temperature the goods take.
    pub temperature: Option<Range>,
    /// Until when it is promised.
    pub promised_at: Option<DateTime<Utc>>,
}

/// Whether an organisation carries for others.
pub(super) async fn carries(db: &impl ConnectionTrait, id: OrganisationId) -> Result<(), Error> {
    if organisations::has_role(db, id, OrganisationRole::Logistics).await? {
        return Ok(());
    }
    let refusal = Refusal::new(ErrorCode::WrongRole).with("value", encode(id).0).with("role", "LOGISTICS");
    Err(refusal.at("carrierId").into())
}

/// A range of temperature that can be meant.
pub(super) fn fit_range(range: Range) -> Result<Range, Refusal> {
    let fits = MEASURED.contains(&range.min) && MEASURED.contains(&range.max) && range.min <= range.max;
    if fits && (0..=10_000).contains(&range.allowed_minutes) {
        return Ok(range);
    }
    let refusal = Refusal::new(ErrorCode::OutOfRange).with("min", MEASURED.start().to_string());
    Err(refusal.with("max", MEASURED.end().to_string()))
}

/// A weight that can be meant.
pub(super) fn fit_weight(grams: i64) -> Result<i64, Refusal> {
    let range = || Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", HEAVIEST_G.to_string());
    (1..=HEAVIEST_G).contains(&grams).then_some(grams).ok_or_else(range)
}

/// A place that can be meant.
pub(super) fn fit_place(text: &str) -> Result<&str, Refusal> {
    leg::is_place(text).then_some(text).ok_or_else(|| {
        let shown: String = text.chars().take(20).collect();
        Refusal::new(ErrorCode::InvalidValue).with("value", shown)
    })
}

/// Who takes it in, checked, and as it may be shown; with it all else that is wrong.
fn consignee(opening: &Opening<'_>) -> Result<(Consignee, String), Refusals> {
    let mut check = Check::default();
    let consignee = opening.consignee.checked().map_err(|refusals| check.0.extend(refusals));
    check.take("grossWeightG", fit_weight(opening.gross_weight_g));
    check.take("origin", fit_place(opening.origin));
    check.take("destination", fit_place(opening.destination));
    if let Some(range) = opening.temperature {
        check.take("temperature", fit_range(range));
    }
    match consignee {
        Ok(consignee) => check.done(consignee),
        Err(()) => Err(check.0),
    }
}

/// Opens the shipment of a document. Its carrier is told by a job; a simulated one gives its number at once. Opened again,
/// it is the same shipment.
pub async fn open(app: &App, work: &mut Work, opening: &Opening<'_>) -> Result<shipment::Model, Error> {
    let consignee = consignee(opening)?;
    if opening.document.is_empty() || opening.document.len() > LONGEST_DOCUMENT {
        return Err(Error::internal("a document that cannot be shipped under"));
    }
    if opening.lines.len() > MAX_LINES {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_LINES.to_string()).at("lines").into());
    }
    carries(work.tx(), opening.carrier).await?;
    let row = fresh(app, work.now, opening, &consignee)?;
    let known = OnConflict::column(shipment::Column::Document).do_nothing().to_owned();
    let insert = shipment::Entity::insert(row.clone().into_active_model()).on_conflict(known).try_insert();
    if !wrote(insert.exec_without_returning(work.tx()).await)? {
        let before = of_document(work.tx(), opening.document).await?;
        let before = before.ok_or_else(|| Error::internal("a shipment is gone"))?;
        let same = (before.owner_id, before.carrier_id) == (opening.owner, opening.carrier);
        return if same { Ok(before) } else { Err(Refusal::new(ErrorCode::IdempotencyKeyReused).into()) };
    }
    let way = leg::Model {
        id: ShipmentLegId::new(work.now),
        shipment_id: row.id,
        number: 1,
        mode: row.mode,
        carrier_id: row.carrier_id,
        origin: row.origin.clone(),
        destination: row.destination.clone(),
        departed_at: None,
        arrived_at: None,
    };
    leg::Entity::insert(way.into_active_model()).exec_without_returning(work.tx()).await?;
    house_event(work, &row, TrackingEventType::Transaction, BizStep::Commissioning, Vec::new()).await?;
    told(work, &row).await?;
    let adapter = setting(work.tx(), row.carrier_id).await?.map(|setting| setting.adapter);
    if adapter.is_some_and(|adapter| adapter != Adapter::Manual) {
        work.enqueue(&Book { shipment: row.id }).await?;
    }
    if adapter == Some(Adapter::Simulator) { numbered(work, row).await } else { Ok(row) }
}

fn fresh(
    app: &App,
    now: DateTime<Utc>,
    opening: &Opening<'_>,
    (consignee, masked_consignee): &(Consignee, String),
) -> Result<shipment::Model, Error> {
    let id = ShipmentId::new(now);
    let consignee = serde_json::to_vec(consignee).map_err(Error::internal)?;
    Ok(shipment::Model {
        id,
        document: opening.document.to_owned(),
        owner_id: opening.owner,
        buyer_id: opening.buyer,
        person_id: opening.person,
        carrier_id: opening.carrier,
        mode: opening.mode,
        from_id: opening.from,
        origin: opening.origin.to_owned(),
        destination: opening.destination.to_owned(),
        consignee: app.vault().seal(&consignee_place(id), &consignee)?,
        masked_consignee: masked_consignee.clone(),
        lines: Lines(opening.lines.to_vec()),
        waybill: None,
        booking: Booking::Open,
        asked_at: None,
        state: ShipmentState::Planned,
        desk: ShipmentState::Planned.of_desk(),
        needs_release: opening.needs_release,
        released_at: None,
        list_number: None,
        holds: 0,
        gross_weight_g: opening.gross_weight_g,
        packed_weight_g: None,
        weighed_g: None,
        seal_number: None,
        seal_state: None,
        min_deci: opening.temperature.map(|range| range.min),
        max_deci: opening.temperature.map(|range| range.max),
        allowed_minutes: opening.temperature.map(|range| range.allowed_minutes),
        // Not of the id: that says when it was made, which is a guess.
        public_code: vault::hex(&vault::random::<16>()?),
        promised_at: opening.promised_at,
        eta: None,
        eta_n: 0,
        gated_out_at: None,
        signed_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

/// Gives a shipment the next number of its simulated carrier. The carrier's row is locked from here on to the end of the
/// transaction, by everyone who opens a shipment with it: so it comes last.
async fn numbered(work: &Work, row: shipment::Model) -> Result<shipment::Model, Error> {
    let counted = carrier::Entity::update_many()
        .col_expr(carrier::Column::NextNumber, Expr::col(carrier::Column::NextNumber).add(1))
        .filter(carrier::Column::CarrierId.eq(row.carrier_id))
        .exec_with_returning(work.tx())
        .await?;
    let next = counted.first().ok_or_else(|| Error::internal("a carrier is gone"))?.next_number;
    let number = waybill::numbered(next - 1);
    shipment::Entity::update_many()
        .col_expr(shipment::Column::Waybill, Expr::val(Some(number.clone())))
        .filter(shipment::Column::Id.eq(row.id))
        .exec(work.tx())
        .await?;
    Ok(shipment::Model { waybill: Some(number), ..row })
}

/// Customs released the goods of a document: they may leave the gate. None: there is no shipment of it.
pub async fn released(
    work: &mut Work,
    document: &str,
    list_number: Option<&str>,
) -> Result<Option<shipment::Model>, Error> {
    let Some(row) = of_document(work.tx(), document).await? else { return Ok(None) };
    if !row.needs_release || row.released_at.is_some() {
        return Ok(Some(row));
    }
    let list_number = list_number.map(str::to_owned);
    let next = shipment::Model { released_at: Some(work.now), list_number, ..row.clone() };
    Ok(Some(written(work, &row, next).await?))
}

/// Holds the shipment of a document at the gate, for an organisation or for the house; held again for the same, it is the
/// same hold. None: there is no shipment of it.
pub async fn hold(
    work: &mut Work,
    document: &str,
    reason: HoldReason,
    note: &str,
    held_for: Option<OrganisationId>,
) -> Result<Option<row::Model>, Error> {
    let Some(found) = of_document(work.tx(), document).await? else { return Ok(None) };
    let open = row::Entity::find()
        .filter(row::Column::ShipmentId.eq(found.id))
        .filter(row::Column::Reason.eq(reason))
        .filter(row::Column::LiftedAt.is_null())
        .all(work.tx())
        .await?;
    if let Some(same) = open.into_iter().find(|open| open.held_for == held_for) {
        return Ok(Some(same));
    }
    holds::held(work, &found, reason, note, held_for).await.map(|(_, hold)| Some(hold))
}

/// Lets go every hold of that reason that was made for the same organisation, or for the house; answers with how many.
pub async fn lift(
    work: &mut Work,
    document: &str,
    reason: HoldReason,
    held_for: Option<OrganisationId>,
) -> Result<usize, Error> {
    let Some(mut found) = of_document(work.tx(), document).await? else { return Ok(0) };
    let open = row::Entity::find()
        .filter(row::Column::ShipmentId.eq(found.id))
        .filter(row::Column::Reason.eq(reason))
        .filter(row::Column::LiftedAt.is_null())
        .all(work.tx())
        .await?;
    let mut lifted = 0;
    for one in open.into_iter().filter(|one| one.held_for == held_for) {
        found = holds::lifted(work, &found, one).await?.0;
        lifted += 1;
    }
    Ok(lifted)
}

/// Takes the shipment of a document back before it leaves the gate. None: there is no shipment of it.
pub async fn cancel(work: &mut Work, document: &str) -> Result<Option<shipment::Model>, Error> {
    let Some(row) = of_document(work.tx(), document).await? else { return Ok(None) };
    if row.state == ShipmentState::Cancelled {
        return Ok(Some(row));
    }
    let state = ShipmentStep::Cancel.from(row.state)?;
    let next = shipment::Model { state, ..row.clone() };
    let next = written(work, &row, next).await?;
    work.enqueue(&CallOff { shipment: next.id }).await?;
    Ok(Some(next))
}
