//! Carts: of members and of guests, changed as a whole, merged at sign-in.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Duration, Utc};
use entities::{
    catalog::offer,
    ordering::{
        cart, cart_line,
        order_pad::{self, PadRow},
        pricing::{Asked, Considered, Known, consider},
    },
    party::{Viewer, organisation},
    values::{
        Currency, ErrorCode, Refusal, Refusals,
        id::{CartId, CartLineId, OfferId, OrganisationId},
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    QueryOrder,
    sea_query::{Expr, OnConflict},
};

use crate::{
    buyer::{Buyer, new_token},
    known::{self, Asking},
};

/// How long a guest's cart is kept after its last change, and a member's.
const GUEST_KEPT: Duration = Duration::days(30);
const MEMBER_KEPT: Duration = Duration::days(365);

/// How quantities are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, async_graphql::Enum)]
pub enum CartMode {
    /// As they stand; 0 takes the line out (设为).
    #[default]
    Set,
    /// On top of what is there (增加).
    Add,
}

/// A change of a cart.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// A guest's token; none: the viewer's own cart, or a new guest's.
    pub token: Option<String>,
    /// Price it in this currency.
    pub currency: Option<Currency>,
    /// Send it there.
    pub division: Option<String>,
    /// How quantities are meant.
    pub mode: CartMode,
    /// What changes.
    pub lines: Vec<(OfferId, i32)>,
}

/// A cart with what it comes to.
#[derive(Clone, Debug)]
pub struct View {
    /// The cart.
    pub cart: cart::Model,
    /// Its lines, in the order they came.
    pub lines: Vec<cart_line::Model>,
    /// What it is held against.
    pub known: Arc<Known>,
    /// What it comes to.
    pub considered: Arc<Considered>,
    /// The token of a guest's cart that was just made.
    pub token: Option<String>,
}

/// The code of a division: two to six digits, or nothing.
pub fn division(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() || ((2..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())) {
        return Ok(text.to_owned());
    }
    let value: String = text.chars().take(20).collect();
    Err(Refusal::new(ErrorCode::InvalidValue).with("value", value).at("division"))
}

/// Whose cart is changed; whoever is not signed in and has no token gets a new one.
fn buyer_of(app: &App, viewer: &Viewer, token: Option<&str>) -> Result<(Buyer, Option<String>), Error> {
    if token.is_none() && Buyer::member(viewer).is_none() && !viewer.signed_in() {
        let token = new_token()?;
        return Ok((Buyer::guest(app.vault(), &token)?, Some(token)));
    }
    Ok((Buyer::of(app, viewer, token)?, None))
}

/// Changes lines, currency and destination of a cart, all of it or nothing. The number of statements does not depend on
/// that of the lines.
pub async fn change(app: &App, call: &Call, change: &Change) -> Result<View, Error> {
    let (buyer, token) = buyer_of(app, &call.viewer, change.token.as_deref())?;
    let to = change.division.as_deref().map(division).transpose()?;
    let wanted = wanted(&change.lines)?;
    // A guest's token is shown once and not kept, so a repeat cannot be answered with it.
    let call = if token.is_some() { call.unrepeatable() } else { call.clone() };
    let work = app.begin(&call).await?;
    if let Some(before) = work.answered::<cart::Model>()? {
        return view(app, work.tx(), &call.viewer, &buyer, before, work.now).await;
    }
    let mut cart = locked(&work, &buyer, change.token.is_some()).await?;
    cart.currency = change.currency.unwrap_or(cart.currency);
    cart.division = to.unwrap_or(cart.division);
    let (view, work) = apply(app, work, &buyer, cart, change.mode, wanted).await?;
    work.commit(view.cart.clone()).await?;
    Ok(View { token, ..view })
}

/// What is asked for, by offer; an offer that stands twice is refused.
fn wanted(lines: &[(OfferId, i32)]) -> Result<BTreeMap<OfferId, (usize, i32)>, Error> {
    if lines.len() > cart::MAX_LINES {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", cart::MAX_LINES.to_string()).at("lines").into());
    }
    let mut wanted = BTreeMap::new();
    let mut refused = Refusals::new();
    for (n, (offer, quantity)) in lines.iter().enumerate() {
        let at = |refusal: Refusal, field: &str| refusal.at(field).at(n.to_string()).at("lines");
        if !(0..=cart::MAX_QUANTITY).contains(quantity) {
            let range =
                Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", cart::MAX_QUANTITY.to_string());
            refused.push(at(range, "quantity"));
        }
        if wanted.insert(*offer, (n, *quantity)).is_some() {
            refused.push(at(Refusal::new(ErrorCode::Duplicate).with("value", encode(*offer).0), "offerId"));
        }
    }
    if refused.is_empty() { Ok(wanted) } else { Err(refused.into()) }
}

