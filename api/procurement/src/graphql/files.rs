//! Files of procurement in the schema: each is seen by whoever sees what it hangs on.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    procurement::{FileSubject, file},
    values::id::{GoodsReceiptId, PurchaseOrderId, QuotationId, RfqId, SupplierInvoiceId, SupplyAgreementId},
};
use party::graphql::Organisation;
use platform::{
    error::{Error, not_found},
    graphql::{Connection, ContextExt, NodeKind, encode, id},
    page::PageArgs,
    payload,
};

use crate::{
    loaders::{self, rfqs::FilesOf},
    ops::files::{self as ops, NewFile},
};

/// On what a file hangs (附件归属).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum FileSubjectKind {
    /// A request for quotations (询价单).
    Rfq,
    /// A quotation (报价).
    Quotation,
    /// A framework agreement (框架协议).
    SupplyAgreement,
    /// A purchase order (采购订单).
    PurchaseOrder,
    /// A receipt of goods (收货单).
    GoodsReceipt,
    /// An invoice of a supplier (供应商发票).
    SupplierInvoice,
}

/// A file that hangs on a thing of procurement (采购附件).
#[derive(Clone, Debug)]
pub(crate) struct ProcurementFile(pub file::Model);

/// A file that hangs on a thing of procurement (采购附件).
#[Object]
impl ProcurementFile {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// On what it hangs (归属类型).
    async fn subject(&self) -> Option<FileSubjectKind> {
        Some(match self.0.subject()? {
            FileSubject::Rfq(_) => FileSubjectKind::Rfq,
            FileSubject::Quotation(_) => FileSubjectKind::Quotation,
            FileSubject::Agreement(_) => FileSubjectKind::SupplyAgreement,
            FileSubject::Order(_) => FileSubjectKind::PurchaseOrder,
            FileSubject::Receipt(_) => FileSubjectKind::GoodsReceipt,
            FileSubject::Invoice(_) => FileSubjectKind::SupplierInvoice,
        })
    }

    /// Who attached it.
    async fn owner(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        Ok(party::loaders::of(context).load_one(self.0.owner_id).await?.map(Organisation))
    }

    /// What it is called (名称).
    async fn name(&self, context: &Context<'_>) -> Result<String> {
        Ok(ops::name(context.app(), &self.0)?)
    }

    /// SHA-256 of its bytes, in hex (内容哈希).
    async fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// Its media type (媒体类型).
    async fn media_type(&self) -> &str {
        &self.0.media_type
    }

    /// Its size in bytes (大小).
    async fn size(&self) -> i64 {
        self.0.size
    }

    /// When it was attached (上传时间).
    async fn attached_at(&self) -> DateTime<Utc> {
        self.0.attached_at
    }

    /// Where on this server its bytes are posted to, as they are, and read from; both with the token (内容地址).
    async fn path(&self) -> String {
        format!("/procurement/files/{}", encode(self.0.id).0)
    }

    /// Since when its bytes are here; null: they did not come yet (内容接收时间).
    async fn kept_at(&self) -> Option<DateTime<Utc>> {
        self.0.kept_at
    }
}

/// A file that is attached by its hash (上传附件).
#[derive(InputObject)]
pub(crate) struct AttachProcurementFileInput {
    /// On what: a request, a quotation, an agreement, an order, a receipt or an invoice.
    subject_id: ID,
    /// What it is called.
    name: String,
    /// Its media type: JPEG, PNG, WebP, HEIC, PDF, CSV, XML or XLSX.
    media_type: String,
    /// SHA-256 of its bytes, in hex.
    sha256: String,
    /// Its size in bytes.
    size: i64,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `attachProcurementFile`.
    AttachProcurementFilePayload { /// The file.
        file: ProcurementFile }
}

/// A page of what hangs on a thing, first attached first.
pub(super) async fn attached(
    context: &Context<'_>,
    of: FileSubject,
    page: PageArgs,
) -> Result<Connection<ProcurementFile>> {
    let rows = loaders::of(context).load_one(FilesOf(of)).await?.unwrap_or_default();
    let rows = ops::list(rows, &page)?;
    Ok(Connection::new(rows, None, |row| (ops::cursor(&row), ProcurementFile(row))))
}

/// What an id of a thing that takes files names.
fn subject(of: &ID) -> Result<FileSubject, Error> {
    Ok(match id::open(of) {
        Some((NodeKind::Rfq, uuid)) => FileSubject::Rfq(RfqId(uuid)),
        Some((NodeKind::Quotation, uuid)) => FileSubject::Quotation(QuotationId(uuid)),
        Some((NodeKind::SupplyAgreement, uuid)) => FileSubject::Agreement(SupplyAgreementId(uuid)),
        Some((NodeKind::PurchaseOrder, uuid)) => FileSubject::Order(PurchaseOrderId(uuid)),
        Some((NodeKind::GoodsReceipt, uuid)) => FileSubject::Receipt(GoodsReceiptId(uuid)),
        Some((NodeKind::SupplierInvoice, uuid)) => FileSubject::Invoice(SupplierInvoiceId(uuid)),
        _ => return Err(not_found("subjectId", of.chars().take(60).collect::<String>())),
    })
}

/// Mutations of files.
#[derive(Default)]
pub(crate) struct FileMutation;

#[Object]
impl FileMutation {
    /// Attaches a file by the hash of its bytes, which are then posted to its `path` (上传附件).
    async fn attach_procurement_file(
        &self,
        context: &Context<'_>,
        input: AttachProcurementFileInput,
    ) -> Result<AttachProcurementFilePayload> {
        let call = context.call(Action::AttachProcurementFiles)?;
        let new = NewFile { name: input.name, sha256: input.sha256, media_type: input.media_type, size: input.size };
        let result = async { ops::attach(context.app(), &call, subject(&input.subject_id)?, &new).await };
        AttachProcurementFilePayload::new(context, input.client_mutation_id, result.await.map(ProcurementFile))
    }
}
