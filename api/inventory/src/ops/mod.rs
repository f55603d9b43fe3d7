//! What people do with stock, and what they read of it. One function is one transaction.
//!
//! - here: locations, and what all of them share
//! - [`goods`]: receipts, moves within the house, taking back
//! - [`inbound`]: what is declared into a bonded warehouse, until it is in its bins
//! - [`bought`]: what comes from suppliers, is looked at, and goes on or back
//! - [`leaving`]: what is written off, cleared by customs, or comes back from whoever bought it
//! - [`counts`], [`transfers`]: what takes several steps
//! - [`bonded`]: the account book
//! - [`hot`]: which items are hot
//! - `keeping`: who touches which place
//! - [`reads`]: lists and the history; [`picks`]: what is to be taken from the shelves; [`traced`]: from a lot to
//!   documents and back

pub mod bonded;
pub mod bought;
pub mod counts;
pub mod goods;
pub mod hot;
pub mod inbound;
mod keeping;
pub mod leaving;
pub mod picks;
pub mod reads;
pub mod traced;
pub mod transfers;

use chrono::{DateTime, Utc};
use entities::{
    catalog::{product, variant},
    inventory::{CustomsStatus, LocationKind, balance, location, stock_move},
    party::{Action, Resource},
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, StockBalanceId, StockLocationId, VariantId},
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found, taken},
    graphql::encode,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QuerySelect,
    sea_query::OnConflict,
};
use serde_json::{Value, json};

use super::ledger::{self, By, Moving, in_line};

pub use goods::{Received, Transferred, receive, reverse, transfer};
pub use reads::{Filter, Told, balance_cursor, history, list_locations, list_stock, location_cursor, move_cursor};

/// Most lines of one document.
const MAX_LINES: usize = 500;

/// A new location.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the columns of the location")]
pub struct NewLocation {
    pub code: String,
    pub kind: LocationKind,
    pub name: String,
}

fn own(call: &Call) -> Result<OrganisationId, Error> {
    call.may(Action::KeepStock, Resource::OWN)?;
    call.viewer.organisation().ok_or(Error::Forbidden)
}

/// The same for whoever counts and transfers: in which places, [`keeping`] says.
fn handled(call: &Call) -> Result<OrganisationId, Error> {
    call.may(Action::HandleStock, Resource::OWN)?;
    call.viewer.organisation().ok_or(Error::Forbidden)
}

fn few<T>(lines: &[T]) -> Result<(), Error> {
    Ok(text::few(lines.len(), MAX_LINES)?)
}

