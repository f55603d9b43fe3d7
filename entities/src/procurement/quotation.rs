//! Quotations (报价): what a supplier offers for an RFQ, in one round and one version after the other.
//!
//! What a quotation says is one document, sealed for its own row: until its round is opened no column tells of it, and
//! [`Entity::visible_to`] shows the row to its supplier alone. Every reading for a viewer begins there.

use std::collections::BTreeSet;

use crate::Relation;
use chrono::{Days, NaiveDate};
use sea_orm::{Condition, ExprTrait, FromJsonQueryResult, Select, entity::prelude::*, sea_query::Expr};
use serde::{Deserialize, Serialize};

use super::{
    rfq::line,
    terms::{MOST, WHOLE_PPM},
    tiers::{self, TierMode, Tiers},
};
use crate::{
    ordering::Incoterm,
    party::{Viewer, machine_client::Scope},
    values::{
        Currency, ErrorCode, Money, Refusal, Refusals,
        id::{OrganisationId, QuotationId, RfqId, RfqLineId},
        refusal::{self as text, Check},
    },
};

/// The longest that a quotation holds after the deadline, in days.
pub const LONGEST_DAYS: u64 = 3 * 366;
/// Most versions of one supplier in one round.
pub const MOST_VERSIONS: i32 = 100;

/// State of a quotation (报价状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuotationState {
    /// It stands (已提交).
    Submitted,
    /// Its supplier gave another version (已被新版本取代).
    Superseded,
    /// Its supplier took it back before the deadline (已撤回).
    Withdrawn,
    /// Something was awarded to it (已中标).
    Awarded,
    /// Nothing was (未中标).
    Lost,
    /// It does not hold any more (已过期).
    Expired,
}

/// A step of a quotation (报价操作). Submitting makes a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum QuotationStep {
    /// Another version takes its place.
    Revise,
    /// Its supplier takes it back.
    Withdraw,
    /// Something is awarded to it.
    Win,
    /// All was awarded to others, or the RFQ was given up.
    Lose,
    /// It does not hold any more.
    Expire,
}

impl QuotationStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [QuotationState], QuotationState) {
        use QuotationState::{Awarded, Expired, Lost, Submitted, Superseded, Withdrawn};
        match self {
            Self::Revise => (&[Submitted], Superseded),
            Self::Withdraw => (&[Submitted], Withdrawn),
            Self::Win => (&[Submitted], Awarded),
            Self::Lose => (&[Submitted], Lost),
            Self::Expire => (&[Submitted], Expired),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: QuotationState) -> Result<QuotationState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        Err(Refusal::illegal(state, format!("{self:?}").to_uppercase()))
    }
}

/// What a quotation says (报价内容).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct QuotationContent {
    /// In which currency.
    pub currency: Currency,
    /// Who pays carriage and bears the risk up to where.
    pub incoterm: Incoterm,
    /// The place named with it.
    pub named_place: String,
    /// How many days after the invoice it is paid (账期).
    pub payment_days: i32,
    /// How many days after the order the goods come (交期).
    pub lead_days: i32,
    /// The last day on which it holds (报价有效期).
    pub valid_until: NaiveDate,
    /// What an order comes to at least, in minor units (最低订单金额).
    pub min_value_minor: Option<i64>,
    /// What else there is to say.
    pub note: Option<String>,
    /// What is offered of which line; lines may be left out.
    pub lines: Vec<QuotedLine>,
}

impl QuotationContent {
    /// Whether it still holds after a deadline on this day. When it was said it did; a deadline may be put off.
    pub fn holds_after(&self, deadline: NaiveDate) -> bool {
        deadline < self.valid_until
    }
}

/// What is offered of one line (报价明细).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotedLine {
    /// Of which line of the RFQ.
    pub line: RfqLineId,
    /// How its prices count.
    pub mode: TierMode,
    /// Its prices before tax, by quantity (阶梯价).
    pub tiers: Tiers,
    /// The least that is sold (起订量).
    pub moq: i64,
    /// Of what quantities are whole multiples (包装倍数).
    pub multiple: i64,
    /// How many days after the order it comes; none: as the quotation says.
    pub lead_days: Option<i32>,
    /// How much there is of it, when that is less than what is asked for.
    pub available: Option<i64>,
    /// The rate of the tax that comes on top, in parts per million.
    pub tax_ppm: i32,
    /// What there is to say.
    pub note: Option<String>,
}

