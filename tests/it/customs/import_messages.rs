//! The messages of an import as the house writes and signs them, each against its golden file and the official schema.
//!
//! They are signed with the RSA key of the tests of signatures: there is no chance in PKCS#1 v1.5, so a signature is the
//! same bytes each time and can stand in a golden file. One of SM2 is another each time.

use std::{collections::BTreeSet, sync::LazyLock};

use api::platform::xmlsig::{self, Method, Refused, Signer, Trust};
use chrono::{DateTime, Utc};
use entities::{
    catalog::SupplyMode,
    customs::{
        ceb::{self, Document, Message, Part, Record, Shape, Signing, import},
        codes,
        declaration::Transport,
        delivery::Delivery,
        goods_filing, list_rules,
        matching::{self, Papers, Terms, Verdict},
        sale::{self, Buyer, FiledLine, ListTerms, Paid, Parties, Party, Sale, SaleLine, Stamp},
    },
    trade::Limits,
    values::{
        Consignee,
        id::{GoodsFilingId, OrganisationId, VariantId},
    },
};
use uuid::Uuid;

use super::messages::official;
use crate::house::committed;

const KEY: &str = include_str!("../../../api/platform/src/xmlsig/testdata/rsa-key.pem");
const CERTIFICATE: &str = include_str!("../../../api/platform/src/xmlsig/testdata/rsa-cert.pem");

/// When it was paid and reported, declared, and declared once more.
const PAID: &str = "20251101093010";
const DECLARED: &str = "20251101100000";
const CHANGED: &str = "20251102080000";

/// The e-port's number of a list, and customs'.
const PRE_NO: &str = "B20251101000000001";
const INVT_NO: &str = "97012025I000000001";

/// What the scales of the carrier said, in grams.
const WEIGHED: i64 = 6_020;

static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::from_pem(KEY, CERTIFICATE).unwrap());
/// Everything once: a signature takes its time in a build that is not optimised.
static SENT: LazyLock<Vec<Sent>> =
    LazyLock::new(|| papers().into_iter().map(|(name, number, document)| sent(name, number, document)).collect());

/// A message as it is sent.
struct Sent {
    /// The name of its golden file.
    name: &'static str,
    document: Document,
    message: Message,
    text: String,
}

fn at(moment: &str) -> DateTime<Utc> {
    codes::read_moment(moment).unwrap()
}

fn party(code: &str, name: &str) -> Party {
    Party { code: code.into(), name: name.into() }
}

fn stamp(n: u32, moment: &str) -> Stamp {
    Stamp { guid: format!("11111111-AAAA-4BBB-8CCC-{n:012}"), again: false, at: at(moment) }
}

/// Of a paper that customs has had before.
fn again(n: u32, moment: &str) -> Stamp {
    Stamp { again: true, ..stamp(n, moment) }
}

fn declarer() -> Party {
    party("6301980001", "示例报关")
}

/// Who keeps the site that direct imports come into.
fn site() -> Party {
    party("6301660715", "示例监管场所")
}

/// A sale with all that its papers are made of.
struct Sold {
    sale: Sale,
    parties: Parties,
    filings: [goods_filing::Model; 2],
    book: Option<&'static str>,
    transport: Option<Transport>,
    waybill: &'static str,
}

