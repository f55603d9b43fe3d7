//! What customs holds a list, an order, a withdrawal and a return against, beyond their schema: sums, numbers of lines,
//! what each supervision mode wants.
//!
//! Each rule says where it comes from: *official* is the specification of the messages, *practice* what systems of customs
//! were seen to do, *own* a decision of this project. A fault has the official code where the specification has one. All
//! that is wrong is told at once; what the schema says of lengths and forms is not told again here.
//!
//! - [`list_faults`]: an import list (清单, 621)
//! - [`order_faults`]: an order (订单, 311)
//! - [`export_list_faults`]: an export list (清单, 603)
//! - [`cancel_faults`], [`refund_faults`]: a list that is withdrawn (撤销申请单, 623), goods that come back (退货申请单, 625)

mod export_list;
#[cfg(test)]
pub(in crate::customs) mod fixtures;
mod import_list;
mod order;
mod undo;

use std::fmt;

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};
use sea_orm::{Iterable, entity::prelude::*};

pub use export_list::export_list_faults;
pub use import_list::list_faults;
pub use order::order_faults;
pub use undo::{cancel_faults, refund_faults};

use super::{ceb::Record, codes::CNY};
use crate::values::{Locale, code::digits};

/// The supervision mode of a retail import (监管方式).
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
pub enum TradeMode {
    /// From a bonded warehouse in a city of the pilot, 1210 (网购保税).
    Bonded,
    /// Straight from abroad, 9610 (直购进口).
    DirectMail,
    /// From a bonded warehouse elsewhere, 1239 (保税电商A).
    BondedA,
}

impl TradeMode {
    /// The code of customs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Bonded => "1210",
            Self::DirectMail => "9610",
            Self::BondedA => "1239",
        }
    }

    /// The mode with this code; none: it is no retail import.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::iter().find(|mode| mode.code() == code)
    }

    /// Whether the goods come from a bonded warehouse with an account book.
    pub fn is_bonded(self) -> bool {
        matches!(self, Self::Bonded | Self::BondedA)
    }
}

/// Something that customs would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListFault {
    /// The official code of the error, `-621027`; empty where the specification has none for it.
    pub code: &'static str,
    /// Where: `freight`, `gnum 2: qty2`, or `line 2: gnum` of a line whose number does not tell it from the others.
    pub at: String,
    /// What.
    pub what: ListWrong,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListWrong {
    /// It is not there.
    Missing,
    /// It is no number.
    NoNumber,
    /// It is no day (`yyyyMMdd`).
    NoDate,
    /// It is no moment (`yyyyMMddHHmmss`).
    NoMoment,
    /// It is not above zero.
    NotAboveZero,
    /// It is below zero.
    BelowZero,
    /// It is the number of another line too.
    Duplicate,
    /// Numbers of lines run from 1 to the number of lines.
    NotInSequence {
        /// How many lines there are.
        lines: usize,
    },
    /// It is none of what it may be.
    NotOneOf {
        /// What it may be.
        these: &'static [&'static str],
    },
    /// It is what it must not be.
    Is {
        /// What.
        value: &'static str,
    },
    /// It is more than something else.
    MoreThan {
        /// Than what.
        other: &'static str,
        /// How much that is.
        most: Decimal,
    },
    /// It is more than on the list.
    MoreThanOriginal {
        /// How much that is.
        most: Decimal,
    },
    /// It is not what it is computed of.
    NotTheSum {
        /// How it is computed.
        of: &'static str,
        /// What that comes to.
        expected: Decimal,
    },
    /// It is there without the other, or the other without it.
    Unpaired {
        /// The other.
        with: &'static str,
    },
    /// It is no code of the tariff.
    NoHsCode,
    /// It is neither a GTIN with a right check digit nor `无`.
    NoBarcode,
    /// It is no resident ID, or of somebody who was not born.
    NoResidentId,
    /// It is none of those who may withhold the taxes.
    NoWithholder,
    /// It is not so many digits.
    NotDigits {
        /// How many.
        count: usize,
    },
    /// The goods come to more than the single limit, and are not one piece.
    OverSingleLimit {
        /// The dutiable price.
        value: Decimal,
        /// The limit.
        most: Decimal,
    },
    /// What is new has no number of customs yet.
    NotNew,
    /// What is changed or deleted has no number to find it by.
    NoNumberOfOriginal,
    /// The list has no line of this number with this code.
    NotInOriginal,
    /// It is another than on the list.
    OtherThanOriginal {
        /// What the list says.
        expected: String,
    },
}

