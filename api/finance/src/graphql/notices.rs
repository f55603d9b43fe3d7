//! Notices of assignment in the schema: what debtors are told, and what they say to it.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    finance::{NoticeChannel, NoticeState, notice},
    party::Action,
};
use party::graphql::Organisation;
use platform::{
    graphql::{
        Connection, ContextExt, Money,
        connection::{list_cost, times},
        decode, encode,
    },
    page::PageArgs,
    payload,
};

use super::{organisation, requests::FinancingRequest};
use crate::ops::notices::{self as ops, Telling};

/// Receivables that an answer is reckoned with.
const ITEMS: usize = 20;

/// A receivable that a notice is about (通知明细).
#[derive(SimpleObject)]
pub(crate) struct AssignmentNoticeItem {
    /// Which; its debtor sees it when it was asked to confirm it.
    receivable_id: ID,
    /// The invoice's code and number (发票号码).
    invoice_number: String,
    /// How much of it is to be paid to the financier.
    amount: Money,
    /// When it is to be paid (到期日).
    due_on: NaiveDate,
}

/// What a debtor is told of who is to be paid from now on, and what it said to that (转让通知).
#[derive(Clone, Debug)]
pub struct AssignmentNotice(pub notice::Model);

/// What a debtor is told of who is to be paid from now on, and what it said to that (转让通知).
#[Object]
impl AssignmentNotice {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What people call it by (编号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// Of which request; null to its debtor.
    async fn request_id(&self, context: &Context<'_>) -> Option<ID> {
        let viewer = context.viewer();
        let debtor = !viewer.oversees() && viewer.organisation() == Some(self.0.debtor_id);
        (!debtor).then(|| encode(self.0.request_id))
    }

    /// Where it is.
    async fn state(&self) -> NoticeState {
        self.0.state
    }

    /// Who is to be paid from now on (受让人).
    async fn financier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.financier_id).await
    }

    /// Who was to be paid until now (出让人).
    async fn seller(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.seller_id).await
    }

    /// Who is told (债务人).
    async fn debtor(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.debtor_id).await
    }

    /// How much it is over.
    async fn amount(&self) -> Money {
        self.0.money(self.0.amount_minor).into()
    }

    /// Which receivables it is about.
    #[graphql(complexity = "times(ITEMS, child_complexity)")]
    async fn items(&self) -> Vec<AssignmentNoticeItem> {
        let shown = |item: &notice::Item| AssignmentNoticeItem {
            receivable_id: encode(item.receivable),
            invoice_number: item.invoice_number.clone(),
            amount: self.0.money(item.amount_minor).into(),
            due_on: item.due_on,
        };
        self.0.items.0.iter().map(shown).collect()
    }

    /// The account that the debtor is to pay to; null: it is not sent (回款账户).
    async fn account(&self) -> Option<&str> {
        self.0.account.as_deref()
    }

    /// How it reaches the debtor; null: it is not sent.
    async fn channel(&self) -> Option<NoticeChannel> {
        self.0.channel
    }

    /// SHA-256 of what it says in canonical form, in hex; null: it is not sent.
    async fn content_sha256(&self) -> Option<&str> {
        self.0.content_sha256.as_deref()
    }

    /// When it was sent (发出时间).
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        self.0.sent_at
    }

    /// When it reached the debtor (送达时间).
    async fn delivered_at(&self) -> Option<DateTime<Utc>> {
        self.0.delivered_at
    }

    /// When the debtor answered (答复时间).
    async fn answered_at(&self) -> Option<DateTime<Utc>> {
        self.0.answered_at
    }

    /// Why the debtor objects, or did (异议理由).
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// What the debtor acknowledged, in canonical form (RFC 8785), of which `statementSha256` is the hash: how much,
    /// when, to which account, and that it sets nothing off (回执).
    async fn statement(&self) -> Option<&str> {
        self.0.statement.as_deref()
    }

    /// SHA-256 of the statement, in hex.
    async fn statement_sha256(&self) -> Option<&str> {
        self.0.statement_sha256.as_deref()
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// What is sent to the debtors of a request (发送转让通知).
#[derive(InputObject)]
pub(crate) struct SendAssignmentNoticesInput {
    /// Of which request.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The account that they are to pay to: bank, holder and number (回款账户).
    account: String,
    /// How it reaches them.
    #[graphql(default_with = "NoticeChannel::Platform")]
    channel: NoticeChannel,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A notice on paper that reached its debtor (登记送达).
#[derive(InputObject)]
pub(crate) struct RecordNoticeDeliveryInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// By what that is known: the number of the parcel, of the receipt (送达凭证).
    reference: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A notice that its debtor acknowledges (确认转让通知).
#[derive(InputObject)]
pub(crate) struct AcknowledgeAssignmentNoticeInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// That it sets nothing off against what it pays; whoever wants to objects (不抵销).
    no_set_off: bool,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A notice that its debtor objects to (对转让通知提出异议).
#[derive(InputObject)]
pub(crate) struct ObjectToAssignmentNoticeInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A financing of which debtors are told after all (转为公开).
#[derive(InputObject)]
pub(crate) struct DiscloseFinancingInput {
    /// Of which request.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// The account that they are to pay to: bank, holder and number (回款账户).
    account: String,
    /// How it reaches them.
    #[graphql(default_with = "NoticeChannel::Platform")]
    channel: NoticeChannel,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `sendAssignmentNotices`.
    SendAssignmentNoticesPayload { /// The request.
        request: FinancingRequest }
    /// The answer to `recordNoticeDelivery`.
    RecordNoticeDeliveryPayload { /// The notice.
        notice: AssignmentNotice }
    /// The answer to `acknowledgeAssignmentNotice`.
    AcknowledgeAssignmentNoticePayload { /// The notice.
        notice: AssignmentNotice }
    /// The answer to `objectToAssignmentNotice`.
    ObjectToAssignmentNoticePayload { /// The notice.
        notice: AssignmentNotice }
    /// The answer to `discloseFinancing`.
    DiscloseFinancingPayload { /// The request.
        request: FinancingRequest }
}

/// Which notices (转让通知筛选).
#[derive(Default, InputObject)]
pub(crate) struct AssignmentNoticeFilter {
    /// Only those of this request.
    request_id: Option<ID>,
    /// Only those that are there.
    state: Option<NoticeState>,
}

/// Queries about notices of assignment.
#[derive(Default)]
pub struct NoticeQuery;

#[Object]
impl NoticeQuery {
    /// Notices of assignment that one's organisation sent, gets, or whose receivables they are about, newest first
    /// (转让通知列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn assignment_notices(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<AssignmentNoticeFilter>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AssignmentNotice>> {
        context.may(Action::ReadFinancing)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default();
        let request = filter.request_id.as_ref().map(|id| decode(id, "requestId")).transpose()?;
        let rows = ops::list(context.app().db().read(), context.viewer(), (request, filter.state), &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), AssignmentNotice(row))))
    }
}

