//! What customs means for an order: what is declared of it when it is paid, and what follows from what customs says.
//!
//! A release uses up what the order took of allowances; what was asked back gives it back again. Money, quota, stock and
//! account book move together, in the transaction that the order's step is in.

use std::collections::BTreeMap;

use customs::jobs::{Moved, SignedFor};
use entities::{
    catalog::{SupplyMode, variant},
    customs::{
        declaration::DeclarationState,
        request::{self, CustomsRequestKind, CustomsRequestState, ReturnedLine},
        sale::{self, Paid, PaidTogether, Sale, SaleLine},
    },
    inventory::{CustomsStatus, ReservationStep},
    logistics::HoldReason,
    ordering::{OrderState, OrderStep, checkout, order, order_line, pricing::is_import, quote},
    party::{Action, Resource},
    payments::payment,
    trade::{Limits, allowance::claims, price::GoodsLine},
    values::{
        ErrorCode, Locale, Refusal,
        id::{CustomsRequestId, OrderId, VariantId},
        refusal::line,
    },
};
use inventory::{
    book,
    ledger::By,
    ops::leaving::{self, CameBack},
};
use party::ops::identities;
use payments::ledger::Share;
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found},
    graphql::encode,
    jobs::Verdict,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;
use trade::allowance;

use super::{
    ops::{
        checkouts,
        orders::{self, cancelled},
        place,
    },
    parcels::{self, BookParcel},
};

/// Opens what is declared of orders that were paid, in the transaction in which they were.
pub(super) async fn declare(
    app: &App,
    work: &mut Work,
    checkout: &checkout::Model,
    orders: &[order::Model],
    paid: &payment::Model,
) -> Result<(), Error> {
    let imports: Vec<&order::Model> = orders.iter().filter(|order| is_import(order.supply_mode)).collect();
    if imports.is_empty() {
        return Ok(());
    }
    let Some(buyer) = identities::for_customs(app, work, checkout.person_id, &checkout.number).await? else {
        // Placing asked for it, and it is never taken away; an operator sees the order without a declaration.
        tracing::error!(checkout = checkout.number, "a paid import has no buyer whose identity is known");
        return Ok(());
    };
    let consignee = place::consignee(app.vault(), checkout)?;
    let lines = order_line::Entity::find()
        .filter(order_line::Column::OrderId.is_in(orders.iter().map(|order| order.id)))
        .order_by_asc(order_line::Column::Number)
        .all(work.tx())
        .await?;
    let variants: BTreeMap<VariantId, variant::Model> = variant::Entity::find()
        .filter(variant::Column::Id.is_in(lines.iter().map(|line| line.variant_id)))
        .all(work.tx())
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let name = |line: &order_line::Model| line.name.read(&Locale::zh_cn()).unwrap_or(&line.sku).to_owned();
    // Customs asks for all that was paid in one request, also for what it has no paper of.
    let together: Vec<PaidTogether> = orders
        .iter()
        .map(|order| PaidTogether {
            order_no: order.number.clone(),
            paid_minor: order.total_minor,
            goods: lines.iter().filter(|line| line.order_id == order.id).map(|l| (l.variant_id, name(l))).collect(),
        })
        .collect();
    for order in imports {
        let sold = lines.iter().filter(|line| line.order_id == order.id).map(|line| {
            let of = variants.get(&line.variant_id);
            SaleLine {
                number: line.number,
                variant: line.variant_id,
                name: name(line),
                taxed_as: Some((line.hs_code.clone(), line.origin.clone())),
                barcode: of.and_then(|of| of.gtin.as_ref()).map(|gtin| gtin.as_str().to_owned()),
                quantity: line.quantity,
                unit_minor: line.unit_minor,
                goods_minor: line.goods_minor,
                gross_weight_g: of.map_or(1, |of| i64::from(of.gross_weight_g.max(1))),
                net_weight_g: of.map_or(1, |of| i64::from(of.net_weight_g.max(1))),
            }
        });
        let sale = Sale {
            order_no: order.number.clone(),
            ordered_at: order.created_at,
            goods_minor: order.goods_minor,
            carriage_minor: order.freight_minor + order.insurance_minor,
            insurance_minor: order.insurance_minor,
            tax_minor: order.tax_minor(),
            buyer: sale::Buyer {
                account: encode(checkout.person_id).0,
                name: buyer.name.clone(),
                mobile: consignee.mobile.clone(),
                resident_id: buyer.number.clone(),
            },
            consignee: consignee.clone(),
            district: checkout.division.clone(),
            paid: Paid {
                transaction: paid.reference.clone().unwrap_or_else(|| paid.number.clone()).chars().take(60).collect(),
                at: work.now,
                provider: Some(paid.provider),
                together: together.clone(),
            },
            lines: sold.collect(),
        };
        let opening = customs::advance::Opening {
            document: order.number.clone(),
            seller: order.seller_id,
            person: order.person_id,
            mode: order.supply_mode,
            location: order.location_id,
            sale,
        };
        customs::advance::open(app, work, opening).await?;
        work.enqueue(&BookParcel { order: order.id, document: order.number.clone() }).await?;
    }
    Ok(())
}

