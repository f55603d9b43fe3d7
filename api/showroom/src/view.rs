//! What a scan shows: made once, kept in the cache of finished answers ([`Responses`]) until something of it changes.
//!
//! It is evicted by what stands in the slot, by its products and prices, and by whatever outdates all answers: tariffs,
//! lists, policies. Stock is not followed: how much is left is at most a minute old, and says of when it is.
//!
//! [`Responses`]: platform::responses::Responses

use std::collections::HashMap;

use catalog::store::load_terms;
use chrono::{DateTime, Utc};
use entities::{
    catalog::{OfferStatus, ProductStatus, SupplyMode, media, offer, product, terms::Terms, variant},
    ordering::pricing::source,
    party::Viewer,
    showroom::{DisplayState, HandOver, StorePattern, UnitClass, display, scan_code, slot, store},
    trade::{
        ZoneCapability,
        zone_policy::{self, At, decide},
    },
    values::{
        Localized, Money,
        id::{DisplayId, OfferId, ProductId, ShowroomId, SlotId, VariantId},
    },
};
use inventory::availability::{Saleable, saleable};
use platform::{
    app::App,
    clock::business_day,
    error::Error,
    responses::{Made, Reads, Tag, key},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use search::Kind;
use serde::{Deserialize, Serialize};
use trade::{landed, policies};

use super::ops::{displays, stores};

/// Most similar products.
const SIMILAR: usize = 6;

/// What there is in a slot (扫码结果).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
#[graphql(name = "ScannedSlotState")]
pub enum Standing {
    /// Something stands there (在架).
    Live,
    /// Nothing does now (空位).
    Empty,
    /// The slot, or the showroom, is not there any more (已停用).
    SlotRetired,
}

/// What a scan shows, for everyone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct View {
    /// The slot.
    pub slot: SlotId,
    /// What is printed on it.
    pub code: String,
    /// Where it is.
    pub showroom: ShowroomId,
    /// What people call the showroom.
    pub showroom_name: String,
    /// What there is.
    pub standing: Standing,
    /// What stands there, each offer once.
    pub displays: Vec<Shown>,
    /// What else there is, when nothing stands there.
    pub similar: Vec<ProductId>,
    /// When it was looked at.
    pub as_of: DateTime<Utc>,
}

/// Something that stands in a slot.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Shown {
    pub display: DisplayId,
    pub offer: OfferId,
    pub variant: VariantId,
    pub product: ProductId,
    pub name: Localized,
    pub picture: Option<String>,
    pub pattern: StorePattern,
    pub tag: Option<Money>,
    pub price: Price,
    pub ways: Vec<Way>,
}

/// What it costs a consumer, in fen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Price {
    pub goods: Option<i64>,
    pub freight: Option<i64>,
    pub tax: Option<i64>,
    pub total: Option<i64>,
    /// Codes of what stands in the way.
    pub problems: Vec<String>,
}

/// A way in which the buyer may get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// How.
    pub hand_over: HandOver,
    /// Whether it may be done here.
    pub allowed: bool,
    /// The law, notice or approval that says so.
    pub source: String,
    /// How many there are.
    pub available: i64,
}

/// What a code shows; none: there is no such code.
pub async fn of(app: &App, written: &str) -> Result<Option<View>, Error> {
    let Ok(code) = scan_code::read(written) else { return Ok(None) };
    let kept_as = key(&["scan", &code]);
    let kept = if let Some(kept) = app.responses().get(&kept_as) {
        kept
    } else {
        let made = app.responses().get_or_make(kept_as, async |reads| match make(app, &code, &reads).await {
            Ok(Some(view)) => serde_json::to_vec(&view).map_err(|e| Err(Error::internal(e))),
            Ok(None) => Err(Ok(None)),
            Err(error) => Err(Err(error)),
        });
        match made.await {
            Made::Kept(kept) => kept,
            Made::Loose(otherwise) => return otherwise,
        }
    };
    serde_json::from_slice(&kept.body).map(Some).map_err(Error::internal)
}

async fn make(app: &App, code: &str, reads: &Reads) -> Result<Option<View>, Error> {
    let (db, now) = (app.db().read(), app.clock().now());
    let Some(slot) = slot::Entity::find().filter(slot::Column::ScanCode.eq(code)).one(db).await? else {
        return Ok(None);
    };
    reads.note(Tag::Slot(slot.id.0));
    let store = store::Entity::find_by_id(slot.showroom_id).one(db).await?;
    let store = store.ok_or_else(|| Error::internal("a showroom is gone"))?;
    let retired = slot.retired_at.is_some() || store.state == entities::showroom::ShowroomState::Closed;
    let standing = if retired { Vec::new() } else { displays::in_slots(db, &[slot.id]).await? };
    let displays = shown(app, &store, &standing, reads).await?;
    let similar = if displays.is_empty() { similar(db, &store, &slot).await? } else { Vec::new() };
    for id in &similar {
        reads.note(Tag::One(Kind::Product, id.0));
    }
    let state = match displays.is_empty() {
        _ if retired => Standing::SlotRetired,
        true => Standing::Empty,
        false => Standing::Live,
    };
    Ok(Some(View {
        slot: slot.id,
        code: slot.scan_code,
        showroom: store.id,
        showroom_name: store.name,
        standing: state,
        displays,
        similar,
        as_of: now,
    }))
}

