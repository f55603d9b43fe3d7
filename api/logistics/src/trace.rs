//! From a lot to the parcels that carried it, from a parcel to its lots and where they came from; and what everyone may
//! see who was given the code of a parcel.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use entities::{
    catalog::variant,
    inventory::{VerificationState, gate::list, lot, stock_move},
    logistics::{event, pass_parcel, shipment},
    party::{Viewer, machine_client::Scope, organisation},
    values::{
        Gtin, Locale, Localized,
        id::{OrganisationId, StockLotId, VariantId},
        identity::masked_name,
    },
};
use inventory::ops::traced;
use platform::error::Error;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, RelationDef,
    sea_query::{Expr, Query},
};

/// Most parcels of one lot.
const MOST: usize = 500;
/// Most lots of a trace, and most documents of a lot.
const MOST_LOTS: usize = 100;
const MOST_DOCUMENTS: usize = 100;
/// Documents that are asked about in one statement.
const TOGETHER: usize = 1_000;
/// Most events of a public trace: the newest.
const EVENTS: u64 = 100;

/// By what something is traced.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "what people have in their hands")]
pub enum By {
    /// The document of a parcel.
    Document(String),
    /// A carrier's number.
    Waybill(OrganisationId, String),
    /// What is printed on goods.
    Lot { gtin: Gtin, lot: String },
}

/// How much of a lot came in, or went out, under a document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the document, how much in trade units, and when last")]
pub struct Under {
    pub document: String,
    pub quantity: i64,
    pub at: DateTime<Utc>,
    /// Verification lists that it went through the gate under (核注清单编号).
    pub lists: BTreeSet<String>,
    /// Items of account books that it was of: the book and the number in it (账册号, 备案序号).
    pub items: BTreeSet<(String, i32)>,
}

/// A lot that was found.
#[derive(Clone, Debug)]
pub struct TracedLot {
    /// Which.
    pub lot: lot::Model,
    /// How much of it went out, in trade units.
    pub quantity: i64,
    /// Under what it went out, newest first.
    pub went_out: Vec<Under>,
    /// Under what it came in, first first; only for whose goods they are, and who oversees the zone.
    pub came_in: Vec<Under>,
    /// The verification lists that it came into the zone under: for whoever sees the lot (溯源).
    pub lists: BTreeSet<String>,
    /// The items of account books that it came as.
    pub items: BTreeSet<(String, i32)>,
}

/// What was found, as far as the viewer may see it.
#[derive(Clone, Debug, Default)]
pub struct Traced {
    /// The parcels.
    pub shipments: Vec<shipment::Model>,
    /// The lots.
    pub lots: Vec<TracedLot>,
    /// Whether there is more of any of it.
    pub truncated: bool,
}

/// Traces, both ways, along the moves of stock that were not taken back: those of the viewer's own goods, whether they went
/// in a parcel or not, and those that went in a parcel that it may see.
pub async fn trace(db: &impl ConnectionTrait, viewer: &Viewer, by: &By) -> Result<Traced, Error> {
    let named = match by {
        By::Lot { gtin, lot } => {
            let known = variant::Entity::find().filter(variant::Column::Gtin.eq(gtin.clone())).one(db).await?;
            let Some(known) = known else { return Ok(Traced::default()) };
            traced::lots_of(db, known.id, lot).await?
        }
        By::Document(_) | By::Waybill(..) => Vec::new(),
    };
    let (shipments, mut truncated) = parcels(db, viewer, by, &named).await?;
    let own = Own::of(viewer);
    let (moves, more) = match asked(by, &named, &shipments) {
        Some(asked) => traced::went(db, asked.add(seen(viewer, &own, &shipments))).await?,
        None => (Vec::new(), false),
    };
    truncated |= more;
    let ids: BTreeSet<StockLotId> = moves.iter().map(|one| one.lot_id).collect();
    // Of one's own goods also those that never went out.
    let mut lots: Vec<lot::Model> = named.into_iter().filter(|lot| own.has(lot.owner_id)).collect();
    let missing = ids.into_iter().filter(|id| lots.iter().all(|lot| lot.id != *id)).collect::<Vec<_>>();
    lots.extend(traced::lots(db, missing).await?);
    lots.sort_by(|a, b| (&a.code, a.id).cmp(&(&b.code, b.id)));
    truncated |= lots.len() > MOST_LOTS;
    lots.truncate(MOST_LOTS);
    let ids: Vec<StockLotId> = lots.iter().map(|lot| lot.id).collect();
    let (came, more) = traced::came_in(db, &ids).await?;
    truncated |= more;
    let documents = moves.iter().chain(&came).map(|one| one.document.clone()).collect();
    let booked = traced::booked(db, &documents).await?;
    let gates = out_under(db, moves.iter().map(|one| one.document.as_str())).await?;
    let known = |under: Under, variant: VariantId| {
        let of = booked.get(&under.document);
        let items = of.iter().flat_map(|of| &of.items).filter(|item| item.2 == variant);
        let lists = of.iter().flat_map(|of| &of.lists).chain(gates.get(&under.document).into_iter().flatten());
        let (items, lists) = (items.map(|(book, n, _)| (book.clone(), *n)).collect(), lists.cloned().collect());
        Under { lists, items, ..under }
    };
    let lots: Vec<TracedLot> = lots
        .into_iter()
        .map(|lot| {
            let quantity = moves.iter().filter(|one| one.lot_id == lot.id).map(|one| one.quantity).sum();
            let (went_out, fewer_out) = under(&moves, lot.id);
            let (came_in, fewer_in) = under(&came, lot.id);
            truncated |= fewer_out || fewer_in;
            let [went_out, came_in] = [went_out, came_in]
                .map(|all| all.into_iter().map(|under| known(under, lot.variant_id)).collect::<Vec<Under>>());
            let lists = came_in.iter().flat_map(|under| under.lists.clone()).collect();
            let items = came_in.iter().flat_map(|under| under.items.clone()).collect();
            let came_in = if own.has(lot.owner_id) { came_in } else { Vec::new() };
            TracedLot { lot, quantity, went_out, came_in, lists, items }
        })
        .collect();
    Ok(Traced { shipments, lots, truncated })
}