async fn by_number(db: &impl ConnectionTrait, number: &str) -> Result<Option<order::Model>, Error> {
    Ok(order::Entity::find().filter(order::Column::Number.eq(number)).one(db).await?)
}

/// Does [`Moved`]: what follows for the order. Each may be told any number of times.
pub async fn moved(app: &App, told: Moved) -> Result<Verdict, Error> {
    let mut work = app.begin(&Call::unasked("ordering")).await?;
    let Some(row) = by_number(work.tx(), &told.document).await? else {
        // A declaration of another context.
        return Ok(Verdict::Done);
    };
    match told.request {
        Some(id) => asked_back(&mut work, &row, id).await?,
        None => match told.state {
            DeclarationState::Released | DeclarationState::Closed => released(&mut work, &row).await?,
            DeclarationState::Cancelled => taken_back(&mut work, &row, "customs agreed to the withdrawal").await?,
            DeclarationState::ReturnedAbroad => sent_abroad(&mut work, &row).await?,
            _ => {}
        },
    }
    work.commit(()).await?;
    Ok(Verdict::Done)
}

/// Does [`SignedFor`]: the order is taken in, as its carrier says. Where the house has the parcel itself, what becomes of
/// that says so, too, and the later of the two finds it done.
pub async fn signed_for(app: &App, told: SignedFor) -> Result<Verdict, Error> {
    let mut work = app.begin(&Call::unasked("ordering")).await?;
    let row = by_number(work.tx(), &told.document).await?.filter(|row| is_import(row.supply_mode));
    let Some(row) = row else { return Ok(Verdict::Done) };
    customs::lists::lock_document(work.tx(), &row.number).await?;
    match row.state {
        OrderState::Confirmed => {
            return Ok(Verdict::Again { after: None, reason: "the order was not sent off yet".into() });
        }
        OrderState::Shipped => orders::step(&mut work, &row, OrderStep::Complete, None).await?,
        _ => return Ok(Verdict::Done),
    };
    work.commit(()).await?;
    Ok(Verdict::Done)
}

/// Notes in an order's timeline what happened, and tells of it; its state stays.
pub(super) async fn note(
    work: &mut Work,
    row: &order::Model,
    step: OrderStep,
    text: Option<&str>,
) -> Result<(), Error> {
    let actor = work.viewer().subject();
    place::events(work.tx(), std::slice::from_ref(row), step, row.state, &actor, text, work.now).await?;
    orders::told(work, row).await
}

