//! `bench purchase`: what a buyer waits for when there is much of it at once, over loopback at a server of its own: 20
//! quotations of 100 lines compared, an invoice of 500 lines tried and recorded, which matches. One request after the
//! other, each beside a static handler of the same size in the same server; an invoice of 5 lines beside that of 500
//! shows what of it is of its lines.
//!
//! What is asked for comes to be by the operations that people use, inside this process and before the server is there:
//! sealed quotations that are opened, an order that is approved, sent and delivered.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    time::{Duration, Instant},
};

use api::{
    app::App,
    app::Call,
    config::Config,
    inventory::ops::{self as stock, NewLocation},
    party::ops::organisation_by_slug,
    platform::{
        clock::{Clock, business_day},
        graphql::encode,
    },
    procurement::ops::{
        approvals, order_steps,
        orders::{self, NewOrder, NewOrderLine},
        quotations,
        receipts::{self, NewReceipt},
        rfqs::{self, NewRfq},
    },
    zone,
};
use entities::{
    catalog::{ProductStatus, product, variant},
    inventory::{CustomsStatus, LocationKind},
    ordering::Incoterm,
    party::{Acting, Actor, MemberRole, OrganisationRole, Viewer, organisation_role, person},
    procurement::{
        OrderState, UnitPrice, order,
        quotation::{QuotationContent, QuotedLine},
        receipt, rfq,
        terms::Schedule,
        tiers::{Tier, TierMode, Tiers as Prices},
    },
    values::{
        Currency, HsCode,
        id::{GoodsReceiptLineId, OrganisationId, PurchaseOrderLineId, RfqId, RfqLineId, StockLocationId, VariantId},
    },
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde_json::{Value, json};

use super::{
    Failure,
    driver::{self, Answer, Connection},
    process::{self, Server},
    scenarios, serve,
    tiers::{Cpu, Kind, Tiers},
    told,
};

const SIGN_IN: &str = "mutation SignIn($input: SignInInput!) { signIn(input: $input) { tokens { accessToken } \
                       userErrors { code } } }";
const COMPARE: &str = "query Compare($id: ID!, $with: AssumptionsInput!) { \
                       compareQuotations(rfqId: $id, assumptions: $with) { resultSha256 \
                       lines { lineId position description quantity unit } \
                       columns { supplierId supplier { name } currency incoterm complete total { amount } leadDays \
                       points { score } priceRank scoreRank } \
                       cells { position column quantity fits unitPrice { amount } landed total { amount } priceRank \
                       leadDays } } }";
const PREVIEW: &str = "query Preview($input: MatchPreviewInput!) { matchPreview(input: $input) { passed \
                       totalVariance { amount } taxExpected { amount } issues \
                       lines { position issues quantityOver priceVariance { amount } } } }";
const RECORD: &str = "mutation Record($input: RecordSupplierInvoiceInput!) { recordSupplierInvoice(input: $input) { \
                      supplierInvoice { id version state invoiceNo total { amount } } \
                      match { passed totalVariance { amount } lines(wrongOnly: true) { position issues } } \
                      userErrors { code message } } }";
/// Who buys.
const BUYER: &str = "huangdao-trading";
/// How many products the catalog has.
const PRODUCTS: u64 = 2_000;
/// Codes of goods in it that the demo's tariff has a rate for.
const DUTIABLE: [&str; 4] = ["0409000000", "1901101010", "2204210000", "3304990039"];
/// Lines that are asked for, and how many suppliers quote all of them.
const ASKED: usize = 100;
const SUPPLIERS: usize = 20;
/// Lines of the large invoice, and of the small one.
const BILLED: usize = 500;
const FEW: usize = 5;
/// The rate of tax of all of them, in parts per million.
const TAX: i32 = 130_000;
/// Requests of a scenario before it is measured.
const WARM_UP: usize = 5;
/// How often the static handler is asked for each request that is measured: it is quick.
const FILLERS: usize = 10;
/// Within what a comparison and a match are to be answered, in microseconds.
const COMPARED: u32 = 50_000;
const MATCHED: u32 = 100_000;

/// What the command line says.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Which tiers the server stands on.
    #[arg(long, value_enum, default_value = "sqlite")]
    tiers: Kind,
    /// How often each request is measured.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(20..=500))]
    runs: u16,
    /// Starts a PostgreSQL of the bench's own, instead of taking the empty database of `CHAMA_DATABASE_URL`.
    #[arg(long)]
    fresh_postgres: bool,
}

