//! What stands in slots: put there by scanning slot and piece, taken away, and what is wrong with a floor.
//!
//! A piece is one of a balance at the showroom's place for its class, promised to the display for as long as it stands:
//! `display:<id>` is the document of the promise. So it can be neither sold nor moved nor counted away meanwhile.

use std::collections::{BTreeMap, HashMap};

use catalog::store::load_terms;
use chrono::{Duration, NaiveDate};
use entities::{
    catalog::{offer, variant},
    inventory::{ReservationKind, ReservationStep, balance},
    ordering::pricing::source,
    party::{Action, Viewer},
    showroom::{
        ChangeKind, DisplayState, Gap, ShowroomState, StorePattern, UnitClass,
        display::{self, Now, gaps},
        scan_code, slot, store,
    },
    values::{
        Currency, ErrorCode, Money, Refusal,
        id::{DisplayId, OfferId, OrganisationId, ShowroomId, SlotId, StockBalanceId, VariantId},
        refusal::{given, line},
    },
};
use inventory::{
    availability::saleable,
    ledger,
    promises::{self, Purpose},
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found, taken},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter, sea_query::Expr,
};
use serde_json::json;
use trade::landed;

use super::{
    changes, place_of, planograms, store_of,
    stores::{self, closed},
};

/// Name of the order, for cursors.
const NEWEST: &str = "display";

/// What is put into a slot.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the display")]
pub struct Installing {
    /// What is printed on the slot.
    pub slot: String,
    /// Which of its places side by side; none: the first that is free.
    pub facing: Option<i32>,
    pub offer: OfferId,
    pub pattern: StorePattern,
    pub class: Option<UnitClass>,
    pub balance: Option<StockBalanceId>,
    pub serial: Option<String>,
    pub tag: Option<Money>,
    /// What stands in that facing makes way.
    pub replace: bool,
}

/// What whoever puts something into a slot saw in its facing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Saw {
    /// What stands there at this moment.
    NowItself,
    /// Nothing, some time ago.
    Nothing,
    /// This display, some time ago.
    Display(DisplayId),
}

impl Saw {
    /// Whether something else stands there by now.
    fn is_other(self, now: Option<&display::Model>) -> bool {
        match (self, now) {
            (Self::NowItself, _) | (_, None) => false,
            (Self::Nothing, Some(_)) => true,
            (Self::Display(seen), Some(row)) => row.id != seen,
        }
    }
}

/// The document of a display's promise.
pub(crate) fn promised_as(id: DisplayId) -> String {
    format!("display:{id}")
}

/// A slot by what is printed on it, in a showroom where the viewer may do this.
pub(crate) async fn slot_for(
    work: &Work,
    viewer: &Viewer,
    action: Action,
    code: &str,
    field: &str,
) -> Result<(store::Model, slot::Model), Error> {
    let code = scan_code::read(code).map_err(|refusal| refusal.at(field))?;
    let found = slot::Entity::find().filter(slot::Column::ScanCode.eq(&code)).one(work.tx()).await?;
    let row = found.ok_or_else(|| not_found(field, &code))?;
    let store = store_of(work.tx(), viewer, action, row.showroom_id, || not_found(field, &code)).await?;
    if row.retired_at.is_some() {
        return Err(Refusal::new(ErrorCode::SlotRetired).with("value", code).at(field).into());
    }
    Ok((store, row))
}

/// Puts something into a slot.
pub async fn install(app: &App, call: &Call, new: &Installing) -> Result<display::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let made = installed(&mut work, new, Saw::NowItself).await?;
    work.commit(made).await
}

