//! Parts of a bonded display (保税展示明细): so many of its pieces, all in one state.
//!
//! ```text
//! APPLIED -> GUARANTEE_LOCKED -> GATE_OUT -> ON_SHELF -> SOLD ---------------> DECLARED -> TAX_PAID -> CLOSED
//!    |              |               |          |-----> cleared for sale in the back room ---^
//!    +--> CANCELLED <               |          |-----> TAX_DUE (damaged, lost) -------------^
//!                                   |          |-----> FORCE_MAJEURE -> WRITTEN_OFF, or TAX_DUE
//!                                   |          |-----> TRANSFERRED (goes on in another showroom as GATE_OUT)
//!                                   +----------+-----> RETURN_APPLIED -> IN_WAREHOUSE
//! ```
//!
//! Before they are applied for, and once they are back through the gate (`GATE_IN` is that step), pieces lie in the
//! warehouse as any others do, and bind no guarantee.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::{
    ErrorCode, Refusal,
    id::{BondedDisplayId, BondedDisplayPartId},
};

/// State of pieces of a bonded display (保税展示状态), in the order of their life.
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
pub enum BondedDisplayState {
    /// Applied for; the pieces are promised in the warehouse (已申报).
    Applied,
    /// Their taxes are guaranteed (已锁定担保).
    GuaranteeLocked,
    /// Out of the zone, in the showroom (已出区).
    GateOut,
    /// On the shelf (在架).
    OnShelf,
    /// To go back (已申请回区).
    ReturnApplied,
    /// Back in the warehouse (已回仓).
    InWarehouse,
    /// Sold, to be declared (已售待申报).
    Sold,
    /// Damaged or lost: taxed as imported, to be declared (应补税).
    TaxDue,
    /// Declared as general trade; the taxes are to be paid (已申报待缴税).
    Declared,
    /// The taxes are paid (已缴税).
    TaxPaid,
    /// Customs wrote them off (已核销).
    Closed,
    /// In another showroom, under a document of its own there (已转店).
    Transferred,
    /// Gone by force majeure; customs decides (不可抗力).
    ForceMajeure,
    /// Gone by force majeure, and customs agreed (已销账).
    WrittenOff,
    /// Given up before they left the warehouse (已撤销).
    Cancelled,
}

impl BondedDisplayState {
    /// In which the pieces of a document are one heap: what comes to it is added to it.
    pub const HEAPS: [Self; 5] =
        [Self::Applied, Self::GuaranteeLocked, Self::GateOut, Self::OnShelf, Self::ReturnApplied];
    /// In which pieces are out of the zone and have to come back.
    pub const OUT: [Self; 3] = [Self::GateOut, Self::OnShelf, Self::ReturnApplied];
    /// In which pieces are to be declared.
    pub const UNDECLARED: [Self; 2] = [Self::Sold, Self::TaxDue];
    /// In which pieces bind the guarantee: their taxes may become due, and are not paid.
    pub const BINDING: [Self; 8] = [
        Self::GuaranteeLocked,
        Self::GateOut,
        Self::OnShelf,
        Self::ReturnApplied,
        Self::Sold,
        Self::TaxDue,
        Self::Declared,
        Self::ForceMajeure,
    ];

    /// In which nothing follows.
    pub const OVER: [Self; 5] = [Self::InWarehouse, Self::Closed, Self::Transferred, Self::WrittenOff, Self::Cancelled];

    /// Whether nothing follows.
    pub fn is_over(self) -> bool {
        Self::OVER.contains(&self)
    }

    /// Whether pieces in it are one heap.
    pub fn is_heap(self) -> bool {
        Self::HEAPS.contains(&self)
    }

    /// Whether pieces in it are out of the zone and have to come back.
    pub fn is_out(self) -> bool {
        Self::OUT.contains(&self)
    }

    /// Whether pieces in it bind the guarantee.
    pub fn binds(self) -> bool {
        Self::BINDING.contains(&self)
    }

    /// The state as the API writes it: `ON_SHELF`.
    pub fn name(self) -> String {
        async_graphql::Value::from(self).to_string()
    }
}

