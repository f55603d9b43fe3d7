//! The registry of movable property (动产融资统一登记公示系统, 中登网): who holds a claim against whom else may want it. It is
//! searched by who assigns or pledges (担保人), registered in by who secures himself, and looks at nothing that is told it
//! (A1). Of two financiers whoever registered first comes first ([`super::priority`]), so it is searched before money
//! is paid out, and what is found there of others decides ([`Hits`]).
//!
//! [`RegistrationStep`] is the table of A3. [`simulated`] are the rows of what stands in for the registry.

use std::collections::HashSet;

use crate::Relation;
use chrono::Days;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

use super::{Technique, condition, tsin::Party};
use crate::{
    procurement::invoice_no::folded,
    values::{Currency, ErrorCode, Money, Refusal, id::FinancingRequestId},
};

/// Days that a registration goes on after the last debtor should have paid, when nobody says otherwise: for collecting
/// it.
pub const MORE_DAYS: u64 = 365;
/// Longest that one may last: thirty years (动产和权利担保统一登记办法, 12).
pub const MOST_DAYS: u64 = 30 * 365;
/// What a text says that is about all claims of somebody.
const EVERYTHING: [&str; 3] = ["全部应收账款", "所有应收账款", "ALL RECEIVABLES"];
/// What stands within numbers of invoices and is no letter or digit.
const MARKS: [char; 4] = ['-', '_', '/', '.'];

/// What is registered (登记类型).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "FinancingRegistrationKind")]
pub enum RegistrationKind {
    /// Receivables go over to the financier (应收账款转让).
    Assignment,
    /// Receivables secure what the financier gives (应收账款质押).
    Pledge,
}

impl RegistrationKind {
    /// What a technique has registered.
    pub fn of(technique: Technique) -> Self {
        if technique.pledges() { Self::Pledge } else { Self::Assignment }
    }
}

/// Where a registration is (登记状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "FinancingRegistrationState")]
pub enum RegistrationState {
    /// Nobody asked the registry (未登记).
    None,
    /// The registry was searched (已查询).
    Searched,
    /// It is on its way to the registry (已提交).
    Submitted,
    /// It stands there (已登记).
    Registered,
    /// What it is about was changed since (已变更).
    Amended,
    /// It lasts longer than it did at first (已展期).
    Extended,
    /// It does not stand there any more (已注销).
    Cancelled,
    /// The registry did not take it; it can be tried again (登记失败).
    Failed,
}

impl RegistrationState {
    /// Whether it stands in the registry.
    pub fn is_filed(self) -> bool {
        matches!(self, Self::Registered | Self::Amended | Self::Extended)
    }

    /// Whether it may stand there: what was asked and not answered may have been done.
    pub fn may_be_filed(self) -> bool {
        self.is_filed() || matches!(self, Self::Submitted | Self::Failed)
    }

    /// Where a search leads: what is on its way or stands there already stays where it is.
    pub fn searched(self) -> Result<Self, Refusal> {
        if self.is_filed() || self == Self::Submitted { Ok(self) } else { RegistrationStep::Search.from(self) }
    }
}

/// A step of a registration (登记操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum RegistrationStep {
    /// The registry is searched, before anything is registered.
    Search,
    /// It is sent to the registry.
    Submit,
    /// The registry took it.
    Register,
    /// The registry did not.
    Fail,
    /// What it is about changes.
    Amend,
    /// It lasts longer.
    Extend,
    /// It is taken away.
    Cancel,
}

impl RegistrationStep {
    /// The states that it leads from, and where to (A3).
    pub fn leads(self) -> (&'static [RegistrationState], RegistrationState) {
        use RegistrationState as S;
        const FILED: &[RegistrationState] = &[S::Registered, S::Amended, S::Extended];
        match self {
            Self::Search => (&[S::None, S::Searched, S::Failed], S::Searched),
            Self::Submit => (&[S::Searched, S::Failed], S::Submitted),
            Self::Register => (&[S::Submitted], S::Registered),
            Self::Fail => (&[S::Submitted], S::Failed),
            Self::Amend => (FILED, S::Amended),
            Self::Extend => (FILED, S::Extended),
            Self::Cancel => (&[S::Submitted, S::Failed, S::Registered, S::Amended, S::Extended], S::Cancelled),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: RegistrationState) -> Result<RegistrationState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) { Ok(to) } else { Err(Refusal::illegal(state, format!("{self:?}").to_uppercase())) }
    }
}

/// A registration that a search found (查询结果). Who secured himself with it is not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hit {
    /// Since when it stands there.
    pub registered_at: DateTimeUtc,
    /// Until when.
    pub expires_on: Date,
    /// Whether it is that of who searched.
    pub own: bool,
    /// Whether it names one of the claims that were searched for, or all of them.
    pub same: bool,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Hits(pub Vec<Hit>);

