//! From a lot to the parcels that carried it, from a parcel to its lots and where they came from; and what everyone may
//! see who was given the code of a parcel.

use entities::{
    catalog::variant,
    logistics::{event, shipment},
    party::{Viewer, organisation},
    values::{
        Gtin, Locale, Localized,
        id::{OrganisationId, StockLotId},
        identity::masked_name,
    },
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::{
    inventory::ops::traced::{self, CameIn, WentOut},
    platform::error::Error,
};

/// Most parcels of one lot.
const MOST: usize = 500;
/// Most events of a public trace.
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

/// What was found, as far as the viewer may see it.
#[derive(Clone, Debug, Default)]
pub struct Traced {
    /// The parcels.
    pub shipments: Vec<shipment::Model>,
    /// The lots that were in them.
    pub lots: Vec<WentOut>,
    /// Where these came from; only for who sent them, and who oversees the zone.
    pub came_in: Vec<CameIn>,
}

/// Traces, both ways.
pub async fn trace(db: &impl ConnectionTrait, viewer: &Viewer, by: &By) -> Result<Traced, Error> {
    let shipments = parcels(db, viewer, by).await?;
    let documents: Vec<_> = shipments.iter().map(|row| (row.owner_id, row.document.clone())).collect();
    let mut lots = traced::went_out(db, &documents).await?;
    if let By::Lot { lot, .. } = by {
        // What else was in the parcels is another question.
        lots.retain(|one| one.lot.code == *lot);
    }
    let own = |one: &&WentOut| viewer.oversees() || viewer.organisation() == Some(one.lot.owner_id);
    let own: Vec<StockLotId> = lots.iter().filter(own).map(|one| one.lot.id).collect();
    let came_in = traced::came_in(db, &own).await?;
    Ok(Traced { shipments, lots, came_in })
}

async fn parcels(db: &impl ConnectionTrait, viewer: &Viewer, by: &By) -> Result<Vec<shipment::Model>, Error> {
    use shipment::Column as C;
    let seen = shipment::Entity::visible_to(viewer);
    let most = MOST as u64;
    let found = match by {
        By::Document(document) => seen.filter(C::Document.eq(document)),
        By::Waybill(carrier, number) => seen.filter(C::CarrierId.eq(*carrier)).filter(C::Waybill.eq(number)),
        By::Lot { gtin, lot } => {
            let known = variant::Entity::find().filter(variant::Column::Gtin.eq(gtin.clone())).one(db).await?;
            let Some(known) = known else { return Ok(Vec::new()) };
            let documents = traced::documents_of(db, known.id, lot).await?;
            // A document's name is its owner's own affair: two may have the same.
            let mut rows: Vec<shipment::Model> = Vec::new();
            let names = documents.iter().take(MOST).map(|(_, document)| document.as_str());
            for row in seen.filter(C::Document.is_in(names)).order_by_desc(C::Id).all(db).await? {
                if documents.iter().any(|(owner, document)| (*owner, document) == (row.owner_id, &row.document)) {
                    rows.push(row);
                }
            }
            return Ok(rows);
        }
    };
    Ok(found.order_by_desc(C::Id).limit(most).all(db).await?)
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
    let all = event::Entity::find()
        .filter(event::Column::ShipmentId.eq(row.id))
        .order_by_asc(event::Column::EventTime)
        .order_by_asc(event::Column::Id)
        .limit(EVENTS)
        .all(db)
        .await?;
    let wrong: Vec<&str> = all.iter().filter(|one| one.declares_error).map(|one| one.event_id.as_str()).collect();
    let good = |one: &&event::Model| !one.declares_error && !wrong.contains(&one.event_id.as_str());
    let events = all.iter().filter(good).cloned().collect();
    // Without the mobile number, of which even the end tells neighbours something.
    let taker = row.masked_consignee.split(' ').next().unwrap_or_default().to_owned();
    let waybill = row.waybill.as_deref().map(|number| {
        let shown = number.len().saturating_sub(4);
        format!("{}{}", "*".repeat(shown), number.get(shown..).unwrap_or_default())
    });
    Ok(Some(Public { sender, taker, carrier: name(row.carrier_id).unwrap_or_default(), waybill, events, row }))
}