/// What stands in a slot and is offered to everyone.
async fn shown(
    app: &App,
    store: &store::Model,
    standing: &[display::Model],
    reads: &Reads,
) -> Result<Vec<Shown>, Error> {
    let (db, today) = (app.db().read(), business_day(app.clock().now()));
    let ids = standing.iter().map(|row| row.offer_id);
    let public = offer::Entity::visible_to(&Viewer::anonymous()).filter(offer::Column::Id.is_in(ids));
    let offers: Vec<offer::Model> = public.all(db).await?;
    let known: HashMap<OfferId, &offer::Model> = offers.iter().map(|row| (row.id, row)).collect();
    let terms = load_terms(db, &offers).await?;
    let variants = variant::Entity::find().filter(variant::Column::Id.is_in(offers.iter().map(|row| row.variant_id)));
    let variants: HashMap<VariantId, variant::Model> =
        variants.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    let products = product::Entity::find()
        .filter(product::Column::Id.is_in(offers.iter().map(|row| row.product_id)))
        .into_partial_model::<product::Head>();
    let products: HashMap<ProductId, product::Head> =
        products.all(db).await?.into_iter().map(|row| (row.id, row)).collect();
    let pictures = media::Entity::find()
        .filter(media::Column::ProductId.is_in(offers.iter().map(|row| row.product_id)))
        .filter(media::Column::Kind.eq(entities::catalog::MediaKind::Image))
        .order_by_desc(media::Column::Position)
        .all(db)
        .await?;
    let pictures: HashMap<ProductId, String> = pictures.into_iter().map(|row| (row.product_id, row.url)).collect();
    let owners = offers.iter().map(|row| row.seller_id);
    let keeps = app.config().ordering.keeps_days;
    let there = saleable(db, owners, offers.iter().map(|row| row.variant_id), today, keeps).await?;
    let mut seen = Vec::new();
    let mut all = Vec::new();
    for row in standing {
        // It may be gone from the catalog while it stands there.
        let Some(offer) = known.get(&row.offer_id).filter(|_| !seen.contains(&row.offer_id)) else { continue };
        seen.push(row.offer_id);
        reads.note(Tag::One(Kind::Product, offer.product_id.0));
        let (Some(variant), Some(product), Some(terms)) =
            (variants.get(&offer.variant_id), products.get(&offer.product_id), terms.get(&offer.id))
        else {
            continue;
        };
        let tag = row.tag_minor.zip(row.tag_currency).map(|(minor, currency)| Money { minor, currency });
        all.push(Shown {
            display: row.id,
            offer: offer.id,
            variant: variant.id,
            product: product.id,
            name: product.name.clone(),
            picture: pictures.get(&product.id).cloned(),
            pattern: row.pattern,
            tag,
            price: price(app, store, offer, variant, terms).await?,
            ways: ways(app, store, row.pattern, offer, &there).await?,
        });
    }
    Ok(all)
}

async fn price(
    app: &App,
    store: &store::Model,
    offer: &offer::Model,
    variant: &variant::Model,
    terms: &Terms,
) -> Result<Price, Error> {
    let asked = landed::Asked { offer, variant, terms, quantity: offer.moq, division: Some(&store.division) };
    match landed::display(app.db().read(), &asked, business_day(app.clock().now())).await {
        Ok(found) => Ok(Price {
            goods: Some(found.goods_minor),
            freight: Some(found.freight_minor),
            tax: Some(found.tax_minor),
            total: Some(found.total_minor),
            problems: Vec::new(),
        }),
        Err(Error::Refused(refusals)) => {
            let problems = refusals.iter().map(|refusal| refusal.code.name()).collect();
            Ok(Price { problems, ..Price::default() })
        }
        Err(error) => Err(error),
    }
}

