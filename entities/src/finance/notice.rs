//! Notices of assignment (转让通知): what a debtor is told of who is to be paid from now on, and what it says to that.
//! Whoever's notice reached the debtor first comes before those that did not register (民法典 768), so it is kept when
//! each did.
//!
//! A debtor has one notice of one request. What was never sent does not exist for it. What it acknowledges is kept in
//! canonical form with its hash ([`Acknowledged`]): how much, when, to which account, and that it sets nothing off.
//! [`NoticeStep`] is the table of A3.

use crate::Relation;
use sea_orm::{Condition, FromJsonQueryResult, Select, entity::prelude::*, sea_query::Expr};
use serde::{Deserialize, Serialize};

use crate::{
    party::Viewer,
    values::{
        Currency, Money, Refusal,
        id::{AssignmentNoticeId, FinancingRequestId, OrganisationId, ReceivableId},
    },
};

/// Days after which a debtor that said nothing has not answered.
pub const ANSWER_DAYS: i64 = 15;
/// The form of what is hashed.
pub const FORM: &str = "1";

/// Where a notice is (通知状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "AssignmentNoticeState")]
pub enum NoticeState {
    /// It is written, and the debtor knows nothing of it (草稿).
    Draft,
    /// It is on its way (已发出).
    Sent,
    /// It reached the debtor (已送达).
    Delivered,
    /// The debtor pays as it says (已确认).
    Acknowledged,
    /// The debtor does not (有异议).
    Objected,
    /// The debtor said nothing in time; it still can (未答复).
    Unanswered,
    /// It does not hold any more: the debtor pays whom it paid before (已撤销).
    Revoked,
}

/// A step of a notice (通知操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum NoticeStep {
    /// The financier sends it.
    Send,
    /// It reaches the debtor.
    Deliver,
    /// The debtor acknowledges it, also after it objected.
    Acknowledge,
    /// The debtor objects.
    Object,
    /// The debtor said nothing in time.
    Lapse,
    /// The financing was called off.
    Revoke,
}

impl NoticeStep {
    /// The states that it leads from, and where to (A3).
    pub fn leads(self) -> (&'static [NoticeState], NoticeState) {
        use NoticeState::{Acknowledged, Delivered, Draft, Objected, Revoked, Sent, Unanswered};
        match self {
            Self::Send => (&[Draft], Sent),
            Self::Deliver => (&[Sent], Delivered),
            Self::Acknowledge => (&[Delivered, Unanswered, Objected], Acknowledged),
            Self::Object => (&[Delivered, Unanswered], Objected),
            Self::Lapse => (&[Delivered], Unanswered),
            Self::Revoke => (&[Draft, Sent, Delivered, Acknowledged, Objected, Unanswered], Revoked),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: NoticeState) -> Result<NoticeState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) { Ok(to) } else { Err(Refusal::illegal(state, format!("{self:?}").to_uppercase())) }
    }
}

/// How a notice reaches a debtor (送达方式).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NoticeChannel {
    /// It comes to the debtor's organisation here, and so at once: a message is there when it is in the system that is
    /// meant for it (站内送达，民法典 137).
    Platform,
    /// On paper; the financier notes when it came (邮寄送达).
    Post,
}

/// A receivable that a notice is about (通知明细).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Which.
    pub receivable: ReceivableId,
    /// The invoice's code and number.
    pub invoice_number: String,
    /// How much of it goes to the financier, in minor units.
    pub amount_minor: i64,
    /// When it is to be paid.
    pub due_on: Date,
}

/// The receivables that a notice is about, in the order of their request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Items(pub Vec<Item>);

/// A receivable in what is hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of what is hashed, described in the schema")]
pub struct SaidItem {
    pub receivable: String,
    pub invoice_number: String,
    pub amount: String,
    pub due_date: String,
}

/// What a notice says, as it is hashed. Amounts are decimal texts, parties their unified social credit codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of what is hashed, described in the schema")]
pub struct Said {
    pub form: &'static str,
    pub notice: String,
    pub assignor: String,
    pub assignee: String,
    pub debtor: String,
    pub currency: String,
    pub amount: String,
    pub pay_to: String,
    pub items: Vec<SaidItem>,
}

/// What a debtor says to it, as it is hashed (回执): that it pays so much, when it is due, to that account, and sets
/// nothing off against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of the statement, described in the schema")]
pub struct Acknowledged {
    pub said: Said,
    pub content_sha256: String,
    pub no_set_off: bool,
    pub signed_by: String,
    pub at: String,
}