/// Measures and prints.
pub(crate) async fn purchase(options: &Options) -> Result<(), Failure> {
    let chama = process::chama()?;
    let tiers = Tiers::start(options.tiers, options.fresh_postgres).await?;
    serve::seed(&chama, &tiers, PRODUCTS)?;
    eprintln!("asking, quoting, ordering and receiving");
    let desk = {
        let app = app(&tiers).await?;
        let desk = furnished(&app, options.runs.into()).await?;
        app.db().analyze().await.map_err(|e| told(&e))?;
        app.db().clone().close().await.map_err(|e| told(&e))?;
        desk
    };
    tiers.tidy().await?;
    let server = Server::start(&chama, tiers.folder(), &tiers.settings())?;
    let bench = Bench { tiers: &tiers, server: &server, runs: options.runs.into() };
    let rows = bench.rows(&desk).await;
    let rows = rows.map_err(|e| format!("{e}\nthe server's log ends with:\n{}", server.told()))?;
    println!("\none request after the other on {}, {} of each", options.tiers.name(), options.runs);
    table(&rows);
    goals(&rows);
    Ok(())
}

/// An app over the tiers, in this process, before the server is there. Its clock stands still until a deadline is to be
/// over.
async fn app(tiers: &Tiers) -> Result<App, Failure> {
    let from_outside = std::env::vars().filter(|(name, _)| name.starts_with("CHAMA_"));
    let from_outside = from_outside.filter(|(name, _)| !process::OURS.contains(&name.as_str()));
    let settings = tiers.settings().into_iter().map(|(name, value)| (name.to_owned(), value));
    let config = Config::load(None, from_outside.chain(settings))?;
    App::new(config, Clock::fixed(Clock::system().now())).await.map_err(|e| told(&e))
}

/// What there is to ask for.
struct Desk {
    buyer: OrganisationId,
    /// Who was asked; the first delivers.
    suppliers: Vec<OrganisationId>,
    rfq: RfqId,
    many: Vec<Came>,
    few: Vec<Came>,
    /// The business day of all of it.
    day: String,
}

/// A line of an order that came and was found good.
struct Came {
    ordered: PurchaseOrderLineId,
    received: GoodsReceiptLineId,
    price: UnitPrice,
}

/// Who buys what of whom, and for where.
struct Trade<'a> {
    buyer: OrganisationId,
    supplier: OrganisationId,
    place: StockLocationId,
    goods: &'a [VariantId],
    /// How many of each.
    pieces: i64,
}

/// Quotations that are opened, and orders that came: as much as so many invoices of one piece a line claim.
async fn furnished(app: &App, runs: i64) -> Result<Desk, Failure> {
    zone::load_people(app, zone::DEMO_PEOPLE, zone::DEMO_PASSWORD).await.map_err(|e| told(&e))?;
    let buyer = organisation_by_slug(app.db().read(), BUYER).await.map_err(|e| told(&e))?;
    let buyer = buyer.ok_or("nobody buys")?.id;
    let suppliers = suppliers(app, buyer).await?;
    let supplier = *suppliers.first().ok_or("nobody delivers")?;
    let goods = goods(app).await?;
    let rfq = opened(app, buyer, &suppliers, &goods).await?;
    let new = NewLocation { code: "BENCH".into(), kind: LocationKind::DutyPaidWarehouse, name: "bench".into() };
    let place = stock::create_location(app, &owner(buyer), &new).await.map_err(|e| told(&e))?.id;
    // More than is billed: an order of which nothing is left would be closed by an invoice.
    let pieces = runs + i64::try_from(2 * WARM_UP)?;
    let trade = Trade { buyer, supplier, place, goods: &goods, pieces };
    let (many, few) = (delivered(app, &trade, BILLED).await?, delivered(app, &trade, FEW).await?);
    let day = business_day(app.clock().now()).to_string();
    Ok(Desk { buyer, suppliers, rfq, many, few, day })
}

