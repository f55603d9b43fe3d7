//! Sample loans (样品借出): samples that somebody takes along until a day, against a deposit. The house notes the deposit
//! and never holds it. It goes back in proportion as pieces come back; of what is damaged a part may be kept, of what
//! is lost all of it is.

use crate::Relation;
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

use crate::values::{
    Currency, ErrorCode, MobileNumber, Money, Refusal, Refusals,
    id::{OrganisationId, SampleLoanId, ShowroomId},
    identity::masked_name,
    refusal::{self as text, Check},
};

/// Most lines of a loan.
pub const MOST_LINES: usize = 50;
/// The longest that samples are lent, in days.
pub const LONGEST_DAYS: i64 = 366;

/// State of a loan (借样状态). That it is overdue is no state: it follows from the day ([`Model::is_overdue`]).
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
#[graphql(name = "SampleLoanState")]
pub enum LoanState {
    /// Asked for; the samples are held (待批准).
    Requested,
    /// The borrower has them (已借出).
    Lent,
    /// Some of them came back (部分归还).
    PartiallyReturned,
    /// All of them came back (已归还).
    Returned,
    /// What did not come back is lost: written off, and its deposit kept (已遗失).
    Lost,
    /// Given up before they were lent (已取消).
    Cancelled,
}

impl LoanState {
    /// Whether the borrower still has some of it.
    pub fn is_out(self) -> bool {
        Self::OUT.contains(&self)
    }

    /// The states in which the borrower still has some of it.
    pub const OUT: [Self; 2] = [Self::Lent, Self::PartiallyReturned];
}

/// A step of a loan (借样操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum LoanStep {
    /// Somebody who may agrees, and the samples go.
    Lend,
    /// Some of them come back.
    ReturnSome,
    /// The last of them come back.
    ReturnAll,
    /// The rest does not come back.
    Lose,
    /// It is given up.
    Cancel,
}

impl LoanStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [LoanState], LoanState) {
        use LoanState::{Cancelled, Lent, Lost, PartiallyReturned, Requested, Returned};
        match self {
            Self::Lend => (&[Requested], Lent),
            Self::ReturnSome => (&[Lent, PartiallyReturned], PartiallyReturned),
            Self::ReturnAll => (&[Lent, PartiallyReturned], Returned),
            Self::Lose => (&[Lent, PartiallyReturned], Lost),
            Self::Cancel => (&[Requested], Cancelled),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: LoanState) -> Result<LoanState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        let action = match self {
            Self::ReturnSome | Self::ReturnAll => "RETURN".to_owned(),
            other => format!("{other:?}").to_uppercase(),
        };
        let from = async_graphql::Value::from(state).to_string();
        Err(Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", action))
    }
}

/// How a deposit was taken (押金方式).
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
pub enum DepositMeans {
    /// In cash (现金).
    Cash,
    /// To the showroom's account (转账).
    Transfer,
    /// None was taken, for a reason (免押).
    Waived,
}

impl DepositMeans {
    /// What is noted of a deposit: how much, and why it was waived; or all that is wrong with it.
    pub fn noted(self, amount: Option<Money>, reason: Option<&str>) -> Result<(Money, Option<String>), Refusals> {
        let mut check = Check::default();
        let taken = amount.filter(|amount| amount.minor > 0);
        if self == Self::Waived {
            let reason = check.take("waivedReason", text::line(reason.unwrap_or_default(), 200));
            let max = || Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", "0");
            check.demand(taken.is_none(), "amount", max);
            let currency = amount.map_or(Currency::CNY, |amount| amount.currency);
            return check.done((Money { minor: 0, currency }, reason));
        }
        check.demand(taken.is_some(), "amount", || Refusal::new(ErrorCode::Required));
        let none = Money { minor: 0, currency: Currency::CNY };
        check.done((taken.unwrap_or(none), None))
    }
}

/// A person who borrows (借用人). Personal data: kept sealed, shown masked.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Borrower {
    /// The name, as the borrower gives it.
    pub name: String,
    /// The mobile number; none: not given.
    pub mobile: Option<String>,
}

// Personal data stays out of logs.
impl std::fmt::Debug for Borrower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Borrower")
    }
}

