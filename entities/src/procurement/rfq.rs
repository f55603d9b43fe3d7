//! Requests for quotations (询价单, RFQ): what a buyer asks several suppliers for, until a deadline, in rounds.
//!
//! Of a sealed one nobody learns what was quoted before its deadline ([`super::quotation`]): until then an RFQ says how
//! many quotations there are, and nothing else of them.

use crate::Relation;
use sea_orm::{
    Condition, ExprTrait, QuerySelect, QueryTrait, Select,
    entity::prelude::*,
    sea_query::{Expr, SelectStatement},
};

use super::invitation;
use crate::{
    ordering::Incoterm,
    party::{Viewer, machine_client::Scope},
    values::{
        Currency, Refusal,
        id::{CategoryId, OrganisationId, PersonId, RfqId, StockLocationId},
    },
};

/// Most lines of an RFQ.
pub const MOST_LINES: usize = 200;
/// Most suppliers that are invited to one.
pub const MOST_SUPPLIERS: usize = 50;
/// The latest that a deadline may be, in days from now.
pub const LONGEST_DAYS: i64 = 366;

/// State of an RFQ (询价单状态).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RfqState {
    /// Being written; no supplier knows of it (草稿).
    Draft,
    /// Suppliers may quote until its deadline (报价中).
    Published,
    /// The quotations of its round are opened (已开标).
    Closed,
    /// They are being compared (评标中).
    Evaluating,
    /// Some of it is awarded (部分定标).
    PartlyAwarded,
    /// All of it is awarded (已定标).
    Awarded,
    /// Given up (已取消).
    Cancelled,
}

impl RfqState {
    /// The states in which quotations of its round may be read by whoever asked for them.
    pub const OPENED: [Self; 4] = [Self::Closed, Self::Evaluating, Self::PartlyAwarded, Self::Awarded];
}

/// A step of an RFQ (询价单操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum RfqStep {
    /// Suppliers are told of it.
    Publish,
    /// Its deadline is over, or the buyer ends it: quotations are opened.
    Close,
    /// Suppliers are asked once more: another round.
    Reopen,
    /// A comparison of its quotations is kept.
    Evaluate,
    /// Something is awarded, and something is left.
    AwardPart,
    /// The last of it is awarded.
    Award,
    /// It is given up.
    Cancel,
}

impl RfqStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [RfqState], RfqState) {
        use RfqState::{Awarded, Cancelled, Closed, Draft, Evaluating, PartlyAwarded, Published};
        match self {
            Self::Publish => (&[Draft], Published),
            Self::Close => (&[Published], Closed),
            Self::Reopen => (&[Closed, Evaluating], Published),
            Self::Evaluate => (&[Closed], Evaluating),
            Self::AwardPart => (&[Closed, Evaluating, PartlyAwarded], PartlyAwarded),
            Self::Award => (&[Closed, Evaluating, PartlyAwarded], Awarded),
            Self::Cancel => (&[Draft, Published, Closed, Evaluating, PartlyAwarded], Cancelled),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: RfqState) -> Result<RfqState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        let action = match self {
            Self::AwardPart => "AWARD".to_owned(),
            other => format!("{other:?}").to_uppercase(),
        };
        Err(Refusal::illegal(state, action))
    }
}

