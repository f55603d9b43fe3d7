//! Tariff rows (税率): which rates hold for an HS code on a day, and when consumption tax is levied.
//!
//! Rates change by notice, from a day on. So a row is dated, the next notice is a new row, and what was sold
//! before is still computed with the row of its day.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use super::out_of_range;
use crate::values::{CustomsUnit, ErrorCode, HsCode, Refusal, Refusals, refusal::Check};

/// Largest duty and VAT rate of a row. No rate of the tariff comes near; 13 typed for 13 % does.
const MAX_RATE: Decimal = Decimal::ONE;
/// Largest ad-valorem rate of consumption tax: the price is divided by what it leaves of 1.
const MAX_CONSUMPTION: Decimal = Decimal::from_parts(99, 0, 0, false, 2);

/// Largest amount by quantity and largest threshold, in CNY.
const MAX_AMOUNT: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
/// Most triggers of one row: there are five measures.
const MAX_TRIGGERS: usize = 5;

/// What specific rates and price triggers are counted in (计量单位).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Measure {
    /// Gram (克).
    Gram,
    /// Kilogram (千克).
    Kilogram,
    /// Millilitre (毫升).
    Millilitre,
    /// Litre (升).
    Litre,
    /// Piece, sheet (件、片、张、只).
    Piece,
}

impl Measure {
    /// How it is written behind a number.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Gram => "g",
            Self::Kilogram => "kg",
            Self::Millilitre => "ml",
            Self::Litre => "L",
            Self::Piece => "pcs",
        }
    }
}

/// Net contents (净含量) of one item or of a whole line, as far as they are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Net weight in grams.
    pub grams: Option<Decimal>,
    /// Net volume in millilitres.
    pub millilitres: Option<Decimal>,
    /// Pieces or sheets, only of goods that are sold by them: ten masks in a box are 10, a bottle has none.
    pub pieces: Option<Decimal>,
}

impl Contents {
    /// The contents in a measure; none when they are not known, or not above zero.
    pub fn of(&self, measure: Measure) -> Option<Decimal> {
        let large = |small: Decimal| small.checked_div(Decimal::ONE_THOUSAND);
        let amount = match measure {
            Measure::Gram => self.grams,
            Measure::Kilogram => self.grams.and_then(large),
            Measure::Millilitre => self.millilitres,
            Measure::Litre => self.millilitres.and_then(large),
            Measure::Piece => self.pieces,
        };
        amount.filter(|a| *a > Decimal::ZERO)
    }

    /// The contents of so many items.
    pub fn times(&self, items: u32) -> Result<Self, Refusal> {
        let times = |one: Option<Decimal>| one.map(|o| product(o, Decimal::from(items))).transpose();
        Ok(Self { grams: times(self.grams)?, millilitres: times(self.millilitres)?, pieces: times(self.pieces)? })
    }
}

/// A price from which on something else is levied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// What the price is counted per.
    pub per: Measure,
    /// CNY of dutiable price per measure, without VAT; the threshold itself is above it (以上, 含).
    pub threshold: Decimal,
}

/// How consumption tax (消费税) is levied on goods of a row. Rates are fractions: 0.15 is 15 %.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Consumption {
    /// Not taxed.
    #[default]
    None,
    /// By value (从价): wine, 10 %.
    AdValorem {
        /// The rate.
        rate: Decimal,
    },
    /// By value and by quantity (复合): spirits, 20 % and 0.912 CNY per litre.
    Compound {
        /// The rate by value.
        rate: Decimal,
        /// CNY per measure.
        specific: Decimal,
        /// The measure.
        per: Measure,
    },
    /// By value from a price on, nothing below: cosmetics from 10 CNY per gram or millilitre or 15 CNY per sheet
    /// on (财税〔2016〕103号), watches from 10,000 CNY per piece on.
    AdValoremFrom {
        /// The rate.
        rate: Decimal,
        /// The first one whose measure the goods state decides. So what is sold by the sheet stands before what
        /// is sold by weight: a mask states both.
        triggers: Vec<Trigger>,
    },
    /// By quantity (从量), with two rates: beer from the threshold on 0.253 CNY per litre, below it 0.2227.
    SpecificByPrice {
        /// The threshold, and the measure of both rates.
        trigger: Trigger,
        /// CNY per measure from the threshold on.
        from: Decimal,
        /// CNY per measure below it.
        below: Decimal,
    },
}