/// The same in a change that is under way. `seen`: what whoever does so saw in the facing, when it may be another by now.
pub(crate) async fn installed(work: &mut Work, new: &Installing, seen: Saw) -> Result<display::Model, Error> {
    let viewer = work.viewer().clone();
    let (store, slot) = slot_for(work, &viewer, Action::WorkShowrooms, &new.slot, "slot").await?;
    if store.state == ShowroomState::Closed {
        return Err(closed());
    }
    let offer = offer::Entity::visible_to(&viewer).filter(offer::Column::Id.eq(new.offer)).one(work.tx()).await?;
    let offer = offer.ok_or_else(|| not_found("offerId", encode(new.offer).as_str()))?;
    let wrong = new.pattern.fits(&store.site(), new.class, offer.supply_mode);
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let serial = given(new.serial.as_deref());
    let serial = serial.map(|text| line(text, 40)).transpose().map_err(|refusal| refusal.at("serial"))?;
    if new.class.is_none() && serial.is_some() {
        let picture = Refusal::new(ErrorCode::InvalidValue).with("value", serial.unwrap_or_default());
        return Err(picture.at("serial").into());
    }
    let (facing, before) = free_facing(work, &slot, new).await?;
    if seen.is_other(before.as_ref()) {
        return Err(Refusal::new(ErrorCode::StaleVersion).at("displayId").into());
    }
    let id = DisplayId::new(work.now);
    let piece = match new.class {
        Some(class) => Some(piece(work, &store, class, &offer, new.balance).await?),
        None => None,
    };
    // Both balances are locked in the order of all, before the one is let go and the other is taken.
    let balances = piece.iter().map(|row| row.id).chain(before.iter().filter_map(|row| row.balance_id));
    ledger::lock(work.tx(), balances).await?;
    if let Some(before) = &before {
        end(work, before, DisplayState::Replaced).await?;
    }
    let balance = match &piece {
        Some(row) => Some(held(work, row, id).await?),
        None => None,
    };
    let row = display::Model {
        id,
        showroom_id: store.id,
        slot_id: slot.id,
        facing,
        offer_id: offer.id,
        variant_id: offer.variant_id,
        pattern: new.pattern,
        class: new.class,
        balance_id: balance,
        serial,
        tag_minor: new.tag.map(|tag| tag.minor),
        tag_currency: new.tag.map(|tag| tag.currency),
        tag_version: 1,
        state: DisplayState::Installed,
        installed_by: viewer.subject(),
        installed_at: work.now,
        ended_by: None,
        ended_at: None,
    };
    let shown = row.serial.clone().unwrap_or_default();
    let written = display::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    written.map_err(|error| {
        // Somebody else was first.
        if platform::error::violates_unique(&error, "display", &["slot_id", "facing"]) {
            return taken(error, "display", &["slot_id", "facing"], "facing", &facing.to_string());
        }
        taken(error, "display", &["variant_id", "serial"], "serial", &shown)
    })?;
    let changed: Vec<_> = before.iter().map(|row| row.id).chain([id]).map(|id| (ChangeKind::Display, id.0)).collect();
    changes::note(work, store.id, &changed).await?;
    still_fits(work, new, &store, &slot, facing).await?;
    work.outdates_slot(slot.id);
    let after = json!({ "slot": slot.code, "facing": facing, "offer": encode(offer.id).0, "pattern": row.pattern });
    work.audit(Some(store.organisation_id), "installDisplay", encode(id).0, serde_json::Value::Null, after);
    Ok(row)
}

/// Nobody draws the floor, closes the store or takes its approval away any more: its row is locked. Whoever did so a moment
/// ago did not see what is put there.
async fn still_fits(
    work: &Work,
    new: &Installing,
    store: &store::Model,
    slot: &slot::Model,
    facing: i32,
) -> Result<(), Error> {
    let store = store::Entity::find_by_id(store.id).one(work.tx()).await?;
    let slot = slot::Entity::find_by_id(slot.id).one(work.tx()).await?;
    let (store, slot) = store.zip(slot).ok_or_else(|| Error::internal("a slot is gone"))?;
    if store.state == ShowroomState::Closed {
        return Err(closed());
    }
    if slot.retired_at.is_some() || facing > slot.facings {
        return Err(Refusal::new(ErrorCode::SlotRetired).with("value", slot.scan_code).at("slot").into());
    }
    Ok(new.pattern.lawful(&store.site()).map_err(|refusal| refusal.at("pattern"))?)
}

/// The facing that it is put into, and what makes way there when that was asked for.
async fn free_facing(
    work: &Work,
    slot: &slot::Model,
    new: &Installing,
) -> Result<(i32, Option<display::Model>), Error> {
    let standing = in_slots(work.tx(), &[slot.id]).await?;
    let is_free = |n: i32| standing.iter().all(|row| row.facing != n);
    let range = || {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", slot.facings.to_string());
        Error::from(range.at("facing"))
    };
    let facing = match new.facing {
        Some(n) if !(1..=slot.facings).contains(&n) => return Err(range()),
        Some(n) => n,
        None => (1..=slot.facings).find(|n| is_free(*n)).unwrap_or(1),
    };
    match standing.into_iter().find(|row| row.facing == facing) {
        Some(_) if !new.replace => {
            let refusal = Refusal::new(ErrorCode::AlreadyTaken).with("value", facing.to_string());
            Err(refusal.at("facing").into())
        }
        before => Ok((facing, before)),
    }
}

