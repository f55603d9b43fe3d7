//! What ordering costs: put into the cart, quoted, placed, paid in the sandbox, on many articles and on one that everyone
//! wants, beside the bare guarded UPDATE of the same database, and beside a promise of stock alone. Inside this process, so
//! without HTTP and GraphQL.
//!
//! A line counts what was done when also the jobs that it left behind are done: what is put off is not saved.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use api::{
    app::App,
    app::Call,
    inventory::promises::{self, Purpose, Wanted},
    ordering::ops::{
        carts::{self, Change},
        checkouts::{self, Paying},
        place::{self, Placing},
        quotes,
    },
    payments,
    platform::error::Error,
};
use entities::{
    catalog::{OfferStatus, SupplyMode, offer, offer_price, variant},
    inventory::{CustomsStatus, LocationKind, ReservationKind, balance, hot_item, location, lot},
    ordering::{CheckoutState, PaymentTerms},
    party::{Actor, Viewer, person},
    payments::{Method, ProviderKind, sandbox::Press},
    platform::{JobState, job},
    values::{
        Consignee, Currency,
        id::{OfferId, OrganisationId, PersonId, StockBalanceId, StockLocationId, StockLotId, VariantId},
    },
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, Statement};

use super::{Failure, told};

const AT_ONCE: usize = 16;
const ARTICLES: u64 = 1_000;
const PLENTY: i64 = 1_000_000;

/// What can be bought, and by whom.
struct Shop {
    app: App,
    buyers: Vec<Viewer>,
    offers: Vec<OfferId>,
    seller: OrganisationId,
    place: StockLocationId,
    /// What everyone wants, and where it lies.
    first: (VariantId, StockBalanceId),
}

/// Measures ordering for so many seconds each.
pub(crate) async fn ordering(app: &App, seconds: u64) -> Result<(), Failure> {
    let shop = Arc::new(furnished(app).await?);
    let time = Duration::from_secs(seconds);
    println!("\n{:<56} {:>10} {:>10} {:>10}", "16 at once", "a second", "p50 ms", "p99 ms");
    let bare = run(app, "the bare guarded UPDATE of one row", time, {
        let shop = shop.clone();
        move |_, _| bare(shop.clone())
    })
    .await?;
    let held = run(app, "a promise of one article, in a transaction", time, {
        let shop = shop.clone();
        move |who, n| hold(shop.clone(), format!("plain-{who}-{n}"))
    })
    .await?;
    let many = run(app, "orders over 1,000 articles: cart, quote, place, pay", time, {
        let shop = shop.clone();
        move |who, n| buy(shop.clone(), who, 1 + (who * 7_919 + n) % (shop.offers.len() - 1), true)
    })
    .await?;
    let one = run(app, "orders of one article: cart, quote, place, pay", time, {
        let shop = shop.clone();
        move |who, _| buy(shop.clone(), who, 0, true)
    })
    .await?;
    let placed = run(app, "orders of one article: cart, quote, place", time, {
        let shop = shop.clone();
        move |who, _| buy(shop.clone(), who, 0, false)
    })
    .await?;
    let hot = hot_item::Model { owner_id: shop.seller, variant_id: shop.first.0, since: app.clock().now() };
    hot_item::Entity::insert(hot.into_active_model()).exec_without_returning(app.db().writer()).await?;
    let held_hot = run(app, "a promise of one hot item, in a transaction", time, {
        let shop = shop.clone();
        move |who, n| hold(shop.clone(), format!("hot-{who}-{n}"))
    })
    .await?;
    let hot = run(app, "orders of one hot item: cart, quote, place, pay", time, {
        let shop = shop.clone();
        move |who, _| buy(shop.clone(), who, 0, true)
    })
    .await?;
    run(app, "a cart of 200 lines, changed in one mutation", time, {
        let shop = shop.clone();
        move |who, n| fill(shop.clone(), who, n)
    })
    .await?;
    let percent = |n: u64, of: u64| n * 100 / of.max(1);
    println!("against the bare guarded UPDATE:");
    println!("  a promise of one article {:>4} %, as a hot item {:>4} %", percent(held, bare), percent(held_hot, bare));
    println!(
        "  orders of one article {:>4} %, not paid {:>4} %, as a hot item {:>4} %",
        percent(one, bare),
        percent(placed, bare),
        percent(hot, bare)
    );
    println!("orders of one article against 1,000: {} %, as a hot item {} %", percent(one, many), percent(hot, many));
    Ok(())
}