/// Whose moves are the viewer's own to follow.
enum Own {
    Everyones,
    Of(Option<OrganisationId>),
}

impl Own {
    fn of(viewer: &Viewer) -> Self {
        if viewer.oversees() { Self::Everyones } else { Self::Of(viewer.reads_for(Scope::Logistics)) }
    }

    fn has(&self, owner: OrganisationId) -> bool {
        match self {
            Self::Everyones => true,
            Self::Of(own) => *own == Some(owner),
        }
    }
}

/// The moves that are asked for; none: there are none.
fn asked(by: &By, named: &[lot::Model], shipments: &[shipment::Model]) -> Option<Condition> {
    use stock_move::Column as M;
    let all = Condition::all();
    match by {
        By::Document(document) => Some(all.add(M::Document.eq(document))),
        By::Waybill(..) => {
            let one = shipments.first()?;
            Some(all.add(M::OwnerId.eq(one.owner_id)).add(M::Document.eq(&one.document)))
        }
        By::Lot { .. } if named.is_empty() => None,
        By::Lot { .. } => Some(all.add(M::LotId.is_in(named.iter().map(|lot| lot.id)))),
    }
}

/// The moves that a viewer may see: of its own goods, or of a parcel that it may see. Whose they are is always said, so
/// that the index of owner and document is used.
fn seen(viewer: &Viewer, own: &Own, shipments: &[shipment::Model]) -> Condition {
    use stock_move::Column as M;
    let acting = match own {
        Own::Everyones => {
            let all = Query::select().column(organisation::Column::Id).from(organisation::Entity).take();
            return Condition::all().add(M::OwnerId.in_subquery(all));
        }
        Own::Of(acting) => *acting,
    };
    let mut parcels = shipment::Entity::visible_to(viewer).select_only().column(shipment::Column::Id).into_query();
    parcels
        .and_where(Expr::col((shipment::Entity, shipment::Column::Document)).equals((stock_move::Entity, M::Document)))
        .and_where(Expr::col((shipment::Entity, shipment::Column::OwnerId)).equals((stock_move::Entity, M::OwnerId)));
    let owners: BTreeSet<OrganisationId> = shipments.iter().map(|row| row.owner_id).chain(acting).collect();
    Condition::all()
        .add(M::OwnerId.is_in(owners))
        .add(Condition::any().add_option(acting.map(|own| M::OwnerId.eq(own))).add(Expr::exists(parcels)))
}

/// The moves of a lot by document, in the order of the first of each, and whether there are more documents.
fn under(moves: &[stock_move::Model], lot: StockLotId) -> (Vec<Under>, bool) {
    let mut found: Vec<Under> = Vec::new();
    for one in moves.iter().filter(|one| one.lot_id == lot) {
        if let Some(under) = found.iter_mut().find(|under| under.document == one.document) {
            under.quantity += one.quantity;
            under.at = Ord::max(under.at, one.at);
        } else if found.len() == MOST_DOCUMENTS {
            return (found, true);
        } else {
            let (lists, items) = (BTreeSet::new(), BTreeSet::new());
            found.push(Under { document: one.document.clone(), quantity: one.quantity, at: one.at, lists, items });
        }
    }
    (found, false)
}

