//! Verification lists (核注清单) and gate passes (核放单). **A stand-in** for the second phase of Golden Customs (金关二期):
//! the house gives their numbers itself, and what is declared counts as agreed to. Who is connected to it gets number and
//! answer from there, at the places where this module is called; nothing else need change.
//!
//! An inbound notice has one list, from its declaration on, and a pass for each vehicle that brought some of it. A pass out
//! has one list, of all its parcels.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Utc};
use entities::{
    inventory::{
        GateDirection, GatePassState, VerificationState,
        gate::{line, list, list_number, pass, pass_number},
    },
    party::Viewer,
    values::{
        BookNumber, ErrorCode, Refusal,
        id::{BondedItemId, GatePassId, InboundId, OrganisationId, StockLocationId, VerificationListId},
        refusal,
    },
};
use platform::{
    clock::business_day,
    db::wrote,
    error::Error,
    page::{Cursor, Page, PageArgs},
    vault,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::ops::reads::whose;

const NEWEST: &str = "newest-gate-pass";
/// How often another number is tried when one is somebody's already.
const TRIES: usize = 8;

/// What a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// An inbound notice.
    Inbound(InboundId),
    /// The parcels of a pass out.
    Pass(GatePassId),
}

impl Of {
    fn direction(self) -> GateDirection {
        match self {
            Self::Inbound(_) => GateDirection::In,
            Self::Pass(_) => GateDirection::Out,
        }
    }

    fn is(self) -> Condition {
        match self {
            Self::Inbound(id) => Condition::all().add(list::Column::InboundId.eq(id)),
            Self::Pass(id) => Condition::all().add(list::Column::GatePassId.eq(id)),
        }
    }
}

/// Writes a row under a number that is nobody's; the row is made with nine digits to choose it by.
async fn numbered<E>(
    tx: &impl ConnectionTrait,
    number: E::Column,
    row: impl Fn(u64) -> E::Model,
) -> Result<E::Model, Error>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    for _ in 0..TRIES {
        let row = row(u64::from_be_bytes(vault::random::<8>()?));
        let free = OnConflict::column(number).do_nothing().to_owned();
        let insert = E::insert(row.clone().into_active_model()).on_conflict(free).try_insert();
        if wrote(insert.exec_without_returning(tx).await)? {
            return Ok(row);
        }
    }
    Err(Error::internal("there is no number left for the paperwork of the gate"))
}

/// Declares a list (预核扣) of how much of which items.
pub async fn declare_list(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    book: &BookNumber,
    of: Of,
    lines: &BTreeMap<BondedItemId, i64>,
) -> Result<list::Model, Error> {
    let year = business_day(now).year();
    let row = numbered::<list::Entity>(tx, list::Column::Number, |serial| list::Model {
        id: VerificationListId::new(now),
        number: list_number(book, of.direction(), year, serial),
        book: book.clone(),
        inbound_id: if let Of::Inbound(id) = of { Some(id) } else { None },
        gate_pass_id: if let Of::Pass(id) = of { Some(id) } else { None },
        state: VerificationState::Declared,
        created_at: now,
        ended_at: None,
    })
    .await?;
    write_lines(tx, row.id, lines).await?;
    Ok(row)
}

