//! Inspections: what came is looked at, line by line, all at once or bit by bit. What is accepted goes to where it is
//! sold from and may be billed; what is rejected stays where it is until it goes back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use entities::{
    inventory::lot,
    party::Action,
    procurement::{
        RejectReason, inspection, order,
        receipt::{self, line, split},
        terms::MOST,
    },
    values::{
        ErrorCode, Refusal,
        id::{GoodsReceiptId, GoodsReceiptLineId, ReceiptInspectionId, StockLotId},
        refusal as text,
    },
};
use inventory::{
    ledger::in_line,
    ops::bought::{self, Way},
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    MAX_LINES, acting, fresh, orders,
    receipts::{
        held::{change_all, held, told, way, written},
        not_billing,
    },
};

/// What was found of so much.
#[derive(Clone, Debug, Default)]
pub struct Finding {
    /// How much is accepted.
    pub accepted: i64,
    /// How much is rejected.
    pub rejected: i64,
    /// Why.
    pub reason: Option<RejectReason>,
    /// The same in words.
    pub note: Option<String>,
    /// By which plan it was looked at.
    pub plan: Option<String>,
    /// How many pieces were looked at.
    pub sample_size: Option<i64>,
    /// SHA-256 of a photo, in hex.
    pub photo_sha256: Option<String>,
}

/// What was found of a line.
#[derive(Clone, Debug)]
pub struct Found {
    /// Of which line of the receipt.
    pub line: GoodsReceiptLineId,
    /// What.
    pub finding: Finding,
}

/// The same with the line that it is of, and its place in the input.
pub(super) struct Noted<'a> {
    pub n: usize,
    pub line: &'a line::Model,
    pub finding: &'a Finding,
}

/// When the goods of lines are too old: as the line says, or as it is known of their lot.
async fn ends(work: &Work, found: &[Noted<'_>]) -> Result<HashMap<StockLotId, NaiveDate>, Error> {
    let lots: BTreeSet<StockLotId> = found.iter().filter_map(|one| one.line.lot_id).collect();
    if lots.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = lot::Entity::find().filter(lot::Column::Id.is_in(lots)).all(work.tx()).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.id, row.expires_on?))).collect())
}

/// What is noted of a line of which so much is open, or why it cannot be. `too_old`: since when its goods are, when
/// they are today.
fn looked_at(
    work: &Work,
    row: &receipt::Model,
    one: &Noted<'_>,
    open: i64,
    too_old: Option<NaiveDate>,
) -> Result<inspection::Model, Refusal> {
    let Finding { accepted, rejected, .. } = *one.finding;
    split(open, accepted, rejected)?;
    if let Some(end) = too_old.filter(|_| accepted > 0) {
        // What is too old is not sold, whoever delivered it.
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", end.to_string()).at("accepted"));
    }
    let note = text::given(one.finding.note.as_deref()).map(|note| text::paragraph(note, 300)).transpose();
    let note = note.map_err(|refusal| refusal.at("note"))?;
    let reason = inspection::reason_for(rejected, one.finding.reason, note.as_deref())?;
    let plan = text::given(one.finding.plan.as_deref()).map(|plan| text::line(plan, 120)).transpose();
    let photo = text::given(one.finding.photo_sha256.as_deref()).map(text::sha256).transpose();
    let sample_size = one.finding.sample_size;
    if sample_size.is_some_and(|size| !(1..=MOST).contains(&size)) {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", MOST.to_string());
        return Err(range.at("sampleSize"));
    }
    Ok(inspection::Model {
        id: ReceiptInspectionId::new(work.now),
        receipt_id: row.id,
        line_id: one.line.id,
        accepted,
        rejected,
        reason,
        note,
        plan: plan.map_err(|refusal| refusal.at("plan"))?,
        sample_size,
        photo_sha256: photo.map_err(|refusal| refusal.at("photoSha256"))?,
        inspected_by: work.viewer().subject(),
        inspector_id: work.viewer().person(),
        at: work.now,
    })
}

/// What was accepted and rejected of lines.
type Sums = BTreeMap<Uuid, (i64, i64)>;