/// The balance of which a piece is taken: the one that was scanned, or the one that has most.
async fn piece(
    work: &Work,
    store: &store::Model,
    class: UnitClass,
    offer: &offer::Model,
    asked: Option<StockBalanceId>,
) -> Result<balance::Model, Error> {
    let place = place_of(work.tx(), store, class).await?;
    let mut found = balance::Entity::find()
        .filter(balance::Column::OwnerId.eq(store.organisation_id))
        .filter(balance::Column::LocationId.eq(place))
        .filter(balance::Column::VariantId.eq(offer.variant_id))
        .filter(balance::Column::Status.eq(class.status()));
    if let Some(asked) = asked {
        found = found.filter(balance::Column::Id.eq(asked));
    }
    let rows = found.all(work.tx()).await?;
    let row = rows.into_iter().max_by_key(|row| (row.available(), row.id));
    let unknown = || match asked {
        Some(id) => not_found("balanceId", encode(id).as_str()),
        None => Refusal::new(ErrorCode::OutOfStock).with("available", "0").at("balanceId").into(),
    };
    row.ok_or_else(unknown)
}

/// Promises a piece to the display.
async fn held(work: &Work, row: &balance::Model, id: DisplayId) -> Result<StockBalanceId, Error> {
    let document = promised_as(id);
    let purpose = Purpose {
        kind: ReservationKind::Display,
        document: &document,
        key: &document,
        until: work.now + Duration::minutes(1),
    };
    let hold = promises::hold_these(work.tx(), work.now, &[(row.clone(), 1)], purpose).await;
    hold.map_err(|error| error.of("balanceId"))?;
    promises::confirm_all(work.tx(), work.now, &document).await?;
    Ok(row.id)
}

/// Ends a display, once, and lets its piece go.
async fn end(work: &mut Work, row: &display::Model, to: DisplayState) -> Result<(), Error> {
    let done = display::Entity::update_many()
        .col_expr(display::Column::State, Expr::val(to))
        .col_expr(display::Column::EndedBy, Expr::val(Some(work.viewer().subject())))
        .col_expr(display::Column::EndedAt, Expr::val(Some(work.now)))
        .filter(display::Column::Id.eq(row.id))
        .filter(display::Column::State.eq(DisplayState::Installed))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Err(Refusal::new(ErrorCode::IllegalTransition)
            .with("from", "REMOVED")
            .with("action", "REMOVE")
            .at("id")
            .into());
    }
    if row.balance_id.is_some() {
        promises::let_go(work.tx(), work.now, &promised_as(row.id), ReservationStep::Release).await?;
    }
    work.outdates_slot(row.slot_id);
    Ok(())
}

/// A display of a showroom where the viewer works.
pub(crate) async fn found(work: &Work, id: DisplayId) -> Result<(store::Model, display::Model), Error> {
    let unknown = || not_found("id", encode(id).as_str());
    let row = display::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let store = store_of(work.tx(), work.viewer(), Action::WorkShowrooms, row.showroom_id, unknown).await?;
    Ok((store, row))
}

/// Takes a display away.
pub async fn remove(app: &App, call: &Call, id: DisplayId) -> Result<display::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let after = removed(&mut work, id).await?;
    work.commit(after).await
}

/// The same in a change that is under way.
pub(crate) async fn removed(work: &mut Work, id: DisplayId) -> Result<display::Model, Error> {
    let (store, row) = found(work, id).await?;
    // The balance before the display, as whoever replaces it locks them.
    ledger::lock(work.tx(), row.balance_id).await?;
    end(work, &row, DisplayState::Removed).await?;
    changes::note(work, row.showroom_id, &[(ChangeKind::Display, row.id.0)]).await?;
    work.audit(Some(store.organisation_id), "removeDisplay", encode(id).0, json!(row.state), json!("REMOVED"));
    let (by, now) = (work.viewer().subject(), work.now);
    Ok(display::Model { state: DisplayState::Removed, ended_by: Some(by), ended_at: Some(now), ..row })
}

