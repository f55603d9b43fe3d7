//! An export for the tests of this room: two carpets to Germany, by air.

use super::{
    super::{
        codes,
        sale::{Party, Stamp},
    },
    facts::{ExportLine, ExportMode, ExportSale, Facts, Leaving, Owner, StatisticsFlag},
    papers::ExportParties,
};
use crate::values::{Currency, Money};

pub(crate) fn party(code: &str, name: &str) -> Party {
    Party { code: code.into(), name: name.into() }
}

pub(crate) fn carpets() -> ExportSale {
    let none = Money { minor: 0, currency: Currency::CNY };
    ExportSale {
        facts: Facts {
            mode: ExportMode::Parcel,
            flag: StatisticsFlag::Summary,
            order_no: "EX20251101000001".into(),
            platform: party("6301960001", "示例平台"),
            owner: Owner { code: Some("6301260001".into()), name: "示例织造".into() },
            area: None,
            warehouse: None,
            currency: Currency::CNY,
            freight: none,
            insurance: none,
            value_cny_minor: None,
            destination: "DE".parse().unwrap(),
            port_of_destination: "1502".into(),
            customs_code: "9701".into(),
            port_code: "9701".into(),
            site_code: None,
            traf_mode: "5".into(),
            licence_no: None,
            wrap: "2".into(),
            packs: 1,
            gross_weight_g: 12_500,
            net_weight_g: 12_000,
            waybill: "EE000000001CN".into(),
            received: None,
            note: None,
        },
        lines: vec![ExportLine {
            number: 1,
            item_no: "RUG-1".into(),
            record_no: None,
            hs: "5701100000".into(),
            name: "羊毛地毯".into(),
            gmodel: "手工打结;羊毛;2m×3m".into(),
            barcode: None,
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
        }],
    }
}

pub(crate) fn parties() -> ExportParties {
    ExportParties {
        merchant: party("6301960002", "示例电商"),
        declarer: party("6301980001", "示例报关"),
        carrier: party("6301980002", "示例物流"),
    }
}

pub(crate) fn stamp() -> Stamp {
    Stamp {
        guid: "11111111-AAAA-4BBB-8CCC-000000000001".into(),
        again: false,
        at: codes::read_moment("20251101093000").unwrap(),
    }
}

pub(crate) fn leaving() -> Leaving {
    Leaving {
        vehicle: "CA931".into(),
        voyage: "20251103".into(),
        bill: "99912345675".into(),
        total_package: Some("TP0001".into()),
        domestic_vehicle: Some("青A12345".into()),
    }
}
