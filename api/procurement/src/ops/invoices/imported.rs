//! Invoices in UBL 2.1: who is who, and which lines of which papers they name, found by the numbers that they say. The
//! document is kept, sealed, as a file of its invoice.

use std::collections::{BTreeSet, HashMap};

use async_graphql::ID;
use entities::{
    party::{Action, organisation},
    procurement::{
        FileSubject, file, invoice,
        invoice_no::InvoiceKind,
        order,
        receipt::{self, ReceiptKind, ReceiptState},
        ubl::{self, UblInvoice, UblLine},
    },
    values::{
        ErrorCode, Refusal,
        id::{GoodsReceiptId, OrganisationId, ProcurementFileId, PurchaseOrderId},
    },
};
use platform::{
    app::{App, Call, Work},
    attached::aside,
    error::Error,
    graphql::{decode, encode},
    vault::sha256_hex,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

use super::{super::files::content_place, Bill, NewInvoice, NewLine, Other, Sides, recorded};
use crate::ops::acting;

fn invalid(reason: &str) -> Error {
    Refusal::new(ErrorCode::MessageInvalid).with("reason", reason).at("xml").into()
}

/// Records an invoice in UBL 2.1. Who is who its codes say: unified social credit codes, or ids of this API. `buyer`:
/// whom the supplier bills, when the invoice does not say it so.
pub async fn import_ubl(
    app: &App,
    call: &Call,
    xml: &str,
    buyer: Option<OrganisationId>,
) -> Result<invoice::Model, Error> {
    let own = acting(call, Action::RecordInvoices)?;
    let read = ubl::read(xml.as_bytes()).map_err(|refusal| refusal.at("xml"))?;
    let db = app.db().read();
    let other = who(db, own, &read, buyer).await?;
    let sides = Sides::of(own, other)?;
    let named = Papers::of(db, sides, &read).await?;
    let lines = read.lines.iter().map(|line| named.line(&read, line)).collect();
    let paper = Paper::of(app, xml).await?;
    let new = NewInvoice {
        kind: InvoiceKind::Ubl,
        invoice_no: read.number.clone(),
        invoice_code: None,
        check_code: None,
        file_sha256: Some(paper.sha256.clone()),
        issue_date: read.issue_date,
        due_date: read.due_date,
        corrects: None,
        waybills: read.despatches.clone(),
        bill: Bill {
            other,
            currency: read.currency,
            tax_minor: Some(read.tax_minor),
            total_minor: Some(read.total_minor),
            lines,
        },
    };
    recorded(app, call, &new, Some(paper)).await
}

/// The document that an invoice was read from, sealed as the file that it will be.
pub(super) struct Paper {
    id: ProcurementFileId,
    sha256: String,
    size: i64,
    sealed: Vec<u8>,
}

impl Paper {
    async fn of(app: &App, xml: &str) -> Result<Self, Error> {
        let (id, house, bytes) = (ProcurementFileId::new(app.clock().now()), app.clone(), xml.as_bytes().to_vec());
        let size = i64::try_from(bytes.len()).map_err(Error::internal)?;
        let sealing = move || -> Result<(String, Vec<u8>), Error> {
            Ok((sha256_hex(&bytes), house.vault().seal(&content_place(id), &bytes)?))
        };
        let (sha256, sealed) = aside(sealing).await?;
        Ok(Self { id, sha256, size, sealed })
    }

    /// Keeps it as a file of the invoice, attached by whoever records that.
    pub(super) async fn keep(self, work: &Work, owner: OrganisationId, row: &invoice::Model) -> Result<(), Error> {
        let made = file::Model {
            id: self.id,
            owner_id: owner,
            buyer_id: row.buyer_id,
            supplier_id: Some(row.supplier_id),
            rfq_id: None,
            quotation_id: None,
            agreement_id: None,
            order_id: None,
            receipt_id: None,
            invoice_id: None,
            name: Some(format!("{}.xml", row.invoice_no)),
            sealed_name: None,
            sha256: self.sha256,
            media_type: "application/xml".to_owned(),
            size: self.size,
            attached_by: work.viewer().subject(),
            attached_at: work.now,
            kept_at: Some(work.now),
        }
        .on(FileSubject::Invoice(row.id));
        file::Entity::insert(made.into_active_model()).exec_without_returning(work.tx()).await?;
        let body = file::content::Model { file_id: self.id, body: self.sealed };
        file::content::Entity::insert(body.into_active_model()).exec_without_returning(work.tx()).await?;
        Ok(())
    }
}

/// The organisation that these codes are of; none: it has none. A code that nobody has, and codes of two, are refused.
async fn party(db: &impl ConnectionTrait, codes: &[String], role: &str) -> Result<Option<OrganisationId>, Error> {
    if codes.is_empty() {
        return Ok(None);
    }
    let ids = codes.iter().filter_map(|code| decode::<OrganisationId>(&ID(code.clone()), "xml").ok());
    let known = Condition::any()
        .add(organisation::Column::Uscc.is_in(codes.iter().map(|code| code.to_uppercase())))
        .add(organisation::Column::Id.is_in(ids));
    let found = organisation::Entity::find().filter(known).order_by_asc(organisation::Column::Id).limit(2);
    match found.all(db).await?[..] {
        [] => Err(invalid(&format!("no organisation has the code of the {role}"))),
        [ref one] => Ok(Some(one.id)),
        _ => Err(invalid(&format!("the codes of the {role} are of several organisations"))),
    }
}

/// On which side of the invoice the organisation acted for is, and who is on the other.
async fn who(
    db: &impl ConnectionTrait,
    own: OrganisationId,
    read: &UblInvoice,
    buyer: Option<OrganisationId>,
) -> Result<Other, Error> {
    let seller = party(db, &read.seller, "seller").await?;
    let named = party(db, &read.buyer, "buyer").await?;
    if let Some(buyer) = buyer.or_else(|| named.filter(|_| seller == Some(own))) {
        if seller.is_some_and(|seller| seller != own) || named.is_some_and(|named| named != buyer) {
            return Err(invalid("it is of another seller, or for another buyer"));
        }
        return Ok(Other::Buyer(buyer));
    }
    if seller == Some(own) {
        return Err(Refusal::new(ErrorCode::Required).at("buyerId").into());
    }
    if named.is_some_and(|named| named != own) {
        return Err(invalid("it is for another buyer"));
    }
    seller.map(Other::Supplier).ok_or_else(|| invalid("it has no code of the seller"))
}

/// The papers that an invoice in UBL names, by their numbers.
struct Papers {
    orders: HashMap<String, Vec<order::line::Model>>,
    receipts: HashMap<String, Vec<receipt::line::Model>>,
}

impl Papers {
    async fn of(db: &impl ConnectionTrait, sides: Sides, read: &UblInvoice) -> Result<Self, Error> {
        let numbers: BTreeSet<&String> =
            read.lines.iter().filter_map(|line| line.order.as_ref()).chain(&read.order).collect();
        let orders = order::Entity::find()
            .filter(order::Column::Number.is_in(numbers.iter().map(|number| number.as_str())))
            .filter(order::Column::SupplierId.eq(sides.supplier));
        let orders: Vec<order::Model> = orders.all(db).await?.into_iter().filter(|row| sides.may_name(row)).collect();
        let ids: Vec<PurchaseOrderId> = orders.iter().map(|row| row.id).collect();
        let lines = order::line::Entity::find()
            .filter(order::line::Column::OrderId.is_in(ids.iter().copied()))
            .order_by_asc(order::line::Column::Position);
        let lines = lines.all(db).await?;
        let of_order = |row: &order::Model| -> Vec<order::line::Model> {
            lines.iter().filter(|line| line.order_id == row.id).cloned().collect()
        };
        let by_number = orders.iter().map(|row| (row.number.clone(), of_order(row))).collect();

        let numbers: BTreeSet<&String> =
            read.lines.iter().filter_map(|line| line.receipt.as_ref()).chain(&read.receipts).collect();
        let receipts = receipt::Entity::find()
            .filter(receipt::Column::Number.is_in(numbers.iter().map(|number| number.as_str())))
            .filter(receipt::Column::OrderId.is_in(ids))
            .filter(receipt::Column::Kind.eq(ReceiptKind::Receipt))
            .filter(receipt::Column::State.eq(ReceiptState::Posted))
            .all(db)
            .await?;
        let ids: Vec<GoodsReceiptId> = receipts.iter().map(|row| row.id).collect();
        let lines = receipt::line::Entity::find()
            .filter(receipt::line::Column::ReceiptId.is_in(ids))
            .order_by_asc(receipt::line::Column::Position);
        let lines = lines.all(db).await?;
        let of_receipt = |row: &receipt::Model| -> Vec<receipt::line::Model> {
            lines.iter().filter(|line| line.receipt_id == row.id).cloned().collect()
        };
        let receipts = receipts.iter().map(|row| (row.number.clone(), of_receipt(row))).collect();
        Ok(Self { orders: by_number, receipts })
    }

    /// A line, with what it names; what is not found is left open, and the match says so.
    fn line(&self, read: &UblInvoice, line: &UblLine) -> NewLine {
        let order = line.order.as_ref().or(read.order.as_ref()).and_then(|number| self.orders.get(number));
        let ordered = order.and_then(|lines| match line.order_line.as_deref() {
            Some(told) => lines.iter().find(|one| is_place(told, one.position) || told == encode(one.id).as_str()),
            None => lines.first().filter(|_| lines.len() == 1),
        });
        // One receipt for the whole invoice, or each line names its own.
        let whole = read.receipts.first().filter(|_| read.receipts.len() == 1);
        let receipt = line.receipt.as_ref().or(whole).and_then(|number| self.receipts.get(number));
        let mut delivered =
            receipt.into_iter().flatten().filter(|one| Some(one.order_line_id) == ordered.map(|o| o.id));
        let delivery = match line.receipt_line.as_deref() {
            Some(told) => delivered.find(|one| is_place(told, one.position)),
            // Several lots of one line in one receipt: no one of them is meant.
            None => delivered.next().filter(|_| delivered.next().is_none()),
        };
        NewLine {
            order_line: ordered.map(|one| one.id),
            receipt_line: delivery.map(|one| one.id),
            description: Some(line.description.chars().take(300).collect()),
            quantity: line.quantity,
            price: line.price,
            amount_minor: Some(line.amount_minor),
            tax_ppm: Some(line.tax_ppm),
        }
    }
}

/// Whether a number told, counted from 1 as papers count, is that of a place.
fn is_place(told: &str, position: i32) -> bool {
    told.parse::<i32>().is_ok_and(|told| told.checked_sub(1) == Some(position))
}