/// Customs let the goods go: what the order took of allowances is used, in the year in which customs did.
async fn released(work: &mut Work, row: &order::Model) -> Result<(), Error> {
    let declared = customs::lists::of_document(work.tx(), &row.number).await?;
    // The moment that customs names, not that in which the house heard of it: between them a year may end.
    let at = declared.as_ref().and_then(|declared| declared.released_at).unwrap_or(work.now);
    let used = allowance::use_up(work.tx(), work.now, &row.number, at).await?;
    let list_number = declared.as_ref().and_then(|declared| declared.invt_no.as_deref());
    logistics::ops::released(work, &row.number, list_number).await?;
    // Told again, nothing is reserved any more.
    if used > 0 && row.state == OrderState::Confirmed {
        note(work, row, OrderStep::Release, None).await?;
    }
    Ok(())
}

/// Nothing of it goes on at customs: the order is taken back with its money.
async fn taken_back(work: &mut Work, row: &order::Model, why: &str) -> Result<(), Error> {
    if row.state == OrderState::Confirmed {
        cancelled(work, row, why).await?;
    }
    Ok(())
}

/// Customs keeps the goods and sends them back abroad: they leave the warehouse for there, and never come to the buyer,
/// who gets quota and money back.
async fn sent_abroad(work: &mut Work, row: &order::Model) -> Result<(), Error> {
    const WHY: &str = "customs sends the goods back abroad";
    let left = match row.state {
        OrderState::Confirmed => parcels::is_out(work.tx(), row).await?,
        OrderState::Shipped | OrderState::Completed => true,
        _ => return Ok(()),
    };
    if left {
        // What customs says and where the goods are do not agree: a person looks.
        return customs::advance::odd(work, &row.number, "customs sends goods back that were sent off").await;
    }
    // Allowance, book, stock: in the order of placing.
    allowance::give_all_back(work.tx(), work.now, &row.number, &format!("abroad:{}", row.number)).await?;
    if row.location_id.is_some() {
        let supplier = inventory::ops::supplier_of(work.tx(), work.now, row.seller_id).await?;
        let actor = work.viewer().subject();
        let by = By { actor: &actor, at: work.now };
        book::reduce(work.tx(), by, &row.number).await?;
        inventory::promises::consume_all(work.tx(), by, &row.number, supplier).await?;
    }
    logistics::ops::lift(work, &row.number, HoldReason::Customs, None).await?;
    cancelled(work, row, WHY).await?;
    Ok(())
}

/// What was asked of customs came to another state: it is looked at as it is now.
async fn asked_back(work: &mut Work, row: &order::Model, id: CustomsRequestId) -> Result<(), Error> {
    use CustomsRequestState::{Approved, Asked, Failed, Inspected, Refused, Withdrawn};
    let Some(ask) = customs::requests::by_id(work.tx(), id).await? else { return Ok(()) };
    match (ask.state, ask.kind) {
        (Asked | Inspected, _) => stays(work, row).await,
        (Approved, CustomsRequestKind::Return) => returned(work, row, id).await,
        // The declaration's own state says so, too.
        (Approved, CustomsRequestKind::Cancellation) => Ok(()),
        (Refused | Failed | Withdrawn, kind) => {
            logistics::ops::lift(work, &row.number, HoldReason::Customs, None).await?;
            match (ask.state, kind) {
                (Withdrawn, _) => Ok(()),
                (_, CustomsRequestKind::Cancellation) => note(work, row, OrderStep::RefuseCancel, None).await,
                (_, CustomsRequestKind::Return) => note(work, row, OrderStep::RefuseReturn, None).await,
            }
        }
    }
}

/// While an answer of customs is waited for, the parcel stays inside the gate; what is out stays out.
async fn stays(work: &mut Work, row: &order::Model) -> Result<(), Error> {
    if row.state == OrderState::Confirmed && !parcels::is_out(work.tx(), row).await? {
        keep_inside(work, row).await?;
    }
    Ok(())
}

/// Holds the parcel of an order at the gate; refused when it is out.
pub(super) async fn keep_inside(work: &mut Work, row: &order::Model) -> Result<(), Error> {
    let why = "customs is asked to take it back";
    logistics::ops::hold(work, &row.number, HoldReason::Customs, why, None).await?;
    Ok(())
}

