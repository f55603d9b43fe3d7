//! Inbound notices in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use catalog::graphql::Variant;
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    inventory::{InboundState, inbound, inbound::line},
    party::Action,
    values::id::InboundId,
};
use platform::{
    error::Error,
    graphql::{
        Connection, ContextExt, Money, bounded,
        connection::{list_cost, times},
        decode, encode,
        scalars::MoneyInput,
    },
    page::{Cursor, PageArgs},
    payload,
};

use super::{
    StockLocation, StockLot,
    gate::{GatePass, VerificationList},
};
use crate::{
    ledger::in_line,
    loaders::{self, BinsOfLine, LinesOf, ListOfInbound, PassesOf},
    ops::inbound::{self as ops, Counted, DeclaredLine, InboundFilter, NewInbound, PutInto, Receipt},
};

/// Name of the order of lines, for cursors.
const LINES: &str = "inbound-line";
/// What a page of lines costs beside what it shows: all lines of the notice are read for it, at most 500.
const ALL_LINES: usize = 500;

/// Goods that are declared into a bonded warehouse, until they are in its bins (入区申报).
#[derive(Clone, Debug)]
pub struct Inbound(pub inbound::Model);

/// Goods that are declared into a bonded warehouse, until they are in its bins (入区申报).
#[Object]
impl Inbound {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Its own number: the document of its entries in the account book and of its moves (入库单号).
    async fn number(&self) -> &str {
        &self.0.number
    }

    /// Number of what was filed with customs for it (进境备案清单编号).
    async fn document(&self) -> &str {
        &self.0.document
    }

    /// Into which warehouse.
    async fn location(&self, context: &Context<'_>) -> Result<Option<StockLocation>> {
        Ok(loaders::of(context).load_one(self.0.location_id).await?.map(StockLocation))
    }

    /// State.
    async fn state(&self) -> InboundState {
        self.0.state
    }

    /// What was declared, in that order, and what became of it.
    #[graphql(complexity = "list_cost(first, last, child_complexity).saturating_add(ALL_LINES)")]
    async fn lines(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<InboundLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let all = loaders::of(context).load_one(LinesOf(self.0.id)).await?.unwrap_or_default();
        let placed: Vec<(usize, line::Model)> = all.into_iter().enumerate().collect();
        let rows = page.slice(placed, |(n, _)| Cursor::at(LINES, *n))?;
        Ok(Connection::new(rows, None, |(n, row)| (Cursor::at(LINES, n), InboundLine(row))))
    }

    /// What the account book is written off by (核注清单).
    async fn verification_list(&self, context: &Context<'_>) -> Result<Option<VerificationList>> {
        Ok(loaders::of(context).load_one(ListOfInbound(self.0.id)).await?.map(VerificationList))
    }

    /// The passes of the vehicles that brought it, first first, the newest 20; all of them: `gatePasses(filter: {
    /// inboundId })` (核放单).
    #[graphql(complexity = "times(loaders::MOST_PASSES, child_complexity)")]
    async fn gate_passes(&self, context: &Context<'_>) -> Result<Vec<GatePass>> {
        let rows = loaders::of(context).load_one(PassesOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(GatePass).collect())
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the last of it came (入区时间).
    async fn received_at(&self) -> Option<DateTime<Utc>> {
        self.0.received_at
    }

    /// When all that came was in bins, or it was taken back.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at
    }
}

/// A line of an inbound notice (入区申报行).
#[derive(Clone, Debug)]
pub struct InboundLine(line::Model);

/// A line of an inbound notice (入区申报行).
#[Object]
impl InboundLine {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Which item of the account book it is.
    async fn item_id(&self) -> ID {
        encode(self.0.item_id)
    }

    /// Of what.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.0.variant_id).await?.map(Variant))
    }

    /// Which lot.
    async fn lot(&self, context: &Context<'_>) -> Result<Option<StockLot>> {
        Ok(loaders::of(context).load_one(self.0.lot_id).await?.map(StockLot))
    }

    /// How much is declared, in the unit of the book (申报数量).
    async fn quantity(&self) -> i64 {
        self.0.quantity
    }

    /// How much came (实收数量).
    async fn received(&self) -> i64 {
        self.0.received
    }

    /// How much is known not to come (短少).
    async fn short(&self) -> i64 {
        self.0.short
    }

    /// What may still come (待收数量).
    async fn missing(&self) -> i64 {
        self.0.missing()
    }

    /// What came and is in no bin yet (待上架数量).
    async fn on_dock(&self) -> i64 {
        self.0.on_dock()
    }

    /// Into which bins it was put, the newest 20 (货位).
    #[graphql(complexity = "times(ops::MOST_BINS, child_complexity)")]
    async fn bins(&self, context: &Context<'_>) -> Result<Vec<PutAwayBin>> {
        let rows = loaders::of(context).load_one(BinsOfLine(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(|row| PutAwayBin { bin: row.bin, quantity: row.quantity }).collect())
    }

    /// What all of it is declared to be worth (申报总价).
    async fn value(&self) -> Money {
        self.0.value().into()
    }
}

