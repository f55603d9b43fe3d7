//! The messages of an export as the house writes them, each against its golden file and the official schema.

use std::process::Command;

use entities::{
    customs::{
        ceb::{self, Document, Message, kind},
        codes,
        export::{
            facts::{
                ExportLine, ExportMode, ExportSale, Facts, Leaving, MoneyReceived, OverseasWarehouse, Owner,
                SpecialArea, StatisticsFlag,
            },
            papers::{self, ExportParties, Moving, Numbers, Parcel, PartOf},
            rules::{Terms, faults},
        },
        sale::{Party, Stamp, transfer},
    },
    values::{Currency, Money},
};

use super::messages::shared;
use crate::house::committed;

fn party(code: &str, name: &str) -> Party {
    Party { code: code.into(), name: name.into() }
}

fn yuan(minor: i64) -> Money {
    Money { minor, currency: Currency::CNY }
}

fn stamp() -> Stamp {
    let at = codes::read_moment("20251101093000").unwrap();
    Stamp { guid: "11111111-AAAA-4BBB-8CCC-000000000001".into(), again: false, at }
}

/// Two carpets to Germany, by air.
fn carpets() -> ExportSale {
    let line = ExportLine {
        number: 1,
        item_no: "RUG-1".into(),
        record_no: None,
        hs: "5701100000".into(),
        name: "羊毛地毯".into(),
        gmodel: "手工打结;羊毛;2m×3m".into(),
        barcode: Some("6901234567892".into()),
        unit: "020".parse().unwrap(),
        quantity_e5: 200_000,
        unit1: "032".parse().unwrap(),
        quantity1_e5: 1_200_000,
        unit2: Some("035".parse().unwrap()),
        quantity2_e5: Some(1_200_000),
        price_minor: 100_000,
        licence: false,
        inspection: false,
        duty: false,
        refund: true,
    };
    let plain = ExportLine {
        number: 2,
        item_no: "BAG-1".into(),
        barcode: None,
        unit2: None,
        quantity2_e5: None,
        ..line.clone()
    };
    ExportSale {
        facts: Facts {
            mode: ExportMode::Parcel,
            flag: StatisticsFlag::Summary,
            order_no: "EX20251101000001".into(),
            platform: party("6301960001", "示例平台"),
            owner: Owner { code: Some("6301260001".into()), name: "示例织造 & <坊>".into() },
            area: None,
            warehouse: None,
            currency: Currency::CNY,
            freight: yuan(12_050),
            insurance: yuan(300),
            value_cny_minor: None,
            destination: "DE".parse().unwrap(),
            port_of_destination: "1502".into(),
            customs_code: "9701".into(),
            port_code: "9701".into(),
            site_code: Some("970101".into()),
            traf_mode: "5".into(),
            licence_no: None,
            wrap: "2".into(),
            packs: 1,
            gross_weight_g: 12_500,
            net_weight_g: 12_000,
            waybill: "EE000000001CN".into(),
            received: Some(MoneyReceived {
                payer_code: Some("6301960003".into()),
                payer_name: "示例支付".into(),
                number: Some("PAY1".into()),
                charge: Money { minor: 28_000, currency: "USD".parse().unwrap() },
                at: stamp().at,
            }),
            note: None,
        },
        lines: vec![line, plain],
    }
}

/// The same out of an area under special supervision.
fn from_area() -> ExportSale {
    let mut sale = carpets();
    sale.facts.mode = ExportMode::SpecialArea;
    sale.facts.area = Some(SpecialArea { company: party("6301W60001", "区内企业"), book: "T9701W000001".into() });
    sale.lines.iter_mut().for_each(|line| line.record_no = Some("12".into()));
    sale
}

/// The same to a warehouse abroad, simplified.
fn to_warehouse() -> ExportSale {
    let mut sale = carpets();
    let name = "法兰克福海外仓".to_owned();
    sale.facts.mode = ExportMode::OverseasWarehouse;
    sale.facts.flag = StatisticsFlag::Simplified;
    (sale.facts.order_no, sale.facts.platform) = ("BK-0001".into(), party("无", &name));
    sale.facts.warehouse = Some(OverseasWarehouse { name, booking: "BK-0001".into() });
    sale.facts.owner.code = None;
    for line in &mut sale.lines {
        (line.hs, line.refund) = ("570110".into(), false);
    }
    sale
}

fn leaving() -> Leaving {
    Leaving {
        vehicle: "CA931".into(),
        voyage: "20251103".into(),
        bill: "99912345675".into(),
        total_package: Some("TP0001".into()),
        domestic_vehicle: Some("青A12345".into()),
    }
}

