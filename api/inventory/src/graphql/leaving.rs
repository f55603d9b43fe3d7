//! What is written off, cleared or comes back, and which items are hot, in the schema.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entities::{inventory::CustomsStatus, party::Action};
use platform::{
    error::Error,
    graphql::{ContextExt, decode},
    payload,
};

use super::{StockMove, TransferStockLine, moves, transferred};
use crate::{
    ledger::in_line,
    ops::{
        hot,
        leaving::{self as ops, CameBack, WrittenOff},
    },
};

/// A line of what is written off (报损行).
#[derive(InputObject)]
pub(crate) struct WriteOffStockLine {
    /// Of which balance.
    balance_id: ID,
    /// How much, in trade units.
    quantity: i64,
}

/// Goods that are lost or destroyed (报损).
#[derive(InputObject)]
pub(crate) struct WriteOffStockInput {
    /// The document that says so.
    document: String,
    /// The permit of customs; required for bonded goods, and the document of their moves (海关批准文号).
    permit_number: Option<String>,
    /// What is written off, at most 500 lines; all of them or, when one is refused, none.
    lines: Vec<WriteOffStockLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Bonded goods whose duty was paid (完税放行).
#[derive(InputObject)]
pub(crate) struct ClearStockInput {
    /// Number of the release by customs (放行单号).
    release_number: String,
    /// What goes where, at most 500 lines; all of them or, when one is refused, none.
    lines: Vec<TransferStockLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A line of what came back (退货行).
#[derive(InputObject)]
pub(crate) struct ReturnStockLine {
    /// Of what.
    variant_id: ID,
    /// The lot as it is printed on the goods; none: whichever were shipped, the first first.
    lot: Option<String>,
    /// Under which customs status it was shipped.
    customs_status: CustomsStatus,
    /// How much, in trade units.
    quantity: i64,
}

/// Goods that came back from whoever bought them (退货入库).
#[derive(InputObject)]
pub(crate) struct ReturnStockInput {
    /// The document under which they were shipped.
    document: String,
    /// Into which location.
    location_id: ID,
    /// What came back, at most 500 lines; all of them or, when one is refused, none.
    lines: Vec<ReturnStockLine>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Whether an item is hot (热点商品设置).
#[derive(InputObject)]
pub(crate) struct SetHotItemInput {
    /// Which variant, of the organisation's stock.
    variant_id: ID,
    /// Whether it is.
    hot: bool,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `writeOffStock`.
    WriteOffStockPayload { /// The moves, in the order of the lines.
        moves: Vec<StockMove> }
    /// The answer to `clearStock`.
    ClearStockPayload { /// The moves, in the order of the lines.
        moves: Vec<StockMove> }
    /// The answer to `returnStock`.
    ReturnStockPayload { /// The moves, in the order of the lines; one for each lot.
        moves: Vec<StockMove> }
    /// The answer to `setHotItem`.
    SetHotItemPayload { /// Whether it is hot now.
        hot: bool }
}

/// Mutations of what leaves without being sold, or comes back.
#[derive(Default)]
pub(crate) struct LeavingMutation;

#[Object]
impl LeavingMutation {
    /// Writes off what is lost or destroyed; bonded goods with a permit of customs only (报损).
    async fn write_off_stock(&self, context: &Context<'_>, input: WriteOffStockInput) -> Result<WriteOffStockPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async {
            let line = |(n, line): (usize, WriteOffStockLine)| {
                let balance = decode(&line.balance_id, "balanceId").map_err(|error| in_line(error, n))?;
                Ok::<_, Error>(WrittenOff { balance, quantity: line.quantity })
            };
            let lines: Vec<WrittenOff> = input.lines.into_iter().enumerate().map(line).collect::<Result<_, _>>()?;
            ops::write_off(context.app(), &call, &input.document, input.permit_number.as_deref(), &lines).await
        };
        WriteOffStockPayload::new(context, input.client_mutation_id, result.await.map(moves))
    }

    /// Moves bonded goods whose duty was paid into a place that takes them so. It is the move alone: what customs
    /// verifies of it is noted in the account book by `noteBondedMovement` (完税放行).
    async fn clear_stock(&self, context: &Context<'_>, input: ClearStockInput) -> Result<ClearStockPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async {
            let lines = transferred(input.lines)?;
            ops::clear(context.app(), &call, &input.release_number, &lines).await
        };
        ClearStockPayload::new(context, input.client_mutation_id, result.await.map(moves))
    }

    /// Takes back what was shipped under a document: no more than went and has not come back (退货入库).
    async fn return_stock(&self, context: &Context<'_>, input: ReturnStockInput) -> Result<ReturnStockPayload> {
        let call = context.call(Action::KeepStock)?;
        let result = async {
            let to = decode(&input.location_id, "locationId")?;
            let line = |(n, line): (usize, ReturnStockLine)| {
                let variant = decode(&line.variant_id, "variantId").map_err(|error| in_line(error, n))?;
                let (lot, status, quantity) = (line.lot, line.customs_status, line.quantity);
                Ok::<_, Error>(CameBack { variant, lot, status, quantity })
            };
            let lines: Vec<CameBack> = input.lines.into_iter().enumerate().map(line).collect::<Result<_, _>>()?;
            ops::return_goods(context.app(), &call, &input.document, to, &lines).await
        };
        ReturnStockPayload::new(context, input.client_mutation_id, result.await.map(moves))
    }

    /// Says whether everyone wants an item at once: then it is promised piece by piece, and buyers do not wait for each
    /// other (热点商品设置).
    async fn set_hot_item(&self, context: &Context<'_>, input: SetHotItemInput) -> Result<SetHotItemPayload> {
        let call = context.call(Action::KeepStock)?;
        let result =
            async { hot::set_hot(context.app(), &call, decode(&input.variant_id, "variantId")?, input.hot).await };
        SetHotItemPayload::new(context, input.client_mutation_id, result.await)
    }
}
