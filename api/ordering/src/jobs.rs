//! What follows by itself: money that came, time that is up.
//!
//! Money that comes for a checkout that waits pays it. Money that comes when its time is up buys everything again, when
//! all of it can still be had; otherwise, and when the checkout was taken back or paid by another payment, it goes back.
//! Each may be told any number of times, in any order: the state of the checkout and [`checkout::Model::paid_by`] decide.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, Duration, Utc};
use entities::{
    catalog::{category, product, variant},
    inventory::ReservationStep,
    ordering::{CheckoutState, CheckoutStep, OrderStep, checkout, order, order_line, pricing::PricedLine, quote},
    payments::{PaymentState, commission, payment},
    trade::{
        Limits,
        allowance::{Claim, claims},
    },
    values::{
        ErrorCode, Money,
        id::{CheckoutId, OrderId, PaymentId, VariantId},
    },
};
use inventory::{ledger::By, promises};
use payments::ledger::Share;
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    db::{Dialect, dialect},
    error::Error,
    jobs::Verdict,
};
use sea_orm::{
    ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType},
};
use showroom::attribution::Sold;

use super::{
    clearance,
    ops::{checkouts, place},
};

/// A payment, or a refund of it, came to an end.
pub async fn settled(app: &App, told: payments::jobs::Settled) -> Result<Verdict, Error> {
    if told.refund.is_none()
        && let Some(paid) = payments::ops::by_id(app.db().writer(), told.payment).await?
    {
        noted(app, &paid).await?;
    }
    Ok(Verdict::Done)
}

/// Does with the money of a payment what is to be done with it, once, however often and by whomever it is told.
pub(super) async fn noted(app: &App, paid: &payment::Model) -> Result<(), Error> {
    if paid.state != PaymentState::Captured {
        // A buyer whose payment failed pays again, or the checkout's time is up.
        return Ok(());
    }
    let Some(checkout) = by_number(app, &paid.document).await? else {
        // Money for something of another context.
        return Ok(());
    };
    if checkout.paid_by == Some(paid.id) {
        return Ok(());
    }
    let fits = paid.currency == checkout.currency && paid.captured_minor >= checkout.total_minor;
    let payable = matches!(checkout.state, CheckoutState::AwaitingPayment | CheckoutState::Expired);
    if fits && payable && checkout.paid_by.is_none() {
        match bought(app, &checkout, paid).await {
            Ok(()) => return Ok(()),
            // It cannot be had any more, or somebody else stepped meanwhile.
            Err(Error::Refused(refusals)) => {
                let why: Vec<String> = refusals.iter().map(|refusal| refusal.code.name()).collect();
                tracing::info!(checkout = checkout.number, why = why.join(" "), "money came and buys nothing");
            }
            Err(error) => return Err(error),
        }
    }
    given_back(app, checkout.id, paid.id).await
}

async fn by_number(app: &App, number: &str) -> Result<Option<checkout::Model>, Error> {
    let found = checkout::Entity::find().filter(checkout::Column::Number.eq(number));
    Ok(found.one(app.db().writer()).await?)
}

/// The money buys what the checkout holds, or everything again.
async fn bought(app: &App, checkout: &checkout::Model, paid: &payment::Model) -> Result<(), Error> {
    let in_time = buy(app, checkout, paid, CheckoutStep::Pay).await;
    match in_time {
        Err(Error::Refused(refusals))
            if refusals.iter().all(|r| matches!(r.code, ErrorCode::HoldExpired | ErrorCode::IllegalTransition)) =>
        {
            buy(app, checkout, paid, CheckoutStep::PayLate).await
        }
        other => other,
    }
}