impl ListWrong {
    /// What is wrong, in Chinese for `zh`, otherwise in English; the end of a sentence that begins with where.
    pub fn text(&self, locale: &Locale) -> String {
        let (zh, en) = self.texts();
        if locale.language() == "zh" { zh } else { en }
    }

    fn texts(&self) -> (String, String) {
        let fixed = |zh: &str, en: &str| (zh.to_owned(), en.to_owned());
        match self {
            Self::Missing => fixed("不能为空", "is missing"),
            Self::NoNumber => fixed("不是数字", "is no number"),
            Self::NoDate => fixed("不是有效日期（yyyyMMdd）", "is no day (yyyyMMdd)"),
            Self::NoMoment => fixed("不是有效时间（yyyyMMddHHmmss）", "is no moment (yyyyMMddHHmmss)"),
            Self::NotAboveZero => fixed("须大于 0", "must be above 0"),
            Self::BelowZero => fixed("不能小于 0", "must not be below 0"),
            Self::Duplicate => fixed("序号重复", "is the number of another line too"),
            Self::NotInSequence { lines } => (
                format!("须为从 1 到 {lines} 的连续序号"),
                format!("must be one of the numbers from 1 to {lines}, without gaps"),
            ),
            Self::NotOneOf { these } => {
                (format!("须为 {}", these.join("、")), format!("must be {}", these.join(" or ")))
            }
            Self::Is { value } => (format!("不能为 {value}"), format!("must not be {value}")),
            Self::MoreThan { other, most } => {
                (format!("不能大于 {other}（{most}）"), format!("must not be more than {other} ({most})"))
            }
            Self::MoreThanOriginal { most } => {
                (format!("不能大于原清单数量（{most}）"), format!("must not be more than on the list ({most})"))
            }
            Self::NotTheSum { of, expected } => {
                (format!("应为 {expected}（{of}）"), format!("must be {expected} ({of})"))
            }
            Self::Unpaired { with } => {
                (format!("须与 {with} 同时填写或同时不填"), format!("must be there when {with} is, and not otherwise"))
            }
            Self::NoHsCode => fixed("不是有效的 10 位海关商品编码", "is no HS code of ten digits"),
            Self::NoBarcode => {
                fixed("不是有效条码；没有条码时填“无”", "is no GTIN; goods without a barcode have 无 here")
            }
            Self::NoResidentId => fixed("不是有效的居民身份证号", "is no resident ID"),
            Self::NoWithholder => fixed(
                "须为电商平台、电商企业或物流企业的编码",
                "must be the code of the platform, the e-commerce company or the logistics company",
            ),
            Self::NotDigits { count } => (format!("须为 {count} 位数字"), format!("must be {count} digits")),
            Self::OverSingleLimit { value, most } => (
                format!("完税价格 {value} 元超过单次交易限值 {most} 元，且不止一件商品"),
                format!(
                    "comes to a dutiable price of CNY {value}, above the single limit of CNY {most}, with more than one piece"
                ),
            ),
            Self::NotNew => fixed("新增时不能填写", "must not be there on a new list"),
            Self::NoNumberOfOriginal => {
                fixed("变更或删除时须填写预录入编号或清单编号", "or invtNo must be there to change or delete a list")
            }
            Self::NotInOriginal => {
                fixed("与原清单不符：没有该序号和商品编码的商品项", "and gcode are not those of a line of the list")
            }
            Self::OtherThanOriginal { expected } => {
                (format!("须与原清单一致（{expected}）"), format!("must be that of the list ({expected})"))
            }
        }
    }
}

