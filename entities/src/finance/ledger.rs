//! The memo ledger of a financing (融资备查账) in double entry. Money moves at banks and is reported; the ledger says what
//! that makes of what is owed and to whom.
//!
//! - Each posting sums to nothing: its last leg is what the others leave.
//! - An account holds what the figures of the settlement say ([`balances`]): after any facts, in any order, the legs of
//!   all postings are that.
//! - Nothing is changed afterwards. What was wrong is posted once more with the other sign ([`reversed`]), and what
//!   follows from it, interest that runs on from the value date, is a posting of its own ([`recomputed`]).

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;

use super::{
    quote::Fee,
    settlement::{Allocation, Dues, Figures, Opening, WriteOff},
};

/// An account of the memo ledger of a financing (融资备查账科目). What the financier has or is owed is positive, what it
/// owes or earned is negative.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FinanceAccount {
    /// What was lent and is owed (本金).
    Principal,
    /// Interest that is owed (应收利息).
    Interest,
    /// Penalty interest that is owed (应收罚息).
    Penalty,
    /// Fees that are owed, with VAT (应收费用).
    Fee,
    /// What it cost to have it paid, and is owed (垫付费用).
    Cost,
    /// The part of the receivable that nothing was lent on: the other side of the reserve (未融资应收款备查).
    Unfunded,
    /// What is held back for the seller (保留款).
    Reserve,
    /// What came and is nobody's yet (待清分款项).
    CollectionSuspense,
    /// What is to be paid to the seller (应付卖方).
    SellerDue,
    /// What was written off (核销损失).
    Loss,
    /// What the bank paid and had, as it reports it: the house never touches it (银行资金备查).
    BankCash,
    /// What interest and fees earned, without VAT (融资收入).
    Income,
    /// VAT in fees (增值税).
    Vat,
}

/// A leg of a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Leg {
    /// Account.
    pub account: FinanceAccount,
    /// How much, signed, in minor units.
    pub amount_minor: i64,
}

/// Legs of one account as one, in the order of the accounts; none for what comes to nothing.
pub fn added(legs: impl IntoIterator<Item = Leg>) -> Vec<Leg> {
    let mut accounts: BTreeMap<FinanceAccount, i64> = BTreeMap::new();
    for leg in legs {
        let sum = accounts.entry(leg.account).or_default();
        *sum = sum.saturating_add(leg.amount_minor);
    }
    let left = accounts.into_iter().filter(|(_, amount_minor)| *amount_minor != 0);
    left.map(|(account, amount_minor)| Leg { account, amount_minor }).collect()
}

/// Legs that sum to nothing: these, and against them what they leave.
fn posting(against: FinanceAccount, amounts: &[(FinanceAccount, i64)]) -> Vec<Leg> {
    let rest = amounts.iter().map(|(_, amount_minor)| amount_minor).sum::<i64>();
    let legs = amounts.iter().copied().chain([(against, -rest)]);
    added(legs.map(|(account, amount_minor)| Leg { account, amount_minor }))
}

/// What is owed, by account.
fn owed(dues: &Dues, sign: i64) -> [(FinanceAccount, i64); 5] {
    [
        (FinanceAccount::Principal, sign * dues.principal_minor),
        (FinanceAccount::Interest, sign * dues.interest_minor),
        (FinanceAccount::Penalty, sign * dues.penalty_minor),
        (FinanceAccount::Fee, sign * dues.fee_minor),
        (FinanceAccount::Cost, sign * dues.cost_minor),
    ]
}

/// What is held back, and its other side.
fn held(reserve_minor: i64) -> [(FinanceAccount, i64); 2] {
    [(FinanceAccount::Unfunded, reserve_minor), (FinanceAccount::Reserve, -reserve_minor)]
}

/// It was paid out (放款): principal against what the seller got and what was taken off, a fee and, at the front,
/// interest.
pub fn disbursed(opening: &Opening) -> Vec<Leg> {
    let mut amounts = vec![
        (FinanceAccount::Principal, opening.principal_minor),
        (FinanceAccount::Income, -opening.withheld_minor - opening.fee.net_minor),
        (FinanceAccount::Vat, -opening.fee.vat_minor),
    ];
    amounts.extend(held(opening.face_minor - opening.principal_minor));
    posting(FinanceAccount::BankCash, &amounts)
}