/// Water, of which the tariff wants a second unit, and chocolate, of which it does not.
fn filings() -> [goods_filing::Model; 2] {
    let water = goods_filing::Model {
        id: GoodsFilingId(Uuid::from_u128(1)),
        seller_id: OrganisationId(Uuid::nil()),
        variant_id: VariantId(Uuid::from_u128(1)),
        mode: SupplyMode::BondedImport,
        item_no: "SKU1".into(),
        hs_code: "2201101000".parse().unwrap(),
        name: "矿泉水".into(),
        gmodel: "品名:矿泉水;规格:500ml".into(),
        origin: "FR".parse().unwrap(),
        unit: "142".parse().unwrap(),
        unit1: "095".parse().unwrap(),
        quantity1_e5: 50_000,
        unit2: Some("035".parse().unwrap()),
        quantity2_e5: Some(50_000),
        price_minor: 4_100,
        state: goods_filing::GoodsFilingState::Approved,
        reason: None,
        version: 1,
        created_at: at(PAID),
        updated_at: at(PAID),
    };
    let chocolate = goods_filing::Model {
        id: GoodsFilingId(Uuid::from_u128(2)),
        variant_id: VariantId(Uuid::from_u128(2)),
        item_no: "SKU2".into(),
        hs_code: "1806310000".parse().unwrap(),
        name: "夹心巧克力".into(),
        gmodel: "品名:夹心巧克力;成分:可可<60% & 糖".into(),
        origin: "BE".parse().unwrap(),
        unit: "140".parse().unwrap(),
        unit1: "035".parse().unwrap(),
        quantity1_e5: 20_000,
        // What is left of a unit that the tariff named once: without the unit it says nothing.
        unit2: None,
        quantity2_e5: Some(20_000),
        price_minor: 6_850,
        ..water.clone()
    };
    [water, chocolate]
}

fn sale_lines() -> Vec<SaleLine> {
    let water = SaleLine {
        number: 1,
        variant: VariantId(Uuid::from_u128(1)),
        // What a shop calls its goods is not what they are declared as.
        name: "山泉 500ml × 10".into(),
        taxed_as: Some(("2201101000".parse().unwrap(), "FR".parse().unwrap())),
        barcode: Some("6901234567892".into()),
        quantity: 10,
        unit_minor: 4_100,
        goods_minor: 41_000,
        gross_weight_g: 530,
        net_weight_g: 500,
    };
    let chocolate = SaleLine {
        number: 2,
        variant: VariantId(Uuid::from_u128(2)),
        name: "礼盒".into(),
        taxed_as: Some(("1806310000".parse().unwrap(), "BE".parse().unwrap())),
        barcode: None,
        quantity: 3,
        unit_minor: 6_850,
        goods_minor: 20_550,
        gross_weight_g: 220,
        net_weight_g: 200,
    };
    vec![water, chocolate]
}

/// Out of a bonded warehouse (1210), with all that may be said.
fn bonded() -> Sold {
    let sale = Sale {
        order_no: "XN20251101000001".into(),
        ordered_at: at("20251101093000"),
        goods_minor: 61_550,
        carriage_minor: 1_500,
        insurance_minor: 200,
        tax_minor: 5_738,
        buyer: Buyer {
            account: "U0001".into(),
            name: "测试甲".into(),
            mobile: "13800000000".into(),
            resident_id: "63010319900101001X".into(),
        },
        // Somebody else than the buyer, so that one in the place of the other is seen.
        consignee: Consignee {
            name: "测试乙".into(),
            mobile: "13900000000".into(),
            address: "青海省西宁市城中区示例路1号".into(),
        },
        district: "630103".into(),
        paid: Paid { transaction: "2025110100001".into(), at: at(PAID), provider: None, together: Vec::new() },
        lines: sale_lines(),
    };
    let merchant = party("6301960002", "示例电商 & <孙>");
    let parties = Parties {
        platform: party("6301960001", "示例平台"),
        merchant: merchant.clone(),
        payer: party("312228034T", "示例支付"),
        carrier: party("6301980002", "示例物流"),
        declarer: declarer(),
        guarantor: merchant,
        warehouse: Some(party("6301W60001", "示例仓储")),
    };
    let book = Some("T9701W000001");
    Sold { sale, parties, filings: filings(), book, transport: None, waybill: "YT0000000001" }
}