async fn write_lines(
    tx: &impl ConnectionTrait,
    id: VerificationListId,
    lines: &BTreeMap<BondedItemId, i64>,
) -> Result<(), Error> {
    let rows = lines.iter().map(|(item, quantity)| line::Model { list_id: id, item_id: *item, quantity: *quantity });
    let rows: Vec<line::ActiveModel> = rows.map(IntoActiveModel::into_active_model).collect();
    if !rows.is_empty() {
        line::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Less is on a vehicle than its list says: the list is of what is.
pub async fn mend_list(
    tx: &impl ConnectionTrait,
    pass: GatePassId,
    lines: &BTreeMap<BondedItemId, i64>,
) -> Result<(), Error> {
    let row = list::Entity::find().filter(list::Column::GatePassId.eq(pass)).one(tx).await?;
    let row = row.ok_or_else(|| Error::internal("a pass has no verification list"))?;
    line::Entity::delete_many().filter(line::Column::ListId.eq(row.id)).exec(tx).await?;
    write_lines(tx, row.id, lines).await
}

/// A list is verified (已核扣) or taken back (删单), once.
pub async fn end_list(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    of: Of,
    state: VerificationState,
) -> Result<(), Error> {
    let done = list::Entity::update_many()
        .col_expr(list::Column::State, Expr::val(state))
        .col_expr(list::Column::EndedAt, Expr::val(Some(now)))
        .filter(of.is())
        .filter(list::Column::State.eq(VerificationState::Declared))
        .exec(tx)
        .await?;
    if done.rows_affected == 1 {
        Ok(())
    } else {
        Err(Error::internal("a verification list is gone, or was ended before"))
    }
}

/// A pass that is declared.
#[derive(Clone, Copy, Debug)]
pub struct NewPass<'a> {
    /// Whose goods.
    pub owner: OrganisationId,
    /// Into, or out of, which warehouse.
    pub location: StockLocationId,
    /// Of which account book: its customs office gives the number.
    pub book: &'a BookNumber,
    /// The plate of the vehicle.
    pub vehicle: &'a str,
    /// The notice that the vehicle brings goods of, which is then through the gate; none: it takes parcels out.
    pub inbound: Option<InboundId>,
}

/// The plate of a vehicle, as it was written.
pub fn vehicle(written: &str) -> Result<String, Refusal> {
    // In capitals first: some letters are two of them.
    refusal::line(&written.to_uppercase(), 32).map_err(|refusal| refusal.at("vehicle"))
}

/// Declares a pass. What comes in stands at the gate already: it is declared and passed at once.
pub async fn declare_pass(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    new: NewPass<'_>,
) -> Result<pass::Model, Error> {
    let direction = if new.inbound.is_some() { GateDirection::In } else { GateDirection::Out };
    let year = business_day(now).year();
    numbered::<pass::Entity>(tx, pass::Column::Number, |serial| pass::Model {
        id: GatePassId::new(now),
        number: pass_number(new.book, direction, year, serial),
        organisation_id: new.owner,
        location_id: new.location,
        vehicle: new.vehicle.to_owned(),
        inbound_id: new.inbound,
        state: if new.inbound.is_some() { GatePassState::Passed } else { GatePassState::Declared },
        created_at: now,
        passed_at: new.inbound.map(|_| now),
    })
    .await
}

/// A pass that is declared goes through the gate, or is taken back; of two who do so at once one does.
pub async fn end_pass(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    row: &pass::Model,
    state: GatePassState,
) -> Result<pass::Model, Error> {
    let passed_at = (state == GatePassState::Passed).then_some(now);
    let next = pass::Model { state, passed_at, ..row.clone() };
    let done = pass::Entity::update_many()
        .col_expr(pass::Column::State, Expr::val(next.state))
        .col_expr(pass::Column::PassedAt, Expr::val(next.passed_at))
        .filter(pass::Column::Id.eq(row.id))
        .filter(pass::Column::State.eq(GatePassState::Declared))
        .exec(tx)
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(Refusal::new(ErrorCode::StaleVersion).at("id").into()) }
}

/// Which passes.
#[derive(Clone, Debug, Default)]
pub struct PassFilter {
    /// Whose; none: of the organisation acted for.
    pub of: Option<OrganisationId>,
    /// Only this way.
    pub direction: Option<GateDirection>,
    /// Only of the vehicles that brought goods of this notice.
    pub inbound: Option<InboundId>,
    /// Only in one of these states.
    pub states: Vec<GatePassState>,
}

/// Passes of an organisation, newest first.
pub async fn list_passes(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &PassFilter,
    page: &PageArgs,
) -> Result<Page<pass::Model>, Error> {
    use pass::Column as C;
    let only = Condition::all()
        .add_option(filter.direction.map(|direction| match direction {
            GateDirection::In => C::InboundId.is_not_null(),
            GateDirection::Out => C::InboundId.is_null(),
        }))
        .add_option(filter.inbound.map(|inbound| C::InboundId.eq(inbound)))
        .add_option((!filter.states.is_empty()).then(|| C::State.is_in(filter.states.iter().copied())));
    let list = pass::Entity::find().filter(C::OrganisationId.eq(whose(viewer, filter.of)?)).filter(only);
    page.by_id(db, list, C::Id, NEWEST, Order::Desc).await
}

/// The cursor of a pass in that list.
pub fn pass_cursor(row: &pass::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A pass; none when there is none or it may not be seen.
pub async fn find_pass(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: GatePassId,
) -> Result<Option<pass::Model>, Error> {
    let row = pass::Entity::find_by_id(id).one(db).await?;
    Ok(row.filter(|row| whose(viewer, Some(row.organisation_id)).is_ok()))
}