impl ListFault {
    /// The fault in a language.
    pub fn message(&self, locale: &Locale) -> String {
        format!("{} {}", self.at, self.what.text(locale))
    }
}

impl fmt::Display for ListFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(&Locale::en()))
    }
}

/// What a record says, trimmed; none: nothing.
pub(super) fn said<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    record.get(name).map(str::trim).filter(|value| !value.is_empty())
}

/// The number as customs reads it: digits and at most one point.
pub(super) fn number(text: &str) -> Option<Decimal> {
    // The parser also takes an underscore between digits.
    text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+')).then(|| text.parse().ok()).flatten()
}

/// The day as customs writes it (`yyyyMMdd`).
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    (text.len() == 8 && digits(text)).then(|| NaiveDate::parse_from_str(text, "%Y%m%d").ok()).flatten()
}

/// What the lines come to (Σ totalPrice); none when a line does not say it.
pub(super) fn total(lines: &[Record]) -> Option<Decimal> {
    lines.iter().try_fold(Decimal::ZERO, |sum, line| sum.checked_add(said(line, "totalPrice").and_then(number)?))
}

/// What was found wrong so far.
#[derive(Default)]
struct Faults(Vec<ListFault>);

impl Faults {
    /// Notes a fault unless `holds`.
    fn demand(&mut self, holds: bool, code: &'static str, at: String, what: ListWrong) {
        if !holds {
            self.0.push(ListFault { code, at, what });
        }
    }
}

/// A head or a line, and how to say where it stands.
struct Place<'a> {
    record: &'a Record,
    at: String,
}

impl<'a> Place<'a> {
    fn head(record: &'a Record) -> Self {
        Self { record, at: String::new() }
    }

    fn at(&self, name: &str) -> String {
        format!("{}{name}", self.at)
    }

    fn said(&self, name: &str) -> Option<&'a str> {
        said(self.record, name)
    }

    fn demand(&self, faults: &mut Faults, holds: bool, name: &str, what: ListWrong) {
        faults.demand(holds, "", self.at(name), what);
    }

    /// What must be there.
    fn required(&self, faults: &mut Faults, name: &str) -> Option<&'a str> {
        let value = self.said(name);
        self.demand(faults, value.is_some(), name, ListWrong::Missing);
        value
    }

    fn one_of(&self, faults: &mut Faults, name: &str, these: &'static [&'static str]) {
        if let Some(value) = self.required(faults, name) {
            self.demand(faults, these.contains(&value), name, ListWrong::NotOneOf { these });
        }
    }

    fn number(&self, faults: &mut Faults, name: &str) -> Option<Decimal> {
        let value = self.required(faults, name)?;
        let read = number(value);
        self.demand(faults, read.is_some(), name, ListWrong::NoNumber);
        read
    }

    fn not_below_zero(&self, faults: &mut Faults, name: &str) -> Option<Decimal> {
        let value = self.number(faults, name)?;
        self.demand(faults, value >= Decimal::ZERO, name, ListWrong::BelowZero);
        Some(value)
    }

    fn above_zero(&self, faults: &mut Faults, name: &str) -> Option<Decimal> {
        let value = self.number(faults, name)?;
        self.demand(faults, value > Decimal::ZERO, name, ListWrong::NotAboveZero);
        Some(value)
    }

    /// What list and order say alike of a line: CNY (official), a quantity above zero (own), a price that may be 0, of a
    /// gift (official for orders; the list's line is the order's), and price × quantity to the fen (official).
    fn sold(&self, faults: &mut Faults) {
        self.one_of(faults, "currency", &[CNY]);
        let quantity = self.above_zero(faults, "qty");
        let price = self.not_below_zero(faults, "price");
        let total = self.not_below_zero(faults, "totalPrice");
        let product = price.zip(quantity).and_then(|(price, quantity)| price.checked_mul(quantity));
        if let Some((total, product)) = total.zip(product) {
            let what = ListWrong::NotTheSum { of: "price × qty", expected: fen(product).normalize() };
            self.demand(faults, fen(total) == fen(product), "totalPrice", what);
        }
    }
}

