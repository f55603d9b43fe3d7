//! What a device did without a network is carried out, in its order, each once; nothing that is refused stands in the way
//! of what comes after it.
//!
//! ```text
//! seq <= last ──> what became of it before (DUPLICATE)      seq > last + 1 ──> not yet (OUT_OF_ORDER)
//! seq == last + 1 ──> one transaction: the device's row, the change, what became of it
//!       refused ──> rolled back; another transaction notes that it was refused, and the next has its turn
//! ```
//!
//! What only adds up merges: scans, what was counted, moves. What sets something says which version it saw.

use chrono::{DateTime, Utc};
use entities::{
    party::{Action, Viewer},
    showroom::{
        ChangeKind, DisplayState, PushOutcome, device, device::happened, device_mutation, display, scan_event, slot,
        slot_note,
    },
    values::{
        ErrorCode, Money, Refusal, Refusals,
        id::{AuditRoundId, DeviceId, DisplayId, ScanEventId, StockCountId},
        refusal::line,
    },
};
use inventory::ops::counts::{self, Counted};
use platform::{
    app::{App, Call, Work},
    db::{Dialect, dialect},
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::{Expr, LockType, OnConflict},
};
use uuid::Uuid;

use super::{
    changes,
    classes::{self, Changing},
    devices::{self, Selling},
    displays::{self, Installing, Look, Saw, slot_for},
    rounds::{self, Checking},
    store_of,
};
use crate::scans;

/// Most things of one push.
pub const MOST: usize = 200;

/// Something that a device did.
#[derive(Clone, Debug)]
pub struct Done {
    /// The device's own id of it.
    pub mutation: String,
    /// Its number on the device, from one on.
    pub seq: i64,
    /// When it happened, as the device says.
    pub said_at: DateTime<Utc>,
    /// Which version of what it sets the device saw.
    pub base_version: Option<i32>,
    /// What it is, or why it cannot be meant.
    pub what: Result<What, Refusals>,
}

/// What a device can do without a network.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub enum What {
    Install(Installing, Option<Seen>),
    Remove { seen: Seen },
    Retag { seen: Seen, tag: Money },
    Note { slot: String, text: String },
    Scan { slot: String, visitor: Option<String> },
    Check { round: AuditRoundId, said: Checking },
    Count { count: StockCountId, line: Counted },
    ChangeClass(Changing),
    Sell { selling: Selling },
}

/// The display that a device saw: what stands there by now may be another.
#[derive(Clone, Debug)]
pub enum Seen {
    /// By its id.
    Display(DisplayId),
    /// By the device's own id of what put it up.
    InstalledBy(String),
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            Self::Install(..) => "install",
            Self::Remove { .. } => "remove",
            Self::Retag { .. } => "retag",
            Self::Note { .. } => "note",
            Self::Scan { .. } => "scan",
            Self::Check { .. } => "check",
            Self::Count { .. } => "count",
            Self::ChangeClass(_) => "change_class",
            Self::Sell { .. } => "sell",
        }
    }
}

/// What became of something that a device did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "PushStatus")]
pub enum Status {
    /// It was carried out (已执行).
    Applied,
    /// It was dealt with before; the outcome says how (重复).
    Duplicate,
    /// The rules say no, for good (已拒绝).
    Rejected,
    /// Somebody else changed it meanwhile: look at what it is now (冲突).
    Conflict,
    /// Something before it is missing: send that first (乱序).
    OutOfOrder,
    /// Another thing of this device has its number: it gets the one after `lastSeq`, and is sent again (序号已占用).
    SeqTaken,
}

/// What became of it, and why not.
#[derive(Clone, Debug)]
pub struct Told {
    /// The device's own id of it.
    pub mutation: String,
    /// Its number.
    pub seq: i64,
    /// What became of it.
    pub status: Status,
    /// What is kept of it; none: it was not dealt with yet.
    pub kept: Option<device_mutation::Model>,
    /// Why not, when that was decided just now.
    pub refusals: Vec<Refusal>,
}

