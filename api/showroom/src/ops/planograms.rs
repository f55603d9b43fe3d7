//! Planograms: drafted by a manager, in force one at a time, compared with each other.

use std::collections::{BTreeMap, HashMap};

use entities::{
    party::{Action, Viewer},
    showroom::{
        ChangeKind, PlanogramState, PlanogramStep,
        planogram::{self, Difference, Planned, diff},
        position, slot, store,
    },
    values::{
        ErrorCode, Refusal,
        id::{PlanogramId, ShowroomId, SlotId, VariantId},
        refusal::line,
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found, stale, taken},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter, QueryOrder,
    sea_query::Expr,
};
use serde_json::{Value, json};

use super::{changes, inside, store_for, store_of};

/// Name of the order, for cursors.
const NEWEST: &str = "planogram";
/// Most rows of one statement.
const TOGETHER: usize = 500;

/// What is to stand in a slot.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the columns of the position")]
pub struct Placing {
    pub slot: SlotId,
    pub variant: VariantId,
    pub facings: i32,
}

/// Drafts a planogram of a showroom.
pub async fn draft(
    app: &App,
    call: &Call,
    id: ShowroomId,
    name: &str,
    places: &[Placing],
) -> Result<planogram::Model, Error> {
    let name = line(name, 120).map_err(|refusal| refusal.at("name"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let store = store_for(work.tx(), &call.viewer, Action::KeepShowrooms, id, "showroomId").await?;
    let last = planogram::Entity::find()
        .filter(planogram::Column::ShowroomId.eq(id))
        .order_by_desc(planogram::Column::Number)
        .one(work.tx())
        .await?;
    let row = planogram::Model {
        id: PlanogramId::new(work.now),
        showroom_id: id,
        number: last.map_or(0, |row| row.number) + 1,
        name,
        state: PlanogramState::Draft,
        drawn_by: work.viewer().subject(),
        version: 1,
        created_at: work.now,
        activated_at: None,
        retired_at: None,
    };
    let written = planogram::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    written.map_err(|e| match taken(e, "planogram", &["showroom_id", "number"], "showroomId", "") {
        // Somebody drafted another at the same moment.
        Error::Refused(_) => Error::Unavailable("two planograms were drafted at once".into()),
        other => other,
    })?;
    placed(&work, &store, row.id, places).await?;
    let shown = json!({ "number": row.number, "name": row.name, "positions": places.len() });
    work.audit(Some(store.organisation_id), "draftPlanogram", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

/// Writes what is to stand where; all that is wrong with it at once.
async fn placed(work: &Work, store: &store::Model, id: PlanogramId, places: &[Placing]) -> Result<(), Error> {
    let slots = slot::Entity::find()
        .filter(slot::Column::ShowroomId.eq(store.id))
        .filter(slot::Column::RetiredAt.is_null())
        .all(work.tx())
        .await?;
    if places.len() > slots.len() {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", slots.len().to_string()).at("positions").into());
    }
    let of: HashMap<SlotId, &slot::Model> = slots.iter().map(|row| (row.id, row)).collect();
    let mut refusals = Vec::new();
    let mut wrong = |n: usize, field: &str, refusal: Refusal| {
        refusals.push(refusal.at(field).at(n.to_string()).at("positions"));
    };
    let mut seen: HashMap<SlotId, usize> = HashMap::new();
    for (n, place) in places.iter().enumerate() {
        let unknown = || Refusal::new(ErrorCode::NotFound).with("value", encode(place.slot).0);
        match of.get(&place.slot) {
            None => wrong(n, "slotId", unknown()),
            Some(slot) if !(1..=slot.facings).contains(&place.facings) => {
                let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1");
                wrong(n, "facings", range.with("max", slot.facings.to_string()));
            }
            Some(_) => {}
        }
        if seen.insert(place.slot, n).is_some() {
            wrong(n, "slotId", Refusal::new(ErrorCode::Duplicate).with("value", encode(place.slot).0));
        }
    }
    let variants: Vec<VariantId> = places.iter().map(|place| place.variant).collect();
    if let Some(n) = inventory::ops::unseen(work, &variants).await? {
        wrong(n, "variantId", Refusal::new(ErrorCode::NotFound).with("value", encode(variants[n]).0));
    }
    if !refusals.is_empty() {
        return Err(refusals.into());
    }
    position::Entity::delete_many().filter(position::Column::PlanogramId.eq(id)).exec(work.tx()).await?;
    for part in places.chunks(TOGETHER) {
        let rows = part.iter().map(|place| {
            position::Model { planogram_id: id, slot_id: place.slot, variant_id: place.variant, facings: place.facings }
                .into_active_model()
        });
        position::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    }
    Ok(())
}

/// A planogram of a showroom where the viewer may do this.
async fn found(
    work: &Work,
    call: &Call,
    action: Action,
    id: PlanogramId,
) -> Result<(store::Model, planogram::Model), Error> {
    let unknown = || not_found("id", encode(id).as_str());
    let row = planogram::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let store = store_of(work.tx(), &call.viewer, action, row.showroom_id, unknown).await?;
    Ok((store, row))
}

/// Takes a step of a planogram. The guard is in the UPDATE.
async fn step(work: &Work, row: &planogram::Model, step: PlanogramStep) -> Result<planogram::Model, Error> {
    let to = step.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let after = planogram::Model {
        state: to,
        version: row.version + 1,
        activated_at: if to == PlanogramState::Active { Some(work.now) } else { row.activated_at },
        retired_at: if to == PlanogramState::Retired { Some(work.now) } else { row.retired_at },
        ..row.clone()
    };
    let done = planogram::Entity::update_many()
        .set(after.clone().into_active_model().reset_all())
        .filter(planogram::Column::Id.eq(row.id))
        .filter(planogram::Column::Version.eq(row.version))
        .exec(work.tx())
        .await;
    let done = done.map_err(|e| match taken(e, "planogram", &["showroom_id"], "id", "") {
        // Another came into force at the same moment.
        Error::Refused(_) => stale(),
        other => other,
    })?;
    if done.rows_affected == 1 { Ok(after) } else { Err(stale()) }
}

/// Draws a draft anew.
pub async fn redraw(
    app: &App,
    call: &Call,
    id: PlanogramId,
    expected: i32,
    places: &[Placing],
) -> Result<planogram::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (store, row) = found(&work, call, Action::KeepShowrooms, id).await?;
    if row.version != expected {
        return Err(stale());
    }
    let after = step(&work, &row, PlanogramStep::Draw).await?;
    placed(&work, &store, id, places).await?;
    let shown = json!({ "number": row.number, "positions": places.len() });
    work.audit(Some(store.organisation_id), "drawPlanogram", encode(id).0, Value::Null, shown);
    work.commit(after).await
}

/// A draft comes into force; the one before it is retired.
pub async fn activate(app: &App, call: &Call, id: PlanogramId, expected: i32) -> Result<planogram::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (store, row) = found(&work, call, Action::KeepShowrooms, id).await?;
    if row.version != expected {
        return Err(stale());
    }
    // Two that come into force at once have their turns one after the other.
    changes::lock(&work, row.showroom_id).await?;
    let before = in_force(work.tx(), row.showroom_id).await?;
    planogram::Entity::update_many()
        .col_expr(planogram::Column::State, Expr::val(PlanogramState::Retired))
        .col_expr(planogram::Column::RetiredAt, Expr::val(Some(work.now)))
        .col_expr(planogram::Column::Version, Expr::cust("version + 1"))
        .filter(planogram::Column::ShowroomId.eq(row.showroom_id))
        .filter(planogram::Column::State.eq(PlanogramState::Active))
        .exec(work.tx())
        .await?;
    let after = step(&work, &row, PlanogramStep::Activate).await?;
    let changed: Vec<_> = before.iter().chain([&after]).map(|one| (ChangeKind::Planogram, one.id.0)).collect();
    changes::note(&work, row.showroom_id, &changed).await?;
    work.audit(Some(store.organisation_id), "activatePlanogram", encode(id).0, json!(row), json!(after));
    work.commit(after).await
}

/// A planogram is not in force any more, or never will be.
pub async fn retire(app: &App, call: &Call, id: PlanogramId, expected: i32) -> Result<planogram::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (store, row) = found(&work, call, Action::KeepShowrooms, id).await?;
    if row.version != expected {
        return Err(stale());
    }
    let after = step(&work, &row, PlanogramStep::Retire).await?;
    changes::note(&work, row.showroom_id, &[(ChangeKind::Planogram, id.0)]).await?;
    work.audit(Some(store.organisation_id), "retirePlanogram", encode(id).0, json!(row), json!(after));
    work.commit(after).await
}

/// The planogram that is in force in a showroom.
pub async fn in_force(db: &impl ConnectionTrait, id: ShowroomId) -> Result<Option<planogram::Model>, Error> {
    let found = planogram::Entity::find()
        .filter(planogram::Column::ShowroomId.eq(id))
        .filter(planogram::Column::State.eq(PlanogramState::Active));
    Ok(found.one(db).await?)
}

/// What a planogram has in each slot.
pub async fn planned(db: &impl ConnectionTrait, id: PlanogramId) -> Result<BTreeMap<SlotId, Planned>, Error> {
    let rows = position::Entity::find().filter(position::Column::PlanogramId.eq(id)).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.slot_id, (row.variant_id, row.facings))).collect())
}

