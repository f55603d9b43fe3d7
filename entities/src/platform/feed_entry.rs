//! The change feed (变更流): what happened, one entry for each organisation that is told.
//!
//! `seq` is given when a row is written, `position` when it is committed and seen: a slow transaction may
//! commit a lower `seq` after a higher one was read, so cursors are positions (see `platform::feed`).

use crate::Relation;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::values::id::OrganisationId;

/// What happened (事件类型).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    Serialize,
    Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(48))")]
pub enum EventKind {
    /// A product became public (商品已发布).
    #[sea_orm(string_value = "product.published")]
    #[serde(rename = "product.published")]
    ProductPublished,
    /// A proposed product was sent back (商品被驳回).
    #[sea_orm(string_value = "product.rejected")]
    #[serde(rename = "product.rejected")]
    ProductRejected,
    /// A proposed change was decided (变更已裁决).
    #[sea_orm(string_value = "product_change.decided")]
    #[serde(rename = "product_change.decided")]
    ProductChangeDecided,
    /// A filing that one has, or may see, changed its state or what is in force (备案变更).
    #[sea_orm(string_value = "filing.changed")]
    #[serde(rename = "filing.changed")]
    FilingChanged,
    /// Somebody joined, left or changed roles (成员变更).
    #[sea_orm(string_value = "member.changed")]
    #[serde(rename = "member.changed")]
    MemberChanged,
    /// An order was placed, or changed its state (订单变更).
    #[sea_orm(string_value = "order.changed")]
    #[serde(rename = "order.changed")]
    OrderChanged,
    /// A declaration came to another state (申报状态变更).
    #[sea_orm(string_value = "declaration.changed")]
    #[serde(rename = "declaration.changed")]
    DeclarationChanged,
    /// A shipment was opened, or changed its state (运单变更).
    #[sea_orm(string_value = "shipment.changed")]
    #[serde(rename = "shipment.changed")]
    ShipmentChanged,
    /// A request for quotations was published, changed, opened, awarded or taken back (询价变更).
    #[sea_orm(string_value = "rfq.changed")]
    #[serde(rename = "rfq.changed")]
    RfqChanged,
    /// A quotation was made, replaced, taken back, or decided about (报价变更).
    #[sea_orm(string_value = "quotation.changed")]
    #[serde(rename = "quotation.changed")]
    QuotationChanged,
    /// A framework agreement came to another state (框架协议变更).
    #[sea_orm(string_value = "supply_agreement.changed")]
    #[serde(rename = "supply_agreement.changed")]
    SupplyAgreementChanged,
    /// An order to a supplier, or what came of it, changed (采购订单变更).
    #[sea_orm(string_value = "purchase_order.changed")]
    #[serde(rename = "purchase_order.changed")]
    PurchaseOrderChanged,
    /// Goods were taken in, inspected, sent back or taken back (收货变更).
    #[sea_orm(string_value = "goods_receipt.changed")]
    #[serde(rename = "goods_receipt.changed")]
    GoodsReceiptChanged,
    /// An invoice of a supplier was recorded, or came to another state (供应商发票变更).
    #[sea_orm(string_value = "supplier_invoice.changed")]
    #[serde(rename = "supplier_invoice.changed")]
    SupplierInvoiceChanged,
    /// A debit note was issued, or came to another state (借项通知变更).
    #[sea_orm(string_value = "debit_note.changed")]
    #[serde(rename = "debit_note.changed")]
    DebitNoteChanged,
    /// What is owed for an invoice changed (应付变更).
    #[sea_orm(string_value = "payable.changed")]
    #[serde(rename = "payable.changed")]
    PayableChanged,
    /// A receivable came to be, its debtor answered, or it is financed (应收账款变更).
    #[sea_orm(string_value = "receivable.changed")]
    #[serde(rename = "receivable.changed")]
    ReceivableChanged,
    /// A request for financing came to another state (融资申请变更).
    #[sea_orm(string_value = "financing_request.changed")]
    #[serde(rename = "financing_request.changed")]
    FinancingRequestChanged,
    /// A notice of assignment was sent, answered or revoked (转让通知变更).
    #[sea_orm(string_value = "assignment_notice.changed")]
    #[serde(rename = "assignment_notice.changed")]
    AssignmentNoticeChanged,
    /// Something of procurement waits, and its time comes or is over (采购催办).
    #[sea_orm(string_value = "procurement.reminded")]
    #[serde(rename = "procurement.reminded")]
    ProcurementReminded,
    /// A trial of a webhook endpoint (测试).
    #[sea_orm(string_value = "webhook.test")]
    #[serde(rename = "webhook.test")]
    WebhookTest,
}

impl EventKind {
    /// As partners read it: `filing.changed`.
    pub fn name(self) -> String {
        sea_orm::ActiveEnum::to_value(&self)
    }
}

/// A row of `feed_entry`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feed_entry")]
pub struct Model {
    /// In the order of writing.
    #[sea_orm(primary_key)]
    pub seq: i64,
    /// Identifier of the event, the same for every delivery.
    #[sea_orm(unique)]
    pub id: Uuid,
    /// In the order of reading; none until it is numbered.
    #[sea_orm(unique)]
    pub position: Option<i64>,
    /// Who is told.
    pub audience_id: OrganisationId,
    /// What happened.
    pub event: EventKind,
    /// To what, as an opaque id.
    #[sea_orm(column_type = "String(StringLen::N(40))")]
    pub node: String,
    /// In which version.
    pub version: i32,
    /// When.
    pub at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
