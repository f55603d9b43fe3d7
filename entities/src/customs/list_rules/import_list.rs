//! What an import list must keep.

use rust_decimal::Decimal;

use super::{Faults, ListFault, ListWrong, Place, TradeMode, date, number, numbered, said, total};
use crate::{
    customs::{
        ceb::{Document, Record},
        codes::{self, CHINA, CNY, NO_BARCODE},
    },
    trade::Limits,
    values::{Gtin, HsCode, ResidentId, code::digits},
};

/// Goods of a list without lines.
const NO_LINES: &str = "-621000";
/// Above the single limit.
const OVER_SINGLE: &str = "-621005";
/// A number is there twice.
const DUPLICATE: &str = "-621027";
/// A second unit without its quantity, or the quantity without its unit.
const SECOND_UNIT: &str = "-625009";

/// All that is wrong with an import list (清单, 621), by the mode that it says. `limits` are those of the day.
///
/// - The same for all modes, official: lines, numbered from 1 without gaps (`-621000`, `-621027`); one package; imported;
///   CNY; net not above gross; price × quantity; the second unit with its quantity (`-625009`); the buyer's resident ID; the
///   withholding agent is platform, merchant or carrier; within the single limit unless it is one piece (`-621005`).
/// - 1210 and 1239, official: account book and warehouse, the book's item of every line, dispatched from within China.
/// - 9610, official: vehicle, voyage and bill, dispatched from abroad.
/// - Own: the declarer and its own number are there, without which no receipt finds the list; what is deleted is named as
///   what is changed is; a barcode is one, or `无` (official: `无` where there is none).
pub fn list_faults(list: &Document, limits: &Limits) -> Vec<ListFault> {
    let mut faults = Faults::default();
    let head = Place::head(&list.head);
    let mode = head.required(&mut faults, "tradeMode").and_then(|code| {
        let mode = TradeMode::from_code(code);
        let these = &["1210", "9610", "1239"];
        head.demand(&mut faults, mode.is_some(), "tradeMode", ListWrong::NotOneOf { these });
        mode
    });
    application(&head, &mut faults);
    parties(&head, &mut faults);
    parcel(&head, &mut faults);
    if let Some(mode) = mode {
        way(&head, mode, &mut faults);
    }
    faults.demand(!list.lines.is_empty(), NO_LINES, "InventoryList".into(), ListWrong::Missing);
    for line in numbered(&mut faults, &list.lines, DUPLICATE) {
        goods(&line, &mut faults);
        if mode.is_some_and(TradeMode::is_bonded) {
            line.required(&mut faults, "itemRecordNo");
        }
    }
    single_limit(list, limits, &mut faults);
    faults.0
}

/// What is asked, by whom, when and where.
fn application(head: &Place<'_>, faults: &mut Faults) {
    head.one_of(faults, "appType", &["1", "2", "3"]);
    match head.said("appType") {
        Some("1") => head.demand(faults, head.said("invtNo").is_none(), "invtNo", ListWrong::NotNew),
        Some("2" | "3") => {
            let named = head.said("preNo").or(head.said("invtNo")).is_some();
            head.demand(faults, named, "preNo", ListWrong::NoNumberOfOriginal);
        }
        _ => {}
    }
    if let Some(moment) = head.required(faults, "appTime") {
        let holds = moment.len() == 14 && codes::read_moment(moment).is_some();
        head.demand(faults, holds, "appTime", ListWrong::NoMoment);
    }
    if let Some(day) = head.required(faults, "declTime") {
        head.demand(faults, date(day).is_some(), "declTime", ListWrong::NoDate);
    }
    if let Some(day) = head.said("ieDate") {
        head.demand(faults, date(day).is_some(), "ieDate", ListWrong::NoDate);
    }
    for name in ["customsCode", "portCode"] {
        if let Some(code) = head.required(faults, name) {
            head.demand(faults, code.len() == 4 && digits(code), name, ListWrong::NotDigits { count: 4 });
        }
    }
    head.required(faults, "copNo");
    head.one_of(faults, "ieFlag", &["I"]);
}

fn parties(head: &Place<'_>, faults: &mut Faults) {
    head.required(faults, "agentCode");
    head.one_of(faults, "buyerIdType", &["1"]);
    if let Some(id) = head.required(faults, "buyerIdNumber") {
        let declared = head.said("declTime").and_then(date);
        let born = |id: ResidentId| declared.is_none_or(|day| id.born_by(day));
        head.demand(faults, id.parse().is_ok_and(born), "buyerIdNumber", ListWrong::NoResidentId);
    }
    if let Some(code) = head.required(faults, "assureCode") {
        let may = ["ebpCode", "ebcCode", "logisticsCode"].into_iter().any(|name| head.said(name) == Some(code));
        head.demand(faults, may, "assureCode", ListWrong::NoWithholder);
    }
}

