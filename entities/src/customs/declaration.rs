//! Declarations (申报): what becomes of one order at customs. It has papers, a match of them, and a state that follows from
//! both; nobody sets it.

use crate::Relation;
use sea_orm::{entity::prelude::*, sea_query::Expr};

use super::paper::PaperState;
use crate::{
    catalog::SupplyMode,
    party::Viewer,
    values::id::{DeclarationId, OrganisationId, PersonId, StockLocationId},
};

/// How a declaration stands (申报状态).
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
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeclarationState {
    /// Something that it needs is not there yet; `blockers` says what (待齐备).
    Waiting,
    /// Order, payment, waybill and list do not say the same (三单不符).
    Mismatched,
    /// The list is on its way, or at the e-port (申报中).
    Declaring,
    /// Customs has the list (海关入库).
    Accepted,
    /// A person, or the goods, are looked at; or it waits (海关处理中).
    Held,
    /// The goods are kept (扣留).
    Detained,
    /// The list did not reach customs (申报失败).
    Failed,
    /// Customs does not take the list, or one of the papers (退单).
    Rejected,
    /// The goods may go (放行).
    Released,
    /// All is done (结关).
    Closed,
    /// It was withdrawn (已撤单).
    Cancelled,
    /// The goods go back abroad (退运).
    ReturnedAbroad,
}

impl DeclarationState {
    /// The state of a declaration whose list stands so.
    pub fn of_list(list: PaperState) -> Self {
        match list {
            // It is written when everything matched, and sent at once.
            PaperState::Draft | PaperState::Sent | PaperState::AtPort => Self::Declaring,
            PaperState::Accepted | PaperState::Reviewed => Self::Accepted,
            PaperState::Review | PaperState::Inspection | PaperState::Suspended => Self::Held,
            PaperState::Detained => Self::Detained,
            PaperState::Failed => Self::Failed,
            PaperState::Rejected => Self::Rejected,
            PaperState::Released => Self::Released,
            PaperState::Closed => Self::Closed,
            PaperState::ReturnedAbroad => Self::ReturnedAbroad,
        }
    }

    /// Whether the goods may leave the warehouse.
    pub fn is_released(self) -> bool {
        matches!(self, Self::Released | Self::Closed)
    }

    /// Whether nothing more becomes of the goods here.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::ReturnedAbroad)
    }

    /// Those at which a person must do something.
    pub const STUCK: [Self; 4] = [Self::Mismatched, Self::Failed, Self::Rejected, Self::Detained];
}

/// What a declaration waits for (待办事项).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Blocker {
    /// The seller has not said who declares, carries, pays and answers for it (未设置申报关系).
    NoArrangement,
    /// An organisation of it has no code at customs (缺海关编码).
    NoCode,
    /// Goods of it are not filed, not any more, or under another code or origin than they were taxed by (商品未备案).
    GoodsNotFiled,
    /// Goods of it have no item in the account book of the warehouse (账册未备案).
    NotInBook,
    /// The platform has not sent the order (待订单).
    NoOrder,
    /// The payment institution has not sent the payment (待支付单).
    NoPayment,
    /// The carrier has not sent the waybill (待运单).
    NoWaybill,
    /// It is not known with which vehicle and bill the goods come; of direct imports (待运输信息).
    NoTransport,
    /// Order, payment or waybill are not taken in by customs yet (待海关入库).
    PapersNotAccepted,
    /// One of them failed, or customs does not take it (单证被退).
    PapersRejected,
    /// They do not say the same (三单不符).
    Mismatch,
    /// The list breaks a rule of customs (清单校验不通过).
    ListInvalid,
}