/// Straight from abroad (9610), with nothing that need not be said.
fn direct() -> Sold {
    let mut sold = bonded();
    let sale = &mut sold.sale;
    sale.order_no = "XN20251101000002".into();
    sale.paid.transaction = "2025110100002".into();
    (sale.carriage_minor, sale.insurance_minor, sale.tax_minor) = (0, 0, 5_601);
    // An address whose division nobody knows.
    sale.district = String::new();
    sale.lines.iter_mut().for_each(|line| line.barcode = None);
    sold.filings.iter_mut().for_each(|filing| filing.mode = SupplyMode::DirectImport);
    sold.parties.guarantor = sold.parties.carrier.clone();
    (sold.parties.warehouse, sold.book) = (None, None);
    sold.waybill = "YT0000000002";
    sold.transport = Some(Transport {
        traf_no: "CZ3101".into(),
        voyage_no: "20251031".into(),
        bill_no: "784-12345675_YT0000000002".into(),
        traf_mode: "5".into(),
        country: "305".into(),
    });
    sold
}

impl Sold {
    fn lines(&self) -> Vec<FiledLine<'_>> {
        let filed = self.sale.lines.iter().zip(&self.filings).zip(12..);
        filed.map(|((line, filing), n)| FiledLine { line, filing, record_no: self.book.map(|_| n) }).collect()
    }

    fn order(&self, stamp: &Stamp) -> Document {
        sale::order(&self.sale, &self.parties, &self.lines(), stamp)
    }

    fn payment(&self, stamp: &Stamp) -> Document {
        sale::payment(&self.sale, &self.parties, stamp)
    }

    fn parcel(&self, goods: &str, stamp: &Stamp) -> Document {
        sale::waybill(&self.sale, &self.parties, self.waybill, goods, WEIGHED, stamp)
    }

    fn list(&self, pre_no: Option<&str>, stamp: &Stamp) -> Document {
        let terms = ListTerms {
            cop_no: &self.sale.order_no,
            customs_code: "9701",
            // Another office than the one that it is declared at, so that one in the place of the other is seen.
            port_code: "9702",
            book: self.book,
            traf_mode: "Y",
            transport: self.transport.as_ref(),
            waybill: self.waybill,
            gross_weight_g: WEIGHED,
            pre_no,
        };
        sale::list(&self.sale, &self.parties, &self.lines(), &terms, stamp)
    }
}

fn delivery(unload_location: Option<&str>) -> Delivery {
    Delivery {
        number: "DR-1".into(),
        customs_code: "9701".into(),
        operator: site(),
        traf_mode: "5".into(),
        traf_no: "CZ3101".into(),
        voyage_no: "20251031".into(),
        bill_no: "784-12345675".into(),
        carrier: party("6301980002", "示例物流"),
        unload_location: unload_location.map(str::to_owned),
        waybills: vec!["YT0000000002".into(), "YT0000000003".into()],
    }
}