/// To the fen, half up: how customs round (四舍五入至分).
fn fen(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// The lines by their numbers, which run from 1 without gaps, each once (official); `twice` is the code of a number that
/// is there twice.
fn numbered<'a>(faults: &mut Faults, lines: &'a [Record], twice: &'static str) -> Vec<Place<'a>> {
    let numbers = distinct(faults, lines, twice);
    for (line, number) in &numbers {
        let holds = number.is_none_or(|number| (1..=lines.len()).contains(&number));
        line.demand(faults, holds, "gnum", ListWrong::NotInSequence { lines: lines.len() });
    }
    numbers.into_iter().map(|(line, _)| line).collect()
}

/// The lines with their numbers, each of which is there once; none: it has no number.
fn distinct<'a>(faults: &mut Faults, lines: &'a [Record], twice: &'static str) -> Vec<(Place<'a>, Option<usize>)> {
    let numbers: Vec<Option<usize>> =
        lines.iter().map(|line| said(line, "gnum").and_then(|number| number.parse().ok())).collect();
    let mut placed = Vec::with_capacity(lines.len());
    for (place, (record, number)) in lines.iter().zip(&numbers).enumerate() {
        let alone = number.is_some() && numbers.iter().filter(|other| *other == number).count() == 1;
        let at = match number {
            Some(number) if alone => format!("gnum {number}: "),
            _ => format!("line {}: ", place + 1),
        };
        let line = Place { record, at };
        if number.is_none() {
            let what = if line.said("gnum").is_none() { ListWrong::Missing } else { ListWrong::NoNumber };
            line.demand(faults, false, "gnum", what);
        }
        let again = number.is_some() && numbers[..place].contains(number);
        faults.demand(!again, twice, line.at("gnum"), ListWrong::Duplicate);
        placed.push((line, *number));
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::ErrorCode;

    #[test]
    fn a_mode_has_one_code() {
        for mode in TradeMode::iter() {
            assert_eq!(TradeMode::from_code(mode.code()), Some(mode));
        }
        for code in ["", "9710", "1210 ", "0110"] {
            assert_eq!(TradeMode::from_code(code), None, "{code}");
        }
        assert!(TradeMode::Bonded.is_bonded() && TradeMode::BondedA.is_bonded() && !TradeMode::DirectMail.is_bonded());
    }

    #[test]
    fn numbers_and_days_are_those_of_customs() {
        for (text, expected) in [
            ("447.30", Some("447.3")),
            ("-1", Some("-1")),
            ("1_0", None),
            ("1e3", None),
            ("", None),
            (".", None),
            ("１", None),
        ] {
            assert_eq!(number(text), expected.map(|e| e.parse().unwrap()), "{text}");
        }
        for (text, valid) in [
            ("20251101", true),
            ("20240229", true),
            ("20250229", false),
            ("2025111", false),
            ("2025-1-1", false),
            ("+2025111", false),
        ] {
            assert_eq!(date(text).is_some(), valid, "{text}");
        }
        assert_eq!(
            (fen("0.005".parse().unwrap()), fen("0.0049".parse().unwrap())),
            (Decimal::new(1, 2), Decimal::ZERO)
        );
    }

    #[test]
    fn a_fault_is_told_in_both_languages() {
        let fault =
            ListFault { code: "-625009", at: "gnum 2: qty2".into(), what: ListWrong::Unpaired { with: "unit2" } };
        assert_eq!(fault.message(&Locale::zh_cn()), "gnum 2: qty2 须与 unit2 同时填写或同时不填");
        assert_eq!(fault.to_string(), "gnum 2: qty2 must be there when unit2 is, and not otherwise");
        // The house has a text for the limit, which says the same to a buyer.
        let limit = ErrorCode::OverSingleLimit.template(&Locale::zh_cn());
        assert!(limit.starts_with("完税价格 {value} 元超过单次交易限值 {max} 元，且不止一件商品"));
    }
}
