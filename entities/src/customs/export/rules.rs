//! What each mode wants of an export, as a table; and by which route it goes.
//!
//! *Official* is the specification of the messages, *own* a decision of this project after the announcements that it names.
//! All that is wrong is told at once, with the field of the input.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sea_orm::entity::prelude::*;

use super::{
    super::codes,
    facts::{ExportLine, ExportMode as M, ExportSale, Facts, StatisticsFlag},
};
use crate::values::{Currency, ErrorCode, HsCode, Money, Refusal, Refusals, code::digits};

/// Most lines of a list, as of an order (official).
pub const LINES: usize = 100;
/// Digits of a simplified code of a consumer's parcel: the heading (official, `statisticsFlag`).
const HEADING: usize = 4;
/// Digits of a whole code.
const WHOLE: usize = 10;
/// Most packages, and most grams.
const PACKS: i32 = 99_999;
const WEIGHT_G: i64 = 1_000_000_000;
/// Most of a unit, in hundred-thousandths.
const QUANTITY_E5: i64 = QUANTITY * 100_000;
const QUANTITY: i64 = 999_999_999;

/// By which route an export is declared (申报方式).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExportRoute {
    /// By list, CEB603 (清单).
    List,
    /// By an entry, which is made outside of this house (报关单).
    Entry,
}

/// What the rules hold exports against; what the sources differ in, or what has an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Digits of a simplified code of 9710 and 9810: 6, by another source 4 (section 11).
    pub b2b_digits: usize,
    /// Most fen of a 9710 or 9810 that goes by list: 5,000.00 yuan (GACC 2020/75).
    pub list_most_minor: i64,
    /// Last day on which customs wants to know of money that came, CEB403, for 9610 (GACC 2024/167 ended it).
    pub receipts_until: Option<NaiveDate>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { b2b_digits: 6, list_most_minor: 500_000, receipts_until: NaiveDate::from_ymd_opt(2024, 12, 14) }
    }
}

impl Terms {
    /// Whether money that came for an export of a day must be told.
    pub fn wants_receipt(&self, mode: M, today: NaiveDate) -> bool {
        mode == M::Parcel && self.receipts_until.is_some_and(|last| today <= last)
    }

    /// With how many digits a tariff code may be declared.
    fn lengths(&self, sale: &ExportSale) -> [usize; 2] {
        let simplified = sale.facts.flag == StatisticsFlag::Simplified && route(sale, self) == ExportRoute::List;
        match (simplified, sale.facts.mode.is_b2b()) {
            (false, _) => [WHOLE, WHOLE],
            (true, false) => [HEADING, WHOLE],
            (true, true) => [self.b2b_digits, WHOLE],
        }
    }
}

/// By which route an export goes: exports between businesses go by list only when they are small, and need neither licence
/// nor inspection nor duty (GACC 2020/75). Of which nobody says what it is worth in CNY is not small.
pub fn route(sale: &ExportSale, terms: &Terms) -> ExportRoute {
    let marked = sale.lines.iter().any(|line| line.licence || line.inspection || line.duty);
    let watched = marked || sale.facts.licence_no.is_some();
    let small = sale.value_cny_minor().is_some_and(|value| value <= terms.list_most_minor);
    if sale.facts.mode.is_b2b() && (watched || !small) { ExportRoute::Entry } else { ExportRoute::List }
}

/// A rule about the head: in which modes it holds, of which field, and what it says.
struct Rule {
    field: &'static str,
    of: &'static [M],
    holds: fn(&Facts) -> bool,
    code: ErrorCode,
}

const ALL: &[M] = &[M::Parcel, M::SpecialArea, M::Business, M::OverseasWarehouse];

const fn rule(field: &'static str, of: &'static [M], code: ErrorCode, holds: fn(&Facts) -> bool) -> Rule {
    Rule { field, of, holds, code }
}