/// The verification lists under which the parcels of documents went through the gate.
async fn out_under(
    db: &impl ConnectionTrait,
    documents: impl Iterator<Item = &str>,
) -> Result<HashMap<String, Vec<String>>, Error> {
    let documents: BTreeSet<&str> = documents.collect();
    let parcel: RelationDef = pass_parcel::Entity::belongs_to(shipment::Entity)
        .from(pass_parcel::Column::ShipmentId)
        .to(shipment::Column::Id)
        .into();
    let list: RelationDef = pass_parcel::Entity::belongs_to(list::Entity)
        .from(pass_parcel::Column::GatePassId)
        .to(list::Column::GatePassId)
        .into();
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    let documents: Vec<&str> = documents.into_iter().collect();
    for part in documents.chunks(TOGETHER) {
        let rows: Vec<(String, String)> = pass_parcel::Entity::find()
            .select_only()
            .column(shipment::Column::Document)
            .column(list::Column::Number)
            .join(JoinType::InnerJoin, parcel.clone())
            .join(JoinType::InnerJoin, list.clone())
            .filter(shipment::Column::Document.is_in(part.iter().copied()))
            .filter(list::Column::State.eq(VerificationState::Verified))
            .into_tuple()
            .all(db)
            .await?;
        for (document, number) in rows {
            found.entry(document).or_default().push(number);
        }
    }
    Ok(found)
}

/// The parcels that the viewer may see, newest first, and whether there are more.
async fn parcels(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    by: &By,
    named: &[lot::Model],
) -> Result<(Vec<shipment::Model>, bool), Error> {
    use shipment::Column as C;
    use stock_move::Column as M;
    let seen = shipment::Entity::visible_to(viewer);
    let found = match by {
        By::Document(document) => seen.filter(C::Document.eq(document)),
        By::Waybill(carrier, number) => seen.filter(C::CarrierId.eq(*carrier)).filter(C::Waybill.eq(number)),
        By::Lot { .. } if named.is_empty() => return Ok((Vec::new(), false)),
        By::Lot { .. } => {
            // A document's name is its owner's own affair: two may have the same.
            let went = traced::went_out()
                .select_only()
                .column(M::OwnerId)
                .column(M::Document)
                .filter(M::LotId.is_in(named.iter().map(|lot| lot.id)))
                .into_query();
            let parcel = [C::OwnerId, C::Document].map(|column| Expr::col((shipment::Entity, column)));
            seen.filter(Expr::tuple(parcel).in_subquery(went))
        }
    };
    let mut rows = found.order_by_desc(C::Id).limit(MOST as u64 + 1).all(db).await?;
    let more = rows.len() > MOST;
    rows.truncate(MOST);
    Ok((rows, more))
}

/// What everyone may see who has the code of a parcel: where it is, and of people and organisations not who they are.
#[derive(Clone, Debug)]
pub struct Public {
    /// The parcel.
    pub row: shipment::Model,
    /// Who sends it, masked.
    pub sender: String,
    /// Who takes it in, masked.
    pub taker: String,
    /// Who carries it.
    pub carrier: Localized,
    /// Its number, of which the end is shown.
    pub waybill: Option<String>,
    /// What happened, and was not declared in error.
    pub events: Vec<event::Model>,
}

/// The public trace of a code; none: it is nobody's.
pub async fn public(db: &impl ConnectionTrait, code: &str, locale: &Locale) -> Result<Option<Public>, Error> {
    let plain = code.len() == 32 && code.bytes().all(|b| b.is_ascii_hexdigit());
    if !plain {
        return Ok(None);
    }
    let Some(row) = shipment::Entity::find().filter(shipment::Column::PublicCode.eq(code)).one(db).await? else {
        return Ok(None);
    };
    let parties = organisation::Entity::find()
        .filter(organisation::Column::Id.is_in([row.owner_id, row.carrier_id]))
        .all(db)
        .await?;
    let name = |id: OrganisationId| parties.iter().find(|party| party.id == id).map(|party| party.name.clone());
    let sender = name(row.owner_id).and_then(|name| name.read(locale).map(masked_name)).unwrap_or_default();
    let mut events = event::Entity::counting()
        .filter(event::Column::ShipmentId.eq(row.id))
        .order_by_desc(event::Column::EventTime)
        .order_by_desc(event::Column::Id)
        .limit(EVENTS)
        .all(db)
        .await?;
    events.reverse();
    // Without the mobile number, of which even the end tells neighbours something.
    let taker = row.masked_consignee.split(' ').next().unwrap_or_default().to_owned();
    let waybill = row.waybill.as_deref().map(|number| {
        let shown = number.len().saturating_sub(4);
        format!("{}{}", "*".repeat(shown), number.get(shown..).unwrap_or_default())
    });
    Ok(Some(Public { sender, taker, carrier: name(row.carrier_id).unwrap_or_default(), waybill, events, row }))
}
