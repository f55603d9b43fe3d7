//! What happened to a parcel (物流轨迹), as a subset of EPCIS 2.0: what, when, where, why. Only added to. What was wrong is
//! declared in error by a second row with the same event id, which may name the events that put it right.

use crate::Relation;
use sea_orm::{
    Condition, ExprTrait, FromJsonQueryResult, Select,
    entity::prelude::*,
    sea_query::{Alias, Expr, Query},
};
use serde::{Deserialize, Serialize};

use super::{Milestone, figures::Stop, fold::Fact, leg::is_place};
use crate::values::{
    Localized,
    id::{OrganisationId, ShipmentId, TrackingEventId},
};

/// Kind of an event (事件类型), by EPCIS 2.0.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TrackingEventType {
    /// Something happened to things (对象事件).
    Object,
    /// Things were put together or taken apart (聚合事件).
    Aggregation,
    /// Things were bound to a document (交易事件).
    Transaction,
}

/// What an event does to what it names (动作), by EPCIS 2.0.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "TrackingEventAction")]
pub enum EventAction {
    /// It begins (新增).
    Add,
    /// It was seen (观察).
    Observe,
    /// It ends (删除).
    Delete,
}

/// Declares names of a vocabulary, with the form in which EPCIS writes them and what people read.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])+ $value:ident: $code:literal, $zh:literal, $en:literal;)+ }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
        )]
        #[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum $name { $($(#[$value_doc])+ $value,)+ }

        impl $name {
            /// The name as EPCIS writes it, without what stands before it.
            pub fn code(self) -> &'static str {
                match self { $(Self::$value => $code,)+ }
            }

            /// What people read.
            pub fn told(self) -> (&'static str, &'static str) {
                match self { $(Self::$value => ($zh, $en),)+ }
            }

            /// The value of a name: `departing`, `urn:epcglobal:cbv:bizstep:departing` or
            /// `https://ref.gs1.org/cbv/BizStep-departing`. None: it is not known here.
            pub fn read(text: &str) -> Option<Self> {
                let name = text.trim().rsplit([':', '/', '-']).next().unwrap_or_default().to_ascii_lowercase();
                match name.as_str() { $($code => Some(Self::$value),)+ _ => None }
            }
        }
    };
}

vocabulary! {
    /// The step of business that an event is part of (业务步骤): a subset of the Core Business Vocabulary.
    BizStep {
        /// It begins to exist (赋码).
        Commissioning: "commissioning", "已建单", "Registered";
        /// It is packed (打包).
        Packing: "packing", "已打包", "Packed";
        /// It is loaded (装车).
        Loading: "loading", "已装车", "Loaded";
        /// It is sent off (发运).
        Shipping: "shipping", "已出卡口", "Left the gate";
        /// It leaves a place (离开).
        Departing: "departing", "已离开", "Departed";
        /// It is on its way (运输).
        Transporting: "transporting", "运输中", "On its way";
        /// It comes to a place (到达).
        Arriving: "arriving", "已到达", "Arrived";
        /// It is unloaded (卸车).
        Unloading: "unloading", "已卸车", "Unloaded";
        /// It is taken in on its way (收货).
        Receiving: "receiving", "已收货", "Received";
        /// It is looked at (查验).
        Inspecting: "inspecting", "查验中", "Inspected";
        /// It is held (扣留).
        Holding: "holding", "已扣留", "Held";
        /// It lies somewhere (存放).
        Storing: "storing", "已存放", "Stored";
        /// It is handed over (交付).
        Accepting: "accepting", "已交付", "Handed over";
        /// Something that is not known here; kept as it came (其他).
        Other: "other", "其他", "Something else";
    }
}

vocabulary! {
    /// How things are after an event (处置状态): a subset of the Core Business Vocabulary, and what couriers need beside it.
    Disposition {
        /// Nothing in particular (处理中).
        InProgress: "in_progress", "处理中", "In progress";
        /// On its way (运输中).
        InTransit: "in_transit", "运输中", "In transit";
        /// With who hands it over; not in the vocabulary (派送中).
        OutForDelivery: "out_for_delivery", "派送中", "Out for delivery";
        /// Handed over; not in the vocabulary (已签收).
        Delivered: "delivered", "已签收", "Signed for";
        /// Not taken in; not in the vocabulary (拒收).
        Refused: "refused", "拒收", "Refused";
        /// Lost; not in the vocabulary (丢失).
        Lost: "lost", "丢失", "Lost";
        /// Back where it came from (已退回).
        Returned: "returned", "已退回", "Returned";
        /// Damaged (破损).
        Damaged: "damaged", "破损", "Damaged";
        /// Nobody knows (未知).
        Unknown: "unknown", "未知", "Unknown";
    }
}