/// What consumption tax a price comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Levy {
    /// The rate by value, 0 when there is none.
    pub rate: Decimal,
    /// CNY by quantity, for the whole line.
    pub specific: Decimal,
    /// The trigger that was asked, if the row has one.
    pub trigger: Option<AppliedTrigger>,
}

/// A trigger, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedTrigger {
    /// The trigger.
    pub trigger: Trigger,
    /// Contents of the line in the trigger's measure.
    pub quantity: Decimal,
    /// True when the price is at the threshold or above it.
    pub met: bool,
}

impl AppliedTrigger {
    /// The least dutiable price in fen that meets it; none when it does not fit.
    pub fn boundary_minor(&self) -> Option<i64> {
        let boundary = self.trigger.threshold.checked_mul(self.quantity)?.checked_mul(Decimal::ONE_HUNDRED)?;
        i64::try_from(boundary.ceil()).ok()
    }
}

impl Consumption {
    /// What is levied on a line with this dutiable price in CNY. Contents that a rate or trigger needs and that
    /// are not stated are refused: a guess is an underpayment (vector T5).
    pub fn levy(&self, dutiable: Decimal, contents: &Contents) -> Result<Levy, Refusal> {
        match self {
            Self::None => Ok(Levy::default()),
            Self::AdValorem { rate } => Ok(Levy { rate: *rate, ..Levy::default() }),
            Self::Compound { rate, specific, per } => {
                let quantity = contents.of(*per).ok_or_else(|| not_stated(&[*per]))?;
                Ok(Levy { rate: *rate, specific: product(*specific, quantity)?, trigger: None })
            }
            Self::AdValoremFrom { rate, triggers } => {
                let trigger = applied(triggers, dutiable, contents)?;
                let rate = if trigger.met { *rate } else { Decimal::ZERO };
                Ok(Levy { rate, specific: Decimal::ZERO, trigger: Some(trigger) })
            }
            Self::SpecificByPrice { trigger, from, below } => {
                let trigger = applied(std::slice::from_ref(trigger), dutiable, contents)?;
                let specific = if trigger.met { *from } else { *below };
                let specific = product(specific, trigger.quantity)?;
                Ok(Levy { rate: Decimal::ZERO, specific, trigger: Some(trigger) })
            }
        }
    }

    /// Whether every amount by quantity and every threshold can be counted with, and there is a trigger where one is
    /// needed.
    fn counts(&self) -> bool {
        let amount = |n: &Decimal| (Decimal::ZERO..=MAX_AMOUNT).contains(n);
        let threshold = |trigger: &Trigger| trigger.threshold > Decimal::ZERO && amount(&trigger.threshold);
        match self {
            Self::None | Self::AdValorem { .. } => true,
            Self::Compound { specific, .. } => amount(specific),
            Self::AdValoremFrom { triggers, .. } => {
                (1..=MAX_TRIGGERS).contains(&triggers.len()) && triggers.iter().all(threshold)
            }
            Self::SpecificByPrice { trigger, from, below } => threshold(trigger) && amount(from) && amount(below),
        }
    }

    /// The rate by value that the row names, whether or not a price comes to it.
    fn rate(&self) -> Decimal {
        match self {
            Self::None | Self::SpecificByPrice { .. } => Decimal::ZERO,
            Self::AdValorem { rate } | Self::Compound { rate, .. } | Self::AdValoremFrom { rate, .. } => *rate,
        }
    }
}

/// The price is compared with threshold times quantity: a price per gram would have to be rounded.
fn applied(triggers: &[Trigger], dutiable: Decimal, contents: &Contents) -> Result<AppliedTrigger, Refusal> {
    let stated = triggers.iter().find_map(|trigger| Some((*trigger, contents.of(trigger.per)?)));
    let (trigger, quantity) = stated.ok_or_else(|| not_stated(&triggers.iter().map(|t| t.per).collect::<Vec<_>>()))?;
    Ok(AppliedTrigger { trigger, quantity, met: dutiable >= product(trigger.threshold, quantity)? })
}

fn product(a: Decimal, b: Decimal) -> Result<Decimal, Refusal> {
    a.checked_mul(b).ok_or_else(out_of_range)
}

fn not_stated(measures: &[Measure]) -> Refusal {
    let units: Vec<&str> = measures.iter().map(|m| m.unit()).collect();
    Refusal::new(ErrorCode::Incomplete).with("missing", units.join(" / ")).at("contents")
}