/// Each message with the name of its golden file.
fn messages() -> Vec<(&'static str, u16, Document)> {
    let parties = ExportParties {
        merchant: party("6301960002", "示例电商"),
        declarer: party("6301980001", "示例报关"),
        carrier: party("6301980002", "示例物流"),
    };
    let (sale, stamp, leaving) = (carpets(), stamp(), leaving());
    let numbers = Numbers { cop_no: "E251101000001", pre_no: None };
    let changed = Numbers { pre_no: Some("B20251101000000001"), ..numbers };
    let again = Stamp { again: true, ..stamp.clone() };
    let moving = Moving {
        customs_code: "9701",
        cop_no: "M251101000001",
        carrier: &parties.carrier,
        site_code: Some("970101"),
        traf_mode: "5",
        part: PartOf { number: 1, count: 1 },
        note: None,
    };
    let package = leaving.total_package.as_deref();
    let invt_nos = ["97012025E000000001".to_owned(), "97012025E000000002".to_owned()];
    let parcel = |waybill, invt_no| Parcel { waybill, total_package: package, invt_no: Some(invt_no) };
    let parcels = [parcel("EE000000001CN", &invt_nos[0]), parcel("EE000000002CN", &invt_nos[1])];
    let second = PartOf { number: 2, count: 2 };
    let operator = party("6301660715", "示例监管场所");
    let both = (&parties.declarer, &parties.merchant);
    vec![
        ("303", 303, papers::order(&sale, &parties, &stamp)),
        ("303-booking", 303, papers::order(&to_warehouse(), &parties, &stamp)),
        ("403", 403, papers::money(&sale, &parties, &stamp).unwrap()),
        ("505", 505, papers::waybill(&sale, &parties, &stamp)),
        ("603", 603, papers::list(&sale, &parties, None, numbers, &stamp)),
        ("603-changed", 603, papers::list(&sale, &parties, Some(&leaving), changed, &again)),
        ("603-area", 603, papers::list(&from_area(), &parties, None, numbers, &stamp)),
        ("603-simplified", 603, papers::list(&to_warehouse(), &parties, None, numbers, &stamp)),
        ("605", 605, papers::cancellation(&parties, "9701", "C251101000001", &invt_nos[0], "订单取消", &stamp)),
        ("607", 607, papers::consignment(&parties.declarer, &moving, &leaving, 25_000, &parcels, &stamp)),
        ("507", 507, papers::arrival(&operator, &moving, None, "青A12345", &parcels, &stamp)),
        ("509", 509, papers::departure(&moving, &leaving, stamp.at, &parcels, &stamp)),
        ("701", 701, papers::summary(both, "9701", "S251201000001", second, &invt_nos, &stamp)),
    ]
}

fn written(number: u16, document: Document) -> (Message, String) {
    let message = Message {
        transfer: Some(transfer(&party("6301980001", "示例报关"), "DXPENT0000000001")),
        ..Message::new(kind(number).unwrap(), "11111111-AAAA-4BBB-8CCC-000000000000", vec![document])
    };
    let text = message.write().unwrap_or_else(|faults| panic!("CEB{number}: {faults:?}"));
    (message, text)
}

#[test]
fn what_is_declared_in_the_golden_files_keeps_the_rules() {
    for sale in [carpets(), from_area(), to_warehouse()] {
        let found = faults(&sale, "2025-11-01".parse().unwrap(), &Terms::default());
        assert_eq!(found, [], "{:?}", sale.facts.mode);
    }
}

#[test]
fn each_message_of_an_export_is_its_golden_file_and_is_read_back() {
    for (name, number, document) in messages() {
        let (message, text) = written(number, document.clone());
        committed(&format!("tests/it/customs/golden/export-{name}.xml"), &text);
        let read = ceb::read(text.as_bytes()).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(read, message, "{name} is read as something else");
        assert_eq!(read.write().unwrap(), text, "{name} is not the same when it is written again");
    }
}

#[test]
fn the_official_schema_takes_each_message_of_an_export() {
    let Some(validator) = shared("checks/ceb_validate.py") else { return };
    let Ok(python) = std::env::var("CHAMA_TEST_PYTHON") else {
        println!("CHAMA_TEST_PYTHON names no Python with lxml: nothing is tried against the official schemas");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (name, number, document) in messages() {
        let file = folder.path().join(format!("{name}.xml"));
        std::fs::write(&file, written(number, document).1).unwrap();
        files.push(file);
    }
    assert!(files.len() >= 9, "messages are missing");
    let told = Command::new(python).arg(validator).args(&files).output().unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    let failed: Vec<&str> = text.lines().filter(|line| line.starts_with("FAIL")).collect();
    assert!(told.status.success(), "{failed:#?}\n{}", String::from_utf8_lossy(&told.stderr));
}
