//! `node` and `nodes`: anything that stands alone, by its opaque id.

use async_graphql::{Context, ID, Interface, Object, Result};
use catalog::graphql::{Brand, Category, Offer, Product, ProductChange, Variant};
use customs::{
    exports::{self, graphql::ExportDeclaration},
    graphql::Declaration,
};
use entities::{
    party::Action,
    values::id::{
        BrandId, CategoryId, CheckoutId, DeclarationId, ExportId, FilingId, FinancingId, FinancingProgrammeId,
        FinancingRequestId, GoodsReceiptId, OfferId, OrderId, OrganisationId, PayableId, PlaceId, ProductChangeId,
        ProductId, PurchaseOrderId, QuotationId, RfqId, ShipmentId, ShowroomId, SupplierInvoiceId, SupplyAgreementId,
        VariantId,
    },
};
use finance::graphql::{
    financings::Financing, programmes::FinancingProgramme, receivables::Receivable, requests::FinancingRequest,
};
use logistics::graphql::Shipment;
use ordering::graphql::{checkout::Checkout, order::Order};
use party::graphql::{Organisation, Place, filings::Filing};
use platform::{
    error::Error,
    graphql::{ContextExt, NodeKind, connection::times, id},
};
use procurement::graphql::{
    agreements::SupplyAgreement, invoices::SupplierInvoice, orders::PurchaseOrder, payables::Payable,
    quotations::Quotation, receipts::GoodsReceipt, rfqs::Rfq,
};
use showroom::graphql::stores::Showroom;

/// Most ids of one `nodes`.
const MAX_IDS: usize = 100;

/// Anything that stands alone and has an id (节点).
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Opaque identifier."))]
pub(super) enum Node {
    /// A place.
    Place(Place),
    /// An organisation.
    Organisation(Organisation),
    /// A category.
    Category(Category),
    /// A brand.
    Brand(Brand),
    /// A product.
    Product(Product),
    /// A variant.
    Variant(Variant),
    /// An offer.
    Offer(Offer),
    /// A proposed change.
    ProductChange(ProductChange),
    /// A filing.
    Filing(Filing),
    /// A checkout.
    Checkout(Checkout),
    /// An order.
    Order(Order),
    /// A declaration.
    Declaration(Declaration),
    /// A shipment.
    Shipment(Shipment),
    /// An export.
    ExportDeclaration(ExportDeclaration),
    /// A showroom.
    Showroom(Showroom),
    /// A request for quotations.
    Rfq(Rfq),
    /// A quotation of a supplier.
    Quotation(Quotation),
    /// A framework agreement.
    SupplyAgreement(SupplyAgreement),
    /// An order to a supplier.
    PurchaseOrder(PurchaseOrder),
    /// A goods receipt.
    GoodsReceipt(GoodsReceipt),
    /// An invoice of a supplier.
    SupplierInvoice(SupplierInvoice),
    /// What is owed for an invoice.
    Payable(Payable),
    /// A receivable.
    Receivable(Receivable),
    /// A programme of a financier.
    FinancingProgramme(FinancingProgramme),
    /// A receivable that money is out on.
    Financing(Financing),
    /// A request for financing.
    FinancingRequest(FinancingRequest),
}

/// The part of the query root that finds anything by id.
#[derive(Default)]
pub(super) struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Anything that stands alone, by its id; null when there is none or it may not be seen (节点).
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifier.")] id: ID,
    ) -> Result<Option<Node>> {
        context.may(Action::ReadPublic)?;
        find(context, &id).await
    }

    /// The same for several ids, in their order; at most 100 (节点列表).
    #[graphql(complexity = "times(ids.len(), child_complexity)")]
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Opaque identifiers.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        context.may(Action::ReadPublic)?;
        if ids.len() > MAX_IDS {
            return Err(Error::BadInput(format!("nodes takes at most {MAX_IDS} ids")).into());
        }
        futures_util::future::try_join_all(ids.iter().map(|id| find(context, id))).await
    }
}

