//! What waits for whom (待办): things of procurement that somebody has to do something about next, by what it is. A task is
//! no row: it follows from the state of its thing, and is gone when that has moved on.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::{
    party::Action,
    values::id::{
        DebitNoteId, GoodsReceiptId, OrganisationId, PayableId, PurchaseOrderId, RfqId, SupplierInvoiceId,
        SupplyAgreementId,
    },
};

/// What is to be done (待办类型).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    sea_orm::EnumIter,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "ProcurementTaskKind")]
pub enum TaskKind {
    /// A request wants a quotation, or a no (待报价).
    QuoteRfq,
    /// A supplier asked something about a request (待答疑).
    AnswerQuestion,
    /// The deadline of a request is over, and its quotations are not opened (待开标).
    OpenBids,
    /// Quotations are opened, and not all is awarded (待定标).
    AwardRfq,
    /// What was awarded is not ordered yet (待转订单).
    ConvertAwards,
    /// An order comes of an award or was sent back, and is not submitted (待提交审批).
    SubmitOrder,
    /// An order waits for an approval (待审批).
    ApproveOrder,
    /// An order is approved, and not sent (待发出).
    SendOrder,
    /// An order wants an answer of its supplier (待确认订单).
    AcknowledgeOrder,
    /// A supplier would rather deliver otherwise (待处理变更).
    SettleChange,
    /// Something that was ordered is due (待收货).
    ReceiveGoods,
    /// Something came that nobody has looked at (待检验).
    InspectGoods,
    /// Something was rejected and is still here (待退货).
    ReturnGoods,
    /// An invoice does not match (待处理异常).
    ResolveException,
    /// An invoice matches, and is not approved (待批准发票).
    ApproveInvoice,
    /// Something is to be paid soon (待付款).
    PayInvoice,
    /// What is owed is disputed (待解决争议).
    SettleDispute,
    /// A debit note wants an answer of its supplier (待答复借项).
    AnswerDebitNote,
    /// A framework agreement wants an answer of its supplier (待确认协议).
    AcceptAgreement,
    /// A framework agreement is agreed on, and not in force (待生效协议).
    ActivateAgreement,
}

impl TaskKind {
    /// Who may do it, may this.
    pub fn action(self) -> Action {
        match self {
            Self::QuoteRfq | Self::AcknowledgeOrder | Self::AcceptAgreement => Action::QuoteGoods,
            Self::AnswerQuestion
            | Self::OpenBids
            | Self::AwardRfq
            | Self::ConvertAwards
            | Self::SubmitOrder
            | Self::SendOrder
            | Self::SettleChange => Action::SourceGoods,
            Self::ApproveOrder | Self::ActivateAgreement => Action::ApprovePurchases,
            Self::ReceiveGoods | Self::InspectGoods | Self::ReturnGoods => Action::ReceivePurchases,
            Self::ResolveException
            | Self::ApproveInvoice
            | Self::PayInvoice
            | Self::SettleDispute
            | Self::AnswerDebitNote => Action::RecordInvoices,
        }
    }
}

/// The thing that a task is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A request for quotations.
    Rfq(RfqId),
    /// An order.
    Order(PurchaseOrderId),
    /// A receipt.
    Receipt(GoodsReceiptId),
    /// An invoice.
    Invoice(SupplierInvoiceId),
    /// What is owed for one.
    Payable(PayableId),
    /// A framework agreement.
    Agreement(SupplyAgreementId),
    /// A debit note.
    DebitNote(DebitNoteId),
}

/// Something that waits for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What is to be done.
    pub kind: TaskKind,
    /// About what.
    pub subject: Subject,
    /// What people call that.
    pub number: String,
    /// The other side of it, when there is one.
    pub other: Option<OrganisationId>,
    /// Since when it waits.
    pub since: DateTime<Utc>,
    /// Until when it should be done.
    pub due_at: Option<DateTime<Utc>>,
}

/// The end of a business day, which is that of Asia/Shanghai.
pub fn end_of(day: NaiveDate) -> DateTime<Utc> {
    // Midnight there is sixteen hours after midnight here.
    let sixteen = NaiveTime::from_hms_opt(16, 0, 0).unwrap_or_default();
    day.and_time(sixteen).and_utc()
}

/// Tasks in the order that one does them in: what is due first, then what has no day, oldest first.
pub fn in_order(mut tasks: Vec<Task>) -> Vec<Task> {
    tasks.sort_by(|a, b| {
        let key = |task: &Task| (task.due_at.is_none(), task.due_at, task.since, task.kind);
        key(a).cmp(&key(b)).then_with(|| a.number.cmp(&b.number))
    });
    tasks
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;
    use uuid::Uuid;

    use super::*;
    use crate::party::permission::RULES;

    #[test]
    fn what_is_due_first_comes_first() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let task = |number: &str, since: &str, due: Option<&str>| Task {
            kind: TaskKind::SendOrder,
            subject: Subject::Order(PurchaseOrderId(Uuid::nil())),
            number: number.into(),
            other: None,
            since: at(since),
            due_at: due.map(at),
        };
        let tasks = vec![
            task("later", "2026-03-01T00:00:00Z", None),
            task("second", "2026-03-01T00:00:00Z", Some("2026-03-05T00:00:00Z")),
            task("old", "2026-02-01T00:00:00Z", None),
            task("first", "2026-03-02T00:00:00Z", Some("2026-03-04T00:00:00Z")),
        ];
        let order: Vec<String> = in_order(tasks).into_iter().map(|task| task.number).collect();
        assert_eq!(order, ["first", "second", "old", "later"]);
    }

    #[test]
    fn somebody_may_do_each_task() {
        for kind in TaskKind::iter() {
            let action = kind.action();
            assert!(RULES.iter().any(|(ruled, who)| *ruled == action && !who.is_empty()), "{kind:?}");
        }
    }

    #[test]
    fn a_business_day_ends_at_midnight_in_the_zone() {
        assert_eq!(end_of("2026-03-01".parse().unwrap()).to_rfc3339(), "2026-03-01T16:00:00+00:00");
    }
}
