//! Write-offs: whoever works in a showroom asks, and the pieces are held; somebody else who runs it decides. Agreed to,
//! they leave the books.

use chrono::Duration;
use entities::{
    inventory::{CustomsStatus, MoveReason, ReservationKind, ReservationStep, balance},
    party::{Action, Viewer},
    showroom::{
        ShowroomState, store,
        write_off::{self, MOST_LINES, WriteOffReason, WriteOffState, WriteOffStep, line},
    },
    values::{
        ErrorCode, Refusal,
        id::{ShowroomId, ShowroomWriteOffId, ShowroomWriteOffLineId, StockBalanceId},
        refusal::{self as text, Check},
    },
};
use inventory::{
    ledger::{By, in_line},
    ops::{loss_of, transfers::Asked},
    promises::{self, Purpose, consume_to},
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter,
};
use serde_json::{Value, json};

use super::{classes::lying_in, inside, store_for, store_of, stores::closed};

const NEWEST: &str = "newest-write-off";

/// What is to be written off.
#[derive(Clone, Debug)]
pub struct NewWriteOff {
    /// Of which showroom.
    pub showroom: ShowroomId,
    /// Why.
    pub reason: WriteOffReason,
    /// The same in words.
    pub note: Option<String>,
    /// SHA-256 of a photo, in hex.
    pub photo_sha256: Option<String>,
    /// Which pieces.
    pub lines: Vec<Asked>,
}

/// Which write-offs.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub showroom: Option<ShowroomId>,
    pub state: Option<WriteOffState>,
}

/// Asks for a write-off; the pieces are held from here on. What is bonded is refused by its line: that is customs' to
/// allow.
pub async fn request(app: &App, call: &Call, new: &NewWriteOff) -> Result<write_off::Model, Error> {
    text::few(new.lines.len(), MOST_LINES)?;
    let mut check = Check::default();
    let said = text::given(new.note.as_deref());
    let note = said.and_then(|note| check.take("note", text::paragraph(note, 300)));
    let silent = new.reason.needs_note() && said.is_none();
    check.demand(!silent, "note", || Refusal::new(ErrorCode::Required));
    let photo_sha256 = new.photo_sha256.as_deref().and_then(|photo| check.take("photoSha256", text::sha256(photo)));
    check.done(())?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let store = store_for(work.tx(), &call.viewer, Action::WorkShowrooms, new.showroom, "showroomId").await?;
    if store.state == ShowroomState::Closed {
        return Err(closed());
    }
    let ids: Vec<StockBalanceId> = new.lines.iter().map(|line| line.balance).collect();
    let found = lying_in(work.tx(), &store, &ids).await?;
    for (n, (from, class)) in found.iter().enumerate() {
        let fits = match from.status {
            CustomsStatus::Bonded => Err(Refusal::new(ErrorCode::NotReleased)),
            _ => new.reason.fits(*class),
        };
        fits.map_err(|refusal| in_line(refusal.at("balanceId").into(), n))?;
    }
    let id = ShowroomWriteOffId::new(work.now);
    let row = write_off::Model {
        id,
        showroom_id: store.id,
        document: format!("write-off:{id}"),
        state: WriteOffState::Requested,
        reason: new.reason,
        note,
        photo_sha256,
        requested_by: work.viewer().subject(),
        decided_by: None,
        decision: None,
        version: 1,
        created_at: work.now,
        decided_at: None,
    };
    let wanted: Vec<(balance::Model, i64)> =
        found.iter().map(|(from, _)| from.clone()).zip(new.lines.iter().map(|line| line.quantity)).collect();
    held(&work, ReservationKind::Quality, &row.document, &wanted).await?;
    write_off::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    let lines = found.iter().zip(&new.lines).zip(0_i32..).map(|(((from, class), asked), position)| {
        let line = line::Model {
            id: ShowroomWriteOffLineId::new(work.now),
            write_off_id: id,
            position,
            balance_id: from.id,
            class: *class,
            variant_id: from.variant_id,
            lot_id: from.lot_id,
            quantity: asked.quantity,
        };
        line.into_active_model()
    });
    line::Entity::insert_many(lines).exec_without_returning(work.tx()).await?;
    let shown = json!({ "reason": row.reason, "note": row.note, "lines": new.lines.len() });
    work.audit(Some(store.organisation_id), "requestShowroomWriteOff", encode(id).0, Value::Null, shown);
    work.commit(row).await
}

/// Holds pieces until it is decided, however long that takes.
pub(super) async fn held(
    work: &Work,
    kind: ReservationKind,
    document: &str,
    wanted: &[(balance::Model, i64)],
) -> Result<(), Error> {
    let until = work.now + Duration::minutes(1);
    promises::hold_these(work.tx(), work.now, wanted, Purpose { kind, document, key: document, until }).await?;
    promises::confirm_all(work.tx(), work.now, document).await?;
    Ok(())
}

