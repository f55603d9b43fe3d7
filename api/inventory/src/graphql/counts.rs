//! Counts in the schema. What the books say of a line is shown to nobody who counts.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use catalog::graphql::Variant;
use chrono::{DateTime, Utc};
use entities::{
    inventory::{CountState, CustomsStatus, Threshold, count},
    party::Action,
    values::id::StockCountId,
};
use platform::{
    error::Error,
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::{StockLocation, StockLot};
use crate::{
    ledger::in_line,
    loaders,
    ops::counts::{self as ops, CountLine, Counted, Review},
};

/// A count of what lies in a place (盘点).
#[derive(Clone, Debug)]
pub(crate) struct StockCount(pub count::Model);

/// A count of what lies in a place (盘点).
#[Object]
impl StockCount {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Where it is counted.
    async fn location(&self, context: &Context<'_>) -> Result<Option<StockLocation>> {
        Ok(loaders::of(context).load_one(self.0.location_id).await?.map(StockLocation))
    }

    /// State.
    async fn state(&self) -> CountState {
        self.0.state
    }

    /// How often it was counted; 1 the first time.
    async fn round(&self) -> i32 {
        self.0.round
    }

    /// More pieces of difference in a line need a second look.
    async fn threshold_pieces(&self) -> i64 {
        self.0.threshold_pieces
    }

    /// More parts per million of difference in a line need a second look.
    async fn threshold_ppm(&self) -> i64 {
        self.0.threshold_ppm
    }

    /// Who opened it.
    async fn opened_by(&self) -> &str {
        &self.0.opened_by
    }

    /// Who posted it, or asked for another count.
    async fn reviewed_by(&self) -> Option<&str> {
        self.0.reviewed_by.as_deref()
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When everything was counted.
    async fn counted_at(&self) -> Option<DateTime<Utc>> {
        self.0.counted_at
    }

    /// When it was posted or given up.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at
    }

    /// What was counted in the present round, in the order of counting.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<StockCountLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::count_lines(context.app().db().read(), context.viewer(), &self.0, &page).await?;
        Ok(Connection::new(rows, None, |line| (ops::line_cursor(&line), StockCountLine::from(line))))
    }
}

/// What was counted of a lot (盘点行).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct StockCountLine {
    #[graphql(skip)]
    line: CountLine,
    /// Under which customs status.
    customs_status: CustomsStatus,
    /// What was counted.
    counted: i64,
    /// What the books said at that moment; none while it is counted, and to who counted until it is posted (盲盘).
    expected: Option<i64>,
    /// How much more there is than the books said; shown with it.
    difference: Option<i64>,
    /// Whether the books say something else by now; the difference stays what it was. Shown with it.
    outdated: Option<bool>,
    /// Who counted.
    counted_by: String,
    /// When.
    at: DateTime<Utc>,
    /// The move that posted the difference.
    move_id: Option<ID>,
}

impl From<CountLine> for StockCountLine {
    fn from(line: CountLine) -> Self {
        let row = &line.row;
        Self {
            customs_status: row.status,
            counted: row.counted,
            expected: line.open.then_some(row.expected),
            difference: line.open.then(|| row.difference()),
            outdated: line.open.then_some(line.on_hand != row.expected),
            counted_by: row.counted_by.clone(),
            at: row.at,
            move_id: row.move_id.map(encode),
            line,
        }
    }
}

#[ComplexObject]
impl StockCountLine {
    /// Of what.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.line.row.variant_id).await?.map(Variant))
    }

    /// Which lot.
    async fn lot(&self, context: &Context<'_>) -> Result<Option<StockLot>> {
        Ok(loaders::of(context).load_one(self.line.row.lot_id).await?.map(StockLot))
    }
}

/// What to do with a count (复核结论).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum StockCountDecision {
    /// Post what differs (过账).
    Post,
    /// Have it counted again (复盘).
    Recount,
}

