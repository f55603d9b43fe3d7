//! What hangs on a shipment, in the schema.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    logistics::{
        BizStep, Disposition, EventAction, HoldReason, ProofKind, TrackingEventType, TransportMode,
        cold::{self, Range},
        event, hold, leg, proof, unit,
    },
    values::id::ShipmentId,
};
use party::graphql::Organisation;
use platform::{
    graphql::{
        Connection, ContextExt,
        connection::{list_cost, times},
        encode,
        text::{Translation, translations},
    },
    page::PageArgs,
};

use super::read;
use crate::{
    loaders::{self, BreachesOf},
    reads,
};

/// A part of the way, by one means of transport (运输段).
#[derive(Clone, Debug)]
pub struct ShipmentLeg(pub(super) leg::Model);

/// A part of the way, by one means of transport (运输段).
#[Object]
impl ShipmentLeg {
    /// Opaque identifier; a way that is planned anew has new ones.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// From 1 (段号).
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// How (运输方式).
    async fn mode(&self) -> TransportMode {
        self.0.mode
    }

    /// Who carries it (承运商).
    async fn carrier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.carrier_id).await?.map(Organisation))
    }

    /// From where, as a division or UN/LOCODE (起点).
    async fn origin(&self) -> Option<&str> {
        Some(self.0.origin.as_str()).filter(|place| !place.is_empty())
    }

    /// To where, as a division or UN/LOCODE (终点).
    async fn destination(&self) -> Option<&str> {
        Some(self.0.destination.as_str()).filter(|place| !place.is_empty())
    }

    /// When it left (出发时间).
    async fn departed_at(&self) -> Option<DateTime<Utc>> {
        self.0.departed_at
    }

    /// When it came (到达时间).
    async fn arrived_at(&self) -> Option<DateTime<Utc>> {
        self.0.arrived_at
    }
}

/// What is moved as one piece (物流单元).
#[derive(Clone, Debug)]
pub struct HandlingUnit(pub(super) unit::Model);

/// What is moved as one piece (物流单元).
#[Object]
impl HandlingUnit {
    /// Opaque identifier; what is packed anew has new ones.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Serial shipping container code (系列货运包装箱代码).
    async fn sscc(&self) -> &str {
        &self.0.sscc
    }

    /// The unit that it lies in (上级单元).
    async fn parent_id(&self) -> Option<ID> {
        self.0.parent_id.map(encode)
    }

    /// What it weighs with everything in it, in grams (重量).
    async fn weight_g(&self) -> i64 {
        self.0.weight_g
    }

    /// When it was packed (打包时间).
    async fn packed_at(&self) -> DateTime<Utc> {
        self.0.packed_at
    }
}

/// A hold at the gate (扣留).
#[derive(Clone, Debug)]
pub struct ShipmentHold(pub(super) hold::Model);

/// A hold at the gate (扣留).
#[Object]
impl ShipmentHold {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Why (原因).
    async fn reason(&self) -> HoldReason {
        self.0.reason
    }

    /// What was said of it; null for who neither sends it nor oversees the zone (说明).
    async fn note(&self, context: &Context<'_>) -> Result<Option<&str>> {
        // Why somebody's goods are held is not everybody's business.
        let viewer = context.viewer();
        let row = loaders::of(context).load_one(self.0.shipment_id).await?;
        let owner = row.is_some_and(|row| viewer.organisation() == Some(row.owner_id));
        Ok((owner || viewer.oversees()).then_some(self.0.note.as_str()))
    }

    /// Since when (扣留时间).
    async fn held_at(&self) -> DateTime<Utc> {
        self.0.held_at
    }

    /// When it was let go; null: it is still held (解除时间).
    async fn lifted_at(&self) -> Option<DateTime<Utc>> {
        self.0.lifted_at
    }
}

/// A photo, signature or document of what happened (凭证).
#[derive(Clone, Debug)]
pub struct Proof(pub(super) proof::Model);

/// A photo, signature or document of what happened (凭证).
#[Object]
impl Proof {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// What it is (类型).
    async fn kind(&self) -> ProofKind {
        self.0.kind
    }

    /// What it is called (名称).
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// SHA-256 of its bytes, in hex (内容哈希).
    async fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// Its media type (媒体类型).
    async fn media_type(&self) -> &str {
        &self.0.media_type
    }

    /// Its size in bytes (大小).
    async fn size(&self) -> i64 {
        self.0.size
    }

    /// When it was taken (拍摄时间).
    async fn taken_at(&self) -> DateTime<Utc> {
        self.0.taken_at
    }

    /// When it was attached (上传时间).
    async fn attached_at(&self) -> DateTime<Utc> {
        self.0.attached_at
    }

    /// Where on this server its bytes are posted to, as they are, and read from; both with the token (内容地址).
    async fn path(&self) -> String {
        format!("/logistics/proofs/{}", encode(self.0.id).0)
    }

    /// Since when its bytes are here; null: they did not come yet (内容接收时间).
    async fn kept_at(&self) -> Option<DateTime<Utc>> {
        self.0.kept_at
    }
}

/// Something that happened to a shipment, as a subset of EPCIS 2.0; never changed (物流轨迹).
#[derive(Clone, Debug)]
pub struct TrackingEvent(pub(super) event::Model);

/// Something that happened to a shipment, as a subset of EPCIS 2.0; never changed (物流轨迹).
#[Object]
impl TrackingEvent {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// `eventID`: whoever reported it gave it, or it is a hash of what it says (事件编号).
    async fn event_id(&self) -> &str {
        &self.0.event_id
    }

