//! Framework agreements (框架协议): prices that a supplier holds until a day, for so much, for so much money, or for as
//! much as is wanted. What orders take is counted up by guarded statements, and the database refuses more than the
//! ceiling.

use crate::Relation;
use sea_orm::{Condition, entity::prelude::*};

use super::{order::screaming, terms::People};
use crate::{
    ordering::Incoterm,
    party::Viewer,
    values::{
        Currency, ErrorCode, Money, Refusal, Refusals,
        id::{OrganisationId, PersonId, SupplyAgreementId, SupplyAgreementLineId},
        refusal::Check,
    },
};

/// Most lines of an agreement.
pub const MOST_LINES: usize = 200;

/// What an agreement holds (协议类型).
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
#[graphql(name = "SupplyAgreementKind")]
pub enum AgreementKind {
    /// Prices for up to so much of each line (数量框架).
    BlanketQuantity,
    /// Prices for up to so much money (金额框架).
    BlanketValue,
    /// Prices alone (价格协议).
    PriceOnly,
}

/// State of an agreement (协议状态).
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
#[graphql(name = "SupplyAgreementState")]
pub enum AgreementState {
    /// Being written (草稿).
    Draft,
    /// Shown to its supplier (待供应商确认).
    Offered,
    /// The supplier agrees (待审批生效).
    Accepted,
    /// The supplier does not (供应商已拒绝).
    Declined,
    /// In force (生效中).
    Active,
    /// Over (已终止).
    Ended,
}

/// A step of an agreement (协议操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum AgreementStep {
    /// Its buyer shows it to its supplier.
    Offer,
    /// The supplier agrees.
    Accept,
    /// The supplier does not.
    Decline,
    /// An approver of the buyer puts it into force.
    Activate,
    /// Its buyer ends it, or its last day is over.
    End,
}

impl AgreementStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [AgreementState], AgreementState) {
        use AgreementState::{Accepted, Active, Declined, Draft, Ended, Offered};
        match self {
            Self::Offer => (&[Draft], Offered),
            Self::Accept => (&[Offered], Accepted),
            Self::Decline => (&[Offered], Declined),
            Self::Activate => (&[Accepted], Active),
            Self::End => (&[Draft, Offered, Accepted, Active], Ended),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: AgreementState) -> Result<AgreementState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        Err(Refusal::illegal(state, screaming(&format!("{self:?}"))))
    }
}

/// A row of `supply_agreement`. Amounts are in minor units of its currency, without tax.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "supply_agreement")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SupplyAgreementId,
    /// What people call it (协议号).
    #[sea_orm(unique)]
    pub number: String,
    /// Who buys.
    pub buyer_id: OrganisationId,
    /// Who delivers.
    pub supplier_id: OrganisationId,
    /// What it holds.
    pub kind: AgreementKind,
    /// State.
    pub state: AgreementState,
    /// What it is about.
    pub title: String,
    /// In which currency its prices are.
    pub currency: Currency,
    /// Who pays carriage up to where.
    pub incoterm: Incoterm,
    /// Up to where.
    pub named_place: String,
    /// Days until invoices are to be paid.
    pub payment_days: i32,
    /// Its first day.
    pub valid_from: Date,
    /// Its last day.
    pub valid_to: Date,
    /// How much money it holds prices for.
    pub ceiling_minor: Option<i64>,
    /// How much of that orders took.
    pub released_minor: i64,
    /// Whatever else was agreed.
    pub terms: Option<String>,
    /// Who made it, as the audit names it.
    pub created_by: String,
    /// Who wrote it last: never who puts it into force.
    pub person_id: Option<PersonId>,
    /// Who wrote anything of it: nor they.
    #[sea_orm(column_type = "JsonBinary")]
    pub editors: People,
    /// When it was first shown to its supplier.
    pub offered_at: Option<DateTimeUtc>,
    /// Counts up with every change by people.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The agreements that `viewer` may see: its organisation's as the buyer; as the supplier those that it was shown.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        let shown = Condition::all().add(Column::OfferedAt.is_not_null());
        Self::find().filter(super::two_sided(viewer, Column::BuyerId, Column::SupplierId, shown))
    }
}