/// The buyer's cart, locked by its next version; made when there is none yet and `must_be` does not say otherwise.
async fn locked(work: &Work, buyer: &Buyer, must_be: bool) -> Result<cart::Model, Error> {
    if !must_be {
        let new = cart::Model {
            id: CartId::new(work.now),
            owner: buyer.owner.clone(),
            currency: Currency::CNY,
            division: String::new(),
            version: 0,
            created_at: work.now,
            updated_at: work.now,
        };
        let known = OnConflict::column(cart::Column::Owner).do_nothing().to_owned();
        let insert = cart::Entity::insert(new.into_active_model()).on_conflict(known);
        insert.try_insert().exec_without_returning(work.tx()).await?;
    }
    cart::Entity::update_many()
        .col_expr(cart::Column::Version, Expr::col(cart::Column::Version).add(1))
        .filter(cart::Column::Owner.eq(&buyer.owner))
        .exec(work.tx())
        .await?;
    own(work.tx(), buyer).await?.ok_or_else(|| not_found("token", "token"))
}

async fn own(db: &impl ConnectionTrait, buyer: &Buyer) -> Result<Option<cart::Model>, Error> {
    Ok(cart::Entity::find().filter(cart::Column::Owner.eq(&buyer.owner)).one(db).await?)
}

async fn lines_of(db: &impl ConnectionTrait, cart: CartId) -> Result<Vec<cart_line::Model>, Error> {
    let lines = cart_line::Entity::find().filter(cart_line::Column::CartId.eq(cart));
    Ok(lines.order_by_asc(cart_line::Column::Id).all(db).await?)
}

/// Writes what changes of a locked cart, and what it comes to.
async fn apply(
    app: &App,
    work: Work,
    buyer: &Buyer,
    cart: cart::Model,
    mode: CartMode,
    wanted: BTreeMap<OfferId, (usize, i32)>,
) -> Result<(View, Work), Error> {
    let before = lines_of(work.tx(), cart.id).await?;
    let offers: Vec<OfferId> = before
        .iter()
        .map(|line| line.offer_id)
        .chain(wanted.keys().copied())
        .collect::<HashSet<_>>()
        .into_iter()
        .collect();
    let asking = asking(app, work.viewer(), buyer, &cart, work.now);
    let known = known::load(work.tx(), asking, &offers).await?;
    let mut after = before;
    let mut changed = Vec::new();
    let mut gone = Vec::new();
    let mut refused = Refusals::new();
    // In the order of the input, so that new lines stand as they were sent.
    let mut wanted: Vec<(OfferId, (usize, i32))> = wanted.into_iter().collect();
    wanted.sort_by_key(|(_, (n, _))| *n);
    for (offer, (n, quantity)) in wanted {
        let at = |refusal: Refusal, field: &str| refusal.at(field).at(n.to_string()).at("lines");
        let place = after.iter().position(|line| line.offer_id == offer);
        let there = place.map(|place| after[place].quantity);
        let quantity =
            if mode == CartMode::Add { there.unwrap_or_default().saturating_add(quantity) } else { quantity };
        if quantity == 0 {
            if let Some(place) = place {
                gone.push(after.remove(place).id);
            }
            continue;
        }
        if !known.offered.contains_key(&offer) && there.is_none() {
            refused.push(at(Refusal::new(ErrorCode::NotFound).with("value", encode(offer).0), "offerId"));
            continue;
        }
        if quantity > cart::MAX_QUANTITY {
            let range =
                Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", cart::MAX_QUANTITY.to_string());
            refused.push(at(range, "quantity"));
            continue;
        }
        let id = place.map_or_else(|| CartLineId::new(work.now), |place| after[place].id);
        let line = cart_line::Model {
            id,
            cart_id: cart.id,
            offer_id: offer,
            quantity,
            seen_minor: seen(&known, offer, quantity),
        };
        match place {
            Some(place) => after[place] = line.clone(),
            None => after.push(line.clone()),
        }
        changed.push(line);
    }
    if after.len() > cart::MAX_LINES {
        refused.push(Refusal::new(ErrorCode::TooMany).with("max", cart::MAX_LINES.to_string()).at("lines"));
    }
    if !refused.is_empty() {
        return Err(refused.into());
    }
    if !gone.is_empty() {
        cart_line::Entity::delete_many().filter(cart_line::Column::Id.is_in(gone)).exec(work.tx()).await?;
    }
    if !changed.is_empty() {
        let replace = OnConflict::columns([cart_line::Column::CartId, cart_line::Column::OfferId])
            .update_columns([cart_line::Column::Quantity, cart_line::Column::SeenMinor])
            .to_owned();
        let rows = changed.into_iter().map(IntoActiveModel::into_active_model);
        cart_line::Entity::insert_many(rows).on_conflict(replace).exec_without_returning(work.tx()).await?;
    }
    let cart = cart::Model { updated_at: work.now, ..cart };
    cart::Entity::update(cart.clone().into_active_model().reset_all()).exec(work.tx()).await?;
    let considered = consider(&asked(&after), &known);
    let view = View { cart, lines: after, known: Arc::new(known), considered: Arc::new(considered), token: None };
    Ok((view, work))
}

