//! Traces and figures in the schema.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result, SimpleObject};
use catalog::graphql::Variant;
use chrono::{DateTime, Utc};
use entities::{
    logistics::{ShipmentState, TransportMode, event, waybill},
    party::Action,
    values::{Gtin, Localized, Refusal, refusal::line},
};
use inventory::graphql::StockLot;
use platform::{
    error::Error,
    graphql::{
        Connection, ContextExt,
        connection::{list_cost, times},
        decode,
        text::{Translation, translations},
    },
    page::PageArgs,
};

use super::{Shipment, read};
use crate::{
    figures::{self, Dwell, Lane},
    reads,
    trace::{self, By, Public, Traced, Under},
};

/// A carrier's number (承运商运单号).
#[derive(InputObject)]
pub(super) struct WaybillRef {
    /// Whose number it is.
    carrier_id: ID,
    /// The number.
    number: String,
}

/// What is printed on goods (商品条码与批次).
#[derive(InputObject)]
pub(super) struct LotRef {
    /// The barcode.
    gtin: String,
    /// The lot, as it is printed on them.
    lot: String,
}

/// By what something is traced (溯源依据).
#[derive(OneofObject)]
pub(super) enum TraceBy {
    /// The document of a parcel: an order's number.
    Document(String),
    /// A carrier's number.
    Waybill(WaybillRef),
    /// Goods in one's hand.
    Lot(LotRef),
}

impl TraceBy {
    fn read(self) -> Result<By, Error> {
        Ok(match self {
            Self::Document(text) => By::Document(line(&text, 64).map_err(|r| r.at("document"))?),
            Self::Waybill(of) => {
                By::Waybill(decode(&of.carrier_id, "carrierId")?, waybill::read(&of.number).unwrap_or_default())
            }
            Self::Lot(of) => By::Lot {
                gtin: of.gtin.parse::<Gtin>().map_err(|r: Refusal| r.at("gtin"))?,
                lot: line(&of.lot, 40).map_err(|r| r.at("lot"))?,
            },
        })
    }
}

/// From a lot to its parcels, and from parcels to their lots (溯源结果).
pub struct Trace(Traced);

/// From a lot to its parcels, and from parcels to their lots (溯源结果).
#[Object]
impl Trace {
    /// The parcels that one may see, newest first (包裹).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn shipments(
        &self,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Shipment>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = page.slice(self.0.shipments.clone(), reads::cursor)?;
        Ok(Connection::new(rows, None, |row| (reads::cursor(&row), Shipment(row))))
    }

    /// The lots that went out in them, and one's own that have the code asked for, at most 100 (批次).
    #[graphql(complexity = "times(100, child_complexity)")]
    async fn lots(&self) -> Vec<TracedLot> {
        self.0.lots.iter().cloned().map(TracedLot).collect()
    }

    /// Whether there is more of any of it than is shown: then the sums are of what is shown (结果是否被截断).
    async fn truncated(&self) -> bool {
        self.0.truncated
    }
}

/// A lot that was followed (溯源批次).
pub struct TracedLot(trace::TracedLot);

/// A lot that was followed (溯源批次).
#[Object]
impl TracedLot {
    /// Of what (商品规格).
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.0.lot.variant_id).await?.map(Variant))
    }

    /// Which lot (批次).
    async fn lot(&self) -> StockLot {
        StockLot(self.0.lot.clone())
    }

    /// How much of it went out under what one may see (数量).
    async fn quantity(&self) -> i64 {
        self.0.quantity
    }

    /// Under what it went out, newest first, at most 100: of one's own goods also what went in no parcel (去向).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn destinations(&self) -> Vec<LotMovement> {
        self.0.went_out.iter().cloned().map(LotMovement::from).collect()
    }

    /// The verification lists under which it came into the zone, for whoever sees the lot (入区核注清单编号).
    async fn inbound_lists(&self) -> Vec<&str> {
        self.0.lists.iter().map(String::as_str).collect()
    }

    /// The items of account books that it came as (账册项).
    #[graphql(complexity = "times(5, child_complexity)")]
    async fn book_items(&self) -> Vec<TracedItem> {
        self.0.items.iter().cloned().map(TracedItem::from).collect()
    }

    /// Where it came from, first first, at most 100; none for who did not send it (来源).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn sources(&self) -> Vec<LotMovement> {
        self.0.came_in.iter().cloned().map(LotMovement::from).collect()
    }
}

