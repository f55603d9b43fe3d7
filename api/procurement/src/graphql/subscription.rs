//! The part of the subscription root that procurement adds. Each look begins with what its viewer may see.
//!
//! A supplier that watches a request learns of what the buyer does, and not that somebody has quoted: its stamp holds
//! nothing that changes with that.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, ID, Result, Subscription};
use chrono::{DateTime, Duration, Utc};
use entities::{
    party::{Action, Viewer},
    values::id::{PurchaseOrderId, RfqId},
};
use futures_util::stream::BoxStream;
use platform::{
    app::{App, watched},
    auth::Proof,
    error::Error,
    graphql::{ContextExt, decode},
};

use super::{orders::PurchaseOrder, rfqs::Rfq};
use crate::ops::{orders, rfqs, tasks};

/// How long the number of tasks is believed: it is made of more than a statement or two.
const BELIEVED: Duration = Duration::seconds(10);

/// The number of tasks as it was looked at last, and for whom.
#[derive(Debug, Default)]
struct Counted(Mutex<Option<(Viewer, DateTime<Utc>, i32)>>);

impl Counted {
    async fn look(&self, app: &App, viewer: &Viewer) -> Result<i32, Error> {
        let now = app.clock().now();
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, _, count)) = kept.filter(|(whose, at, _)| whose == viewer && now - *at < BELIEVED) {
            return Ok(count);
        }
        let found = tasks::my_tasks(app.db().read(), viewer, now).await?;
        let count = i32::try_from(found.len()).unwrap_or(i32::MAX);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((viewer.clone(), now, count));
        Ok(count)
    }
}

/// The part of the subscription root that this context adds.
#[derive(Default)]
pub struct ProcurementSubscription;

#[Subscription]
impl ProcurementSubscription {
    /// A request for quotations as it is now, and again whenever it has changed: for whoever asks also how many quotations
    /// there are, for suppliers not. Null when it cannot be seen (any more) (询价进度).
    async fn rfq_progress(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which request.")] id: ID,
    ) -> Result<BoxStream<'static, Option<Rfq>>> {
        context.may(Action::ReadProcurement)?;
        // What is no request's id is a request that cannot be seen.
        let id: Option<RfqId> = decode(&id, "id").ok();
        Ok(watched(context.app(), context.data_unchecked::<Proof>(), move |app, viewer| {
            Box::pin(async move {
                let Some(id) = id else { return Ok(None) };
                let Some(row) = rfqs::find(app.db().read(), &viewer, id).await? else { return Ok(None) };
                let mut stamp = format!("{} {:?} {}", row.version, row.state, row.deadline);
                if rfqs::is_buyer(&viewer, &row) {
                    stamp = format!("{stamp} {} {}", row.quotations, row.updated_at);
                }
                Ok(Some((Rfq(row), stamp)))
            })
        }))
    }

    /// An order as it is now, and again whenever it, or a quantity of its lines, has changed; null when it cannot be seen
    /// (any more) (采购订单进度).
    async fn purchase_order_progress(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which order.")] id: ID,
    ) -> Result<BoxStream<'static, Option<PurchaseOrder>>> {
        context.may(Action::ReadProcurement)?;
        let id: Option<PurchaseOrderId> = decode(&id, "id").ok();
        Ok(watched(context.app(), context.data_unchecked::<Proof>(), move |app, viewer| {
            Box::pin(async move {
                let Some(id) = id else { return Ok(None) };
                let Some(row) = orders::find(app.db().read(), &viewer, id).await? else { return Ok(None) };
                let stamp = format!("{} {:?} {}", row.version, row.state, row.updated_at);
                Ok(Some((PurchaseOrder(row), stamp)))
            })
        }))
    }

    /// How much waits for the viewer in procurement, and again whenever that is more or less; at most ten seconds old
    /// (采购待办数).
    async fn my_task_count(&self, context: &Context<'_>) -> Result<BoxStream<'static, Option<i32>>> {
        context.may(Action::ReadProcurement)?;
        let counted = Arc::new(Counted::default());
        Ok(watched(context.app(), context.data_unchecked::<Proof>(), move |app, viewer| {
            let counted = counted.clone();
            Box::pin(async move {
                let count = counted.look(&app, &viewer).await?;
                Ok(Some((count, count.to_string())))
            })
        }))
    }
}
