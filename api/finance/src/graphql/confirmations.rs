//! Confirmations in the schema: what sellers ask and debtors say.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use entities::{
    finance::{
        ConfirmationResult, confirmation,
        receivable::{self, MOST},
    },
    party::Action,
    values::{
        ErrorCode, Refusal,
        id::{BankAccountId, ReceivableId},
    },
};
use party::graphql::keeping::BankAccount;
use platform::{
    error::Error,
    graphql::{ContextExt, Money, MoneyInput, connection::times, decode, encode},
    payload,
};

use super::receivables::Receivable;
use crate::{
    loaders::{self, AccountOf},
    ops::{
        Control,
        confirmations::{self as ops, Asked, Item, Outcome, Said},
    },
};

/// Receivables that an answer to a batch is reckoned with.
const BATCH: usize = 50;

/// That a debtor was asked whether it pays, and what it said (应收账款确认).
#[derive(Clone, Debug)]
pub(crate) struct Confirmation {
    pub(crate) row: confirmation::Model,
    pub(crate) of: receivable::Model,
}

/// That a debtor was asked whether it pays, and what it said (应收账款确认).
#[Object(name = "ReceivableConfirmation")]
impl Confirmation {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.row.id)
    }

    /// What became of it.
    async fn result(&self) -> ConfirmationResult {
        self.row.result
    }

    /// How much was outstanding when it was asked for (申请确认金额).
    async fn asked(&self) -> Money {
        self.of.money(self.row.asked_minor).into()
    }

    /// How much the debtor pays, or disputes (确认金额).
    async fn amount(&self) -> Option<Money> {
        self.row.amount_minor.map(|minor| self.of.money(minor).into())
    }

    /// The seller's account that is to be paid to, its number masked (收款账户).
    async fn account(&self, context: &Context<'_>) -> Result<Option<BankAccount>> {
        let Some(id) = self.row.account_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(AccountOf(id)).await?.map(BankAccount))
    }

    /// Whether the debtor pays whatever it may have against the seller: no set-off, no defences (放弃抗辩).
    async fn waiver_of_defences(&self) -> bool {
        self.row.waiver_of_defences
    }

    /// Whether the debtor says that the goods were delivered and accepted (已验收).
    async fn goods_accepted(&self) -> bool {
        self.row.goods_accepted
    }

    /// What the debtor stated, in canonical form (RFC 8785), of which `statementSha256` is the hash; null: it stated
    /// nothing (确认书).
    async fn statement(&self) -> Option<&str> {
        self.row.statement.as_deref()
    }

    /// SHA-256 of the statement, in hex.
    async fn statement_sha256(&self) -> Option<&str> {
        self.row.statement_sha256.as_deref()
    }

    /// Why the debtor did not confirm, or how the dispute ended.
    async fn reason(&self) -> Option<&str> {
        self.row.reason.as_deref()
    }

    /// When it was asked for.
    async fn requested_at(&self) -> DateTime<Utc> {
        self.row.requested_at
    }

    /// Until when it can be answered; null: it was answered at once.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.row.expires_at
    }

    /// When it was answered.
    async fn answered_at(&self) -> Option<DateTime<Utc>> {
        self.row.answered_at
    }
}