async fn buy(app: &App, checkout: &checkout::Model, paid: &payment::Model, how: CheckoutStep) -> Result<(), Error> {
    let mut work = app.begin(&Call::unasked("ordering")).await?;
    let after = checkouts::step(&work, checkout, how).await?;
    checkout::Entity::update_many()
        .col_expr(checkout::Column::PaidBy, Expr::val(Some(paid.id)))
        .col_expr(checkout::Column::ExpiresAt, Expr::val(Option::<DateTime<Utc>>::None))
        .filter(checkout::Column::Id.eq(after.id))
        .exec(work.tx())
        .await?;
    let note = (how == CheckoutStep::PayLate).then_some("paid late; everything was taken again");
    let mut orders = checkouts::step_orders(&mut work, &after, OrderStep::Confirm, note).await?;
    if how == CheckoutStep::PayLate {
        // What is left of the old hold goes first: it may be the last piece that is wanted again.
        checkouts::let_go(&work, &orders, ReservationStep::Release).await?;
        again(app, &work, &after, &orders, paid).await?;
    }
    for order in orders.iter().filter(|order| order.location_id.is_some()) {
        promises::confirm_all(work.tx(), work.now, &order.number).await?;
    }
    clearance::declare(app, &mut work, &after, &orders, paid).await?;
    noted_commission(&work, &mut orders).await?;
    let shares: Vec<Share> = orders.iter().map(share).collect();
    payments::ledger::allot(work.tx(), work.now, &after.number, paid.id, &shares).await?;
    attributed(&work, &after.number, &orders, paid).await?;
    work.commit(()).await
}

/// Whose the sale is, is fixed: by what the buyer scanned in showrooms.
async fn attributed(work: &Work, checkout: &str, orders: &[order::Model], paid: &payment::Model) -> Result<(), Error> {
    let lines = order_line::Entity::find()
        .filter(order_line::Column::OrderId.is_in(orders.iter().map(|order| order.id)))
        .all(work.tx())
        .await?;
    let sold = |line: order_line::Model| {
        let order = orders.iter().find(|order| order.id == line.order_id)?;
        // The platform's commission goes first, in the proportion of the goods.
        let part = |minor: i64| {
            i64::try_from(i128::from(minor) * i128::from(line.goods_minor) / i128::from(order.dutiable_minor.max(1)))
        };
        Some(Sold {
            order: order.number.clone(),
            line: line.number,
            offer: line.offer_id,
            seller: order.seller_id,
            quantity: line.quantity,
            goods_minor: line.goods_minor,
            currency: order.currency,
            most_minor: line.goods_minor - part(order.commission_minor).unwrap_or(line.goods_minor),
        })
    };
    let sold: Vec<Sold> = lines.into_iter().filter_map(sold).collect();
    showroom::attribution::paid(work.tx(), work.now, checkout, paid, &sold).await
}

/// Takes anew what the orders of a checkout need.
async fn again(
    app: &App,
    work: &Work,
    checkout: &checkout::Model,
    orders: &[order::Model],
    paid: &payment::Model,
) -> Result<(), Error> {
    let lines = order_line::Entity::find()
        .filter(order_line::Column::OrderId.is_in(orders.iter().map(|order| order.id)))
        .order_by_asc(order_line::Column::Number)
        .all(work.tx())
        .await?;
    let of = |id: OrderId| lines.iter().filter(move |line| line.order_id == id);
    let date = business_day(work.now);
    if let (Some(lookup), Some(limits)) = (checkout.buyer_lookup.as_deref(), Limits::on(date)) {
        let quote = quote::Entity::find_by_id(checkout.quote_id).one(work.tx()).await?;
        let quote = quote.ok_or_else(|| Error::internal("the quote of a checkout is gone"))?;
        let mut claimed: Vec<(&str, Vec<Claim>)> = Vec::new();
        for (order, parcel) in orders.iter().zip(&quote.content.0).filter(|(_, parcel)| parcel.is_retail_import()) {
            let goods: Vec<_> = parcel.lines.iter().map(PricedLine::goods_line).collect();
            claimed.push((&order.number, claims(&goods, order.dutiable_minor, &limits)?));
        }
        let claimed: Vec<(&str, &[Claim])> = claimed.iter().map(|(n, of)| (*n, of.as_slice())).collect();
        let buyer = trade::allowance::Buyer { lookup, year: date.year() };
        trade::allowance::reserve_all(work.tx(), work.now, buyer, &claimed).await?;
    }
    let needs: Vec<_> = orders
        .iter()
        .map(|order| {
            let lines = of(order.id);
            (order, place::taken(lines.map(|l| (l.offer_id, l.variant_id, l.quantity, l.parts.0.as_slice()))))
        })
        .collect();
    let holding = place::Holding {
        by: By { actor: "ordering", at: work.now },
        key: &format!("{}~{}", checkout.number, paid.number),
        until: work.now + Duration::minutes(1),
        keeps_days: app.config().ordering.keeps_days,
    };
    place::hold(work.tx(), holding, &needs).await
}