/// A step of a bonded display (保税展示操作).
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
pub enum BondedDisplayStep {
    /// It is applied for (申报).
    Apply,
    /// The guarantee is locked (锁定担保).
    Lock,
    /// It is given up before it left (撤销).
    Cancel,
    /// Out of the gate (出区).
    GateOut,
    /// Onto the shelf (上架).
    Shelve,
    /// Sold at the counter (售出).
    Sell,
    /// Declared as general trade for the back room (转完税申报).
    Clear,
    /// It is to go back (申请回区).
    ApplyReturn,
    /// Back through the gate, into the warehouse (入区).
    GateIn,
    /// To another showroom (转出).
    Transfer,
    /// From another showroom (转入).
    Arrive,
    /// Damaged (损坏).
    Damage,
    /// Lost (丢失).
    Lose,
    /// Gone by force majeure (不可抗力).
    Destroy,
    /// Customs agrees to that (销账).
    WriteOff,
    /// Customs does not: it is taxed (不予销账).
    RefuseWriteOff,
    /// Declared as general trade (申报).
    Declare,
    /// The taxes are paid (缴税).
    Pay,
    /// Customs wrote it off (核销).
    Close,
    /// The last day is put off (延期).
    Extend,
}

impl BondedDisplayStep {
    /// The states that it leads from, and where to; none: pieces begin with it, or stay as they are. Where there are
    /// several, the first are taken first.
    pub fn leads(self) -> Option<(&'static [BondedDisplayState], BondedDisplayState)> {
        use BondedDisplayState::{
            Applied, Cancelled, Closed, Declared, ForceMajeure, GateOut, GuaranteeLocked, InWarehouse, OnShelf,
            ReturnApplied, Sold, TaxDue, TaxPaid, Transferred, WrittenOff,
        };
        Some(match self {
            Self::Apply | Self::Arrive | Self::Extend => return None,
            Self::Lock => (&[Applied], GuaranteeLocked),
            Self::Cancel => (&[Applied, GuaranteeLocked], Cancelled),
            Self::GateOut => (&[GuaranteeLocked], GateOut),
            Self::Shelve => (&[GateOut, ReturnApplied], OnShelf),
            Self::Sell => (&[OnShelf], Sold),
            Self::Clear => (&[GateOut, OnShelf], Declared),
            Self::ApplyReturn => (&[GateOut, OnShelf], ReturnApplied),
            Self::GateIn => (&[ReturnApplied], InWarehouse),
            Self::Transfer => (&[GateOut, OnShelf], Transferred),
            Self::Damage | Self::Lose => (&[OnShelf, GateOut, ReturnApplied], TaxDue),
            Self::Destroy => (&[OnShelf, GateOut, ReturnApplied], ForceMajeure),
            Self::WriteOff => (&[ForceMajeure], WrittenOff),
            Self::RefuseWriteOff => (&[ForceMajeure], TaxDue),
            Self::Declare => (&[Sold, TaxDue], Declared),
            Self::Pay => (&[Declared], TaxPaid),
            Self::Close => (&[TaxPaid], Closed),
        })
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: BondedDisplayState) -> Result<BondedDisplayState, Refusal> {
        match self.leads() {
            Some((from, to)) if from.contains(&state) => Ok(to),
            _ => Err(Refusal::new(ErrorCode::IllegalTransition)
                .with("from", state.name())
                .with("action", async_graphql::Value::from(self).to_string())),
        }
    }
}

/// Why pieces are declared, or written off, instead of coming back (离店原因).
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
pub enum BondedDisplayCause {
    /// Sold at the counter (售出).
    Sale,
    /// To be sold from the back room as goods whose duty is paid (转完税).
    Clearance,
    /// Damaged; they are still there (损坏).
    Damage,
    /// Lost (丢失).
    Loss,
    /// Gone by force majeure (不可抗力).
    ForceMajeure,
}