fn told(one: &Done, status: Status, kept: Option<device_mutation::Model>, refusals: Vec<Refusal>) -> Told {
    Told { mutation: one.mutation.clone(), seq: one.seq, status, kept, refusals }
}

/// Carries out what a device did, in the order of its numbers. Accidents stop it: what was not dealt with is sent again.
pub async fn push(app: &App, call: &Call, id: DeviceId, mut done: Vec<Done>) -> Result<Vec<Told>, Error> {
    if done.len() > MOST {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST.to_string()).at("mutations").into());
    }
    // Who does not work there now is told so, and nothing of the queue is used up.
    let db = app.db().read();
    let device = devices::own(db, call, id).await?;
    let unknown = || not_found("deviceId", encode(id).as_str());
    store_of(db, &call.viewer, Action::WorkShowrooms, device.showroom_id, unknown).await?;
    done.sort_by_key(|one| one.seq);
    let mut told = Vec::with_capacity(done.len());
    for one in &done {
        let again = match dealt_with(app, call, id, one, true).await? {
            Some(dealt) => {
                told.push(dealt);
                continue;
            }
            None => dealt_with(app, call, id, one, false).await?,
        };
        told.push(again.ok_or_else(|| Error::internal("the second attempt was not the last"))?);
    }
    Ok(told)
}

/// What may be otherwise a moment later, when whoever was first is done.
fn may_pass(refusals: &[Refusal]) -> bool {
    use ErrorCode::{AlreadyTaken, HoldExpired, IllegalTransition, OutOfStock};
    let passes = |one: &Refusal| matches!(one.code, AlreadyTaken | HoldExpired | IllegalTransition | OutOfStock);
    !refusals.is_empty() && refusals.iter().all(passes)
}

/// Deals with one of them. None: it was refused for what may pass, and is to be tried once more.
async fn dealt_with(app: &App, call: &Call, id: DeviceId, one: &Done, first: bool) -> Result<Option<Told>, Error> {
    let mut work = app.begin(&call.unrepeatable()).await?;
    let device = locked(work.tx(), id).await?;
    if let Some(before) = known(&work, &device, one).await? {
        work.commit(()).await?;
        return Ok(Some(before));
    }
    let refusals = match carried_out(app, call, &mut work, &device, one).await {
        Ok(subject) => {
            let row = noted(&work, &device, one, (PushOutcome::Applied, subject), None).await?;
            work.commit(()).await?;
            return Ok(Some(told(one, Status::Applied, Some(row), Vec::new())));
        }
        Err(Error::Refused(refusals)) => refusals,
        Err(Error::Forbidden) => vec![Refusal::new(ErrorCode::NotFound).with("value", "deviceId").at("deviceId")],
        Err(accident) => return Err(accident),
    };
    if first && may_pass(&refusals) {
        return Ok(None);
    }
    // What it had changed so far is rolled back; that it was refused stays.
    drop(work);
    let work = app.begin(&call.unrepeatable()).await?;
    let device = locked(work.tx(), id).await?;
    if let Some(before) = known(&work, &device, one).await? {
        work.commit(()).await?;
        return Ok(Some(before));
    }
    let stale = refusals.iter().any(|refusal| refusal.code == ErrorCode::StaleVersion);
    let (outcome, status) =
        if stale { (PushOutcome::Conflict, Status::Conflict) } else { (PushOutcome::Rejected, Status::Rejected) };
    let row = noted(&work, &device, one, (outcome, None), refusals.first()).await?;
    work.commit(()).await?;
    Ok(Some(told(one, status, Some(row), refusals)))
}

/// The device, locked: two pushes of it have their turns one after the other.
async fn locked(tx: &impl ConnectionTrait, id: DeviceId) -> Result<device::Model, Error> {
    let mut found = device::Entity::find_by_id(id);
    if dialect(tx) == Dialect::Postgres {
        found = found.lock(LockType::NoKeyUpdate);
    }
    found.one(tx).await?.ok_or_else(|| Error::internal("a device is gone"))
}