/// How much was put into a bin (上架明细).
#[derive(Clone, Debug, SimpleObject)]
pub struct PutAwayBin {
    /// Which bin.
    bin: String,
    /// How much.
    quantity: i64,
}

/// A line of what is declared (入区申报行).
#[derive(InputObject)]
pub(crate) struct DeclareInboundLine {
    /// Of what.
    variant_id: ID,
    /// Which item of the account book it is; left out, that of these goods with the lowest number. All lines are of one
    /// book.
    item_id: Option<ID>,
    /// How much, in the unit of the book.
    quantity: i64,
    /// The lot as it is printed on the goods; none when they are not told apart.
    lot: Option<String>,
    /// When they were made.
    produced_on: Option<NaiveDate>,
    /// The first day on which they are too old.
    expires_on: Option<NaiveDate>,
    /// What all of it is declared to be worth.
    value: MoneyInput,
}

/// Goods that are declared into a bonded warehouse (入区申报).
#[derive(InputObject)]
pub(crate) struct DeclareInboundInput {
    /// Into which of one's bonded warehouses.
    location_id: ID,
    /// Number of what was filed with customs for it; one notice has it (进境备案清单编号).
    document: String,
    /// What comes, at most 500 lines; all of them or, when one is refused, none.
    lines: Vec<DeclareInboundLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What was counted of a line (清点行).
#[derive(InputObject)]
pub(crate) struct ReceiveInboundLine {
    /// Of which line.
    line_id: ID,
    /// How much came; no more than is missing of it.
    quantity: i64,
}

/// What came through the gate (入区清点).
#[derive(InputObject)]
pub(crate) struct ReceiveInboundInput {
    /// Of which notice.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The plate of the vehicle; needed when anything came (车牌号).
    vehicle: Option<String>,
    /// What was counted, at most 500 lines; of lines that are not named nothing came.
    lines: Vec<ReceiveInboundLine>,
    /// Whether what is missing is still to come; else it is short, and the account book expects it no more.
    #[graphql(default)]
    more_to_come: bool,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What was put into a bin (上架行).
#[derive(InputObject)]
pub(crate) struct PutAwayLine {
    /// Of which line.
    line_id: ID,
    /// Into which bin: letters, digits, `-`, `_`, `.`.
    bin: String,
    /// How much; no more than lies on the dock of it.
    quantity: i64,
}

/// What was put into bins (上架).
#[derive(InputObject)]
pub(crate) struct PutAwayInput {
    /// Of which notice.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// What was put where, at most 500 lines; a line may go into several bins.
    lines: Vec<PutAwayLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A notice that is taken back (撤销入区申报).
#[derive(InputObject)]
pub(crate) struct CancelInboundInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `declareInbound`.
    DeclareInboundPayload { /// The notice.
        inbound: Inbound }
    /// The answer to `receiveInbound`.
    ReceiveInboundPayload { /// The notice.
        inbound: Inbound }
    /// The answer to `putAway`.
    PutAwayPayload { /// The notice.
        inbound: Inbound }
    /// The answer to `cancelInbound`.
    CancelInboundPayload { /// The notice.
        inbound: Inbound }
}

/// Which notices (入区申报筛选).
#[derive(InputObject, Default)]
#[graphql(name = "InboundFilter")]
pub(crate) struct InboundFilterInput {
    /// Whose; none: of the organisation acted for.
    organisation_id: Option<ID>,
    /// Only into this warehouse.
    location_id: Option<ID>,
    /// Only in one of these states.
    states: Option<Vec<InboundState>>,
}

impl InboundFilterInput {
    fn read(self) -> Result<InboundFilter, Error> {
        Ok(InboundFilter {
            of: self.organisation_id.map(|id| decode(&id, "organisationId")).transpose()?,
            location: self.location_id.map(|id| decode(&id, "locationId")).transpose()?,
            states: bounded(self.states.unwrap_or_default())?,
        })
    }
}

/// Queries about inbound notices.
#[derive(Default)]
pub struct InboundQuery;

#[Object]
impl InboundQuery {
    /// Inbound notices of an organisation, newest first (入区申报列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn inbounds(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which.")] filter: Option<InboundFilterInput>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Inbound>> {
        context.may(Action::ReadStock)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let filter = filter.unwrap_or_default().read()?;
        let rows = ops::list_inbounds(context.app().db().read(), context.viewer(), &filter, &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::inbound_cursor(&row), Inbound(row))))
    }

    /// An inbound notice; null when there is none or it may not be seen (入区申报).
    async fn inbound(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<Inbound>> {
        context.may(Action::ReadStock)?;
        let Ok(id) = decode::<InboundId>(&id, "id") else { return Ok(None) };
        Ok(ops::find_inbound(context.app().db().read(), context.viewer(), id).await?.map(Inbound))
    }
}