impl Borrower {
    /// Checked, and as it may be shown: `张** 138****0000`; or all that is wrong with it, under `borrower`.
    pub fn checked(&self) -> Result<(Self, String), Refusals> {
        let mut check = Check::default();
        let name = check.take("name", text::line(&self.name, 60)).unwrap_or_default();
        let mobile =
            self.mobile.as_deref().and_then(|number| check.take("mobile", number.trim().parse::<MobileNumber>()));
        let masked = match &mobile {
            Some(mobile) => format!("{} {}", masked_name(&name), mobile.masked()),
            None => masked_name(&name),
        };
        let mobile = mobile.map(|mobile| mobile.reveal().to_owned());
        let checked = check.done((Self { name, mobile }, masked));
        checked.map_err(|refusals| refusals.into_iter().map(|refusal| refusal.at("borrower")).collect())
    }
}

/// What becomes of the deposit while pieces are settled, one part after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deposit {
    /// How much was taken.
    pub taken: Money,
    /// For how many pieces.
    pub pieces: i64,
    /// How many of them are settled: came back, or are lost.
    pub settled: i64,
}

/// What of a deposit goes back, and what is kept, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Goes back to the borrower.
    pub back_minor: i64,
    /// Is kept.
    pub kept_minor: i64,
}

impl Deposit {
    /// What is due for the first so many pieces: in proportion, rounded down, and with the last of them all of it. So
    /// the shares of all parts are the whole, however it is divided.
    fn due(self, settled: i64) -> i64 {
        if settled >= self.pieces {
            return self.taken.minor;
        }
        let due = i128::from(self.taken.minor) * i128::from(settled.max(0)) / i128::from(self.pieces.max(1));
        i64::try_from(due).unwrap_or(self.taken.minor)
    }

    /// The share of the next pieces.
    fn share(&mut self, pieces: i64) -> i64 {
        let before = self.due(self.settled);
        self.settled = self.settled.saturating_add(pieces);
        self.due(self.settled) - before
    }

    /// Pieces come back: of good ones the whole share goes back, of damaged ones what is not kept.
    pub fn returned(&mut self, good: i64, damaged: i64, kept_minor: i64) -> Result<Share, Refusal> {
        let (of_good, of_damaged) = (self.share(good), self.share(damaged));
        if !(0..=of_damaged).contains(&kept_minor) {
            let most = Money { minor: of_damaged, ..self.taken }.decimal().to_string();
            return Err(Refusal::new(ErrorCode::OutOfRange).with("min", "0").with("max", most));
        }
        Ok(Share { back_minor: of_good + of_damaged - kept_minor, kept_minor })
    }

    /// Pieces are lost: their share is kept.
    pub fn lost(&mut self, pieces: i64) -> Share {
        Share { back_minor: 0, kept_minor: self.share(pieces) }
    }
}

/// A row of `sample_loan`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "sample_loan")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SampleLoanId,
    /// Of which showroom.
    pub showroom_id: ShowroomId,
    /// What its samples are held under, and moved under.
    #[sea_orm(unique)]
    pub document: String,
    /// State.
    pub state: LoanState,
    /// The organisation that borrows; none: a person does.
    pub borrower_id: Option<OrganisationId>,
    /// The person who borrows, sealed; none: an organisation does.
    #[serde(skip)]
    pub borrower: Option<Vec<u8>>,
    /// The same as it may be shown.
    pub masked_borrower: Option<String>,
    /// What for.
    pub purpose: String,
    /// The last day on which the samples should be back.
    pub due_on: Date,
    /// The deposit, in minor units.
    pub deposit_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// How it was taken.
    pub deposit_means: DepositMeans,
    /// Why none was.
    pub waived_reason: Option<String>,
    /// How many pieces.
    pub pieces: i64,
    /// How many of them came back, or are lost.
    pub settled: i64,
    /// What of the deposit went back.
    pub back_minor: i64,
    /// What of it was kept.
    pub kept_minor: i64,
    /// Who asked for it.
    pub requested_by: String,
    /// Who lent it.
    pub lent_by: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When the samples went.
    pub lent_at: Option<DateTimeUtc>,
    /// When it was over.
    pub ended_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Whether some of it should have been back by now.
    pub fn is_overdue(&self, today: NaiveDate) -> bool {
        self.state.is_out() && self.due_on < today
    }

    /// The deposit as it was taken.
    pub fn taken(&self) -> Money {
        self.money(self.deposit_minor)
    }

    /// An amount in the currency of the deposit.
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }

    /// How far the deposit is settled.
    pub fn deposit(&self) -> Deposit {
        Deposit { taken: self.taken(), pieces: self.pieces, settled: self.settled }
    }
}