/// What somebody can do next (下一步).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, async_graphql::Enum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[graphql(name = "CustomsNextAction")]
pub enum NextAction {
    /// Say who declares, carries, pays and answers: `arrangeCustoms` (设置申报关系).
    Arrange,
    /// Give organisations their codes at customs: `updateOrganisation` (补充海关编码).
    CompleteCodes,
    /// File the goods, or have the filing approved: `fileGoods`, `decideGoodsFiling` (商品备案).
    FileGoods,
    /// File the goods in the account book: `fileBondedItem` (账册备案).
    FileInBook,
    /// Have the platform, the payment institution or the carrier give their paper: `giveCustomsPaper` (催交单证).
    AskParties,
    /// Say how the goods come: `setTransport` (填写运输信息).
    SetTransport,
    /// Mend what does not match, then send again: `pushDeclaration` (修正后重推).
    MendAndPush,
    /// Send again as it is; of what is odd, say that it was looked at: `pushDeclaration` (重推).
    Push,
    /// Ask customs; nothing can be sent (联系海关).
    AskCustoms,
    /// Take the order back: `cancelOrder` (撤单).
    Cancel,
    /// Ask for a return: `requestReturn` (退货).
    Return,
}

/// What is so of a declaration beside its state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Its time was up without what it waits for.
    pub overdue: bool,
    /// Something of it is odd, or was said after the list and customs refused it or did not answer: a withdrawal, a return,
    /// that it was signed for.
    pub odd: bool,
    /// A return can still be asked for.
    pub returnable: bool,
}

/// What can be done next about a declaration, what helps most first.
pub fn next_actions(state: DeclarationState, blockers: &[Blocker], beside: Beside) -> Vec<NextAction> {
    use DeclarationState as S;
    use NextAction as N;
    let mut next: Vec<NextAction> = Vec::new();
    for blocker in blockers {
        next.push(match blocker {
            Blocker::NoArrangement => N::Arrange,
            Blocker::NoCode => N::CompleteCodes,
            Blocker::GoodsNotFiled => N::FileGoods,
            Blocker::NotInBook => N::FileInBook,
            Blocker::NoOrder | Blocker::NoPayment | Blocker::NoWaybill => N::AskParties,
            Blocker::NoTransport => N::SetTransport,
            Blocker::PapersRejected | Blocker::Mismatch | Blocker::ListInvalid => N::MendAndPush,
            // They come by themselves, unless their time is up.
            Blocker::PapersNotAccepted if beside.overdue => N::Push,
            Blocker::PapersNotAccepted => continue,
        });
    }
    match state {
        S::Failed => next.push(N::Push),
        S::Rejected | S::Mismatched => next.push(N::MendAndPush),
        S::Declaring if beside.overdue => next.push(N::Push),
        S::Detained => next.push(N::AskCustoms),
        S::Accepted | S::Held if beside.overdue => next.push(N::AskCustoms),
        _ => {}
    }
    if beside.odd {
        next.push(N::Push);
    }
    if beside.returnable && matches!(state, S::Released | S::Closed) {
        next.push(N::Return);
    }
    if !matches!(state, S::Released | S::Closed | S::Cancelled | S::ReturnedAbroad | S::Detained) {
        next.push(N::Cancel);
    }
    let mut once = Vec::new();
    for action in next {
        if !once.contains(&action) {
            once.push(action);
        }
    }
    once
}

/// What it waits for, as one column.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, sea_orm::FromJsonQueryResult)]
#[serde(transparent)]
pub struct Blockers(pub Vec<Blocker>);

/// With which vehicle and under which bill goods come from abroad (运输信息): of direct imports.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, sea_orm::FromJsonQueryResult)]
pub struct Transport {
    /// The flight, vessel or vehicle (运输工具编号).
    pub traf_no: String,
    /// The voyage (航次号).
    pub voyage_no: String,
    /// The bill (提运单号).
    pub bill_no: String,
    /// How it comes over the border (运输方式): `5` is air.
    pub traf_mode: String,
    /// From which country, customs' number (起运国).
    pub country: String,
}