fn parcel(head: &Place<'_>, faults: &mut Faults) {
    head.one_of(faults, "currency", &[CNY]);
    head.not_below_zero(faults, "freight");
    head.not_below_zero(faults, "insuredFee");
    if let Some(packages) = head.number(faults, "packNo") {
        head.demand(faults, packages == Decimal::ONE, "packNo", ListWrong::NotOneOf { these: &["1"] });
    }
    let (gross, net) = (head.above_zero(faults, "grossWeight"), head.above_zero(faults, "netWeight"));
    if let Some((gross, net)) = gross.zip(net) {
        let what = ListWrong::MoreThan { other: "grossWeight", most: gross };
        head.demand(faults, net <= gross, "netWeight", what);
    }
}

/// How the goods come, which the modes say differently.
fn way(head: &Place<'_>, mode: TradeMode, faults: &mut Faults) {
    head.required(faults, "trafMode");
    if mode.is_bonded() {
        for name in ["emsNo", "areaCode", "areaName"] {
            head.required(faults, name);
        }
        head.one_of(faults, "country", &[CHINA]);
        return;
    }
    for name in ["trafNo", "voyageNo", "billNo"] {
        head.required(faults, name);
    }
    if let Some(country) = head.required(faults, "country") {
        head.demand(faults, country != CHINA, "country", ListWrong::Is { value: CHINA });
    }
}

fn goods(line: &Place<'_>, faults: &mut Faults) {
    if let Some(code) = line.required(faults, "gcode") {
        line.demand(faults, code.parse::<HsCode>().is_ok(), "gcode", ListWrong::NoHsCode);
    }
    if let Some(code) = line.required(faults, "barCode") {
        let holds = code == NO_BARCODE || code.parse::<Gtin>().is_ok();
        line.demand(faults, holds, "barCode", ListWrong::NoBarcode);
    }
    line.sold(faults);
    line.above_zero(faults, "qty1");
    let second = |present: &str, absent: &'static str, with: &'static str, faults: &mut Faults| {
        let paired = line.said(present).is_none() || line.said(absent).is_some();
        faults.demand(paired, SECOND_UNIT, line.at(absent), ListWrong::Unpaired { with });
    };
    second("unit2", "qty2", "unit2", faults);
    second("qty2", "unit2", "qty2", faults);
    if let Some(quantity) = line.said("qty2") {
        let above = number(quantity).is_some_and(|quantity| quantity > Decimal::ZERO);
        faults.demand(above, SECOND_UNIT, line.at("qty2"), ListWrong::NotAboveZero);
    }
}

/// Whether the list is one piece: nobody can split it.
fn is_one_piece(lines: &[Record]) -> bool {
    matches!(lines, [only] if said(only, "qty").and_then(number) == Some(Decimal::ONE))
}

