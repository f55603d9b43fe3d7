//! Opaque ids: clients pass them back and never look inside. Inside is the kind and the UUID, so that
//! `node(id)` knows where to look and an offer's id is no product's.

use async_graphql::ID;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::values::{
    ErrorCode, Refusal,
    id::{
        AppointmentId, AssignmentNoticeId, AuditEntryId, AuditRoundId, BankAccountId, BankReceiptId,
        BondedDisplayAlarmId, BondedDisplayId, BondedDisplayPartId, BondedEntryId, BondedItemId, BrandId, CartId,
        CartLineId, CategoryId, CheckoutId, ClientKeyId, CommissionRuleId, ConfirmationId, CounterSaleId,
        CreditLimitId, CustomsArrangementId, CustomsMessageId, CustomsPaperId, CustomsReceiptId, CustomsRequestId,
        DebitNoteId, DeclarationId, DeviceId, DisplayGuaranteeEntryId, DisplayId, EvidencePackageId, ExportId,
        ExportSummaryId, FilingId, FinancePostingId, FinancingFactId, FinancingId, FinancingLimitId, FinancingOfferId,
        FinancingProgrammeId, FinancingRequestId, FixtureId, GatePassId, GoodsFilingId, GoodsReceiptId,
        GoodsReceiptLineId, GuaranteeEntryId, HandlingUnitId, ImportListLineId, InboundId, InboundLineId, InvitationId,
        InvoiceMatchId, JobId, LeaseId, LedgerEntryId, MachineClientId, MatchToleranceId, MembershipId, OfferId,
        OrderEventId, OrderId, OrganisationId, PayableId, PaymentId, PayoutId, PersonId, PlaceId, PlanogramId,
        ProcurementFileId, ProductChangeId, ProductId, ProofId, PurchaseApprovalId, PurchaseOrderId,
        PurchaseOrderLineId, PurchasePolicyId, QuotationId, QuoteId, ReceiptInspectionId, ReceivableId, RefundId,
        RfqAwardId, RfqComparisonId, RfqId, RfqInvitationId, RfqLineId, RfqQuestionId, SampleLoanId, SampleLoanLineId,
        SampleLoanReturnId, SessionId, ShipmentHoldId, ShipmentId, ShipmentLegId, ShippingRateId, ShowroomId,
        ShowroomWriteOffId, ShowroomZoneId, SlotId, SpendingLimitId, StockBalanceId, StockCountId, StockLocationId,
        StockMoveId, StockTransferId, StockTransferLineId, SupplierInvoiceId, SupplierInvoiceLineId,
        SupplierScorecardId, SupplyAgreementId, SupplyAgreementLineId, TariffRowId, TaxBillId, TemperatureSampleId,
        TrackingEventId, VariantId, VisitId, VisitSlotId, WebhookDeliveryId, WebhookEndpointId, ZonePolicyId,
    },
};
use uuid::Uuid;

use crate::error::Error;

/// What an id identifies. The numbers are part of ids that clients keep: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the node types")]
pub enum NodeKind {
    Place = 1,
    Organisation = 2,
    Category = 3,
    Brand = 4,
    Product = 5,
    Variant = 6,
    Offer = 7,
    ProductChange = 8,
    Person = 9,
    Session = 10,
    Membership = 11,
    Invitation = 12,
    MachineClient = 13,
    ClientKey = 14,
    BankAccount = 15,
    Filing = 16,
    WebhookEndpoint = 17,
    WebhookDelivery = 18,
    Job = 19,
    AuditEntry = 20,
    StockLocation = 21,
    StockBalance = 22,
    StockMove = 23,
    TariffRow = 40,
    ImportListLine = 41,
    ZonePolicy = 42,
    ShippingRate = 43,
    StockCount = 24,
    StockTransfer = 25,
    StockTransferLine = 26,
    BondedItem = 27,
    BondedEntry = 28,
    Inbound = 29,
    InboundLine = 30,
    GatePass = 31,
    Payment = 50,
    Refund = 51,
    LedgerEntry = 52,
    CommissionRule = 53,
    Payout = 54,
    BankReceipt = 55,
    Cart = 60,
    CartLine = 61,
    Quote = 62,
    Checkout = 63,
    Order = 64,
    OrderEvent = 65,
    CreditLimit = 66,
    Declaration = 70,
    CustomsPaper = 71,
    CustomsReceipt = 72,
    CustomsMessage = 73,
    CustomsArrangement = 74,
    GoodsFiling = 75,
    CustomsRequest = 76,
    TaxBill = 77,
    GuaranteeEntry = 78,
    Shipment = 80,
    ShipmentLeg = 81,
    HandlingUnit = 82,
    TrackingEvent = 83,
    ShipmentHold = 84,
    TemperatureSample = 85,
    Proof = 86,
    ExportDeclaration = 100,
    ExportSummary = 101,
    Showroom = 110,
    ShowroomZone = 111,
    Fixture = 112,
    Slot = 113,
    Planogram = 114,
    Display = 115,
    BondedDisplay = 116,
    BondedDisplayPart = 117,
    BondedDisplayAlarm = 118,
    DisplayGuaranteeEntry = 119,
    VisitSlot = 120,
    Appointment = 121,
    Visit = 122,
    SampleLoan = 125,
    SampleLoanLine = 126,
    SampleLoanReturn = 127,
    ShowroomWriteOff = 128,
    AuditRound = 129,
    ShowroomDevice = 130,
    StockLease = 131,
    CounterSale = 132,
    Rfq = 140,
    RfqLine = 141,
    RfqInvitation = 142,
    RfqQuestion = 143,
    Quotation = 144,
    ProcurementFile = 145,
    RfqComparison = 146,
    RfqAward = 147,
    PurchasePolicy = 148,
    SpendingLimit = 149,
    SupplyAgreement = 150,
    SupplyAgreementLine = 151,
    PurchaseOrder = 152,
    PurchaseOrderLine = 153,
    PurchaseApproval = 154,
    GoodsReceipt = 155,
    GoodsReceiptLine = 156,
    ReceiptInspection = 157,
    MatchTolerance = 158,
    SupplierInvoice = 159,
    SupplierInvoiceLine = 160,
    InvoiceMatch = 161,
    DebitNote = 162,
    Payable = 163,
    SupplierScorecard = 164,
    Receivable = 165,
    ReceivableConfirmation = 166,
    FinancingProgramme = 167,
    FinancingLimit = 168,
    FinancingRequest = 169,
    FinancingOffer = 170,
    EvidencePackage = 171,
    AssignmentNotice = 172,
    Financing = 173,
    FinancingFact = 174,
    FinancePosting = 175,
}

