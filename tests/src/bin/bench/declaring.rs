//! What customs costs: declarations built of the facts of a sale, matched, their four papers signed, the list proved and
//! held against every rule, beside the signature of one list alone; and receipts that come in, are kept and folded,
//! beside the bare guarded UPDATE of the same database. Inside this process, so without HTTP and without a gateway.

use std::{sync::Arc, time::Duration};

use api::{
    app::App,
    customs::receiving,
    platform::{
        clock::business_day,
        customs::fresh_guid,
        error::Error,
        xmlsig::{self, Trust},
    },
};
use entities::{
    catalog::SupplyMode,
    customs::{
        ceb::{self, Document, Message, Record},
        codes, goods_filing, list_rules,
        matching::{self, Papers, Terms, Verdict},
        message::MessageVerdict,
        paper::{self, PaperKind, PaperState},
        sale::{self, Buyer, FiledLine, ListTerms, Paid, Parties, Party, Sale, SaleLine, Stamp},
    },
    trade::Limits,
    values::{
        Consignee,
        id::{CustomsPaperId, GoodsFilingId, OrganisationId, VariantId},
    },
};
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel, Statement};

use super::{Failure, ordering::run, told};

/// What is said of a list on its way to its release.
const SAID: [(&str, &str); 5] =
    [("2", "电子口岸申报中"), ("120", "海关入库"), ("300", "人工审核"), ("399", "海关审结"), ("800", "放行")];

/// Facts that declarations are made of.
struct Office {
    app: App,
    sale: Sale,
    parties: Parties,
    filing: goods_filing::Model,
    limits: Limits,
    trust: Trust,
    /// The message of a list that is to be signed.
    list: Option<Message>,
    seller: OrganisationId,
    /// A paper that only the bare UPDATE touches.
    paper: CustomsPaperId,
}

/// Measures declaring for so many seconds each.
pub(crate) async fn declaring(app: &App, seconds: u64) -> Result<(), Failure> {
    let office = Arc::new(furnished(app).await?);
    let time = Duration::from_secs(seconds);
    println!("\n{:<56} {:>10} {:>10} {:>10}", "16 at once", "a second", "p50 ms", "p99 ms");
    let signed = run(app, "the signature of a list alone, made and proved", time, {
        let office = office.clone();
        move |_, _| {
            let office = office.clone();
            async move { signed(&office) }
        }
    })
    .await?;
    let declared = run(app, "declarations: built, matched, signed, validated", time, {
        let office = office.clone();
        move |who, n| {
            let office = office.clone();
            async move { declared(&office, who, n) }
        }
    })
    .await?;
    let bare = run(app, "the bare guarded UPDATE of one row", time, {
        let office = office.clone();
        move |_, _| bare(office.clone())
    })
    .await?;
    let folded = run(app, "receipts: read, kept, folded", time, {
        let office = office.clone();
        move |who, n| received(office.clone(), who, n)
    })
    .await?;
    let percent = |n: u64, of: u64| n * 100 / of.max(1);
    println!("declarations against the signature alone: {} %", percent(declared, signed));
    println!("receipts against the bare guarded UPDATE: {} %", percent(folded, bare));
    Ok(())
}

fn party(code: &str, name: &str) -> Party {
    Party { code: code.into(), name: name.into() }
}