/// A call of who may do everything for an organisation.
fn acting(organisation: OrganisationId, actor: Actor) -> Call {
    let acting = Acting {
        organisation,
        kinds: BTreeSet::new(),
        roles: BTreeSet::from([MemberRole::Owner]),
        approval_level: 0,
        scopes: BTreeSet::new(),
    };
    Call::by(Viewer { actor, acting: Some(acting) })
}

fn owner(organisation: OrganisationId) -> Call {
    acting(organisation, Actor::Tool("bench".into()))
}

/// Who is asked for quotations.
async fn suppliers(app: &App, buyer: OrganisationId) -> Result<Vec<OrganisationId>, Failure> {
    let rows = organisation_role::Entity::find()
        .filter(organisation_role::Column::Role.eq(OrganisationRole::Seller))
        .filter(organisation_role::Column::OrganisationId.ne(buyer))
        .order_by_asc(organisation_role::Column::OrganisationId)
        .limit(SUPPLIERS as u64)
        .all(app.db().read())
        .await?;
    if rows.len() < SUPPLIERS {
        return Err("there are too few suppliers in the zone".into());
    }
    Ok(rows.into_iter().map(|row| row.organisation_id).collect())
}

/// What is asked for and bought: goods that a buyer sees, and that the tariff has a rate of duty for.
async fn goods(app: &App) -> Result<Vec<VariantId>, Failure> {
    let codes: Vec<HsCode> = DUTIABLE.iter().map(|code| code.parse::<HsCode>()).collect::<Result<_, _>>()?;
    let public = product::Entity::find()
        .select_only()
        .column(product::Column::Id)
        .filter(product::Column::Status.eq(ProductStatus::Published))
        .into_query();
    let goods: Vec<VariantId> = variant::Entity::find()
        .filter(variant::Column::HsCode.is_in(codes))
        .filter(variant::Column::ProductId.in_subquery(public))
        .order_by_asc(variant::Column::Id)
        .limit(BILLED as u64)
        .select_only()
        .column(variant::Column::Id)
        .into_tuple()
        .all(app.db().read())
        .await?;
    if goods.is_empty() { Err("there is nothing to buy".into()) } else { Ok(goods) }
}

/// A sealed request for quotations that all suppliers answered, opened when its deadline was over.
async fn opened(
    app: &App,
    buyer: OrganisationId,
    suppliers: &[OrganisationId],
    goods: &[VariantId],
) -> Result<RfqId, Failure> {
    let asking = owner(buyer);
    let line = |(n, variant): (i64, VariantId)| rfqs::NewLine {
        variant: Some(variant),
        category: None,
        description: format!("bench {n}"),
        quantity: 100 + n % 50,
        unit: "032".into(),
        needed_on: None,
    };
    let new = NewRfq {
        title: "bench".into(),
        sealed: true,
        deadline: app.clock().now() + Duration::from_secs(1),
        currency: Currency::CNY,
        incoterm: None,
        named_place: None,
        terms: None,
        needed_on: None,
        deliver_to: None,
        category: None,
        lines: (0..).zip(goods.iter().copied().cycle()).take(ASKED).map(line).collect(),
        suppliers: suppliers.to_vec(),
    };
    let written = rfqs::create(app, &asking, None, &new).await.map_err(|e| told(&e))?;
    let asked = rfqs::publish(app, &asking, written.id, written.version).await.map_err(|e| told(&e))?;
    let lines: Vec<RfqLineId> = rfq::line::Entity::find()
        .filter(rfq::line::Column::RfqId.eq(asked.id))
        .order_by_asc(rfq::line::Column::Position)
        .select_only()
        .column(rfq::line::Column::Id)
        .into_tuple()
        .all(app.db().read())
        .await?;
    for (n, supplier) in (0..).zip(suppliers) {
        let content = quotation(n, &asked, &lines)?;
        quotations::submit(app, &owner(*supplier), asked.id, None, true, &content).await.map_err(|e| told(&e))?;
    }
    app.clock().advance(asked.deadline - app.clock().now());
    rfqs::open_bids(app, &asking, asked.id, None).await.map_err(|e| told(&e))?;
    Ok(asked.id)
}