/// How much of a lot came in, or went out, under a document (批次进出).
#[derive(Clone, Debug, SimpleObject)]
pub struct LotMovement {
    /// The document (单据).
    document: String,
    /// How much (数量).
    quantity: i64,
    /// When last (时间).
    at: DateTime<Utc>,
    /// The verification lists that it went through the gate under (核注清单编号).
    verification_lists: Vec<String>,
    /// The items of account books that it was of (账册项).
    book_items: Vec<TracedItem>,
}

impl From<Under> for LotMovement {
    fn from(under: Under) -> Self {
        Self {
            document: under.document,
            quantity: under.quantity,
            at: under.at,
            verification_lists: under.lists.into_iter().collect(),
            book_items: under.items.into_iter().map(TracedItem::from).collect(),
        }
    }
}

/// An item of an account book, as traces name it (账册项).
#[derive(Clone, Debug, SimpleObject)]
pub struct TracedItem {
    /// Number of the book (账册号).
    book: String,
    /// Number of the item in it (备案序号).
    number: i32,
}

impl From<(String, i32)> for TracedItem {
    fn from((book, number): (String, i32)) -> Self {
        Self { book, number }
    }
}

/// What everyone may see of a parcel who was given its code (公开物流信息).
pub struct PublicTrace(Public);

/// What everyone may see of a parcel who was given its code (公开物流信息).
#[Object]
impl PublicTrace {
    /// State (状态).
    async fn state(&self) -> ShipmentState {
        self.0.row.state
    }

    /// Who sends it, masked (寄件方).
    async fn sender(&self) -> &str {
        &self.0.sender
    }

    /// Who takes it in, masked (收件方).
    async fn taker(&self) -> &str {
        &self.0.taker
    }

    /// Who carries it (承运商).
    async fn carrier(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Another language than that of the request.")] locale: Option<String>,
    ) -> Result<Option<String>> {
        read(context, &self.0.carrier, locale.as_deref())
    }

    /// Its number, of which the end is shown (运单号).
    async fn masked_waybill(&self) -> Option<&str> {
        self.0.waybill.as_deref()
    }

    /// When it should be there (预计送达时间).
    async fn eta(&self) -> Option<DateTime<Utc>> {
        self.0.row.eta
    }

    /// When it left the gate (出卡口时间).
    async fn gated_out_at(&self) -> Option<DateTime<Utc>> {
        self.0.row.gated_out_at
    }

    /// When it was handed over (签收时间).
    async fn signed_at(&self) -> Option<DateTime<Utc>> {
        self.0.row.signed_at
    }

    /// What happened, in the order in which it did, the last 100 (轨迹).
    #[graphql(complexity = "times(100, child_complexity)")]
    async fn events(&self) -> Vec<PublicTraceEvent> {
        self.0.events.iter().cloned().map(PublicTraceEvent).collect()
    }
}

/// Something that happened, as everyone may see it (公开轨迹).
pub struct PublicTraceEvent(event::Model);

/// Something that happened, as everyone may see it (公开轨迹).
#[Object]
impl PublicTraceEvent {
    /// When (时间).
    async fn at(&self) -> DateTime<Utc> {
        self.0.event_time
    }

    /// What, and where when that is a code (说明).
    async fn text(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Another language than that of the request.")] locale: Option<String>,
    ) -> Result<Option<String>> {
        read(context, &self.told(), locale.as_deref())
    }

    /// The same in every language (各语言说明).
    async fn texts(&self) -> Vec<Translation> {
        translations(&self.told())
    }
}

impl PublicTraceEvent {
    fn told(&self) -> Localized {
        let places = [self.0.read_point.as_deref(), self.0.biz_location.as_deref()];
        event::told_everyone(self.0.biz_step, self.0.disposition, places)
    }
}

/// How well a carrier does, of the shipments that one may see (物流指标).
pub struct LogisticsFigures(figures::Figures);

/// How well a carrier does, of the shipments that one may see (物流指标).
#[Object]
impl LogisticsFigures {
    /// How many left the gate (出库票数).
    async fn shipped(&self) -> i32 {
        count(self.0.shipped)
    }

    /// How many of these are in each state now (各状态票数).
    async fn states(&self) -> Vec<ShipmentStateCount> {
        self.0.states.iter().map(|(state, n)| ShipmentStateCount { state: *state, count: count(*n) }).collect()
    }

