//! Logistics in the schema.
//!
//! - [`parts`]: what hangs on a shipment; [`query`]: what can be asked; [`tracing`]: traces and figures
//! - [`desk`]: packing, the gate, holds; [`picking`]: what to take from the shelves; [`passes`]: many parcels on one vehicle; [`reports`]: what carriers report; [`carrier`]: how carriers are reached

pub mod carrier;
pub mod desk;
pub mod parts;
pub mod passes;
pub mod picking;
pub mod query;
pub mod reports;
pub mod tracing;

use async_graphql::{Context, ID, MergedObject, Object, Result};
use catalog::graphql::Variant;
use chrono::{DateTime, Utc};
use entities::{
    logistics::{Booking, SealState, ShipmentState, TransportMode, shipment},
    values::Localized,
};
use inventory::graphql::gate::GatePass;
use party::graphql::Organisation;
use platform::{
    graphql::{
        Connection, ContextExt,
        connection::{list_cost, times},
        encode,
    },
    page::{Cursor, PageArgs},
};

use self::parts::{HandlingUnit, Proof, ShipmentHold, ShipmentLeg, ShipmentTemperature, TrackingEvent};
use super::{
    loaders::{self, HoldsOf, LegsOf, PassOf, ProofsOf, UnitsOf},
    reads,
};

/// The part of the query root that this context adds.
#[derive(MergedObject, Default)]
pub struct LogisticsQuery(query::ShipmentQuery, picking::PickQuery, tracing::TraceQuery, carrier::CarrierQuery);

/// The part of the mutation root that this context adds.
#[derive(MergedObject, Default)]
pub struct LogisticsMutation(
    desk::DeskMutation,
    passes::PassMutation,
    reports::ReportMutation,
    carrier::CarrierMutation,
);

/// Name of the order of lines, for cursors.
const LINES: &str = "shipment-line";

/// What goes to one taker in one go, for one document (运单).
#[derive(Clone, Debug)]
pub struct Shipment(pub shipment::Model);

/// What goes to one taker in one go, for one document (运单).
#[Object]
impl Shipment {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The document that it carries out: an order's number (单据号).
    async fn document(&self) -> &str {
        &self.0.document
    }

