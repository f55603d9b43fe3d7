//! A receipt that was wrong is taken back: the goods go out of the house, and the order counts them no more. An order
//! that was closed by it is open again, and a receivable that rested on it has other evidence.

use std::collections::BTreeMap;

use entities::{
    party::Action,
    procurement::{
        ReceiptKind,
        receipt::{self, ReceiptStep, line},
        terms::WHOLE_PPM,
    },
    values::{
        ErrorCode, Refusal,
        id::{GoodsReceiptId, PurchaseOrderLineId},
        refusal as text,
    },
};
use inventory::ops::bought::{self, Way};
use platform::{
    app::{App, Call, Work},
    error::Error,
    graphql::encode,
};
use serde_json::json;

use super::held::{Held, change_all, going_out, held, insert, line_out, told, way, written};
use crate::ops::{acting, fresh, orders, payables};

/// What a reversal takes from each line of the order: received, accepted, rejected.
type Taken = BTreeMap<PurchaseOrderLineId, (i64, i64, i64)>;

/// Whether a receipt can be taken back, and what that takes from the lines of its order. Not when something of it was
/// sent back or billed: that is settled first.
fn taken_back(held: &Held) -> Result<Taken, Refusal> {
    let in_use = |count: i64| Refusal::new(ErrorCode::InUse).with("count", count.to_string());
    let gone: i64 = held.lines.iter().map(|line| line.returned + line.billed).sum();
    if gone > 0 {
        return Err(in_use(gone));
    }
    let mut by_line = Taken::new();
    for line in &held.lines {
        let sum = by_line.entry(line.order_line_id).or_default();
        *sum = (sum.0 + line.delivered, sum.1 + line.accepted, sum.2 + line.rejected);
    }
    let whole = i128::from(WHOLE_PPM);
    for of in &held.ordered.1 {
        let accepted = by_line.get(&of.id).map_or(0, |(_, accepted, _)| *accepted);
        let billed = i128::from(of.billed - of.overridden) * whole;
        if accepted > 0 && billed > i128::from(of.accepted - accepted) * (whole + i128::from(of.over_bill_ppm)) {
            return Err(in_use(of.billed));
        }
    }
    Ok(by_line)
}

/// Takes a receipt back by a document of its own, once: the goods go out of the house, when they are still there, and
/// the order counts them no more. Answers with that document.
pub async fn reverse(
    app: &App,
    call: &Call,
    id: GoodsReceiptId,
    expected: i32,
    reason: &str,
) -> Result<receipt::Model, Error> {
    let buyer = acting(call, Action::ReceivePurchases)?;
    let reason = text::paragraph(reason, 500).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let held = held(&work, buyer, id).await?;
    held.stands_for("REVERSE")?;
    fresh(held.row.version, expected)?;
    let by_line = taken_back(&held).map_err(|refusal| refusal.at("id"))?;
    uncounted(&work, &by_line).await?;
    let (before, lines, (order, ordered)) = (&held.row, &held.lines, &held.ordered);
    let document = receipt::Model {
        reverses_id: Some(before.id),
        ..going_out(&work, before, ReceiptKind::Reversal, Some(reason))?
    };
    let (_, to) = ReceiptStep::Reverse.leads();
    let reversed = written(&work, before, receipt::Model { state: to, ..before.clone() }).await?;
    payables::corrected(&mut work, before, ordered).await?;
    let ways = |of: fn(&line::Model) -> i64| -> Vec<Way> {
        lines.iter().enumerate().filter_map(|(n, line)| way(ordered, n, line, of(line))).collect()
    };
    let accepted = ways(|line| line.accepted);
    let all = ways(|line| line.delivered);
    bought::hold(&work, buyer, Some(before.location_id), &all).await?;
    let back = bought::recall(&work, buyer, &document.number, before.location_id, &accepted).await;
    back.map_err(|error| error.of("id"))?;
    let moves = bought::send_back(&work, buyer, &document.number, &all).await.map_err(|error| error.of("id"))?;
    let mut out: Vec<line::Model> =
        lines.iter().enumerate().map(|(n, line)| line_out(&work, &document, line, n, line.delivered)).collect();
    for (way, moved) in all.iter().zip(moves) {
        out[way.line].move_id = Some(moved.id);
    }
    insert(&work, &document, &out).await?;
    orders::settle(&mut work, order.id).await?;
    let (was, is) = (json!({ "state": before.state }), json!({ "state": to, "by": document.number }));
    work.audit(Some(buyer), "reverseGoodsReceipt", encode(before.id).0, was, is);
    told(&mut work, &reversed).await?;
    told(&mut work, &document).await?;
    work.commit(document).await
}

/// The lines of the order count no more what is taken back. First what stands on the rest: at no moment more of a line
/// is accepted and rejected than came.
async fn uncounted(work: &Work, by_line: &Taken) -> Result<(), Error> {
    let table = "purchase_order_line";
    let guard = format!(
        "accepted >= v.column2 AND (billed - overridden) * {WHOLE_PPM} <= (accepted - v.column2) \
         * ({WHOLE_PPM} + over_bill_ppm)"
    );
    let accepted = by_line.iter().map(|(id, (_, accepted, _))| (id.0, *accepted)).collect();
    change_all(work, table, "accepted = accepted - v.column2", &guard, accepted).await?;
    let rejected = by_line.iter().map(|(id, (_, _, rejected))| (id.0, *rejected)).collect();
    let guard = "rejected - v.column2 >= returned";
    change_all(work, table, "rejected = rejected - v.column2", guard, rejected).await?;
    let received = by_line.iter().map(|(id, (received, _, _))| (id.0, *received)).collect();
    let guard = "received - v.column2 >= accepted + rejected";
    change_all(work, table, "received = received - v.column2", guard, received).await
}