/// Each way in which a buyer gets what stands there, whether it may be done in this showroom, and how many there are.
pub(super) async fn ways(
    app: &App,
    store: &store::Model,
    pattern: StorePattern,
    offer: &offer::Model,
    there: &[Saleable],
) -> Result<Vec<Way>, Error> {
    let (db, mode) = (app.db().read(), offer.supply_mode);
    let (status, kinds) = source(mode);
    let of = |row: &&Saleable| (row.owner_id, row.variant_id) == (offer.seller_id, offer.variant_id);
    let sum = |rows: &mut dyn Iterator<Item = &Saleable>| rows.map(|row| row.available).sum::<i64>();
    let from_stock = sum(&mut there.iter().filter(of).filter(|row| row.status == status && kinds.contains(&row.kind)));
    let places = stores::places_of(db, store.id).await?;
    // What is sold over the counter lies in the place for its class.
    let lying = |class: UnitClass| {
        let place = places.iter().find(|row| row.class == class).map(|row| row.location_id);
        let here = |row: &&Saleable| row.status == class.status() && Some(row.location_id) == place;
        sum(&mut there.iter().filter(of).filter(here))
    };
    // What is picked up is handed over from the store's own places or the supervised warehouse behind it.
    let behind = stores::hands_over_from(db, store.id).await?;
    let picked_up = {
        let here = |row: &&Saleable| row.status == status && behind.contains(&row.location_id);
        sum(&mut there.iter().filter(of).filter(here))
    };
    let sold_from = if pattern == StorePattern::BondedDisplay { UnitClass::BondedDisplay } else { UnitClass::Saleable };
    let mut all = Vec::new();
    for (hand_over, capability) in [
        (HandOver::Parcel, ZoneCapability::Checkout),
        (HandOver::Counter, ZoneCapability::DisplaySale),
        (HandOver::PickUp, ZoneCapability::PickUp),
    ] {
        let (allowed, source) = may_hand_over(db, store, pattern, mode, capability, app.clock().now()).await?;
        let available = match hand_over {
            HandOver::Counter => lying(sold_from),
            HandOver::Parcel => from_stock,
            HandOver::PickUp => picked_up,
        };
        all.push(Way { hand_over, allowed, source, available: if allowed { available } else { 0 } });
    }
    Ok(all)
}

/// Whether goods supplied so are handed over so in a showroom, and who says it: a policy of the zone that names it or its
/// division; else, of bonded goods, what is lawful for the pattern of the store; else the law.
pub async fn may_hand_over(
    db: &impl ConnectionTrait,
    store: &store::Model,
    pattern: StorePattern,
    mode: SupplyMode,
    capability: ZoneCapability,
    now: DateTime<Utc>,
) -> Result<(bool, String), Error> {
    let today = business_day(now);
    let rows: Vec<zone_policy::Model> = policies::rows_for(db, &[mode], capability, today).await?;
    let places = stores::places_of(db, store.id).await?;
    let counter = places.iter().find(|row| row.class == UnitClass::Saleable).map(|row| row.location_id);
    let decision = decide(&rows, At { division: Some(&store.division), location: counter }, mode, capability, today);
    let site = store.site();
    let by_store = capability == ZoneCapability::PickUp
        && pattern.hands_over() == HandOver::PickUp
        && mode == SupplyMode::BondedImport
        && pattern.lawful(&site).is_ok();
    if decision.since.is_none() && by_store {
        return Ok((true, site.approval_no.unwrap_or_else(|| "综合保税区".into())));
    }
    Ok((decision.allowed, decision.source))
}

/// What else there is when nothing stands in a slot: what stands elsewhere in the showroom of the same category as what
/// stood here last, then what else is sold of it.
async fn similar(db: &impl ConnectionTrait, store: &store::Model, slot: &slot::Model) -> Result<Vec<ProductId>, Error> {
    let last = display::Entity::find()
        .filter(display::Column::SlotId.eq(slot.id))
        .order_by_desc(display::Column::Id)
        .limit(1)
        .one(db)
        .await?;
    let Some(last) = last else { return Ok(Vec::new()) };
    let Some(offer) = offer::Entity::find_by_id(last.offer_id).one(db).await? else { return Ok(Vec::new()) };
    let of = product::Entity::find_by_id(offer.product_id).into_partial_model::<product::Head>().one(db).await?;
    let Some(of) = of else { return Ok(Vec::new()) };
    let here = display::Entity::find()
        .filter(display::Column::ShowroomId.eq(store.id))
        .filter(display::Column::State.eq(DisplayState::Installed))
        .select_only()
        .column(display::Column::OfferId)
        .into_query();
    let here: Vec<ProductId> = offer::Entity::find()
        .filter(offer::Column::Id.in_subquery(here))
        .filter(offer::Column::Status.eq(OfferStatus::Active))
        .select_only()
        .column(offer::Column::ProductId)
        .into_tuple()
        .all(db)
        .await?;
    let published = || {
        product::Entity::find()
            .filter(product::Column::Status.eq(ProductStatus::Published))
            .filter(product::Column::CategoryId.eq(of.category_id))
            .select_only()
            .column(product::Column::Id)
            .order_by_desc(product::Column::Id)
    };
    let mut found: Vec<ProductId> =
        published().filter(product::Column::Id.is_in(here)).limit(SIMILAR as u64).into_tuple().all(db).await?;
    if found.len() < SIMILAR {
        let more: Vec<ProductId> = published().limit(SIMILAR as u64).into_tuple().all(db).await?;
        for id in more.into_iter().filter(|id| *id != of.id || of.status == ProductStatus::Published) {
            if found.len() < SIMILAR && !found.contains(&id) {
                found.push(id);
            }
        }
    }
    Ok(found)
}
