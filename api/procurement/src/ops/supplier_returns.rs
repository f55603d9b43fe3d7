//! Goods that were rejected go back to whoever delivered them, under a document of their own. That makes room for what
//! is delivered in their place.

use std::collections::BTreeMap;

use entities::{
    party::Action,
    procurement::{
        ReceiptKind,
        receipt::{self, line},
    },
    values::{
        ErrorCode, Refusal, Refusals,
        id::{GoodsReceiptId, GoodsReceiptLineId},
        refusal::{self as text, Check},
    },
};
use inventory::{
    ledger::in_line,
    ops::bought::{self, Way},
};
use platform::{
    app::{App, Call},
    error::{Error, not_found},
    graphql::encode,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    MAX_LINES, acting, fresh, orders,
    receipts::held::{change_all, going_out, held, insert, line_out, told, way, written},
};

/// What goes back.
#[derive(Clone, Debug)]
pub struct NewReturn {
    /// Of which receipt.
    pub receipt: GoodsReceiptId,
    /// In which version the receipt was read; none: in any.
    pub expected: Option<i32>,
    /// The number of the note that goes along; none: that of the delivery.
    pub delivery_note: Option<String>,
    /// The number of the waybill.
    pub waybill: Option<String>,
    /// What there is to say to it.
    pub note: Option<String>,
    /// What of which lines.
    pub lines: Vec<SentBack>,
}

/// What of a line goes back.
#[derive(Clone, Copy, Debug)]
pub struct SentBack {
    /// Of which line of the receipt.
    pub line: GoodsReceiptLineId,
    /// How much.
    pub quantity: i64,
}

/// The texts of what goes back, as they are kept: delivery note, waybill, note.
type Said = (Option<String>, Option<String>, Option<String>);

fn said(new: &NewReturn) -> Result<Said, Refusals> {
    let mut check = Check::default();
    let delivery_note = text::given(new.delivery_note.as_deref());
    let delivery_note = delivery_note.and_then(|one| check.take("deliveryNote", text::line(one, 60)));
    let waybill = text::given(new.waybill.as_deref()).and_then(|one| check.take("waybill", text::line(one, 60)));
    let note = text::given(new.note.as_deref()).and_then(|one| check.take("note", text::paragraph(one, 500)));
    check.done((delivery_note, waybill, note))
}

/// Sends rejected goods back; answers with the document that says so.
pub async fn send(app: &App, call: &Call, new: &NewReturn) -> Result<receipt::Model, Error> {
    let buyer = acting(call, Action::ReceivePurchases)?;
    text::few(new.lines.len(), MAX_LINES)?;
    let (delivery_note, waybill, note) = said(new)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let held = held(&work, buyer, new.receipt).await?;
    held.stands_for("RETURN")?;
    if let Some(expected) = new.expected {
        fresh(held.row.version, expected)?;
    }
    let (order, ordered) = &held.ordered;
    let document = going_out(&work, &held.row, ReceiptKind::Return, note)?;
    let document =
        receipt::Model { delivery_note: delivery_note.unwrap_or(document.delivery_note), waybill, ..document };
    let (mut of_receipt, mut of_order) = (BTreeMap::<Uuid, i64>::new(), BTreeMap::<Uuid, i64>::new());
    let (mut lines, mut ways): (Vec<line::Model>, Vec<Way>) = (Vec::new(), Vec::new());
    for (n, one) in new.lines.iter().enumerate() {
        let line = held.lines.iter().find(|line| line.id == one.line);
        let line = line.ok_or_else(|| in_line(not_found("lineId", encode(one.line).as_str()), n))?;
        let sum = of_receipt.entry(line.id.0).or_default();
        let left = line.to_return() - *sum;
        if !(1..=left).contains(&one.quantity) {
            let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", left.to_string());
            return Err(in_line(range.at("quantity").into(), n));
        }
        *sum += one.quantity;
        *of_order.entry(line.order_line_id.0).or_default() += one.quantity;
        lines.push(line_out(&work, &document, line, n, one.quantity));
        ways.extend(way(ordered, n, line, one.quantity));
    }
    let (set, guard) = ("returned = returned + v.column2", "returned + v.column2 <= rejected");
    change_all(&work, "purchase_order_line", set, guard, of_order.into_iter().collect()).await?;
    change_all(&work, "goods_receipt_line", set, guard, of_receipt.into_iter().collect()).await?;
    let moves = bought::send_back(&work, buyer, &document.number, &ways).await?;
    for (way, moved) in ways.iter().zip(moves) {
        lines[way.line].move_id = Some(moved.id);
    }
    insert(&work, &document, &lines).await?;
    let next = written(&work, &held.row, held.row.clone()).await?;
    orders::settle(&mut work, order.id).await?;
    let shown = json!({ "number": document.number, "receipt": held.row.number, "lines": lines.len(),
        "pieces": new.lines.iter().map(|one| one.quantity).sum::<i64>() });
    work.audit(Some(buyer), "returnToSupplier", encode(document.id).0, Value::Null, shown);
    told(&mut work, &next).await?;
    told(&mut work, &document).await?;
    work.commit(document).await
}
