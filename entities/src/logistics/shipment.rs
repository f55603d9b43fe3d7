//! Shipments (运单): what goes to one taker in one go. One document has one shipment.

use crate::Relation;
use sea_orm::{
    ExprTrait, FromJsonQueryResult, Select,
    entity::prelude::*,
    sea_query::{Expr, Query, SelectStatement},
};
use serde::{Deserialize, Serialize};

use super::{Booking, TransportMode, cold::Range, leg};
use crate::{
    party::{OrganisationRole, Viewer, machine_client::Scope},
    values::{
        ErrorCode, Localized, Refusal,
        id::{OrganisationId, PersonId, ShipmentId, StockLocationId, VariantId},
    },
};

/// State of a shipment (运单状态).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShipmentState {
    /// To be packed (待打包).
    Planned,
    /// Packed, at the gate (已打包).
    Packed,
    /// Out of the gate (已出卡口).
    GateOut,
    /// On its way (运输中).
    InTransit,
    /// With who hands it over (派送中).
    OutForDelivery,
    /// Handed over (已签收).
    Signed,
    /// Not taken in (拒收).
    Refused,
    /// Lost (丢失).
    Lost,
    /// Back where it came from (已退回).
    Returned,
    /// Taken back before the gate (已取消).
    Cancelled,
}

impl ShipmentState {
    /// The state as the API writes it: `GATE_OUT`.
    pub fn name(self) -> String {
        async_graphql::Value::from(self).to_string()
    }

    /// Whether the parcel is out of the gate.
    pub fn is_out(self) -> bool {
        !matches!(self, Self::Planned | Self::Packed | Self::Cancelled)
    }

    /// What of it is the desk's: everything before the gate, and that it left.
    #[must_use]
    pub fn of_desk(self) -> Self {
        if self.is_out() { Self::GateOut } else { self }
    }
}

/// What the desk does with a shipment. What carriers do is folded, see [`super::fold`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum ShipmentStep {
    /// Packed, or packed anew.
    Pack,
    /// Out of the gate.
    GateOut,
    /// Taken back.
    Cancel,
}

impl ShipmentStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [ShipmentState], ShipmentState) {
        use ShipmentState::{Cancelled, GateOut, Packed, Planned};
        match self {
            Self::Pack => (&[Planned, Packed], Packed),
            Self::GateOut => (&[Packed], GateOut),
            Self::Cancel => (&[Planned, Packed], Cancelled),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: ShipmentState) -> Result<ShipmentState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        let action = match self {
            Self::Pack => "PACK",
            Self::GateOut => "GATE_OUT",
            Self::Cancel => "CANCEL",
        };
        Err(Refusal::new(ErrorCode::IllegalTransition).with("from", state.name()).with("action", action))
    }
}

/// How a seal is (封志状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SealState {
    /// Closed as it was put on (完好).
    Intact,
    /// Opened by who may (已开启).
    Opened,
    /// Broken, or not the one that was put on (异常).
    Broken,
}

/// What is in a parcel, as it was sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What.
    pub variant: VariantId,
    /// Name by language.
    pub name: Localized,
    /// How much.
    pub quantity: i64,
}

/// Everything in a parcel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Lines(pub Vec<Line>);