/// Interest and penalty of some days (计提).
pub fn accrued(interest_minor: i64, penalty_minor: i64) -> Vec<Leg> {
    let amounts = [(FinanceAccount::Interest, interest_minor), (FinanceAccount::Penalty, penalty_minor)];
    posting(FinanceAccount::Income, &amounts)
}

/// Interest and penalty between two positions, of which the second is the first with interest until a later day.
pub fn accrued_between(before: &Figures, after: &Figures) -> Vec<Leg> {
    let more = after.charged.minus(&before.charged);
    accrued(more.interest_minor, more.penalty_minor)
}

/// Another fee is due (收费).
pub fn fee_charged(fee: &Fee) -> Vec<Leg> {
    let amounts = [(FinanceAccount::Fee, fee.gross_minor), (FinanceAccount::Vat, -fee.vat_minor)];
    posting(FinanceAccount::Income, &amounts)
}

/// The bank paid for having it paid (垫付实现债权费用).
pub fn cost_charged(amount_minor: i64) -> Vec<Leg> {
    posting(FinanceAccount::BankCash, &[(FinanceAccount::Cost, amount_minor)])
}

/// Money came: a collection, a repurchase or what a cover paid (回款、回购、赔付). Who paid stands in the allocation; what
/// each does to the accounts is the same. What is the seller's is in the reserve until it is released.
pub fn received(allocation: &Allocation) -> Vec<Leg> {
    let mut amounts = owed(&allocation.paid, -1).to_vec();
    amounts.extend([
        (FinanceAccount::Loss, -allocation.recovered_minor),
        (FinanceAccount::CollectionSuspense, -allocation.suspense_minor),
        (FinanceAccount::Reserve, -allocation.released_minor),
    ]);
    amounts.extend(held(allocation.reserve_change_minor));
    posting(FinanceAccount::BankCash, &amounts)
}

/// What of it is the seller's (尾款释放).
pub fn released(amount_minor: i64) -> Vec<Leg> {
    posting(FinanceAccount::SellerDue, &[(FinanceAccount::Reserve, amount_minor)])
}

/// Interest is given back to the seller (退息).
pub fn rebated(amount_minor: i64) -> Vec<Leg> {
    posting(FinanceAccount::SellerDue, &[(FinanceAccount::Income, amount_minor)])
}

/// All that follows from money that came: what it paid, what of it is the seller's, what is given back.
pub fn collected(allocation: &Allocation) -> Vec<Leg> {
    let postings =
        [received(allocation), released(allocation.released_minor), rebated(allocation.rebate_minor)].concat();
    added(postings)
}

/// A credit note (贸易抵减): less is held back. The change is below nothing.
pub fn credited(reserve_change_minor: i64) -> Vec<Leg> {
    let [(unfunded, amount_minor), _] = held(reserve_change_minor);
    posting(FinanceAccount::Reserve, &[(unfunded, amount_minor)])
}

/// What nobody pays any more (核销).
pub fn written_off(write_off: &WriteOff) -> Vec<Leg> {
    let mut amounts = owed(&write_off.dues, -1).to_vec();
    amounts.extend(held(write_off.reserve_change_minor));
    posting(FinanceAccount::Loss, &amounts)
}

/// The bank paid the seller what is its (支付卖方).
pub fn paid_out(amount_minor: i64) -> Vec<Leg> {
    posting(FinanceAccount::BankCash, &[(FinanceAccount::SellerDue, amount_minor)])
}

/// The bank gave back what was nobody's (退回待清分款项).
pub fn refunded(amount_minor: i64) -> Vec<Leg> {
    posting(FinanceAccount::BankCash, &[(FinanceAccount::CollectionSuspense, amount_minor)])
}

/// The same with the other sign (冲正).
pub fn reversed(legs: &[Leg]) -> Vec<Leg> {
    added(legs.iter().map(|leg| Leg { amount_minor: -leg.amount_minor, ..*leg }))
}