/// The rules about the head.
const RULES: &[Rule] = &[
    // Official: a company and a book where the goods come out of an area, and only there (P1.9).
    rule("area", &[M::SpecialArea], ErrorCode::Required, |facts| facts.area.is_some()),
    rule("area", &[M::Parcel, M::Business, M::OverseasWarehouse], ErrorCode::InvalidValue, |facts| {
        facts.area.is_none()
    }),
    // Official: the booking of 9810 stands for the order, and the warehouse for the platform (I6.2).
    rule("warehouse", &[M::OverseasWarehouse], ErrorCode::Required, |facts| {
        facts.warehouse.as_ref().is_some_and(|of| !of.name.is_empty() && !of.booking.is_empty())
    }),
    rule("warehouse", &[M::Parcel, M::SpecialArea, M::Business], ErrorCode::InvalidValue, |facts| {
        facts.warehouse.is_none()
    }),
    rule("orderNumber", ALL, ErrorCode::Required, |facts| !facts.order_no.is_empty()),
    rule("platform", ALL, ErrorCode::Required, |facts| {
        !facts.platform.code.is_empty() && !facts.platform.name.is_empty()
    }),
    // Of 9710 and 9810 it decides the route.
    rule("valueInCny", &[M::Business, M::OverseasWarehouse], ErrorCode::Required, |facts| {
        facts.currency == Currency::CNY || facts.value_cny_minor.is_some()
    }),
    rule("currency", ALL, ErrorCode::InvalidCurrency, |facts| codes::currency(facts.currency).is_some()),
    // Official: order and waybill have one currency for all that they say.
    rule("freight", ALL, ErrorCode::InvalidCurrency, |facts| is_as_goods(facts.freight, facts)),
    rule("insurance", ALL, ErrorCode::InvalidCurrency, |facts| is_as_goods(facts.insurance, facts)),
    // Official: A is for what needs no licence (I2.2).
    rule("licenceNumber", ALL, ErrorCode::SimplifiedNotAllowed, |facts| {
        facts.flag != StatisticsFlag::Simplified || facts.licence_no.is_none()
    }),
    rule("destination", ALL, ErrorCode::InvalidCountry, |facts| {
        codes::country(&facts.destination).is_some_and(|number| number != codes::CHINA)
    }),
    rule("portOfDestination", ALL, ErrorCode::InvalidValue, |facts| {
        matches!(facts.port_of_destination.len(), 3 | 4)
            && facts.port_of_destination.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
    }),
    rule("customsCode", ALL, ErrorCode::InvalidValue, |facts| office(&facts.customs_code)),
    rule("portCode", ALL, ErrorCode::InvalidValue, |facts| office(&facts.port_code)),
    rule("trafMode", ALL, ErrorCode::InvalidValue, |facts| is_traf_mode(&facts.traf_mode)),
    rule("wrap", ALL, ErrorCode::InvalidValue, |facts| matches!(facts.wrap.as_bytes(), [b'1'..=b'7'])),
    rule("packs", ALL, ErrorCode::OutOfRange, |facts| (1..=PACKS).contains(&facts.packs)),
    rule("grossWeightG", ALL, ErrorCode::OutOfRange, |facts| (1..=WEIGHT_G).contains(&facts.gross_weight_g)),
    rule("netWeightG", ALL, ErrorCode::OutOfRange, |facts| {
        (1..=facts.gross_weight_g.max(1)).contains(&facts.net_weight_g)
    }),
];

/// Whether an amount is in the currency of the goods, or nothing.
fn is_as_goods(money: Money, facts: &Facts) -> bool {
    codes::currency(money.currency).is_some() && (money.minor == 0 || money.currency == facts.currency)
}

/// The digits of a customs office.
fn office(code: &str) -> bool {
    code.len() == 4 && digits(code)
}

/// How goods cross the border: by water, rail, road, air, mail, or otherwise.
pub fn is_traf_mode(mode: &str) -> bool {
    matches!(mode.as_bytes(), [b'2'..=b'6' | b'9'])
}