/// Prints a new price tag: what it says from here on. None: what it is offered at now.
pub async fn retag(app: &App, call: &Call, id: DisplayId, tag: Option<Money>) -> Result<display::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let after = retagged(&mut work, id, tag, &Look::now(app)).await?;
    work.commit(after).await
}

/// The same in a change that is under way.
pub(crate) async fn retagged(
    work: &mut Work,
    id: DisplayId,
    tag: Option<Money>,
    look: &Look,
) -> Result<display::Model, Error> {
    let (store, row) = found(work, id).await?;
    let tag = if let Some(tag) = tag {
        tag
    } else {
        let now = offered_now(work.tx(), std::slice::from_ref(&row), look).await?;
        let currency = row.tag_currency.unwrap_or(Currency::CNY);
        let price = now.get(&row.id).and_then(|now| now.price);
        let none = || Refusal::new(ErrorCode::NotForSale).at("id");
        Money { minor: price.ok_or_else(none)?, currency }
    };
    let after = display::Model {
        tag_minor: Some(tag.minor),
        tag_currency: Some(tag.currency),
        tag_version: row.tag_version + 1,
        ..row.clone()
    };
    let done = display::Entity::update_many()
        .col_expr(display::Column::TagMinor, Expr::val(after.tag_minor))
        .col_expr(display::Column::TagCurrency, Expr::val(after.tag_currency))
        .col_expr(display::Column::TagVersion, Expr::val(after.tag_version))
        .filter(display::Column::Id.eq(id))
        .filter(display::Column::TagVersion.eq(row.tag_version))
        .filter(display::Column::State.eq(DisplayState::Installed))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        let from = async_graphql::Value::from(row.state).to_string();
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", "RETAG");
        return Err(refusal.at("id").into());
    }
    changes::note(work, row.showroom_id, &[(ChangeKind::Display, id.0)]).await?;
    work.outdates_slot(row.slot_id);
    work.audit(Some(store.organisation_id), "retagDisplay", encode(id).0, json!(row.tag_minor), json!(after.tag_minor));
    Ok(after)
}

/// What stands in a showroom now, by slot and facing.
pub async fn standing(db: &impl ConnectionTrait, id: ShowroomId) -> Result<Vec<display::Model>, Error> {
    let standing = display::Entity::find()
        .filter(display::Column::ShowroomId.eq(id))
        .filter(display::Column::State.eq(DisplayState::Installed));
    let mut rows = standing.all(db).await?;
    rows.sort_by_key(|row| (row.slot_id, row.facing));
    Ok(rows)
}

/// What stands in these slots now.
pub async fn in_slots(db: &impl ConnectionTrait, slots: &[SlotId]) -> Result<Vec<display::Model>, Error> {
    let standing = display::Entity::find()
        .filter(display::Column::SlotId.is_in(slots.iter().copied()))
        .filter(display::Column::State.eq(DisplayState::Installed));
    let mut rows = standing.all(db).await?;
    rows.sort_by_key(|row| (row.slot_id, row.facing));
    Ok(rows)
}

