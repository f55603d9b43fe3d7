//! What is sent about bonded displays.

use async_graphql::{Enum, ID, InputObject};
use chrono::NaiveDate;
use entities::showroom::BondedDisplayCause;
use platform::graphql::scalars::MoneyInput;

/// Goods that are to stand in a showroom under customs supervision (保税展示申报).
#[derive(InputObject)]
pub(crate) struct ApplyBondedDisplayInput {
    /// In which showroom.
    pub(super) showroom_id: ID,
    /// Of which balance of a bonded warehouse of its organisation.
    pub(super) balance_id: ID,
    /// How many pieces.
    pub(super) quantity: i64,
    /// The dutiable price of a piece, in CNY (完税价格).
    pub(super) unit_price: MoneyInput,
    /// The last day on which they may be out, within six months (回区期限).
    pub(super) return_by: NaiveDate,
    /// The application to customs (业务申报表编号).
    pub(super) application_number: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// A bonded display whose taxes are guaranteed (锁定担保).
#[derive(InputObject)]
pub(crate) struct LockBondedDisplayInput {
    /// Which.
    pub(super) id: ID,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// A bonded display that leaves the zone (出区).
#[derive(InputObject)]
pub(crate) struct GateOutBondedDisplayInput {
    /// Which.
    pub(super) id: ID,
    /// The order under which it goes out (出入库单编号).
    pub(super) outbound_number: String,
    /// The gate pass (核放单编号).
    pub(super) pass_number: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// A bonded display that is given up before it leaves (撤销).
#[derive(InputObject)]
pub(crate) struct CancelBondedDisplayInput {
    /// Which.
    pub(super) id: ID,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// A last day that is put off (延期).
#[derive(InputObject)]
pub(crate) struct ExtendBondedDisplayInput {
    /// Of which.
    pub(super) id: ID,
    /// The new last day, at most six months after the one before.
    pub(super) return_by: NaiveDate,
    /// The document of customs that says so.
    pub(super) document: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// Pieces that are put onto the shelf (上架).
#[derive(InputObject)]
pub(crate) struct ShelveBondedDisplayInput {
    /// Of which bonded display.
    pub(super) id: ID,
    /// How many; none: all that are not there yet.
    pub(super) quantity: Option<i64>,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// Pieces that are sold at the counter (售出).
#[derive(InputObject)]
pub(crate) struct SellBondedDisplayInput {
    /// Of which bonded display.
    pub(super) id: ID,
    /// How many.
    pub(super) quantity: i64,
    /// The receipt.
    pub(super) document: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// Pieces that are declared to be sold as goods whose duty is paid (转完税申报).
#[derive(InputObject)]
pub(crate) struct ClearBondedDisplayInput {
    /// Of which bonded display.
    pub(super) id: ID,
    /// How many.
    pub(super) quantity: i64,
    /// The number of the declaration, 18 digits (报关单号).
    pub(super) declaration_number: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// Pieces that are to go back (申请回区).
#[derive(InputObject)]
pub(crate) struct ApplyBondedDisplayReturnInput {
    /// Of which bonded display.
    pub(super) id: ID,
    /// How many; none: all that are in the showroom.
    pub(super) quantity: Option<i64>,
    /// The application to customs (业务申报表编号).
    pub(super) application_number: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// Pieces that are back through the gate (入区).
#[derive(InputObject)]
pub(crate) struct GateInBondedDisplayInput {
    /// Of which bonded display.
    pub(super) id: ID,
    /// How many; none: all that were to go back.
    pub(super) quantity: Option<i64>,
    /// The order under which they come in (出入库单编号).
    pub(super) inbound_number: String,
    /// The gate pass (核放单编号).
    pub(super) pass_number: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// Pieces that go on to another showroom of the organisation (转店).
#[derive(InputObject)]
pub(crate) struct TransferBondedDisplayInput {
    /// Of which bonded display.
    pub(super) id: ID,
    /// How many.
    pub(super) quantity: i64,
    /// To which showroom.
    pub(super) to_showroom_id: ID,
    /// The transfer document.
    pub(super) document: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// Why pieces are not there, or not whole, any more (损失原因).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum BondedDisplayLoss {
    /// Damaged; they are still there (损坏).
    Damaged,
    /// Lost (丢失).
    Lost,
    /// Gone by force majeure: customs decides (不可抗力).
    ForceMajeure,
}

impl From<BondedDisplayLoss> for BondedDisplayCause {
    fn from(loss: BondedDisplayLoss) -> Self {
        match loss {
            BondedDisplayLoss::Damaged => Self::Damage,
            BondedDisplayLoss::Lost => Self::Loss,
            BondedDisplayLoss::ForceMajeure => Self::ForceMajeure,
        }
    }
}

/// Pieces that are damaged or lost (损失报告).
#[derive(InputObject)]
pub(crate) struct ReportBondedDisplayLossInput {
    /// Of which bonded display.
    pub(super) id: ID,
    /// How many.
    pub(super) quantity: i64,
    /// What happened.
    pub(super) cause: BondedDisplayLoss,
    /// The report.
    pub(super) document: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// What customs decided about pieces that force majeure took (不可抗力核定).
#[derive(InputObject)]
pub(crate) struct DecideBondedDisplayLossInput {
    /// Which parts, at most 100.
    pub(super) part_ids: Vec<ID>,
    /// Whether they are written off; else they are taxed.
    pub(super) written_off: bool,
    /// The document of customs.
    pub(super) document: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// Pieces that are declared as general trade (集中申报).
#[derive(InputObject)]
pub(crate) struct DeclareBondedDisplayInput {
    /// Which parts, at most 100; all of them or, when one is refused, none.
    pub(super) part_ids: Vec<ID>,
    /// The number of the declaration, 18 digits (报关单号).
    pub(super) declaration_number: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// Taxes that are paid (缴税).
#[derive(InputObject)]
pub(crate) struct PayBondedDisplayTaxInput {
    /// Of which parts, at most 100; all of them or, when one is refused, none.
    pub(super) part_ids: Vec<ID>,
    /// The number of the payment document (缴款书编号).
    pub(super) payment_number: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// Pieces that customs wrote off (核销).
#[derive(InputObject)]
pub(crate) struct CloseBondedDisplayInput {
    /// Which parts, at most 100; all of them or, when one is refused, none.
    pub(super) part_ids: Vec<ID>,
    /// The verification list (核注清单编号).
    pub(super) verification_number: String,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}

/// An alarm that was seen (确认预警).
#[derive(InputObject)]
pub(crate) struct AcknowledgeBondedDisplayAlarmInput {
    /// Which.
    pub(super) id: ID,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
}
