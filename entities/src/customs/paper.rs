//! Papers (申报单证): what is said to customs, one row each, whatever its kind; how one stands is what its receipts say
//! ([`super::receipt`]).

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::{ceb::Record, receipt::ReturnStatus};
use crate::values::id::{CustomsPaperId, DeclarationId, OrganisationId};

/// What a paper is (单证种类).
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
#[graphql(name = "CustomsPaperKind")]
pub enum PaperKind {
    /// An order, CEB311 (订单).
    Order,
    /// A payment, CEB411 (支付单).
    Payment,
    /// A waybill, CEB511 (运单).
    Waybill,
    /// That a parcel was signed for, CEB513 (运单状态).
    WaybillStatus,
    /// The import list, CEB621 (清单).
    List,
    /// That a list is withdrawn, CEB623 (撤销申请单).
    Cancellation,
    /// That goods come back, CEB625 (退货申请单).
    Return,
    /// What came into the warehouse of the site, CEB711 (入库明细单).
    Delivery,
    /// The order of an export, CEB303 (出口订单).
    ExportOrder,
    /// Money that came for an export, CEB403 (收款单).
    MoneyReceived,
    /// The waybill of an export, CEB505 (出口运单).
    ExportWaybill,
    /// The list of an export, CEB603 (出口清单).
    ExportList,
    /// That an export list is withdrawn, CEB605 (出口撤销申请单).
    ExportCancellation,
    /// The lists of one consignment, CEB607 (清单总分单).
    Consignment,
    /// What arrived at the site, CEB507 (运抵单).
    Arrival,
    /// What left the country, CEB509 (离境单).
    Departure,
    /// Lists of a month are summed up, CEB701 (汇总申请单).
    Summary,
}

impl PaperKind {
    /// The number of its message.
    pub fn number(self) -> u16 {
        match self {
            Self::Order => 311,
            Self::Payment => 411,
            Self::Waybill => 511,
            Self::WaybillStatus => 513,
            Self::List => 621,
            Self::Cancellation => 623,
            Self::Return => 625,
            Self::Delivery => 711,
            Self::ExportOrder => 303,
            Self::MoneyReceived => 403,
            Self::ExportWaybill => 505,
            Self::ExportList => 603,
            Self::ExportCancellation => 605,
            Self::Consignment => 607,
            Self::Arrival => 507,
            Self::Departure => 509,
            Self::Summary => 701,
        }
    }

    /// Whether it is about an export.
    pub fn is_export(self) -> bool {
        use PaperKind::{Arrival, Consignment, Departure, MoneyReceived, Summary};
        matches!(self, Self::ExportOrder | Self::ExportWaybill | Self::ExportList | Self::ExportCancellation)
            || matches!(self, MoneyReceived | Consignment | Arrival | Departure | Summary)
    }

    /// The number of the message of its receipts.
    pub fn receipt(self) -> u16 {
        self.number() + 1
    }

    /// The kind with a message of this number.
    pub fn of_number(number: u16) -> Option<Self> {
        use sea_orm::Iterable;
        Self::iter().find(|kind| kind.number() == number)
    }
}

/// Joins the parts of a business key.
const JOIN: char = '|';

impl PaperKind {
    /// What a paper is known by among its kind (业务主键), from what it says. A payment for several orders is a paper for
    /// each, so the order is part of it; a payment's receipts do not name it ([`Self::key_of_receipt`]).
    pub fn key(self, head: &Record) -> String {
        let names: &[&str] = match self {
            Self::Order => &["ebpCode", "orderNo"],
            Self::Payment => &["payCode", "payTransactionId", "orderNo"],
            Self::Waybill | Self::ExportWaybill => &["logisticsCode", "logisticsNo"],
            Self::WaybillStatus => &["logisticsCode", "logisticsNo", "logisticsStatus"],
            Self::List | Self::Cancellation | Self::Return | Self::ExportList | Self::ExportCancellation => {
                &["agentCode", "copNo"]
            }
            Self::Delivery => &["operatorCode", "copNo"],
            // 业务主键重复(订单号+电商企业): customs does not look at the platform, which may have no code. Of money `payNo` may
            // be left out, also in the receipt.
            Self::ExportOrder | Self::MoneyReceived => &["ebcCode", "orderNo"],
            // These come in several messages under one number.
            Self::Consignment | Self::Summary => &["agentCode", "copNo", "msgSeqNo"],
            Self::Arrival => &["operatorCode", "copNo", "msgSeqNo"],
            Self::Departure => &["logisticsCode", "copNo", "msgSeqNo"],
        };
        joined(head, names)
    }

    /// The beginning of the key of the papers that a receipt of this kind may be about, when it names enough.
    pub fn key_of_receipt(self, head: &Record) -> Option<String> {
        let names: &[&str] = match self {
            Self::Payment => &["payCode", "payTransactionId"],
            Self::Delivery => return None,
            _ => return Some(self.key(head)).filter(|key| !key.split(JOIN).any(str::is_empty)),
        };
        let key = joined(head, names);
        (!key.split(JOIN).any(str::is_empty)).then(|| format!("{key}{JOIN}"))
    }
}

fn joined(head: &Record, names: &[&str]) -> String {
    let values: Vec<&str> = names.iter().map(|name| head.get(name).unwrap_or_default()).collect();
    values.join(&JOIN.to_string())
}