impl Model {
    /// An amount of this agreement.
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }

    /// Whether its prices hold on a day.
    pub fn holds_on(&self, day: chrono::NaiveDate) -> bool {
        self.state == AgreementState::Active && (self.valid_from..=self.valid_to).contains(&day)
    }
}

/// Lines of agreements (协议明细).
pub mod line {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::{
        procurement::tiers::{TierMode, Tiers},
        values::id::{CategoryId, SupplyAgreementId, SupplyAgreementLineId, VariantId},
    };

    /// A row of `supply_agreement_line`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
    #[sea_orm(table_name = "supply_agreement_line")]
    pub struct Model {
        /// Identifier.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SupplyAgreementLineId,
        /// Of which agreement.
        pub agreement_id: SupplyAgreementId,
        /// Its place in it, from 0 on.
        pub position: i32,
        /// Of what; none: of what the category or the words say.
        pub variant_id: Option<VariantId>,
        /// Of which category.
        pub category_id: Option<CategoryId>,
        /// What it is, in words.
        pub description: String,
        /// What it is counted in.
        pub unit: String,
        /// What one costs, by how much is ordered at once.
        #[sea_orm(column_type = "JsonBinary")]
        pub tiers: Tiers,
        /// What a tier is the price of.
        pub mode: TierMode,
        /// Least that is ordered at once.
        pub moq: i64,
        /// What is ordered is so many times that.
        pub multiple: i64,
        /// How much it holds the prices for.
        pub ceiling: Option<i64>,
        /// How much of that orders took.
        pub released: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Whether an agreement has the ceilings of its kind, and no others.
pub fn checked(kind: AgreementKind, ceiling_minor: Option<i64>, ceilings: &[Option<i64>]) -> Result<(), Refusals> {
    let mut check = Check::default();
    let none = || Refusal::new(ErrorCode::InvalidValue).with("value", async_graphql::Value::from(kind).to_string());
    match (kind, ceiling_minor) {
        (AgreementKind::BlanketValue, None) => {
            check.demand(false, "ceiling", || Refusal::new(ErrorCode::Required));
        }
        (AgreementKind::BlanketValue, Some(minor)) => check.demand(minor > 0, "ceiling", none),
        (AgreementKind::BlanketQuantity | AgreementKind::PriceOnly, minor) => {
            check.demand(minor.is_none(), "ceiling", none);
        }
    }
    for (n, ceiling) in ceilings.iter().enumerate() {
        let refusal = match (kind, ceiling) {
            (AgreementKind::BlanketQuantity, None) => Some(Refusal::new(ErrorCode::Required)),
            (AgreementKind::BlanketQuantity, Some(quantity)) if *quantity > 0 => None,
            (AgreementKind::BlanketValue | AgreementKind::PriceOnly, None) => None,
            _ => Some(none()),
        };
        check.0.extend(refusal.map(|refusal| refusal.at("ceiling").at(n.to_string()).at("lines")));
    }
    check.done(())
}

/// Whether an order may take so much of the agreement and of its lines: what is left of each ceiling.
pub fn takes(
    agreement: &Model,
    lines: &[line::Model],
    quantities: &[(SupplyAgreementLineId, i64)],
    value_minor: i64,
) -> Result<(), Refusal> {
    let refused = |free: String| {
        Refusal::new(ErrorCode::LimitExceeded).with("limit", agreement.number.clone()).with("free", free)
    };
    if let Some(ceiling) = agreement.ceiling_minor {
        let free = ceiling - agreement.released_minor;
        if value_minor > free {
            return Err(refused(agreement.money(free.max(0)).to_string()));
        }
    }
    for (id, quantity) in quantities {
        let Some(row) = lines.iter().find(|row| row.id == *id) else { continue };
        let free = row.ceiling.map(|ceiling| ceiling - row.released);
        if let Some(free) = free.filter(|free| quantity > free) {
            return Err(refused(format!("{} {}", free.max(0), row.unit)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;
    use uuid::Uuid;

    use super::*;
    use crate::procurement::tiers::{TierMode, Tiers};

    #[test]
    fn an_agreement_goes_along_its_table() {
        use AgreementState as A;
        use AgreementStep as S;
        let table = [
            (S::Offer, &[A::Draft][..], A::Offered),
            (S::Accept, &[A::Offered], A::Accepted),
            (S::Decline, &[A::Offered], A::Declined),
            (S::Activate, &[A::Accepted], A::Active),
            (S::End, &[A::Draft, A::Offered, A::Accepted, A::Active], A::Ended),
        ];
        for step in S::iter() {
            let (_, from, to) = table.iter().find(|(listed, ..)| *listed == step).expect("a row of the table");
            for state in A::iter() {
                assert_eq!(step.from(state).ok(), from.contains(&state).then_some(*to), "{step:?} of {state:?}");
            }
        }
    }

    #[test]
    fn each_kind_has_its_own_ceilings() {
        use AgreementKind::{BlanketQuantity, BlanketValue, PriceOnly};
        for (kind, ceiling, lines, fields) in [
            (BlanketQuantity, None, &[Some(100)][..], &[][..]),
            (BlanketQuantity, None, &[Some(100), None], &["lines.1.ceiling"]),
            (BlanketQuantity, None, &[Some(0)], &["lines.0.ceiling"]),
            (BlanketQuantity, Some(1), &[Some(100)], &["ceiling"]),
            (BlanketValue, Some(1), &[None], &[]),
            (BlanketValue, None, &[None], &["ceiling"]),
            (BlanketValue, Some(0), &[None], &["ceiling"]),
            (BlanketValue, Some(1), &[Some(5)], &["lines.0.ceiling"]),
            (PriceOnly, None, &[None], &[]),
            (PriceOnly, Some(1), &[Some(1)], &["ceiling", "lines.0.ceiling"]),
        ] {
            let refused = checked(kind, ceiling, lines).err().unwrap_or_default();
            let named: Vec<String> = refused.iter().map(|refusal| refusal.field.join(".")).collect();
            assert_eq!(named, fields, "{kind:?} {ceiling:?} {lines:?}");
        }
    }

    #[test]
    fn no_more_is_taken_than_an_agreement_holds() {
        let agreement = |ceiling_minor: Option<i64>, released_minor: i64| Model {
            id: SupplyAgreementId(Uuid::nil()),
            number: "FA1".into(),
            buyer_id: OrganisationId(Uuid::nil()),
            supplier_id: OrganisationId(Uuid::nil()),
            kind: AgreementKind::BlanketValue,
            state: AgreementState::Active,
            title: "Rugs".into(),
            currency: Currency::CNY,
            incoterm: Incoterm::Dap,
            named_place: "Xining".into(),
            payment_days: 30,
            valid_from: chrono::NaiveDate::default(),
            valid_to: chrono::NaiveDate::default(),
            ceiling_minor,
            released_minor,
            terms: None,
            created_by: "test".into(),
            person_id: None,
            editors: People::default(),
            offered_at: None,
            version: 1,
            created_at: chrono::DateTime::default(),
            updated_at: chrono::DateTime::default(),
        };
        let id = SupplyAgreementLineId(Uuid::from_u128(1));
        let line = |ceiling: Option<i64>, released: i64| line::Model {
            id,
            agreement_id: SupplyAgreementId(Uuid::nil()),
            position: 0,
            variant_id: None,
            category_id: None,
            description: "Rug".into(),
            unit: "pc".into(),
            tiers: Tiers::default(),
            mode: TierMode::Volume,
            moq: 1,
            multiple: 1,
            ceiling,
            released,
        };
        for (of, lines, quantity, value, free) in [
            (agreement(Some(100), 60), line(None, 0), 5, 40, None),
            (agreement(Some(100), 60), line(None, 0), 5, 41, Some("CNY 0.40")),
            (agreement(None, 60), line(Some(100), 98), 2, 9_999, None),
            (agreement(None, 60), line(Some(100), 98), 3, 9_999, Some("2 pc")),
            (agreement(None, 60), line(None, 98), 3, 9_999, None),
        ] {
            let refused = takes(&of, &[lines], &[(id, quantity)], value).err();
            let told = refused.and_then(|refusal| refusal.details.get("free").cloned());
            assert_eq!(told.as_deref(), free, "{quantity} for {value}");
        }
    }
}