/// What each account holds, by the figures.
pub fn balances(figures: &Figures) -> Vec<Leg> {
    let charged = figures.charged;
    let earned =
        charged.interest_minor + charged.penalty_minor + charged.fee_minor - figures.vat_minor - figures.rebated_minor;
    let went = figures.disbursed_minor + charged.cost_minor + figures.paid_out_minor + figures.refunded_minor;
    let mut amounts = owed(&figures.due(), 1).to_vec();
    amounts.extend(held(figures.reserve_minor));
    amounts.extend([
        (FinanceAccount::CollectionSuspense, -figures.suspense_minor),
        (FinanceAccount::SellerDue, -figures.seller_due_minor()),
        (FinanceAccount::Loss, figures.loss_minor()),
        (FinanceAccount::BankCash, figures.received_minor - went),
        (FinanceAccount::Income, -earned),
        (FinanceAccount::Vat, -figures.vat_minor),
    ]);
    added(amounts.into_iter().map(|(account, amount_minor)| Leg { account, amount_minor }))
}

/// What leads from one position to another, however they came about.
pub fn moved(before: &Figures, after: &Figures) -> Vec<Leg> {
    added([balances(after), reversed(&balances(before))].concat())
}

/// What else follows when something was posted with the other sign: all that leads from one position to the other,
/// without that. Nothing, when nothing else changed.
pub fn recomputed(before: &Figures, after: &Figures, counter: &[Leg]) -> Vec<Leg> {
    added([moved(before, after), reversed(counter)].concat())
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::*;
    use crate::finance::{
        settlement::{
            Payer, Position,
            fixtures::{day, f3_opening, f3_position},
            fold::{Fact, What, fixtures::facts, settle},
        },
        terms::{Terms, Timing, fixtures::f3},
    };

    fn sum(legs: &[Leg]) -> i64 {
        legs.iter().map(|leg| leg.amount_minor).sum()
    }

    fn of(legs: &[Leg], account: FinanceAccount) -> i64 {
        legs.iter().filter(|leg| leg.account == account).map(|leg| leg.amount_minor).sum()
    }

    #[test]
    fn f3_is_paid_out_less_what_is_taken_off() {
        use FinanceAccount::{BankCash, Income, Principal, Reserve, Vat};
        for (timing, cash, income) in
            [(Timing::Front, -78_644_000, -1_056_000 - 283_019), (Timing::Rear, -79_700_000, -283_019)]
        {
            let legs = disbursed(&f3_opening(&f3(timing)));
            let found = [BankCash, Principal, Reserve, Income, Vat].map(|account| of(&legs, account));
            assert_eq!(found, [cash, 80_000_000, -20_000_000, income, -16_981], "{timing:?}");
            assert_eq!(sum(&legs), 0);
        }
    }

    #[test]
    fn f3_at_the_rear_leaves_nothing_but_what_was_earned() {
        use FinanceAccount::{BankCash, Income, SellerDue, Vat};
        let terms = f3(Timing::Rear);
        let (after, allocation) =
            f3_position(&terms).collect(&terms, Payer::Debtor, 100_000_000, day("2025-09-12")).unwrap();
        assert_eq!(of(&collected(&allocation), SellerDue), -18_944_000);
        let end = after.pay_out(18_944_000).unwrap();
        let left = balances(&end.figures);
        let accounts: Vec<FinanceAccount> = left.iter().map(|leg| leg.account).collect();
        assert_eq!(accounts, [BankCash, Income, Vat]);
        assert_eq!(of(&left, BankCash), 1_056_000 + 300_000);
    }

    #[test]
    fn what_is_posted_with_the_other_sign_is_gone_and_interest_runs_on() {
        use FinanceAccount::{Income, Interest};
        let terms = f3(Timing::Rear);
        let due = day("2025-09-12");
        let (half, allocation) =
            f3_position(&terms).collect(&terms, Payer::Debtor, 50_000_000, day("2025-08-15")).unwrap();
        let (before, after) = (half.accrue(&terms, due).unwrap(), f3_position(&terms).accrue(&terms, due).unwrap());
        let counter = reversed(&collected(&allocation));
        let follows = recomputed(&before.figures, &after.figures, &counter);
        // 28 days on what had been repaid.
        let more = 1_056_000 - 720_000 - 129_024;
        assert_eq!((follows.len(), of(&follows, Interest), of(&follows, Income)), (2, more, -more));
        assert!(added([collected(&allocation), counter].concat()).is_empty());
    }

    /// The postings of a fact, the interest before it included, and where it leads.
    fn posted(position: &Position, terms: &Terms, fact: &Fact) -> (Position, Vec<Vec<Leg>>) {
        let accrued = position.accrue(terms, fact.on).unwrap();
        let mut postings = vec![accrued_between(&position.figures, &accrued.figures)];
        let next = match fact.what {
            What::Cost(minor) => {
                postings.push(cost_charged(minor));
                accrued.charge_cost(minor).unwrap()
            }
            What::Charged(fee) => {
                postings.push(fee_charged(&fee));
                accrued.charge_fee(&fee).unwrap()
            }
            What::Credited(minor) => {
                let (next, change) = accrued.credit(minor).unwrap();
                postings.push(credited(change));
                next
            }
            What::Received(payer, minor) => {
                let (next, allocation) = accrued.collect(terms, payer, minor, fact.on).unwrap();
                postings.push(received(&allocation));
                postings.push(released(allocation.released_minor));
                postings.push(rebated(allocation.rebate_minor));
                next
            }
            What::WrittenOff => {
                let (next, off) = accrued.write_off(terms, fact.on).unwrap();
                postings.push(written_off(&off));
                next
            }
            What::PaidOut(minor) => {
                postings.push(paid_out(minor));
                accrued.pay_out(minor).unwrap()
            }
            What::Refunded(minor) => {
                postings.push(refunded(minor));
                accrued.refund(minor).unwrap()
            }
            What::Reversed(_) => accrued,
        };
        (next, postings)
    }

    fn figures(terms: &Terms, facts: &[Fact], as_of: NaiveDate) -> Figures {
        settle(terms, &f3_opening(terms), facts, as_of).unwrap().position.figures
    }

    proptest! {
        #[test]
        fn every_posting_sums_to_nothing_and_all_of_them_are_the_balances(
            mut facts in facts(), front in any::<bool>(), back in 0..2_000_i64,
        ) {
            let terms = f3(if front { Timing::Front } else { Timing::Rear });
            facts.push(Fact { id: uuid::Uuid::from_u128(99), on: day("2025-11-20"), what: What::Refunded(back + 1) });
            facts.sort_by_key(|fact| (fact.on, fact.id));
            let mut position = f3_position(&terms);
            let mut postings = vec![disbursed(&f3_opening(&terms))];
            for fact in &facts {
                let (next, legs) = posted(&position, &terms, fact);
                position = next;
                postings.extend(legs);
            }
            for legs in &postings {
                prop_assert_eq!(sum(legs), 0, "{:?}", legs);
                prop_assert!(legs.windows(2).all(|two| two[0].account < two[1].account), "{:?}", legs);
            }
            prop_assert_eq!(added(postings.concat()), balances(&position.figures));
        }

        #[test]
        fn a_reversal_and_what_follows_lead_to_where_it_never_was(facts in facts(), which in 0..12_usize) {
            let (terms, as_of) = (f3(Timing::Rear), day("2025-11-30"));
            let opening = f3_opening(&terms);
            let settled = settle(&terms, &opening, &facts, as_of).unwrap();
            let before = settled.position.figures.clone();
            prop_assert_eq!(sum(&balances(&before)), 0);
            prop_assert!(moved(&before, &before).is_empty());
            if let Some((id, allocation)) = settled.allocations.get(which) {
                let kept: Vec<Fact> = facts.iter().filter(|fact| fact.id != *id).copied().collect();
                let after = figures(&terms, &kept, as_of);
                let counter = reversed(&collected(allocation));
                let follows = recomputed(&before, &after, &counter);
                prop_assert_eq!((sum(&counter), sum(&follows)), (0, 0));
                let all = [balances(&before), counter, follows].concat();
                prop_assert_eq!(added(all), balances(&after));
            }
        }
    }
}