/// What became of it before, or that it is not its turn yet.
async fn known(work: &Work, device: &device::Model, one: &Done) -> Result<Option<Told>, Error> {
    let told = |status, kept| told(one, status, kept, Vec::new());
    let by_id = device_mutation::Entity::find()
        .filter(device_mutation::Column::DeviceId.eq(device.id))
        .filter(device_mutation::Column::MutationId.eq(&one.mutation));
    if let Some(row) = by_id.one(work.tx()).await? {
        if one.seq == device.last_seq + 1 {
            // It came before under another number. This one is used up, or nothing after it had its turn.
            advanced(work, device, one.seq).await?;
        }
        return Ok(Some(told(Status::Duplicate, Some(row))));
    }
    if one.seq <= device.last_seq {
        return Ok(Some(told(Status::SeqTaken, None)));
    }
    if one.seq > device.last_seq + 1 {
        return Ok(Some(told(Status::OutOfOrder, None)));
    }
    Ok(None)
}

async fn noted(
    work: &Work,
    device: &device::Model,
    one: &Done,
    (outcome, subject): (PushOutcome, Option<Uuid>),
    refusal: Option<&Refusal>,
) -> Result<device_mutation::Model, Error> {
    let row = device_mutation::Model {
        device_id: device.id,
        seq: one.seq,
        mutation_id: one.mutation.clone(),
        what: one.what.as_ref().map_or("unreadable", What::name).to_owned(),
        outcome,
        subject,
        code: refusal.map(|refusal| refusal.code.name()),
        field: refusal.map(|refusal| refusal.field.join(".")).map(|field| field.chars().take(120).collect()),
        said_at: one.said_at,
        occurred_at: happened(one.said_at, work.now),
        at: work.now,
    };
    device_mutation::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    advanced(work, device, one.seq).await?;
    Ok(row)
}

async fn advanced(work: &Work, device: &device::Model, seq: i64) -> Result<(), Error> {
    device::Entity::update_many()
        .col_expr(device::Column::LastSeq, Expr::val(seq))
        .col_expr(device::Column::SeenAt, Expr::val(work.now))
        .filter(device::Column::Id.eq(device.id))
        .exec(work.tx())
        .await?;
    Ok(())
}

async fn carried_out(
    app: &App,
    call: &Call,
    work: &mut Work,
    device: &device::Model,
    one: &Done,
) -> Result<Option<Uuid>, Error> {
    let at = happened(one.said_at, work.now);
    let what = one.what.as_ref().map_err(Clone::clone)?;
    match what {
        What::Install(new, over) => {
            let saw = match over {
                Some(seen) => Saw::Display(known_as(work, device, seen).await?),
                None => Saw::Nothing,
            };
            return Ok(Some(displays::installed(work, new, saw).await?.id.0));
        }
        What::Remove { seen } => {
            let row = standing(work, device, seen).await?;
            displays::removed(work, row.id).await?;
        }
        What::Retag { seen, tag } => {
            let row = standing(work, device, seen).await?;
            if one.base_version != Some(row.tag_version) {
                return Err(Refusal::new(ErrorCode::StaleVersion).at("baseVersion").into());
            }
            displays::retagged(work, row.id, Some(*tag), &Look::now(app)).await?;
        }
        What::Note { slot, text } => noted_on(work, slot, text, one.base_version).await?,
        What::Scan { slot, visitor } => scanned(app, work, slot, visitor.as_deref(), at).await?,
        What::Check { round, said } => {
            rounds::checked(work, app, *round, said, at).await?;
        }
        What::Count { count, line } => {
            let lines = std::slice::from_ref(line);
            counts::submitted(work, &call.unrepeatable(), *count, lines, false, at).await?;
        }
        What::ChangeClass(changing) => {
            classes::changed(work, changing).await?;
        }
        What::Sell { selling } => {
            devices::sold(work, device, &Selling { occurred_at: at, ..selling.clone() }).await?;
        }
    }
    Ok(None)
}

