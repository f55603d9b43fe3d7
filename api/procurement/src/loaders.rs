//! Batch loaders of procurement. A loader belongs to one request and sees what its viewer may see.

pub mod rfqs;

use std::{collections::HashMap, time::Duration};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use entities::{
    party::Viewer,
    procurement::{agreement, approval, invoice, matching, order, payable, quotation, rfq},
    values::id::{PayableId, PurchaseOrderId, QuotationId, RfqId, SupplierInvoiceId, SupplyAgreementId},
};
use platform::{
    app::App,
    error::{Error, SharedError},
    graphql::Batches,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::ops::{self, approvals, payables, snapshots};

/// Loads what this context owns.
#[derive(Debug)]
pub struct ProcurementLoader {
    app: App,
    viewer: Viewer,
}

/// The loaders of one request: asked for twice, loaded once.
pub type ProcurementLoaders = DataLoader<ProcurementLoader, HashMapCache>;

/// Makes the loaders of one request.
pub fn loaders(app: &App, viewer: &Viewer, batches: &Batches) -> ProcurementLoaders {
    let loader = ProcurementLoader { app: app.clone(), viewer: viewer.clone() };
    DataLoader::with_cache(loader, batches.spawner(), HashMapCache::default()).delay(Duration::ZERO)
}

/// The request's loaders.
pub fn of<'a>(context: &Context<'a>) -> &'a ProcurementLoaders {
    context.data_unchecked::<ProcurementLoaders>()
}

impl Loader<RfqId> for ProcurementLoader {
    type Value = rfq::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[RfqId]) -> Result<HashMap<RfqId, Self::Value>, SharedError> {
        let seen = rfq::Entity::visible_to(&self.viewer).filter(rfq::Column::Id.is_in(ids.iter().copied()));
        Ok(seen.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<QuotationId> for ProcurementLoader {
    type Value = quotation::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[QuotationId]) -> Result<HashMap<QuotationId, Self::Value>, SharedError> {
        let seen = quotation::Entity::visible_to(&self.viewer).filter(quotation::Column::Id.is_in(ids.iter().copied()));
        Ok(seen.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<PurchaseOrderId> for ProcurementLoader {
    type Value = order::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[PurchaseOrderId]) -> Result<HashMap<PurchaseOrderId, Self::Value>, SharedError> {
        let seen = order::Entity::visible_to(&self.viewer).filter(order::Column::Id.is_in(ids.iter().copied()));
        let rows = seen.all(self.app.db().read()).await?.into_iter();
        let seen: serde_json::Result<_> = rows.map(|row| Ok((row.id, row.seen_by(&self.viewer)?))).collect();
        Ok(seen.map_err(Error::internal)?)
    }
}

impl Loader<SupplyAgreementId> for ProcurementLoader {
    type Value = agreement::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[SupplyAgreementId]) -> Result<HashMap<SupplyAgreementId, Self::Value>, SharedError> {
        let seen = agreement::Entity::visible_to(&self.viewer).filter(agreement::Column::Id.is_in(ids.iter().copied()));
        Ok(seen.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<SupplierInvoiceId> for ProcurementLoader {
    type Value = invoice::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[SupplierInvoiceId]) -> Result<HashMap<SupplierInvoiceId, Self::Value>, SharedError> {
        let seen = invoice::Entity::visible_to(&self.viewer).filter(invoice::Column::Id.is_in(ids.iter().copied()));
        Ok(seen.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// How an invoice fitted when it was looked at last; who may see the invoice may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MatchOf(pub SupplierInvoiceId);

impl Loader<MatchOf> for ProcurementLoader {
    type Value = matching::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[MatchOf]) -> Result<HashMap<MatchOf, Self::Value>, SharedError> {
        let invoices: Vec<SupplierInvoiceId> = keys.iter().map(|key| key.0).collect();
        let found = ops::matching::latest_of(self.app.db().read(), &invoices).await?;
        Ok(found.into_iter().map(|(invoice, row)| (MatchOf(invoice), row)).collect())
    }
}

/// What is owed for an invoice; who may see the invoice may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwedFor(pub SupplierInvoiceId);

impl Loader<OwedFor> for ProcurementLoader {
    type Value = payable::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[OwedFor]) -> Result<HashMap<OwedFor, Self::Value>, SharedError> {
        let invoices: Vec<SupplierInvoiceId> = keys.iter().map(|key| key.0).collect();
        let found = payables::of_invoices(self.app.db().read(), &invoices).await?;
        Ok(found.into_iter().map(|(invoice, row)| (OwedFor(invoice), row)).collect())
    }
}

/// The invoice that something is owed for; who may see the invoice sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InvoiceOf(pub PayableId);

impl Loader<InvoiceOf> for ProcurementLoader {
    type Value = invoice::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[InvoiceOf]) -> Result<HashMap<InvoiceOf, Self::Value>, SharedError> {
        let ids: Vec<PayableId> = keys.iter().map(|key| key.0).collect();
        let found = payables::invoices_of(self.app.db().read(), &self.viewer, &ids).await?;
        Ok(found.into_iter().map(|(payable, row)| (InvoiceOf(payable), row)).collect())
    }
}

/// The lines of an order, in their order; who may see the order may see them, its supplier as they were agreed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinesOf(pub PurchaseOrderId);

impl Loader<LinesOf> for ProcurementLoader {
    type Value = Vec<order::line::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[LinesOf]) -> Result<HashMap<LinesOf, Self::Value>, SharedError> {
        let db = self.app.db().read();
        let rows = order::line::Entity::find()
            .filter(order::line::Column::OrderId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(order::line::Column::Position);
        let mut found: HashMap<LinesOf, Vec<order::line::Model>> = HashMap::new();
        for row in rows.all(db).await? {
            found.entry(LinesOf(row.order_id)).or_default().push(row);
        }
        let Some(own) = self.viewer.organisation() else { return Ok(found) };
        let changing = order::Entity::find()
            .filter(order::Column::Id.is_in(keys.iter().map(|key| key.0)))
            .filter(order::Column::SupplierId.eq(own))
            .filter(order::Column::Agreed.is_not_null());
        for row in changing.all(db).await? {
            let (Some(agreed), Some(lines)) = (row.agreed, found.get_mut(&LinesOf(row.id))) else { continue };
            *lines = agreed.lines_with(lines);
        }
        Ok(found)
    }
}

/// The steps of an order's submissions, the last submission first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ApprovalsOf(pub PurchaseOrderId);

impl Loader<ApprovalsOf> for ProcurementLoader {
    type Value = Vec<approval::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[ApprovalsOf]) -> Result<HashMap<ApprovalsOf, Self::Value>, SharedError> {
        let orders: Vec<PurchaseOrderId> = keys.iter().map(|key| key.0).collect();
        let found = approvals::of_orders(self.app.db().read(), &orders).await?;
        Ok(found.into_iter().map(|(order, rows)| (ApprovalsOf(order), rows)).collect())
    }
}

/// What was agreed of an order, the last first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VersionsOf(pub PurchaseOrderId);

impl Loader<VersionsOf> for ProcurementLoader {
    type Value = Vec<order::version::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[VersionsOf]) -> Result<HashMap<VersionsOf, Self::Value>, SharedError> {
        let orders: Vec<PurchaseOrderId> = keys.iter().map(|key| key.0).collect();
        let found = snapshots::of_orders(self.app.db().read(), &orders).await?;
        Ok(found.into_iter().map(|(order, rows)| (VersionsOf(order), rows)).collect())
    }
}