/// A row of `assignment_notice`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "assignment_notice")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AssignmentNoticeId,
    /// Of which request.
    pub request_id: FinancingRequestId,
    /// Who is to be paid from now on.
    pub financier_id: OrganisationId,
    /// Who was to be paid until now.
    pub seller_id: OrganisationId,
    /// Who is told.
    pub debtor_id: OrganisationId,
    /// What people call it by.
    #[sea_orm(unique)]
    pub number: String,
    /// Where it is.
    pub state: NoticeState,
    /// In which currency.
    pub currency: Currency,
    /// How much it is over, in minor units.
    pub amount_minor: i64,
    /// What it is about.
    #[sea_orm(column_type = "JsonBinary")]
    pub items: Items,
    /// The account that the debtor is to pay to, in the financier's words; none: it is not sent.
    pub account: Option<String>,
    /// How it reaches the debtor.
    pub channel: Option<NoticeChannel>,
    /// SHA-256 of what it says in canonical form, in hex.
    pub content_sha256: Option<String>,
    /// Who sent it.
    pub sent_by: Option<String>,
    /// When.
    pub sent_at: Option<DateTimeUtc>,
    /// When it reached the debtor.
    pub delivered_at: Option<DateTimeUtc>,
    /// By what that is known, of what was posted.
    pub delivery_reference: Option<String>,
    /// Who answered it for the debtor.
    pub answered_by: Option<String>,
    /// When.
    pub answered_at: Option<DateTimeUtc>,
    /// Why the debtor objects.
    pub reason: Option<String>,
    /// What the debtor acknowledged, in canonical form.
    pub statement: Option<String>,
    /// SHA-256 of it, in hex.
    pub statement_sha256: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The notices that `viewer` may see: those of its organisation as financier or seller; as debtor those that were
    /// sent; all for who oversees the zone.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        if viewer.oversees() {
            return Self::find();
        }
        let Some(own) = viewer.organisation() else { return Self::find().filter(Expr::val(false)) };
        let told = Condition::all().add(Column::DebtorId.eq(own)).add(Column::SentAt.is_not_null());
        let sides = Condition::any().add(Column::FinancierId.eq(own)).add(Column::SellerId.eq(own)).add(told);
        Self::find().filter(sides)
    }
}

impl Model {
    /// An amount of this notice.
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;
    use crate::procurement::receivable::canonical;

    #[test]
    fn a_notice_goes_along_its_table() {
        use NoticeState::{Acknowledged, Delivered, Draft, Objected, Revoked, Sent, Unanswered};
        for (step, from, to) in [
            (NoticeStep::Send, vec![Draft], Sent),
            (NoticeStep::Deliver, vec![Sent], Delivered),
            (NoticeStep::Acknowledge, vec![Delivered, Unanswered, Objected], Acknowledged),
            (NoticeStep::Object, vec![Delivered, Unanswered], Objected),
            (NoticeStep::Lapse, vec![Delivered], Unanswered),
            (NoticeStep::Revoke, vec![Draft, Sent, Delivered, Acknowledged, Objected, Unanswered], Revoked),
        ] {
            for state in NoticeState::iter() {
                assert_eq!(step.from(state).ok(), from.contains(&state).then_some(to), "{step:?} from {state:?}");
            }
        }
        // What the debtor acknowledged it cannot take back.
        for step in NoticeStep::iter().filter(|step| *step != NoticeStep::Revoke) {
            assert!(step.from(Acknowledged).is_err(), "{step:?} leads away from what was acknowledged");
        }
    }

    #[test]
    fn what_is_acknowledged_has_one_form() {
        let item = SaidItem {
            receivable: "r".into(),
            invoice_number: "INV-1".into(),
            amount: "1000.00".into(),
            due_date: "2026-04-20".into(),
        };
        let said = Said {
            form: FORM,
            notice: "AN1".into(),
            assignor: "91630103MA75AE4A44".into(),
            assignee: "b".into(),
            debtor: "91630105MA75PB350Q".into(),
            currency: "CNY".into(),
            amount: "1000.00".into(),
            pay_to: "河湟商业银行 6222 0000 0000 0001".into(),
            items: vec![item],
        };
        let statement = Acknowledged {
            said: said.clone(),
            content_sha256: "0".into(),
            no_set_off: true,
            signed_by: "person:1".into(),
            at: "2026-03-01T08:00:00.000Z".into(),
        };
        let content = "{\"amount\":\"1000.00\",\"assignee\":\"b\",\"assignor\":\"91630103MA75AE4A44\",\
             \"currency\":\"CNY\",\"debtor\":\"91630105MA75PB350Q\",\"form\":\"1\",\"items\":[{\"amount\":\"1000.00\",\
             \"dueDate\":\"2026-04-20\",\"invoiceNumber\":\"INV-1\",\"receivable\":\"r\"}],\"notice\":\"AN1\",\
             \"payTo\":\"河湟商业银行 6222 0000 0000 0001\"}";
        assert_eq!(canonical(&said).unwrap(), content);
        assert_eq!(
            canonical(&statement).unwrap(),
            format!(
                "{{\"at\":\"2026-03-01T08:00:00.000Z\",\"contentSha256\":\"0\",\"noSetOff\":true,\"said\":{content},\
                 \"signedBy\":\"person:1\"}}"
            )
        );
    }
}