/// A row of `bonded_display_part`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "bonded_display_part")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BondedDisplayPartId,
    /// Of which bonded display.
    pub display_id: BondedDisplayId,
    /// State of its pieces.
    pub state: BondedDisplayState,
    /// How many; a heap that everything was taken of has none.
    pub quantity: i64,
    /// Why they do not come back.
    pub cause: Option<BondedDisplayCause>,
    /// On which day they were sold, damaged or lost.
    pub left_on: Option<Date>,
    /// Until which day they are to be declared.
    pub declare_by: Option<Date>,
    /// The document under which they came into this part.
    pub document: Option<String>,
    /// Under which number they were declared (报关单号).
    pub declaration_no: Option<String>,
    /// The number of the payment of their taxes (缴款书编号).
    pub payment_no: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// When it changed last.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Whether its pieces lie in the showroom's place for bonded displays. What was sold is gone, and so is what was
    /// lost; what was damaged is there until it is written off, and what was destroyed until customs has decided.
    pub fn lies_there(&self) -> bool {
        lies_there(self.state, self.cause)
    }
}

/// The states and causes of pieces that lie in the showroom's place for bonded displays.
pub fn lies_there(state: BondedDisplayState, cause: Option<BondedDisplayCause>) -> bool {
    use BondedDisplayState::{Declared, ForceMajeure, TaxDue, TaxPaid};
    let stays = matches!(cause, Some(BondedDisplayCause::Clearance | BondedDisplayCause::Damage));
    state.is_out() || state == ForceMajeure || (matches!(state, TaxDue | Declared | TaxPaid) && stays)
}

/// What parts bind of the guarantee, when a piece is taxed with so much.
pub fn in_use<'a>(unit_tax_minor: i64, parts: impl IntoIterator<Item = &'a Model>) -> i64 {
    let pieces: i64 = parts.into_iter().filter(|part| part.state.binds()).map(|part| part.quantity).sum();
    pieces * unit_tax_minor
}

/// Of which parts a step takes how many; `quantity`: none: all that it leads from. Refused when it leads from none of
/// the parts that have pieces, or there are not so many.
pub fn taken(parts: &[Model], step: BondedDisplayStep, quantity: Option<i64>) -> Result<Vec<(&Model, i64)>, Refusal> {
    let from = step.leads().map_or(&[][..], |(from, _)| from);
    let there = |state: &BondedDisplayState| parts.iter().find(|part| part.state == *state && part.quantity > 0);
    let sources: Vec<&Model> = from.iter().filter_map(there).collect();
    let all: i64 = sources.iter().map(|part| part.quantity).sum();
    if all == 0 {
        let state = parts.iter().filter(|part| part.quantity > 0).map(|part| part.state).max();
        step.from(state.unwrap_or(BondedDisplayState::Cancelled)).map_err(|refusal| refusal.at("id"))?;
    }
    let mut left = quantity.unwrap_or(all);
    if !(1..=all).contains(&left) {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", all.to_string());
        return Err(range.at("quantity"));
    }
    let mut takes = Vec::with_capacity(sources.len());
    for part in sources {
        let some = part.quantity.min(left);
        if some > 0 {
            takes.push((part, some));
            left -= some;
        }
    }
    Ok(takes)
}