/// Adds to lines what was accepted and rejected of them, and no more than there is.
async fn counted(work: &Work, table: &'static str, most: &str, by_line: &Sums) -> Result<(), Error> {
    let guard = format!("accepted + rejected + v.column2 <= {most}");
    let accepted = by_line.iter().map(|(id, (accepted, _))| (*id, *accepted)).collect();
    change_all(work, table, "accepted = accepted + v.column2", &guard, accepted).await?;
    let rejected = by_line.iter().map(|(id, (_, rejected))| (*id, *rejected)).collect();
    change_all(work, table, "rejected = rejected + v.column2", &guard, rejected).await
}

/// Notes what was found of lines of a posted receipt, in the change of whoever holds the locks of its order.
pub(super) async fn noted(
    work: &Work,
    row: &receipt::Model,
    ordered: &[order::line::Model],
    found: &[Noted<'_>],
) -> Result<(), Error> {
    if found.is_empty() {
        return Ok(());
    }
    let (today, ends) = (business_day(work.now), ends(work, found).await?);
    let mut open: BTreeMap<GoodsReceiptLineId, i64> = BTreeMap::new();
    let (mut of_receipt, mut of_order) = (Sums::new(), Sums::new());
    let mut rows = Vec::with_capacity(found.len());
    for one in found {
        let left = open.entry(one.line.id).or_insert_with(|| one.line.open());
        let end = one.line.expires_on.or_else(|| ends.get(&one.line.lot_id?).copied());
        let too_old = end.filter(|end| *end <= today);
        let said = looked_at(work, row, one, *left, too_old).map_err(|refusal| in_line(refusal.into(), one.n))?;
        *left -= said.accepted + said.rejected;
        for sum in [
            of_receipt.entry(one.line.id.0).or_insert((0, 0)),
            of_order.entry(one.line.order_line_id.0).or_insert((0, 0)),
        ] {
            *sum = (sum.0 + said.accepted, sum.1 + said.rejected);
        }
        rows.push(said);
    }
    counted(work, "purchase_order_line", "received", &of_order).await?;
    counted(work, "goods_receipt_line", "delivered", &of_receipt).await?;
    let rows = rows.into_iter().map(IntoActiveModel::into_active_model);
    inspection::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    let good: Vec<Way> = found.iter().filter_map(|one| way(ordered, one.n, one.line, one.finding.accepted)).collect();
    bought::accept(work, row.buyer_id, &row.number, row.location_id, &good).await.map(drop)
}

/// Notes what was found of what came: what is accepted goes to where it is sold from, what is rejected waits to go
/// back.
pub async fn inspect(
    app: &App,
    call: &Call,
    id: GoodsReceiptId,
    expected: Option<i32>,
    found: &[Found],
) -> Result<receipt::Model, Error> {
    let buyer = acting(call, Action::ReceivePurchases)?;
    text::few(found.len(), MAX_LINES)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let held = held(&work, buyer, id).await?;
    held.stands_for("INSPECT")?;
    if let Some(expected) = expected {
        fresh(held.row.version, expected)?;
    }
    not_billing(&work, &held.ordered, "id").await?;
    let mut named = Vec::with_capacity(found.len());
    for (n, one) in found.iter().enumerate() {
        let line = held.lines.iter().find(|line| line.id == one.line);
        let line = line.ok_or_else(|| in_line(not_found("lineId", encode(one.line).as_str()), n))?;
        named.push(Noted { n, line, finding: &one.finding });
    }
    noted(&work, &held.row, &held.ordered.1, &named).await?;
    let next = written(&work, &held.row, held.row.clone()).await?;
    orders::settle(&mut work, held.ordered.0.id).await?;
    let sum = |of: fn(&Finding) -> i64| found.iter().map(|one| of(&one.finding)).sum::<i64>();
    let (accepted, rejected) = (sum(|one| one.accepted), sum(|one| one.rejected));
    let shown = json!({ "number": next.number, "accepted": accepted, "rejected": rejected });
    work.audit(Some(buyer), "inspectGoodsReceipt", encode(next.id).0, Value::Null, shown);
    told(&mut work, &next).await?;
    work.commit(next).await
}
