//! What banks report of the money of financings, in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::NaiveDate;
use entities::{
    finance::{receivable::MOST, settlement::Payer},
    party::Action,
    values::{ErrorCode, Refusal},
};
use platform::{
    error::Error,
    graphql::{ContextExt, MoneyInput, connection::times, decode},
    payload,
};

use super::{financings::Financing, requests::FinancingRequest, required};
use crate::ops::{
    Control,
    money::{
        collecting::{self, Batch, Line, Report, Reported, Target},
        disbursing::{self, Disbursement},
        recovering,
        reversing::{self, Reversal},
    },
};

/// Lines that an answer to a batch is reckoned with.
const BATCH: usize = 50;

/// What became of a line of a batch (报送结果).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct FinancingReportLine {
    /// The financing as it is now.
    financing: Financing,
    /// The bank's own reference of the transaction.
    bank_reference: String,
    /// Which line of it.
    line: i32,
    /// Whether it was reported before: nothing was posted (重复报送).
    repeated: bool,
}

impl From<Reported> for FinancingReportLine {
    fn from(one: Reported) -> Self {
        Self {
            financing: Financing(one.financing),
            bank_reference: one.bank_reference,
            line: one.line,
            repeated: one.repeated,
        }
    }
}

/// What a bank reports that it paid out (报送放款).
#[derive(InputObject)]
pub(crate) struct ReportDisbursementInput {
    /// On which request; it is ready.
    request_id: ID,
    /// SHA-256 of the offer that was taken, in hex: what is agreed (报价哈希).
    terms_sha256: String,
    /// How much was paid out: what the terms make on that day (放款金额).
    amount: MoneyInput,
    /// On which day, that of the offer or a later one (放款日).
    value_date: NaiveDate,
    /// The bank's own reference of the transaction, at most 64 characters: it is taken once (银行流水号).
    bank_reference: String,
    /// What there is to say to it.
    note: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Money that came (回款明细).
#[derive(InputObject)]
pub(crate) struct FinancingCollectionInput {
    /// For which financing; this or its receivable is given.
    financing_id: Option<ID>,
    /// For which receivable.
    receivable_id: Option<ID>,
    /// Who paid (付款方).
    payer: Payer,
    /// How much.
    amount: MoneyInput,
    /// From which day on it counts: not before it was paid out, not after today (起息日).
    value_date: NaiveDate,
    /// The bank's own reference of the transaction, at most 64 characters (银行流水号).
    bank_reference: String,
    /// Which line of the transaction: one that is for several receivables has a line for each, numbered from one
    /// (明细行号).
    #[graphql(default = 1)]
    line: i32,
    /// What there is to say to it.
    note: Option<String>,
}

/// Money that came of one payer (付款明细).
#[derive(InputObject)]
pub(crate) struct FinancingPaymentInput {
    /// For which financing; this or its receivable is given.
    financing_id: Option<ID>,
    /// For which receivable.
    receivable_id: Option<ID>,
    /// How much.
    amount: MoneyInput,
    /// From which day on it counts: not before it was paid out, not after today (起息日).
    value_date: NaiveDate,
    /// The bank's own reference of the transaction, at most 64 characters (银行流水号).
    bank_reference: String,
    /// Which line of the transaction: one that is for several receivables has a line for each, numbered from one
    /// (明细行号).
    #[graphql(default = 1)]
    line: i32,
    /// What there is to say to it.
    note: Option<String>,
}

impl FinancingPaymentInput {
    fn by(self, payer: Payer) -> FinancingCollectionInput {
        FinancingCollectionInput {
            financing_id: self.financing_id,
            receivable_id: self.receivable_id,
            payer,
            amount: self.amount,
            value_date: self.value_date,
            bank_reference: self.bank_reference,
            line: self.line,
            note: self.note,
        }
    }
}

/// Money that came, all of it or none (报送回款).
#[derive(InputObject)]
pub(crate) struct ReportCollectionsInput {
    /// The lines, at most 500, all in one currency. One that was reported before in the same words is done already.
    items: Vec<FinancingCollectionInput>,
    /// How many they are (总笔数).
    item_count: i32,
    /// What they come to (总金额).
    control_sum: MoneyInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A line of money that came that was wrong (冲正回款).
#[derive(InputObject)]
pub(crate) struct ReverseCollectionInput {
    /// The bank's own reference under which it was reported.
    bank_reference: String,
    /// The line of it.
    #[graphql(default = 1)]
    line: i32,
    /// The bank's own reference of the counter entry: it is taken once (冲正流水号).
    reversal_reference: String,
    /// From which day on it is known: not before the money came, not after today. Interest runs on from when that
    /// counted.
    value_date: NaiveDate,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What is demanded of a seller (追索).
#[derive(InputObject)]
pub(crate) struct DemandRecourseInput {
    /// Of which request; it is overdue.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Whether a dispute of the debtor is proven: then a seller stands in that otherwise would not (争议成立).
    #[graphql(default)]
    dispute_proven: bool,
    /// What there is to say to it.
    note: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What sellers paid that it was demanded of, all of it or none (报送回购).
#[derive(InputObject)]
pub(crate) struct ReportRepurchaseInput {
    /// The lines, at most 500, all in one currency. One that was reported before in the same words is done already.
    items: Vec<FinancingPaymentInput>,
    /// How many they are (总笔数).
    item_count: i32,
    /// What they come to (总金额).
    control_sum: MoneyInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A cover that is claimed (索赔).
#[derive(InputObject)]
pub(crate) struct ClaimCoverInput {
    /// For which request; it is overdue, and its seller does not stand in.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// What there is to say to it.
    note: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What came of covers that were claimed, all of it or none (报送赔付).
#[derive(InputObject)]
pub(crate) struct ReportCoverPaidInput {
    /// The lines, at most 500, all in one currency. One that was reported before in the same words is done already.
    items: Vec<FinancingPaymentInput>,
    /// How many they are (总笔数).
    item_count: i32,
    /// What they come to (总金额).
    control_sum: MoneyInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What is given up (核销).
#[derive(InputObject)]
pub(crate) struct WriteOffFinancingInput {
    /// Which request; it is overdue, or it was demanded or claimed in vain.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Why.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `reportDisbursement`.
    ReportDisbursementPayload { /// A financing for each receivable of the request, in its order.
        financings: Vec<Financing> }
    /// The answer to `reportCollections`.
    ReportCollectionsPayload { /// What became of each line, in the order of the batch.
        lines: Vec<FinancingReportLine> }
    /// The answer to `reverseCollection`.
    ReverseCollectionPayload { /// The financing as it is now.
        financing: Financing }
    /// The answer to `demandRecourse`.
    DemandRecoursePayload { /// The request.
        request: FinancingRequest }
    /// The answer to `reportRepurchase`.
    ReportRepurchasePayload { /// What became of each line, in the order of the batch.
        lines: Vec<FinancingReportLine> }
    /// The answer to `claimCover`.
    ClaimCoverPayload { /// The request.
        request: FinancingRequest }
    /// The answer to `reportCoverPaid`.
    ReportCoverPaidPayload { /// What became of each line, in the order of the batch.
        lines: Vec<FinancingReportLine> }
    /// The answer to `writeOffFinancing`.
    WriteOffFinancingPayload { /// The request.
        request: FinancingRequest }
}

fn target(item: &FinancingCollectionInput) -> Result<Target, Error> {
    match (&item.financing_id, &item.receivable_id) {
        (Some(id), None) => Ok(Target::Financing(decode(id, "financingId")?)),
        (None, Some(id)) => Ok(Target::Receivable(decode(id, "receivableId")?)),
        (None, None) => Err(required("financingId")),
        (Some(_), Some(_)) => {
            // One of both, and they may not be the same.
            Err(Refusal::new(ErrorCode::InvalidValue).with("value", "receivableId").at("receivableId").into())
        }
    }
}

/// A batch as it was sent.
fn batch(
    report: Report,
    items: Vec<FinancingCollectionInput>,
    (count, sum): (i32, &MoneyInput),
) -> Result<Batch, Error> {
    if items.len() > MOST {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST.to_string()).at("items").into());
    }
    let control = Control { count, sum: sum.read("controlSum")? };
    let mut lines = Vec::with_capacity(items.len());
    for (n, item) in items.into_iter().enumerate() {
        let at = |error: Error| error.at(n.to_string()).at("items");
        lines.push(Line {
            target: target(&item).map_err(at)?,
            payer: item.payer,
            amount: item.amount.read("amount").map_err(at)?,
            on: item.value_date,
            bank_reference: item.bank_reference,
            line: item.line,
            note: item.note,
        });
    }
    Ok(Batch { report, lines, control })
}

fn all(items: Vec<FinancingPaymentInput>, payer: Payer) -> Vec<FinancingCollectionInput> {
    items.into_iter().map(|item| item.by(payer)).collect()
}

fn shown(result: Result<Vec<Reported>, Error>) -> Result<Vec<FinancingReportLine>, Error> {
    result.map(|lines| lines.into_iter().map(FinancingReportLine::from).collect())
}

/// Mutations of money of financings.
#[derive(Default)]
pub struct MoneyMutation;

#[Object]
impl MoneyMutation {
    /// The bank reports that it paid out what was agreed: from then on interest runs, limits are used, and the
    /// receivables are the bank's or secure what it gave. Reported again it is done already (报送放款).
    #[graphql(complexity = "times(BATCH, child_complexity)")]
    async fn report_disbursement(
        &self,
        context: &Context<'_>,
        input: ReportDisbursementInput,
    ) -> Result<ReportDisbursementPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let said = Disbursement {
                request: decode(&input.request_id, "requestId")?,
                terms_sha256: input.terms_sha256,
                amount: input.amount.read("amount")?,
                on: input.value_date,
                bank_reference: input.bank_reference,
                note: input.note,
            };
            disbursing::report(context.app(), &call, &said).await
        };
        let result = result.await.map(|rows| rows.into_iter().map(Financing).collect());
        ReportDisbursementPayload::new(context, input.client_mutation_id, result)
    }