impl Hits {
    /// How many stand against money on these claims: those of others that name one of them.
    pub fn against(&self) -> usize {
        self.0.iter().filter(|hit| hit.same && !hit.own).count()
    }
}

/// A claim as the text of a registration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who is to pay it.
    pub debtor: Party,
    /// The invoice's code (发票代码).
    pub code: Option<String>,
    /// The invoice's number (发票号码).
    pub no: String,
    /// When the invoice was written.
    pub issued_on: Date,
    /// When it is to be paid.
    pub due_on: Date,
    /// How much of it, in minor units.
    pub minor: i64,
}

impl Claim {
    /// Code and number, however they were typed.
    fn number(&self) -> String {
        folded(&format!("{}{}", self.code.as_deref().unwrap_or_default(), self.no))
    }
}

/// What a registration is about, as a text that everybody reads (担保财产描述). The same claims are the same text.
pub fn collateral(kind: RegistrationKind, grantor: &Party, currency: Currency, claims: &[Claim]) -> String {
    let does = match kind {
        RegistrationKind::Assignment => "转让",
        RegistrationKind::Pledge => "出质",
    };
    let money = |minor: i64| Money { minor, currency };
    let sum = claims.iter().fold(0_i64, |sum, claim| sum.saturating_add(claim.minor));
    let head = format!("{}（{}）{does}应收账款 {} 笔，合计 {}：", grantor.name, grantor.code, claims.len(), money(sum));
    let line = |claim: &Claim| {
        format!(
            "债务人 {}（{}），发票 {}，开票日期 {}，到期日 {}，金额 {}",
            claim.debtor.name,
            claim.debtor.code,
            claim.number(),
            claim.issued_on,
            claim.due_on,
            money(claim.minor),
        )
    };
    let lines: Vec<String> = std::iter::once(head).chain(claims.iter().map(line)).collect();
    lines.join("\n")
}

/// Whether the text of a registration names one of these claims, or all of who has them: by the invoice's number, as a
/// word of its own. What is written in other words a person has to read; this finds the same invoice.
pub fn names(collateral: &str, claims: &[Claim]) -> bool {
    let text: String = collateral.chars().map(narrow).collect();
    if EVERYTHING.iter().any(|all| text.contains(all)) {
        return true;
    }
    let inside = |c: char| c.is_ascii_alphanumeric() || MARKS.contains(&c);
    let words = text.split(|c: char| !inside(c)).map(|word| word.trim_matches(MARKS));
    let words: HashSet<&str> = words.filter(|word| !word.is_empty()).collect();
    let whole = folded(collateral);
    claims.iter().any(|claim| {
        let (number, no) = (claim.number(), folded(&claim.no));
        // Words are those of ASCII; what has other letters is looked for as it is.
        if !number.is_ascii() {
            return whole.contains(&number);
        }
        let with_code = claim.code.as_deref().is_some_and(|code| words.contains(folded(code).as_str()));
        words.contains(number.trim_matches(MARKS)) || (with_code && words.contains(no.trim_matches(MARKS)))
    })
}

/// A character of full width as the narrow one, a small letter as the capital.
fn narrow(c: char) -> char {
    match u32::from(c) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(c).to_ascii_uppercase(),
        0x3000 => ' ',
        _ => c.to_ascii_uppercase(),
    }
}

