//! What one piece costs where the buyer needs it (到岸成本): the price of a quotation, whatever its Incoterm, brought to
//! the same place and the same currency.
//!
//! ```text
//! price + carriage to the port (EXW, FAS) + freight (EXW, FAS, FCA, FOB) = CF
//! insurance = CF x u x r / (1 - u x r)      u: insured for so much of the CIF value, r: the rate
//! (CF + insurance) x rate of exchange = customs value;  + duty of it  + carriage from the port = landed cost
//! ```
//!
//! - delivered at place (DAP, DPU): the price is the customs value, and nothing is carried further; duty paid (DDP): it
//!   is all there is to pay;
//! - a term says nothing of borders: duty is added to whatever is not duty paid. Goods that are made and delivered
//!   within the country bear none, and are given a rate of 0;
//! - import VAT is no cost of a buyer that deducts it, and is not in here;
//! - nothing is rounded on the way, and what is shown or compared is rounded once, half up to four digits.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::{
    ordering::Incoterm,
    values::{ErrorCode, Money, Refusal},
};

/// Digits that a landed cost is shown and compared with.
pub const DIGITS: u32 = 4;

/// What has to be added to a price under an Incoterm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "five costs that a term includes or does not")]
pub struct Needs {
    /// Carriage to the port or place of departure.
    pub origin: bool,
    /// The main carriage.
    pub freight: bool,
    /// Insurance.
    pub insurance: bool,
    /// Import duty.
    pub duty: bool,
    /// Carriage from the port or place of arrival.
    pub destination: bool,
}

/// What has to be added to a price under an Incoterm.
pub fn needs(incoterm: Incoterm) -> Needs {
    use Incoterm::{Cfr, Cpt, Dap, Ddp, Dpu, Exw, Fas, Fca, Fob};
    Needs {
        origin: matches!(incoterm, Exw | Fas),
        freight: matches!(incoterm, Exw | Fas | Fca | Fob),
        insurance: matches!(incoterm, Exw | Fas | Fca | Fob | Cfr | Cpt),
        duty: incoterm != Ddp,
        destination: !matches!(incoterm, Dap | Dpu | Ddp),
    }
}

/// What the landed cost of one piece is made of. What its Incoterm includes is not added, whatever stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The price, in the quotation's currency.
    pub price: Decimal,
    /// Who pays what.
    pub incoterm: Incoterm,
    /// One unit of the quotation's currency in the one that is compared in.
    pub fx: Decimal,
    /// Carriage to the port, in the quotation's currency.
    pub origin: Decimal,
    /// Freight, in the quotation's currency.
    pub freight: Decimal,
    /// The rate of insurance: 0.003 is 0.3 %.
    pub insurance_rate: Decimal,
    /// For how much of the CIF value it is insured: 1.1 is 110 %.
    pub uplift: Decimal,
    /// The rate of import duty.
    pub duty_rate: Decimal,
    /// Carriage from the port, in the currency that is compared in.
    pub destination: Decimal,
}

/// How a landed cost comes about. All of one piece; the first three in the quotation's currency, the rest in the one
/// that is compared in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    /// Price and carriage, without insurance (C&F).
    pub cf: Decimal,
    /// Insurance.
    pub insurance: Decimal,
    /// Both (CIF).
    pub cif: Decimal,
    /// The same in the currency that is compared in: what duty is levied on (完税价格).
    pub customs_value: Decimal,
    /// Import duty (关税).
    pub duty: Decimal,
    /// All of it (到岸成本).
    pub landed: Decimal,
}

impl Steps {
    /// The same as it is shown: each half up to exactly four digits.
    #[must_use]
    pub fn shown(&self) -> Self {
        Self {
            cf: shown(self.cf),
            insurance: shown(self.insurance),
            cif: shown(self.cif),
            customs_value: shown(self.customs_value),
            duty: shown(self.duty),
            landed: shown(self.landed),
        }
    }
}