/// A row of `shipment`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "shipment")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ShipmentId,
    /// The document that it carries out: an order.
    #[sea_orm(unique)]
    pub document: String,
    /// Whose goods they are.
    pub owner_id: OrganisationId,
    /// The organisation that gets them; none: a person does.
    pub buyer_id: Option<OrganisationId>,
    /// The person who gets them.
    pub person_id: Option<PersonId>,
    /// Who carries them.
    pub carrier_id: OrganisationId,
    /// How.
    pub mode: TransportMode,
    /// From which location of stock.
    pub from_id: Option<StockLocationId>,
    /// From where, as a division or UN/LOCODE.
    pub origin: String,
    /// To where, as a division or UN/LOCODE.
    pub destination: String,
    /// Who takes them in and where, sealed.
    #[serde(skip)]
    pub consignee: Vec<u8>,
    /// The same, masked.
    pub masked_consignee: String,
    /// What is in it.
    #[sea_orm(column_type = "JsonBinary")]
    pub lines: Lines,
    /// The carrier's number; none until it has given one.
    pub waybill: Option<String>,
    /// What the carrier said of it.
    pub booking: Booking,
    /// When the carrier was first told that it comes; it may know of it from then on, whether it answered or not.
    pub asked_at: Option<DateTimeUtc>,
    /// State.
    pub state: ShipmentState,
    /// [`ShipmentState::of_desk`], written with the state: the database itself refuses to let out what it must not, by a
    /// check that needs this column (and `SQLite` drops no column that a check names).
    pub desk: ShipmentState,
    /// Whether customs has to release it first; then it is one list, so one unit.
    pub needs_release: bool,
    /// When customs released it.
    pub released_at: Option<DateTimeUtc>,
    /// Under which list it released it (清单编号).
    pub list_number: Option<String>,
    /// How many hold it; the rows are in `shipment_hold`.
    pub holds: i32,
    /// What it was said to weigh, in grams.
    pub gross_weight_g: i64,
    /// What its units weighed when it was packed.
    pub packed_weight_g: Option<i64>,
    /// What the weighbridge said.
    pub weighed_g: Option<i64>,
    /// Number of its e-seal.
    pub seal_number: Option<String>,
    /// How the seal is.
    pub seal_state: Option<SealState>,
    /// The lowest temperature that the goods take, in tenths of a degree Celsius.
    pub min_deci: Option<i32>,
    /// The highest.
    pub max_deci: Option<i32>,
    /// For how many minutes they may be outside it.
    pub allowed_minutes: Option<i32>,
    /// Who has this sees the masked trace without signing in.
    #[sea_orm(unique)]
    pub public_code: String,
    /// Until when it was promised.
    pub promised_at: Option<DateTimeUtc>,
    /// When it should be there, by what such shipments took.
    pub eta: Option<DateTimeUtc>,
    /// By how many such shipments.
    pub eta_n: i32,
    /// When it left the gate.
    pub gated_out_at: Option<DateTimeUtc>,
    /// When it was handed over.
    pub signed_at: Option<DateTimeUtc>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The shipments that `viewer` may see: its own as a consumer, those that the organisation acted for sends, gets or
    /// carries, be it on one leg, all for who oversees the zone.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        if viewer.oversees() {
            return Self::find();
        }
        let own = sea_orm::Condition::any()
            .add_option(viewer.person().map(|own| Column::PersonId.eq(own).and(Column::BuyerId.is_null())))
            .add_option(viewer.reads_for(Scope::Logistics).map(|own| {
                sea_orm::Condition::any()
                    .add(Column::OwnerId.eq(own))
                    .add(Column::BuyerId.eq(own))
                    .add(Column::CarrierId.eq(own))
                    // Nobody else has a leg: who does not carry need not be asked about them.
                    .add_option(viewer.plays(OrganisationRole::Logistics).then(|| Expr::exists(legs_of(own))))
            }));
        // An empty condition would let everything through.
        if own.is_empty() { Self::find().filter(Expr::val(false)) } else { Self::find().filter(own) }
    }
}

/// The legs of a shipment that an organisation carries.
fn legs_of(carrier: OrganisationId) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from(leg::Entity)
        .and_where(Expr::col((leg::Entity, leg::Column::ShipmentId)).equals((Entity, Column::Id)))
        .and_where(leg::Column::CarrierId.eq(carrier))
        .take()
}

impl Entity {
    /// The shipments that an organisation carries, be it on one leg.
    pub fn carried_by(carrier: OrganisationId) -> Select<Self> {
        let whole = Column::CarrierId.eq(carrier);
        Self::find().filter(sea_orm::Condition::any().add(whole).add(Expr::exists(legs_of(carrier))))
    }
}

impl Model {
    /// The range of temperature that the goods take, when one was said.
    pub fn range(&self) -> Option<Range> {
        Some(Range { min: self.min_deci?, max: self.max_deci?, allowed_minutes: self.allowed_minutes? })
    }
}

/// Whether what the weighbridge says is what was packed: within so many thousandths, and never stricter than the scale.
pub fn weighs_the_same(packed_g: i64, weighed_g: i64, tolerance_permille: i64) -> bool {
    /// What a gate's scale cannot tell, in grams.
    const SCALE_G: i64 = 20;
    let off = (i128::from(packed_g) - i128::from(weighed_g)).abs();
    off * 1_000 <= i128::from(packed_g) * i128::from(tolerance_permille) || off <= i128::from(SCALE_G)
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn the_desk_goes_along_its_table() {
        use ShipmentState::{Cancelled, GateOut, Packed, Planned};
        use ShipmentStep as Step;
        let table = [
            (Step::Pack, Planned, Packed),
            (Step::Pack, Packed, Packed),
            (Step::GateOut, Packed, GateOut),
            (Step::Cancel, Planned, Cancelled),
            (Step::Cancel, Packed, Cancelled),
        ];
        for step in Step::iter() {
            for state in ShipmentState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }

    #[test]
    fn what_is_the_desks_of_a_state_is_a_state_of_the_desk() {
        for state in ShipmentState::iter() {
            let desk = state.of_desk();
            assert_eq!(desk == ShipmentState::GateOut, state.is_out(), "{state:?}");
            assert!(state.is_out() || desk == state, "{state:?}");
        }
    }

    #[test]
    fn a_scale_has_three_hundredths_or_its_own_step() {
        for (packed, weighed, same) in [
            (10_000, 10_300, true),
            (10_000, 10_301, false),
            (10_000, 9_700, true),
            (10_000, 9_699, false),
            (100, 120, true),
            (100, 121, false),
            (i64::MAX, 0, false),
        ] {
            assert_eq!(weighs_the_same(packed, weighed, 30), same, "{packed} {weighed}");
        }
    }
}