fn range<T: ToString + Copy>(min: T, max: T) -> Refusal {
    Refusal::new(ErrorCode::OutOfRange).with("min", min.to_string()).with("max", max.to_string())
}

/// What a quotation says, when it can be said of what is asked for until the day of the deadline; or all that is wrong
/// with it. Lines may be left out: it is a partial quotation then. No refusal names a price.
pub fn checked(
    new: &QuotationContent,
    asked: &[line::Model],
    deadline: NaiveDate,
) -> Result<QuotationContent, Refusals> {
    let mut check = Check::default();
    let named_place = check.take("namedPlace", text::line(&new.named_place, 120)).unwrap_or_default();
    let note = text::given(new.note.as_deref()).and_then(|note| check.take("note", text::paragraph(note, 1_000)));
    check.demand((0..=365).contains(&new.payment_days), "paymentDays", || range(0, 365));
    check.demand((0..=730).contains(&new.lead_days), "leadDays", || range(0, 730));
    let (first, last) = (deadline + Days::new(1), deadline + Days::new(LONGEST_DAYS));
    check.demand((first..=last).contains(&new.valid_until), "validUntil", || range(first, last));
    let value = new.min_value_minor.is_none_or(|minor| (1..=Money::MAX_MINOR).contains(&minor));
    let code = new.currency.code();
    check
        .demand(value, "minValue", || Refusal::new(ErrorCode::InvalidAmount).with("value", "0").with("currency", code));
    check.0.extend(text::few(new.lines.len(), asked.len()).err());
    let (mut lines, mut seen) = (Vec::new(), BTreeSet::new());
    for (n, quoted) in new.lines.iter().take(asked.len()).enumerate() {
        let read = match line_checked(quoted, asked, new.currency) {
            Ok(_) if !seen.insert(quoted.line) => {
                Err(vec![Refusal::new(ErrorCode::Duplicate).with("value", (n + 1).to_string()).at("lineId")])
            }
            read => read,
        };
        match read {
            Ok(line) => lines.push(line),
            Err(refusals) => check.0.extend(refusals.into_iter().map(|one| one.at(n.to_string()).at("lines"))),
        }
    }
    check.done(QuotationContent { named_place, note, lines, ..new.clone() })
}

fn line_checked(quoted: &QuotedLine, asked: &[line::Model], currency: Currency) -> Result<QuotedLine, Refusals> {
    let mut check = Check::default();
    let line = asked.iter().find(|line| line.id == quoted.line);
    check.demand(line.is_some(), "lineId", || Refusal::new(ErrorCode::NotFound).with("value", "lineId"));
    let mut whole = true;
    for (field, n) in [("moq", quoted.moq), ("multiple", quoted.multiple)] {
        let fits = (1..=MOST).contains(&n);
        check.demand(fits, field, || range(1, MOST));
        whole &= fits;
    }
    if whole {
        let (moq, multiple) = (quoted.moq, quoted.multiple);
        let step = || {
            let refusal = Refusal::new(ErrorCode::InvalidOrderStep).with("moq", moq.to_string());
            refusal.with("multiple", multiple.to_string())
        };
        let even = moq % multiple == 0;
        check.demand(even, "moq", step);
        if even {
            let prices = tiers::checked(&quoted.tiers.0, moq, multiple);
            check.take("tiers", prices.map_err(|refusal| refusal.with("currency", currency.code())));
        }
    }
    check.demand(quoted.lead_days.is_none_or(|days| (0..=730).contains(&days)), "leadDays", || range(0, 730));
    let most = line.map_or(MOST, |line| line.quantity);
    check.demand(quoted.available.is_none_or(|n| (1..=most).contains(&n)), "available", || range(1, most));
    check.demand((0..=WHOLE_PPM).contains(&quoted.tax_ppm), "taxPpm", || range(0, WHOLE_PPM));
    let note = text::given(quoted.note.as_deref()).and_then(|note| check.take("note", text::line(note, 300)));
    check.done(QuotedLine { note, ..quoted.clone() })
}