/// An amount as it is shown and compared: half up to exactly four digits.
pub fn shown(amount: Decimal) -> Decimal {
    let mut rounded = amount.round_dp_with_strategy(DIGITS, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(DIGITS);
    rounded
}

/// The landed cost of one piece, unrounded. Refused when it is beyond what can be counted.
pub fn landed(terms: &Terms) -> Result<Steps, Refusal> {
    steps(terms)
        .ok_or_else(|| Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", Money::MAX_MINOR.to_string()))
}

fn steps(terms: &Terms) -> Option<Steps> {
    let needs = needs(terms.incoterm);
    let part = |needed: bool, amount: Decimal| if needed { amount } else { Decimal::ZERO };
    let carried = part(needs.origin, terms.origin).checked_add(part(needs.freight, terms.freight))?;
    let cf = terms.price.checked_add(carried)?;
    let insurance = part(needs.insurance, insured(cf, terms.insurance_rate, terms.uplift)?);
    let cif = cf.checked_add(insurance)?;
    let customs_value = cif.checked_mul(terms.fx)?;
    let duty = part(needs.duty, customs_value.checked_mul(terms.duty_rate)?);
    let landed = customs_value.checked_add(duty)?.checked_add(part(needs.destination, terms.destination))?;
    Some(Steps { cf, insurance, cif, customs_value, duty, landed })
}

/// Insurance of what is insured for a share of its own CIF value; the division comes last.
fn insured(cf: Decimal, rate: Decimal, uplift: Decimal) -> Option<Decimal> {
    let share = uplift.checked_mul(rate)?;
    let rest = Decimal::ONE.checked_sub(share).filter(|rest| *rest > Decimal::ZERO)?;
    cf.checked_mul(share)?.checked_div(rest)
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn terms(incoterm: Incoterm, price: &str, fx: &str) -> Terms {
        Terms {
            price: dec(price),
            incoterm,
            fx: dec(fx),
            origin: Decimal::ZERO,
            freight: dec("0.80"),
            insurance_rate: dec("0.003"),
            uplift: dec("1.1"),
            duty_rate: dec("0.05"),
            destination: Decimal::ZERO,
        }
    }

    fn told(terms: &Terms) -> [String; 6] {
        let steps = landed(terms).unwrap().shown();
        [steps.cf, steps.insurance, steps.cif, steps.customs_value, steps.duty, steps.landed].map(|n| n.to_string())
    }

    #[test]
    fn suppliers_of_b5() {
        let (a, b, c) = (
            terms(Incoterm::Fob, "10.00", "7.10"),
            terms(Incoterm::Cif, "10.95", "7.10"),
            terms(Incoterm::Ddp, "82.00", "1"),
        );
        assert_eq!(told(&a), ["10.8000", "0.0358", "10.8358", "76.9339", "3.8467", "80.7806"]);
        assert_eq!(told(&b), ["10.9500", "0.0000", "10.9500", "77.7450", "3.8873", "81.6323"]);
        assert_eq!(told(&c), ["82.0000", "0.0000", "82.0000", "82.0000", "0.0000", "82.0000"]);
    }

    #[test]
    fn what_a_term_includes_is_not_added_again() {
        let exw = Terms { origin: dec("0.50"), destination: dec("1.2"), ..terms(Incoterm::Exw, "9.50", "7.10") };
        assert_eq!(told(&exw), ["10.8000", "0.0358", "10.8358", "76.9339", "3.8467", "81.9806"]);
        assert_eq!(told(&Terms { incoterm: Incoterm::Fas, ..exw }), told(&exw));
        let fca = Terms { origin: dec("0.50"), ..terms(Incoterm::Fca, "10.00", "7.10") };
        assert_eq!(told(&fca), told(&terms(Incoterm::Fob, "10.00", "7.10")), "carriage to the port is in the price");
        for term in [Incoterm::Cfr, Incoterm::Cpt] {
            assert_eq!(told(&terms(term, "10.80", "7.10")), told(&terms(Incoterm::Fob, "10.00", "7.10")), "{term:?}");
        }
        let delivered = ["11.4000", "0.0000", "11.4000", "80.9400", "4.0470", "84.9870"];
        for term in [Incoterm::Dap, Incoterm::Dpu] {
            let terms = Terms { destination: dec("1.2"), ..terms(term, "11.40", "7.10") };
            assert_eq!(told(&terms), delivered, "{term:?}");
        }
        assert_eq!(told(&terms(Incoterm::Cip, "10.95", "7.10")), told(&terms(Incoterm::Cif, "10.95", "7.10")));
    }

    #[test]
    fn each_term_needs_what_its_price_leaves_out() {
        use Incoterm::{Cfr, Cif, Cip, Cpt, Dap, Ddp, Dpu, Exw, Fas, Fca, Fob};
        let table = [
            (Exw, "ofidc"),
            (Fas, "ofidc"),
            (Fca, "fidc"),
            (Fob, "fidc"),
            (Cfr, "idc"),
            (Cpt, "idc"),
            (Cif, "dc"),
            (Cip, "dc"),
            (Dap, "d"),
            (Dpu, "d"),
            (Ddp, ""),
        ];
        assert_eq!(Incoterm::iter().count(), table.len());
        for (term, expected) in table {
            let needs = needs(term);
            let all = [
                (needs.origin, 'o'),
                (needs.freight, 'f'),
                (needs.insurance, 'i'),
                (needs.duty, 'd'),
                (needs.destination, 'c'),
            ];
            let found: String = all.iter().filter(|(needed, _)| *needed).map(|(_, letter)| *letter).collect();
            assert_eq!(found, expected, "{term:?}");
        }
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        let whole = Terms { uplift: dec("1"), insurance_rate: dec("1"), ..terms(Incoterm::Fob, "10.00", "7.10") };
        assert_eq!(landed(&whole).unwrap_err().code, ErrorCode::OutOfRange, "insurance takes it all");
        let endless = Terms { fx: Decimal::MAX, ..terms(Incoterm::Ddp, "82.00", "1") };
        assert_eq!(landed(&endless).unwrap_err().code, ErrorCode::OutOfRange);
    }

    #[test]
    fn half_a_step_is_rounded_up() {
        for (amount, expected) in [("81.63225", "81.6323"), ("81.63224999", "81.6322"), ("82", "82.0000")] {
            assert_eq!(shown(dec(amount)).to_string(), expected);
        }
    }
}