/// What one of the suppliers offers of all lines: in one of three currencies, under one of four Incoterms, with tiers.
fn quotation(n: i64, asked: &rfq::Model, lines: &[RfqLineId]) -> Result<QuotationContent, Failure> {
    let (incoterm, place, currency) = match n % 4 {
        0 => (Incoterm::Ddp, "西宁", "CNY"),
        1 => (Incoterm::Fob, "Hamburg", "EUR"),
        2 => (Incoterm::Cif, "天津", "USD"),
        _ => (Incoterm::Exw, "Lyon", "EUR"),
    };
    let line = |(at, line): (i64, &RfqLineId)| {
        // Scattered, so that somebody else is the cheapest of each line.
        let price = 20_000_000 + (at * 7_919 + n * 104_729) % 5_000 * 1_000;
        let tier = |from: i64, percent: i64| Tier { from, price: UnitPrice(price * percent / 100) };
        QuotedLine {
            line: *line,
            mode: TierMode::Volume,
            tiers: Prices(vec![tier(1, 100), tier(50, 95), tier(200, 90)]),
            moq: 10,
            multiple: 1,
            lead_days: None,
            available: None,
            tax_ppm: TAX,
            note: None,
        }
    };
    Ok(QuotationContent {
        currency: currency.parse()?,
        incoterm,
        named_place: place.into(),
        payment_days: 30,
        lead_days: 14 + i32::try_from(n)?,
        valid_until: business_day(asked.deadline + Duration::from_hours(24 * 30)),
        min_value_minor: None,
        note: None,
        lines: (0..).zip(lines).map(line).collect(),
    })
}

/// An order of so many lines that went all its way until the goods were there and found good.
async fn delivered(app: &App, trade: &Trade<'_>, lines: usize) -> Result<Vec<Came>, Failure> {
    let (buying, delivering) = (owner(trade.buyer), owner(trade.supplier));
    let line = |(n, variant): (i64, VariantId)| NewOrderLine {
        variant: Some(variant),
        category: None,
        description: format!("bench {n}"),
        unit: "032".into(),
        quantity: trade.pieces,
        price: UnitPrice(10_250_000 + n % 90 * 1_000_000),
        tax_ppm: TAX,
        needed_on: None,
        schedule: Schedule::default(),
        agreement_line: None,
        award: None,
    };
    let new = NewOrder {
        buyer: trade.buyer,
        supplier: trade.supplier,
        currency: Currency::CNY,
        fx: None,
        incoterm: Incoterm::Ddp,
        named_place: "西宁".into(),
        payment_days: 30,
        deliver_to: Some(trade.place),
        rfq: None,
        agreement: None,
        note: None,
        lines: (0..).zip(trade.goods.iter().copied().cycle()).take(lines).map(line).collect(),
    };
    let row = orders::create(app, &buying, &new).await.map_err(|e| told(&e))?;
    let row = order_steps::submit(app, &buying, row.id, row.version).await.map_err(|e| told(&e))?;
    let row = approved(app, trade.buyer, row).await?;
    let row = order_steps::send(app, &buying, row.id, row.version).await.map_err(|e| told(&e))?;
    let row = order_steps::acknowledge(app, &delivering, row.id, row.version).await.map_err(|e| told(&e))?;
    let ordered = order::line::Entity::find()
        .filter(order::line::Column::OrderId.eq(row.id))
        .order_by_asc(order::line::Column::Position)
        .all(app.db().read())
        .await?;
    let line = |line: &order::line::Model| receipts::NewLine {
        of: line.id,
        delivered: line.quantity,
        lot: None,
        produced_on: None,
        expires_on: None,
        status: CustomsStatus::DutyPaid,
        finding: None,
    };
    let new = NewReceipt {
        order: row.id,
        location: None,
        delivery_note: "BENCH".into(),
        waybill: None,
        arrived_on: None,
        note: None,
        client_ref: None,
        lines: ordered.iter().map(line).collect(),
    };
    let posted = receipts::post(app, &buying, &new, true).await.map_err(|e| told(&e))?;
    let received = receipt::line::Entity::find()
        .filter(receipt::line::Column::ReceiptId.eq(posted.id))
        .order_by_asc(receipt::line::Column::Position)
        .all(app.db().read())
        .await?;
    let came = |(of, row): (&order::line::Model, &receipt::line::Model)| Came {
        ordered: of.id,
        received: row.id,
        price: of.price,
    };
    Ok(ordered.iter().zip(&received).map(came).collect())
}