/// What of an order's money is whose.
pub(super) fn share(order: &order::Model) -> Share {
    Share {
        seller: order.seller_id,
        order: order.number.clone(),
        goods_minor: order.dutiable_minor,
        commission_minor: order.commission_minor,
        tax_minor: order.tax_minor(),
    }
}

/// Notes what of each order is the platform's, by the rules of the day.
async fn noted_commission(work: &Work, orders: &mut [order::Model]) -> Result<(), Error> {
    let rules = payments::commission::rules(work.tx()).await?.rules;
    if rules.is_empty() {
        return Ok(());
    }
    let lines = order_line::Entity::find()
        .filter(order_line::Column::OrderId.is_in(orders.iter().map(|order| order.id)))
        .all(work.tx())
        .await?;
    let of_product =
        variant::Entity::belongs_to(product::Entity).from(variant::Column::ProductId).to(product::Column::Id).into();
    let of_category =
        product::Entity::belongs_to(category::Entity).from(product::Column::CategoryId).to(category::Column::Id).into();
    let paths: HashMap<VariantId, String> = variant::Entity::find()
        .select_only()
        .column(variant::Column::Id)
        .column(category::Column::Path)
        .join(JoinType::InnerJoin, of_product)
        .join(JoinType::InnerJoin, of_category)
        .filter(variant::Column::Id.is_in(lines.iter().map(|line| line.variant_id)))
        .into_tuple::<(VariantId, String)>()
        .all(work.tx())
        .await?
        .into_iter()
        .collect();
    for order in orders {
        let taken = |line: &order_line::Model| {
            let sale = commission::Sale {
                seller: order.seller_id,
                category_path: paths.get(&line.variant_id).map_or("", String::as_str),
                supply_mode: order.supply_mode,
                goods: Money { minor: line.goods_minor, currency: order.currency },
                on: business_day(work.now),
            };
            commission::of_sale(&rules, &sale).minor
        };
        order.commission_minor = lines.iter().filter(|line| line.order_id == order.id).map(taken).sum();
        order::Entity::update_many()
            .col_expr(order::Column::CommissionMinor, Expr::val(order.commission_minor))
            .filter(order::Column::Id.eq(order.id))
            .exec(work.tx())
            .await?;
    }
    Ok(())
}

/// Money that buys nothing goes back, all that is left of it, once. The checkout is read again under its lock: it may
/// be that somebody else was told of the same payment, and that it bought.
async fn given_back(app: &App, checkout: CheckoutId, paid: PaymentId) -> Result<(), Error> {
    let mut work = app.begin(&Call::unasked("ordering")).await?;
    let mut row = checkout::Entity::find_by_id(checkout);
    if dialect(work.tx()) == Dialect::Postgres {
        row = row.lock(LockType::Update);
    }
    let row = row.one(work.tx()).await?.ok_or_else(|| Error::internal("a checkout is gone"))?;
    if row.paid_by == Some(paid) {
        return Ok(());
    }
    if row.state == CheckoutState::AwaitingPayment && row.expires_at.is_some_and(|at| at <= work.now) {
        // Its time is up, and nobody has let it go yet.
        let after = checkouts::step(&work, &row, CheckoutStep::Expire).await?;
        let orders =
            checkouts::step_orders(&mut work, &after, OrderStep::Expire, Some("the money came too late")).await?;
        checkouts::let_go(&work, &orders, ReservationStep::Release).await?;
    }
    let paid = payments::ops::by_id(work.tx(), paid).await?.ok_or_else(|| Error::internal("a payment is gone"))?;
    let left = paid.captured_minor - paid.refunded_minor;
    if left > 0 {
        let key = format!("nothing:{}", paid.number);
        payments::refunds::refund(work.tx(), work.now, paid.id, left, "the money buys nothing", &key).await?;
        tracing::info!(checkout = row.number, payment = paid.number, "money goes back");
    }
    work.commit(()).await
}
