//! Which receivables a programme takes (准入规则), and everything that stands against one that it does not take.
//!
//! All reasons are told, never the first only: whoever mends one wants to know of the others. Some hold by law and no
//! programme waives them (银保监办发〔2019〕205号; 商业银行保理业务管理暂行办法: no claims from bills, no consignment, no
//! future performance, nothing that is assigned already).

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use super::{
    EncumbranceStatus, LimitKind,
    receivable::{self, MOST_TENOR},
};
use crate::{
    procurement::{InvoiceKind, terms::WHOLE_PPM},
    values::{Currency, ErrorCode, Refusal, Refusals, refusal::Check},
};

/// Why a receivable cannot be financed in a programme (不合格原因).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ineligibility {
    /// The debtor did not confirm it (债务人未确认).
    NotConfirmed,
    /// Nothing of it is outstanding, or nobody expects it any more (无未收余额).
    NothingOutstanding,
    /// It was to be paid already (已到期).
    PastDue,
    /// The invoice was written too long ago (发票过旧).
    Stale,
    /// It is due too soon (剩余期限过短).
    TenorShort,
    /// It is due too late (期限过长).
    TenorLong,
    /// The goods are sold on consignment (寄售).
    Consignment,
    /// It is a claim from a bill or a security (票据或有价证券付款请求权).
    BillClaim,
    /// The seller has not fully performed: a future receivable (未来应收账款).
    FuturePerformance,
    /// Seller and debtor belong together (关联方).
    RelatedParty,
    /// The debtor disputes it (存在争议).
    Disputed,
    /// It is financed, or in another request (已被占用).
    Encumbered,
    /// The same invoice is financed elsewhere (重复融资).
    Duplicate,
    /// The programme is in another currency (币种不符).
    Currency,
    /// The debtor's share of the programme would be too large (集中度超限).
    Concentration,
    /// Too much of what the debtor owes is overdue (交叉逾期).
    CrossAged,
    /// A limit leaves too little, or there is none (额度不足).
    Limit,
    /// One of both is sanctioned (制裁名单).
    Sanctioned,
    /// One of both has no filing in force: who it is was not looked at (未通过尽职调查).
    Kyc,
    /// The tax authority did not say that the invoice is one (发票未查验).
    NoInvoiceVerification,
}

impl Ineligibility {
    /// Every reason, in the order in which they are told.
    pub const ALL: [Self; 20] = [
        Self::NotConfirmed,
        Self::NothingOutstanding,
        Self::PastDue,
        Self::Stale,
        Self::TenorShort,
        Self::TenorLong,
        Self::Consignment,
        Self::BillClaim,
        Self::FuturePerformance,
        Self::RelatedParty,
        Self::Disputed,
        Self::Encumbered,
        Self::Duplicate,
        Self::Currency,
        Self::Concentration,
        Self::CrossAged,
        Self::Limit,
        Self::Sanctioned,
        Self::Kyc,
        Self::NoInvoiceVerification,
    ];

    /// Whether a programme may do without. What the law wants, and what keeps one invoice from being financed twice, it
    /// may not.
    pub fn may_be_waived(self) -> bool {
        matches!(
            self,
            Self::NotConfirmed
                | Self::Stale
                | Self::TenorShort
                | Self::TenorLong
                | Self::RelatedParty
                | Self::Concentration
                | Self::CrossAged
                | Self::Limit
                | Self::Kyc
                | Self::NoInvoiceVerification
        )
    }

    /// The reason as the API writes it.
    pub fn name(self) -> String {
        async_graphql::Value::from(self).to_string()
    }
}

/// What a programme takes (准入规则).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// Fewest days from the financing until it is due.
    pub min_remaining_days: i64,
    /// Most days from the financing until it is due.
    pub max_tenor_days: i64,
    /// Most days since the invoice was written.
    pub stale_days: i64,
    /// Most of a debtor of what the programme's limit is, in parts per million.
    pub concentration_ppm: i32,
    /// From which share on of what a debtor owes being overdue all of it is out, in parts per million.
    pub cross_aged_ppm: i32,
    /// Whether what was financed and is over may be financed again.
    pub refinances: bool,
    /// Which limits there have to be.
    pub limits: BTreeSet<LimitKind>,
    /// What it does without.
    pub waived: BTreeSet<Ineligibility>,
}