    /// The bank reports money that came: all of it, or none. It is used by the agreed waterfall from its value date on;
    /// a line that was reported before posts nothing (报送回款).
    #[graphql(complexity = "times(BATCH, child_complexity)")]
    async fn report_collections(
        &self,
        context: &Context<'_>,
        input: ReportCollectionsInput,
    ) -> Result<ReportCollectionsPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let control = (input.item_count, &input.control_sum);
            let batch = batch(Report::Collections, input.items, control)?;
            collecting::report(context.app(), &call, &batch).await
        };
        ReportCollectionsPayload::new(context, input.client_mutation_id, shown(result.await))
    }

    /// The bank takes a line back that it reported of money that came: it never came, and interest runs on from when it
    /// counted (冲正回款).
    async fn reverse_collection(
        &self,
        context: &Context<'_>,
        input: ReverseCollectionInput,
    ) -> Result<ReverseCollectionPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let said = Reversal {
            bank_reference: input.bank_reference,
            line: input.line,
            reversal_reference: input.reversal_reference,
            on: input.value_date,
            reason: input.reason,
        };
        let result = reversing::reverse(context.app(), &call, &said).await;
        ReverseCollectionPayload::new(context, input.client_mutation_id, result.map(Financing))
    }

    /// The bank demands of the seller what the debtor did not pay in time: with recourse, or when a dispute is proven
    /// (追索).
    async fn demand_recourse(
        &self,
        context: &Context<'_>,
        input: DemandRecourseInput,
    ) -> Result<DemandRecoursePayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            recovering::demand_recourse(context.app(), &call, id, input.dispute_proven, &input.note).await
        };
        DemandRecoursePayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }

    /// The bank reports what sellers paid that it was demanded of; when nothing is owed any more, they bought back
    /// (报送回购).
    #[graphql(complexity = "times(BATCH, child_complexity)")]
    async fn report_repurchase(
        &self,
        context: &Context<'_>,
        input: ReportRepurchaseInput,
    ) -> Result<ReportRepurchasePayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let control = (input.item_count, &input.control_sum);
            let batch = batch(Report::Repurchase, all(input.items, Payer::Seller), control)?;
            collecting::report(context.app(), &call, &batch).await
        };
        ReportRepurchasePayload::new(context, input.client_mutation_id, shown(result.await))
    }

    /// The bank claims the cover for what the debtor did not pay in time and the seller does not have to (索赔).
    async fn claim_cover(&self, context: &Context<'_>, input: ClaimCoverInput) -> Result<ClaimCoverPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            recovering::claim_cover(context.app(), &call, id, &input.note).await
        };
        ClaimCoverPayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }

    /// The bank reports what came of covers that were claimed; when nothing is owed any more, they are paid (报送赔付).
    #[graphql(complexity = "times(BATCH, child_complexity)")]
    async fn report_cover_paid(
        &self,
        context: &Context<'_>,
        input: ReportCoverPaidInput,
    ) -> Result<ReportCoverPaidPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let control = (input.item_count, &input.control_sum);
            let batch = batch(Report::Cover, all(input.items, Payer::Cover), control)?;
            collecting::report(context.app(), &call, &batch).await
        };
        ReportCoverPaidPayload::new(context, input.client_mutation_id, shown(result.await))
    }

    /// Gives up all that is owed on a request that is overdue; not by who reported that it was paid out (核销).
    async fn write_off_financing(
        &self,
        context: &Context<'_>,
        input: WriteOffFinancingInput,
    ) -> Result<WriteOffFinancingPayload> {
        let call = context.call(Action::CheckFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            recovering::write_off(context.app(), &call, id, &input.reason).await
        };
        WriteOffFinancingPayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }
}
