//! Debit notes (借项通知单): what a buyer takes off an invoice, and says to its supplier. The supplier agrees or disputes;
//! what is taken off is not paid either way until the note is cancelled.

use crate::Relation;
use sea_orm::{Condition, FromJsonQueryResult, Select, entity::prelude::*, sea_query::Expr};
use serde::{Deserialize, Serialize};

use crate::{
    party::Viewer,
    values::{
        Currency, Money, Refusal,
        id::{DebitNoteId, OrganisationId, SupplierInvoiceId, SupplierInvoiceLineId},
    },
};

/// State of a debit note (借项通知状态).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DebitNoteState {
    /// It was sent to the supplier (已开具).
    Issued,
    /// The supplier agrees (已确认).
    Acknowledged,
    /// The supplier does not (有争议).
    Disputed,
    /// It was taken back (已作废).
    Cancelled,
}

/// A step of a debit note (借项通知操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum DebitNoteStep {
    /// The supplier agrees.
    Acknowledge,
    /// The supplier does not.
    Dispute,
    /// It is taken back.
    Cancel,
}

impl DebitNoteStep {
    /// The states that it leads from, and where to.
    pub fn leads(self) -> (&'static [DebitNoteState], DebitNoteState) {
        use DebitNoteState::{Acknowledged, Cancelled, Disputed, Issued};
        match self {
            Self::Acknowledge => (&[Issued, Disputed], Acknowledged),
            Self::Dispute => (&[Issued], Disputed),
            Self::Cancel => (&[Issued, Disputed], Cancelled),
        }
    }

    /// Where it leads from a state, or why not.
    pub fn from(self, state: DebitNoteState) -> Result<DebitNoteState, Refusal> {
        let (from, to) = self.leads();
        if from.contains(&state) {
            return Ok(to);
        }
        Err(Refusal::illegal(state, format!("{self:?}").to_uppercase()))
    }
}

/// Why something is taken off (借项原因).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize, async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DebitReason {
    /// More was billed than was accepted (数量差异).
    Quantity,
    /// More was billed for a unit than was ordered (价格差异).
    Price,
    /// Goods are not as they should be (质量问题).
    Quality,
    /// Something else, which the note says (其他).
    Other,
}

impl DebitReason {
    /// Whether it has to be said in words.
    pub fn needs_note(self) -> bool {
        self == Self::Other
    }

    /// Whether what is taken off of a quantity may be billed by another invoice. Goods that are dear or bad were
    /// delivered all the same, and this invoice is for them.
    pub fn frees(self) -> bool {
        self == Self::Quantity
    }
}

/// What is taken off one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DebitLine {
    /// Of which line of the invoice.
    pub line_id: SupplierInvoiceLineId,
    /// How much of its quantity; nothing when only money is taken off. Only for its quantity it is billed no more
    /// ([`DebitReason::frees`]): of others it says what the money is for.
    pub quantity: i64,
    /// How much of its amount, without tax, in minor units.
    pub amount_minor: i64,
}

/// What a note takes off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct DebitLines(pub Vec<DebitLine>);

/// A row of `debit_note`. Amounts are in minor units of its currency.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "debit_note")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DebitNoteId,
    /// Its number.
    #[sea_orm(unique)]
    pub number: String,
    /// Of which invoice.
    pub invoice_id: SupplierInvoiceId,
    /// Who takes off.
    pub buyer_id: OrganisationId,
    /// From whom.
    pub supplier_id: OrganisationId,
    /// State.
    pub state: DebitNoteState,
    /// Why.
    pub reason: DebitReason,
    /// The same in words.
    pub note: Option<String>,
    /// Without tax.
    pub net_minor: i64,
    /// Tax.
    pub tax_minor: i64,
    /// With tax.
    pub total_minor: i64,
    /// In which currency: the invoice's.
    pub currency: Currency,
    /// What of which line.
    #[sea_orm(column_type = "JsonBinary")]
    pub lines: DebitLines,
    /// Who issued it.
    pub issued_by: String,
    /// When.
    pub issued_at: DateTimeUtc,
    /// Who answered for the supplier.
    pub answered_by: Option<String>,
    /// When.
    pub answered_at: Option<DateTimeUtc>,
    /// What the supplier says to it.
    pub answer: Option<String>,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Entity {
    /// The debit notes that `viewer` may see: those of its organisation, on either side; all for who oversees.
    pub fn visible_to(viewer: &Viewer) -> Select<Self> {
        let shown = Condition::all().add(Expr::val(true));
        Self::find().filter(super::two_sided(viewer, Column::BuyerId, Column::SupplierId, shown))
    }
}

impl Model {
    /// An amount of this note.
    pub fn money(&self, minor: i64) -> Money {
        Money { minor, currency: self.currency }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::Iterable;

    use super::*;

    #[test]
    fn a_debit_note_goes_along_its_table() {
        use DebitNoteState::{Acknowledged, Cancelled, Disputed, Issued};
        use DebitNoteStep as S;
        let table = [
            (S::Acknowledge, Issued, Acknowledged),
            (S::Acknowledge, Disputed, Acknowledged),
            (S::Dispute, Issued, Disputed),
            (S::Cancel, Issued, Cancelled),
            (S::Cancel, Disputed, Cancelled),
        ];
        for step in S::iter() {
            for state in DebitNoteState::iter() {
                let expected = table.iter().find(|(s, from, _)| (*s, *from) == (step, state)).map(|(_, _, to)| *to);
                assert_eq!(step.from(state).ok(), expected, "{step:?} of what is {state:?}");
            }
        }
    }
}