#[expect(clippy::too_many_lines, reason = "one line a kind, those that are no nodes included")]
async fn find(context: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let Some((kind, uuid)) = id::open(id) else { return Ok(None) };
    let (catalog, party, ordering) =
        (catalog::loaders::of(context), party::loaders::of(context), ordering::loaders::of(context));
    Ok(match kind {
        NodeKind::Place => party.load_one(PlaceId(uuid)).await?.map(|row| Node::Place(Place(row))),
        NodeKind::Organisation => {
            party.load_one(OrganisationId(uuid)).await?.map(|row| Node::Organisation(Organisation(row)))
        }
        NodeKind::Category => catalog.load_one(CategoryId(uuid)).await?.map(|row| Node::Category(Category(row))),
        NodeKind::Brand => catalog.load_one(BrandId(uuid)).await?.map(|row| Node::Brand(Brand(row))),
        NodeKind::Product => catalog.load_one(ProductId(uuid)).await?.map(|row| Node::Product(Product(row))),
        NodeKind::Variant => catalog.load_one(VariantId(uuid)).await?.map(|row| Node::Variant(Variant(row))),
        NodeKind::Offer => catalog.load_one(OfferId(uuid)).await?.map(|row| Node::Offer(Offer(row))),
        NodeKind::ProductChange => {
            catalog.load_one(ProductChangeId(uuid)).await?.map(|row| Node::ProductChange(ProductChange(row)))
        }
        NodeKind::Filing if context.may(Action::ReadFilings).is_err() => None,
        NodeKind::Filing => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            party::ops::filings::find_filing(db, viewer, FilingId(uuid)).await?.map(|row| Node::Filing(Filing(row)))
        }
        NodeKind::Checkout | NodeKind::Order if context.may(Action::ReadOrders).is_err() => None,
        NodeKind::Checkout => ordering.load_one(CheckoutId(uuid)).await?.map(|row| Node::Checkout(Checkout(row))),
        NodeKind::Order => ordering.load_one(OrderId(uuid)).await?.map(|row| Node::Order(Order(row))),
        NodeKind::Declaration | NodeKind::ExportDeclaration if context.may(Action::ReadDeclarations).is_err() => None,
        NodeKind::ExportDeclaration => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            let found = exports::lists::find(db, viewer, ExportId(uuid)).await?;
            found.map(|row| Node::ExportDeclaration(ExportDeclaration(row)))
        }
        NodeKind::Declaration => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            customs::lists::find(db, viewer, DeclarationId(uuid)).await?.map(|row| Node::Declaration(Declaration(row)))
        }
        NodeKind::Shipment if context.may(Action::ReadShipments).is_err() => None,
        NodeKind::Shipment => {
            logistics::loaders::of(context).load_one(ShipmentId(uuid)).await?.map(|row| Node::Shipment(Shipment(row)))
        }
        NodeKind::Showroom => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            showroom::ops::stores::find(db, viewer, ShowroomId(uuid)).await?.map(|row| Node::Showroom(Showroom(row)))
        }
        NodeKind::Rfq
        | NodeKind::Quotation
        | NodeKind::SupplyAgreement
        | NodeKind::PurchaseOrder
        | NodeKind::GoodsReceipt
        | NodeKind::SupplierInvoice
        | NodeKind::Payable
            if context.may(Action::ReadProcurement).is_err() =>
        {
            None
        }
        NodeKind::Rfq => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            procurement::ops::rfqs::find(db, viewer, RfqId(uuid)).await?.map(|row| Node::Rfq(Rfq(row)))
        }
        NodeKind::Quotation => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            procurement::ops::quotations::find(db, viewer, QuotationId(uuid))
                .await?
                .map(|row| Node::Quotation(Quotation(row)))
        }
        NodeKind::SupplyAgreement => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            procurement::ops::agreements::find(db, viewer, SupplyAgreementId(uuid))
                .await?
                .map(|row| Node::SupplyAgreement(SupplyAgreement(row)))
        }
        NodeKind::PurchaseOrder => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            procurement::ops::orders::find(db, viewer, PurchaseOrderId(uuid))
                .await?
                .map(|row| Node::PurchaseOrder(PurchaseOrder(row)))
        }
        NodeKind::GoodsReceipt => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            procurement::ops::receipts::find(db, viewer, GoodsReceiptId(uuid))
                .await?
                .map(|row| Node::GoodsReceipt(GoodsReceipt(row)))
        }
        NodeKind::SupplierInvoice => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            procurement::ops::invoices::find(db, viewer, SupplierInvoiceId(uuid))
                .await?
                .map(|row| Node::SupplierInvoice(SupplierInvoice(row)))
        }
        NodeKind::Payable => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            procurement::ops::payables::find(db, viewer, PayableId(uuid)).await?.map(|row| Node::Payable(Payable(row)))
        }
        NodeKind::Receivable => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            finance::ops::receivables::find(db, viewer, uuid).await?.map(|row| Node::Receivable(Receivable(row)))
        }
        NodeKind::FinancingProgramme => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            finance::ops::programmes::find(db, viewer, FinancingProgrammeId(uuid))
                .await?
                .map(|row| Node::FinancingProgramme(FinancingProgramme(row)))
        }
        NodeKind::Financing => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            finance::ops::money::reads::find(db, viewer, FinancingId(uuid))
                .await?
                .map(|row| Node::Financing(Financing(row)))
        }
        NodeKind::FinancingRequest => {
            let (db, viewer) = (context.app().db().read(), context.viewer());
            finance::ops::requests::find(db, viewer, FinancingRequestId(uuid))
                .await?
                .map(|row| Node::FinancingRequest(FinancingRequest(row)))
        }
        // What is reached through its list or its owner only.
        NodeKind::Person
        | NodeKind::Session
        | NodeKind::Membership
        | NodeKind::Invitation
        | NodeKind::MachineClient
        | NodeKind::ClientKey
        | NodeKind::BankAccount
        | NodeKind::ReceivableConfirmation
        | NodeKind::FinancingLimit
        | NodeKind::FinancingOffer
        | NodeKind::EvidencePackage
        | NodeKind::AssignmentNotice
        | NodeKind::FinancingFact
        | NodeKind::FinancePosting
        | NodeKind::WebhookEndpoint
        | NodeKind::WebhookDelivery
        | NodeKind::Job
        | NodeKind::AuditEntry
        | NodeKind::StockLocation
        | NodeKind::StockBalance
        | NodeKind::StockMove
        | NodeKind::TariffRow
        | NodeKind::ImportListLine
        | NodeKind::ZonePolicy
        | NodeKind::ShippingRate
        | NodeKind::StockCount
        | NodeKind::StockTransfer
        | NodeKind::StockTransferLine
        | NodeKind::BondedItem
        | NodeKind::BondedEntry
        | NodeKind::Inbound
        | NodeKind::InboundLine
        | NodeKind::GatePass
        | NodeKind::Payment
        | NodeKind::Refund
        | NodeKind::LedgerEntry
        | NodeKind::CommissionRule
        | NodeKind::Payout
        | NodeKind::BankReceipt
        | NodeKind::Cart
        | NodeKind::CartLine
        | NodeKind::Quote
        | NodeKind::OrderEvent
        | NodeKind::CreditLimit
        | NodeKind::CustomsPaper
        | NodeKind::CustomsReceipt
        | NodeKind::CustomsMessage
        | NodeKind::CustomsArrangement
        | NodeKind::GoodsFiling
        | NodeKind::CustomsRequest
        | NodeKind::TaxBill
        | NodeKind::GuaranteeEntry
        | NodeKind::ShipmentLeg
        | NodeKind::HandlingUnit
        | NodeKind::TrackingEvent
        | NodeKind::ShipmentHold
        | NodeKind::TemperatureSample
        | NodeKind::Proof
        | NodeKind::ExportSummary
        | NodeKind::ShowroomZone
        | NodeKind::Fixture
        | NodeKind::Slot
        | NodeKind::Planogram
        | NodeKind::Display
        | NodeKind::BondedDisplay
        | NodeKind::BondedDisplayPart
        | NodeKind::BondedDisplayAlarm
        | NodeKind::DisplayGuaranteeEntry
        | NodeKind::VisitSlot
        | NodeKind::Appointment
        | NodeKind::Visit
        | NodeKind::SampleLoan
        | NodeKind::SampleLoanLine
        | NodeKind::SampleLoanReturn
        | NodeKind::ShowroomWriteOff
        | NodeKind::AuditRound
        | NodeKind::ShowroomDevice
        | NodeKind::StockLease
        | NodeKind::CounterSale
        | NodeKind::RfqLine
        | NodeKind::RfqInvitation
        | NodeKind::RfqQuestion
        | NodeKind::ProcurementFile
        | NodeKind::RfqComparison
        | NodeKind::RfqAward
        | NodeKind::PurchasePolicy
        | NodeKind::SpendingLimit
        | NodeKind::SupplyAgreementLine
        | NodeKind::PurchaseOrderLine
        | NodeKind::PurchaseApproval
        | NodeKind::GoodsReceiptLine
        | NodeKind::ReceiptInspection
        | NodeKind::MatchTolerance
        | NodeKind::SupplierInvoiceLine
        | NodeKind::InvoiceMatch
        | NodeKind::DebitNote
        | NodeKind::SupplierScorecard => None,
    })
}