impl Rules {
    /// Whether they can be.
    pub fn check(&self) -> Result<(), Refusals> {
        let most = i64::try_from(MOST_TENOR).unwrap_or(i64::MAX);
        let mut check = Check::default();
        for (field, value, least) in [
            ("minRemainingDays", self.min_remaining_days, 0),
            ("maxTenorDays", self.max_tenor_days, self.min_remaining_days.clamp(1, most)),
            ("staleDays", self.stale_days, 1),
        ] {
            check.demand((least..=most).contains(&value), field, || {
                Refusal::new(ErrorCode::OutOfRange).with("min", least.to_string()).with("max", most.to_string())
            });
        }
        for (field, value) in [("concentrationPpm", self.concentration_ppm), ("crossAgedPpm", self.cross_aged_ppm)] {
            check.demand((1..=WHOLE_PPM).contains(&value), field, || {
                Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", WHOLE_PPM.to_string())
            });
        }
        if let Some(fixed) = self.waived.iter().find(|reason| !reason.may_be_waived()) {
            check.demand(false, "waived", || Refusal::new(ErrorCode::InvalidValue).with("value", fixed.name()));
        }
        check.done(())
    }

    /// How much of a receivable is the base of an advance, in minor units: what the debtor stands for; where the
    /// programme does without its word, what is outstanding.
    pub fn base_minor(&self, row: &receivable::Model) -> i64 {
        if self.waived.contains(&Ineligibility::NotConfirmed) && row.confirmed_minor == 0 {
            row.outstanding_minor()
        } else {
            row.fundable_minor()
        }
    }
}

/// What is looked up of a receivable before it is held against the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub struct Facts {
    /// Whether seller and debtor belong together.
    pub related: bool,
    /// Whether one of both is sanctioned.
    pub sanctioned: bool,
    /// Whether both have a filing in force.
    pub known: bool,
    /// What of the debtor's debts is overdue, in parts per million.
    pub overdue_ppm: i64,
    /// What the debtor would have of the programme's limit, in parts per million; none: it has no limit.
    pub share_ppm: Option<i64>,
    /// Whether every limit that there has to be is there and leaves enough.
    pub within_limits: bool,
    /// Whether the same invoice is financed elsewhere.
    pub financed: bool,
}

