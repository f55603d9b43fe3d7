//! Orders that are handed over in a showroom.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use entities::{
    ordering::{OrderState, order},
    party::Action,
};
use platform::{
    graphql::{ContextExt, decode},
    payload,
};

use crate::ops::pickup;

/// What was handed over: nothing of the buyer (自提结果).
#[derive(SimpleObject)]
pub(super) struct HandedOver {
    /// The order.
    order_number: String,
    /// Its state.
    state: OrderState,
}

impl From<order::Model> for HandedOver {
    fn from(row: order::Model) -> Self {
        Self { order_number: row.number, state: row.state }
    }
}

/// An order that is handed over in the showroom that brought it about (自提).
#[derive(InputObject)]
pub(super) struct HandOverOrderInput {
    /// In which showroom.
    showroom_id: ID,
    /// The number that the buyer shows.
    order_number: String,
    /// The resident ID on the card of who takes the goods: it must be the buyer's. Needed for imports; it is not kept.
    resident_id: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `handOverOrder`.
    HandOverOrderPayload { /// What was handed over.
        handed_over: HandedOver }
}

/// Mutations of picking up.
#[derive(Default)]
pub struct PickUpMutation;

#[Object]
impl PickUpMutation {
    /// Hands the goods of an order over in the showroom that brought it about, once customs released them, where that may be
    /// done: the zone's policy, an approval of customs or the law says so (自提).
    async fn hand_over_order(&self, context: &Context<'_>, input: HandOverOrderInput) -> Result<HandOverOrderPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async {
            let (at, card) = (decode(&input.showroom_id, "showroomId")?, input.resident_id.as_deref());
            pickup::hand_over(context.app(), &call, at, &input.order_number, card).await
        };
        HandOverOrderPayload::new(context, input.client_mutation_id, result.await.map(HandedOver::from))
    }
}