/// A planogram of which the viewer may read the inside.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: PlanogramId,
) -> Result<Option<planogram::Model>, Error> {
    let Some(row) = planogram::Entity::find_by_id(id).one(db).await? else { return Ok(None) };
    let seen = inside(db, viewer).await?.is_none_or(|ids| ids.contains(&row.showroom_id));
    Ok(Some(row).filter(|_| seen))
}

/// Planograms of a showroom, newest first.
pub async fn list(db: &impl ConnectionTrait, id: ShowroomId, page: &PageArgs) -> Result<Page<planogram::Model>, Error> {
    let list = planogram::Entity::find().filter(planogram::Column::ShowroomId.eq(id));
    page.by_id(db, list, planogram::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a planogram in that list.
pub fn cursor(row: &planogram::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// What differs between two planograms of one showroom; none: from an empty floor.
pub async fn differences(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    before: Option<PlanogramId>,
    after: PlanogramId,
) -> Result<Vec<Difference>, Error> {
    let unknown = |id: PlanogramId, field: &str| not_found(field, encode(id).as_str());
    let to = find(db, viewer, after).await?.ok_or_else(|| unknown(after, "afterId"))?;
    let from = match before {
        None => BTreeMap::new(),
        Some(id) => {
            let from = find(db, viewer, id).await?.filter(|row| row.showroom_id == to.showroom_id);
            planned(db, from.ok_or_else(|| unknown(id, "beforeId"))?.id).await?
        }
    };
    Ok(diff(&from, &planned(db, to.id).await?))
}