/// What a seller asks debtors (申请确认).
#[derive(InputObject)]
pub(crate) struct RequestConfirmationInput {
    /// Which receivables, at most 500.
    receivable_ids: Vec<ID>,
    /// The account that is to be paid to, one of the seller's (收款账户).
    account_id: Option<ID>,
    /// Days until when it can be answered, 1 to 90; left out: 15.
    days: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A question that is taken back (撤回确认申请).
#[derive(InputObject)]
pub(crate) struct RecallConfirmationInput {
    /// Of which receivable.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// How much of a receivable its debtor pays (确认明细).
#[derive(InputObject)]
pub(crate) struct ConfirmItemInput {
    /// Of which receivable.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// How much: all that is outstanding, or a part.
    amount: MoneyInput,
}

/// What a debtor says of several receivables: of all of them, or of none (批量确认).
#[derive(InputObject)]
pub(crate) struct ConfirmReceivablesInput {
    /// Which, at most 500, all in one currency.
    items: Vec<ConfirmItemInput>,
    /// How many they are (总笔数).
    item_count: i32,
    /// What they come to (总金额).
    control_sum: MoneyInput,
    /// Whether the debtor pays whatever it may have against the seller: no set-off, no defences (放弃抗辩).
    waiver_of_defences: bool,
    /// Whether the goods were delivered and accepted (已验收).
    #[graphql(default = true)]
    goods_accepted: bool,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What a debtor does not owe (拒绝确认).
#[derive(InputObject)]
pub(crate) struct RejectConfirmationInput {
    /// Which receivable.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What a debtor disputes (提出争议).
#[derive(InputObject)]
pub(crate) struct DisputeReceivableInput {
    /// Which receivable.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// How much of it; left out: all that is outstanding.
    amount: Option<MoneyInput>,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// How a dispute ends (争议结果).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum DisputeOutcome {
    /// The debtor pays: the amount, or all that is outstanding (确认).
    Confirmed,
    /// The debtor does not owe it (不予确认).
    Rejected,
}

/// A dispute that is over (争议解决).
#[derive(InputObject)]
pub(crate) struct SettleReceivableDisputeInput {
    /// Of which receivable.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// How it ends.
    outcome: DisputeOutcome,
    /// How much the debtor pays; left out: all that is outstanding. What it confirmed before stays as it was.
    amount: Option<MoneyInput>,
    /// What there is to say to it.
    note: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `requestConfirmation`.
    RequestConfirmationPayload { /// The receivables, in the order that was asked.
        receivables: Vec<Receivable> }
    /// The answer to `recallConfirmation`.
    RecallConfirmationPayload { /// The receivable.
        receivable: Receivable }
    /// The answer to `confirmReceivables`.
    ConfirmReceivablesPayload { /// The receivables, in the order of the items.
        receivables: Vec<Receivable> }
    /// The answer to `rejectConfirmation`.
    RejectConfirmationPayload { /// The receivable.
        receivable: Receivable }
    /// The answer to `disputeReceivable`.
    DisputeReceivablePayload { /// The receivable.
        receivable: Receivable }
    /// The answer to `settleReceivableDispute`.
    SettleReceivableDisputePayload { /// The receivable.
        receivable: Receivable }
}

fn ids(ids: &[ID]) -> Result<Vec<ReceivableId>, Error> {
    if ids.len() > MOST {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST.to_string()).at("receivableIds").into());
    }
    let read = |(n, id): (usize, &ID)| decode(id, &n.to_string()).map_err(|error: Error| error.at("receivableIds"));
    ids.iter().enumerate().map(read).collect()
}

/// Mutations of confirmations.
#[derive(Default)]
pub struct ConfirmationMutation;

#[Object]
impl ConfirmationMutation {
    /// Asks the debtors of receivables whether they pay: all of them, or none is asked (申请确认).
    #[graphql(complexity = "times(BATCH, child_complexity)")]
    async fn request_confirmation(
        &self,
        context: &Context<'_>,
        input: RequestConfirmationInput,
    ) -> Result<RequestConfirmationPayload> {
        let call = context.call(Action::KeepReceivables)?;
        let result = async {
            let account: Option<BankAccountId> =
                input.account_id.as_ref().map(|id| decode(id, "accountId")).transpose()?;
            let asked = Asked { ids: ids(&input.receivable_ids)?, account, days: input.days };
            ops::request(context.app(), &call, &asked).await
        };
        let result = result.await.map(|rows| rows.into_iter().map(Receivable).collect());
        RequestConfirmationPayload::new(context, input.client_mutation_id, result)
    }