/// What of a sum goes with so many of a line, after so many went before: so all parts together are the whole.
fn part(whole: i64, of: i32, before: i64, now: i64) -> i64 {
    let of = i128::from(of.max(1));
    let up_to = |n: i64| i128::from(whole) * i128::from(n) / of;
    i64::try_from(up_to(before + now) - up_to(before)).unwrap_or_default()
}

/// What a return gives back.
#[derive(Debug, Default)]
struct Back {
    /// What came back before it.
    dutiable_before: i64,
    dutiable_minor: i64,
    tax_minor: i64,
}

/// Customs agreed to a return: quota, money, account book and stock go back, once.
async fn returned(work: &mut Work, row: &order::Model, id: CustomsRequestId) -> Result<(), Error> {
    let Some(settled) = customs::requests::settle(work, id).await? else { return Ok(()) };
    // The declaration is locked from here on: the order is as it will be.
    let Some(row) = &by_number(work.tx(), &row.number).await? else { return Ok(()) };
    let ask: &request::Model = &settled.ask;
    let before = |number: i32| settled.before.get(&number).copied().unwrap_or_default();
    let lines = order_line::Entity::find()
        .filter(order_line::Column::OrderId.eq(row.id))
        .order_by_asc(order_line::Column::Number)
        .all(work.tx())
        .await?;
    let mut back = Back::default();
    for asked in &ask.lines.0 {
        let Some(line) = lines.iter().find(|line| line.number == asked.number) else { continue };
        let (before, now) = (before(asked.number), i64::from(asked.quantity));
        back.dutiable_minor += part(line.goods_minor + line.carriage_minor, line.quantity, before, now);
        back.tax_minor += part(line.tax_minor, line.quantity, before, now);
    }
    let of_before =
        |line: &order_line::Model| part(line.goods_minor + line.carriage_minor, line.quantity, 0, before(line.number));
    back.dutiable_before = lines.iter().map(of_before).sum();
    let key = format!("R{id}");
    give_quota_back(work, row, &ask.lines.0, &before, &back, &key).await?;
    give_goods_back(work, row, &ask.lines.0, &lines, ask.location_id).await?;
    give_money_back(work, row, &ask.reason, &back, &key).await?;
    let goods: Vec<(i32, i64)> = ask
        .lines
        .0
        .iter()
        .filter_map(|asked| {
            let line = lines.iter().find(|line| line.number == asked.number)?;
            let back = part(line.goods_minor, line.quantity, before(asked.number), i64::from(asked.quantity));
            Some((asked.number, back))
        })
        .collect();
    less_for_showrooms(work, row, &goods, &key).await?;
    let whole = lines.iter().all(|line| {
        let now: i64 = ask.lines.0.iter().filter(|l| l.number == line.number).map(|l| i64::from(l.quantity)).sum();
        before(line.number) + now >= i64::from(line.quantity)
    });
    if whole {
        orders::step(work, row, OrderStep::Return, Some(&ask.reason)).await?;
    } else {
        note(work, row, OrderStep::ReturnPart, Some(&ask.reason)).await?;
    }
    Ok(())
}