/// The same order, approved: each step is decided by somebody else, and there are three at most.
async fn approved(app: &App, buyer: OrganisationId, submitted: order::Model) -> Result<order::Model, Failure> {
    let mut row = submitted;
    for person in person::Entity::find().order_by_asc(person::Column::Id).limit(3).all(app.db().read()).await? {
        if row.state != OrderState::PendingApproval {
            break;
        }
        let call = acting(buyer, Actor::Person(person.id));
        row = approvals::decide(app, &call, row.id, None, true, None).await.map_err(|e| told(&e))?;
    }
    Ok(row)
}

impl Desk {
    /// What a comparison is computed from. Duty is what the tariff says.
    fn assumptions(&self) -> Value {
        let rate = |currency: &str, rate: &str| {
            let fx = json!({ "rate": rate, "source": "bench", "on": self.day });
            json!({ "currency": currency, "fx": fx })
        };
        let carriage = |id: &OrganisationId| {
            let id = encode(*id).0;
            json!({ "supplierId": id, "origin": "0.35", "freight": "1.2", "destination": "0.8" })
        };
        let quality = |(n, id): (usize, &OrganisationId)| json!({ "supplierId": encode(*id).0, "points": 70 + n });
        json!({
            "currency": "CNY",
            "weights": { "pricePercent": 60, "leadPercent": 20, "qualityPercent": 20 },
            "rates": [rate("EUR", "7.8135"), rate("USD", "7.1021")],
            "carriage": self.suppliers.iter().map(carriage).collect::<Vec<_>>(),
            "quality": self.suppliers.iter().enumerate().map(quality).collect::<Vec<_>>(),
        })
    }

    /// One of each line is billed, with its delivery.
    fn billed(&self, lines: &[Came]) -> Value {
        let line = |came: &Came| {
            json!({
                "orderLineId": encode(came.ordered).0,
                "receiptLineId": encode(came.received).0,
                "quantity": 1,
                "price": { "amount": came.price.decimal().to_string(), "currency": "CNY" },
                "taxPpm": TAX,
            })
        };
        let lines: Vec<Value> = lines.iter().map(line).collect();
        json!({ "supplierId": self.suppliers.first().map(|id| encode(*id).0), "currency": "CNY", "lines": lines })
    }

    /// The variables of the n-th invoice of these lines.
    fn invoice(&self, lines: &[Came], n: usize) -> String {
        let mut input = self.billed(lines);
        input["kind"] = json!("OTHER");
        input["invoiceNo"] = json!(format!("BENCH-{}-{n}", lines.len()));
        input["issueDate"] = json!(self.day);
        format!("\"input\":{input}")
    }
}

/// Something that is asked for over and over.
struct Scenario {
    what: String,
    /// Within what it is to be answered, in microseconds, and what that goal is called.
    goal: Option<(String, u32)>,
    /// Whether a text is the answer that was to come.
    good: fn(&str) -> bool,
}

/// How long requests took over one connection, in microseconds.
struct Timed {
    done: u64,
    p50: u32,
    p95: u32,
    cpu: Cpu,
}

/// A scenario, measured.
struct Row {
    scenario: Scenario,
    timed: Timed,
    /// SQL statements of a request.
    statements: u64,
    /// Size of its answer.
    bytes: usize,
    /// A static handler of that size.
    filler: Timed,
}