/// Each paper with the name of its golden file.
fn papers() -> Vec<(&'static str, u16, Document)> {
    let (bonded, direct) = (bonded(), direct());
    let list = bonded.list(None, &stamp(621, DECLARED));
    let direct_list = direct.list(None, &stamp(1_621, DECLARED));
    let signed_for =
        sale::signed_for(&bonded.parties.carrier, bonded.waybill, at("20251103095900"), &stamp(513, "20251103100000"));
    let [cancelled, returned] = [stamp(623, CHANGED), stamp(625, "20251110100000")];
    // Said to customs once more, each of them is still a new one.
    let [cancelled_again, returned_again] = [again(1_623, CHANGED), again(1_625, "20251110100000")];
    let returning = |list: &Document, lines: &[(i32, i32)], stamp: &Stamp| {
        sale::goods_return(list, "T251110A1B2C3D4E5F6", INVT_NO, lines, "消费者退货", stamp)
    };
    let cancelling = |list: &Document, stamp: &Stamp| {
        sale::cancellation(&list.head, "C251102A1B2C3D4E5F6", INVT_NO, "不要了 & 退款", stamp)
    };
    vec![
        ("311", 311, bonded.order(&stamp(311, PAID))),
        ("311-changed", 311, bonded.order(&again(2_311, CHANGED))),
        ("311-direct", 311, direct.order(&stamp(1_311, PAID))),
        ("411", 411, bonded.payment(&stamp(411, PAID))),
        ("411-direct", 411, direct.payment(&stamp(1_411, PAID))),
        ("511", 511, bonded.parcel("矿泉水;夹心巧克力", &stamp(511, DECLARED))),
        ("511-direct", 511, direct.parcel("", &stamp(1_511, DECLARED))),
        ("511-many", 511, bonded.parcel(&"夹心巧克力;".repeat(40), &stamp(2_511, DECLARED))),
        ("513", 513, signed_for),
        ("621", 621, list.clone()),
        ("621-changed", 621, bonded.list(Some(PRE_NO), &again(2_621, CHANGED))),
        ("621-direct", 621, direct_list.clone()),
        ("621-direct-changed", 621, direct.list(Some(PRE_NO), &again(3_621, CHANGED))),
        ("623", 623, cancelling(&list, &cancelled)),
        ("623-direct", 623, cancelling(&direct_list, &cancelled_again)),
        ("625", 625, returning(&list, &[(1, 4), (2, 1)], &returned)),
        ("625-direct", 625, returning(&direct_list, &[(2, 3)], &returned_again)),
        ("711", 711, delivery(Some("A区01-02")).document(None, &stamp(711, DECLARED))),
        ("711-changed", 711, delivery(None).document(Some(PRE_NO), &again(2_711, CHANGED))),
    ]
}

/// What becomes of a paper on its way out.
fn sent(name: &'static str, number: u16, document: Document) -> Sent {
    let kind = ceb::kind(number).unwrap();
    // The declarer's terminal sends all of a declaration; what came into a site is part of none.
    let sender = if number == 711 { site() } else { declarer() };
    // The number of a paper is that of its message: there are receipts that say nothing else of it.
    let guid = document.head.get("guid").unwrap();
    let mut message = Message {
        transfer: Some(sale::transfer(&sender, "DXPENT0000000001")),
        ..Message::new(kind, guid, vec![document.clone()])
    };
    let written = |message: &Message| message.write().unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
    if kind.signing == Signing::Signed {
        message.signature = Some(SIGNER.sign(&written(&message)).unwrap());
    }
    let text = written(&message);
    Sent { name, document, message, text }
}

fn paper(name: &str) -> &'static Document {
    let found = SENT.iter().find(|sent| sent.name == name);
    &found.unwrap_or_else(|| panic!("there is no {name}")).document
}

#[test]
fn what_is_declared_in_the_golden_files_matches_and_keeps_the_rules() {
    let limits = Limits::on("2025-11-01".parse().unwrap()).unwrap();
    for mode in ["", "-direct"] {
        let [order, payment, waybill, list, cancelled, returned] =
            ["311", "411", "511", "621", "623", "625"].map(|number| paper(&format!("{number}{mode}")));
        let papers =
            Papers { list: Some(list), order: Some(order), payment: Some(&payment.head), waybill: Some(&waybill.head) };
        let rows = matching::rows(&papers, &Terms::default());
        let odd: Vec<_> =
            rows.iter().filter(|row| matches!(row.verdict, Verdict::Mismatch | Verdict::Waiting)).collect();
        assert!(odd.is_empty(), "{mode}: {odd:?}");
        let changed = paper(&format!("621{mode}-changed"));
        for (what, faults) in [
            ("order", list_rules::order_faults(order)),
            ("list", list_rules::list_faults(list, &limits)),
            ("changed list", list_rules::list_faults(changed, &limits)),
            ("withdrawal", list_rules::cancel_faults(&cancelled.head)),
            ("return", list_rules::refund_faults(returned, &list.lines)),
        ] {
            assert!(faults.is_empty(), "{what}{mode}: {faults:?}");
        }
    }
}