/// A typed id that clients see.
pub trait NodeId: Copy {
    /// Its kind.
    const KIND: NodeKind;
    /// The UUID inside.
    fn uuid(self) -> Uuid;
    /// The typed id of a UUID.
    fn of(uuid: Uuid) -> Self;
}

macro_rules! node_ids {
    ($($id:ident is $kind:ident),+ $(,)?) => {
        $(impl NodeId for $id {
            const KIND: NodeKind = NodeKind::$kind;
            fn uuid(self) -> Uuid { self.0 }
            fn of(uuid: Uuid) -> Self { Self(uuid) }
        })+

        impl NodeKind {
            fn of_number(number: u8) -> Option<Self> {
                [$(Self::$kind),+].into_iter().find(|kind| *kind as u8 == number)
            }
        }
    };
}

node_ids! {
    PlaceId is Place,
    OrganisationId is Organisation,
    CategoryId is Category,
    BrandId is Brand,
    ProductId is Product,
    VariantId is Variant,
    OfferId is Offer,
    ProductChangeId is ProductChange,
    PersonId is Person,
    SessionId is Session,
    MembershipId is Membership,
    InvitationId is Invitation,
    MachineClientId is MachineClient,
    ClientKeyId is ClientKey,
    BankAccountId is BankAccount,
    FilingId is Filing,
    WebhookEndpointId is WebhookEndpoint,
    WebhookDeliveryId is WebhookDelivery,
    JobId is Job,
    AuditEntryId is AuditEntry,
    StockLocationId is StockLocation,
    StockBalanceId is StockBalance,
    StockMoveId is StockMove,
    TariffRowId is TariffRow,
    ImportListLineId is ImportListLine,
    ZonePolicyId is ZonePolicy,
    ShippingRateId is ShippingRate,
    StockCountId is StockCount,
    StockTransferId is StockTransfer,
    StockTransferLineId is StockTransferLine,
    BondedItemId is BondedItem,
    BondedEntryId is BondedEntry,
    InboundId is Inbound,
    InboundLineId is InboundLine,
    GatePassId is GatePass,
    PaymentId is Payment,
    RefundId is Refund,
    LedgerEntryId is LedgerEntry,
    CommissionRuleId is CommissionRule,
    PayoutId is Payout,
    BankReceiptId is BankReceipt,
    CartId is Cart,
    CartLineId is CartLine,
    QuoteId is Quote,
    CheckoutId is Checkout,
    OrderId is Order,
    OrderEventId is OrderEvent,
    CreditLimitId is CreditLimit,
    DeclarationId is Declaration,
    CustomsPaperId is CustomsPaper,
    CustomsReceiptId is CustomsReceipt,
    CustomsMessageId is CustomsMessage,
    CustomsArrangementId is CustomsArrangement,
    GoodsFilingId is GoodsFiling,
    CustomsRequestId is CustomsRequest,
    TaxBillId is TaxBill,
    GuaranteeEntryId is GuaranteeEntry,
    ShipmentId is Shipment,
    ShipmentLegId is ShipmentLeg,
    HandlingUnitId is HandlingUnit,
    TrackingEventId is TrackingEvent,
    ShipmentHoldId is ShipmentHold,
    TemperatureSampleId is TemperatureSample,
    ProofId is Proof,
    ExportId is ExportDeclaration,
    ExportSummaryId is ExportSummary,
    ShowroomId is Showroom,
    ShowroomZoneId is ShowroomZone,
    FixtureId is Fixture,
    SlotId is Slot,
    PlanogramId is Planogram,
    DisplayId is Display,
    AuditRoundId is AuditRound,
    DeviceId is ShowroomDevice,
    LeaseId is StockLease,
    CounterSaleId is CounterSale,
    BondedDisplayId is BondedDisplay,
    BondedDisplayPartId is BondedDisplayPart,
    BondedDisplayAlarmId is BondedDisplayAlarm,
    DisplayGuaranteeEntryId is DisplayGuaranteeEntry,
    VisitSlotId is VisitSlot,
    AppointmentId is Appointment,
    VisitId is Visit,
    SampleLoanId is SampleLoan,
    SampleLoanLineId is SampleLoanLine,
    SampleLoanReturnId is SampleLoanReturn,
    ShowroomWriteOffId is ShowroomWriteOff,
    RfqId is Rfq,
    RfqLineId is RfqLine,
    RfqInvitationId is RfqInvitation,
    RfqQuestionId is RfqQuestion,
    QuotationId is Quotation,
    ProcurementFileId is ProcurementFile,
    RfqComparisonId is RfqComparison,
    RfqAwardId is RfqAward,
    PurchasePolicyId is PurchasePolicy,
    SpendingLimitId is SpendingLimit,
    SupplyAgreementId is SupplyAgreement,
    SupplyAgreementLineId is SupplyAgreementLine,
    PurchaseOrderId is PurchaseOrder,
    PurchaseOrderLineId is PurchaseOrderLine,
    PurchaseApprovalId is PurchaseApproval,
    GoodsReceiptId is GoodsReceipt,
    GoodsReceiptLineId is GoodsReceiptLine,
    ReceiptInspectionId is ReceiptInspection,
    MatchToleranceId is MatchTolerance,
    SupplierInvoiceId is SupplierInvoice,
    SupplierInvoiceLineId is SupplierInvoiceLine,
    InvoiceMatchId is InvoiceMatch,
    DebitNoteId is DebitNote,
    PayableId is Payable,
    SupplierScorecardId is SupplierScorecard,
    ReceivableId is Receivable,
    ConfirmationId is ReceivableConfirmation,
    FinancingProgrammeId is FinancingProgramme,
    FinancingLimitId is FinancingLimit,
    FinancingRequestId is FinancingRequest,
    FinancingOfferId is FinancingOffer,
    EvidencePackageId is EvidencePackage,
    AssignmentNoticeId is AssignmentNotice,
    FinancingId is Financing,
    FinancingFactId is FinancingFact,
    FinancePostingId is FinancePosting,
}

