//! The terms of offers and the price tags that follow from them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use entities::{
    catalog::{
        OfferStatus, offer, offer_price, product, product_price,
        terms::{Terms, Tier},
    },
    values::id::{OfferId, OrganisationId, ProductId, VariantId},
};
use platform::{
    db::{Dialect, dialect},
    error::Error,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Iterable, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockType, Query},
};

/// Reads the terms of offers.
pub async fn load_terms(db: &impl ConnectionTrait, offers: &[offer::Model]) -> Result<HashMap<OfferId, Terms>, Error> {
    if offers.is_empty() {
        return Ok(HashMap::new());
    }
    let prices = offer_price::Entity::find()
        .filter(offer_price::Column::OfferId.is_in(offers.iter().map(|o| o.id)))
        .order_by_asc(offer_price::Column::MinQuantity)
        .all(db)
        .await?;
    let mut terms: HashMap<OfferId, Terms> = offers
        .iter()
        .map(|o| {
            let terms = Terms {
                supply_mode: o.supply_mode,
                moq: o.moq,
                multiple: o.multiple,
                lead_time_days: o.lead_time_days,
                prices: BTreeMap::new(),
            };
            (o.id, terms)
        })
        .collect();
    for price in prices {
        if let Some(terms) = terms.get_mut(&price.offer_id) {
            let tier = Tier { min_quantity: price.min_quantity, amount_minor: price.amount_minor };
            terms.prices.entry(price.currency).or_default().push(tier);
        }
    }
    Ok(terms)
}

/// Writes new offers with their prices.
pub async fn insert_offers(db: &impl ConnectionTrait, offers: &[(offer::Model, Terms)]) -> Result<(), Error> {
    if offers.is_empty() {
        return Ok(());
    }
    let rows = offers.iter().map(|(row, _)| row.clone().into_active_model());
    offer::Entity::insert_many(rows).exec_without_returning(db).await?;
    insert_prices(db, offers.iter().map(|(row, terms)| (row.id, terms))).await
}

/// Replaces the prices of offers.
pub async fn replace_prices(db: &impl ConnectionTrait, offers: &[(OfferId, Terms)]) -> Result<(), Error> {
    if offers.is_empty() {
        return Ok(());
    }
    let ids = offers.iter().map(|(id, _)| *id);
    offer_price::Entity::delete_many().filter(offer_price::Column::OfferId.is_in(ids)).exec(db).await?;
    insert_prices(db, offers.iter().map(|(id, terms)| (*id, terms))).await
}

async fn insert_prices<'a>(
    db: &impl ConnectionTrait,
    offers: impl Iterator<Item = (OfferId, &'a Terms)>,
) -> Result<(), Error> {
    let rows: Vec<_> = offers
        .flat_map(|(offer_id, terms)| {
            terms.prices.iter().flat_map(move |(currency, tiers)| {
                tiers.iter().map(move |tier| offer_price::ActiveModel {
                    offer_id: Set(offer_id),
                    currency: Set(*currency),
                    min_quantity: Set(tier.min_quantity),
                    amount_minor: Set(tier.amount_minor),
                })
            })
        })
        .collect();
    // Four parameters a row; PostgreSQL takes 65,535 in one statement and SQLite 32,766.
    for chunk in rows.chunks(5_000) {
        offer_price::Entity::insert_many(chunk.to_vec()).exec_without_returning(db).await?;
    }
    Ok(())
}

/// The row of a new offer on these terms.
pub fn new_offer(
    variant: (ProductId, VariantId),
    seller_id: OrganisationId,
    sku: &str,
    status: OfferStatus,
    terms: &Terms,
    now: DateTime<Utc>,
) -> offer::Model {
    let (product_id, variant_id) = variant;
    offer::Model {
        id: OfferId::new(now),
        product_id,
        variant_id,
        seller_id,
        sku: sku.to_owned(),
        supply_mode: terms.supply_mode,
        status,
        moq: terms.moq,
        multiple: terms.multiple,
        lead_time_days: terms.lead_time_days,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}

/// The row that these terms make of an offer.
pub fn with_terms(row: &offer::Model, terms: &Terms) -> offer::Model {
    offer::Model {
        supply_mode: terms.supply_mode,
        moq: terms.moq,
        multiple: terms.multiple,
        lead_time_days: terms.lead_time_days,
        ..row.clone()
    }
}

/// Locks products against others that write their tags, in id order. Two transactions that each changed an
/// offer do not see each other's change; the second one must look only when the first is done. SQLite has
/// one writer anyway. Weaker than FOR UPDATE, which would clash with the share locks of new offers.
pub async fn lock(db: &impl ConnectionTrait, ids: &[ProductId]) -> Result<(), Error> {
    if dialect(db) == Dialect::Postgres {
        product::Entity::find()
            .filter(product::Column::Id.is_in(ids.iter().copied()))
            .select_only()
            .column(product::Column::Id)
            .order_by_asc(product::Column::Id)
            .lock(LockType::NoKeyUpdate)
            .into_tuple::<ProductId>()
            .all(db)
            .await?;
    }
    Ok(())
}

/// Writes the price tags of products anew: the cheapest active offer per currency, the older one of
/// two equals. To be called in every transaction that changes offers.
pub async fn refresh_price_tags(db: &impl ConnectionTrait, products: &BTreeSet<ProductId>) -> Result<(), Error> {
    if products.is_empty() {
        return Ok(());
    }
    let ids: Vec<ProductId> = products.iter().copied().collect();
    lock(db, &ids).await?;
    product_price::Entity::delete_many().filter(product_price::Column::ProductId.is_in(ids.clone())).exec(db).await?;
    // An offer's first tier starts at its minimum order, so the price of one unit is the tier at moq.
    let ranked = Query::select()
        .column((offer::Entity, offer::Column::ProductId))
        .column((offer_price::Entity, offer_price::Column::Currency))
        .column((offer_price::Entity, offer_price::Column::OfferId))
        .column((offer_price::Entity, offer_price::Column::AmountMinor))
        .expr_as(
            Expr::cust(
                "ROW_NUMBER() OVER (PARTITION BY offer.product_id, offer_price.currency \
                 ORDER BY offer_price.amount_minor, offer_price.offer_id)",
            ),
            "place",
        )
        .from(offer::Entity)
        .inner_join(
            offer_price::Entity,
            Expr::col((offer_price::Entity, offer_price::Column::OfferId))
                .equals((offer::Entity, offer::Column::Id))
                .and(
                    Expr::col((offer_price::Entity, offer_price::Column::MinQuantity))
                        .equals((offer::Entity, offer::Column::Moq)),
                ),
        )
        .and_where(Expr::col((offer::Entity, offer::Column::ProductId)).is_in(ids))
        .and_where(Expr::col((offer::Entity, offer::Column::Status)).eq(OfferStatus::Active))
        .take();
    let columns: Vec<product_price::Column> = product_price::Column::iter().collect();
    let cheapest = Query::select()
        .columns(columns.clone())
        .from_subquery(ranked, "ranked")
        .and_where(Expr::col("place").eq(1))
        .take();
    let insert = Query::insert()
        .into_table(product_price::Entity)
        .columns(columns)
        .select_from(cheapest)
        .map_err(Error::internal)?
        .take();
    db.execute(&insert).await?;
    Ok(())
}