#[test]
fn each_message_of_an_import_is_its_golden_file_and_is_read_back() {
    for Sent { name, document, message, text } in &*SENT {
        committed(&format!("tests/it/customs/golden/import-{name}.xml"), text);
        let read = ceb::read(text.as_bytes()).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(read.documents.as_slice(), std::slice::from_ref(document), "{name} says something else");
        assert_eq!(&read, message, "{name} is read as something else");
        assert_eq!(&read.write().unwrap(), text, "{name} is not the same when it is written again");
    }
}

/// Holds a part that was read against the order of its elements on the wire.
fn in_order(name: &str, part: &Part, said: &Record) {
    let place = |(element, value): (&str, &str)| {
        assert!(!value.is_empty(), "{name}: {element} is there and says nothing");
        let place = part.fields.iter().position(|field| field.name == element);
        place.unwrap_or_else(|| panic!("{name}: {element} is not in the schema"))
    };
    let places: Vec<usize> = said.values().map(place).collect();
    assert!(places.windows(2).all(|two| two[0] < two[1]), "{name}: {} is out of order: {places:?}", part.name);
}

#[test]
fn elements_stand_in_the_order_of_the_schema_and_none_is_empty() {
    for Sent { name, text, .. } in &*SENT {
        let read = ceb::read(text.as_bytes()).unwrap();
        for document in &read.documents {
            in_order(name, read.kind.shape.head(), &document.head);
            if let Shape::Lined { line, .. } = read.kind.shape {
                for said in &document.lines {
                    in_order(name, line, said);
                }
            }
        }
    }
}

/// What messages say: the name of one, 0 for its head or the number of a line, and elements with their values. Behind an
/// element that is not there stands nothing.
const SAID: &[(&str, usize, &str)] = &[
    ("311", 0, "appType=1 goodsValue=615.5 freight=15 taxTotal=57.38 acturalPaid=687.88 consigneeDistrict=630103"),
    ("311", 0, "buyerName=测试甲 buyerTelephone=13800000000 consignee=测试乙 consigneeTelephone=13900000000"),
    ("311", 1, "itemNo=SKU1 itemName=矿泉水 barCode=6901234567892 qty=10 price=41 totalPrice=410 country=305"),
    // An order has no word for goods without a barcode, a list has one.
    ("311", 2, "itemNo=SKU2 itemName=夹心巧克力 barCode= qty=3 price=68.5 totalPrice=205.5 country=301"),
    ("311-changed", 0, "appType=2"),
    ("311-direct", 0, "consigneeDistrict= freight=0 acturalPaid=671.51"),
    ("311-direct", 1, "barCode="),
    ("411", 0, "payerName=测试甲 telephone=13800000000 amountPaid=687.88 payTime=20251101093010"),
    ("511", 0, "goodsInfo=矿泉水;夹心巧克力 freight=13 insuredFee=2 weight=6.02 billNo="),
    // Nothing is an amount; what nobody knows is none.
    ("511-direct", 0, "goodsInfo= freight=0 insuredFee=0"),
    ("513", 0, "logisticsStatus=S logisticsTime=20251103095900"),
    ("621", 0, "appType=1 copNo=XN20251101000001 preNo= invtNo= customsCode=9701 portCode=9702 declTime=20251101"),
    ("621", 0, "tradeMode=1210 emsNo=T9701W000001 areaCode=6301W60001 areaName=示例仓储 assureCode=6301960002"),
    ("621", 0, "trafMode=Y trafNo= voyageNo= billNo= country=142"),
    ("621", 0, "freight=13 insuredFee=2 grossWeight=6.02 netWeight=5.6"),
    ("621", 1, "itemRecordNo=12 barCode=6901234567892 qty1=5 unit1=095 qty2=5 unit2=035"),
    ("621", 2, "itemRecordNo=13 barCode=无 qty1=0.6 unit1=035 qty2= unit2="),
    ("621-changed", 0, "appType=2 preNo=B20251101000000001 declTime=20251102"),
    ("621-direct", 0, "appType=1 preNo= tradeMode=9610 emsNo= areaCode= areaName= assureCode=6301980002"),
    ("621-direct", 0, "trafMode=5 trafNo=CZ3101 voyageNo=20251031 billNo=784-12345675_YT0000000002 country=305"),
    ("621-direct", 1, "itemRecordNo= barCode=无 country=305"),
    ("621-direct", 2, "itemRecordNo= barCode=无 country=301"),
    ("621-direct-changed", 0, "appType=2 preNo=B20251101000000001"),
    ("623", 0, "appType=1 copNo=C251102A1B2C3D4E5F6 preNo= invtNo=97012025I000000001 orderNo=XN20251101000001"),
    ("623-direct", 0, "appType=1 orderNo=XN20251101000002 logisticsNo=YT0000000002"),
    ("625", 0, "appType=1 copNo=T251110A1B2C3D4E5F6 preNo= invtNo=97012025I000000001 orderNo=XN20251101000001"),
    ("625", 1, "gnum=1 gcode=2201101000 gname=矿泉水 qty=4 unit=142"),
    ("625", 2, "gnum=2 gcode=1806310000 gname=夹心巧克力 qty=1 unit=140"),
    ("625-direct", 0, "appType=1 orderNo=XN20251101000002"),
    ("625-direct", 1, "gnum=2 gcode=1806310000 qty=3"),
    ("711", 0, "appType=1 copNo=DR-1 preNo= rkdNo= operatorCode=6301660715 unloadLocation=A区01-02"),
    ("711", 2, "gnum=2 logisticsNo=YT0000000003"),
    ("711-changed", 0, "appType=2 preNo=B20251101000000001 unloadLocation="),
];