    /// Who sends it (发货方).
    async fn owner(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.owner_id).await?.map(Organisation))
    }

    /// The organisation that gets it; null: a person does (收货企业).
    async fn buyer(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let id = self.0.buyer_id.filter(|_| !context.viewer().only_in_stores());
        let Some(id) = id else { return Ok(None) };
        Ok(party::loaders::of(context).load_one(id).await?.map(Organisation))
    }

    /// Who carries it (承运商).
    async fn carrier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.carrier_id).await?.map(Organisation))
    }

    /// How it goes (运输方式).
    async fn mode(&self) -> TransportMode {
        self.0.mode
    }

    /// From where, as a division or UN/LOCODE (起运地).
    async fn origin(&self) -> Option<&str> {
        Some(self.0.origin.as_str()).filter(|place| !place.is_empty())
    }

    /// To where, as a division or UN/LOCODE (目的地).
    async fn destination(&self) -> Option<&str> {
        Some(self.0.destination.as_str()).filter(|place| !place.is_empty())
    }

    /// The carrier's number; null until it has given one (运单号).
    async fn waybill(&self) -> Option<&str> {
        self.0.waybill.as_deref()
    }

    /// The number of the import list under which customs released it (清单编号).
    async fn list_number(&self) -> Option<&str> {
        self.0.list_number.as_deref()
    }

    /// What the carrier said of it (订舱状态).
    async fn booking(&self) -> Booking {
        self.0.booking
    }

    /// State (状态).
    async fn state(&self) -> ShipmentState {
        self.0.state
    }

    /// Who takes it in, masked; in clear with `revealShipmentConsignee` (收货人).
    async fn consignee(&self, context: &Context<'_>) -> &str {
        if context.viewer().only_in_stores() { "" } else { &self.0.masked_consignee }
    }

    /// What is in it (货物明细).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn lines(
        &self,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ShipmentLine>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let numbered: Vec<_> = self.0.lines.0.iter().cloned().enumerate().collect();
        let rows = page.slice(numbered, |(n, _)| Cursor::at(LINES, *n))?;
        Ok(Connection::new(rows, None, |(n, line)| (Cursor::at(LINES, n), ShipmentLine(line))))
    }

    /// Its legs, in their order, at most 20 (运输段).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn legs(&self, context: &Context<'_>) -> Result<Vec<ShipmentLeg>> {
        let rows = loaders::of(context).load_one(LegsOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(ShipmentLeg).collect())
    }

    /// Its units, at most 100 (物流单元).
    #[graphql(complexity = "times(100, child_complexity)")]
    async fn units(&self, context: &Context<'_>) -> Result<Vec<HandlingUnit>> {
        let rows = loaders::of(context).load_one(UnitsOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(HandlingUnit).collect())
    }

    /// What was reported of it, in the order in which it happened (物流轨迹).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<TrackingEvent>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = reads::events(context.app().db().read(), self.0.id, &page).await?;
        Ok(Connection::new(rows, None, |row| (reads::event_cursor(&row), TrackingEvent(row))))
    }

    /// Who held it and let it go, first first (扣留记录).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn holds(&self, context: &Context<'_>) -> Result<Vec<ShipmentHold>> {
        let rows = loaders::of(context).load_one(HoldsOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(ShipmentHold).collect())
    }

    /// Whether somebody holds it (是否被扣留).
    async fn held(&self) -> bool {
        self.0.holds > 0
    }

    /// Whether customs has to release it before it leaves the gate (须海关放行).
    async fn needs_release(&self) -> bool {
        self.0.needs_release
    }

    /// When customs released it (放行时间).
    async fn released_at(&self) -> Option<DateTime<Utc>> {
        self.0.released_at
    }

    /// The pass that it is on, or went out under; null when there is none, or for others than its sender and who oversees
    /// the zone (核放单).
    async fn gate_pass(&self, context: &Context<'_>) -> Result<Option<GatePass>> {
        let viewer = context.viewer();
        if viewer.organisation() != Some(self.0.owner_id) && !viewer.oversees() {
            return Ok(None);
        }
        Ok(loaders::of(context).load_one(PassOf(self.0.id)).await?.map(GatePass))
    }

    /// Its temperature; null when nobody said what its goods take (温控).
    async fn temperature(&self) -> Option<ShipmentTemperature> {
        self.0.range().map(|range| ShipmentTemperature { of: self.0.id, range })
    }

    /// Proofs of what happened, first first, at most 50 (凭证).
    #[graphql(complexity = "times(50, child_complexity)")]
    async fn proofs(&self, context: &Context<'_>) -> Result<Vec<Proof>> {
        let rows = loaders::of(context).load_one(ProofsOf(self.0.id)).await?.unwrap_or_default();
        Ok(rows.into_iter().map(Proof).collect())
    }

    /// Number of its e-seal (电子封志号).
    async fn seal_number(&self) -> Option<&str> {
        self.0.seal_number.as_deref()
    }

    /// How the seal is (封志状态).
    async fn seal_state(&self) -> Option<SealState> {
        self.0.seal_state
    }

    /// What it should weigh, in grams (申报毛重).
    async fn gross_weight_g(&self) -> i64 {
        self.0.gross_weight_g
    }

    /// What its units weighed when it was packed, in grams (打包重量).
    async fn packed_weight_g(&self) -> Option<i64> {
        self.0.packed_weight_g
    }

    /// What the weighbridge said, in grams (过磅重量).
    async fn weighed_g(&self) -> Option<i64> {
        self.0.weighed_g
    }

    /// Who has this sees the masked trace without signing in, with `publicTrace` (公开查询码).
    async fn public_code(&self) -> &str {
        &self.0.public_code
    }

    /// Until when it is promised; null: nobody promised anything, `eta` is what is usual (承诺送达时间).
    async fn promised_at(&self) -> Option<DateTime<Utc>> {
        self.0.promised_at
    }

    /// When it should be there, by the median of what such shipments took; null when too few are known (预计送达时间).
    async fn eta(&self) -> Option<DateTime<Utc>> {
        self.0.eta
    }

    /// Of how many shipments that median is (样本数).
    async fn eta_sample_size(&self) -> i32 {
        self.0.eta_n
    }

    /// When it left the gate (出卡口时间).
    async fn gated_out_at(&self) -> Option<DateTime<Utc>> {
        self.0.gated_out_at
    }

    /// When it was handed over (签收时间).
    async fn signed_at(&self) -> Option<DateTime<Utc>> {
        self.0.signed_at
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// What is in a parcel (货物明细行).
#[derive(Clone, Debug)]
pub struct ShipmentLine(shipment::Line);

/// What is in a parcel (货物明细行).
#[Object]
impl ShipmentLine {
    /// Of what; null when it may not be seen any more.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.0.variant).await?.map(Variant))
    }

    /// What it is called, as it was sold (品名).
    async fn name(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Another language than that of the request.")] locale: Option<String>,
    ) -> Result<Option<String>> {
        context.text(&self.0.name, locale.as_deref())
    }

    /// How much (数量).
    async fn quantity(&self) -> i64 {
        self.0.quantity
    }
}

/// A text in the language asked for.
fn read(context: &Context<'_>, text: &Localized, locale: Option<&str>) -> Result<Option<String>> {
    context.text(text, locale)
}