/// The limit is tested on the dutiable price: goods, freight and insurance, before tax.
fn single_limit(list: &Document, limits: &Limits, faults: &mut Faults) {
    let carriage = |name: &str| said(&list.head, name).and_then(number);
    let dutiable = [total(&list.lines), carriage("freight"), carriage("insuredFee")]
        .into_iter()
        .try_fold(Decimal::ZERO, |sum, part| sum.checked_add(part?));
    let Some(value) = dutiable else { return };
    let most = Decimal::new(limits.single_minor, 2);
    let within = value <= most || is_one_piece(&list.lines);
    faults.demand(within, OVER_SINGLE, "InventoryList".into(), ListWrong::OverSingleLimit { value, most });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        customs::list_rules::fixtures::{self, set},
        trade::limits::LIMITS,
    };

    fn told(list: &Document) -> Vec<String> {
        let with_code = |fault: &ListFault| format!("{} {fault}", fault.code).trim().to_owned();
        list_faults(list, &LIMITS[0]).iter().map(with_code).collect()
    }

    fn bonded() -> Document {
        fixtures::list()
    }

    fn direct() -> Document {
        let mut list = bonded();
        for (name, value) in [
            ("tradeMode", "9610"),
            ("emsNo", ""),
            ("areaCode", ""),
            ("areaName", ""),
            ("trafMode", "5"),
            ("trafNo", "MU0001"),
            ("voyageNo", "MU0001"),
            ("billNo", "112-00000001"),
            ("country", "116"),
        ] {
            set(&mut list.head, name, value);
        }
        set(&mut list.lines[0], "itemRecordNo", "");
        list
    }

    #[test]
    fn lists_of_every_mode_keep_the_rules() {
        assert_eq!(told(&bonded()), Vec::<String>::new());
        assert_eq!(told(&direct()), Vec::<String>::new());
        let mut elsewhere = bonded();
        set(&mut elsewhere.head, "tradeMode", "1239");
        assert_eq!(told(&elsewhere), Vec::<String>::new());
    }

    #[test]
    fn a_head_that_breaks_a_rule_is_told_which() {
        for (name, value, expected) in [
            ("tradeMode", "0110", &["tradeMode must be 1210 or 9610 or 1239"][..]),
            ("tradeMode", "", &["tradeMode is missing"]),
            ("appType", "4", &["appType must be 1 or 2 or 3"]),
            ("appType", "2", &["preNo or invtNo must be there to change or delete a list"]),
            ("appType", "3", &["preNo or invtNo must be there to change or delete a list"]),
            ("invtNo", "97012025I000000001", &["invtNo must not be there on a new list"]),
            ("preNo", "B20251101000000001", &[]),
            ("appTime", "20251101246000", &["appTime is no moment (yyyyMMddHHmmss)"]),
            ("appTime", "20251101093050123", &["appTime is no moment (yyyyMMddHHmmss)"]),
            ("declTime", "20251131", &["declTime is no day (yyyyMMdd)"]),
            ("declTime", "", &["declTime is missing"]),
            ("ieDate", "20250229", &["ieDate is no day (yyyyMMdd)"]),
            ("ieDate", "20251101", &[]),
            ("customsCode", "970", &["customsCode must be 4 digits"]),
            ("portCode", "97O1", &["portCode must be 4 digits"]),
            ("copNo", "", &["copNo is missing"]),
            ("ieFlag", "E", &["ieFlag must be I"]),
            ("agentCode", "", &["agentCode is missing"]),
            ("buyerIdType", "2", &["buyerIdType must be 1"]),
            ("buyerIdNumber", "63010319900101002X", &["buyerIdNumber is no resident ID"]),
            ("buyerIdNumber", "", &["buyerIdNumber is missing"]),
            ("assureCode", "6301960001", &[]),
            ("assureCode", "6301980002", &[]),
            (
                "assureCode",
                "6301980001",
                &["assureCode must be the code of the platform, the e-commerce company or the logistics company"],
            ),
            ("currency", "502", &["currency must be 142"]),
            ("packNo", "2", &["packNo must be 1"]),
            ("packNo", "01", &[]),
            ("netWeight", "5.30", &[]),
            ("netWeight", "5.31", &["netWeight must not be more than grossWeight (5.3)"]),
            ("grossWeight", "0", &["grossWeight must be above 0", "netWeight must not be more than grossWeight (0)"]),
            ("freight", "-1", &["freight must not be below 0"]),
            ("insuredFee", "x", &["insuredFee is no number"]),
            ("trafMode", "", &["trafMode is missing"]),
            ("emsNo", "", &["emsNo is missing"]),
            ("areaCode", " ", &["areaCode is missing"]),
            ("areaName", "", &["areaName is missing"]),
            ("country", "116", &["country must be 142"]),
        ] {
            let mut list = bonded();
            set(&mut list.head, name, value);
            assert_eq!(told(&list), expected, "{name} {value:?}");
        }
        for (name, value, expected) in [
            ("trafNo", "", &["trafNo is missing"][..]),
            ("voyageNo", "", &["voyageNo is missing"]),
            ("billNo", "", &["billNo is missing"]),
            ("country", "142", &["country must not be 142"]),
            ("country", "502", &[]),
        ] {
            let mut list = direct();
            set(&mut list.head, name, value);
            assert_eq!(told(&list), expected, "{name} {value:?}");
        }
        let mut changed = bonded();
        set(&mut changed.head, "appType", "2");
        set(&mut changed.head, "invtNo", "97012025I000000001");
        assert_eq!(told(&changed), Vec::<String>::new());
        let mut unborn = bonded();
        set(&mut unborn.head, "declTime", "19891231");
        assert_eq!(told(&unborn), ["buyerIdNumber is no resident ID"]);
    }

    #[test]
    fn a_line_that_breaks_a_rule_is_told_which() {
        for (name, value, expected) in [
            ("gnum", "2", &["gnum 2: gnum must be one of the numbers from 1 to 1, without gaps"][..]),
            ("gnum", "0", &["gnum 0: gnum must be one of the numbers from 1 to 1, without gaps"]),
            ("gnum", "x", &["line 1: gnum is no number"]),
            ("gnum", "", &["line 1: gnum is missing"]),
            ("gnum", "01", &[]),
            ("itemRecordNo", "", &["gnum 1: itemRecordNo is missing"]),
            ("gcode", "7701000000", &["gnum 1: gcode is no HS code of ten digits"]),
            ("gcode", "98010000", &["gnum 1: gcode is no HS code of ten digits"]),
            ("gcode", "9701000000", &[]),
            ("barCode", "6901234567892", &[]),
            ("barCode", "6901234567893", &["gnum 1: barCode is no GTIN; goods without a barcode have 无 here"]),
            ("barCode", "", &["gnum 1: barCode is missing"]),
            ("currency", "110", &["gnum 1: currency must be 142"]),
            ("qty", "0", &["gnum 1: qty must be above 0", "gnum 1: totalPrice must be 0 (price × qty)"]),
            ("qty1", "0", &["gnum 1: qty1 must be above 0"]),
            ("qty1", "", &["gnum 1: qty1 is missing"]),
            ("price", "41.004", &["gnum 1: totalPrice must be 410.04 (price × qty)"]),
            ("price", "41.0004", &[]),
            ("price", "-41", &["gnum 1: price must not be below 0", "gnum 1: totalPrice must be -410 (price × qty)"]),
            ("totalPrice", "410.01", &["gnum 1: totalPrice must be 410 (price × qty)"]),
            ("unit2", "", &["-625009 gnum 1: unit2 must be there when qty2 is, and not otherwise"]),
            ("qty2", "", &["-625009 gnum 1: qty2 must be there when unit2 is, and not otherwise"]),
            ("qty2", "0", &["-625009 gnum 1: qty2 must be above 0"]),
        ] {
            let mut list = bonded();
            set(&mut list.lines[0], name, value);
            assert_eq!(told(&list), expected, "{name} {value:?}");
        }
        let mut neither = bonded();
        set(&mut neither.lines[0], "unit2", "");
        set(&mut neither.lines[0], "qty2", "");
        assert_eq!(told(&neither), Vec::<String>::new());
        let mut gift = bonded();
        set(&mut gift.lines[0], "price", "0");
        set(&mut gift.lines[0], "totalPrice", "0");
        assert_eq!(told(&gift), Vec::<String>::new());
    }

    #[test]
    fn lines_are_numbered_from_one_each_once() {
        let numbered = |numbers: &[&str]| {
            let mut list = bonded();
            list.lines = numbers
                .iter()
                .map(|number| {
                    let mut line = fixtures::list().lines[0].clone();
                    set(&mut line, "gnum", number);
                    line
                })
                .collect();
            told(&list)
        };
        assert_eq!(numbered(&["1", "2", "3"]), Vec::<String>::new());
        assert_eq!(numbered(&["3", "1", "2"]), Vec::<String>::new());
        assert_eq!(numbered(&[]), ["-621000 InventoryList is missing"]);
        assert_eq!(numbered(&["1", "1", "3", "4"]), ["-621027 line 2: gnum is the number of another line too",]);
        assert_eq!(numbered(&["1", "3"]), ["gnum 3: gnum must be one of the numbers from 1 to 2, without gaps"]);
    }

    #[test]
    fn above_the_single_limit_only_one_piece_passes() {
        let over = "-621005 InventoryList comes to a dutiable price of CNY";
        for (quantity, price, total, freight, insured, within) in [
            ("10", "500", "5000", "0", "0", true),
            ("10", "500", "5000", "0.01", "0", false),
            ("10", "500", "5000", "0", "0.01", false),
            ("10", "500.001", "5000.01", "0", "0", false),
            ("1", "6000", "6000", "10", "0", true),
            ("1.0", "6000", "6000", "10", "0", true),
            ("2", "3000", "6000", "0", "0", false),
            ("0.5", "12000", "6000", "0", "0", false),
        ] {
            let mut list = bonded();
            for (name, value) in [("qty", quantity), ("price", price), ("totalPrice", total)] {
                set(&mut list.lines[0], name, value);
            }
            set(&mut list.head, "freight", freight);
            set(&mut list.head, "insuredFee", insured);
            let faults = told(&list);
            assert_eq!(faults.iter().any(|fault| fault.starts_with(over)), !within, "{quantity} × {price}: {faults:?}");
        }
        // A gift beside it makes two pieces.
        let mut list = bonded();
        for (name, value) in [("qty", "1"), ("price", "6000"), ("totalPrice", "6000")] {
            set(&mut list.lines[0], name, value);
        }
        let mut gift = list.lines[0].clone();
        for (name, value) in [("gnum", "2"), ("price", "0"), ("totalPrice", "0")] {
            set(&mut gift, name, value);
        }
        list.lines.push(gift);
        assert_eq!(
            told(&list),
            [format!("{over} 6000, above the single limit of CNY 5000.00, with more than one piece")]
        );
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let none = told(&Document::default());
        for name in ["tradeMode", "appType", "appTime", "declTime", "customsCode", "copNo", "agentCode", "assureCode"] {
            assert!(none.contains(&format!("{name} is missing")), "{name} in {none:?}");
        }
        assert!(none.contains(&"-621000 InventoryList is missing".to_owned()));
    }
}