/// A server that is asked.
struct Bench<'a> {
    tiers: &'a Tiers,
    server: &'a Server,
    runs: usize,
}

impl Bench<'_> {
    fn address(&self) -> SocketAddr {
        self.server.address
    }

    async fn rows(&self, desk: &Desk) -> Result<Vec<Row>, Failure> {
        serve::ready(self.server).await?;
        serve::settled(self.tiers, self.server).await;
        let (purchaser, clerk) =
            (self.signed_in(desk.buyer, "purchaser").await?, self.signed_in(desk.buyer, "accounts-clerk").await?);
        let post = |query: &str, variables: &str, who: &str, headers: &str| {
            scenarios::post(self.address(), query, variables, &format!("{who}{headers}"))
        };
        let mut rows = Vec::new();
        let scenario = Scenario {
            what: format!("compareQuotations, {ASKED} lines x {SUPPLIERS} suppliers"),
            goal: Some((format!("a comparison of {ASKED} lines x {SUPPLIERS} suppliers"), COMPARED)),
            good: |text| {
                text.matches("\"landed\":").count() == ASKED * SUPPLIERS && !text.contains("\"priceRank\":null")
            },
        };
        let id = scenarios::quoted(&encode(desk.rfq).0);
        let variables = format!("\"id\":{id},\"with\":{}", desk.assumptions());
        rows.push(self.row(scenario, |_, headers| post(COMPARE, &variables, &purchaser, headers)).await?);
        let scenario = Scenario {
            what: format!("matchPreview, {BILLED} lines"),
            goal: Some((format!("a match of {BILLED} lines that is only tried"), MATCHED)),
            good: |text| text.contains("\"passed\":true") && text.matches("\"position\":").count() == BILLED,
        };
        let variables = format!("\"input\":{}", desk.billed(&desk.many));
        rows.push(self.row(scenario, |_, headers| post(PREVIEW, &variables, &clerk, headers)).await?);
        for (lines, goal) in [(&desk.few, None), (&desk.many, Some(MATCHED))] {
            let count = lines.len();
            let scenario = Scenario {
                what: format!("recordSupplierInvoice, {count} lines"),
                goal: goal.map(|goal| (format!("an invoice of {count} lines recorded and matched"), goal)),
                good: |text| text.contains("\"state\":\"MATCHED\"") && text.contains("\"userErrors\":[]"),
            };
            let request = |n: usize, headers: &str| post(RECORD, &desk.invoice(lines, n), &clerk, headers);
            rows.push(self.row(scenario, request).await?);
        }
        Ok(rows)
    }

    /// Signs one of the buyer's people in; answers with the header that says so.
    async fn signed_in(&self, buyer: OrganisationId, role: &str) -> Result<String, Failure> {
        let input = json!({
            "name": format!("{role}@{BUYER}.demo.chama.example"),
            "password": zone::DEMO_PASSWORD,
            "organisationId": encode(buyer).0,
            "device": "bench",
        });
        let mut connection = Connection::open(self.address()).await?;
        let request = scenarios::post(self.address(), SIGN_IN, &format!("\"input\":{input}"), "");
        let answer = connection.ask(&request).await?;
        let said: Value = serde_json::from_slice(answer.body)?;
        match said["data"]["signIn"]["tokens"]["accessToken"].as_str() {
            Some(token) => Ok(format!("authorization: Bearer {token}\r\n")),
            None => Err(answer.unexpected().into()),
        }
    }

    /// Measures a scenario. `request`: the n-th with further headers; of what changes something each is another.
    async fn row(&self, scenario: Scenario, request: impl Fn(usize, &str) -> Vec<u8>) -> Result<Row, Failure> {
        eprintln!("measuring: {}", scenario.what);
        let mut connection = Connection::open(self.address()).await?;
        // The last of them counts: who asks is kept for a moment, and only the first has that to ask for.
        let (mut statements, mut bytes) = (0, 0);
        for n in 0..WARM_UP {
            let answer = connection.ask(&request(n, scenarios::COST)).await?;
            looked_at(&answer, scenario.good)?;
            let counted = answer.header("x-chama-sql").and_then(|text| text.parse::<u64>().ok());
            statements = counted.ok_or("the server does not say how many statements a request took")?;
            bytes = answer.body.len();
        }
        let requests: Vec<Vec<u8>> = (0..self.runs).map(|n| request(WARM_UP + n, "")).collect();
        let timed = self.timed(&mut connection, &requests, self.runs, scenario.good).await?;
        let filler = [scenarios::get(self.address(), &format!("/bench/static?bytes={bytes}"))];
        let filler = self.timed(&mut connection, &filler, self.runs * FILLERS, |_| true).await?;
        self.server.forget_log();
        Ok(Row { scenario, timed, statements, bytes, filler })
    }

    /// Sends requests in turns, so often.
    async fn timed(
        &self,
        connection: &mut Connection,
        requests: &[Vec<u8>],
        times: usize,
        good: fn(&str) -> bool,
    ) -> Result<Timed, Failure> {
        let mut taken = Vec::with_capacity(times);
        let before = self.tiers.cpu(self.server.pid());
        for request in requests.iter().cycle().take(times) {
            let sent = Instant::now();
            let answer = connection.ask(request).await?;
            taken.push(driver::since(sent));
            looked_at(&answer, good)?;
        }
        let cpu = self.tiers.cpu(self.server.pid()).since(before);
        taken.sort_unstable();
        let at = |percent: usize| taken.get(taken.len() * percent / 100).copied().unwrap_or_default();
        Ok(Timed { done: taken.len() as u64, p50: at(50), p95: at(95), cpu })
    }
}

