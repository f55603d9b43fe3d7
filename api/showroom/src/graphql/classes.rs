//! What pieces of a showroom are by law, and how that changes, in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entities::{party::Action, showroom::UnitClass};
use inventory::graphql::StockMove;
use platform::{
    graphql::{ContextExt, decode},
    payload,
};

use crate::ops::classes::{self as ops, Changing};

/// A change of what pieces of a showroom are by law (货物类别变更).
#[derive(InputObject)]
pub(crate) struct ChangeUnitClassInput {
    /// In which showroom.
    showroom_id: ID,
    /// Of which balance; the place that it lies in says what the pieces are now.
    balance_id: ID,
    /// What they become.
    to: UnitClass,
    /// How many, in trade units.
    quantity: i64,
    /// The document that says so.
    document: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `changeUnitClass`.
    ChangeUnitClassPayload { /// The move from place to place.
        moved: StockMove }
}

/// Mutations of what pieces of a showroom are by law.
#[derive(Default)]
pub(crate) struct ClassMutation;

#[Object]
impl ClassMutation {
    /// Makes pieces of a showroom something else by law: what is sold becomes a sample, or damaged; a sample becomes
    /// damaged, and is never sold any more. What is bonded changes through customs only, and is refused with
    /// `NOT_RELEASED`; what stands in a slot is taken down first (货物类别变更).
    async fn change_unit_class(
        &self,
        context: &Context<'_>,
        input: ChangeUnitClassInput,
    ) -> Result<ChangeUnitClassPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async {
            let new = Changing {
                showroom: decode(&input.showroom_id, "showroomId")?,
                balance: decode(&input.balance_id, "balanceId")?,
                to: input.to,
                quantity: input.quantity,
                document: input.document,
            };
            ops::change(context.app(), &call, &new).await
        };
        ChangeUnitClassPayload::new(context, input.client_mutation_id, result.await.map(StockMove::from))
    }
}