/// Makes a location of the organisation acted for.
pub async fn create_location(app: &App, call: &Call, new: &NewLocation) -> Result<location::Model, Error> {
    let organisation = own(call)?;
    let code = short_code(&new.code).map_err(|refusal| refusal.at("code"))?;
    if new.kind.is_virtual() {
        // They come by themselves: there is one of each.
        let kind = async_graphql::Value::from(new.kind).to_string();
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", kind).at("kind").into());
    }
    if STANDING.iter().any(|(kept, ..)| *kept == code) {
        return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", code).at("code").into());
    }
    let name = text::line(&new.name, 120).map_err(|refusal| refusal.at("name"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = made_location(work.tx(), work.now, organisation, &code, new.kind, name).await?;
    let shown = json!({ "code": row.code, "kind": row.kind, "name": row.name });
    work.audit(Some(organisation), "createStockLocation", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

/// Makes a location in the caller's transaction; refused at `code` when the organisation has one with that code.
pub async fn made_location(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    organisation: OrganisationId,
    code: &str,
    kind: LocationKind,
    name: String,
) -> Result<location::Model, Error> {
    let row = place_for(now, organisation, code, kind, name);
    let written = location::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx).await;
    written.map_err(|e| taken(e, "stock_location", &["organisation_id", "code"], "code", code))?;
    Ok(row)
}

/// A short code of a place or a bin: letters, digits and few signs, in capitals.
fn short_code(written: &str) -> Result<String, Refusal> {
    let code = text::line(written, 40)?.to_ascii_uppercase();
    let fits = code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if fits { Ok(code) } else { Err(Refusal::new(ErrorCode::InvalidValue).with("value", code)) }
}

fn place_for(
    now: DateTime<Utc>,
    organisation: OrganisationId,
    code: &str,
    kind: LocationKind,
    name: String,
) -> location::Model {
    location::Model {
        id: StockLocationId::new(now),
        organisation_id: organisation,
        code: code.to_owned(),
        kind,
        name,
        version: 1,
        created_at: now,
    }
}

/// The locations that every organisation has one of, made when they are first needed: their codes, and what people call
/// them.
const STANDING: [(&str, LocationKind, &str); 7] = [
    ("SUPPLIER", LocationKind::Supplier, "供应商 / supplier"),
    ("CUSTOMER", LocationKind::Customer, "客户 / customer"),
    ("LOSS", LocationKind::Loss, "盘盈盘亏 / loss"),
    ("TRANSIT", LocationKind::Transit, "在途 / in transit"),
    (DOCK, LocationKind::Transit, "收货区 / inbound dock"),
    (LOAN, LocationKind::Transit, "借出 / on loan"),
    (INSPECTION, LocationKind::QualityCheck, "待检区 / inspection"),
];

/// Where goods lie that came through the gate and are in no bin yet. Nobody can sell from there, and they leave it by being
/// put away only. A code that nobody can type ([`short_code`]): organisations may have an INBOUND of their own.
const DOCK: &str = "@INBOUND";
/// Where samples are while somebody has them. They leave it by the steps of their loan only.
const LOAN: &str = "@LOAN";
/// Where goods of suppliers lie until somebody has looked at them, and what was rejected until it goes back. They leave it
/// by the steps of their receipt only.
const INSPECTION: &str = "@QC";

/// The location of an organisation that stands for whoever delivers to it.
pub async fn supplier_of(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    organisation: OrganisationId,
) -> Result<StockLocationId, Error> {
    standing(tx, now, organisation, LocationKind::Supplier).await
}

/// The location of an organisation that stands for whoever buys from it.
pub async fn customer_of(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    organisation: OrganisationId,
) -> Result<StockLocationId, Error> {
    standing(tx, now, organisation, LocationKind::Customer).await
}

/// The location of an organisation that stands for what is lost, found or destroyed.
pub async fn loss_of(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    organisation: OrganisationId,
) -> Result<StockLocationId, Error> {
    standing(tx, now, organisation, LocationKind::Loss).await
}

/// Where the samples of an organisation are that it lent. They are on its books; nobody counts or sells them meanwhile.
pub async fn loan_of(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    organisation: OrganisationId,
) -> Result<StockLocationId, Error> {
    standing_as(tx, now, organisation, |code, _| code == LOAN).await
}

/// Where what an organisation bought lies until somebody has looked at it.
pub async fn inspection_of(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    organisation: OrganisationId,
) -> Result<StockLocationId, Error> {
    standing_as(tx, now, organisation, |code, _| code == INSPECTION).await
}

/// The inbound dock of an organisation.
async fn dock_of(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    organisation: OrganisationId,
) -> Result<StockLocationId, Error> {
    standing_as(tx, now, organisation, |code, _| code == DOCK).await
}

/// One of [`STANDING`], by what it is; of those on the way, that between the places of a transfer.
async fn standing(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    organisation: OrganisationId,
    kind: LocationKind,
) -> Result<StockLocationId, Error> {
    standing_as(tx, now, organisation, |_, of| of == kind).await
}

async fn standing_as(
    tx: &impl ConnectionTrait,
    now: DateTime<Utc>,
    organisation: OrganisationId,
    which: impl Fn(&str, LocationKind) -> bool,
) -> Result<StockLocationId, Error> {
    let named = STANDING.iter().find(|(code, kind, _)| which(code, *kind));
    let (code, kind, name) = named.ok_or_else(|| Error::internal("there is none of it everywhere"))?;
    let find = || {
        location::Entity::find()
            .filter(location::Column::OrganisationId.eq(organisation))
            .filter(location::Column::Code.eq(*code))
            .filter(location::Column::Kind.eq(*kind))
            .one(tx)
    };
    if let Some(row) = find().await? {
        return Ok(row.id);
    }
    let made = place_for(now, organisation, code, *kind, (*name).to_owned());
    let known = OnConflict::columns([location::Column::OrganisationId, location::Column::Code]).do_nothing().to_owned();
    let insert = location::Entity::insert(made.into_active_model()).on_conflict(known);
    insert.try_insert().exec_without_returning(tx).await?;
    find().await?.map(|row| row.id).ok_or_else(|| Error::internal("a location is gone"))
}

/// Whether goods are on the way between two places, on the inbound dock, on loan or not looked at yet: they move by the
/// steps of their document only.
fn is_way(row: &location::Model) -> bool {
    let way = matches!(row.kind, LocationKind::Transit | LocationKind::QualityCheck);
    way && STANDING.iter().any(|(code, ..)| *code == row.code)
}

/// A place of an organisation's own where goods really lie.
pub async fn own_location(
    tx: &impl ConnectionTrait,
    organisation: OrganisationId,
    id: StockLocationId,
    field: &str,
) -> Result<location::Model, Error> {
    let row = location::Entity::find_by_id(id).one(tx).await?;
    let row = row.filter(|row| row.organisation_id == organisation && !row.kind.is_virtual() && !is_way(row));
    row.ok_or_else(|| not_found(field, encode(id).as_str()))
}

/// A bonded warehouse of an organisation's own.
pub async fn own_bonded(
    tx: &impl ConnectionTrait,
    organisation: OrganisationId,
    id: StockLocationId,
    field: &str,
) -> Result<location::Model, Error> {
    let row = own_location(tx, organisation, id, field).await?;
    if row.kind == LocationKind::BondedWarehouse {
        return Ok(row);
    }
    let kind = async_graphql::Value::from(row.kind).to_string();
    Err(Refusal::new(ErrorCode::InvalidValue).with("value", kind).at(field).into())
}

/// Every variant must be one that the viewer may see; which of them is not, by its place.
pub async fn unseen(work: &Work, variants: &[VariantId]) -> Result<Option<usize>, Error> {
    let of =
        product::Entity::belongs_to(variant::Entity).from(product::Column::Id).to(variant::Column::ProductId).into();
    let known: Vec<VariantId> = product::Entity::visible_to(work.viewer())
        .join(JoinType::InnerJoin, of)
        .filter(variant::Column::Id.is_in(variants.iter().copied()))
        .select_only()
        .column(variant::Column::Id)
        .into_tuple()
        .all(work.tx())
        .await?;
    Ok(variants.iter().position(|variant| !known.contains(variant)))
}

/// Balances that people may move by hand, in the order of the lines: their own, inside the house, not on the way.
async fn own_balances(
    tx: &impl ConnectionTrait,
    organisation: OrganisationId,
    ids: &[StockBalanceId],
) -> Result<Vec<balance::Model>, Error> {
    let rows = balance::Entity::find().filter(balance::Column::Id.is_in(ids.iter().copied())).all(tx).await?;
    let places = location::Entity::find().filter(location::Column::Id.is_in(rows.iter().map(|row| row.location_id)));
    let places = places.all(tx).await?;
    let at = |row: &balance::Model| places.iter().find(|place| place.id == row.location_id);
    // Bonded goods on display move by the steps of their document only.
    let shown = |row: &balance::Model| {
        row.status == CustomsStatus::Bonded && at(row).is_some_and(|place| place.kind == LocationKind::Display)
    };
    let mine = |row: &&balance::Model| {
        row.owner_id == organisation && !row.outside && !at(row).is_some_and(is_way) && !shown(row)
    };
    let line = |(n, id): (usize, &StockBalanceId)| {
        let row = rows.iter().find(|row| row.id == *id).filter(mine);
        row.cloned().ok_or_else(|| in_line(not_found("balanceId", encode(*id).as_str()), n))
    };
    ids.iter().enumerate().map(line).collect()
}

/// The document of an input.
fn document(written: &str) -> Result<String, Error> {
    Ok(text::line(written, 120).map_err(|refusal| refusal.at("document"))?)
}

/// Makes moves in the name of whoever asks.
pub async fn moved(work: &Work, moves: &[Moving]) -> Result<Vec<stock_move::Model>, Error> {
    let actor = work.viewer().subject();
    ledger::post(work.tx(), By { actor: &actor, at: work.now }, moves).await
}
