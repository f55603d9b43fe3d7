//! Files of procurement (采购附件): specifications, certificates, quotations on paper, invoices. A file is known by the
//! hash of its bytes, which come after it and are kept sealed; it hangs on one thing and is seen by whoever sees
//! that.

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    logistics::proof,
    values::id::{
        GoodsReceiptId, OrganisationId, ProcurementFileId, PurchaseOrderId, QuotationId, RfqId, SupplierInvoiceId,
        SupplyAgreementId,
    },
};

/// On which thing a file hangs (附件归属).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileSubject {
    /// A request for quotations.
    Rfq(RfqId),
    /// A quotation.
    Quotation(QuotationId),
    /// A framework agreement.
    Agreement(SupplyAgreementId),
    /// A purchase order.
    Order(PurchaseOrderId),
    /// A receipt of goods.
    Receipt(GoodsReceiptId),
    /// An invoice of a supplier.
    Invoice(SupplierInvoiceId),
}

/// Whether bytes begin as a medium does.
type Begins = fn(&[u8]) -> bool;

/// What a file may be besides what a proof may, and how its bytes begin. A text has no beginning of its own: it is none
/// when it holds what no text does.
const MEDIA: [(&str, Begins); 4] = [
    ("text/csv", is_text),
    ("text/xml", is_xml),
    ("application/xml", is_xml),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", |bytes| bytes.starts_with(b"PK\x03\x04")),
];

fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty() && !bytes.contains(&0)
}

fn is_xml(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.trim_ascii_start().starts_with(b"<") && is_text(text)
}

/// Whether a file may be of a media type.
pub fn is_known(media_type: &str) -> bool {
    proof::is_known(media_type) || MEDIA.iter().any(|(known, _)| *known == media_type)
}

/// Whether bytes begin as those of a media type do.
pub fn begins_as(media_type: &str, bytes: &[u8]) -> bool {
    proof::begins_as(media_type, bytes) || MEDIA.iter().any(|(known, begins)| *known == media_type && begins(bytes))
}

/// A row of `procurement_file`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize, Deserialize)]
#[sea_orm(table_name = "procurement_file")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProcurementFileId,
    /// Who attached it.
    pub owner_id: OrganisationId,
    /// Who buys.
    pub buyer_id: OrganisationId,
    /// Who supplies; none: it hangs on an RFQ.
    pub supplier_id: Option<OrganisationId>,
    /// On which RFQ it hangs.
    pub rfq_id: Option<RfqId>,
    /// On which quotation.
    pub quotation_id: Option<QuotationId>,
    /// On which agreement.
    pub agreement_id: Option<SupplyAgreementId>,
    /// On which order.
    pub order_id: Option<PurchaseOrderId>,
    /// On which receipt.
    pub receipt_id: Option<GoodsReceiptId>,
    /// On which invoice.
    pub invoice_id: Option<SupplierInvoiceId>,
    /// What it is called; none: that is sealed.
    pub name: Option<String>,
    /// What it is called, sealed: of a quotation no column tells.
    #[serde(skip)]
    pub sealed_name: Option<Vec<u8>>,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: i64,
    /// Who attached it.
    pub attached_by: String,
    /// When.
    pub attached_at: DateTimeUtc,
    /// Since when its bytes are here.
    pub kept_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// On what it hangs.
    pub fn subject(&self) -> Option<FileSubject> {
        let rfq = self.rfq_id.map(FileSubject::Rfq);
        rfq.or(self.quotation_id.map(FileSubject::Quotation))
            .or(self.agreement_id.map(FileSubject::Agreement))
            .or(self.order_id.map(FileSubject::Order))
            .or(self.receipt_id.map(FileSubject::Receipt))
            .or(self.invoice_id.map(FileSubject::Invoice))
    }

    /// The same file on this and nothing else.
    #[must_use]
    pub fn on(mut self, subject: FileSubject) -> Self {
        (self.rfq_id, self.quotation_id, self.agreement_id) = (None, None, None);
        (self.order_id, self.receipt_id, self.invoice_id) = (None, None, None);
        match subject {
            FileSubject::Rfq(id) => self.rfq_id = Some(id),
            FileSubject::Quotation(id) => self.quotation_id = Some(id),
            FileSubject::Agreement(id) => self.agreement_id = Some(id),
            FileSubject::Order(id) => self.order_id = Some(id),
            FileSubject::Receipt(id) => self.receipt_id = Some(id),
            FileSubject::Invoice(id) => self.invoice_id = Some(id),
        }
        self
    }
}

/// The bytes of a file, which are never changed.
pub mod content {
    use crate::Relation;
    use sea_orm::entity::prelude::*;

    use crate::values::id::ProcurementFileId;

    /// A row of `procurement_file_content`.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "procurement_file_content")]
    pub struct Model {
        /// Of which file.
        #[sea_orm(primary_key, auto_increment = false)]
        pub file_id: ProcurementFileId,
        /// Its bytes, sealed.
        pub body: Vec<u8>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn bytes_are_what_they_say_by_how_they_begin() {
        const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        let table: [(&str, &[u8], bool); 13] = [
            ("application/pdf", b"%PDF-1.7", true),
            ("application/pdf", b"<html>", false),
            ("image/png", b"\x89PNG\r\n\x1a\n....", true),
            ("text/csv", "行,价格\n1,2\n".as_bytes(), true),
            ("text/csv", b"MZ\0\0", false),
            ("text/csv", b"", false),
            ("text/xml", b"<Invoice/>", true),
            ("text/xml", b"\xef\xbb\xbf\n <Invoice/>", true),
            ("application/xml", b"Invoice", false),
            ("application/xml", b"<\0", false),
            (SHEET, b"PK\x03\x04....", true),
            (SHEET, b"PK", false),
            ("text/html", b"<html>", false),
        ];
        for (media_type, bytes, expected) in table {
            assert_eq!(begins_as(media_type, bytes), expected, "{media_type} {bytes:?}");
        }
        assert!(!is_known("text/html") && is_known("text/csv") && is_known("image/heic"));
    }

    #[test]
    fn a_file_hangs_on_one_thing() {
        let id = Uuid::from_u128(7);
        let bare = Model {
            id: ProcurementFileId(id),
            owner_id: OrganisationId(id),
            buyer_id: OrganisationId(id),
            supplier_id: None,
            rfq_id: None,
            quotation_id: None,
            agreement_id: None,
            order_id: None,
            receipt_id: None,
            invoice_id: None,
            name: None,
            sealed_name: None,
            sha256: String::new(),
            media_type: String::new(),
            size: 1,
            attached_by: String::new(),
            attached_at: chrono::DateTime::UNIX_EPOCH,
            kept_at: None,
        };
        assert_eq!(bare.subject(), None);
        let mut file = bare;
        for subject in [
            FileSubject::Rfq(RfqId(id)),
            FileSubject::Quotation(QuotationId(id)),
            FileSubject::Agreement(SupplyAgreementId(id)),
            FileSubject::Order(PurchaseOrderId(id)),
            FileSubject::Receipt(GoodsReceiptId(id)),
            FileSubject::Invoice(SupplierInvoiceId(id)),
        ] {
            file = file.on(subject);
            assert_eq!(file.subject(), Some(subject));
        }
    }
}
