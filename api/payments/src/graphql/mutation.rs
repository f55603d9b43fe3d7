//! What can be done with payments.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::NaiveDate;
use entities::{
    catalog::offer::SupplyMode,
    party::Action,
    payments::receipt,
    values::{Currency, Refusal},
};
use platform::{
    error::Error,
    graphql::{ContextExt, decode, id::decode_all, scalars::MoneyInput},
    payload,
};

use super::{BankReceipt, CommissionRule, Payment, Payout, Refund};
use crate::{
    commission::{self, NewRule},
    payouts,
    receipts::{self, Reported},
    refunds,
};

/// What is to be given back of a payment (退款).
#[derive(InputObject)]
pub(super) struct RefundPaymentInput {
    /// Of which payment.
    payment_id: ID,
    /// How much, in the payment's currency; at most what is neither allotted nor given back.
    amount: MoneyInput,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A refund that a person transferred (登记退款转账).
#[derive(InputObject)]
pub(super) struct ReportRefundPaidInput {
    /// Which refund.
    id: ID,
    /// The bank's own reference.
    bank_reference: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A line of the bank's statement (银行流水行).
#[derive(InputObject)]
pub(super) struct BankReceiptInput {
    /// The bank's own reference; each is taken once (银行流水号).
    bank_reference: String,
    /// How much came.
    amount: MoneyInput,
    /// The business day.
    received_on: NaiveDate,
    /// What the payer wrote (附言).
    #[graphql(secret)]
    remittance_text: String,
}

/// What the bank's statement shows (登记银行到账).
#[derive(InputObject)]
pub(super) struct ReportBankReceiptsInput {
    /// Its lines, at most 500; all of them or, when one is refused, none.
    rows: Vec<BankReceiptInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// For which payment receipts are (匹配银行到账).
#[derive(InputObject)]
pub(super) struct MatchBankReceiptsInput {
    /// Which payment.
    payment_id: ID,
    /// Which receipts, at most 500; together exactly what was asked.
    receipt_ids: Vec<ID>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A rule of the commission (佣金规则).
#[derive(InputObject)]
pub(super) struct CommissionRuleInput {
    /// Only of this seller.
    seller_id: Option<ID>,
    /// Only of goods in this category or below it.
    category_id: Option<ID>,
    /// Only of goods that reach the buyer this way.
    supply_mode: Option<SupplyMode>,
    /// How much of the goods' price without tax, in parts per million: 50000 is 5 %.
    ppm: i32,
    /// And this much for each order; the rule is for its currency only.
    fixed: Option<MoneyInput>,
    /// The only currency that it is for.
    currency: Option<String>,
    /// The first day on which it holds.
    valid_from: Option<NaiveDate>,
    /// The first day on which it holds no more.
    valid_to: Option<NaiveDate>,
}

/// The whole list of commission rules (设置佣金规则).
#[derive(InputObject)]
pub(super) struct SetCommissionRulesInput {
    /// The version of the list as it was read; 0 when it was empty.
    expected_version: i32,
    /// All rules from now on, in their order, at most 200.
    rules: Vec<CommissionRuleInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A new payout batch (新建结算批次).
#[derive(InputObject)]
pub(super) struct CreatePayoutInput {
    /// In which currency, ISO 4217.
    currency: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A batch whose list is given out (导出结算批次).
#[derive(InputObject)]
pub(super) struct ExportPayoutInput {
    /// Which batch.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A batch that the bank did (登记结算完成).
#[derive(InputObject)]
pub(super) struct ReportPayoutPaidInput {
    /// Which batch.
    id: ID,
    /// The bank's own reference.
    bank_reference: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A batch that is given up (取消结算批次).
#[derive(InputObject)]
pub(super) struct CancelPayoutInput {
    /// Which batch.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A batch and its list for the bank (结算文件).
#[derive(async_graphql::SimpleObject)]
pub(crate) struct ExportedPayout {
    /// The batch as it is now.
    payout: Payout,
    /// Its lines as CSV, with the numbers of the accounts in clear.
    csv: String,
}

payload! {
    /// The answer to `refundPayment`.
    RefundPaymentPayload { /// The refund.
        refund: Refund }
    /// The answer to `reportRefundPaid`.
    ReportRefundPaidPayload { /// The refund as it is now.
        refund: Refund }
    /// The answer to `reportBankReceipts`.
    ReportBankReceiptsPayload { /// The receipts, in the order of the lines.
        receipts: Vec<BankReceipt> }
    /// The answer to `matchBankReceipts`.
    MatchBankReceiptsPayload { /// The payment as it is now.
        payment: Payment }
    /// The answer to `setCommissionRules`.
    SetCommissionRulesPayload { /// The list as it is now.
        rules: Vec<CommissionRule> }
    /// The answer to `createPayout`.
    CreatePayoutPayload { /// The batch.
        payout: Payout }
    /// The answer to `exportPayout`.
    ExportPayoutPayload { /// The batch and its list.
        exported: ExportedPayout }
    /// The answer to `reportPayoutPaid`.
    ReportPayoutPaidPayload { /// The batch as it is now.
        payout: Payout }
    /// The answer to `cancelPayout`.
    CancelPayoutPayload { /// The batch as it is now.
        payout: Payout }
}

/// The refusal of one entry of a list.
fn in_list(error: Error, n: usize, list: &'static str) -> Error {
    match error {
        Error::Refused(refusals) => {
            Error::Refused(refusals.into_iter().map(|r| r.at(n.to_string()).at(list)).collect())
        }
        other => other,
    }
}

/// Most entries of a list that are read before it is refused.
const MOST: usize = 501;

fn reported(rows: Vec<BankReceiptInput>) -> Result<Vec<Reported>, Error> {
    let one = |(n, row): (usize, BankReceiptInput)| {
        Ok(Reported {
            bank_reference: row.bank_reference,
            amount: row.amount.read("amount").map_err(|error| in_list(error, n, "rows"))?,
            received_on: row.received_on,
            remittance: row.remittance_text,
        })
    };
    rows.into_iter().take(MOST).enumerate().map(one).collect()
}

fn rule(sent: &CommissionRuleInput) -> Result<NewRule, Error> {
    let currency = sent.currency.as_deref().map(str::parse::<Currency>).transpose();
    Ok(NewRule {
        seller: sent.seller_id.as_ref().map(|id| decode(id, "sellerId")).transpose()?,
        category: sent.category_id.as_ref().map(|id| decode(id, "categoryId")).transpose()?,
        supply_mode: sent.supply_mode,
        ppm: sent.ppm,
        fixed: sent.fixed.as_ref().map(|fixed| fixed.read("fixed")).transpose()?,
        currency: currency.map_err(|refusal| refusal.at("currency"))?,
        valid_from: sent.valid_from,
        valid_to: sent.valid_to,
    })
}

fn list(rows: Vec<receipt::Model>) -> Vec<BankReceipt> {
    rows.into_iter().map(BankReceipt).collect()
}

/// The part of the mutation root that this context adds.
#[derive(Default)]
pub struct PaymentsMutation;

#[Object]
impl PaymentsMutation {
    /// Gives back what is left of a payment, as a person decides (退款). Orders give back what is theirs.
    async fn refund_payment(&self, context: &Context<'_>, input: RefundPaymentInput) -> Result<RefundPaymentPayload> {
        let call = context.call(Action::KeepPayments)?;
        let result = async {
            let (id, amount) = (decode(&input.payment_id, "paymentId")?, input.amount.read("amount")?);
            let row = refunds::refund_by_hand(context.app(), &call, id, amount, &input.reason).await?;
            Ok(Refund { row, currency: amount.currency })
        };
        RefundPaymentPayload::new(context, input.client_mutation_id, result.await)
    }