/// States as SQL lists them, for what is added up by the database.
pub fn listed(states: &[BondedDisplayState]) -> String {
    let quoted: Vec<String> = states.iter().map(|state| format!("'{}'", state.to_value())).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;
    use uuid::Uuid;

    use super::*;
    use crate::{
        showroom::bonded_display::{
            FullTax, declare_by,
            fixtures::{day, handbag},
        },
        trade::Contents,
    };

    fn part(n: u128, state: BondedDisplayState, quantity: i64) -> Model {
        Model {
            id: BondedDisplayPartId(Uuid::from_u128(n)),
            display_id: BondedDisplayId(Uuid::nil()),
            state,
            quantity,
            cause: None,
            left_on: None,
            declare_by: None,
            document: None,
            declaration_no: None,
            payment_no: None,
            version: 1,
            updated_at: DateTimeUtc::UNIX_EPOCH,
        }
    }

    #[test]
    fn pieces_go_along_the_table_and_nowhere_else() {
        use BondedDisplayState as D;
        use BondedDisplayStep as S;
        let table = [
            (S::Lock, D::Applied, D::GuaranteeLocked),
            (S::Cancel, D::Applied, D::Cancelled),
            (S::Cancel, D::GuaranteeLocked, D::Cancelled),
            (S::GateOut, D::GuaranteeLocked, D::GateOut),
            (S::Shelve, D::GateOut, D::OnShelf),
            (S::Shelve, D::ReturnApplied, D::OnShelf),
            (S::Sell, D::OnShelf, D::Sold),
            (S::Clear, D::GateOut, D::Declared),
            (S::Clear, D::OnShelf, D::Declared),
            (S::ApplyReturn, D::GateOut, D::ReturnApplied),
            (S::ApplyReturn, D::OnShelf, D::ReturnApplied),
            (S::GateIn, D::ReturnApplied, D::InWarehouse),
            (S::Transfer, D::GateOut, D::Transferred),
            (S::Transfer, D::OnShelf, D::Transferred),
            (S::Damage, D::GateOut, D::TaxDue),
            (S::Damage, D::OnShelf, D::TaxDue),
            (S::Damage, D::ReturnApplied, D::TaxDue),
            (S::Lose, D::GateOut, D::TaxDue),
            (S::Lose, D::OnShelf, D::TaxDue),
            (S::Lose, D::ReturnApplied, D::TaxDue),
            (S::Destroy, D::GateOut, D::ForceMajeure),
            (S::Destroy, D::OnShelf, D::ForceMajeure),
            (S::Destroy, D::ReturnApplied, D::ForceMajeure),
            (S::WriteOff, D::ForceMajeure, D::WrittenOff),
            (S::RefuseWriteOff, D::ForceMajeure, D::TaxDue),
            (S::Declare, D::Sold, D::Declared),
            (S::Declare, D::TaxDue, D::Declared),
            (S::Pay, D::Declared, D::TaxPaid),
            (S::Close, D::TaxPaid, D::Closed),
        ];
        for step in S::iter() {
            for state in D::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
        // What has left the store for good, or never left the zone, stays as it is.
        for state in D::iter() {
            let goes_on = S::iter().any(|step| step.from(state).is_ok());
            assert_eq!(goes_on, !state.is_over(), "{state:?}");
            assert!(!(state.is_over() && state.binds()), "{state:?} is over and binds the guarantee");
        }
    }

    #[test]
    fn the_guarantee_is_let_go_by_the_return_the_payment_and_customs_only() {
        use BondedDisplayStep as S;
        for step in S::iter() {
            let Some((from, to)) = step.leads() else { continue };
            for state in from {
                let changes = match step {
                    S::Lock => Some(true),
                    // What is transferred binds it in the other showroom.
                    S::GateIn | S::Pay | S::WriteOff | S::Transfer => Some(false),
                    S::Cancel if *state == BondedDisplayState::GuaranteeLocked => Some(false),
                    _ => None,
                };
                let found = (state.binds() != to.binds()).then_some(to.binds());
                assert_eq!(found, changes, "{step:?} of what is {state:?}");
            }
        }
    }

    #[test]
    fn a_step_takes_what_is_there_and_no_more() {
        use BondedDisplayState::{GateOut, OnShelf, ReturnApplied, Sold};
        use BondedDisplayStep as S;
        let parts = [part(1, GateOut, 5), part(2, OnShelf, 12), part(3, Sold, 3), part(4, ReturnApplied, 0)];
        let told = |step, quantity| {
            taken(&parts, step, quantity).map(|takes| takes.iter().map(|(p, n)| (p.state, *n)).collect::<Vec<_>>())
        };
        assert_eq!(told(S::ApplyReturn, Some(7)), Ok(vec![(GateOut, 5), (OnShelf, 2)]));
        assert_eq!(told(S::ApplyReturn, Some(5)), Ok(vec![(GateOut, 5)]));
        assert_eq!(told(S::ApplyReturn, None), Ok(vec![(GateOut, 5), (OnShelf, 12)]));
        assert_eq!(told(S::Sell, Some(12)), Ok(vec![(OnShelf, 12)]));
        for (step, quantity, code) in [
            (S::Sell, 13, ErrorCode::OutOfRange),
            (S::Sell, 0, ErrorCode::OutOfRange),
            (S::Sell, -1, ErrorCode::OutOfRange),
            (S::GateIn, 1, ErrorCode::IllegalTransition),
            (S::GateOut, 1, ErrorCode::IllegalTransition),
            (S::Extend, 1, ErrorCode::IllegalTransition),
        ] {
            assert_eq!(told(step, Some(quantity)).unwrap_err().code, code, "{step:?} {quantity}");
        }
        assert_eq!(taken(&[], S::Sell, None).unwrap_err().code, ErrorCode::IllegalTransition);
    }

    /// Section 6.4: guarantee 10,000; 20 bags of 1,000, duty 6 %, VAT 13 %: 3,956.00 locked; 3 are sold on 2025-12-20,
    /// to be declared by 2025-12-31; after the payment 593.40 is free again, after the return of 17 another 3,362.60.
    #[test]
    fn the_vector_comes_out() {
        use BondedDisplayState as D;
        use BondedDisplayStep as S;
        let (balance, bags) = (1_000_000, 20);
        let tax = FullTax::of(&handbag(), 100_000, &Contents::default()).unwrap();
        assert_eq!((tax.duty_minor, tax.vat_minor, tax.total_minor()), (6_000, 13_780, 19_780));
        let mut parts = vec![part(0, D::Applied, bags)];
        let mut go = |step: S, quantity: i64| {
            let takes: Vec<(BondedDisplayPartId, i64)> =
                taken(&parts, step, Some(quantity)).unwrap().iter().map(|(part, n)| (part.id, *n)).collect();
            for (id, n) in takes {
                let to = step.leads().unwrap().1;
                let of = parts.iter_mut().find(|part| part.id == id).unwrap();
                of.quantity -= n;
                let next = parts.len() as u128;
                parts.push(part(next, to, n));
            }
            assert_eq!(parts.iter().map(|part| part.quantity).sum::<i64>(), bags, "a piece is gone, or there twice");
            balance - in_use(tax.total_minor(), &parts)
        };
        assert_eq!(go(S::Lock, 20), 1_000_000 - 395_600);
        assert_eq!(go(S::GateOut, 20), 604_400);
        assert_eq!(go(S::Shelve, 20), 604_400);
        assert_eq!(go(S::Sell, 3), 604_400, "what is sold is guaranteed until it is paid");
        assert_eq!(declare_by(day("2025-12-20")), day("2025-12-31"));
        assert_eq!(go(S::Declare, 3), 604_400);
        assert_eq!(go(S::Pay, 3), 604_400 + 59_340);
        assert_eq!(go(S::ApplyReturn, 17), 604_400 + 59_340);
        assert_eq!(go(S::GateIn, 17), 604_400 + 59_340 + 336_260);
        assert_eq!(go(S::Close, 3), 1_000_000);
    }

    #[test]
    fn what_is_gone_does_not_lie_there() {
        use BondedDisplayCause as C;
        use BondedDisplayState as D;
        let there = [
            (D::GateOut, None),
            (D::OnShelf, None),
            (D::ReturnApplied, None),
            (D::ForceMajeure, Some(C::ForceMajeure)),
            (D::TaxDue, Some(C::Damage)),
            (D::Declared, Some(C::Damage)),
            (D::Declared, Some(C::Clearance)),
            (D::TaxPaid, Some(C::Damage)),
            (D::TaxPaid, Some(C::Clearance)),
        ];
        for state in D::iter() {
            for cause in C::iter().map(Some).chain([None]) {
                // A heap has no cause, and what force majeure took has that one.
                if (state.is_heap() && cause.is_some()) || (state == D::ForceMajeure && cause != Some(C::ForceMajeure))
                {
                    continue;
                }
                let expected = there.contains(&(state, cause)) || (cause == Some(C::Clearance) && state == D::TaxDue);
                assert_eq!(lies_there(state, cause), expected, "{state:?} {cause:?}");
            }
        }
    }
}