/// A row of `declaration`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "declaration")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DeclarationId,
    /// The number of the order (订单编号): one order, one parcel, one list. It is the declarer's own number of the list too
    /// (企业内部编号), so it has at most 20 characters.
    #[sea_orm(unique)]
    pub document: String,
    /// Who sells.
    pub seller_id: OrganisationId,
    /// Who buys.
    pub person_id: PersonId,
    /// Bonded or direct import.
    pub mode: SupplyMode,
    /// From which warehouse the goods go.
    pub location_id: Option<StockLocationId>,
    /// State.
    pub state: DeclarationState,
    /// What it waits for.
    #[sea_orm(column_type = "JsonBinary")]
    pub blockers: Blockers,
    /// The facts of the sale, sealed.
    #[serde(skip)]
    pub sale: Vec<u8>,
    /// How the goods come, of a direct import.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub transport: Option<Transport>,
    /// The carrier's number of the parcel (物流运单编号).
    pub waybill: Option<String>,
    /// Gross weight in grams.
    pub gross_weight_g: i64,
    /// The withholding agent, since it is known (担保企业).
    pub guarantor_id: Option<OrganisationId>,
    /// Customs' number of the list (清单编号).
    #[sea_orm(unique)]
    pub invt_no: Option<String>,
    /// When customs let the goods go.
    pub released_at: Option<DateTimeUtc>,
    /// Until when what it waits for should be there.
    pub waits_until: Option<DateTimeUtc>,
    /// Whether its time was up without it.
    pub overdue: bool,
    /// A receipt said something that the house does not know, or what cannot be: a person looks (异常标记).
    pub alarm: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The declarations that `viewer` may see: of what one bought, of what one's organisation sells, all for who oversees
    /// the zone.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        if viewer.oversees() {
            return Self::find();
        }
        match (viewer.organisation(), viewer.person()) {
            (Some(organisation), _) => Self::find().filter(Column::SellerId.eq(organisation)),
            (None, Some(person)) => Self::find().filter(Column::PersonId.eq(person)),
            (None, None) => Self::find().filter(Expr::val(false)),
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn whatever_is_stuck_has_a_next_action() {
        for state in DeclarationState::iter().filter(|state| !state.is_over()) {
            // What is released waits for nothing, so its time is never up.
            for overdue in [false, !state.is_released()] {
                let next = next_actions(state, &[], Beside { overdue, ..Beside::default() });
                let stuck = DeclarationState::STUCK.contains(&state) || overdue;
                assert!(!stuck || !next.is_empty(), "{state:?} {overdue} leaves a person alone");
            }
        }
        let next = next_actions(
            DeclarationState::Waiting,
            &[Blocker::GoodsNotFiled, Blocker::NoArrangement],
            Beside::default(),
        );
        assert_eq!(next, [NextAction::FileGoods, NextAction::Arrange, NextAction::Cancel]);
        let overdue = Beside { overdue: true, ..Beside::default() };
        assert_eq!(next_actions(DeclarationState::Detained, &[], overdue), [NextAction::AskCustoms]);
        let released = |beside| next_actions(DeclarationState::Released, &[], beside);
        assert_eq!(released(Beside::default()), [], "what is over for a month is given back");
        assert_eq!(released(Beside { returnable: true, ..Beside::default() }), [NextAction::Return]);
        let odd = Beside { odd: true, ..Beside::default() };
        assert_eq!(released(odd), [NextAction::Push], "what is odd leaves a person alone");
    }

    #[test]
    fn a_declaration_follows_its_list() {
        use DeclarationState as D;
        for (list, expected) in [
            (PaperState::Draft, D::Declaring),
            (PaperState::Sent, D::Declaring),
            (PaperState::Accepted, D::Accepted),
            (PaperState::Inspection, D::Held),
            (PaperState::Detained, D::Detained),
            (PaperState::Released, D::Released),
            (PaperState::Closed, D::Closed),
        ] {
            assert_eq!(D::of_list(list), expected, "{list:?}");
        }
        for list in PaperState::iter() {
            assert_eq!(D::of_list(list).is_released(), list.is_released(), "{list:?}");
        }
    }
}