    /// Whether this declares the event with that id in error (是否为错误声明).
    async fn declares_error(&self) -> bool {
        self.0.declares_error
    }

    /// Kind (事件类型).
    #[graphql(name = "type")]
    async fn kind(&self) -> TrackingEventType {
        self.0.kind
    }

    /// What it does to what it names (动作).
    async fn action(&self) -> EventAction {
        self.0.action
    }

    /// Why (业务步骤).
    async fn biz_step(&self) -> BizStep {
        self.0.biz_step
    }

    /// How things are then (处置状态).
    async fn disposition(&self) -> Option<Disposition> {
        self.0.disposition
    }

    /// What people read of it (说明).
    async fn text(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Another language than that of the request.")] locale: Option<String>,
    ) -> Result<Option<String>> {
        let text = event::told(self.0.biz_step, self.0.disposition, self.0.read_point.as_deref());
        read(context, &text, locale.as_deref())
    }

    /// The same in every language (各语言说明).
    async fn texts(&self) -> Vec<Translation> {
        translations(&event::told(self.0.biz_step, self.0.disposition, self.0.read_point.as_deref()))
    }

    /// Where it was seen (读取点).
    async fn read_point(&self) -> Option<&str> {
        self.0.read_point.as_deref()
    }

    /// Where it is then (业务地点).
    async fn biz_location(&self) -> Option<&str> {
        self.0.biz_location.as_deref()
    }

    /// When it happened (发生时间).
    async fn event_time(&self) -> DateTime<Utc> {
        self.0.event_time
    }

    /// By which offset clocks there differ: `+08:00` (时区).
    async fn event_time_zone_offset(&self) -> &str {
        &self.0.zone_offset
    }

    /// When it was reported (登记时间).
    async fn record_time(&self) -> DateTime<Utc> {
        self.0.record_time
    }

    /// The carrier that reported it; of what is declared in error, that which reported that; null: the house (上报方).
    async fn reporter(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        let Some(id) = self.0.reporter_id else { return Ok(None) };
        Ok(party::loaders::of(context).load_one(id).await?.map(Organisation))
    }

    /// What it names, as EPC URIs (标识列表).
    async fn epc_list(&self) -> &[String] {
        &self.0.epcs.0
    }

    /// What was said of it (备注).
    async fn note(&self) -> Option<&str> {
        self.0.note.as_deref()
    }

    /// When it was declared in error, in a row that does so (声明时间).
    async fn declaration_time(&self) -> Option<DateTime<Utc>> {
        self.0.declared_at
    }

    /// Why it was wrong, in a row that says so (错误原因).
    async fn error_reason(&self) -> Option<&str> {
        self.0.error_reason.as_deref()
    }

    /// The events that put it right (更正事件).
    async fn corrective_event_ids(&self) -> &[String] {
        &self.0.corrective.0
    }
}

/// What goods take, and what was measured (温控).
#[derive(Clone, Debug)]
pub struct ShipmentTemperature {
    pub(super) of: ShipmentId,
    pub(super) range: Range,
}

/// What goods take, and what was measured (温控).
#[Object]
impl ShipmentTemperature {
    /// The coldest that they take, in tenths of a degree Celsius (最低温度).
    async fn min_tenths(&self) -> i32 {
        self.range.min
    }

    /// The warmest that they take, in tenths of a degree Celsius (最高温度).
    async fn max_tenths(&self) -> i32 {
        self.range.max
    }

    /// For how many minutes they may be outside (允许超温分钟数).
    async fn allowed_minutes(&self) -> i32 {
        self.range.allowed_minutes
    }

    /// What was measured, first first (采样).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn samples(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<TemperatureSample>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = reads::samples(context.app().db().read(), self.of, &page).await?;
        Ok(Connection::new(rows, None, |row| (reads::sample_cursor(&row), TemperatureSample(row))))
    }

    /// When they were outside for longer than allowed, at most 100 (超温记录).
    // Everything that was measured is read for it.
    #[graphql(complexity = "times(100, child_complexity)")]
    async fn breaches(&self, context: &Context<'_>) -> Result<Vec<TemperatureBreach>> {
        const MOST: usize = 100;
        let found = loaders::of(context).load_one(BreachesOf(self.of)).await?.unwrap_or_default();
        let shown = |(device, breach): (String, cold::Breach)| TemperatureBreach {
            device,
            from: breach.from,
            to: breach.to,
            minutes: breach.minutes(),
            worst_tenths: breach.worst,
        };
        Ok(found.into_iter().take(MOST).map(shown).collect())
    }
}

/// What a device measured (温度采样).
#[derive(Clone, Debug)]
pub struct TemperatureSample(cold::Model);

/// What a device measured (温度采样).
#[Object]
impl TemperatureSample {
    /// The device (设备).
    async fn device(&self) -> &str {
        &self.0.device
    }

    /// When (采样时间).
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// In tenths of a degree Celsius (温度).
    async fn tenths(&self) -> i32 {
        self.0.deci
    }
}

/// A time outside the range that was longer than allowed (超温记录).
#[derive(Clone, Debug, SimpleObject)]
pub struct TemperatureBreach {
    /// The device that measured it (设备).
    device: String,
    /// Since when (开始时间).
    from: DateTime<Utc>,
    /// Until when, as far as it was measured (结束时间).
    to: DateTime<Utc>,
    /// How long (分钟数).
    minutes: i64,
    /// The farthest outside, in tenths of a degree Celsius (极值).
    worst_tenths: i32,
}