/// Displays of a showroom, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    id: ShowroomId,
    state: Option<DisplayState>,
    page: &PageArgs,
) -> Result<Page<display::Model>, Error> {
    let only = Condition::all()
        .add(display::Column::ShowroomId.eq(id))
        .add_option(state.map(|state| display::Column::State.eq(state)));
    page.by_id(db, display::Entity::find().filter(only), display::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a display in that list.
pub fn cursor(row: &display::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// How a floor is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The day whose prices hold.
    pub today: NaiveDate,
    /// How many days goods must keep to be sold.
    pub keeps_days: u32,
    /// So few pieces are little.
    pub low: i64,
}

impl Look {
    /// How it is looked at now.
    pub fn now(app: &App) -> Self {
        let config = app.config();
        Self {
            today: business_day(app.clock().now()),
            keeps_days: config.ordering.keeps_days,
            low: config.showroom.low_stock,
        }
    }
}

/// What displays are offered at now, in the currency of their tags, and whether any of it can still be had.
pub(crate) async fn offered_now(
    db: &impl ConnectionTrait,
    rows: &[display::Model],
    look: &Look,
) -> Result<HashMap<DisplayId, Now>, Error> {
    let ids = rows.iter().map(|row| row.offer_id);
    let public = offer::Entity::visible_to(&Viewer::anonymous()).filter(offer::Column::Id.is_in(ids));
    let offers = public.all(db).await?;
    let terms = load_terms(db, &offers).await?;
    let found = variant::Entity::find().filter(variant::Column::Id.is_in(offers.iter().map(|row| row.variant_id)));
    let found: HashMap<VariantId, variant::Model> = found.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    let known = offers.iter().filter_map(|row| Some((row, found.get(&row.variant_id)?, terms.get(&row.id)?)));
    let shelf = landed::on_shelf(db, known, look.today).await?;
    let owners = offers.iter().map(|row| row.seller_id);
    let variants = offers.iter().map(|row| row.variant_id);
    let there = saleable(db, owners, variants, look.today, look.keeps_days).await?;
    let mut left: HashMap<OfferId, i64> = HashMap::new();
    for offer in &offers {
        let (status, kinds) = source(offer.supply_mode);
        let fits = there.iter().filter(|row| {
            (row.owner_id, row.variant_id, row.status) == (offer.seller_id, offer.variant_id, status)
                && kinds.contains(&row.kind)
        });
        left.insert(offer.id, fits.map(|row| row.available).sum());
    }
    // What is shown bonded is sold from where it is shown, and from nowhere else (保税展示交易).
    let shown = rows.iter().filter(|row| row.pattern == StorePattern::BondedDisplay).map(|row| row.showroom_id);
    let shelves = stores::places_for(db, shown, UnitClass::BondedDisplay).await?;
    let on_shelves = |row: &display::Model, seller: Option<OrganisationId>| {
        let lies = there.iter().filter(|lies| {
            (Some(lies.owner_id), lies.variant_id) == (seller, row.variant_id)
                && lies.status == UnitClass::BondedDisplay.status()
                && shelves.get(&row.showroom_id) == Some(&lies.location_id)
        });
        lies.map(|lies| lies.available).sum::<i64>()
    };
    let now = |row: &display::Model| {
        let offer = offers.iter().find(|offer| offer.id == row.offer_id);
        let price = match row.tag_currency.unwrap_or(Currency::CNY) {
            Currency::CNY => shelf.get(&row.offer_id).copied(),
            // Import taxes are in yuan: in another currency a tag says what goes abroad, or is not taxed.
            other => offer.and_then(|offer| Some(terms.get(&offer.id)?.tier(offer.moq, other).ok()?.amount_minor)),
        };
        let stocked = offer.is_some_and(entities::ordering::pricing::ships_from_stock);
        let left = match row.pattern {
            StorePattern::BondedDisplay => Some(on_shelves(row, offer.map(|offer| offer.seller_id))),
            _ => stocked.then(|| left.get(&row.offer_id).copied().unwrap_or_default()),
        };
        Now { price, left }
    };
    Ok(rows.iter().map(|row| (row.id, now(row))).collect())
}

/// All that is wrong with the floor of a showroom now.
pub async fn gaps_of(db: &impl ConnectionTrait, id: ShowroomId, look: &Look) -> Result<Vec<Gap>, Error> {
    let standing = standing(db, id).await?;
    let now = offered_now(db, &standing, look).await?;
    let planned = match planograms::in_force(db, id).await? {
        Some(row) => Some(planograms::planned(db, row.id).await?),
        None => None,
    };
    let rows = standing.iter().map(|row| (row, now.get(&row.id).copied().unwrap_or_default()));
    Ok(gaps(planned.as_ref(), rows, look.low))
}

/// How many pieces of each variant lie in the places of a showroom and stand nowhere yet: what a gap can be filled with.
pub async fn to_fill_with(
    db: &impl ConnectionTrait,
    owner: OrganisationId,
    id: ShowroomId,
    variants: Vec<VariantId>,
) -> Result<BTreeMap<VariantId, i64>, Error> {
    let places = super::stores::places_of(db, id).await?;
    let rows = balance::Entity::find()
        .filter(balance::Column::OwnerId.eq(owner))
        .filter(balance::Column::LocationId.is_in(places.iter().map(|row| row.location_id)))
        .filter(balance::Column::VariantId.is_in(variants))
        .filter(balance::Column::Outside.eq(false))
        .all(db)
        .await?;
    let mut sums = BTreeMap::new();
    for row in rows {
        *sums.entry(row.variant_id).or_default() += row.available().max(0);
    }
    Ok(sums)
}