/// Refuses an answer that is not what was to come.
fn looked_at(answer: &Answer<'_>, good: fn(&str) -> bool) -> Result<(), Failure> {
    let text = answer.text();
    if answer.status == 200 && !text.contains("\"errors\":[") && good(&text) {
        return Ok(());
    }
    Err(answer.unexpected().into())
}

fn table(rows: &[Row]) {
    let line = |cells: [&str; 9]| {
        let [what, p50, p95, process, tiers, statements, bytes, filler, against] = cells;
        println!(
            "{what:<48} {p50:>8} {p95:>8} {process:>9} {tiers:>8} {statements:>4} {bytes:>7} {filler:>9} {against:>9}"
        );
    };
    line(["", "p50 ms", "p95 ms", "server ms", "db ms", "SQL", "bytes", "static ms", "vs static"]);
    for Row { scenario, timed, statements, bytes, filler } in rows {
        let done = timed.done.max(1);
        let tiers = timed.cpu.tiers.map(|micros| ms(micros / done));
        let tenths = u64::from(timed.p50) * 10 / u64::from(filler.p50.max(1));
        line([
            &scenario.what,
            &ms(timed.p50.into()),
            &ms(timed.p95.into()),
            &ms(timed.cpu.process / done),
            tiers.as_deref().unwrap_or("-"),
            &statements.to_string(),
            &bytes.to_string(),
            &ms(filler.p50.into()),
            &format!("{}.{}x", tenths / 10, tenths % 10),
        ]);
    }
    println!(
        "server ms, db ms: processor time of a request. vs static: the median against that of a static handler of the \
         same size."
    );
}

/// Prints the goals and whether they are reached: 95 of 100 requests have to.
fn goals(rows: &[Row]) {
    println!("\ngoals");
    for Row { scenario, timed, statements, .. } in rows {
        let Some((goal, within)) = &scenario.goal else { continue };
        let goal = format!("{goal} under {} ms", within / 1_000);
        let reached = if timed.p95 < *within { "reached" } else { "NOT reached" };
        let (p50, p95) = (ms(timed.p50.into()), ms(timed.p95.into()));
        println!("  {goal:<66} {reached}: p95 {p95} ms, median {p50} ms, {statements} SQL statements");
    }
}

/// Microseconds as milliseconds.
fn ms(micros: u64) -> String {
    format!("{}.{:02}", micros / 1_000, micros % 1_000 / 10)
}