/// Everything that stands against a receivable that is to be financed on a day; nothing: it is eligible.
pub fn against(
    row: &receivable::Model,
    (rules, currency): (&Rules, Currency),
    facts: &Facts,
    funded_on: NaiveDate,
) -> Vec<Ineligibility> {
    use Ineligibility as I;
    let remaining = (row.due_date - funded_on).num_days();
    let free = match row.encumbrance {
        EncumbranceStatus::Free => true,
        EncumbranceStatus::Released => rules.refinances,
        _ => false,
    };
    let vat = matches!(row.invoice_kind, InvoiceKind::DigitalVat | InvoiceKind::Vat);
    let outstanding = row.outstanding_minor() > 0 && !row.written_off;
    let holds = |reason: I| match reason {
        I::NotConfirmed => row.fundable_minor() == 0 && outstanding,
        I::NothingOutstanding => !outstanding,
        I::PastDue => remaining < 0,
        I::Stale => (funded_on - row.issue_date).num_days() > rules.stale_days,
        I::TenorShort => (0..rules.min_remaining_days).contains(&remaining),
        I::TenorLong => remaining > rules.max_tenor_days,
        I::Consignment => row.consignment,
        I::BillClaim => row.bill_claim,
        I::FuturePerformance => !row.performed,
        I::RelatedParty => facts.related,
        I::Disputed => row.disputed,
        I::Encumbered => !free,
        I::Duplicate => facts.financed,
        I::Currency => row.currency != currency,
        I::Concentration => facts.share_ppm.is_some_and(|share| share > i64::from(rules.concentration_ppm)),
        I::CrossAged => facts.overdue_ppm > i64::from(rules.cross_aged_ppm),
        I::Limit => !facts.within_limits,
        I::Sanctioned => facts.sanctioned,
        I::Kyc => !facts.known,
        I::NoInvoiceVerification => vat && !row.verified,
    };
    I::ALL.into_iter().filter(|reason| holds(*reason) && !rules.waived.contains(reason)).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::{super::receivable::tests::plain, *};
    use crate::finance::ConfirmationStatus;

    pub(crate) fn rules() -> Rules {
        Rules {
            min_remaining_days: 10,
            max_tenor_days: 180,
            stale_days: 120,
            concentration_ppm: 500_000,
            cross_aged_ppm: 500_000,
            refinances: false,
            limits: BTreeSet::from([LimitKind::Debtor]),
            waived: BTreeSet::new(),
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// A receivable that nothing stands against, and what is looked up of it.
    fn good() -> (receivable::Model, Facts) {
        let row = receivable::Model {
            confirmation: ConfirmationStatus::Confirmed,
            confirmed_minor: 10_000,
            verified: true,
            ..plain()
        };
        (row, Facts { known: true, within_limits: true, share_ppm: Some(400_000), ..Facts::default() })
    }

    #[test]
    fn each_rule_alone_has_its_code() {
        use Ineligibility as I;
        let (row, facts) = good();
        let rules = rules();
        let on = day("2026-03-10");
        assert_eq!(against(&row, (&rules, Currency::CNY), &facts, on), []);
        let rows: [(receivable::Model, I); 11] = [
            (receivable::Model { confirmation: ConfirmationStatus::Requested, ..row.clone() }, I::NotConfirmed),
            (receivable::Model { paid_minor: 10_000, ..row.clone() }, I::NothingOutstanding),
            (receivable::Model { written_off: true, ..row.clone() }, I::NothingOutstanding),
            (receivable::Model { consignment: true, ..row.clone() }, I::Consignment),
            (receivable::Model { bill_claim: true, ..row.clone() }, I::BillClaim),
            (receivable::Model { performed: false, ..row.clone() }, I::FuturePerformance),
            (receivable::Model { disputed: true, ..row.clone() }, I::Disputed),
            (receivable::Model { encumbrance: EncumbranceStatus::Locked, ..row.clone() }, I::Encumbered),
            (receivable::Model { encumbrance: EncumbranceStatus::Released, ..row.clone() }, I::Encumbered),
            (receivable::Model { verified: false, ..row.clone() }, I::NoInvoiceVerification),
            (receivable::Model { currency: "USD".parse().unwrap(), ..row.clone() }, I::Currency),
        ];
        for (row, reason) in rows {
            assert_eq!(against(&row, (&rules, Currency::CNY), &facts, on), [reason], "{row:?}");
        }
        for (facts, reason) in [
            (Facts { related: true, ..facts }, I::RelatedParty),
            (Facts { sanctioned: true, ..facts }, I::Sanctioned),
            (Facts { known: false, ..facts }, I::Kyc),
            (Facts { overdue_ppm: 500_001, ..facts }, I::CrossAged),
            (Facts { share_ppm: Some(500_001), ..facts }, I::Concentration),
            (Facts { within_limits: false, ..facts }, I::Limit),
            (Facts { financed: true, ..facts }, I::Duplicate),
        ] {
            assert_eq!(against(&row, (&rules, Currency::CNY), &facts, on), [reason]);
        }
        // Due on 2026-05-30, written on 2026-03-01.
        for (on, expected) in [
            ("2026-05-20", vec![]),
            ("2026-05-21", vec![I::TenorShort]),
            ("2026-05-30", vec![I::TenorShort]),
            ("2026-05-31", vec![I::PastDue]),
            ("2025-12-01", vec![]),
            ("2025-11-30", vec![I::TenorLong]),
            ("2026-06-30", vec![I::PastDue, I::Stale]),
        ] {
            assert_eq!(against(&row, (&rules, Currency::CNY), &facts, day(on)), expected, "{on}");
        }
    }

    #[test]
    fn all_reasons_are_told_and_none_that_the_programme_waives() {
        use Ineligibility as I;
        let (row, _) = good();
        let row = receivable::Model {
            confirmation: ConfirmationStatus::None,
            confirmed_minor: 0,
            disputed: true,
            consignment: true,
            verified: false,
            ..row
        };
        let facts = Facts { related: true, ..Facts::default() };
        let on = day("2026-03-10");
        let mut rules = rules();
        let all = against(&row, (&rules, Currency::CNY), &facts, on);
        assert_eq!(
            all,
            [I::NotConfirmed, I::Consignment, I::RelatedParty, I::Disputed, I::Limit, I::Kyc, I::NoInvoiceVerification]
        );
        assert_eq!(rules.base_minor(&row), 0);
        rules.waived = BTreeSet::from([I::NotConfirmed, I::RelatedParty, I::Kyc, I::NoInvoiceVerification, I::Limit]);
        assert_eq!(against(&row, (&rules, Currency::CNY), &facts, on), [I::Consignment, I::Disputed]);
        assert_eq!(rules.check(), Ok(()));
        assert_eq!(rules.base_minor(&row), 10_000, "an undisclosed programme advances on what is outstanding");
        for fixed in I::ALL.into_iter().filter(|reason| !reason.may_be_waived()) {
            let waiving = Rules { waived: BTreeSet::from([fixed]), ..rules.clone() };
            assert_eq!(waiving.check().unwrap_err()[0].field, ["waived"], "{fixed:?} can be waived");
        }
    }

    #[test]
    fn rules_are_within_what_can_be() {
        let good = rules();
        for (wrong, field) in [
            (Rules { min_remaining_days: -1, ..good.clone() }, "minRemainingDays"),
            (Rules { max_tenor_days: 9, ..good.clone() }, "maxTenorDays"),
            (Rules { max_tenor_days: 366, ..good.clone() }, "maxTenorDays"),
            (Rules { stale_days: 0, ..good.clone() }, "staleDays"),
            (Rules { concentration_ppm: 0, ..good.clone() }, "concentrationPpm"),
            (Rules { cross_aged_ppm: 1_000_001, ..good.clone() }, "crossAgedPpm"),
        ] {
            assert_eq!(wrong.check().unwrap_err()[0].field, [field], "{wrong:?}");
        }
    }
}