    /// Notes that a refund of a bank transfer was transferred (登记退款转账).
    async fn report_refund_paid(
        &self,
        context: &Context<'_>,
        input: ReportRefundPaidInput,
    ) -> Result<ReportRefundPaidPayload> {
        let call = context.call(Action::KeepPayments)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let (row, currency) = refunds::report_paid(context.app(), &call, id, &input.bank_reference).await?;
            Ok(Refund { row, currency })
        };
        ReportRefundPaidPayload::new(context, input.client_mutation_id, result.await)
    }

    /// Takes what the bank's statement shows. A line that was taken before is the same receipt (登记银行到账).
    async fn report_bank_receipts(
        &self,
        context: &Context<'_>,
        input: ReportBankReceiptsInput,
    ) -> Result<ReportBankReceiptsPayload> {
        let call = context.call(Action::KeepPayments)?;
        let result = async { receipts::report(context.app(), &call, &reported(input.rows)?).await };
        ReportBankReceiptsPayload::new(context, input.client_mutation_id, result.await.map(list))
    }

    /// Says for which payment receipts are that nobody but a person can tell (匹配银行到账).
    async fn match_bank_receipts(
        &self,
        context: &Context<'_>,
        input: MatchBankReceiptsInput,
    ) -> Result<MatchBankReceiptsPayload> {
        let call = context.call(Action::KeepPayments)?;
        let result = async {
            let few: Vec<ID> = input.receipt_ids.into_iter().take(MOST).collect();
            let (id, ids) = (decode(&input.payment_id, "paymentId")?, decode_all(&few, "receiptIds")?);
            receipts::matched(context.app(), &call, id, &ids).await.map(Payment)
        };
        MatchBankReceiptsPayload::new(context, input.client_mutation_id, result.await)
    }

