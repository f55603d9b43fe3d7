//! Finance before there is an invoice: of purchase orders (订单融资), and of a distributor's prepayment (预付款融资).
//!
//! - A seller draws a share of an order. When it delivers and bills, the advance on the receivable takes the draw's
//!   place: it first pays the interest, then the draw, and only the rest goes to the seller (A6: of 400,000 on an
//!   invoice 300,000 and its interest go back to the bank).
//! - As long as something is drawn, the order may not be cut below what that needs, unless the bank agrees.
//! - A distributor's goods are let go as it pays the loan back, each in proportion to its own share in them: 70,000 of
//!   a loan of 70% set 100,000 free (A10). The deposit pays nothing back: it lies in the goods to the last, which go
//!   with the last of the loan.
//!
//! Shares of what may be lent are rounded down, bounds that protect the bank up. Amounts are in minor units of one
//! currency.

use sea_orm::entity::prelude::*;

use crate::{procurement::terms::WHOLE_PPM, values::Refusal};

/// State of what was advanced on an order (订单融资状态).
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
#[graphql(name = "PurchaseAdvanceState")]
pub enum AdvanceState {
    /// The bank agreed; nothing is drawn yet (已批准).
    Approved,
    /// Something is drawn (已放款).
    Drawn,
    /// The advance on the receivable paid it (已转为应收融资).
    Converted,
    /// The seller paid it (已还款).
    Repaid,
    /// Nobody paid it (已违约).
    Defaulted,
}

/// A step of it (订单融资操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum AdvanceStep {
    /// The bank reports that it paid out, the first part or another.
    Draw,
    /// The advance on the receivable paid all of it.
    Convert,
    /// The seller paid what was left.
    Repay,
    /// The bank gives up that it is paid in time.
    Default,
}

impl AdvanceStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [AdvanceState], AdvanceState) {
        use AdvanceState::{Approved, Converted, Defaulted, Drawn, Repaid};
        match self {
            Self::Draw => (&[Approved, Drawn], Drawn),
            Self::Convert => (&[Drawn], Converted),
            Self::Repay => (&[Drawn], Repaid),
            Self::Default => (&[Drawn], Defaulted),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: AdvanceState) -> Result<AdvanceState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        Err(Refusal::illegal(state, format!("{self:?}").to_uppercase()))
    }
}

/// The share of an amount that may be advanced, rounded down: of an order, of an invoice.
pub fn most(of_minor: i64, advance_ppm: i32) -> i64 {
    let exact = i128::from(of_minor.max(0)) * i128::from(advance_ppm.clamp(0, WHOLE_PPM));
    i64::try_from(exact / i128::from(WHOLE_PPM)).unwrap_or(i64::MAX)
}

/// How much more may be drawn on an order (可提款额).
pub fn drawable(order_minor: i64, advance_ppm: i32, drawn_minor: i64) -> i64 {
    most(order_minor, advance_ppm).saturating_sub(drawn_minor).max(0)
}

/// The least that an order has to be worth, so that what is drawn keeps within the share (订单最低金额); none: no order is
/// worth enough. What was paid back is not drawn any more.
pub fn least_order(drawn_minor: i64, advance_ppm: i32) -> Option<i64> {
    if drawn_minor <= 0 {
        return Some(0);
    }
    if !(1..=WHOLE_PPM).contains(&advance_ppm) {
        return None;
    }
    let (drawn, share) = (i128::from(drawn_minor) * i128::from(WHOLE_PPM), i128::from(advance_ppm));
    i64::try_from(drawn / share + i128::from(drawn % share > 0)).ok()
}

/// Whether an order may be cut to an amount: with what the bank says, or with enough left.
pub fn may_cut_to(order_minor: i64, drawn_minor: i64, advance_ppm: i32, bank_agrees: bool) -> bool {
    bank_agrees || least_order(drawn_minor, advance_ppm).is_some_and(|least| order_minor >= least)
}

/// What becomes of the advance on a receivable whose order was drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Of it, what pays the interest of the draw.
    pub interest_minor: i64,
    /// Of it, what pays back the draw.
    pub principal_minor: i64,
    /// Of it, what the seller gets.
    pub net_minor: i64,
    /// What of the draw it does not pay back.
    pub principal_left_minor: i64,
    /// What of the interest it does not pay.
    pub interest_left_minor: i64,
}