/// A seller's warehouse with plenty of everything, and people who buy.
async fn furnished(app: &App) -> Result<Shop, Failure> {
    let (db, now) = (app.db().writer(), app.clock().now());
    let rows = variant::Entity::find().limit(ARTICLES).all(db).await?;
    let seller = api::party::ops::organisation_by_slug(db, "hehuang-carpet").await.map_err(|e| told(&e))?;
    let seller: OrganisationId = seller.ok_or("no seller")?.id;
    let place = location::Model {
        id: StockLocationId::new(now),
        organisation_id: seller,
        code: "BENCH".into(),
        kind: LocationKind::DutyPaidWarehouse,
        name: "bench".into(),
        version: 1,
        created_at: now,
    };
    location::Entity::insert(place.clone().into_active_model()).exec_without_returning(db).await?;
    let mut offers = Vec::new();
    let mut first = None;
    for (n, row) in rows.iter().enumerate() {
        let of_lot = lot::Model {
            id: StockLotId::new(now),
            owner_id: seller,
            variant_id: row.id,
            code: String::new(),
            produced_on: None,
            expires_on: None,
        };
        let there = balance::Model {
            id: StockBalanceId::new(now),
            variant_id: row.id,
            owner_id: seller,
            location_id: place.id,
            lot_id: of_lot.id,
            status: CustomsStatus::DutyPaid,
            outside: false,
            on_hand: PLENTY,
            reserved: 0,
            version: 1,
        };
        let sold = offer::Model {
            id: OfferId::new(now),
            product_id: row.product_id,
            variant_id: row.id,
            seller_id: seller,
            sku: format!("BENCH-{n}"),
            supply_mode: SupplyMode::Domestic,
            status: OfferStatus::Active,
            moq: 1,
            multiple: 1,
            lead_time_days: 0,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let price =
            offer_price::Model { offer_id: sold.id, currency: Currency::CNY, min_quantity: 1, amount_minor: 10_000 };
        lot::Entity::insert(of_lot.into_active_model()).exec_without_returning(db).await?;
        first.get_or_insert((row.id, there.id));
        balance::Entity::insert(there.into_active_model()).exec_without_returning(db).await?;
        offers.push(sold.id);
        offer::Entity::insert(sold.into_active_model()).exec_without_returning(db).await?;
        offer_price::Entity::insert(price.into_active_model()).exec_without_returning(db).await?;
    }
    let mut buyers = Vec::new();
    for _ in 0..AT_ONCE {
        let id = PersonId::new(now);
        let row = person::Model { id, display_name: "bench".into(), password: None, version: 1, created_at: now };
        person::Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
        buyers.push(Viewer { actor: Actor::Person(id), acting: None });
    }
    Ok(Shop { app: app.clone(), buyers, offers, seller, place: place.id, first: first.ok_or("no articles")? })
}

/// Does something over and over, many at once; prints and answers with how often a second.
pub(crate) async fn run<F>(
    app: &App,
    what: &str,
    time: Duration,
    each: impl Fn(usize, usize) -> F,
) -> Result<u64, Failure>
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let begun = Instant::now();
    let tasks = (0..AT_ONCE).map(|who| {
        let (stop, done, each) = (&stop, &done, &each);
        async move {
            let mut taken = Vec::new();
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                let begun_one = Instant::now();
                tokio::spawn(each(who, n)).await?.map_err(|e| told(&e))?;
                taken.push(begun_one.elapsed().as_micros());
                done.fetch_add(1, Ordering::Relaxed);
                n += 1;
                if begun.elapsed() > time {
                    stop.store(true, Ordering::Relaxed);
                }
            }
            Ok::<_, Failure>(taken)
        }
    });
    let mut taken: Vec<u128> = futures_util::future::try_join_all(tasks).await?.concat();
    while job::Entity::find().filter(job::Column::State.ne(JobState::Dead)).one(app.db().read()).await?.is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    taken.sort_unstable();
    let rate = u64::try_from(taken.len() as u128 * 1_000_000 / begun.elapsed().as_micros().max(1)).unwrap_or(u64::MAX);
    let at = |percent: usize| taken.get(taken.len() * percent / 100).copied().unwrap_or_default();
    let ms = |micros: u128| format!("{}.{}", micros / 1_000, micros % 1_000 / 100);
    println!("{what:<56} {rate:>10} {:>10} {:>10}", ms(at(50)), ms(at(99)));
    Ok(rate)
}

