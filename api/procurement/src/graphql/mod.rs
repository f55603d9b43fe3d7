//! Procurement in the schema. A thing is shown to its buyer and, from when it is its business on, to its supplier; what
//! one of them may not know of it is null to it. Who oversees the zone sees both sides, and no quotation before it is
//! opened.

pub mod agreements;
pub mod comparisons;
pub mod files;
pub mod insight;
pub mod invoices;
pub mod order_steps;
pub mod orders;
pub mod payables;
pub mod quotations;
pub mod receipts;
pub mod rfqs;
pub mod rules;
pub mod shared;
pub mod subscription;
pub mod suppliers;

use async_graphql::MergedObject;

pub use subscription::ProcurementSubscription;

/// The part of the query root that this context adds.
#[derive(MergedObject, Default)]
pub struct ProcurementQuery(
    rfqs::RfqQuery,
    comparisons::ComparisonQuery,
    orders::PurchaseOrderQuery,
    agreements::AgreementQuery,
    rules::PurchaseRuleQuery,
    receipts::ReceiptQuery,
    invoices::InvoiceQuery,
    payables::PayableQuery,
    suppliers::SupplierQuery,
    insight::InsightQuery,
);

/// The part of the mutation root that this context adds.
#[derive(MergedObject, Default)]
pub struct ProcurementMutation(
    rfqs::RfqMutation,
    quotations::QuotationMutation,
    files::FileMutation,
    comparisons::ComparisonMutation,
    orders::PurchaseOrderMutation,
    order_steps::OrderStepMutation,
    agreements::AgreementMutation,
    rules::PurchaseRuleMutation,
    receipts::ReceiptMutation,
    invoices::InvoiceMutation,
    payables::PayableMutation,
    suppliers::SupplierMutation,
);