fn seen(known: &Known, offer: OfferId, quantity: i32) -> Option<i64> {
    let tiers = &known.offered.get(&offer)?.tiers;
    tiers.iter().rfind(|tier| tier.min_quantity <= quantity).or(tiers.first()).map(|tier| tier.amount_minor)
}

/// The lines as they are asked for.
pub fn asked(lines: &[cart_line::Model]) -> Vec<Asked> {
    let one =
        |line: &cart_line::Model| Asked { offer: line.offer_id, quantity: line.quantity, seen_minor: line.seen_minor };
    lines.iter().map(one).collect()
}

fn asking<'a>(
    app: &App,
    viewer: &'a Viewer,
    buyer: &'a Buyer,
    cart: &'a cart::Model,
    now: DateTime<Utc>,
) -> Asking<'a> {
    let keeps_days = app.config().ordering.keeps_days;
    Asking { viewer, buyer, currency: cart.currency, division: &cart.division, now, keeps_days }
}

/// What a cart holds and comes to.
pub async fn view(
    app: &App,
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    buyer: &Buyer,
    cart: cart::Model,
    now: DateTime<Utc>,
) -> Result<View, Error> {
    let lines = lines_of(db, cart.id).await?;
    let offers: Vec<OfferId> = lines.iter().map(|line| line.offer_id).collect();
    let known = known::load(db, asking(app, viewer, buyer, &cart, now), &offers).await?;
    let considered = consider(&asked(&lines), &known);
    Ok(View { cart, lines, known: Arc::new(known), considered: Arc::new(considered), token: None })
}

/// A cart as it is quoted to a division.
pub(super) async fn for_quote(app: &App, work: &Work, buyer: &Buyer, division: &str) -> Result<View, Error> {
    let cart =
        own(work.tx(), buyer).await?.ok_or_else(|| Error::from(Refusal::new(ErrorCode::Required).at("lines")))?;
    let cart = cart::Model { division: division.to_owned(), ..cart };
    view(app, work.tx(), work.viewer(), buyer, cart, work.now).await
}

/// Takes out of a cart what was placed.
pub(super) async fn take_out(work: &Work, cart: CartId, offers: Vec<OfferId>) -> Result<(), Error> {
    cart_line::Entity::delete_many()
        .filter(cart_line::Column::CartId.eq(cart))
        .filter(cart_line::Column::OfferId.is_in(offers))
        .exec(work.tx())
        .await?;
    cart::Entity::update_many()
        .col_expr(cart::Column::Version, Expr::col(cart::Column::Version).add(1))
        .col_expr(cart::Column::UpdatedAt, Expr::val(work.now))
        .filter(cart::Column::Id.eq(cart))
        .exec(work.tx())
        .await?;
    Ok(())
}

/// One's own cart, or that of a token; none when there is none yet.
pub async fn find(app: &App, viewer: &Viewer, token: Option<&str>) -> Result<Option<View>, Error> {
    let buyer = match token {
        // A token that leads nowhere is no error: the cart may have been tidied away.
        Some(token) => match Buyer::guest(app.vault(), token) {
            Ok(buyer) => buyer,
            Err(_) => return Ok(None),
        },
        None => match Buyer::member(viewer) {
            Some(buyer) => buyer,
            None => return Ok(None),
        },
    };
    let db = app.db().read();
    match own(db, &buyer).await? {
        Some(cart) => Ok(Some(view(app, db, viewer, &buyer, cart, app.clock().now()).await?)),
        None => Ok(None),
    }
}