/// A new count (新建盘点).
#[derive(InputObject)]
pub(crate) struct OpenStockCountInput {
    /// Where it is counted.
    location_id: ID,
    /// Only these variants, at most 500; none: all that lie there.
    variant_ids: Option<Vec<ID>>,
    /// More pieces of difference in a line need a second look; at most and by default 10.
    threshold_pieces: Option<i64>,
    /// More parts per million of difference in a line need a second look; at most and by default 20000, which is 2 %.
    threshold_ppm: Option<i64>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What was counted of a lot: a balance, or variant and customs status with the lot (盘点行).
#[derive(InputObject)]
pub(crate) struct SubmitStockCountLine {
    /// Of which balance.
    balance_id: Option<ID>,
    /// Of what.
    variant_id: Option<ID>,
    /// The lot as it is printed on the goods; none when they are not told apart.
    lot: Option<String>,
    /// Under which customs status.
    customs_status: Option<CustomsStatus>,
    /// How much there is, in trade units.
    counted: i64,
}

/// What was counted (提交盘点).
#[derive(InputObject)]
pub(crate) struct SubmitStockCountInput {
    /// Which count.
    id: ID,
    /// What was counted, at most 500 lines at once; a lot that is counted again replaces what was said before.
    lines: Vec<SubmitStockCountLine>,
    /// Whether everything is counted now; by default it is.
    finished: Option<bool>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A decision about a count (复核盘点).
#[derive(InputObject)]
pub(crate) struct ReviewStockCountInput {
    /// Which count.
    id: ID,
    /// What to do with it.
    decision: StockCountDecision,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A count that is given up (取消盘点).
#[derive(InputObject)]
pub(crate) struct CancelStockCountInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `openStockCount`.
    OpenStockCountPayload { /// The count.
        count: StockCount }
    /// The answer to `submitStockCount`.
    SubmitStockCountPayload { /// The count.
        count: StockCount }
    /// The answer to `reviewStockCount`.
    ReviewStockCountPayload { /// The count.
        count: StockCount }
    /// The answer to `cancelStockCount`.
    CancelStockCountPayload { /// The count.
        count: StockCount }
}

/// Queries about counts.
#[derive(Default)]
pub(crate) struct CountQuery;

#[Object]
impl CountQuery {
    /// Counts of an organisation, newest first (盘点列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn stock_counts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; none: of the organisation acted for.")] organisation_id: Option<ID>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<StockCount>> {
        context.may(Action::ReadStock)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let of = organisation_id.map(|id| decode(&id, "organisationId")).transpose()?;
        let rows = ops::list_counts(context.app().db().read(), context.viewer(), of, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::count_cursor(&row), StockCount(row))))
    }

    /// A count; null when there is none or it may not be seen (盘点).
    async fn stock_count(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<StockCount>> {
        context.may(Action::ReadStock)?;
        let Ok(id) = decode::<StockCountId>(&id, "id") else { return Ok(None) };
        Ok(ops::find_count(context.app().db().read(), context.viewer(), id).await?.map(StockCount))
    }
}

/// Mutations of counts.
#[derive(Default)]
pub(crate) struct CountMutation;

#[Object]
impl CountMutation {
    /// Opens a count of a location (新建盘点).
    async fn open_stock_count(
        &self,
        context: &Context<'_>,
        input: OpenStockCountInput,
    ) -> Result<OpenStockCountPayload> {
        let call = context.call(Action::HandleStock)?;
        let result = async {
            let location = decode(&input.location_id, "locationId")?;
            let variants = input.variant_ids.unwrap_or_default();
            let variants = variants.iter().map(|id| decode(id, "variantIds")).collect::<Result<Vec<_>, _>>()?;
            let threshold = Threshold {
                pieces: input.threshold_pieces.unwrap_or(Threshold::HOUSE.pieces),
                ppm: input.threshold_ppm.unwrap_or(Threshold::HOUSE.ppm),
            };
            ops::open_count(context.app(), &call, location, &variants, threshold).await
        };
        OpenStockCountPayload::new(context, input.client_mutation_id, result.await.map(StockCount))
    }

    /// Notes what was counted, while a count is open (提交盘点).
    async fn submit_stock_count(
        &self,
        context: &Context<'_>,
        input: SubmitStockCountInput,
    ) -> Result<SubmitStockCountPayload> {
        let call = context.call(Action::HandleStock)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let line = |(n, line): (usize, SubmitStockCountLine)| {
                let balance = line.balance_id.map(|id| decode(&id, "balanceId")).transpose();
                let variant = line.variant_id.map(|id| decode(&id, "variantId")).transpose();
                Ok::<_, Error>(Counted {
                    balance: balance.map_err(|error| in_line(error, n))?,
                    variant: variant.map_err(|error| in_line(error, n))?,
                    lot: line.lot.unwrap_or_default(),
                    status: line.customs_status,
                    counted: line.counted,
                })
            };
            let lines: Vec<Counted> = input.lines.into_iter().enumerate().map(line).collect::<Result<_, _>>()?;
            ops::submit_count(context.app(), &call, id, &lines, input.finished.unwrap_or(true)).await
        };
        SubmitStockCountPayload::new(context, input.client_mutation_id, result.await.map(StockCount))
    }

    /// Decides about a count: posts what differs, or has it counted again. Of what differs much, somebody decides who did
    /// not count (复核盘点).
    async fn review_stock_count(
        &self,
        context: &Context<'_>,
        input: ReviewStockCountInput,
    ) -> Result<ReviewStockCountPayload> {
        let call = context.call(Action::KeepStock)?;
        let review = match input.decision {
            StockCountDecision::Post => Review::Post,
            StockCountDecision::Recount => Review::Recount,
        };
        let result = async { ops::review_count(context.app(), &call, decode(&input.id, "id")?, review).await };
        ReviewStockCountPayload::new(context, input.client_mutation_id, result.await.map(StockCount))
    }

    /// Gives a count up; nothing is posted (取消盘点).
    async fn cancel_stock_count(
        &self,
        context: &Context<'_>,
        input: CancelStockCountInput,
    ) -> Result<CancelStockCountPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async { ops::cancel_count(context.app(), &call, decode(&input.id, "id")?).await };
        CancelStockCountPayload::new(context, input.client_mutation_id, result.await.map(StockCount))
    }
}