/// All that is wrong with an export; `today` is a day of Beijing.
pub fn faults(sale: &ExportSale, today: NaiveDate, terms: &Terms) -> Refusals {
    let facts = &sale.facts;
    let broken = RULES.iter().filter(|rule| rule.of.contains(&facts.mode) && !(rule.holds)(facts));
    let mut found: Refusals = broken.map(|rule| told(rule, facts).at(rule.field)).collect();
    if terms.wants_receipt(facts.mode, today) && facts.received.is_none() {
        found.push(Refusal::new(ErrorCode::Required).at("received"));
    }
    if sale.lines.is_empty() {
        found.push(Refusal::new(ErrorCode::Required).at("lines"));
    } else if sale.lines.len() > LINES {
        found.push(Refusal::new(ErrorCode::TooMany).with("max", LINES.to_string()).at("lines"));
    } else if sale.goods_minor().is_none() {
        found.push(no_amount(facts, "Σ").at("lines"));
    }
    let lengths = terms.lengths(sale);
    for (n, line) in sale.lines.iter().enumerate().take(LINES) {
        let faults = line_faults(facts, line, lengths);
        found.extend(faults.into_iter().map(|refusal| refusal.at(n.to_string()).at("lines")));
    }
    found
}

fn told(rule: &Rule, facts: &Facts) -> Refusal {
    let refusal = Refusal::new(rule.code);
    match (rule.code, rule.field) {
        (ErrorCode::InvalidCurrency, "freight") => refusal.with("value", facts.freight.currency.code()),
        (ErrorCode::InvalidCurrency, "insurance") => refusal.with("value", facts.insurance.currency.code()),
        (ErrorCode::InvalidCurrency, _) => refusal.with("value", facts.currency.code()),
        (ErrorCode::InvalidCountry, _) => refusal.with("value", facts.destination.as_str()),
        (ErrorCode::OutOfRange, "packs") => refusal.with("min", "1").with("max", PACKS.to_string()),
        (ErrorCode::OutOfRange, "netWeightG") => refusal.with("min", "1").with("max", facts.gross_weight_g.to_string()),
        (ErrorCode::OutOfRange, _) => refusal.with("min", "1").with("max", WEIGHT_G.to_string()),
        (ErrorCode::InvalidValue, field) => {
            let value = match field {
                "portOfDestination" => facts.port_of_destination.as_str(),
                "customsCode" => facts.customs_code.as_str(),
                "portCode" => facts.port_code.as_str(),
                "trafMode" => facts.traf_mode.as_str(),
                "wrap" => facts.wrap.as_str(),
                // What another mode has.
                _ => facts.mode.code(),
            };
            refusal.with("value", value.chars().take(60).collect::<String>())
        }
        _ => refusal,
    }
}

fn no_amount(facts: &Facts, value: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidAmount).with("value", value).with("currency", facts.currency.code())
}