/// Puts what is in a guest's cart on top of one's own; the guest's is gone then.
pub async fn merge(app: &App, call: &Call, token: &str) -> Result<View, Error> {
    let buyer = Buyer::member(&call.viewer).ok_or(Error::Unauthenticated)?;
    let guest = Buyer::guest(app.vault(), token)?;
    let work = app.begin(call).await?;
    if let Some(before) = work.answered::<cart::Model>()? {
        return view(app, work.tx(), &call.viewer, &buyer, before, work.now).await;
    }
    // The member's cart is locked before the guest's, always.
    let mut cart = locked(&work, &buyer, false).await?;
    let other = locked(&work, &guest, true).await?;
    if cart.version == 1 {
        // One's own is new: it takes over what the guest had said.
        cart.currency = other.currency;
    }
    if cart.division.is_empty() {
        cart.division.clone_from(&other.division);
    }
    let lines = lines_of(work.tx(), other.id).await?;
    let wanted: BTreeMap<OfferId, (usize, i32)> =
        lines.iter().enumerate().map(|(n, line)| (line.offer_id, (n, line.quantity))).collect();
    let visible = offer::Entity::visible_to(&call.viewer).filter(offer::Column::Id.is_in(wanted.keys().copied()));
    let visible: HashSet<OfferId> = visible.all(work.tx()).await?.into_iter().map(|row| row.id).collect();
    let wanted = wanted.into_iter().filter(|(offer, _)| visible.contains(offer)).collect();
    cart::Entity::delete_by_id(other.id).exec(work.tx()).await?;
    let (view, work) = apply(app, work, &buyer, cart, CartMode::Add, wanted).await?;
    work.commit(view.cart.clone()).await?;
    Ok(view)
}

/// Adds the rows of an order pad to a cart: all of them or, when one is refused, none.
pub async fn add_pad(app: &App, call: &Call, token: Option<&str>, text: &str) -> Result<View, Error> {
    let in_pad = |refusals: Refusals| Error::Refused(refusals.into_iter().map(|refusal| refusal.at("csv")).collect());
    let rows = order_pad::read(text, cart::MAX_LINES).map_err(in_pad)?;
    let offers = pad_offers(app, &call.viewer, &rows).await?;
    let mut refused = Refusals::new();
    let mut wanted: BTreeMap<OfferId, i32> = BTreeMap::new();
    for row in &rows {
        match offers
            .iter()
            .filter(|(offer, slug)| offer.sku == row.sku && row.seller.as_ref().is_none_or(|s| s == slug))
            .collect::<Vec<_>>()
            .as_slice()
        {
            [(offer, _)] => {
                let quantity = wanted.entry(offer.id).or_default();
                *quantity = quantity.saturating_add(row.quantity);
            }
            [] => {
                let unknown = Refusal::new(ErrorCode::NotFound).with("value", row.sku.clone());
                refused.push(order_pad::at(row.line, unknown));
            }
            // Several sellers have it: the row must say whose is meant.
            _ => refused.push(order_pad::at(row.line, Refusal::new(ErrorCode::Required).at("seller"))),
        }
    }
    if !refused.is_empty() {
        return Err(in_pad(refused));
    }
    let lines = wanted.into_iter().collect();
    change(app, call, &Change { token: token.map(str::to_owned), mode: CartMode::Add, lines, ..Change::default() })
        .await
}

/// The offers that the rows of a pad may mean, with the slugs of their sellers.
async fn pad_offers(app: &App, viewer: &Viewer, rows: &[PadRow]) -> Result<Vec<(offer::Model, String)>, Error> {
    let db = app.db().read();
    let skus: HashSet<&str> = rows.iter().map(|row| row.sku.as_str()).collect();
    let named: HashSet<&str> = rows.iter().filter_map(|row| row.seller.as_deref()).collect();
    let sellers = organisation::Entity::find().filter(organisation::Column::Slug.is_in(named)).all(db).await?;
    let everyone = rows.iter().any(|row| row.seller.is_none());
    let of = (!everyone).then(|| offer::Column::SellerId.is_in(sellers.iter().map(|row| row.id)));
    let offers = offer::Entity::visible_to(viewer)
        .filter(offer::Column::Sku.is_in(skus))
        .filter(offer::Column::Status.eq(entities::catalog::OfferStatus::Active))
        .filter(Condition::all().add_option(of))
        .all(db)
        .await?;
    let slug = |id: OrganisationId| sellers.iter().find(|row| row.id == id).map(|row| row.slug.to_string());
    Ok(offers
        .into_iter()
        .map(|row| {
            let slug = slug(row.seller_id).unwrap_or_default();
            (row, slug)
        })
        .collect())
}

/// Takes away carts that nobody came back to.
pub async fn tidy(app: &App, now: DateTime<Utc>) -> Result<(), Error> {
    let old = Condition::any()
        .add(cart::Column::Owner.starts_with("guest:").and(cart::Column::UpdatedAt.lt(now - GUEST_KEPT)))
        .add(cart::Column::UpdatedAt.lt(now - MEMBER_KEPT));
    cart::Entity::delete_many().filter(old).exec(app.db().writer()).await?;
    Ok(())
}