/// Gives back what the goods took of allowances, to the year in which it was taken.
async fn give_quota_back(
    work: &Work,
    row: &order::Model,
    asked: &[ReturnedLine],
    before: &impl Fn(i32) -> i64,
    back: &Back,
    key: &str,
) -> Result<(), Error> {
    let checkout = checkout::Entity::find_by_id(row.checkout_id).one(work.tx()).await?;
    let checkout = checkout.ok_or_else(|| Error::internal("a checkout is gone"))?;
    let quote = quote::Entity::find_by_id(checkout.quote_id).one(work.tx()).await?;
    let orders = checkouts::orders_of(work.tx(), checkout.id).await?;
    let place = orders.iter().position(|order| order.id == row.id).unwrap_or_default();
    let parcel = quote.as_ref().and_then(|quote| quote.content.0.get(place));
    let limits = Limits::on(business_day(row.created_at)).ok_or_else(|| Error::internal("no limits held then"))?;
    let with = |extra: &dyn Fn(i32) -> i64| -> Vec<GoodsLine> {
        let lines = parcel.iter().flat_map(|parcel| parcel.lines.iter().enumerate());
        lines
            .filter_map(|(n, line)| {
                let quantity = extra(i32::try_from(n + 1).unwrap_or(i32::MAX));
                let quantity = u32::try_from(quantity).ok().filter(|quantity| *quantity > 0)?;
                Some(GoodsLine { quantity, ..line.goods_line() })
            })
            .collect()
    };
    let now = |number: i32| -> i64 {
        asked.iter().filter(|line| line.number == number).map(|line| i64::from(line.quantity)).sum()
    };
    let after = claims(&with(&|number| before(number) + now(number)), back.dutiable_minor, &limits)?;
    let earlier = claims(&with(before), 0, &limits)?;
    let parts: Vec<_> = after
        .iter()
        .map(|claim| {
            let already = earlier.iter().find(|one| one.kind == claim.kind).map_or(0, |one| one.amount);
            (claim.kind, claim.amount - already)
        })
        .collect();
    allowance::give_back(work.tx(), work.now, &row.number, key, &parts).await
}

/// Takes the goods back into the warehouse and its account book. What never left is let go.
async fn give_goods_back(
    work: &mut Work,
    row: &order::Model,
    asked: &[ReturnedLine],
    lines: &[order_line::Model],
    location: Option<entities::values::id::StockLocationId>,
) -> Result<(), Error> {
    let actor = work.viewer().subject();
    let by = By { actor: &actor, at: work.now };
    if row.state == OrderState::Confirmed {
        book::unlock(work.tx(), by, &row.number).await?;
        promises_let_go(work, row).await?;
        // Its parcel was booked, and does not go.
        logistics::ops::lift(work, &row.number, HoldReason::Customs, None).await?;
        logistics::ops::cancel(work, &row.number).await?;
        return Ok(());
    }
    let bonded = row.supply_mode == SupplyMode::BondedImport;
    let status = if bonded { CustomsStatus::Bonded } else { CustomsStatus::DutyPaid };
    let back: Vec<CameBack> = asked
        .iter()
        .filter_map(|asked| {
            let line = lines.iter().find(|line| line.number == asked.number)?;
            Some((line, i64::from(asked.quantity)))
        })
        .flat_map(|(line, quantity)| {
            let whole = [(line.variant_id, 1)];
            let parts = if line.parts.0.is_empty() { whole.to_vec() } else { line.parts.0.clone() };
            parts.into_iter().map(move |(variant, each)| CameBack {
                variant,
                lot: None,
                status,
                quantity: quantity * i64::from(each),
            })
        })
        .collect();
    if bonded {
        for one in &back {
            book::return_in(work.tx(), by, &row.number, one.variant, one.quantity).await?;
        }
    }
    if let (Some(to), Some(_)) = (location, row.location_id) {
        leaving::take_back(work, row.seller_id, &row.number, to, &back).await?;
    }
    Ok(())
}

async fn promises_let_go(work: &Work, row: &order::Model) -> Result<(), Error> {
    inventory::promises::let_go_all(work.tx(), work.now, &[row.number.as_str()], ReservationStep::Release).await?;
    Ok(())
}