fn line_faults(facts: &Facts, line: &ExportLine, lengths: [usize; 2]) -> Refusals {
    let mut found = Refusals::new();
    let mut demand = |holds: bool, field: &'static str, refusal: Refusal| {
        if !holds {
            found.push(refusal.at(field));
        }
    };
    let positive = || Refusal::new(ErrorCode::OutOfRange).with("min", "0.00001").with("max", QUANTITY.to_string());
    let counts = |quantity_e5: i64| (1..=QUANTITY_E5).contains(&quantity_e5);
    // Official: A is for what needs no licence, bears no export duty, and has no refund (I2.2).
    if facts.flag == StatisticsFlag::Simplified {
        for (bears, field) in [(line.licence, "licence"), (line.duty, "duty"), (line.refund, "refund")] {
            demand(!bears, field, Refusal::new(ErrorCode::SimplifiedNotAllowed));
        }
    }
    let whole = lengths.contains(&line.hs.len()) && line.gcode().parse::<HsCode>().is_ok();
    let shown: String = line.hs.chars().take(20).collect();
    demand(whole, "hsCode", Refusal::new(ErrorCode::InvalidHsCode).with("value", shown));
    demand(counts(line.quantity_e5), "quantity", positive());
    demand(counts(line.quantity1_e5), "quantity1", positive());
    // Official, -625009: the second unit with its quantity, or neither.
    demand(line.unit2.is_some() == line.quantity2_e5.is_some(), "quantity2", Refusal::new(ErrorCode::Required));
    demand(line.quantity2_e5.is_none_or(counts), "quantity2", positive());
    let amount = Decimal::new(line.price_minor, facts.currency.digits()).to_string();
    demand(line.price_minor >= 0 && line.total_minor().is_some(), "unitPrice", no_amount(facts, &amount));
    // Official: goods of an area are items of its book.
    let in_book = facts.mode != M::SpecialArea || line.record_no.is_some();
    demand(in_book, "recordNumber", Refusal::new(ErrorCode::Required));
    found
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            facts::{MoneyReceived, OverseasWarehouse, SpecialArea},
            fixtures::{carpets, party},
        },
        *,
    };
    use crate::values::Locale;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn told_of(sale: &ExportSale) -> Vec<String> {
        let at = |refusal: &Refusal| format!("{:?} {}", refusal.code, refusal.field.join("."));
        faults(sale, day("2025-11-01"), &Terms::default()).iter().map(at).collect()
    }

    /// An export of each mode that nothing is wrong with.
    fn good(mode: M) -> ExportSale {
        let mut sale = carpets();
        sale.facts.mode = mode;
        if mode == M::SpecialArea {
            let company = party("6301W60001", "区内企业");
            sale.facts.area = Some(SpecialArea { company, book: "T9701W000001".into() });
            sale.lines[0].record_no = Some("12".into());
        }
        if mode == M::OverseasWarehouse {
            sale.facts.warehouse = Some(OverseasWarehouse { name: "海外仓".into(), booking: "BK-1".into() });
        }
        sale
    }

    fn dollars(minor: i64) -> Money {
        Money { minor, currency: "USD".parse().unwrap() }
    }

    #[test]
    fn each_mode_has_what_it_wants_and_is_refused_without_it() {
        type Change = fn(&mut ExportSale);
        let table: &[(M, Change, &[&str])] = &[
            (M::Parcel, |_| {}, &[]),
            (M::SpecialArea, |_| {}, &[]),
            (M::Business, |_| {}, &[]),
            (M::OverseasWarehouse, |_| {}, &[]),
            // P1.9: 1210 without the company of the area.
            (M::SpecialArea, |sale| sale.facts.area = None, &["Required area"]),
            (M::SpecialArea, |sale| sale.lines[0].record_no = None, &["Required lines.0.recordNumber"]),
            (
                M::Parcel,
                |sale| sale.facts.area = Some(SpecialArea { company: party("1", "x"), book: "b".into() }),
                &["InvalidValue area"],
            ),
            // I6.2: 9810 without its warehouse or its booking.
            (M::OverseasWarehouse, |sale| sale.facts.warehouse = None, &["Required warehouse"]),
            (
                M::OverseasWarehouse,
                |sale| sale.facts.warehouse = Some(OverseasWarehouse { name: "x".into(), booking: String::new() }),
                &["Required warehouse"],
            ),
            (
                M::Business,
                |sale| sale.facts.warehouse = Some(OverseasWarehouse { name: "x".into(), booking: "b".into() }),
                &["InvalidValue warehouse"],
            ),
            (M::Business, |sale| sale.facts.currency = "USD".parse().unwrap(), &["Required valueInCny"]),
            (M::Parcel, |sale| sale.facts.currency = "USD".parse().unwrap(), &[]),
            (M::Parcel, |sale| sale.facts.currency = "KZT".parse().unwrap(), &["InvalidCurrency currency"]),
            // Order and waybill say freight and insurance in the currency of the goods.
            (M::Parcel, |sale| sale.facts.freight = dollars(1), &["InvalidCurrency freight"]),
            (M::Parcel, |sale| sale.facts.insurance = dollars(1), &["InvalidCurrency insurance"]),
            (M::Parcel, |sale| (sale.facts.freight, sale.facts.insurance) = (dollars(0), dollars(0)), &[]),
            (
                M::Parcel,
                |sale| {
                    sale.facts.currency = "USD".parse().unwrap();
                    (sale.facts.freight, sale.facts.insurance) = (dollars(1_050), dollars(100));
                },
                &[],
            ),
            (M::Parcel, |sale| sale.facts.destination = "CN".parse().unwrap(), &["InvalidCountry destination"]),
            (M::Parcel, |sale| sale.facts.port_of_destination = "x1".into(), &["InvalidValue portOfDestination"]),
            (M::Parcel, |sale| sale.facts.port_code = "970".into(), &["InvalidValue portCode"]),
            (M::Parcel, |sale| sale.facts.traf_mode = "Y".into(), &["InvalidValue trafMode"]),
            (M::Parcel, |sale| sale.facts.net_weight_g = 12_501, &["OutOfRange netWeightG"]),
            (M::Parcel, |sale| sale.facts.packs = 0, &["OutOfRange packs"]),
            (M::Parcel, |sale| sale.lines.clear(), &["Required lines"]),
            (M::Parcel, |sale| sale.lines = vec![sale.lines[0].clone(); 101], &["TooMany lines"]),
            (M::Parcel, |sale| sale.lines[0].quantity2_e5 = None, &["Required lines.0.quantity2"]),
            (M::Parcel, |sale| sale.lines[0].quantity_e5 = 0, &["OutOfRange lines.0.quantity"]),
            (M::Parcel, |sale| sale.lines[0].quantity1_e5 = QUANTITY_E5, &[]),
            (M::Parcel, |sale| sale.lines[0].quantity1_e5 = QUANTITY_E5 + 1, &["OutOfRange lines.0.quantity1"]),
            (
                M::Parcel,
                |sale| sale.lines[0].price_minor = -1,
                &["InvalidAmount lines", "InvalidAmount lines.0.unitPrice"],
            ),
        ];
        for (mode, change, expected) in table {
            let mut sale = good(*mode);
            change(&mut sale);
            assert_eq!(told_of(&sale), *expected, "{mode:?}");
        }
    }

    #[test]
    fn simplified_is_what_needs_no_licence_bears_no_duty_and_has_no_refund_and_may_have_a_short_code() {
        type Change = fn(&mut ExportSale);
        let table: &[(M, StatisticsFlag, Change, &[&str])] = &[
            (M::Parcel, StatisticsFlag::Simplified, |_| {}, &["SimplifiedNotAllowed lines.0.refund"]),
            (
                M::Parcel,
                StatisticsFlag::Simplified,
                |sale| (sale.lines[0].refund, sale.lines[0].licence, sale.lines[0].duty) = (false, true, true),
                &["SimplifiedNotAllowed lines.0.licence", "SimplifiedNotAllowed lines.0.duty"],
            ),
            (M::Parcel, StatisticsFlag::Simplified, |sale| sale.lines[0].refund = false, &[]),
            (
                M::Parcel,
                StatisticsFlag::Simplified,
                |sale| (sale.lines[0].refund, sale.facts.licence_no) = (false, Some("L-1".into())),
                &["SimplifiedNotAllowed licenceNumber"],
            ),
            (M::Parcel, StatisticsFlag::Simplified, |sale| short(sale, "5701"), &[]),
            (M::Parcel, StatisticsFlag::Simplified, |sale| short(sale, "570110"), &["InvalidHsCode lines.0.hsCode"]),
            (M::Parcel, StatisticsFlag::Simplified, |sale| short(sale, "7701"), &["InvalidHsCode lines.0.hsCode"]),
            (M::Parcel, StatisticsFlag::Summary, |sale| short(sale, "5701"), &["InvalidHsCode lines.0.hsCode"]),
            (M::Business, StatisticsFlag::Simplified, |sale| short(sale, "570110"), &[]),
            (M::Business, StatisticsFlag::Simplified, |sale| short(sale, "5701"), &["InvalidHsCode lines.0.hsCode"]),
            // Above the limit there is nothing simplified about it.
            (
                M::Business,
                StatisticsFlag::Simplified,
                |sale| {
                    short(sale, "570110");
                    sale.lines[0].price_minor = 300_000;
                },
                &["InvalidHsCode lines.0.hsCode"],
            ),
        ];
        for (mode, flag, change, expected) in table {
            let mut sale = good(*mode);
            sale.facts.flag = *flag;
            change(&mut sale);
            assert_eq!(told_of(&sale), *expected, "{mode:?} {flag:?} {}", sale.lines[0].hs);
        }
        let refusal = Refusal::new(ErrorCode::SimplifiedNotAllowed);
        assert!(refusal.message(&Locale::zh_cn()).contains("简化申报"));
        assert!(refusal.message(&Locale::en()).contains("simplified"));
    }

    fn short(sale: &mut ExportSale, hs: &str) {
        (sale.lines[0].refund, sale.lines[0].hs) = (false, hs.to_owned());
    }

    #[test]
    fn between_businesses_a_list_is_for_small_exports_that_nobody_must_look_at() {
        let terms = Terms::default();
        let at = |mode: M, price_minor: i64, change: fn(&mut ExportSale)| {
            let mut sale = good(mode);
            (sale.lines[0].quantity_e5, sale.lines[0].price_minor) = (100_000, price_minor);
            change(&mut sale);
            route(&sale, &terms)
        };
        for (mode, price, change, expected) in [
            (M::Business, 500_000, (|_| {}) as fn(&mut ExportSale), ExportRoute::List),
            // P1.13: 5,000.01 is an entry.
            (M::Business, 500_001, |_| {}, ExportRoute::Entry),
            (M::OverseasWarehouse, 500_001, |_| {}, ExportRoute::Entry),
            (M::Business, 1, |sale| sale.lines[0].licence = true, ExportRoute::Entry),
            (M::Business, 1, |sale| sale.facts.licence_no = Some("L-1".into()), ExportRoute::Entry),
            (M::Business, 1, |sale| sale.lines[0].inspection = true, ExportRoute::Entry),
            (M::Business, 1, |sale| sale.lines[0].duty = true, ExportRoute::Entry),
            (M::Business, 1, |sale| sale.facts.currency = "USD".parse().unwrap(), ExportRoute::Entry),
            (
                M::Business,
                100_000,
                |sale| {
                    (sale.facts.currency, sale.facts.value_cny_minor) = ("USD".parse().unwrap(), Some(500_000));
                },
                ExportRoute::List,
            ),
            (M::Parcel, 500_001, |_| {}, ExportRoute::List),
            (M::SpecialArea, 500_001, |_| {}, ExportRoute::List),
        ] {
            assert_eq!(at(mode, price, change), expected, "{mode:?} {price}");
        }
    }

    #[test]
    fn customs_wants_to_know_of_money_until_a_day() {
        let terms = Terms::default();
        let mut sale = good(M::Parcel);
        let wants = |sale: &ExportSale, at: &str| {
            faults(sale, day(at), &terms).iter().any(|refusal| refusal.field == ["received"])
        };
        assert!(wants(&sale, "2024-12-14") && !wants(&sale, "2024-12-15"));
        let charge = Money { minor: 200_000, currency: Currency::CNY };
        sale.facts.received = Some(MoneyReceived {
            payer_code: None,
            payer_name: "示例支付".into(),
            number: None,
            charge,
            at: codes::read_moment("20241201000000").unwrap(),
        });
        assert!(!wants(&sale, "2024-12-14"));
        assert!(!terms.wants_receipt(M::Business, day("2024-12-14")), "9710 has none");
        assert!(!Terms { receipts_until: None, ..terms }.wants_receipt(M::Parcel, day("2020-01-01")));
    }
}
