//! The steps of purchase orders in the schema.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use chrono::NaiveDate;
use entities::{ordering::Incoterm, party::Action};
use inventory::ledger::in_line;
use platform::{
    error::Error,
    graphql::{ContextExt, decode, decode_all},
    payload,
};

use super::{
    orders::{EditInput, PurchaseOrder, PurchaseOrderLineInput},
    shared::{ExchangeRateInput, ScheduleEntryInput, UnitPriceInput},
};
use crate::ops::{
    approvals,
    order_steps::{self as ops, Offered},
    orders::Edit,
};

/// What is decided about a step of an order's approval (审批结论).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum PurchaseApprovalDecision {
    /// It goes on (同意).
    Approve,
    /// It goes back to who asked (驳回).
    Reject,
}

/// An order that is submitted for approval (提交审批).
#[derive(InputObject)]
pub(crate) struct SubmitPurchaseOrderInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What is decided about an order (采购审批).
#[derive(InputObject)]
pub(crate) struct DecidePurchaseApprovalInput {
    /// Which order.
    id: ID,
    /// The version that was read; null: as it is now.
    expected_version: Option<i32>,
    /// What.
    decision: PurchaseApprovalDecision,
    /// What there is to say to it; required for `REJECT`.
    comment: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An order that goes to its supplier (发出采购订单).
#[derive(InputObject)]
pub(crate) struct SendPurchaseOrderInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An order that its supplier agrees to (确认采购订单).
#[derive(InputObject)]
pub(crate) struct AcknowledgePurchaseOrderInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An order that its supplier does not deliver (拒绝采购订单).
#[derive(InputObject)]
pub(crate) struct RejectPurchaseOrderInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A line as its supplier would rather have it (变更提议行).
#[derive(InputObject)]
pub(crate) struct OrderChangeLineInput {
    /// Which.
    line_id: ID,
    /// How much; null: as it is.
    quantity: Option<i64>,
    /// At which price of one unit; null: as it is.
    price: Option<UnitPriceInput>,
    /// Until when; null: as it is.
    needed_on: Option<NaiveDate>,
    /// When how much of it comes; null: as it is, or none when quantity or day change.
    schedule: Option<Vec<ScheduleEntryInput>>,
}

/// What a supplier would rather deliver (提出订单变更).
#[derive(InputObject)]
pub(crate) struct ProposeOrderChangeInput {
    /// Of which order.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Which lines otherwise.
    lines: Vec<OrderChangeLineInput>,
    /// Why.
    note: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What its buyer says to a change that a supplier proposes (答复订单变更).
#[derive(InputObject)]
pub(crate) struct SettleOrderChangeInput {
    /// Of which order.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Whether it is agreed to.
    agree: bool,
    /// What there is to say to it.
    note: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Another content of an order that was sent (变更采购订单).
#[derive(InputObject)]
pub(crate) struct AmendPurchaseOrderInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// How much renminbi one unit of its currency is; by default as before.
    fx: Option<ExchangeRateInput>,
    /// Who pays carriage up to where.
    incoterm: Incoterm,
    /// Up to where.
    named_place: String,
    /// Days until its invoices are to be paid, at most 365.
    payment_days: i32,
    /// Where its goods are taken in.
    deliver_to_id: Option<ID>,
    /// What there is to say to it.
    note: Option<String>,
    /// What is ordered, at most 500 lines, all that there are among them; what is not wanted any more is closed short.
    lines: Vec<PurchaseOrderLineInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

impl AmendPurchaseOrderInput {
    fn edit(&self) -> Result<Edit, Error> {
        EditInput {
            fx: self.fx.as_ref(),
            incoterm: self.incoterm,
            named_place: &self.named_place,
            payment_days: self.payment_days,
            deliver_to: self.deliver_to_id.as_ref(),
            note: self.note.as_deref(),
            lines: &self.lines,
        }
        .read()
    }
}

/// A change of an order that is given up before it went to the supplier (撤回订单变更).
#[derive(InputObject)]
pub(crate) struct WithdrawOrderAmendmentInput {
    /// Of which order.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An order of which what is missing is given up (短缺关闭).
#[derive(InputObject)]
pub(crate) struct ShortClosePurchaseOrderInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Which lines; null: all.
    line_ids: Option<Vec<ID>>,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An order that is given up before anything came (取消采购订单).
#[derive(InputObject)]
pub(crate) struct CancelPurchaseOrderInput {
    /// Which.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `submitPurchaseOrder`.
    SubmitPurchaseOrderPayload { /// The order.
        purchase_order: PurchaseOrder }
    /// The answer to `decidePurchaseApproval`.
    DecidePurchaseApprovalPayload { /// The order.
        purchase_order: PurchaseOrder }
    /// The answer to `sendPurchaseOrder`.
    SendPurchaseOrderPayload { /// The order.
        purchase_order: PurchaseOrder }
    /// The answer to `acknowledgePurchaseOrder`.
    AcknowledgePurchaseOrderPayload { /// The order.
        purchase_order: PurchaseOrder }
    /// The answer to `rejectPurchaseOrder`.
    RejectPurchaseOrderPayload { /// The order.
        purchase_order: PurchaseOrder }
    /// The answer to `proposeOrderChange`.
    ProposeOrderChangePayload { /// The order.
        purchase_order: PurchaseOrder }
    /// The answer to `settleOrderChange`.
    SettleOrderChangePayload { /// The order.
        purchase_order: PurchaseOrder }
    /// The answer to `amendPurchaseOrder`.
    AmendPurchaseOrderPayload { /// The order.
        purchase_order: PurchaseOrder }
    /// The answer to `withdrawOrderAmendment`.
    WithdrawOrderAmendmentPayload { /// The order.
        purchase_order: PurchaseOrder }
    /// The answer to `shortClosePurchaseOrder`.
    ShortClosePurchaseOrderPayload { /// The order.
        purchase_order: PurchaseOrder }
    /// The answer to `cancelPurchaseOrder`.
    CancelPurchaseOrderPayload { /// The order.
        purchase_order: PurchaseOrder }
}

/// What a supplier proposes, as it is sent.
fn offered(lines: &[OrderChangeLineInput]) -> Result<Vec<Offered>, Error> {
    let line = |(n, line): (usize, &OrderChangeLineInput)| {
        let price = line.price.as_ref().map(|price| price.read("price")).transpose();
        Ok::<_, Error>(Offered {
            line: decode(&line.line_id, "lineId").map_err(|error| in_line(error, n))?,
            quantity: line.quantity,
            price: price.map_err(|error| in_line(error, n))?,
            needed_on: line.needed_on,
            schedule: line.schedule.as_deref().map(ScheduleEntryInput::read_all),
        })
    };
    lines.iter().enumerate().map(line).collect()
}

/// The steps of purchase orders.
#[derive(Default)]
pub(crate) struct OrderStepMutation;

#[Object]
impl OrderStepMutation {
    /// Asks for approval of an order, by the policies for its amount, and for that of other orders to the same supplier
    /// shortly before. It takes from spending limits and agreements from here on (提交审批).
    async fn submit_purchase_order(
        &self,
        context: &Context<'_>,
        input: SubmitPurchaseOrderInput,
    ) -> Result<SubmitPurchaseOrderPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result =
            async { ops::submit(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        let result = result.await.map(PurchaseOrder);
        SubmitPurchaseOrderPayload::new(context, input.client_mutation_id, result)
    }

    /// Decides the step of approval whose turn it is: not who asked for the order or changed it. The last that agrees
    /// approves it. A change of what was sent that is not approved is no more: the order is what was agreed last
    /// (采购审批).
    async fn decide_purchase_approval(
        &self,
        context: &Context<'_>,
        input: DecidePurchaseApprovalInput,
    ) -> Result<DecidePurchaseApprovalPayload> {
        let call = context.call(Action::ApprovePurchases)?;
        let approve = input.decision == PurchaseApprovalDecision::Approve;
        let result = async {
            let id = decode(&input.id, "id")?;
            let comment = input.comment.as_deref();
            approvals::decide(context.app(), &call, id, input.expected_version, approve, comment).await
        };
        let result = result.await.map(PurchaseOrder);
        DecidePurchaseApprovalPayload::new(context, input.client_mutation_id, result)
    }

    /// Sends an approved order to its supplier, who sees it from here on (发出采购订单).
    async fn send_purchase_order(
        &self,
        context: &Context<'_>,
        input: SendPurchaseOrderInput,
    ) -> Result<SendPurchaseOrderPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async { ops::send(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        let result = result.await.map(PurchaseOrder);
        SendPurchaseOrderPayload::new(context, input.client_mutation_id, result)
    }

    /// Agrees, as its supplier, to what an order says (确认采购订单).
    async fn acknowledge_purchase_order(
        &self,
        context: &Context<'_>,
        input: AcknowledgePurchaseOrderInput,
    ) -> Result<AcknowledgePurchaseOrderPayload> {
        let call = context.call(Action::QuoteGoods)?;
        let result =
            async { ops::acknowledge(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        let result = result.await.map(PurchaseOrder);
        AcknowledgePurchaseOrderPayload::new(context, input.client_mutation_id, result)
    }

    /// Does not deliver, as its supplier, what an order asks for (拒绝采购订单).
    async fn reject_purchase_order(
        &self,
        context: &Context<'_>,
        input: RejectPurchaseOrderInput,
    ) -> Result<RejectPurchaseOrderPayload> {
        let call = context.call(Action::QuoteGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::reject(context.app(), &call, id, input.expected_version, &input.reason).await
        };
        let result = result.await.map(PurchaseOrder);
        RejectPurchaseOrderPayload::new(context, input.client_mutation_id, result)
    }

    /// Proposes, as its supplier, other quantities, prices or days; nothing changes until the buyer agrees (提出订单变更).
    async fn propose_order_change(
        &self,
        context: &Context<'_>,
        input: ProposeOrderChangeInput,
    ) -> Result<ProposeOrderChangePayload> {
        let call = context.call(Action::QuoteGoods)?;
        let result = async {
            let (id, lines) = (decode(&input.id, "id")?, offered(&input.lines)?);
            ops::propose_change(context.app(), &call, id, input.expected_version, &lines, &input.note).await
        };
        let result = result.await.map(PurchaseOrder);
        ProposeOrderChangePayload::new(context, input.client_mutation_id, result)
    }

    /// Says, as the buyer, what becomes of a change that the supplier proposes. Agreed to, it is another revision of
    /// the order; when that is dearer it is approved anew. Declined, what was agreed to before still is (答复订单变更).
    async fn settle_order_change(
        &self,
        context: &Context<'_>,
        input: SettleOrderChangeInput,
    ) -> Result<SettleOrderChangePayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let (id, note) = (decode(&input.id, "id")?, input.note.as_deref());
            ops::settle_change(context.app(), &call, id, input.expected_version, input.agree, note).await
        };
        let result = result.await.map(PurchaseOrder);
        SettleOrderChangePayload::new(context, input.client_mutation_id, result)
    }

    /// Changes an order that was sent: another revision. When it becomes dearer, or buys of another category, it is
    /// approved anew, and nothing is taken in meanwhile; its supplier sees what was agreed until that is sent. Else its
    /// supplier is asked again (变更采购订单).
    async fn amend_purchase_order(
        &self,
        context: &Context<'_>,
        input: AmendPurchaseOrderInput,
    ) -> Result<AmendPurchaseOrderPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let (id, edit) = (decode(&input.id, "id")?, input.edit()?);
            ops::amend(context.app(), &call, id, input.expected_version, &edit, &input.reason).await
        };
        let result = result.await.map(PurchaseOrder);
        AmendPurchaseOrderPayload::new(context, input.client_mutation_id, result)
    }