/// A row of `rfq`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "rfq")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RfqId,
    /// What people call it (询价单号).
    #[sea_orm(unique)]
    pub number: String,
    /// Who buys.
    pub buyer_id: OrganisationId,
    /// What it is about.
    pub title: String,
    /// State.
    pub state: RfqState,
    /// Whether nobody reads quotations before the deadline (密封报价).
    pub sealed: bool,
    /// Which round, from 1 on (轮次).
    pub round: i32,
    /// Until when suppliers of this round quote (报价截止时间).
    pub deadline: DateTimeUtc,
    /// In which currency quotations are compared.
    pub currency: Currency,
    /// Who is to pay carriage and bear the risk up to where; none: the supplier says.
    pub incoterm: Option<Incoterm>,
    /// The place named with it.
    pub named_place: Option<String>,
    /// What else holds (商务条款).
    pub terms: Option<String>,
    /// By which day it is needed.
    pub needed_on: Option<Date>,
    /// To which place of the buyer.
    pub deliver_to_id: Option<StockLocationId>,
    /// Of which category most of it is.
    pub category_id: Option<CategoryId>,
    /// How many quotations of this round there are; all that is known of them before they are opened.
    pub quotations: i32,
    /// What it was made of: the kind of an intent or lead. Of one there is one RFQ that was not given up.
    pub origin_kind: Option<String>,
    /// Which one.
    pub origin_ref: Option<String>,
    /// Who wrote it.
    pub created_by: String,
    /// The person, when it is one.
    pub person_id: Option<PersonId>,
    /// When the quotations of this round were opened (开标时间).
    pub opened_at: Option<DateTimeUtc>,
    /// Why it was given up.
    pub cancelled_reason: Option<String>,
    /// Counts up with every change by the buyer and by the clock.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed; a quotation for a sealed one is no change.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The RFQs that `viewer` may see: the buyer's own; those that a supplier was invited to, since they were
    /// published; all for who oversees the zone.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        if viewer.oversees() {
            return Self::find();
        }
        match viewer.reads_for(Scope::Procurement) {
            Some(own) => {
                let invited = Column::State.ne(RfqState::Draft).and(Column::Id.in_subquery(asking(own)));
                Self::find().filter(Condition::any().add(Column::BuyerId.eq(own)).add(invited))
            }
            // An empty condition would let everything through.
            None => Self::find().filter(Expr::val(false)),
        }
    }
}

/// The RFQs that a supplier was told of.
pub(super) fn asking(supplier: OrganisationId) -> SelectStatement {
    invitation::Entity::find()
        .select_only()
        .column(invitation::Column::RfqId)
        .filter(invitation::Column::SupplierId.eq(supplier))
        .filter(invitation::Column::SentAt.is_not_null())
        .into_query()
}

/// What is asked for (询价明细).
pub mod line {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::{CategoryId, RfqId, RfqLineId, VariantId};

    /// A row of `rfq_line`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "rfq_line")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: RfqLineId,
        /// Of which RFQ.
        pub rfq_id: RfqId,
        /// Its place in it, from 0 on.
        pub position: i32,
        /// Of what; none: it is only described.
        pub variant_id: Option<VariantId>,
        /// Of which category.
        pub category_id: Option<CategoryId>,
        /// In words.
        pub description: String,
        /// How much, in trade units.
        pub quantity: i64,
        /// The trade unit.
        pub unit: String,
        /// By which day it is needed; none: as the RFQ says.
        pub needed_on: Option<Date>,
        /// How much of it is awarded.
        pub awarded: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn an_rfq_goes_along_its_table() {
        use RfqState::{Awarded, Cancelled, Closed, Draft, Evaluating, PartlyAwarded, Published};
        use RfqStep as S;
        let table: [(RfqStep, &[RfqState], RfqState); 7] = [
            (S::Publish, &[Draft], Published),
            (S::Close, &[Published], Closed),
            (S::Reopen, &[Closed, Evaluating], Published),
            (S::Evaluate, &[Closed], Evaluating),
            (S::AwardPart, &[Closed, Evaluating, PartlyAwarded], PartlyAwarded),
            (S::Award, &[Closed, Evaluating, PartlyAwarded], Awarded),
            (S::Cancel, &[Draft, Published, Closed, Evaluating, PartlyAwarded], Cancelled),
        ];
        for step in S::iter() {
            let (_, from, to) = table.iter().find(|(s, ..)| *s == step).expect("a row of the table");
            for state in RfqState::iter() {
                let expected = from.contains(&state).then_some(*to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }

    #[test]
    fn quotations_are_readable_after_the_opening_only() {
        for state in [RfqState::Draft, RfqState::Published, RfqState::Cancelled] {
            assert!(!RfqState::OPENED.contains(&state), "{state:?}");
        }
    }
}
