//! Quotes: what a cart comes to, promised for a quarter of an hour, signed.

use entities::{
    ordering::{
        pricing::{Considered, Problem},
        quote::{self, HOLDS, Parcels},
    },
    values::{ErrorCode, Refusal, Refusals, id::QuoteId},
};
use platform::{
    app::{App, Call, Work},
    error::Error,
    graphql::encode,
    vault::{Vault, sha256_hex},
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use super::carts;
use crate::buyer::Buyer;

/// What a quote is signed over: who it is for, what it says, until when.
fn signed(row: &quote::Model) -> Result<String, Error> {
    let content = serde_json::to_vec(&row.content).map_err(Error::internal)?;
    let parts = [
        row.id.to_string(),
        row.owner.clone(),
        row.division.clone(),
        row.currency.code().to_owned(),
        row.total_minor.to_string(),
        row.expires_at.timestamp_millis().to_string(),
        sha256_hex(&content),
    ];
    Ok(parts.join("|"))
}

/// The token of a quote: which one it is, and that this house made it.
pub fn token(vault: &Vault, row: &quote::Model) -> Result<String, Error> {
    Ok(format!("{}.{}", row.id.0.simple(), vault.proof("quote", &signed(row)?)))
}

/// What stands in the way, each with the offer that it speaks of.
pub fn refusals<'a>(problems: impl Iterator<Item = &'a Problem>) -> Refusals {
    let one = |problem: &Problem| match problem.offer {
        Some(offer) => problem.refusal.clone().with("offerId", encode(offer).0),
        None => problem.refusal.clone(),
    };
    problems.map(one).collect()
}

/// Makes a quote of a cart, or says all that stands in the way of one.
pub async fn request(app: &App, call: &Call, guest: Option<&str>, division: &str) -> Result<quote::Model, Error> {
    let buyer = Buyer::of(app, &call.viewer, guest)?;
    let division = carts::division(division)?;
    if division.len() != 6 {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", division).at("division").into());
    }
    let work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let view = carts::for_quote(app, &work, &buyer, &division).await?;
    if view.lines.is_empty() {
        return Err(Refusal::new(ErrorCode::Required).at("lines").into());
    }
    let refused = refusals(view.considered.blocking());
    if !refused.is_empty() {
        return Err(refused.into());
    }
    let Considered { parcels, .. } = view.considered.as_ref().clone();
    let row = quote::Model {
        id: QuoteId::new(work.now),
        cart_id: view.cart.id,
        owner: buyer.owner,
        division,
        currency: view.cart.currency,
        total_minor: view.considered.total_minor()?,
        content: Parcels(parcels),
        created_at: work.now,
        expires_at: work.now + HOLDS,
        placed_at: None,
    };
    quote::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    work.commit(row).await
}

/// The quote that a token names, when this house made it for this buyer.
async fn proved(work: &Work, vault: &Vault, buyer: &Buyer, token: &str) -> Result<quote::Model, Error> {
    let invalid = || Error::from(Refusal::new(ErrorCode::QuoteInvalid).at("quote"));
    let (id, proof) = token.split_once('.').ok_or_else(invalid)?;
    let id = Uuid::try_parse(id).map(QuoteId).map_err(|_| invalid())?;
    let row = quote::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(invalid)?;
    if !vault.proves("quote", &signed(&row)?, proof) || row.owner != buyer.owner {
        return Err(invalid());
    }
    Ok(row)
}

/// Takes a quote to be placed: once, and while it holds.
pub(super) async fn redeem(work: &Work, vault: &Vault, buyer: &Buyer, token: &str) -> Result<quote::Model, Error> {
    let row = proved(work, vault, buyer, token).await?;
    if row.expires_at <= work.now {
        return Err(Refusal::new(ErrorCode::QuoteExpired).at("quote").into());
    }
    let done = quote::Entity::update_many()
        .col_expr(quote::Column::PlacedAt, Expr::val(Some(work.now)))
        .filter(quote::Column::Id.eq(row.id))
        .filter(quote::Column::PlacedAt.is_null())
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(row) } else { Err(Refusal::new(ErrorCode::QuoteUsed).at("quote").into()) }
}

/// Takes away quotes that are long over.
pub async fn tidy(app: &App, now: chrono::DateTime<chrono::Utc>) -> Result<(), Error> {
    quote::Entity::delete_many()
        .filter(quote::Column::ExpiresAt.lt(now - chrono::Duration::days(2)))
        .exec(app.db().writer())
        .await?;
    Ok(())
}