    /// Puts a list of commission rules in the place of the one that is there (设置佣金规则).
    async fn set_commission_rules(
        &self,
        context: &Context<'_>,
        input: SetCommissionRulesInput,
    ) -> Result<SetCommissionRulesPayload> {
        let call = context.call(Action::SetCommission)?;
        let result = async {
            let one = |(n, sent)| rule(sent).map_err(|error| in_list(error, n, "rules"));
            let rules: Vec<NewRule> = input.rules.iter().take(MOST).enumerate().map(one).collect::<Result<_, _>>()?;
            let set = commission::set(context.app(), &call, input.expected_version, &rules).await?;
            Ok(set.rules.into_iter().map(CommissionRule).collect())
        };
        SetCommissionRulesPayload::new(context, input.client_mutation_id, result.await)
    }

    /// Makes a batch of everything that is owed in a currency to sellers with an account for it (新建结算批次).
    async fn create_payout(&self, context: &Context<'_>, input: CreatePayoutInput) -> Result<CreatePayoutPayload> {
        let call = context.call(Action::KeepPayments)?;
        let result = async {
            let currency = input.currency.parse().map_err(|refusal: Refusal| refusal.at("currency"))?;
            payouts::create(context.app(), &call, currency).await.map(Payout)
        };
        CreatePayoutPayload::new(context, input.client_mutation_id, result.await)
    }

    /// Gives out the list of a batch, with account numbers in clear; every one is in its owner's audit (导出结算批次).
    async fn export_payout(&self, context: &Context<'_>, input: ExportPayoutInput) -> Result<ExportPayoutPayload> {
        let call = context.call(Action::KeepPayments)?;
        let result = async {
            let exported = payouts::export(context.app(), &call, decode(&input.id, "id")?).await?;
            Ok(ExportedPayout { payout: Payout(exported.row), csv: exported.csv })
        };
        ExportPayoutPayload::new(context, input.client_mutation_id, result.await)
    }

    /// Notes that the bank did a batch; whoever made it does not (登记结算完成).
    async fn report_payout_paid(
        &self,
        context: &Context<'_>,
        input: ReportPayoutPaidInput,
    ) -> Result<ReportPayoutPaidPayload> {
        let call = context.call(Action::KeepPayments)?;
        let result =
            async { payouts::report_paid(context.app(), &call, decode(&input.id, "id")?, &input.bank_reference).await };
        ReportPayoutPaidPayload::new(context, input.client_mutation_id, result.await.map(Payout))
    }

    /// Gives a batch up: what is in it is owed again (取消结算批次).
    async fn cancel_payout(&self, context: &Context<'_>, input: CancelPayoutInput) -> Result<CancelPayoutPayload> {
        let call = context.call(Action::KeepPayments)?;
        let result = async { payouts::cancel(context.app(), &call, decode(&input.id, "id")?).await };
        CancelPayoutPayload::new(context, input.client_mutation_id, result.await.map(Payout))
    }
}
