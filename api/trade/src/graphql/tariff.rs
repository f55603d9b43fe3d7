//! Tariff rows and consumption tax. Rates are whole parts per million: 130000 is 13 %.

use async_graphql::{Enum, ID, InputObject, Object, SimpleObject};
use chrono::NaiveDate;
use entities::{
    trade::{Consumption, Measure, TariffRow, tariff::Trigger, tariff_row, tariff_row::fraction},
    values::{CustomsUnit, ErrorCode, Refusal, Refusals, refusal::Check},
};
use platform::graphql::encode;
use rust_decimal::Decimal;

/// The rates of an HS code from a day on (税率).
#[derive(Clone, Debug)]
pub struct Tariff(pub tariff_row::Model);

/// The rates of an HS code from a day on (税率).
#[Object]
impl Tariff {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The HS code, 10 digits (海关商品编码).
    async fn hs_code(&self) -> &str {
        self.0.hs_code.as_str()
    }

    /// First day.
    async fn valid_from(&self) -> NaiveDate {
        self.0.valid_from
    }

    /// First day on which it does not hold any more; none: until another row of the code begins.
    async fn valid_to(&self) -> Option<NaiveDate> {
        self.0.valid_to
    }

    /// Most-favoured-nation duty, in parts per million (最惠国税率).
    async fn mfn_ppm(&self) -> i32 {
        self.0.mfn_ppm
    }

    /// Provisional duty, which goes before the other one, in parts per million (暂定税率).
    async fn provisional_ppm(&self) -> Option<i32> {
        self.0.provisional_ppm
    }

    /// Import VAT, in parts per million (增值税率).
    async fn vat_ppm(&self) -> i32 {
        self.0.vat_ppm
    }

    /// Consumption tax (消费税).
    async fn consumption_tax(&self) -> ConsumptionTax {
        (&self.0.consumption).into()
    }

    /// First legal unit, customs' number; none: the row does not say it (第一法定单位).
    async fn unit1(&self) -> Option<&str> {
        self.0.unit1.as_ref().map(CustomsUnit::as_str)
    }

    /// Second legal unit, where there is one (第二法定单位).
    async fn unit2(&self) -> Option<&str> {
        self.0.unit2.as_ref().map(CustomsUnit::as_str)
    }

    /// The notice that it comes from.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// Counts up with every change; send it back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// How consumption tax is levied (消费税计征方式).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ConsumptionTaxKind {
    /// Not at all (不征).
    None,
    /// By value (从价).
    AdValorem,
    /// By value and by quantity (复合).
    Compound,
    /// By value from a price on, nothing below (达到起征价格从价).
    AdValoremFrom,
    /// By quantity, with one amount from a price on and another below (从量).
    SpecificByPrice,
}

/// How goods of a tariff row are taxed by consumption tax (消费税).
#[derive(Clone, Debug, SimpleObject)]
pub struct ConsumptionTax {
    /// The way.
    kind: ConsumptionTaxKind,
    /// The rate by value, in parts per million.
    rate_ppm: Option<i32>,
    /// CNY by quantity; from the first trigger on, where there is one. A decimal number.
    specific: Option<String>,
    /// CNY by quantity below the first trigger. A decimal number.
    specific_below: Option<String>,
    /// What `specific` is counted per.
    per: Option<Measure>,
    /// Prices from which on it is levied otherwise; the first one whose measure the goods state decides.
    triggers: Vec<PriceTrigger>,
}

/// A dutiable price from which on consumption tax is levied otherwise (起征价格).
#[derive(Clone, Debug, SimpleObject)]
pub struct PriceTrigger {
    /// What the price is counted per.
    per: Measure,
    /// CNY per measure, without VAT; the threshold itself is above it. A decimal number.
    threshold: String,
}

impl From<&Trigger> for PriceTrigger {
    fn from(trigger: &Trigger) -> Self {
        Self { per: trigger.per, threshold: trigger.threshold.normalize().to_string() }
    }
}

impl From<&Consumption> for ConsumptionTax {
    fn from(tax: &Consumption) -> Self {
        let ppm = |rate: &Decimal| tariff_row::ppm(*rate).ok();
        let text = |amount: &Decimal| Some(amount.normalize().to_string());
        let none = Self {
            kind: ConsumptionTaxKind::None,
            rate_ppm: None,
            specific: None,
            specific_below: None,
            per: None,
            triggers: Vec::new(),
        };
        match tax {
            Consumption::None => none,
            Consumption::AdValorem { rate } => {
                Self { kind: ConsumptionTaxKind::AdValorem, rate_ppm: ppm(rate), ..none }
            }
            Consumption::Compound { rate, specific, per } => Self {
                kind: ConsumptionTaxKind::Compound,
                rate_ppm: ppm(rate),
                specific: text(specific),
                per: Some(*per),
                ..none
            },
            Consumption::AdValoremFrom { rate, triggers } => Self {
                kind: ConsumptionTaxKind::AdValoremFrom,
                rate_ppm: ppm(rate),
                triggers: triggers.iter().map(PriceTrigger::from).collect(),
                ..none
            },
            Consumption::SpecificByPrice { trigger, from, below } => Self {
                kind: ConsumptionTaxKind::SpecificByPrice,
                specific: text(from),
                specific_below: text(below),
                per: Some(trigger.per),
                triggers: vec![trigger.into()],
                ..none
            },
        }
    }
}