/// The rates of an HS code from a day on. Rates are fractions: 0.13 is 13 %.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TariffRow {
    /// The HS code.
    pub hs: HsCode,
    /// First day.
    pub from: NaiveDate,
    /// First day on which it does not hold any more; none: until another row begins.
    pub to: Option<NaiveDate>,
    /// Most-favoured-nation duty (最惠国税率).
    pub mfn_rate: Decimal,
    /// Provisional duty (暂定税率); goes before the other one.
    pub provisional_rate: Option<Decimal>,
    /// Import VAT (进口环节增值税).
    pub vat_rate: Decimal,
    /// Consumption tax.
    pub consumption: Consumption,
    /// First legal unit (第一法定单位); none: the row does not say it, and no unit is held against it.
    #[serde(default)]
    pub unit1: Option<CustomsUnit>,
    /// Second legal unit; none: there is none.
    #[serde(default)]
    pub unit2: Option<CustomsUnit>,
    /// The notice that the row comes from.
    pub source: String,
}

impl TariffRow {
    /// Whether goods in these legal units are declared as the tariff has it (section 6.1: unit pair = tariff legal units).
    pub fn units_are(&self, unit1: &CustomsUnit, unit2: Option<&CustomsUnit>) -> bool {
        self.unit1.as_ref().is_none_or(|first| first == unit1 && self.unit2.as_ref() == unit2)
    }

    /// Its legal units, as people read them: `095/035`.
    pub fn units(&self) -> String {
        let units: Vec<&str> = [&self.unit1, &self.unit2].into_iter().flatten().map(CustomsUnit::as_str).collect();
        units.join("/")
    }

    /// The duty rate that is levied in full taxation.
    pub fn duty_rate(&self) -> Decimal {
        self.provisional_rate.unwrap_or(self.mfn_rate)
    }

    /// True on days from `from` on and before `to`.
    pub fn holds_on(&self, date: NaiveDate) -> bool {
        self.from <= date && self.to.is_none_or(|to| date < to)
    }

    /// The row, when its rates are fractions and its days are in order.
    pub fn checked(self) -> Result<Self, Refusals> {
        let mut check = Check::default();
        rate(&mut check, "mfnRate", self.mfn_rate, MAX_RATE);
        rate(&mut check, "provisionalRate", self.provisional_rate.unwrap_or_default(), MAX_RATE);
        rate(&mut check, "vatRate", self.vat_rate, MAX_RATE);
        rate(&mut check, "consumption", self.consumption.rate(), MAX_CONSUMPTION);
        check.demand(self.consumption.counts(), "consumption", || {
            Refusal::new(ErrorCode::InvalidValue).with("value", "amount, threshold or triggers")
        });
        check.demand(self.unit1.is_some() || self.unit2.is_none(), "unit1", || Refusal::new(ErrorCode::Required));
        check.demand(self.to.is_none_or(|to| self.from < to), "to", || {
            Refusal::new(ErrorCode::OutOfRange)
                .with("min", self.from.to_string())
                .with("max", NaiveDate::MAX.to_string())
        });
        check.done(self)
    }
}

fn rate(check: &mut Check, field: &str, rate: Decimal, max: Decimal) {
    check.demand((Decimal::ZERO..=max).contains(&rate), field, || {
        Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", max.to_string())
    });
}