/// Ten bottles of water from a bonded warehouse, and who has to do with them.
async fn furnished(app: &App) -> Result<Office, Failure> {
    let now = app.clock().now();
    let seller = api::party::ops::organisation_by_slug(app.db().writer(), "hehuang-carpet").await;
    let seller: OrganisationId = seller.map_err(|e| told(&e))?.ok_or("no seller")?.id;
    let variant = VariantId::new(now);
    let line = SaleLine {
        number: 1,
        variant,
        name: "矿泉水".into(),
        taxed_as: Some(("2201101000".parse()?, "FR".parse()?)),
        barcode: None,
        quantity: 10,
        unit_minor: 4_100,
        goods_minor: 41_000,
        gross_weight_g: 530,
        net_weight_g: 500,
    };
    let sale = Sale {
        order_no: String::new(),
        ordered_at: now,
        goods_minor: 41_000,
        carriage_minor: 0,
        insurance_minor: 0,
        tax_minor: 3_731,
        buyer: Buyer {
            account: "U0001".into(),
            name: "测试甲".into(),
            mobile: "13800000000".into(),
            resident_id: "63010319900101001X".into(),
        },
        consignee: Consignee {
            name: "测试甲".into(),
            mobile: "13800000000".into(),
            address: "青海省西宁市城中区示例路1号".into(),
        },
        district: "630103".into(),
        paid: Paid { transaction: "2025110100001".into(), at: now, provider: None, together: Vec::new() },
        lines: vec![line],
    };
    let parties = Parties {
        platform: party("6301960001", "示例平台"),
        merchant: party("6301960002", "示例电商"),
        payer: party("312228034T", "示例支付"),
        carrier: party("6301980002", "示例物流"),
        declarer: party("6301980001", "示例报关"),
        guarantor: party("6301960002", "示例电商"),
        warehouse: Some(party("6301W60001", "示例仓储")),
    };
    let filing = goods_filing::Model {
        id: GoodsFilingId::new(now),
        seller_id: seller,
        variant_id: variant,
        mode: SupplyMode::BondedImport,
        item_no: "SKU1".into(),
        hs_code: "2201101000".parse()?,
        name: "矿泉水".into(),
        gmodel: "品名:矿泉水;规格:500ml".into(),
        origin: "FR".parse()?,
        unit: "142".parse()?,
        unit1: "095".parse()?,
        quantity1_e5: 50_000,
        unit2: Some("035".parse()?),
        quantity2_e5: Some(50_000),
        price_minor: 4_100,
        state: goods_filing::GoodsFilingState::Approved,
        reason: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let mut office = Office {
        app: app.clone(),
        sale,
        parties,
        filing,
        limits: Limits::on(business_day(now)).ok_or("no limits hold today")?,
        trust: app.signing().own(),
        list: None,
        seller,
        paper: CustomsPaperId::new(now),
    };
    let list = papers(&office, "XN0", "YT0").and_then(|all| message(&office, PaperKind::List, all.list));
    office.list = Some(list.map_err(|e| told(&e))?);
    sent(&office, office.paper, "FFFFFFFF-0000-4000-8000-000000000000").await.map_err(|e| told(&e))?;
    Ok(office)
}

/// The four papers of a declaration.
struct Written {
    order: Document,
    payment: Document,
    waybill: Document,
    list: Document,
}

fn papers(office: &Office, order_no: &str, waybill: &str) -> Result<Written, Error> {
    let at = office.app.clock().now();
    let stamp = || Ok::<_, Error>(Stamp { guid: fresh_guid()?, again: false, at });
    let sale = Sale { order_no: order_no.into(), ..office.sale.clone() };
    let filed = |line| FiledLine { line, filing: &office.filing, record_no: Some(12) };
    let lines: Vec<FiledLine<'_>> = sale.lines.iter().map(filed).collect();
    let terms = ListTerms {
        cop_no: order_no,
        customs_code: "9701",
        port_code: "9701",
        book: Some("T9701W000001"),
        traf_mode: "Y",
        transport: None,
        waybill,
        gross_weight_g: sale.gross_weight_g(),
        pre_no: None,
    };
    let parties = &office.parties;
    Ok(Written {
        order: sale::order(&sale, parties, &lines, &stamp()?),
        payment: sale::payment(&sale, parties, &stamp()?),
        waybill: sale::waybill(&sale, parties, waybill, "矿泉水", sale.gross_weight_g(), &stamp()?),
        list: sale::list(&sale, parties, &lines, &terms, &stamp()?),
    })
}

/// The message of a paper, not signed yet.
fn message(office: &Office, kind: PaperKind, document: Document) -> Result<Message, Error> {
    let of = ceb::kind(kind.number()).ok_or_else(|| Error::internal("no such kind"))?;
    let transfer = sale::transfer(&office.parties.declarer, &office.app.config().customs.dxp_id);
    Ok(Message { transfer: Some(transfer), ..Message::new(of, fresh_guid()?, vec![document]) })
}

/// A message as it is sent: signed where it must be.
fn written(office: &Office, mut message: Message) -> Result<String, Error> {
    if message.must_be_signed() {
        let text = text(&message)?;
        message.signature = Some(office.app.signing().signer().sign(&text).map_err(Error::internal)?);
    }
    text(&message)
}

fn text(message: &Message) -> Result<String, Error> {
    message.write().map_err(|faults| Error::internal(format!("{faults:?}")))
}

fn signed(office: &Office) -> Result<(), Error> {
    let list = office.list.clone().ok_or_else(|| Error::internal("no list"))?;
    proved(office, &written(office, list)?)
}

fn proved(office: &Office, text: &str) -> Result<(), Error> {
    let held = xmlsig::verify(text, &office.trust, office.app.clock().now());
    held.map(|_| ()).map_err(|why| Error::internal(why.to_string()))
}

fn declared(office: &Office, who: usize, n: usize) -> Result<(), Error> {
    let number = format!("XN{who:02}{n:012}");
    let Written { order, payment, waybill, list } = papers(office, &number, &format!("YT{who:02}{n:010}"))?;
    let all =
        Papers { list: Some(&list), order: Some(&order), payment: Some(&payment.head), waybill: Some(&waybill.head) };
    let rows = matching::rows(&all, &Terms::default());
    let odd = rows.iter().find(|row| matches!(row.verdict, Verdict::Mismatch | Verdict::Waiting));
    if let Some(row) = odd {
        return Err(Error::internal(format!("the papers do not match: {:?}", row.rule)));
    }
    if let Some(fault) = list_rules::list_faults(&list, &office.limits).first() {
        return Err(Error::internal(format!("the list is not one: {fault}")));
    }
    for (kind, paper) in [(PaperKind::Order, order), (PaperKind::Payment, payment), (PaperKind::Waybill, waybill)] {
        written(office, message(office, kind, paper)?)?;
    }
    proved(office, &written(office, message(office, PaperKind::List, list)?)?)
}

/// A list that was sent, and of which nobody has said anything. It is no declaration's: what follows from a release is
/// another line's.
async fn sent(office: &Office, id: CustomsPaperId, guid: &str) -> Result<(), Error> {
    let now = office.app.clock().now();
    let row = paper::Model {
        id,
        kind: PaperKind::List,
        business_key: guid.to_owned(),
        document: guid.to_owned(),
        declaration_id: None,
        sender_id: office.seller,
        sent_by_party: false,
        given: false,
        guid: guid.to_owned(),
        attempt: 1,
        state: PaperState::Sent,
        status: None,
        info: None,
        pre_no: None,
        invt_no: None,
        body: Vec::new(),
        original: None,
        sent_at: Some(now),
        stated_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    paper::Entity::insert(row.into_active_model()).exec_without_returning(office.app.db().writer()).await?;
    Ok(())
}

/// A receipt comes: each list gets all that is said on its way to its release.
async fn received(office: Arc<Office>, who: usize, n: usize) -> Result<(), Error> {
    let (of, place) = (n / SAID.len(), n % SAID.len());
    let guid = format!("{who:08X}-0000-4000-8000-{of:012X}");
    let now = office.app.clock().now();
    if place == 0 {
        sent(&office, CustomsPaperId::new(now), &guid).await?;
    }
    let (status, info) = SAID[place];
    let head = Record::default()
        .with("guid", &guid)
        .with("customsCode", "9701")
        .with("ebpCode", &office.parties.platform.code)
        .with("ebcCode", &office.parties.merchant.code)
        .with("agentCode", &office.parties.declarer.code)
        .with("copNo", "XN0")
        .with("preNo", "B20251101000000001")
        .with("invtNo", "97012025I000000001")
        .with("returnStatus", status)
        .with("returnTime", codes::moment_of_receipt(now))
        .with("returnInfo", info);
    let of = ceb::kind(PaperKind::List.receipt()).ok_or_else(|| Error::internal("no such kind"))?;
    let text = text(&Message::new(of, fresh_guid()?, vec![Document { head, lines: Vec::new() }]))?;
    let received = receiving::receive(&office.app, text.as_bytes()).await?;
    match received.verdict {
        MessageVerdict::Taken => Ok(()),
        other => Err(Error::internal(format!("a receipt was not taken: {other:?} {:?}", received.reason))),
    }
}

async fn bare(office: Arc<Office>) -> Result<(), Error> {
    let db = office.app.db().writer();
    let text = "UPDATE customs_paper SET attempt = attempt + 1, version = version + 1 WHERE id = $1 AND attempt >= 1";
    let statement = Statement::from_sql_and_values(db.get_database_backend(), text, [office.paper.0.into()]);
    let done = db.execute_raw(statement).await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::internal("the paper is gone")) }
}