    /// How many were there in time, in hundredths of a percent; null when of none it is known. What is not there when its
    /// time is up is late (准时率，万分比).
    async fn on_time_basis_points(&self) -> Option<i32> {
        self.0.on_time
    }

    /// Of how many that is: those that were promised, and are there or whose time is up (样本数).
    async fn on_time_sample_size(&self) -> i32 {
        count(self.0.promised)
    }

    /// How long legs took, by lane, at most 100 (各线路时效).
    #[graphql(complexity = "times(100, child_complexity)")]
    async fn lanes(&self) -> Vec<LaneFigure> {
        self.0.lanes.iter().take(100).cloned().map(LaneFigure::from).collect()
    }

    /// How long parcels lay at places, the longest first, at most 100 (各节点停留).
    #[graphql(complexity = "times(100, child_complexity)")]
    async fn dwells(&self) -> Vec<DwellFigure> {
        self.0.dwells.iter().take(100).cloned().map(DwellFigure::from).collect()
    }

    /// Whether more left the gate than was looked at: then all of this is of the newest (是否仅为部分样本).
    async fn truncated(&self) -> bool {
        self.0.truncated
    }
}

fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// How many shipments are in a state (状态计数).
#[derive(Clone, Debug, SimpleObject)]
pub struct ShipmentStateCount {
    /// The state (状态).
    state: ShipmentState,
    /// How many (票数).
    count: i32,
}

/// How long legs of one lane took (线路时效).
#[derive(Clone, Debug, SimpleObject)]
pub struct LaneFigure {
    /// How (运输方式).
    mode: TransportMode,
    /// From where: a province or UN/LOCODE (起点).
    origin: String,
    /// To where (终点).
    destination: String,
    /// The median, in minutes (中位时长).
    median_minutes: i64,
    /// Of how many (样本数).
    sample_size: i32,
}

impl From<Lane> for LaneFigure {
    fn from(lane: Lane) -> Self {
        Self {
            mode: lane.mode,
            origin: lane.origin,
            destination: lane.destination,
            median_minutes: lane.median_minutes,
            sample_size: count(lane.n),
        }
    }
}

/// How long parcels lay at a place (节点停留).
#[derive(Clone, Debug, SimpleObject)]
pub struct DwellFigure {
    /// The place (地点).
    place: String,
    /// The median, in minutes (中位时长).
    median_minutes: i64,
    /// Of how many (样本数).
    sample_size: i32,
}

impl From<Dwell> for DwellFigure {
    fn from(dwell: Dwell) -> Self {
        Self { place: dwell.place, median_minutes: dwell.median_minutes, sample_size: count(dwell.n) }
    }
}

/// Queries that follow goods.
#[derive(Default)]
pub struct TraceQuery;

#[Object]
impl TraceQuery {
    /// Follows goods both ways: from a lot to the parcels that carried it, from a parcel to its lots and where they came
    /// from; as far as one may see them (溯源).
    #[graphql(complexity = "10 + child_complexity")]
    async fn trace(&self, context: &Context<'_>, #[graphql(desc = "By what.")] by: TraceBy) -> Result<Trace> {
        context.may(Action::ReadShipments)?;
        Ok(Trace(trace::trace(context.app().db().read(), context.viewer(), &by.read()?).await?))
    }

    /// Where a parcel is, for everyone who was given its code; null when it is nobody's (公开物流查询).
    async fn public_trace(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The `publicCode` of the shipment.")] code: String,
    ) -> Result<Option<PublicTrace>> {
        context.may(Action::ReadPublic)?;
        Ok(trace::public(context.app().db().read(), &code, context.locale()).await?.map(PublicTrace))
    }

    /// How well a carrier does, over shipments that left the gate in a time of at most 400 days (物流指标).
    #[graphql(complexity = "100 + child_complexity")]
    async fn logistics_figures(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which carrier.")] carrier_id: ID,
        #[graphql(desc = "From when on.")] from: DateTime<Utc>,
        #[graphql(desc = "Before when.")] to: DateTime<Utc>,
    ) -> Result<LogisticsFigures> {
        context.may(Action::ReadShipments)?;
        let carrier = decode(&carrier_id, "carrierId")?;
        let (db, now) = (context.app().db().read(), context.app().clock().now());
        Ok(LogisticsFigures(figures::figures(db, context.viewer(), carrier, (from, to), now).await?))
    }
}
