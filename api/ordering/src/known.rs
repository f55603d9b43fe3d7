//! Everything that a cart is held against, read in a fixed number of statements however many lines it has.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Datelike, Utc};
use entities::{
    catalog::{SupplyMode, offer, offer_price, product, terms::Tier, variant},
    ordering::{
        bundle_part,
        pricing::{BuyerKind, Known, Offered, OnShelf, is_import},
    },
    party::Viewer,
    trade::zone_policy::ZoneCapability,
    values::{
        Currency, Localized,
        id::{OfferId, OrganisationId, ProductId, VariantId},
    },
};
use inventory::availability;
use platform::{clock::business_day, error::Error};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use trade::{allowance, import_list, policies, shipping, tariffs};

use super::buyer::Buyer;

/// For whom, in which currency, where to, and when.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "described in `Known`")]
pub struct Asking<'a> {
    pub viewer: &'a Viewer,
    pub buyer: &'a Buyer,
    pub currency: Currency,
    pub division: &'a str,
    pub now: DateTime<Utc>,
    pub keeps_days: u32,
}

/// Reads all of it.
pub async fn load(db: &impl ConnectionTrait, asking: Asking<'_>, offers: &[OfferId]) -> Result<Known, Error> {
    let date = business_day(asking.now);
    let mut known = Known {
        buyer: asking.buyer.kind(),
        organisation: asking.buyer.organisation,
        identified: true,
        currency: asking.currency,
        date,
        division: asking.division.to_owned(),
        offered: offered(db, asking, offers).await?,
        shelves: Vec::new(),
        tariffs: Vec::new(),
        list: Vec::new(),
        policies: Vec::new(),
        rates: Vec::new(),
        taken: HashMap::new(),
    };
    if known.offered.is_empty() {
        return Ok(known);
    }
    let all = || known.offered.values();
    let sellers: BTreeSet<OrganisationId> = all().map(|one| one.offer.seller_id).collect();
    let variants: BTreeSet<VariantId> =
        all().flat_map(|one| one.parts.iter().map(|(variant, _)| *variant).chain([one.offer.variant_id])).collect();
    let shelves = availability::saleable(db, sellers.iter().copied(), variants, date, asking.keeps_days).await?;
    let rates = shipping::rates(db, &sellers.into_iter().collect::<Vec<_>>()).await?;
    let imported = all().filter(|one| is_import(one.offer.supply_mode)).map(|one| one.hs_code.clone());
    let codes: Vec<_> = imported.collect::<BTreeSet<_>>().into_iter().collect();
    let shelf = |row: availability::Saleable| OnShelf {
        owner: row.owner_id,
        place: row.location_id,
        kind: row.kind,
        status: row.status,
        variant: row.variant_id,
        available: row.available,
    };
    let modes: Vec<SupplyMode> = all().map(|one| one.offer.supply_mode).collect();
    known.policies = policies::rows_for(db, &modes, ZoneCapability::Checkout, date).await?;
    known.shelves = shelves.into_iter().map(shelf).collect();
    known.rates = rates;
    if !codes.is_empty() {
        known.tariffs = tariffs::rows_for(db, &codes, date).await?;
        known.list = import_list::lines_for(db, &codes, date).await?;
        if asking.buyer.kind() == BuyerKind::Consumer {
            let lookup = identity(db, asking.buyer).await?;
            known.identified = lookup.is_some();
            if let Some(lookup) = lookup {
                let buyer = allowance::Buyer { lookup: &lookup, year: date.year() };
                let taken = allowance::left(db, buyer).await?;
                known.taken = taken.into_iter().map(|one| (one.kind, one.used + one.reserved)).collect();
            }
        }
    }
    Ok(known)
}

/// Keyed hash of the resident ID of a buyer.
pub async fn identity(db: &impl ConnectionTrait, buyer: &Buyer) -> Result<Option<String>, Error> {
    let Some(person) = buyer.person else { return Ok(None) };
    Ok(party::ops::identities::own_identity(db, person).await?.map(|row| row.lookup))
}

async fn offered(
    db: &impl ConnectionTrait,
    asking: Asking<'_>,
    ids: &[OfferId],
) -> Result<HashMap<OfferId, Offered>, Error> {
    let rows = offer::Entity::visible_to(asking.viewer).filter(offer::Column::Id.is_in(ids.iter().copied()));
    let rows = rows.all(db).await?;
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let of = rows.iter().map(|row| row.id);
    let prices = offer_price::Entity::find()
        .filter(offer_price::Column::OfferId.is_in(of.clone()))
        .filter(offer_price::Column::Currency.eq(asking.currency))
        .order_by_asc(offer_price::Column::MinQuantity)
        .all(db)
        .await?;
    let variants = variant::Entity::find().filter(variant::Column::Id.is_in(rows.iter().map(|row| row.variant_id)));
    let variants: HashMap<VariantId, variant::Model> =
        variants.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    let names: HashMap<ProductId, Localized> = product::Entity::find()
        .filter(product::Column::Id.is_in(rows.iter().map(|row| row.product_id)))
        .select_only()
        .columns([product::Column::Id, product::Column::Name])
        .into_tuple::<(ProductId, Localized)>()
        .all(db)
        .await?
        .into_iter()
        .collect();
    let parts = bundle_part::Entity::find()
        .filter(bundle_part::Column::OfferId.is_in(of))
        .order_by_asc(bundle_part::Column::VariantId)
        .all(db)
        .await?;
    let mut offered = HashMap::with_capacity(rows.len());
    for row in rows {
        let Some(variant) = variants.get(&row.variant_id) else { continue };
        let tier =
            |price: &offer_price::Model| Tier { min_quantity: price.min_quantity, amount_minor: price.amount_minor };
        let one = Offered {
            tiers: prices.iter().filter(|price| price.offer_id == row.id).map(tier).collect(),
            hs_code: variant.hs_code.clone(),
            origin: variant.origin.clone(),
            contents: variant.contents(),
            gross_weight_g: variant.gross_weight_g,
            name: names.get(&row.product_id).cloned().unwrap_or_default(),
            parts: parts.iter().filter(|part| part.offer_id == row.id).map(|p| (p.variant_id, p.quantity)).collect(),
            offer: row,
        };
        offered.insert(one.offer.id, one);
    }
    Ok(offered)
}
