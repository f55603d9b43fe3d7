//! Offers: many sellers offer one variant, each on its own terms.

use std::collections::BTreeSet;

use entities::{
    catalog::{
        OfferStatus, offer, product,
        row::check_sku,
        terms::{Terms, TermsPatch},
        variant,
    },
    party::{OrganisationRole, Viewer},
    values::{
        ErrorCode, Refusal,
        id::{OfferId, OrganisationId, VariantId},
    },
};
use platform::{
    app::{App, Call, Work},
    error::Error,
    graphql::encode,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};

use super::{not_found, stale, taken};
use crate::{indexing, policy, store};

/// A new offer.
#[derive(Clone, Debug)]
pub struct NewOffer {
    /// What is offered.
    pub variant: VariantId,
    /// Who offers; none: whoever makes it.
    pub seller: Option<OrganisationId>,
    /// The seller's article number.
    pub sku: String,
    /// On which terms.
    pub terms: TermsPatch,
}

/// Makes an offer. It is active at once and can be bought when its product is published.
pub async fn create_offer(app: &App, call: &Call, new: &NewOffer) -> Result<offer::Model, Error> {
    let seller = policy::offering_seller(&call.viewer, new.seller)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (viewer, tx, now) = (&call.viewer, work.tx(), work.now);
    refuse_non_seller(tx, seller).await?;
    let variant = variant::Entity::find_by_id(new.variant).one(tx).await?;
    let variant = variant.ok_or_else(|| not_found("variantId", encode(new.variant).as_str()))?;
    let product =
        product::Entity::visible_to(viewer).filter(product::Column::Id.eq(variant.product_id)).one(tx).await?;
    let product = product.ok_or_else(|| not_found("variantId", encode(new.variant).as_str()))?;
    super::products::refuse_archived(&product)?;
    check_sku(&new.sku).map_err(|r| r.at("sku"))?;
    let terms = Terms::patched(None, &new.terms)?;
    let row = store::new_offer((product.id, variant.id), seller, &new.sku, OfferStatus::Active, &terms, now);
    store::insert_offers(tx, &[(row.clone(), terms.clone())]).await.map_err(|e| taken(e, &new.sku))?;
    store::refresh_price_tags(tx, &BTreeSet::from([product.id])).await?;
    audited(&mut work, "createOffer", &row, None, Some(&terms));
    indexing::changed(&mut work, &[product.id]).await?;
    work.commit(row).await
}

/// Changes the terms of an offer.
pub async fn update_offer(
    app: &App,
    call: &Call,
    id: OfferId,
    expected_version: i32,
    patch: &TermsPatch,
) -> Result<offer::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (viewer, tx, now) = (&call.viewer, work.tx(), work.now);
    let before = own(tx, viewer, id, expected_version).await?;
    refuse_non_seller(tx, before.seller_id).await?;
    if before.status == OfferStatus::Ended {
        return Err(Refusal::new(ErrorCode::IllegalTransition)
            .with("from", "ENDED")
            .with("action", "UPDATE")
            .at("id")
            .into());
    }
    let present = store::load_terms(tx, std::slice::from_ref(&before)).await?.remove(&id);
    let terms = Terms::patched(present.as_ref(), patch)?;
    if Some(&terms) == present.as_ref() {
        return work.commit(before).await;
    }
    let row = offer::Model { version: before.version + 1, updated_at: now, ..store::with_terms(&before, &terms) };
    write(tx, &before, &row).await?;
    store::replace_prices(tx, &[(id, terms.clone())]).await?;
    store::refresh_price_tags(tx, &BTreeSet::from([row.product_id])).await?;
    audited(&mut work, "updateOffer", &row, Some((&before, present.as_ref())), Some(&terms));
    indexing::changed(&mut work, &[row.product_id]).await?;
    work.commit(row).await
}

/// Pauses, resumes or ends an offer.
pub async fn change_offer_status(
    app: &App,
    call: &Call,
    id: OfferId,
    expected_version: i32,
    status: OfferStatus,
) -> Result<offer::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (viewer, tx, now) = (&call.viewer, work.tx(), work.now);
    let before = own(tx, viewer, id, expected_version).await?;
    if status == OfferStatus::Active {
        refuse_non_seller(tx, before.seller_id).await?;
    }
    let status = before.status.to(status).map_err(|r| r.at("status"))?;
    if status == before.status {
        return work.commit(before).await;
    }
    let row = offer::Model { status, version: before.version + 1, updated_at: now, ..before.clone() };
    write(tx, &before, &row).await?;
    store::refresh_price_tags(tx, &BTreeSet::from([row.product_id])).await?;
    audited(&mut work, "changeOfferStatus", &row, Some((&before, None)), None);
    indexing::changed(&mut work, &[row.product_id]).await?;
    work.commit(row).await
}

/// Notes a change of an offer in its seller's audit; with its prices where they may have changed.
fn audited(
    work: &mut Work,
    operation: &'static str,
    row: &offer::Model,
    before: Option<(&offer::Model, Option<&Terms>)>,
    terms: Option<&Terms>,
) {
    let state = |row: &offer::Model, terms: Option<&Terms>| {
        json!({
            "status": row.status, "version": row.version, "sku": row.sku, "moq": row.moq, "multiple": row.multiple,
            "lead_time_days": row.lead_time_days, "prices": terms.map(|terms| format!("{:?}", terms.prices)),
        })
    };
    let before = before.map_or(Value::Null, |(row, terms)| state(row, terms));
    work.audit(Some(row.seller_id), operation, encode(row.id).0, before, state(row, terms));
}

/// An offer that `viewer` may change, in the version that it saw.
async fn own(
    tx: &impl ConnectionTrait,
    viewer: &Viewer,
    id: OfferId,
    expected_version: i32,
) -> Result<offer::Model, Error> {
    policy::signed_in(viewer)?;
    let row = offer::Entity::visible_to(viewer).filter(offer::Column::Id.eq(id)).one(tx).await?;
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    policy::offering_seller(viewer, Some(row.seller_id))?;
    // Before the offer, as every batch does it: two that lock in different orders deadlock.
    store::lock(tx, &[row.product_id]).await?;
    if row.version != expected_version {
        return Err(stale());
    }
    Ok(row)
}

/// Writes a changed offer if nobody was faster.
pub(crate) async fn write(tx: &impl ConnectionTrait, before: &offer::Model, row: &offer::Model) -> Result<(), Error> {
    let written = offer::Entity::update_many()
        .set(row.clone().into_active_model().reset_all())
        .filter(offer::Column::Id.eq(before.id))
        .filter(offer::Column::Version.eq(before.version))
        .exec(tx)
        .await?;
    if written.rows_affected == 1 { Ok(()) } else { Err(stale()) }
}

/// Only an organisation that sells can make offers.
pub(super) async fn refuse_non_seller(tx: &impl ConnectionTrait, seller: OrganisationId) -> Result<(), Error> {
    if party::ops::has_role(tx, seller, OrganisationRole::Seller).await? {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::WrongRole)
        .with("value", seller.to_string())
        .with("role", "SELLER")
        .at("sellerId")
        .into())
}
