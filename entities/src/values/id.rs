//! Identifiers: one `UUIDv7` newtype per entity, so that a product's id cannot be passed for an offer's.

/// Declares a typed identifier: the newtype, its database mapping and its text form.
macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, sea_orm::DeriveValueType,
        )]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            /// A new, time-ordered identifier of the moment `at`.
            pub fn new(at: chrono::DateTime<chrono::Utc>) -> Self {
                Self(super::id::time_ordered(at))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        // sea-orm asks every primary key for this, also where no database ever counts one up.
        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )+};
}

typed_id! {
    /// Identifies a place of the zone (地点).
    PlaceId,
    /// Identifies an organisation (组织).
    OrganisationId,
    /// Identifies a category (类目).
    CategoryId,
    /// Identifies a brand (品牌).
    BrandId,
    /// Identifies an attribute definition (属性).
    AttributeId,
    /// Identifies a master product (商品).
    ProductId,
    /// Identifies a variant of a product (规格).
    VariantId,
    /// Identifies a picture, video or document of a product (媒体).
    MediaId,
    /// Identifies an offer (报价).
    OfferId,
    /// Identifies a proposed change of a product (变更申请).
    ProductChangeId,
    /// Identifies an entry of a product's history (变更历史).
    ProductHistoryId,
    /// Identifies a person (个人).
    PersonId,
    /// Identifies a way of signing in (登录方式).
    LoginId,
    /// Identifies a session (会话).
    SessionId,
    /// Identifies a membership (成员关系).
    MembershipId,
    /// Identifies an invitation (邀请).
    InvitationId,
    /// Identifies a machine client (机器客户端).
    MachineClientId,
    /// Identifies a key of a machine client (客户端密钥).
    ClientKeyId,
    /// Identifies a bank account (银行账户).
    BankAccountId,
    /// Identifies a filing (备案).
    FilingId,
    /// Identifies an entry of the audit (审计记录).
    AuditEntryId,
    /// Identifies a job (后台任务).
    JobId,
    /// Identifies a location of stock (库位).
    StockLocationId,
    /// Identifies a lot (批次).
    StockLotId,
    /// Identifies a move of stock (库存移动).
    StockMoveId,
    /// Identifies a balance of stock (库存余额).
    StockBalanceId,
    /// Identifies a promise of stock (库存占用).
    StockReservationId,
    /// Identifies a piece of a hot item (热点商品单件).
    StockUnitId,
    /// Identifies what came back of a document (退货累计).
    StockReturnId,
    /// Identifies a count of stock (盘点).
    StockCountId,
    /// Identifies a line of a count (盘点行).
    StockCountLineId,
    /// Identifies a transfer of stock (调拨单).
    StockTransferId,
    /// Identifies a line of a transfer (调拨行).
    StockTransferLineId,
    /// Identifies an item of an account book (账册项).
    BondedItemId,
    /// Identifies a cart (购物车).
    CartId,
    /// Identifies a line of a cart (购物车行).
    CartLineId,
    /// Identifies a quote (报价单).
    QuoteId,
    /// Identifies a checkout (结算单).
    CheckoutId,
    /// Identifies an order (订单).
    OrderId,
    /// Identifies an event of an order (订单动态).
    OrderEventId,
    /// Identifies a credit limit (赊销额度).
    CreditLimitId,
    /// Identifies what an order takes of a credit limit (额度占用).
    CreditEntryId,
    /// Identifies an approval rule (审批规则).
    ApprovalRuleId,
    /// Identifies a tariff row (税率行).
    TariffRowId,
    /// Identifies a line of the positive list (零售进口清单项).
    ImportListLineId,
    /// Identifies a policy of the zone (区内政策).
    ZonePolicyId,
    /// Identifies a seller's shipping rate (运费规则).
    ShippingRateId,
    /// Identifies what a buyer has taken of an allowance (个人额度).
    BuyerAllowanceId,
    /// Identifies what one document took of it (额度占用).
    AllowanceEntryId,
    /// Identifies an entry of an account book (账册流水).
    BondedEntryId,
    /// Identifies an inbound notice (入区申报).
    InboundId,
    /// Identifies a line of an inbound notice (入区申报行).
    InboundLineId,
    /// Identifies what was put into a bin (上架记录).
    PutAwayId,
    /// Identifies a verification list of customs (核注清单).
    VerificationListId,
    /// Identifies a gate pass (核放单).
    GatePassId,
    /// Identifies a payment (支付单).
    PaymentId,
    /// Identifies a refund (退款单).
    RefundId,
    /// Identifies an entry of the memo ledger (备查账分录).
    LedgerEntryId,
    /// Identifies a commission rule (佣金规则).
    CommissionRuleId,
    /// Identifies a payout batch (结算批次).
    PayoutId,
    /// Identifies a receipt of the bank (银行到账).
    BankReceiptId,
    /// Identifies a declaration (申报).
    DeclarationId,
    /// Identifies a paper of a declaration (申报单证).
    CustomsPaperId,
    /// Identifies a receipt of customs (回执).
    CustomsReceiptId,
    /// Identifies a raw message to or from customs (报文).
    CustomsMessageId,
    /// Identifies who does what at customs for a seller (申报关系).
    CustomsArrangementId,
    /// Identifies a filing of goods (商品备案).
    GoodsFilingId,
    /// Identifies what is asked of customs for a declaration (撤单或退货申请).
    CustomsRequestId,
    /// Identifies a tax bill of customs (电子税单).
    TaxBillId,
    /// Identifies an entry of a guarantee account (担保账户流水).
    GuaranteeEntryId,
    /// Identifies an export at customs (出口申报).
    ExportId,
    /// Identifies a summary of export lists (汇总申请).
    ExportSummaryId,
    /// Identifies a shipment (运单).
    ShipmentId,
    /// Identifies a leg of a shipment (运输段).
    ShipmentLegId,
    /// Identifies a handling unit (物流单元).
    HandlingUnitId,
    /// Identifies a tracking event (物流轨迹).
    TrackingEventId,
    /// Identifies a hold of a shipment (扣留).
    ShipmentHoldId,
    /// Identifies a temperature sample (温度采样).
    TemperatureSampleId,
    /// Identifies a proof of what happened (凭证).
    ProofId,
    /// Identifies a showroom (体验店).
    ShowroomId,
    /// Identifies a zone of a showroom (区域).
    ShowroomZoneId,
    /// Identifies a fixture (货架).
    FixtureId,
    /// Identifies a slot of a fixture (陈列位).
    SlotId,
    /// Identifies a planogram (陈列图).
    PlanogramId,
    /// Identifies a display (陈列).
    DisplayId,
    /// Identifies an audit round (巡检).
    AuditRoundId,
    /// Identifies a scan (扫码).
    ScanEventId,
    /// Identifies a scan that a buyer brought along (归因触点).
    TouchId,
    /// Identifies a device of staff (店员设备).
    DeviceId,
    /// Identifies what a device may sell without a network (离线配额).
    LeaseId,
    /// Identifies a sale at the counter (柜台销售).
    CounterSaleId,
    /// Identifies a bonded display (保税展示).
    BondedDisplayId,
    /// Identifies a part of a bonded display (保税展示明细).
    BondedDisplayPartId,
    /// Identifies something that happened to a bonded display (保税展示流水).
    BondedDisplayEventId,
    /// Identifies an alarm of a bonded display (保税展示预警).
    BondedDisplayAlarmId,
    /// Identifies something that happened to a guarantee for bonded displays (保税展示担保流水).
    DisplayGuaranteeEntryId,
    /// Identifies a slot of visits (预约时段).
    VisitSlotId,
    /// Identifies an appointment (预约).
    AppointmentId,
    /// Identifies a visit (到访).
    VisitId,
    /// Identifies a sample loan (借样).
    SampleLoanId,
    /// Identifies a line of a sample loan (借样明细).
    SampleLoanLineId,
    /// Identifies what came back of a sample loan (归还记录).
    SampleLoanReturnId,
    /// Identifies a write-off of a showroom (报损单).
    ShowroomWriteOffId,
    /// Identifies a line of it (报损明细).
    ShowroomWriteOffLineId,
    /// Identifies a request for quotations (询价单).
    RfqId,
    /// Identifies a line of it (询价明细).
    RfqLineId,
    /// Identifies an invitation to quote (询价邀请).
    RfqInvitationId,
    /// Identifies a question about a request for quotations (答疑).
    RfqQuestionId,
    /// Identifies a quotation of a supplier (供应商报价).
    QuotationId,
    /// Identifies a file of procurement (采购附件).
    ProcurementFileId,
    /// Identifies a comparison of quotations (比价).
    RfqComparisonId,
    /// Identifies an award (授标).
    RfqAwardId,
    /// Identifies a policy of approvals (采购审批策略).
    PurchasePolicyId,
    /// Identifies a spending limit (支出额度).
    SpendingLimitId,
    /// Identifies a framework agreement (框架协议).
    SupplyAgreementId,
    /// Identifies a line of a framework agreement (协议明细).
    SupplyAgreementLineId,
    /// Identifies a purchase order (采购订单).
    PurchaseOrderId,
    /// Identifies a line of a purchase order (采购明细).
    PurchaseOrderLineId,
    /// Identifies a step of the approval of a purchase order (采购审批).
    PurchaseApprovalId,
    /// Identifies what a purchase order takes of a limit or an agreement (采购占用).
    PurchaseCommitmentId,
    /// Identifies a goods receipt (收货单).
    GoodsReceiptId,
    /// Identifies a line of a goods receipt (收货明细).
    GoodsReceiptLineId,
    /// Identifies an inspection of what came (质检).
    ReceiptInspectionId,
    /// Identifies a tolerance of matching (匹配容差).
    MatchToleranceId,
    /// Identifies an invoice of a supplier (供应商发票).
    SupplierInvoiceId,
    /// Identifies a line of an invoice of a supplier (发票明细).
    SupplierInvoiceLineId,
    /// Identifies a match of order, receipt and invoice (三单匹配).
    InvoiceMatchId,
    /// Identifies a debit note (借项通知).
    DebitNoteId,
    /// Identifies what is owed for an invoice (应付).
    PayableId,
    /// Identifies what happened to a payable (应付流水).
    PayableEventId,
    /// Identifies a receivable (应收账款).
    ReceivableId,
    /// Identifies what happened to a receivable (应收流水).
    ReceivableEventId,
    /// Identifies that a debtor was asked to confirm (应收确认).
    ConfirmationId,
    /// Identifies a programme of a financier (融资项目).
    FinancingProgrammeId,
    /// Identifies a limit of a financier (授信额度).
    FinancingLimitId,
    /// Identifies what was taken of a limit (额度流水).
    FinancingLimitEntryId,
    /// Identifies a request for financing (融资申请).
    FinancingRequestId,
    /// Identifies a receivable of a request (融资申请明细).
    FinancingItemId,
    /// Identifies an offer of a financier (融资报价).
    FinancingOfferId,
    /// Identifies that a receivable is financed (应收占用).
    EncumbranceId,
    /// Identifies that an invoice is financed (融资指纹).
    FingerprintId,
    /// Identifies a version of an evidence package (证据包).
    EvidencePackageId,
    /// Identifies a notice of assignment (转让通知).
    AssignmentNoticeId,
    /// Identifies a receivable that money is out on (融资).
    FinancingId,
    /// Identifies what happened to a financing (融资事实).
    FinancingFactId,
    /// Identifies a leg of a posting of the memo ledger of financings (融资备查账分录).
    FinancePostingId,
    /// Identifies the end of a day in finance (日终).
    FinanceDayEndId,
    /// Identifies how suppliers are scored (供应商评分卡).
    SupplierScorecardId,
    /// Identifies a webhook endpoint (回调地址).
    WebhookEndpointId,
    /// Identifies a delivery to a webhook endpoint (回调投递).
    WebhookDeliveryId,
    /// Identifies an attempt of a delivery (投递尝试).
    WebhookAttemptId,
}

/// A `UUIDv7` of the moment `at`: new rows land at the end of an index.
pub fn time_ordered(at: chrono::DateTime<chrono::Utc>) -> uuid::Uuid {
    let seconds = u64::try_from(at.timestamp()).unwrap_or_default();
    // The shared context counts up within one millisecond, so ids made in one batch keep their order.
    uuid::Uuid::new_v7(uuid::Timestamp::from_unix(&COUNTER, seconds, at.timestamp_subsec_nanos()))
}

static COUNTER: std::sync::Mutex<uuid::ContextV7> = std::sync::Mutex::new(uuid::ContextV7::new());