/// The row that holds for a code on a day. Of several, the one that began last: a notice ends the row before it,
/// also when nobody wrote the end there.
pub fn row_on<'a>(rows: &'a [TariffRow], hs: &HsCode, date: NaiveDate) -> Result<&'a TariffRow, Refusal> {
    rows.iter()
        .filter(|row| row.hs == *hs && row.holds_on(date))
        .max_by_key(|row| row.from)
        .ok_or_else(|| Refusal::new(ErrorCode::NoTariff).with("hs", hs.as_str()).with("date", date.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trade::fixtures::{beer, cosmetics, day, dec, grams, millilitres, pieces, watch, water, whisky};

    #[test]
    fn the_row_of_the_day_is_found() {
        let sixteen = TariffRow { vat_rate: dec("0.16"), ..water() };
        let before = TariffRow { from: day("2018-05-01"), to: Some(day("2019-04-01")), ..sixteen };
        let open = TariffRow { from: day("2016-04-08"), to: None, vat_rate: dec("0.17"), ..water() };
        let rows = [water(), before, open, whisky()];
        for (date, vat) in [
            ("2016-04-07", None),
            ("2016-04-08", Some("0.17")),
            ("2018-04-30", Some("0.17")),
            ("2018-05-01", Some("0.16")),
            ("2019-03-31", Some("0.16")),
            ("2019-04-01", Some("0.13")),
            ("2030-01-01", Some("0.13")),
        ] {
            let row = row_on(&rows, &water().hs, day(date));
            assert_eq!(row.as_ref().map(|r| r.vat_rate).ok(), vat.map(dec), "{date}");
            assert!(row.is_ok() || row.unwrap_err().code == ErrorCode::NoTariff, "{date}");
        }
        assert_eq!(row_on(&rows, &beer().hs, day("2024-06-01")).unwrap_err().code, ErrorCode::NoTariff);
    }

    #[test]
    fn consumption_tax_begins_at_the_threshold() {
        let masks = Contents { grams: Some(dec("250")), ..pieces("10") };
        for (row, dutiable, contents, rate, specific, met) in [
            (water(), "410", Contents::default(), "0", "0", None),
            (whisky(), "1000", millilitres("700"), "0.2", "0.6384", None),
            (cosmetics(), "200.00", grams("20"), "0.15", "0", Some(true)),
            (cosmetics(), "199.99", grams("20"), "0", "0", Some(false)),
            (cosmetics(), "700", millilitres("50"), "0.15", "0", Some(true)),
            (cosmetics(), "700", grams("83.5"), "0", "0", Some(false)),
            (cosmetics(), "150.00", masks, "0.15", "0", Some(true)),
            (cosmetics(), "149.99", masks, "0", "0", Some(false)),
            (watch(), "10000.00", pieces("1"), "0.2", "0", Some(true)),
            (watch(), "9999.99", pieces("1"), "0", "0", Some(false)),
            (watch(), "15000.00", pieces("2"), "0", "0", Some(false)),
            (beer(), "100", millilitres("8000"), "0", "2.024", Some(true)),
            (beer(), "26.58", millilitres("10000"), "0", "2.53", Some(true)),
            (beer(), "26.57", millilitres("10000"), "0", "2.227", Some(false)),
        ] {
            let levy = row.consumption.levy(dec(dutiable), &contents).unwrap();
            let wanted = (dec(rate), dec(specific), met);
            assert_eq!((levy.rate, levy.specific, levy.trigger.map(|t| t.met)), wanted, "{} at {dutiable}", row.hs);
        }
    }

    #[test]
    fn a_trigger_knows_its_least_price() {
        let levy = beer().consumption.levy(dec("1"), &millilitres("10000")).unwrap();
        assert_eq!(levy.trigger.and_then(|t| t.boundary_minor()), Some(2_658));
    }

    #[test]
    fn contents_that_decide_must_be_stated() {
        for (row, contents, missing) in [
            (cosmetics(), Contents::default(), "pcs / ml / g"),
            (cosmetics(), grams("0"), "pcs / ml / g"),
            (whisky(), grams("700"), "L"),
            (beer(), pieces("6"), "L"),
            (watch(), grams("120"), "pcs"),
        ] {
            let refusal = row.consumption.levy(dec("100"), &contents).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::Incomplete, "{}", row.hs);
            assert_eq!(refusal.details.get("missing").map(String::as_str), Some(missing), "{}", row.hs);
        }
    }

    #[test]
    fn rates_are_fractions_and_days_in_order() {
        let percent = TariffRow { vat_rate: dec("13"), ..water() };
        let negative = TariffRow { provisional_rate: Some(dec("-0.01")), ..water() };
        let whole = TariffRow { consumption: Consumption::AdValorem { rate: dec("1") }, ..water() };
        let backwards = TariffRow { to: Some(water().from), ..water() };
        let untriggered = Consumption::AdValoremFrom { rate: dec("0.15"), triggers: Vec::new() };
        let untriggered = TariffRow { consumption: untriggered, ..water() };
        for (row, field) in [
            (percent, "vatRate"),
            (negative, "provisionalRate"),
            (whole, "consumption"),
            (untriggered, "consumption"),
            (backwards, "to"),
        ] {
            let refusals = row.checked().unwrap_err();
            assert_eq!(refusals.iter().map(|r| r.field.join(".")).collect::<Vec<_>>(), [field]);
        }
        assert!(water().checked().is_ok());
        let provisional = TariffRow { provisional_rate: Some(dec("0")), ..water() };
        assert_eq!((water().duty_rate(), provisional.duty_rate()), (dec("0.05"), dec("0")));
    }

    #[test]
    fn consumption_survives_being_kept_as_json() {
        for row in [water(), whisky(), cosmetics(), beer()] {
            let json = serde_json::to_string(&row).unwrap();
            assert_eq!(serde_json::from_str::<TariffRow>(&json).unwrap(), row, "{json}");
        }
    }
}