/// Consumption tax of a tariff row (消费税). What its kind does not need stays away.
#[derive(Clone, Debug, InputObject)]
pub(super) struct ConsumptionTaxInput {
    /// The way.
    kind: ConsumptionTaxKind,
    /// The rate by value, in parts per million.
    rate_ppm: Option<i32>,
    /// CNY by quantity; from the trigger on, where there is one. A decimal number.
    specific: Option<String>,
    /// CNY by quantity below the trigger. A decimal number.
    specific_below: Option<String>,
    /// What `specific` is counted per; of `SPECIFIC_BY_PRICE` this is said by the trigger.
    per: Option<Measure>,
    /// Prices from which on it is levied otherwise, at most 5; one for `SPECIFIC_BY_PRICE`.
    triggers: Option<Vec<PriceTriggerInput>>,
}

/// A dutiable price from which on consumption tax is levied otherwise (起征价格).
#[derive(Clone, Debug, InputObject)]
pub(super) struct PriceTriggerInput {
    /// What the price is counted per.
    per: Measure,
    /// CNY per measure, without VAT. A decimal number.
    threshold: String,
}

/// A decimal number of at most 20 digits, as people write one.
fn number(text: &str) -> Result<Decimal, Refusal> {
    let plain = !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.parse()
        .ok()
        .filter(|_| plain)
        .ok_or_else(|| Refusal::new(ErrorCode::InvalidValue).with("value", text.chars().take(60).collect::<String>()))
}

impl ConsumptionTaxInput {
    fn read(&self) -> Result<Consumption, Refusals> {
        let missing = || Refusal::new(ErrorCode::Required);
        let mut check = Check::default();
        let mut amount = |field: &str, text: &Option<String>| {
            check.take(field, text.as_deref().ok_or_else(missing).and_then(number)).unwrap_or_default()
        };
        let read = match self.kind {
            ConsumptionTaxKind::None => Consumption::None,
            ConsumptionTaxKind::AdValorem => Consumption::AdValorem { rate: self.rate(&mut check) },
            ConsumptionTaxKind::Compound => {
                let specific = amount("specific", &self.specific);
                let per = check.take("per", self.per.ok_or_else(missing)).unwrap_or(Measure::Litre);
                Consumption::Compound { rate: self.rate(&mut check), specific, per }
            }
            ConsumptionTaxKind::AdValoremFrom => {
                let triggers = self.triggers(&mut check);
                Consumption::AdValoremFrom { rate: self.rate(&mut check), triggers }
            }
            ConsumptionTaxKind::SpecificByPrice => {
                let (from, below) = (amount("specific", &self.specific), amount("specificBelow", &self.specific_below));
                if let [trigger] = self.triggers(&mut check)[..] {
                    Consumption::SpecificByPrice { trigger, from, below }
                } else {
                    check.0.push(missing().at("triggers"));
                    Consumption::None
                }
            }
        };
        check.done(read)
    }

    fn rate(&self, check: &mut Check) -> Decimal {
        let ppm = self.rate_ppm.ok_or_else(|| Refusal::new(ErrorCode::Required));
        fraction(check.take("ratePpm", ppm).unwrap_or_default())
    }

    fn triggers(&self, check: &mut Check) -> Vec<Trigger> {
        let mut triggers = Vec::new();
        // One more than may be, so that too many are refused and not cut off.
        for (n, trigger) in self.triggers.iter().flatten().take(6).enumerate() {
            let threshold = number(&trigger.threshold).map_err(|r| r.at("threshold").at(n.to_string()));
            let threshold = check.take("triggers", threshold).unwrap_or_default();
            triggers.push(Trigger { per: trigger.per, threshold });
        }
        triggers
    }
}

/// A tariff row (设置税率).
#[derive(Clone, Debug, InputObject)]
pub(super) struct SetTariffInput {
    /// The HS code, 10 digits.
    hs_code: String,
    /// First day. A row of the code with this first day is replaced.
    valid_from: NaiveDate,
    /// First day on which it does not hold any more; none: until another row of the code begins.
    valid_to: Option<NaiveDate>,
    /// Most-favoured-nation duty, in parts per million: 50000 is 5 %.
    mfn_ppm: i32,
    /// Provisional duty, which goes before the other one, in parts per million.
    provisional_ppm: Option<i32>,
    /// Import VAT, in parts per million: 130000 is 13 %.
    vat_ppm: i32,
    /// Consumption tax; none: not levied.
    consumption_tax: Option<ConsumptionTaxInput>,
    /// First legal unit, three digits: 035 is kilogram. Goods of the code are filed in the units of its row.
    unit1: Option<String>,
    /// Second legal unit, where there is one.
    unit2: Option<String>,
    /// The notice that it comes from.
    source: String,
    /// The version that was read, when there is a row with this first day.
    pub(super) expected_version: Option<i32>,
    /// Known by it, a repeat answers the same.
    pub(super) client_mutation_id: Option<String>,
}

impl SetTariffInput {
    pub(super) fn row(&self) -> Result<TariffRow, Refusals> {
        let mut check = Check::default();
        let hs = check.take("hsCode", self.hs_code.parse());
        let consumption = match self.consumption_tax.as_ref().map(ConsumptionTaxInput::read) {
            None => Consumption::None,
            Some(Ok(tax)) => tax,
            Some(Err(refusals)) => {
                check.0.extend(refusals.into_iter().map(|refusal| refusal.at("consumptionTax")));
                Consumption::None
            }
        };
        let unit1 = self.unit1.as_deref().and_then(|unit| check.take("unit1", unit.parse()));
        let unit2 = self.unit2.as_deref().and_then(|unit| check.take("unit2", unit.parse()));
        let Some(hs) = hs else { return Err(check.0) };
        check.done(TariffRow {
            hs,
            from: self.valid_from,
            to: self.valid_to,
            mfn_rate: fraction(self.mfn_ppm),
            provisional_rate: self.provisional_ppm.map(fraction),
            vat_rate: fraction(self.vat_ppm),
            consumption,
            unit1,
            unit2,
            source: self.source.clone(),
        })
    }
}