fn declared(n: usize, sent: DeclareInboundLine) -> Result<DeclaredLine, Error> {
    let at = |error| in_line(error, n);
    Ok(DeclaredLine {
        variant: decode(&sent.variant_id, "variantId").map_err(at)?,
        item: sent.item_id.map(|id| decode(&id, "itemId")).transpose().map_err(at)?,
        quantity: sent.quantity,
        lot: sent.lot.unwrap_or_default(),
        produced_on: sent.produced_on,
        expires_on: sent.expires_on,
        value: sent.value.read("value").map_err(at)?,
    })
}

/// Mutations of inbound notices.
#[derive(Default)]
pub struct InboundMutation;

#[Object]
impl InboundMutation {
    /// Declares what will come into a bonded warehouse; the account book expects it from here on (入区申报，预增).
    async fn declare_inbound(
        &self,
        context: &Context<'_>,
        input: DeclareInboundInput,
    ) -> Result<DeclareInboundPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async {
            let location = decode(&input.location_id, "locationId")?;
            let lines = input.lines.into_iter().enumerate().map(|(n, line)| declared(n, line));
            let new = NewInbound { location, document: input.document, lines: lines.collect::<Result<_, _>>()? };
            ops::declare_inbound(context.app(), &call, &new).await
        };
        DeclareInboundPayload::new(context, input.client_mutation_id, result.await.map(Inbound))
    }

    /// Takes in what a vehicle brought through the gate, counted; what does not come any more is short (入区清点，实增).
    async fn receive_inbound(
        &self,
        context: &Context<'_>,
        input: ReceiveInboundInput,
    ) -> Result<ReceiveInboundPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let line = |(n, sent): (usize, ReceiveInboundLine)| {
                let line = decode(&sent.line_id, "lineId").map_err(|error| in_line(error, n))?;
                Ok::<_, Error>(Counted { line, quantity: sent.quantity })
            };
            let lines = input.lines.into_iter().enumerate().map(line).collect::<Result<_, _>>()?;
            let receipt = Receipt { vehicle: input.vehicle, lines, more_to_come: input.more_to_come };
            ops::receive_inbound(context.app(), &call, id, input.expected_version, &receipt).await
        };
        ReceiveInboundPayload::new(context, input.client_mutation_id, result.await.map(Inbound))
    }

    /// Puts what came into bins of the warehouse; from here on it can be sold (上架).
    async fn put_away(&self, context: &Context<'_>, input: PutAwayInput) -> Result<PutAwayPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let line = |(n, sent): (usize, PutAwayLine)| {
                let line = decode(&sent.line_id, "lineId").map_err(|error| in_line(error, n))?;
                Ok::<_, Error>(PutInto { line, bin: sent.bin, quantity: sent.quantity })
            };
            let lines: Vec<PutInto> = input.lines.into_iter().enumerate().map(line).collect::<Result<_, _>>()?;
            ops::put_away(context.app(), &call, id, input.expected_version, &lines).await
        };
        PutAwayPayload::new(context, input.client_mutation_id, result.await.map(Inbound))
    }

    /// Takes a notice back before anything of it came (撤销入区申报).
    async fn cancel_inbound(&self, context: &Context<'_>, input: CancelInboundInput) -> Result<CancelInboundPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async { ops::cancel_inbound(context.app(), &call, decode(&input.id, "id")?).await };
        CancelInboundPayload::new(context, input.client_mutation_id, result.await.map(Inbound))
    }
}