#[test]
fn what_is_not_known_is_left_out_and_what_is_known_is_said_in_its_place() {
    for (name, line, elements) in SAID {
        let found = SENT.iter().find(|sent| sent.name == *name).unwrap_or_else(|| panic!("there is no {name}"));
        let read = ceb::read(found.text.as_bytes()).unwrap();
        let document = &read.documents[0];
        let said = if *line == 0 { &document.head } else { &document.lines[*line - 1] };
        for expected in elements.split(' ') {
            let (element, value) = expected.split_once('=').unwrap();
            let value = Some(value).filter(|value| !value.is_empty());
            assert_eq!(said.get(element), value, "{name}, line {line}: {element}");
        }
    }
    // The schema has room for 200 characters; what is in a large parcel is cut, and the parcel not held up for it.
    let many = paper("511-many").head.get("goodsInfo").unwrap();
    assert_eq!(many.chars().count(), 200);
    assert_eq!((paper("625").lines.len(), paper("625-direct").lines.len()), (2, 1));
}

#[test]
fn what_must_be_signed_is_signed_and_holds_until_something_of_it_is_changed() {
    let trust = Trust::default().with_pinned(SIGNER.certificate().fingerprint());
    for Sent { name, message, text, .. } in &*SENT {
        let must = message.kind.signing == Signing::Signed;
        assert_eq!(message.signature.is_some(), must, "{name}");
        if !must {
            continue;
        }
        let verified = xmlsig::verify(text, &trust, at(DECLARED)).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!((verified.method, verified.vendors), (Method::RsaSha1, false), "{name}");
        let changed = text.replace("<ceb:appTime>2025", "<ceb:appTime>2026");
        assert_eq!(xmlsig::verify(&changed, &trust, at(DECLARED)), Err(Refused::Digest), "{name}");
    }
}

#[test]
fn the_official_schema_takes_each_message_of_an_import() {
    let written: BTreeSet<u16> = SENT.iter().map(|sent| sent.message.kind.number).collect();
    let sendable = import::KINDS.iter().filter(|kind| kind.signing != Signing::Told);
    let sendable: BTreeSet<u16> = sendable.map(|kind| kind.number).collect();
    assert_eq!(written, sendable, "there is a kind that nobody looked at");
    let messages: Vec<(String, String)> =
        SENT.iter().map(|sent| (format!("import-{}", sent.name), sent.text.clone())).collect();
    official(&messages);
}