fn after(day: Date, days: u64) -> Date {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

fn within(least: Date, most: Date, day: Date) -> Result<Date, Refusal> {
    if (least..=most).contains(&day) {
        return Ok(day);
    }
    Err(Refusal::new(ErrorCode::OutOfRange).with("min", least.to_string()).with("max", most.to_string()))
}

/// Until when a registration lasts: at least until the last debtor is to pay, at most thirty years.
pub fn term(today: Date, wanted: Option<Date>, last_due: Date, grace_days: i32) -> Result<Date, Refusal> {
    let (least, most) = (Ord::max(last_due, after(today, 1)), after(today, MOST_DAYS));
    let usual = after(least, MORE_DAYS.saturating_add(u64::try_from(grace_days).unwrap_or_default()));
    within(least, most, wanted.unwrap_or(Ord::min(usual, most)))
}

/// Until when it lasts from now on: longer than it did.
pub fn longer(today: Date, expires_on: Date, until: Date) -> Result<Date, Refusal> {
    within(after(expires_on, 1), after(today, MOST_DAYS), until)
}

/// A row of `registry_record`: what the registry knows of a request, and what it answered.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "registry_record")]
pub struct Model {
    /// Of which request; it has one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub request_id: FinancingRequestId,
    /// What is registered.
    pub kind: RegistrationKind,
    /// Where it is.
    pub state: RegistrationState,
    /// What it is about.
    #[sea_orm(column_type = "Text")]
    pub collateral: String,
    /// The number of its certificate (登记证明编号).
    pub cert_no: Option<String>,
    /// The number of the certificate of the last search (查询证明编号).
    pub search_cert_no: Option<String>,
    /// When that was.
    pub searched_at: Option<DateTimeUtc>,
    /// What it found.
    #[sea_orm(column_type = "JsonBinary")]
    pub hits: Option<Hits>,
    /// When the registry took it.
    pub filed_at: Option<DateTimeUtc>,
    /// Until when it lasts, or is to.
    pub expires_on: Option<Date>,
    /// Why the registry did not do what it was asked last.
    pub failure: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Whether the last search found nothing of others that stands against it; not before there was one.
    pub fn is_clear(&self) -> bool {
        self.hits.as_ref().is_some_and(|hits| hits.against() == 0)
    }

    /// Whether the last search counts for money that is paid out now.
    pub fn is_fresh(&self, now: DateTimeUtc) -> bool {
        self.searched_at.is_some_and(|at| condition::fresh(at, now))
    }
}

/// What stands in for the registry keeps (登记模拟器). The house reads none of it but through the registry's own door.
pub mod simulated {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use super::RegistrationKind;

    /// A row of `simulated_registration`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "simulated_registration")]
    pub struct Model {
        /// The number of its certificate (登记证明编号).
        #[sea_orm(primary_key, auto_increment = false)]
        pub cert_no: String,
        /// What whoever registered knows it by: registered again with it, it is the same.
        #[sea_orm(unique)]
        pub reference: String,
        /// What is registered.
        pub kind: RegistrationKind,
        /// The code of who assigns or pledges (担保人).
        pub grantor_code: String,
        /// Its name.
        #[sea_orm(column_type = "Text")]
        pub grantor_name: String,
        /// The code of who secured himself (担保权人).
        pub secured_code: String,
        /// Its name.
        #[sea_orm(column_type = "Text")]
        pub secured_name: String,
        /// What it is about.
        #[sea_orm(column_type = "Text")]
        pub collateral: String,
        /// How often it was changed.
        pub changes: i32,
        /// Since when it stands there.
        pub registered_at: DateTimeUtc,
        /// Until when.
        pub expires_on: Date,
        /// When it was taken away.
        pub cancelled_at: Option<DateTimeUtc>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn claim(code: Option<&str>, no: &str) -> Claim {
        Claim {
            debtor: Party { code: "91630105MA75PB350Q".into(), name: "湟中商贸".into() },
            code: code.map(str::to_owned),
            no: no.into(),
            issued_on: day("2026-02-19"),
            due_on: day("2026-04-20"),
            minor: 100_000,
        }
    }

    #[test]
    fn a_registration_goes_along_its_table() {
        use RegistrationState as S;
        let filed = [S::Registered, S::Amended, S::Extended];
        for (step, from, to) in [
            (RegistrationStep::Search, vec![S::None, S::Searched, S::Failed], S::Searched),
            (RegistrationStep::Submit, vec![S::Searched, S::Failed], S::Submitted),
            (RegistrationStep::Register, vec![S::Submitted], S::Registered),
            (RegistrationStep::Fail, vec![S::Submitted], S::Failed),
            (RegistrationStep::Amend, filed.to_vec(), S::Amended),
            (RegistrationStep::Extend, filed.to_vec(), S::Extended),
            (
                RegistrationStep::Cancel,
                vec![S::Submitted, S::Failed, S::Registered, S::Amended, S::Extended],
                S::Cancelled,
            ),
        ] {
            for state in RegistrationState::iter() {
                assert_eq!(step.from(state).ok(), from.contains(&state).then_some(to), "{step:?} from {state:?}");
            }
        }
        let standing: Vec<_> = RegistrationState::iter().filter(|state| state.is_filed()).collect();
        assert_eq!(standing, filed);
        for state in RegistrationState::iter() {
            let over = RegistrationStep::Cancel.from(state).is_ok();
            assert_eq!(state.may_be_filed(), over, "{state:?} is left in the registry, or taken out of it for nothing");
        }
    }

    #[test]
    fn a_search_moves_what_is_not_there_yet_and_nothing_else() {
        use RegistrationState as S;
        for (state, expected) in [
            (S::None, Some(S::Searched)),
            (S::Searched, Some(S::Searched)),
            (S::Failed, Some(S::Searched)),
            (S::Submitted, Some(S::Submitted)),
            (S::Registered, Some(S::Registered)),
            (S::Amended, Some(S::Amended)),
            (S::Extended, Some(S::Extended)),
            (S::Cancelled, None),
        ] {
            assert_eq!(state.searched().ok(), expected, "{state:?}");
        }
    }

    #[test]
    fn receivables_are_assigned_or_pledged() {
        for (technique, expected) in [
            (Technique::Factoring, RegistrationKind::Assignment),
            (Technique::ReceivablesDiscounting, RegistrationKind::Assignment),
            (Technique::PayablesFinance, RegistrationKind::Assignment),
            (Technique::LoanAgainstReceivables, RegistrationKind::Pledge),
        ] {
            assert_eq!(RegistrationKind::of(technique), expected, "{technique:?}");
        }
    }

    #[test]
    fn the_text_of_a_registration_names_its_claims_and_no_others() {
        let grantor = Party { code: "91630103MA75AE4A44".into(), name: "河湟地毯".into() };
        let claims = [claim(None, "inv-1"), claim(Some("1100231130"), "00123456"), claim(None, "合同 7")];
        let text = collateral(RegistrationKind::Assignment, &grantor, Currency::CNY, &claims);
        let head = "河湟地毯（91630103MA75AE4A44）转让应收账款 3 笔，合计 CNY 3000.00：\n债务人 湟中商贸（91630105MA75PB350Q），\
                    发票 INV-1，开票日期 2026-02-19，到期日 2026-04-20，金额 CNY 1000.00\n债务人 ";
        assert!(text.starts_with(head), "{text}");
        for claim in &claims {
            assert!(names(&text, std::slice::from_ref(claim)), "{claim:?} is not found in its own text");
        }
        for no in ["INV-10", "INV", "00123456", "合同8"] {
            assert!(!names(&text, &[claim(None, no)]), "{no} is found in {text}");
        }
        assert!(collateral(RegistrationKind::Pledge, &grantor, Currency::CNY, &claims).contains("出质应收账款 3 笔"));
    }

    #[test]
    fn a_claim_is_found_however_its_number_was_written() {
        let claims = [claim(None, "INV-1"), claim(Some("1100231130"), "00123456")];
        for (text, found) in [
            ("发票号码ＩＮＶ－１的应收账款", true),
            ("应收账款：inv-1。", true),
            ("invoice INV-1.", true),
            ("(INV-1)", true),
            ("INV-11", false),
            ("XINV-1", false),
            ("发票代码1100231130，号码00123456", true),
            ("110023113000123456", true),
            ("号码00123456", false),
            ("出让人的全部应收账款", true),
            ("All receivables of the assignor", true),
            ("", false),
        ] {
            assert_eq!(names(text, &claims), found, "{text}");
        }
    }

    #[test]
    fn only_others_with_the_same_claims_stand_against_it() {
        let hit = |own: bool, same: bool| Hit {
            registered_at: "2026-03-01T08:00:00Z".parse().unwrap(),
            expires_on: day("2027-03-01"),
            own,
            same,
        };
        for (hits, against) in [
            (vec![], 0),
            (vec![hit(true, true)], 0),
            (vec![hit(false, false)], 0),
            (vec![hit(false, true)], 1),
            (vec![hit(false, true), hit(true, true), hit(false, true)], 2),
        ] {
            let hits = Hits(hits);
            assert_eq!(hits.against(), against, "{hits:?}");
            let kept = serde_json::to_value(&hits).unwrap();
            assert_eq!(serde_json::from_value::<Hits>(kept).unwrap(), hits);
        }
    }

    #[test]
    fn a_registration_lasts_until_the_last_debtor_is_to_pay_and_no_longer_than_thirty_years() {
        let (today, due) = (day("2026-03-01"), day("2026-04-20"));
        for (wanted, grace, expected) in [
            (None, 0, Some("2027-04-20")),
            (None, 15, Some("2027-05-05")),
            (None, -1, Some("2027-04-20")),
            (Some("2026-04-20"), 15, Some("2026-04-20")),
            (Some("2026-04-19"), 15, None),
            (Some("2056-02-22"), 15, Some("2056-02-22")),
            (Some("2056-02-23"), 15, None),
        ] {
            let until = term(today, wanted.map(day), due, grace).ok();
            assert_eq!(until, expected.map(day), "{wanted:?} {grace}");
        }
        // What is overdue already is registered until tomorrow at least.
        assert_eq!(term(today, None, day("2026-01-01"), 0).ok(), Some(day("2027-03-02")));
        for (until, fine) in [("2027-04-20", false), ("2027-04-21", true), ("2056-02-22", true), ("2056-02-23", false)]
        {
            assert_eq!(longer(today, day("2027-04-20"), day(until)).is_ok(), fine, "{until}");
        }
    }
}