/// How a paper stands (单证状态).
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
#[graphql(name = "CustomsPaperState")]
pub enum PaperState {
    /// Written, and not sent (草稿).
    Draft,
    /// On its way, nobody has said anything of it (已发送).
    Sent,
    /// The e-port has it: 1, 2, 3 (电子口岸处理中).
    AtPort,
    /// It did not reach customs: 4, or less than nothing (申报失败).
    Failed,
    /// Customs took it in: 120 (海关入库).
    Accepted,
    /// A person looks at it: 300 (人工审核).
    Review,
    /// The goods are looked at: 500 (查验).
    Inspection,
    /// The goods are kept: 501, 502, 503, 505, 599 (扣留).
    Detained,
    /// It waits: 400, 600 (挂起).
    Suspended,
    /// Looked at and found right: 399 (审结).
    Reviewed,
    /// Customs does not take it: 100 (退单).
    Rejected,
    /// The goods may go: 800 (放行).
    Released,
    /// The goods go back abroad: 700 (退运).
    ReturnedAbroad,
    /// All is done: 899 (结关).
    Closed,
}

impl PaperState {
    /// How a paper stands that nobody has answered to.
    pub const UNANSWERED: [Self; 3] = [Self::Draft, Self::Sent, Self::AtPort];
    /// How one stands that did not get to customs, or that customs does not take.
    pub const REFUSED: [Self; 2] = [Self::Failed, Self::Rejected];

    /// Whether nobody has answered to it.
    pub fn is_unanswered(self) -> bool {
        Self::UNANSWERED.contains(&self)
    }

    /// Whether it did not get to customs, or customs does not take it.
    pub fn is_refused(self) -> bool {
        Self::REFUSED.contains(&self)
    }

    /// Whether customs has let the goods go.
    pub fn is_released(self) -> bool {
        matches!(self, Self::Released | Self::Closed)
    }

    /// Whether it can be sent again, as it is or mended: it never reached customs, or customs does not take it.
    pub fn can_be_sent(self) -> bool {
        self == Self::Draft || self.is_refused()
    }

    /// Whether it can still be withdrawn: customs has it, and has not decided.
    pub fn can_be_withdrawn(self) -> bool {
        use PaperState::{Accepted, AtPort, Inspection, Review, Reviewed, Sent, Suspended};
        matches!(self, Sent | AtPort | Accepted | Review | Inspection | Suspended | Reviewed)
    }

    /// Whether customs has it, or had it.
    pub fn is_taken_in(self) -> bool {
        use PaperState::{
            Accepted, Closed, Detained, Inspection, Released, ReturnedAbroad, Review, Reviewed, Suspended,
        };
        matches!(
            self,
            Accepted | Review | Inspection | Detained | Suspended | Reviewed | Released | ReturnedAbroad | Closed
        )
    }
}

/// A row of `customs_paper`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "customs_paper")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CustomsPaperId,
    /// What it is.
    pub kind: PaperKind,
    /// What it is known by among its kind (业务主键): codes and numbers, joined by `|`.
    pub business_key: String,
    /// The number of the order that it is about (订单编号).
    pub document: String,
    /// The declaration that it is part of; none: it came before there was one.
    pub declaration_id: Option<DeclarationId>,
    /// Who says it.
    pub sender_id: OrganisationId,
    /// Whether its sender sends it to customs itself, and the house has a copy.
    pub sent_by_party: bool,
    /// Whether its sender gave it: it is that party's word, which the house never changes.
    pub given: bool,
    /// The number of its message, of the newest attempt (报文唯一序号).
    #[sea_orm(unique)]
    pub guid: String,
    /// How often it was sent anew: mended, or after it failed.
    pub attempt: i32,
    /// State.
    pub state: PaperState,
    /// The status of the receipt that says so.
    pub status: Option<String>,
    /// What customs said of it.
    pub info: Option<String>,
    /// The e-port's number (预录入编号).
    pub pre_no: Option<String>,
    /// Customs' number (清单编号).
    pub invt_no: Option<String>,
    /// What it says, sealed.
    #[serde(skip)]
    pub body: Vec<u8>,
    /// Of a payment that a party gave: what that was asked and answered, sealed (announcement 179).
    #[serde(skip)]
    pub original: Option<Vec<u8>>,
    /// When it was last sent.
    pub sent_at: Option<DateTimeUtc>,
    /// When customs said what holds.
    pub stated_at: Option<DateTimeUtc>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
    /// When it last changed.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The status that it stands at, when it has one that the house knows.
    pub fn said(&self) -> Option<ReturnStatus> {
        self.status.as_deref().and_then(ReturnStatus::of)
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn each_kind_has_a_message_and_a_receipt() {
        for kind in PaperKind::iter() {
            assert_eq!(PaperKind::of_number(kind.number()), Some(kind));
            for number in [kind.number(), kind.receipt()] {
                let message = crate::customs::ceb::kind(number);
                assert!(message.is_some(), "there is no CEB{number}");
                assert_eq!(message.map(|message| message.signature_first), Some(kind.is_export()), "CEB{number}");
            }
        }
        assert_eq!(PaperKind::of_number(312), None);
    }

    #[test]
    fn what_is_decided_is_neither_sent_again_nor_withdrawn() {
        use PaperState::{Closed, Detained, Released, ReturnedAbroad};
        for state in [Released, Closed, ReturnedAbroad, Detained] {
            assert!(!state.can_be_sent() && !state.can_be_withdrawn(), "{state:?}");
        }
        for state in PaperState::iter() {
            assert!(!(state.can_be_sent() && state.can_be_withdrawn()), "{state:?}");
        }
    }
}