async fn own_write_off(
    work: &Work,
    action: Action,
    id: ShowroomWriteOffId,
) -> Result<(write_off::Model, store::Model), Error> {
    let unknown = || not_found("id", encode(id).as_str());
    let row = write_off::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let store = store_of(work.tx(), work.viewer(), action, row.showroom_id, unknown).await?;
    Ok((row, store))
}

/// Takes a step, or says why not: of two who step at the same time one does.
async fn step(
    work: &Work,
    row: &write_off::Model,
    step: WriteOffStep,
    decision: Option<String>,
) -> Result<write_off::Model, Error> {
    let (from, to) = step.leads();
    step.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let next = write_off::Model {
        state: to,
        decided_by: Some(work.viewer().subject()),
        decision,
        decided_at: Some(work.now),
        version: row.version + 1,
        ..row.clone()
    };
    let done = write_off::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(write_off::Column::Id.eq(row.id))
        .filter(write_off::Column::State.is_in(from.iter().copied()))
        .filter(write_off::Column::Version.eq(row.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 {
        return Ok(next);
    }
    if let Some(now) = write_off::Entity::find_by_id(row.id).one(work.tx()).await? {
        step.from(now.state).map_err(|refusal| refusal.at("id"))?;
    }
    Err(Refusal::new(ErrorCode::StaleVersion).at("id").into())
}

/// Decides about a write-off: not who asked for it. Agreed to, the pieces leave the books; else they are as they were.
pub async fn decide(
    app: &App,
    call: &Call,
    id: ShowroomWriteOffId,
    approve: bool,
    decision: Option<&str>,
) -> Result<write_off::Model, Error> {
    let said = text::given(decision);
    let decision = said.map(|said| text::paragraph(said, 300)).transpose().map_err(|refusal| refusal.at("note"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, store) = own_write_off(&work, Action::KeepShowrooms, id).await?;
    let taken = if approve { WriteOffStep::Approve } else { WriteOffStep::Decline };
    taken.from(row.state).map_err(|refusal| refusal.at("id"))?;
    if row.requested_by == work.viewer().subject() {
        return Err(Refusal::new(ErrorCode::MakerChecker).at("id").into());
    }
    let next = step(&work, &row, taken, decision).await?;
    if approve {
        let loss = loss_of(work.tx(), work.now, store.organisation_id).await?;
        let actor = work.viewer().subject();
        let by = By { actor: &actor, at: work.now };
        consume_to(work.tx(), by, &row.document, loss, MoveReason::WriteOff).await?;
    } else {
        promises::let_go(work.tx(), work.now, &row.document, ReservationStep::Release).await?;
    }
    noted(&mut work, "decideShowroomWriteOff", &store, &row, &next);
    work.commit(next).await
}

/// Takes a write-off back before it is decided; the pieces are not held any more.
pub async fn withdraw(app: &App, call: &Call, id: ShowroomWriteOffId) -> Result<write_off::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, store) = own_write_off(&work, Action::WorkShowrooms, id).await?;
    let next = step(&work, &row, WriteOffStep::Withdraw, None).await?;
    promises::let_go(work.tx(), work.now, &row.document, ReservationStep::Release).await?;
    noted(&mut work, "withdrawShowroomWriteOff", &store, &row, &next);
    work.commit(next).await
}

fn noted(
    work: &mut Work,
    action: &'static str,
    store: &store::Model,
    before: &write_off::Model,
    after: &write_off::Model,
) {
    let shown = json!({ "state": after.state, "decision": after.decision });
    let (id, was) = (encode(after.id).0, json!({ "state": before.state }));
    work.audit(Some(store.organisation_id), action, id, was, shown);
}

/// Write-offs of showrooms that the viewer sees the inside of, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<write_off::Model>, Error> {
    let only = Condition::all()
        .add_option(inside(db, viewer).await?.map(|ids| write_off::Column::ShowroomId.is_in(ids)))
        .add_option(filter.showroom.map(|id| write_off::Column::ShowroomId.eq(id)))
        .add_option(filter.state.map(|state| write_off::Column::State.eq(state)));
    let list = write_off::Entity::find().filter(only);
    page.by_id(db, list, write_off::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a write-off in that list.
pub fn cursor(row: &write_off::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A write-off; none when there is none or it may not be seen.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: ShowroomWriteOffId,
) -> Result<Option<write_off::Model>, Error> {
    let seen = inside(db, viewer).await?;
    let row = write_off::Entity::find_by_id(id).one(db).await?;
    Ok(row.filter(|row| seen.is_none_or(|ids| ids.contains(&row.showroom_id))))
}

/// The lines of a write-off, in their order.
pub async fn lines(
    db: &impl ConnectionTrait,
    id: ShowroomWriteOffId,
    page: &PageArgs,
) -> Result<Page<line::Model>, Error> {
    let list = line::Entity::find().filter(line::Column::WriteOffId.eq(id));
    page.by_id(db, list, line::Column::Id, NEWEST, Order::Asc).await
}

/// The cursor of a line in that list.
pub fn line_cursor(row: &line::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}