impl Conversion {
    /// Whether it takes the whole of the draw's place. Otherwise the draw lives on with what is left.
    pub fn is_whole(&self) -> bool {
        self.principal_left_minor == 0 && self.interest_left_minor == 0
    }
}

/// What an advance on a receivable pays: interest, then the draw, then the seller.
pub fn convert(advance_minor: i64, drawn_minor: i64, interest_minor: i64) -> Conversion {
    let (advance, drawn, interest) = (advance_minor.max(0), drawn_minor.max(0), interest_minor.max(0));
    let to_interest = interest.min(advance);
    let to_principal = drawn.min(advance - to_interest);
    Conversion {
        interest_minor: to_interest,
        principal_minor: to_principal,
        net_minor: advance - to_interest - to_principal,
        principal_left_minor: drawn - to_principal,
        interest_left_minor: interest - to_interest,
    }
}

/// A distributor's order that a bank paid, less the deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepayment {
    /// What the goods cost.
    pub order_minor: i64,
    /// What of that the distributor paid first (首付保证金).
    pub deposit_minor: i64,
    /// What of the loan it paid back so far.
    pub repaid_minor: i64,
    /// What the goods cost that were let go so far.
    pub released_minor: i64,
}

impl Prepayment {
    /// An order with a deposit in parts per million of it; the loan is rounded down.
    pub fn agreed(order_minor: i64, deposit_ppm: i32) -> Self {
        let loan = most(order_minor, WHOLE_PPM.saturating_sub(deposit_ppm));
        Self { order_minor, deposit_minor: order_minor.saturating_sub(loan), repaid_minor: 0, released_minor: 0 }
    }

    /// What the bank lent.
    pub fn loan_minor(&self) -> i64 {
        self.order_minor.saturating_sub(self.deposit_minor)
    }

    /// What the goods cost that may be let go in all, by what was paid back: that divided by the loan's share in the
    /// order, rounded down; all of them when nothing is owed any more.
    pub fn free_minor(&self) -> i64 {
        let (loan, repaid) = (self.loan_minor(), self.repaid_minor.max(0));
        if repaid >= loan {
            return self.order_minor;
        }
        let goods = i128::from(repaid) * i128::from(self.order_minor) / i128::from(loan);
        i64::try_from(goods).unwrap_or(self.order_minor)
    }