async fn bare(shop: Arc<Shop>) -> Result<(), Error> {
    let db = shop.app.db().writer();
    let text = "UPDATE stock_balance SET reserved = reserved + 1, version = version + 1 WHERE id = $1 AND on_hand - reserved >= 1";
    let statement = Statement::from_sql_and_values(db.get_database_backend(), text, [shop.first.1.0.into()]);
    let done = db.execute_raw(statement).await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::internal("the bench has sold out")) }
}

async fn hold(shop: Arc<Shop>, key: String) -> Result<(), Error> {
    let (db, now) = (shop.app.db(), shop.app.clock().now());
    let wanted = Wanted {
        owner: shop.seller,
        variant: shop.first.0,
        quantity: 1,
        locations: &[shop.place],
        status: CustomsStatus::DutyPaid,
        keeps_days: 0,
    };
    let until = now + place::HELD;
    let purpose = Purpose { kind: ReservationKind::Order, document: &key, key: &key, until };
    let tx = db.begin().await?;
    promises::hold(&tx, now, &wanted, purpose).await?;
    Ok(tx.commit().await?)
}

/// Says anew how many of each of 200 articles are in a cart.
async fn fill(shop: Arc<Shop>, who: usize, turn: usize) -> Result<(), Error> {
    let quantity = if turn.is_multiple_of(2) { 2 } else { 3 };
    let lines = shop.offers.iter().skip(1).take(200).map(|offer| (*offer, quantity)).collect();
    let call = Call::by(shop.buyers[who].clone());
    carts::change(&shop.app, &call, &Change { lines, ..Change::default() }).await?;
    Ok(())
}

async fn buy(shop: Arc<Shop>, who: usize, article: usize, pay: bool) -> Result<(), Error> {
    let app = &shop.app;
    let call = Call::by(shop.buyers[who].clone());
    let lines = vec![(shop.offers[article], 1)];
    carts::change(app, &call, &Change { lines, ..Change::default() }).await?;
    let quote = quotes::request(app, &call, None, "630103").await?;
    let consignee = Consignee { name: "测试".into(), mobile: "13800000000".into(), address: "x".into() };
    let placing = Placing {
        quote: quotes::token(app.vault(), &quote)?,
        consignee,
        note: None,
        po_number: None,
        terms: PaymentTerms::Prepaid,
        incoterm: None,
        attribution: Vec::new(),
    };
    let checkout = place::place(app, &call, &placing).await?;
    if pay {
        let paying = Paying {
            provider: ProviderKind::Sandbox,
            method: Method::Sandbox,
            return_url: None,
            openid: None,
            client_ip: None,
        };
        let (payment, _) = checkouts::pay(app, &call, checkout.id, &paying).await?;
        payments::sandbox::press(app, payment.reference.as_deref().unwrap_or_default(), Press::Pay).await?;
        let checkout = checkouts::refresh(app, &call, checkout.id).await?;
        if checkout.state != CheckoutState::Paid {
            return Err(Error::internal("what was paid for is not bought"));
        }
    }
    Ok(())
}
