//! What an export list must keep.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Faults, ListFault, ListWrong, Place, date, numbered};
use crate::{
    customs::{
        ceb::Document,
        codes::{CHINA, NO_BARCODE},
        export::facts::ExportMode,
    },
    values::{Gtin, HsCode, code::digits},
};

/// A second unit without its quantity, or the quantity without its unit.
const SECOND_UNIT: &str = "-625009";
/// Currencies without parts: yen and won.
const WHOLE: &[&str] = &["116", "133"];
/// What is told of modes.
const MODES: &[&str] = &["9610", "1210", "9710", "9810"];

/// All that is wrong with an export list (清单, 603), by the mode that it says.
///
/// Official: lines, numbered from 1 without gaps; exported; A or B; 1210 with the company of the area, its book and items
/// of it, and no other mode with them; net not above gross; price × quantity; the second unit with its quantity
/// (`-625009`); a destination abroad. Own: a barcode is one, or `无`. The specification has no codes of errors for exports but
/// those that it shares with imports.
pub fn export_list_faults(list: &Document) -> Vec<ListFault> {
    let mut faults = Faults::default();
    let head = Place::head(&list.head);
    let mode = head.required(&mut faults, "tradeMode").and_then(ExportMode::from_code);
    head.one_of(&mut faults, "tradeMode", MODES);
    head.one_of(&mut faults, "ieFlag", &["E"]);
    head.one_of(&mut faults, "statisticsFlag", &["A", "B"]);
    for name in ["customsCode", "portCode"] {
        if let Some(code) = head.required(&mut faults, name) {
            head.demand(&mut faults, code.len() == 4 && digits(code), name, ListWrong::NotDigits { count: 4 });
        }
    }
    if let Some(day) = head.required(&mut faults, "ieDate") {
        head.demand(&mut faults, date(day).is_some(), "ieDate", ListWrong::NoDate);
    }
    if let Some(country) = head.required(&mut faults, "country") {
        head.demand(&mut faults, country != CHINA, "country", ListWrong::Is { value: CHINA });
    }
    let area = mode == Some(ExportMode::SpecialArea);
    for name in ["iacCode", "iacName", "emsNo"] {
        if area {
            head.required(&mut faults, name);
        }
    }
    head.not_below_zero(&mut faults, "freight");
    head.not_below_zero(&mut faults, "insuredFee");
    if let Some(packages) = head.number(&mut faults, "packNo") {
        head.demand(&mut faults, packages >= Decimal::ONE, "packNo", ListWrong::NotAboveZero);
    }
    let (gross, net) = (head.above_zero(&mut faults, "grossWeight"), head.above_zero(&mut faults, "netWeight"));
    if let Some((gross, net)) = gross.zip(net) {
        let what = ListWrong::MoreThan { other: "grossWeight", most: gross };
        head.demand(&mut faults, net <= gross, "netWeight", what);
    }
    faults.demand(!list.lines.is_empty(), "", "InventoryList".into(), ListWrong::Missing);
    for line in numbered(&mut faults, &list.lines, "") {
        if area {
            line.required(&mut faults, "itemRecordNo");
        }
        goods(&line, &mut faults);
    }
    faults.0
}

fn goods(line: &Place<'_>, faults: &mut Faults) {
    if let Some(code) = line.required(faults, "gcode") {
        line.demand(faults, code.parse::<HsCode>().is_ok(), "gcode", ListWrong::NoHsCode);
    }
    if let Some(barcode) = line.required(faults, "barCode") {
        let holds = barcode == NO_BARCODE || barcode.parse::<Gtin>().is_ok();
        line.demand(faults, holds, "barCode", ListWrong::NoBarcode);
    }
    let quantity = line.above_zero(faults, "qty");
    line.above_zero(faults, "qty1");
    let paired = line.said("qty2").is_some() == line.said("unit2").is_some();
    faults.demand(paired, SECOND_UNIT, line.at("qty2"), ListWrong::Unpaired { with: "unit2" });
    if line.said("qty2").is_some() {
        line.above_zero(faults, "qty2");
    }
    let (price, total) = (line.not_below_zero(faults, "price"), line.not_below_zero(faults, "totalPrice"));
    let product = price.zip(quantity).and_then(|(price, quantity)| price.checked_mul(quantity));
    if let Some((total, product)) = total.zip(product) {
        let digits = if line.said("currency").is_some_and(|currency| WHOLE.contains(&currency)) { 0 } else { 2 };
        let expected = product.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
        let what = ListWrong::NotTheSum { of: "price × qty", expected: expected.normalize() };
        line.demand(faults, total == expected, "totalPrice", what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customs::{
        export::{fixtures, papers},
        list_rules::fixtures::set,
    };

    fn list() -> Document {
        let numbers = papers::Numbers { cop_no: "E1", pre_no: None };
        papers::list(&fixtures::carpets(), &fixtures::parties(), None, numbers, &fixtures::stamp())
    }

    #[test]
    fn what_the_house_writes_keeps_the_rules_and_what_breaks_one_is_told() {
        for (of_line, name, value, expected) in [
            (false, "tradeMode", "9610", &[][..]),
            (false, "tradeMode", "1039", &["tradeMode must be 9610 or 1210 or 9710 or 9810"]),
            (
                false,
                "tradeMode",
                "1210",
                &["iacCode is missing", "iacName is missing", "emsNo is missing", "gnum 1: itemRecordNo is missing"],
            ),
            (false, "ieFlag", "I", &["ieFlag must be E"]),
            (false, "statisticsFlag", "C", &["statisticsFlag must be A or B"]),
            (false, "country", "142", &["country must not be 142"]),
            (false, "netWeight", "13", &["netWeight must not be more than grossWeight (12.5)"]),
            (false, "ieDate", "20250230", &["ieDate is no day (yyyyMMdd)"]),
            (true, "gcode", "7701000000", &["gnum 1: gcode is no HS code of ten digits"]),
            (true, "qty2", "", &["gnum 1: qty2 must be there when unit2 is, and not otherwise"]),
            (true, "totalPrice", "1999.99", &["gnum 1: totalPrice must be 2000 (price × qty)"]),
            (true, "gnum", "2", &["gnum 2: gnum must be one of the numbers from 1 to 1, without gaps"]),
        ] {
            let mut list = list();
            set(if of_line { &mut list.lines[0] } else { &mut list.head }, name, value);
            let told: Vec<String> = export_list_faults(&list).iter().map(ToString::to_string).collect();
            assert_eq!(told, expected, "{name} {value:?}");
        }
    }
}