/// A row of `quotation`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "quotation")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: QuotationId,
    /// For which RFQ.
    pub rfq_id: RfqId,
    /// Who asked.
    pub buyer_id: OrganisationId,
    /// Who quotes.
    pub supplier_id: OrganisationId,
    /// In which round.
    pub round: i32,
    /// Which version of this round, from 1 on.
    pub version: i32,
    /// State.
    pub state: QuotationState,
    /// What it says, sealed; none: it was never sealed.
    #[serde(skip)]
    pub sealed: Option<Vec<u8>>,
    /// What it says; none: it is not opened.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub content: Option<QuotationContent>,
    /// Who submitted it.
    pub submitted_by: String,
    /// When.
    pub submitted_at: DateTimeUtc,
    /// When it was opened (开标时间).
    pub opened_at: Option<DateTimeUtc>,
    /// The last day on which it holds; none: it is not opened.
    pub valid_until: Option<Date>,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The quotations that `viewer` may see: a supplier's own; those that were opened to whoever asked for them and
    /// to who oversees the zone. Before the opening there is no other way to any of them.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        let opened = || Column::OpenedAt.is_not_null();
        let mut seen = Condition::any();
        if viewer.oversees() {
            seen = seen.add(opened());
        }
        if let Some(own) = viewer.reads_for(Scope::Procurement) {
            seen = seen.add(Column::SupplierId.eq(own)).add(Column::BuyerId.eq(own).and(opened()));
        }
        // An empty condition would let everything through.
        if seen.is_empty() { Self::find().filter(Expr::val(false)) } else { Self::find().filter(seen) }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;
    use uuid::Uuid;

    use super::*;
    use crate::procurement::{Tier, UnitPrice};

    #[test]
    fn a_quotation_ends_once() {
        use QuotationState::{Awarded, Expired, Lost, Submitted, Superseded, Withdrawn};
        use QuotationStep as S;
        let table = [
            (S::Revise, Superseded),
            (S::Withdraw, Withdrawn),
            (S::Win, Awarded),
            (S::Lose, Lost),
            (S::Expire, Expired),
        ];
        for step in S::iter() {
            let to = table.iter().find(|(s, _)| *s == step).map(|(_, to)| *to);
            for state in QuotationState::iter() {
                assert_eq!(step.from(state).ok(), to.filter(|_| state == Submitted), "{step:?} of what is {state:?}");
            }
        }
    }

    fn asked(n: u128, quantity: i64) -> line::Model {
        line::Model {
            id: RfqLineId(Uuid::from_u128(n)),
            rfq_id: RfqId(Uuid::nil()),
            position: 0,
            variant_id: None,
            category_id: None,
            description: "rug".into(),
            quantity,
            unit: "piece".into(),
            needed_on: None,
            awarded: 0,
        }
    }

    fn quoted(n: u128) -> QuotedLine {
        let tier = |from, price| Tier { from, price: UnitPrice(price) };
        QuotedLine {
            line: RfqLineId(Uuid::from_u128(n)),
            mode: TierMode::Volume,
            tiers: Tiers(vec![tier(1, 12_000_000), tier(100, 11_200_000)]),
            moq: 1,
            multiple: 1,
            lead_days: None,
            available: None,
            tax_ppm: 130_000,
            note: None,
        }
    }

    fn content(lines: Vec<QuotedLine>) -> QuotationContent {
        QuotationContent {
            currency: Currency::CNY,
            incoterm: Incoterm::Ddp,
            named_place: "西宁".into(),
            payment_days: 30,
            lead_days: 14,
            valid_until: "2026-04-30".parse().unwrap(),
            min_value_minor: None,
            note: None,
            lines,
        }
    }

    #[test]
    fn what_is_quoted_is_of_what_is_asked_for() {
        use ErrorCode as E;
        let rfq = [asked(1, 100), asked(2, 50)];
        let deadline: NaiveDate = "2026-03-10".parse().unwrap();
        let wrong = |change: &dyn Fn(&mut QuotationContent)| {
            let mut new = content(vec![quoted(1), quoted(2)]);
            change(&mut new);
            let refused = checked(&new, &rfq, deadline).err().unwrap_or_default();
            refused.iter().map(|one| (one.code, one.field.join("."))).collect::<Vec<_>>()
        };
        let of_first = |change: fn(&mut QuotedLine)| wrong(&move |new| change(&mut new.lines[0]));
        for (refused, code, field) in [
            (wrong(&|new| new.named_place = " ".into()), E::Required, "namedPlace"),
            (wrong(&|new| new.payment_days = 366), E::OutOfRange, "paymentDays"),
            (wrong(&|new| new.lead_days = -1), E::OutOfRange, "leadDays"),
            (wrong(&|new| new.valid_until = "2026-03-10".parse().unwrap()), E::OutOfRange, "validUntil"),
            (wrong(&|new| new.min_value_minor = Some(0)), E::InvalidAmount, "minValue"),
            (wrong(&|new| new.lines.clear()), E::Required, "lines"),
            (wrong(&|new| new.lines.push(quoted(1))), E::TooMany, "lines"),
            (wrong(&|new| new.lines[1] = quoted(1)), E::Duplicate, "lines.1.lineId"),
            (wrong(&|new| new.lines[1] = quoted(9)), E::NotFound, "lines.1.lineId"),
            (of_first(|line| line.moq = 0), E::OutOfRange, "lines.0.moq"),
            (of_first(|line| line.multiple = 0), E::OutOfRange, "lines.0.multiple"),
            (of_first(|line| (line.moq, line.multiple) = (50, 20)), E::InvalidOrderStep, "lines.0.moq"),
            (of_first(|line| line.tiers.0.clear()), E::InvalidPriceTiers, "lines.0.tiers"),
            (of_first(|line| line.tiers.0.reverse()), E::InvalidPriceTiers, "lines.0.tiers"),
            (of_first(|line| line.lead_days = Some(731)), E::OutOfRange, "lines.0.leadDays"),
            (of_first(|line| line.available = Some(101)), E::OutOfRange, "lines.0.available"),
            (of_first(|line| line.tax_ppm = 1_000_001), E::OutOfRange, "lines.0.taxPpm"),
        ] {
            assert_eq!(refused, [(code, field.to_owned())]);
        }
    }

    #[test]
    fn lines_may_be_left_out_and_texts_are_trimmed() {
        let rfq = [asked(1, 100), asked(2, 50)];
        let deadline: NaiveDate = "2026-03-10".parse().unwrap();
        let mut new = content(vec![QuotedLine { note: Some("  ".into()), ..quoted(2) }]);
        new.named_place = "  西宁 ".into();
        let read = checked(&new, &rfq, deadline).unwrap();
        assert_eq!((read.lines.len(), read.named_place.as_str(), read.lines[0].note.as_deref()), (1, "西宁", None));
    }

    #[test]
    fn a_quotation_holds_after_a_deadline_before_its_last_day() {
        let content = content(Vec::new());
        for (deadline, expected) in [("2026-04-29", true), ("2026-04-30", false), ("2026-05-01", false)] {
            assert_eq!(content.holds_after(deadline.parse().unwrap()), expected, "{deadline}");
        }
    }

    #[test]
    fn no_refusal_of_a_quotation_names_a_price() {
        let rfq = [asked(1, 100)];
        let deadline: NaiveDate = "2026-03-10".parse().unwrap();
        let mut new = content(vec![quoted(1)]);
        new.lines[0].tiers.0[0].price = UnitPrice(7_654_321);
        new.lines[0].tiers.0[1].price = UnitPrice(8_765_432);
        let refused = checked(&new, &rfq, deadline).unwrap_err();
        let said = serde_json::to_string(&refused).unwrap();
        for price in ["7654321", "7.654321", "8765432", "8.765432"] {
            assert!(!said.contains(price), "{said}");
        }
    }
}
