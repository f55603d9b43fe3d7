//! Lines of a payout batch (结算明细): so much to one seller.

use crate::Relation;
use sea_orm::entity::prelude::*;

use crate::values::id::{BankAccountId, OrganisationId, PayoutId};

/// A row of `payout_line`: its key is the batch and the seller.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "payout_line")]
pub struct Model {
    /// In which batch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub payout_id: PayoutId,
    /// To whom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub seller_id: OrganisationId,
    /// How much, in minor units of the batch's currency.
    pub amount_minor: i64,
    /// To which of its accounts. The account may be taken away later.
    pub bank_account_id: BankAccountId,
    /// The number of the account, masked, as it was.
    pub masked_number: String,
}

impl ActiveModelBehavior for ActiveModel {}