/// What an event says of how far a parcel is; none: nothing.
pub fn milestone(step: BizStep, disposition: Option<Disposition>) -> Option<Milestone> {
    match disposition {
        Some(Disposition::OutForDelivery) => return Some(Milestone::OutForDelivery),
        Some(Disposition::Delivered) => return Some(Milestone::Delivered),
        Some(Disposition::Refused) => return Some(Milestone::Refused),
        Some(Disposition::Lost) => return Some(Milestone::Lost),
        Some(Disposition::Returned) => return Some(Milestone::Returned),
        _ => {}
    }
    match step {
        BizStep::Accepting => Some(Milestone::Delivered),
        BizStep::Loading
        | BizStep::Departing
        | BizStep::Transporting
        | BizStep::Arriving
        | BizStep::Unloading
        | BizStep::Receiving
        | BizStep::Inspecting
        | BizStep::Storing => Some(Milestone::Moving),
        // The gate's own event is one of shipping: it is where the way begins.
        BizStep::Commissioning | BizStep::Packing | BizStep::Shipping | BizStep::Holding | BizStep::Other => None,
    }
}

/// What people read of an event.
pub fn told(step: BizStep, disposition: Option<Disposition>, place: Option<&str>) -> Localized {
    let decides = disposition.filter(|d| !matches!(d, Disposition::InProgress | Disposition::InTransit));
    let (zh, en) = decides.map_or_else(|| step.told(), Disposition::told);
    match place.filter(|place| !place.is_empty()) {
        Some(place) => Localized::bilingual(format!("{zh}：{place}"), format!("{en}: {place}")),
        None => Localized::bilingual(zh, en),
    }
}

/// The same for everyone who was given a parcel's code. Carriers write what they like into the place, also who took it in
/// and under which number they are called: so it is shown only when it is a code.
pub fn told_everyone(step: BizStep, disposition: Option<Disposition>, places: [Option<&str>; 2]) -> Localized {
    told(step, disposition, places.into_iter().flatten().find(|place| !place.is_empty() && is_place(place)))
}

/// What an event names, as EPC URIs or SSCCs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Epcs(pub Vec<String>);

/// The events that put one right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Corrective(pub Vec<String>);

/// A row of `tracking_event`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
#[sea_orm(table_name = "tracking_event")]
pub struct Model {
    /// Identifier; ids are made in the order in which events came.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TrackingEventId,
    /// Of which shipment.
    pub shipment_id: ShipmentId,
    /// `eventID`: whoever reported it gave it, or it is a hash of what it says.
    pub event_id: String,
    /// Whether this row declares that event in error.
    pub declares_error: bool,
    /// Kind.
    pub kind: TrackingEventType,
    /// What it does.
    pub action: EventAction,
    /// Why.
    pub biz_step: BizStep,
    /// How things are then.
    pub disposition: Option<Disposition>,
    /// Where it was seen (`readPoint`).
    pub read_point: Option<String>,
    /// Where it is then (`bizLocation`).
    pub biz_location: Option<String>,
    /// When (`eventTime`).
    pub event_time: DateTimeUtc,
    /// What clocks there showed (`eventTimeZoneOffset`): `+08:00`.
    pub zone_offset: String,
    /// When it came (`recordTime`).
    pub record_time: DateTimeUtc,
    /// What it names.
    #[sea_orm(column_type = "JsonBinary")]
    pub epcs: Epcs,
    /// What was said of it, or its name when that is not known here.
    pub note: Option<String>,
    /// When it was declared in error (`declarationTime`).
    pub declared_at: Option<DateTimeUtc>,
    /// Why (`reason`).
    pub error_reason: Option<String>,
    /// What puts it right (`correctiveEventIDs`).
    #[sea_orm(column_type = "JsonBinary")]
    pub corrective: Corrective,
    /// Who reported it.
    pub reported_by: String,
    /// The carrier that it was reported for, or that reported what it declares in error; none: the house, or it was not
    /// kept yet.
    pub reporter_id: Option<OrganisationId>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The events that count: they happened, and neither who reported them nor the house declared them in error.
    pub fn counting() -> Select<Self> {
        let wrong = Alias::new("wrong");
        let of = |column: Column| Expr::col((wrong.clone(), column));
        let declared = Query::select()
            .expr(Expr::val(1))
            .from_as(Entity, wrong.clone())
            .and_where(of(Column::ShipmentId).equals((Entity, Column::ShipmentId)))
            .and_where(of(Column::EventId).equals((Entity, Column::EventId)))
            .and_where(of(Column::DeclaresError).eq(true))
            .cond_where(
                Condition::any()
                    .add(of(Column::ReporterId).is_null())
                    .add(of(Column::ReporterId).equals((Entity, Column::ReporterId))),
            )
            .take();
        Self::find().filter(Column::DeclaresError.eq(false)).filter(Expr::exists(declared).not())
    }
}