/// Gives the money of returned goods back: what they cost, their share of carriage, their taxes.
async fn give_money_back(work: &Work, row: &order::Model, reason: &str, back: &Back, key: &str) -> Result<(), Error> {
    let checkout = checkout::Entity::find_by_id(row.checkout_id).one(work.tx()).await?;
    let Some((number, payment)) = checkout.and_then(|checkout| Some((checkout.number, checkout.paid_by?))) else {
        return Ok(());
    };
    // The commission goes back with the goods, in their proportion.
    let up_to = |minor: i64| {
        let share = i128::from(row.commission_minor) * i128::from(minor) / i128::from(row.dutiable_minor.max(1));
        i64::try_from(share).unwrap_or_default()
    };
    let commission_minor = up_to(back.dutiable_before + back.dutiable_minor) - up_to(back.dutiable_before);
    let share = Share {
        seller: row.seller_id,
        order: row.number.clone(),
        goods_minor: back.dutiable_minor,
        commission_minor,
        tax_minor: back.tax_minor,
    };
    payments::ledger::un_allot(work.tx(), work.now, &number, payment, &share, key).await?;
    let amount = back.dutiable_minor + back.tax_minor;
    if amount > 0 {
        payments::refunds::refund(work.tx(), work.now, payment, amount, reason, &format!("return:{key}")).await?;
    }
    Ok(())
}

/// What a showroom has of goods that came back is taken off.
async fn less_for_showrooms(work: &Work, row: &order::Model, goods: &[(i32, i64)], key: &str) -> Result<(), Error> {
    let checkout = checkout::Entity::find_by_id(row.checkout_id).one(work.tx()).await?;
    let Some((number, payment)) = checkout.and_then(|checkout| Some((checkout.number, checkout.paid_by?))) else {
        return Ok(());
    };
    showroom::attribution::came_back(work.tx(), work.now, (payment, &number), &row.number, goods, key).await
}

/// The buyer asks to give goods back, within 30 days after their release.
pub async fn ask_return(
    app: &App,
    call: &Call,
    id: OrderId,
    reason: &str,
    lines: &[ReturnedLine],
) -> Result<order::Model, Error> {
    let reason = line(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = orders::find(work.tx(), work.viewer(), id).await?;
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    call.may(Action::PlaceOrders, orders::buyers(&row))
        .or_else(|_| call.may(Action::FulfilOrders, Resource::of(row.seller_id)))?;
    let given = matches!(row.state, OrderState::Confirmed | OrderState::Shipped | OrderState::Completed);
    if !given || !is_import(row.supply_mode) {
        return Err(OrderStep::AskReturn.refused(row.state).at("id").into());
    }
    customs::requests::ask_return(app, &mut work, &row.number, &reason, lines).await?;
    if row.state == OrderState::Confirmed {
        let all = order_line::Entity::find().filter(order_line::Column::OrderId.eq(row.id)).all(work.tx()).await?;
        let whole = all.iter().all(|line| {
            lines.iter().filter(|l| l.number == line.number).map(|l| l.quantity).sum::<i32>() == line.quantity
        });
        if !whole {
            // What was not sent off is given back as a whole, or sent off.
            return Err(Refusal::new(ErrorCode::IllegalTransition)
                .with("from", "CONFIRMED")
                .with("action", "RETURN")
                .at("lines")
                .into());
        }
        keep_inside(&mut work, &row).await?;
    }
    note(&mut work, &row, OrderStep::AskReturn, Some(&reason)).await?;
    let shown = json!({ "number": row.number, "lines": lines });
    work.audit(Some(row.seller_id), "requestReturn", encode(row.id).0, serde_json::Value::Null, shown);
    work.commit(row).await
}

/// Whether an import may be sent off: customs has let it go, and is not asked to take it back. Its declaration is locked
/// until the transaction ends.
pub(super) async fn may_go(tx: &impl ConnectionTrait, row: &order::Model) -> Result<(), Error> {
    if customs::requests::waits(tx, &row.number).await? {
        let name = async_graphql::Value::from(HoldReason::Customs).to_string();
        return Err(Refusal::new(ErrorCode::OnHold).with("reason", name).at("id").into());
    }
    if customs::lists::released(tx, &row.number).await? == Some(true) {
        return Ok(());
    }
    Err(Refusal::new(ErrorCode::NotReleased).at("id").into())
}