/// Mutations of notices of assignment.
#[derive(Default)]
pub struct NoticeMutation;

#[Object]
impl NoticeMutation {
    /// Tells the debtors of a request that is disclosed whom they pay from now on (发送转让通知).
    async fn send_assignment_notices(
        &self,
        context: &Context<'_>,
        input: SendAssignmentNoticesInput,
    ) -> Result<SendAssignmentNoticesPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            let telling = Telling { account: input.account, channel: input.channel };
            ops::send(context.app(), &call, id, &telling).await
        };
        SendAssignmentNoticesPayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }

    /// Notes that a notice on paper reached its debtor (登记送达).
    async fn record_notice_delivery(
        &self,
        context: &Context<'_>,
        input: RecordNoticeDeliveryInput,
    ) -> Result<RecordNoticeDeliveryPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            ops::delivered(context.app(), &call, id, &input.reference).await
        };
        RecordNoticeDeliveryPayload::new(context, input.client_mutation_id, result.await.map(AssignmentNotice))
    }

    /// The debtor acknowledges a notice: it pays so much, when it is due, to that account, and sets nothing off. It
    /// cannot be taken back (确认转让通知).
    async fn acknowledge_assignment_notice(
        &self,
        context: &Context<'_>,
        input: AcknowledgeAssignmentNoticeInput,
    ) -> Result<AcknowledgeAssignmentNoticePayload> {
        let call = context.call(Action::ConfirmReceivables)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            ops::acknowledge(context.app(), &call, id, input.no_set_off).await
        };
        let result = result.await.map(AssignmentNotice);
        AcknowledgeAssignmentNoticePayload::new(context, input.client_mutation_id, result)
    }

    /// The debtor objects to a notice: no money is paid out on it. It can still acknowledge it (对转让通知提出异议).
    async fn object_to_assignment_notice(
        &self,
        context: &Context<'_>,
        input: ObjectToAssignmentNoticeInput,
    ) -> Result<ObjectToAssignmentNoticePayload> {
        let call = context.call(Action::ConfirmReceivables)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            ops::object(context.app(), &call, id, &input.reason).await
        };
        ObjectToAssignmentNoticePayload::new(context, input.client_mutation_id, result.await.map(AssignmentNotice))
    }

    /// Tells debtors that did not pay in time whom they pay, of a financing that was not disclosed. It goes one way
    /// only (转为公开).
    async fn disclose_financing(
        &self,
        context: &Context<'_>,
        input: DiscloseFinancingInput,
    ) -> Result<DiscloseFinancingPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            let telling = Telling { account: input.account, channel: input.channel };
            ops::disclose(context.app(), &call, id, &telling, &input.reason).await
        };
        DiscloseFinancingPayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }
}