impl Model {
    /// What it says of how far the parcel is. What it is called is its reporter's: another may call one of theirs so.
    pub fn fact(&self) -> Option<Fact> {
        let milestone = milestone(self.biz_step, self.disposition)?;
        let reporter = self.reporter_id.map(|id| id.to_string()).unwrap_or_default();
        Some(Fact { at: self.event_time, milestone, event: format!("{reporter} {}", self.event_id) })
    }

    /// What it says of a place.
    pub fn stop(&self) -> Option<Stop> {
        Stop::of(self.event_time, self.biz_step, self.read_point.as_deref(), self.biz_location.as_deref())
    }
}

/// Whether it is an offset as EPCIS writes it: `+08:00`.
pub fn is_offset(text: &str) -> bool {
    match text.as_bytes() {
        [b'+' | b'-', a, b, b':', c, d] => {
            [a, b, c, d].iter().all(|digit| digit.is_ascii_digit())
                && (*a, *b) <= (b'1', b'4')
                && (*a < b'1' || *b <= b'4')
                && *c <= b'5'
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn names_are_read_in_each_form_and_none_is_read_as_another() {
        for step in BizStep::iter() {
            for text in [
                step.code().to_owned(),
                format!("urn:epcglobal:cbv:bizstep:{}", step.code()),
                format!("https://ref.gs1.org/cbv/BizStep-{}", step.code()),
            ] {
                assert_eq!(BizStep::read(&text), Some(step), "{text}");
            }
            let told = told(step, None, Some("西宁"));
            assert_eq!(told.0.len(), 2, "{step:?} has one language");
        }
        for disposition in Disposition::iter() {
            assert_eq!(Disposition::read(disposition.code()), Some(disposition));
        }
        for text in ["", "teleporting", "urn:epcglobal:cbv:bizstep:", "://-"] {
            assert_eq!(BizStep::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_disposition_says_more_than_a_step() {
        for (step, disposition, expected) in [
            (BizStep::Departing, None, Some(Milestone::Moving)),
            (BizStep::Departing, Some(Disposition::InTransit), Some(Milestone::Moving)),
            (BizStep::Transporting, Some(Disposition::OutForDelivery), Some(Milestone::OutForDelivery)),
            (BizStep::Accepting, None, Some(Milestone::Delivered)),
            (BizStep::Accepting, Some(Disposition::Refused), Some(Milestone::Refused)),
            (BizStep::Receiving, Some(Disposition::Returned), Some(Milestone::Returned)),
            (BizStep::Shipping, Some(Disposition::InTransit), None),
            (BizStep::Other, None, None),
            (BizStep::Other, Some(Disposition::Lost), Some(Milestone::Lost)),
        ] {
            assert_eq!(milestone(step, disposition), expected, "{step:?} {disposition:?}");
        }
    }

    #[test]
    fn everyone_reads_what_happened_and_of_places_only_codes() {
        let english = |places: [Option<&str>; 2]| {
            let told = told_everyone(BizStep::Accepting, Some(Disposition::Delivered), places);
            told.read(&crate::values::Locale::en()).unwrap().to_owned()
        };
        for (places, expected) in [
            ([Some("630103"), None], "Signed for: 630103"),
            ([Some("门卫张三 13800000000"), Some("CNXNN")], "Signed for: CNXNN"),
            ([Some("门卫张三 13800000000"), None], "Signed for"),
            ([None, Some("")], "Signed for"),
        ] {
            assert_eq!(english(places), expected, "{places:?}");
        }
    }

    #[test]
    fn offsets_are_written_as_the_standard_has_them() {
        for (text, good) in [
            ("+08:00", true),
            ("-03:30", true),
            ("+14:00", true),
            ("+15:00", false),
            ("+08:60", false),
            ("08:00", false),
            ("+8:00", false),
            ("Z", false),
            ("", false),
        ] {
            assert_eq!(is_offset(text), good, "{text}");
        }
    }
}