    /// Takes a question back that the debtor has not answered (撤回确认申请).
    async fn recall_confirmation(
        &self,
        context: &Context<'_>,
        input: RecallConfirmationInput,
    ) -> Result<RecallConfirmationPayload> {
        let call = context.call(Action::KeepReceivables)?;
        let result =
            async { ops::recall(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        RecallConfirmationPayload::new(context, input.client_mutation_id, result.await.map(Receivable))
    }

    /// The debtor says how much of receivables it pays: of all of them, or of none. What is less than is outstanding
    /// confirms a part. It cannot be taken back (应收账款确认).
    #[graphql(complexity = "times(BATCH, child_complexity)")]
    async fn confirm_receivables(
        &self,
        context: &Context<'_>,
        input: ConfirmReceivablesInput,
    ) -> Result<ConfirmReceivablesPayload> {
        let call = context.call(Action::ConfirmReceivables)?;
        let result = async {
            let read = |(n, item): (usize, &ConfirmItemInput)| -> Result<Item, Error> {
                let at = |error: Error| error.at(n.to_string()).at("items");
                Ok(Item {
                    id: decode(&item.id, "id").map_err(at)?,
                    expected_version: item.expected_version,
                    amount: item.amount.read("amount").map_err(at)?,
                })
            };
            let said = Said {
                items: input.items.iter().enumerate().map(read).collect::<Result<_, Error>>()?,
                control: Control { count: input.item_count, sum: input.control_sum.read("controlSum")? },
                waiver_of_defences: input.waiver_of_defences,
                goods_accepted: input.goods_accepted,
            };
            ops::confirm(context.app(), &call, &said).await
        };
        let result = result.await.map(|rows| rows.into_iter().map(Receivable).collect());
        ConfirmReceivablesPayload::new(context, input.client_mutation_id, result)
    }

    /// The debtor does not owe what it is asked about (拒绝确认).
    async fn reject_confirmation(
        &self,
        context: &Context<'_>,
        input: RejectConfirmationInput,
    ) -> Result<RejectConfirmationPayload> {
        let call = context.call(Action::ConfirmReceivables)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::reject(context.app(), &call, id, input.expected_version, &input.reason).await
        };
        RejectConfirmationPayload::new(context, input.client_mutation_id, result.await.map(Receivable))
    }

    /// The debtor disputes a receivable: instead of an answer, or later. What it confirmed stays confirmed (提出争议).
    async fn dispute_receivable(
        &self,
        context: &Context<'_>,
        input: DisputeReceivableInput,
    ) -> Result<DisputeReceivablePayload> {
        let call = context.call(Action::ConfirmReceivables)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let amount = input.amount.as_ref().map(|amount| amount.read("amount")).transpose()?;
            ops::dispute(context.app(), &call, id, input.expected_version, amount, &input.reason).await
        };
        DisputeReceivablePayload::new(context, input.client_mutation_id, result.await.map(Receivable))
    }

    /// The dispute about a receivable is over: the debtor pays after all, or does not owe it (争议解决).
    async fn settle_receivable_dispute(
        &self,
        context: &Context<'_>,
        input: SettleReceivableDisputeInput,
    ) -> Result<SettleReceivableDisputePayload> {
        let call = context.call(Action::ConfirmReceivables)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let amount = input.amount.as_ref().map(|amount| amount.read("amount")).transpose()?;
            let outcome = match (input.outcome, amount) {
                (DisputeOutcome::Confirmed, amount) => Outcome::Confirmed(amount),
                (DisputeOutcome::Rejected, None) => Outcome::Rejected,
                (DisputeOutcome::Rejected, Some(_)) => {
                    return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "REJECTED").at("amount").into());
                }
            };
            ops::settle(context.app(), &call, id, input.expected_version, outcome, &input.note).await
        };
        SettleReceivableDisputePayload::new(context, input.client_mutation_id, result.await.map(Receivable))
    }
}