    /// What of that has not gone yet (可提货价值).
    pub fn releasable_minor(&self) -> i64 {
        self.free_minor().saturating_sub(self.released_minor).max(0)
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn what_is_advanced_on_an_order_goes_along_its_table() {
        use AdvanceState::{Approved, Converted, Defaulted, Drawn, Repaid};
        use AdvanceStep as S;
        let table = [
            (S::Draw, Approved, Drawn),
            (S::Draw, Drawn, Drawn),
            (S::Convert, Drawn, Converted),
            (S::Repay, Drawn, Repaid),
            (S::Default, Drawn, Defaulted),
        ];
        for step in S::iter() {
            for state in AdvanceState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }

    #[test]
    fn the_order_of_a6() {
        assert_eq!(most(50_000_000, 600_000), 30_000_000);
        assert_eq!(drawable(50_000_000, 600_000, 0), 30_000_000);
        assert_eq!(drawable(50_000_000, 600_000, 20_000_000), 10_000_000);
        assert_eq!(least_order(30_000_000, 600_000), Some(50_000_000));
        let advance = most(50_000_000, 800_000);
        assert_eq!(advance, 40_000_000);
        // 45 days at 5.4% of 360.
        let interest = 202_500;
        let converted = convert(advance, 30_000_000, interest);
        assert_eq!(
            (converted.principal_minor, converted.interest_minor, converted.net_minor),
            (30_000_000, interest, 10_000_000 - interest)
        );
        assert!(converted.is_whole());
    }

    #[test]
    fn an_advance_pays_interest_then_the_draw_then_the_seller() {
        for (advance, drawn, interest, expected) in [
            (40_000, 30_000, 200, (200, 30_000, 9_800, 0, 0)),
            (30_200, 30_000, 200, (200, 30_000, 0, 0, 0)),
            (30_100, 30_000, 200, (200, 29_900, 0, 100, 0)),
            (150, 30_000, 200, (150, 0, 0, 30_000, 50)),
            (0, 30_000, 200, (0, 0, 0, 30_000, 200)),
            (500, 0, 0, (0, 0, 500, 0, 0)),
        ] {
            let got = convert(advance, drawn, interest);
            let parts = (
                got.interest_minor,
                got.principal_minor,
                got.net_minor,
                got.principal_left_minor,
                got.interest_left_minor,
            );
            assert_eq!(parts, expected, "{advance} on {drawn} and {interest}");
            assert_eq!(got.is_whole(), expected.3 + expected.4 == 0);
        }
    }

    #[test]
    fn an_order_is_not_cut_below_what_was_drawn_unless_the_bank_agrees() {
        for (order, drawn, ppm, agrees, may) in [
            (50_000_000, 30_000_000, 600_000, false, true),
            (49_999_999, 30_000_000, 600_000, false, false),
            (49_999_999, 30_000_000, 600_000, true, true),
            (0, 0, 600_000, false, true),
            // 100 of a third are 300 and a little.
            (300, 100, 333_333, false, false),
            (301, 100, 333_333, false, true),
            (301, 100, 0, false, false),
        ] {
            assert_eq!(may_cut_to(order, drawn, ppm, agrees), may, "to {order} with {drawn} drawn");
        }
        assert_eq!(least_order(i64::MAX, 1), None);
    }

    #[test]
    fn the_prepayment_of_a10() {
        let agreed = Prepayment::agreed(100_000_000, 300_000);
        assert_eq!((agreed.deposit_minor, agreed.loan_minor(), agreed.releasable_minor()), (30_000_000, 70_000_000, 0));
        let paid = Prepayment { repaid_minor: 7_000_000, ..agreed };
        assert_eq!(paid.releasable_minor(), 10_000_000);
        assert_eq!(Prepayment { released_minor: 10_000_000, ..paid }.releasable_minor(), 0);
        for (repaid, released, releasable) in [
            (1, 0, 1),
            (7, 0, 10),
            (8, 10, 1),
            (69_999_999, 0, 99_999_998),
            (70_000_000, 99_999_998, 2),
            (80_000_000, 0, 100_000_000),
            (0, 0, 0),
        ] {
            let now = Prepayment { repaid_minor: repaid, released_minor: released, ..agreed };
            assert_eq!(now.releasable_minor(), releasable, "{repaid} paid, {released} gone");
        }
        assert_eq!(Prepayment::agreed(500, WHOLE_PPM).releasable_minor(), 500, "nothing was lent");
    }

    proptest::proptest! {
        #[test]
        fn an_order_of_the_least_carries_what_was_drawn_and_a_smaller_one_does_not(
            drawn in 1..1_000_000_000_000_i64, ppm in 1..=WHOLE_PPM
        ) {
            let least = least_order(drawn, ppm).unwrap();
            proptest::prop_assert!(most(least, ppm) >= drawn && most(least - 1, ppm) < drawn);
        }

        #[test]
        fn nothing_of_an_advance_is_lost(
            advance in 0..1_000_000_000_i64, drawn in 0..1_000_000_000_i64, interest in 0..1_000_000_i64
        ) {
            let got = convert(advance, drawn, interest);
            proptest::prop_assert_eq!(got.interest_minor + got.principal_minor + got.net_minor, advance);
            proptest::prop_assert_eq!(got.principal_minor + got.principal_left_minor, drawn);
            proptest::prop_assert_eq!(got.interest_minor + got.interest_left_minor, interest);
            proptest::prop_assert!(got.net_minor == 0 || got.is_whole());
        }

        #[test]
        fn what_is_held_secures_what_is_owed(
            order in 1..1_000_000_000_i64, ppm in 0..=WHOLE_PPM, repaid in 0..1_000_000_000_i64
        ) {
            let now = Prepayment { repaid_minor: repaid, ..Prepayment::agreed(order, ppm) };
            let (held, owed) = (order - now.free_minor(), (now.loan_minor() - repaid).max(0));
            // The goods that are left carry the loan at its share, or better.
            let carried = i128::from(held) * i128::from(now.loan_minor());
            proptest::prop_assert!(carried >= i128::from(owed) * i128::from(order));
            proptest::prop_assert!(held >= 0 && (owed > 0 || held == 0));
        }
    }
}