/// Which display a device means.
async fn known_as(work: &Work, device: &device::Model, seen: &Seen) -> Result<DisplayId, Error> {
    match seen {
        Seen::Display(id) => Ok(*id),
        Seen::InstalledBy(mutation) => {
            let row = device_mutation::Entity::find()
                .filter(device_mutation::Column::DeviceId.eq(device.id))
                .filter(device_mutation::Column::MutationId.eq(mutation))
                .one(work.tx())
                .await?;
            let put_up = row.and_then(|row| row.subject).map(DisplayId);
            put_up.ok_or_else(|| not_found("installedBy", mutation))
        }
    }
}

/// The display that a device saw, as long as it stands there: what somebody else put in its place is another.
async fn standing(work: &Work, device: &device::Model, seen: &Seen) -> Result<display::Model, Error> {
    let (_, row) = displays::found(work, known_as(work, device, seen).await?).await?;
    if row.state == DisplayState::Installed {
        return Ok(row);
    }
    Err(Refusal::new(ErrorCode::StaleVersion).at("displayId").into())
}

/// A slot was scanned: for a buyer, whom the device tells apart, or by the team itself.
async fn scanned(app: &App, work: &Work, code: &str, visitor: Option<&str>, at: DateTime<Utc>) -> Result<(), Error> {
    let viewer = work.viewer().clone();
    let (store, slot): (_, slot::Model) = slot_for(work, &viewer, Action::WorkShowrooms, code, "slot").await?;
    // A device tells in the order in which it did: what it put there before it scanned stands there by now, and has the
    // time at which it was told.
    let first = displays::in_slots(work.tx(), &[slot.id]).await?.into_iter().next();
    let row = scan_event::Model {
        id: ScanEventId::new(at),
        showroom_id: store.id,
        slot_id: slot.id,
        display_id: first.as_ref().map(|row| row.id),
        offer_id: first.as_ref().map(|row| row.offer_id),
        visitor: scans::visitor(app, &Viewer::anonymous(), visitor),
        staff: visitor.is_none(),
        at,
    };
    scan_event::Entity::insert(row.into_active_model()).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// Writes a note on a slot over the version that was seen; 0: there was none.
async fn noted_on(work: &Work, code: &str, text: &str, base: Option<i32>) -> Result<(), Error> {
    let viewer = work.viewer().clone();
    let text = if text.trim().is_empty() { String::new() } else { line(text, 300).map_err(|r| r.at("text"))? };
    let (store, slot) = slot_for(work, &viewer, Action::WorkShowrooms, code, "slot").await?;
    let stale = || Error::from(Refusal::new(ErrorCode::StaleVersion).at("baseVersion"));
    let seen = base.unwrap_or_default();
    let row = slot_note::Model {
        slot_id: slot.id,
        showroom_id: store.id,
        text,
        version: seen.saturating_add(1),
        written_by: viewer.subject(),
        written_at: work.now,
    };
    let done = if seen == 0 {
        let known = OnConflict::column(slot_note::Column::SlotId).do_nothing().to_owned();
        let insert = slot_note::Entity::insert(row.into_active_model()).on_conflict(known).try_insert();
        platform::db::wrote(insert.exec_without_returning(work.tx()).await)?
    } else {
        let update = slot_note::Entity::update_many()
            .set(row.into_active_model().reset_all())
            .filter(slot_note::Column::SlotId.eq(slot.id))
            .filter(slot_note::Column::Version.eq(seen));
        update.exec(work.tx()).await?.rows_affected == 1
    };
    if !done {
        return Err(stale());
    }
    changes::note(work, store.id, &[(ChangeKind::Note, slot.id.0)]).await
}