    /// Gives up a change of an order that was sent, before that is sent: the order is what was agreed last (撤回订单变更).
    async fn withdraw_order_amendment(
        &self,
        context: &Context<'_>,
        input: WithdrawOrderAmendmentInput,
    ) -> Result<WithdrawOrderAmendmentPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::withdraw_amendment(context.app(), &call, id, input.expected_version).await
        };
        let result = result.await.map(PurchaseOrder);
        WithdrawOrderAmendmentPayload::new(context, input.client_mutation_id, result)
    }

    /// Gives up what is missing of an order, or of some of its lines: also what was rejected. What is good is billed
    /// all the same (短缺关闭).
    async fn short_close_purchase_order(
        &self,
        context: &Context<'_>,
        input: ShortClosePurchaseOrderInput,
    ) -> Result<ShortClosePurchaseOrderPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let lines = input.line_ids.as_deref().map(|ids| decode_all(ids, "lineIds")).transpose()?;
            let (expected, lines) = (input.expected_version, lines.as_deref());
            ops::short_close(context.app(), &call, id, expected, lines, &input.reason).await
        };
        let result = result.await.map(PurchaseOrder);
        ShortClosePurchaseOrderPayload::new(context, input.client_mutation_id, result)
    }

    /// Gives an order up before anything of it came (取消采购订单).
    async fn cancel_purchase_order(
        &self,
        context: &Context<'_>,
        input: CancelPurchaseOrderInput,
    ) -> Result<CancelPurchaseOrderPayload> {
        let call = context.call(Action::SourceGoods)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::cancel(context.app(), &call, id, input.expected_version, &input.reason).await
        };
        let result = result.await.map(PurchaseOrder);
        CancelPurchaseOrderPayload::new(context, input.client_mutation_id, result)
    }
}