/// What is lent (借样明细).
pub mod line {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::{
        inventory::CustomsStatus,
        values::id::{SampleLoanId, SampleLoanLineId, StockBalanceId, StockLotId, VariantId},
    };

    /// A row of `sample_loan_line`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sample_loan_line")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SampleLoanLineId,
        /// Of which loan.
        pub loan_id: SampleLoanId,
        /// Its place in it, from 0 on.
        pub position: i32,
        /// From which balance.
        pub balance_id: StockBalanceId,
        /// Of what.
        pub variant_id: VariantId,
        /// Which lot.
        pub lot_id: StockLotId,
        /// Under which customs status.
        pub status: CustomsStatus,
        /// How much.
        pub quantity: i64,
        /// How much came back as it went.
        pub good: i64,
        /// How much came back damaged.
        pub damaged: i64,
        /// How much is lost.
        pub lost: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}

    impl Model {
        /// What neither came back nor is lost: once it is lent, the borrower has it.
        pub fn outstanding(&self) -> i64 {
            self.quantity - self.good - self.damaged - self.lost
        }
    }
}

/// What came back of a line, or was lost (归还记录); only added to.
pub mod back {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{SampleLoanId, SampleLoanLineId, SampleLoanReturnId};

    /// A row of `sample_loan_return`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sample_loan_return")]
    pub struct Model {
        /// Identifier; ids are made in the order of time.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SampleLoanReturnId,
        /// Of which loan.
        pub loan_id: SampleLoanId,
        /// Of which line.
        pub line_id: SampleLoanLineId,
        /// How much came back as it went.
        pub good: i64,
        /// How much came back damaged.
        pub damaged: i64,
        /// How much is lost.
        pub lost: i64,
        /// In which condition.
        pub condition: Option<String>,
        /// What of the deposit went back.
        pub back_minor: i64,
        /// What of it was kept.
        pub kept_minor: i64,
        /// Who noted it.
        pub noted_by: String,
        /// When.
        pub at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn samples_are_lent_once_and_only_what_was_lent_comes_back_or_is_lost() {
        use LoanState::{Cancelled, Lent, Lost, PartiallyReturned, Requested, Returned};
        use LoanStep as S;
        let table = [
            (S::Lend, Requested, Lent),
            (S::ReturnSome, Lent, PartiallyReturned),
            (S::ReturnSome, PartiallyReturned, PartiallyReturned),
            (S::ReturnAll, Lent, Returned),
            (S::ReturnAll, PartiallyReturned, Returned),
            (S::Lose, Lent, Lost),
            (S::Lose, PartiallyReturned, Lost),
            (S::Cancel, Requested, Cancelled),
        ];
        for step in S::iter() {
            for state in LoanState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }

    fn of(minor: i64, pieces: i64) -> Deposit {
        Deposit { taken: Money { minor, currency: Currency::CNY }, pieces, settled: 0 }
    }

    #[test]
    fn a_deposit_goes_back_in_proportion_and_of_what_is_damaged_a_part_is_kept() {
        let mut deposit = of(100_000, 4);
        assert_eq!(deposit.returned(3, 0, 0).unwrap(), Share { back_minor: 75_000, kept_minor: 0 });
        let mut greedy = deposit;
        let refused = greedy.returned(0, 1, 25_001).unwrap_err();
        assert_eq!((refused.code, refused.details["max"].as_str()), (ErrorCode::OutOfRange, "250.00"));
        assert_eq!(deposit.returned(0, 1, 20_000).unwrap(), Share { back_minor: 5_000, kept_minor: 20_000 });
        // Of what is good nothing is kept.
        assert!(of(100_000, 4).returned(1, 0, 1).is_err());
        // 100.00 for three: the fen that does not divide goes with the last.
        let mut deposit = of(10_000, 3);
        let shares: Vec<i64> = (0..3).map(|_| deposit.returned(1, 0, 0).unwrap().back_minor).collect();
        assert_eq!(shares, [3_333, 3_333, 3_334]);
        let mut deposit = of(100_000, 4);
        deposit.returned(1, 0, 0).unwrap();
        assert_eq!(deposit.lost(3), Share { back_minor: 0, kept_minor: 75_000 });
    }

    #[test]
    fn a_deposit_is_taken_or_waived_for_a_reason() {
        let money = |minor| Some(Money { minor, currency: Currency::CNY });
        let codes = |result: Result<(Money, Option<String>), Refusals>| -> Vec<(ErrorCode, String)> {
            let refusals = result.err().unwrap_or_default();
            refusals.into_iter().map(|refusal| (refusal.code, refusal.field.join("."))).collect()
        };
        for (means, amount, reason, expected) in [
            (DepositMeans::Cash, money(1), None, vec![]),
            (DepositMeans::Transfer, None, None, vec![(ErrorCode::Required, "amount")]),
            (DepositMeans::Cash, money(0), Some("x"), vec![(ErrorCode::Required, "amount")]),
            (DepositMeans::Waived, None, Some("长期客户"), vec![]),
            (DepositMeans::Waived, None, None, vec![(ErrorCode::Required, "waivedReason")]),
            (DepositMeans::Waived, money(1), Some("x"), vec![(ErrorCode::OutOfRange, "amount")]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(code, field)| (code, field.to_owned())).collect();
            assert_eq!(codes(means.noted(amount, reason)), expected, "{means:?} {amount:?} {reason:?}");
        }
    }

    #[test]
    fn a_borrower_is_shown_masked_and_says_nothing_in_a_log() {
        let person = Borrower { name: " 张三丰 ".into(), mobile: Some("13800000000".into()) };
        let (kept, masked) = person.checked().unwrap();
        assert_eq!((kept.name.as_str(), masked.as_str()), ("张三丰", "张** 138****0000"));
        assert_eq!(Borrower { name: "张三".into(), mobile: None }.checked().unwrap().1, "张*");
        let wrong = Borrower { name: String::new(), mobile: Some("1".into()) }.checked().unwrap_err();
        let fields: Vec<String> = wrong.iter().map(|refusal| refusal.field.join(".")).collect();
        assert_eq!(fields, ["borrower.name", "borrower.mobile"]);
        assert_eq!(format!("{person:?}"), "Borrower");
    }

    #[derive(Clone, Debug)]
    struct Part {
        good: i64,
        damaged: i64,
        keeps: u8,
        lost: bool,
    }

    fn parts() -> impl Strategy<Value = Vec<Part>> {
        let part = (0_i64..5, 0_i64..5, any::<u8>(), any::<bool>()).prop_map(|(good, damaged, keeps, lost)| Part {
            good,
            damaged,
            keeps,
            lost,
        });
        proptest::collection::vec(part, 1..8)
    }

    proptest! {
        #[test]
        fn a_deposit_is_settled_to_the_last_fen(minor in 0..=Money::MAX_MINOR, parts in parts()) {
            let pieces: i64 = parts.iter().map(|part| part.good + part.damaged).sum();
            prop_assume!(pieces > 0);
            let mut deposit = of(minor, pieces);
            let (mut back, mut kept) = (0, 0);
            for part in parts {
                let share = if part.lost {
                    deposit.lost(part.good + part.damaged)
                } else {
                    // Whatever of the damaged ones is kept, between nothing and all.
                    let mut whole = deposit;
                    whole.share(part.good);
                    let most = whole.share(part.damaged);
                    deposit.returned(part.good, part.damaged, most / 255 * i64::from(part.keeps)).unwrap()
                };
                prop_assert!(share.back_minor >= 0 && share.kept_minor >= 0);
                back += share.back_minor;
                kept += share.kept_minor;
                prop_assert!(back + kept <= minor, "more goes back than was taken");
            }
            prop_assert_eq!(back + kept, minor);
        }
    }
}