/// The id as clients see it.
pub fn encode<I: NodeId>(id: I) -> ID {
    let mut bytes = vec![I::KIND as u8];
    bytes.extend_from_slice(id.uuid().as_bytes());
    ID(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Kind and UUID of any id; none when it is not one of ours.
pub fn open(id: &ID) -> Option<(NodeKind, Uuid)> {
    if id.len() > 40 {
        return None;
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(id.as_bytes()).ok()?;
    let (kind, uuid) = bytes.split_first()?;
    Some((NodeKind::of_number(*kind)?, Uuid::from_slice(uuid).ok()?))
}

/// The typed id in an input field; refused when it is another kind's or none at all.
pub fn decode<I: NodeId>(id: &ID, field: &str) -> Result<I, Error> {
    match open(id) {
        Some((kind, uuid)) if kind == I::KIND => Ok(I::of(uuid)),
        _ => {
            let start: String = id.chars().take(60).collect();
            Err(Refusal::new(ErrorCode::NotFound).with("value", start).at(field).into())
        }
    }
}

/// The same for a list.
pub fn decode_all<I: NodeId>(ids: &[ID], field: &str) -> Result<Vec<I>, Error> {
    ids.iter().map(|id| decode(id, field)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_as_its_own_kind_only() {
        let id = ProductId(Uuid::from_u128(7));
        let seen = encode(id);
        assert_eq!(decode::<ProductId>(&seen, "id").unwrap(), id);
        assert!(decode::<OfferId>(&seen, "id").is_err(), "a product's id passed for an offer's");
        for text in ["", "x", "AAAA", "BQAAAAAAAAAAAAAAAAAAAAc=", "!", &"A".repeat(1000)] {
            assert!(open(&ID(text.into())).is_none(), "{text}");
        }
    }
}
