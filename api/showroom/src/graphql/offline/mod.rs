//! Working without a network: devices, and what they may sell.
//!
//! - [`done`]: what a device did, and what became of it; [`pulled`]: what changed meanwhile

mod done;
mod pulled;

use async_graphql::{Context, ID, InputObject, Object, Result};
use catalog::graphql::Variant;
use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    showroom::{CounterSaleState, counter_sale, device, lease},
    values::id::{DeviceId, ShowroomId},
};
use platform::{
    error::Error,
    graphql::{
        Connection, ContextExt,
        connection::{list_cost, times},
        decode, encode,
    },
    page::PageArgs,
    payload,
};

use self::{
    done::{PushMutationsInput, PushResult},
    pulled::Pull,
};
use crate::ops::{
    devices, pull,
    push::{self, Done},
    sees_inside,
};

/// A device of staff (店员设备).
#[derive(Clone, Debug)]
pub(crate) struct ShowroomDevice(device::Model);

/// A device of staff (店员设备).
#[Object]
impl ShowroomDevice {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Where it is used.
    async fn showroom_id(&self) -> ID {
        encode(self.0.showroom_id)
    }

    /// What people call it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The last of its own that was dealt with; what it does next has the number after it.
    async fn last_seq(&self) -> i64 {
        self.0.last_seq
    }

    /// What it may sell without a network, as long as it lasts (离线配额).
    #[graphql(complexity = "times(10, child_complexity)")]
    async fn leases(&self, context: &Context<'_>) -> Result<Vec<StockLease>> {
        let app = context.app();
        let rows = devices::leases(app.db().read(), self.0.id, app.clock().now()).await?;
        Ok(rows.into_iter().map(StockLease).collect())
    }
}

/// What a device may sell without a network (离线配额).
#[derive(Clone, Debug)]
pub(crate) struct StockLease(lease::Model);

/// What a device may sell without a network (离线配额).
#[Object]
impl StockLease {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Of which balance.
    async fn balance_id(&self) -> ID {
        encode(self.0.balance_id)
    }

    /// Of what.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.0.variant_id).await?.map(Variant))
    }

    /// How many pieces.
    async fn quantity(&self) -> i32 {
        self.0.quantity
    }

    /// How many of them are left.
    #[graphql(complexity = 2)]
    async fn left(&self, context: &Context<'_>) -> Result<i64> {
        Ok(devices::left_of(context.app().db().read(), self.0.id, context.app().clock().now()).await?)
    }

    /// Until when.
    async fn until(&self) -> DateTime<Utc> {
        self.0.until
    }
}

/// A sale at the counter that a device made (柜台销售).
#[derive(Clone, Debug)]
pub(crate) struct CounterSale(counter_sale::Model);

/// A sale at the counter that a device made (柜台销售).
#[Object]
impl CounterSale {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Number of the receipt (小票号).
    async fn receipt(&self) -> &str {
        &self.0.receipt
    }

    /// Of what.
    async fn variant(&self, context: &Context<'_>) -> Result<Option<Variant>> {
        Ok(catalog::loaders::of(context).load_one(self.0.variant_id).await?.map(Variant))
    }

    /// How many.
    async fn quantity(&self) -> i32 {
        self.0.quantity
    }

    /// State.
    async fn state(&self) -> CounterSaleState {
        self.0.state
    }

    /// When it happened, within what can be.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.0.occurred_at
    }

    /// When it was decided.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at
    }
}

/// A new device (登记设备).
#[derive(InputObject)]
pub(super) struct RegisterShowroomDeviceInput {
    /// Where it is used.
    showroom_id: ID,
    /// What people call it.
    name: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Pieces that a device may sell without a network (申领离线配额).
#[derive(InputObject)]
pub(super) struct LeaseStockInput {
    /// Which device.
    device_id: ID,
    /// Of which balance of the showroom's back room.
    balance_id: ID,
    /// How many pieces, at most 50.
    quantity: i32,
    /// Until when, at most twelve hours from now.
    until: DateTime<Utc>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A lease that is given back (归还离线配额).
#[derive(InputObject)]
pub(super) struct ReturnStockLeaseInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A sale that there was no lease for (确认柜台销售).
#[derive(InputObject)]
pub(super) struct DecideCounterSaleInput {
    /// Which.
    id: ID,
    /// Whether the pieces go.
    accept: bool,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `registerShowroomDevice`.
    RegisterShowroomDevicePayload { /// The device.
        device: ShowroomDevice }
    /// The answer to `leaseStock`.
    LeaseStockPayload { /// The lease.
        lease: StockLease }
    /// The answer to `returnStockLease`.
    ReturnStockLeasePayload { /// The lease.
        lease: StockLease }
    /// The answer to `pushMutations`.
    PushMutationsPayload { /// What became of each, in the order of their numbers.
        results: Vec<PushResult> }
    /// The answer to `decideCounterSale`.
    DecideCounterSalePayload { /// The sale.
        sale: CounterSale }
}

/// Queries of working without a network.
#[derive(Default)]
pub(crate) struct OfflineQuery;

#[Object]
impl OfflineQuery {
    /// What changed in the showroom of one's device since a cursor; without one, or after more than 30 days: all of it. Null:
    /// there is no such device of one's own there (拉取增量).
    #[graphql(complexity = "times(500, child_complexity)")]
    async fn pull(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which device.")] device_id: ID,
        #[graphql(desc = "The cursor of the pull before.")] cursor: Option<String>,
    ) -> Result<Option<Pull>> {
        let call = context.call(Action::WorkShowrooms)?;
        let Ok(id) = decode::<DeviceId>(&device_id, "deviceId") else { return Ok(None) };
        // What is no cursor of ours is from before everything.
        let since = cursor.and_then(|text| text.parse::<i64>().ok());
        match pull::pull(context.app(), &call, id, since).await {
            Ok(found) => Ok(Some(Pull::from(found))),
            Err(Error::Refused(_) | Error::Forbidden) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Sales at the counter of a showroom, newest first; empty for who does not work there (柜台销售列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn counter_sales(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Of which showroom.")] showroom_id: ID,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<CounterSale>> {
        context.may(Action::ReadShowrooms)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let db = context.app().db().read();
        let Ok(id) = decode::<ShowroomId>(&showroom_id, "showroomId") else { return Ok(Connection::empty()) };
        if !sees_inside(db, context.viewer(), id).await? {
            return Ok(Connection::empty());
        }
        let rows = devices::sales(db, id, &page).await?;
        Ok(Connection::new(rows, None, |row| (devices::sale_cursor(&row), CounterSale(row))))
    }
}

/// Mutations of working without a network.
#[derive(Default)]
pub(crate) struct OfflineMutation;

#[Object]
impl OfflineMutation {
    /// Makes a device of one's own known in a showroom; at most ten (登记设备).
    async fn register_showroom_device(
        &self,
        context: &Context<'_>,
        input: RegisterShowroomDeviceInput,
    ) -> Result<RegisterShowroomDevicePayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async {
            let id = decode(&input.showroom_id, "showroomId")?;
            devices::register(context.app(), &call, id, &input.name).await
        };
        RegisterShowroomDevicePayload::new(context, input.client_mutation_id, result.await.map(ShowroomDevice))
    }

    /// Promises pieces to one's device, to be sold without a network (申领离线配额).
    async fn lease_stock(&self, context: &Context<'_>, input: LeaseStockInput) -> Result<LeaseStockPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async {
            let (device, balance) = (decode(&input.device_id, "deviceId")?, decode(&input.balance_id, "balanceId")?);
            devices::lend(context.app(), &call, device, balance, input.quantity, input.until).await
        };
        LeaseStockPayload::new(context, input.client_mutation_id, result.await.map(StockLease))
    }

    /// Gives a lease back; what is left of it is free again (归还离线配额).
    async fn return_stock_lease(
        &self,
        context: &Context<'_>,
        input: ReturnStockLeaseInput,
    ) -> Result<ReturnStockLeasePayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async { devices::give_back(context.app(), &call, decode(&input.id, "id")?).await };
        ReturnStockLeasePayload::new(context, input.client_mutation_id, result.await.map(StockLease))
    }

    /// Carries out what one's device did without a network: each once, in the order of its numbers; what is refused is
    /// noted, and the next has its turn. Sent again, it says what became of it (上传离线操作).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn push_mutations(&self, context: &Context<'_>, input: PushMutationsInput) -> Result<PushMutationsPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async {
            let id: DeviceId = decode(&input.device_id, "deviceId")?;
            let device = devices::own(context.app().db().read(), &call, id).await?;
            let done = input.mutations.into_iter().map(|one| one.read(device.showroom_id));
            let done: Vec<Done> = done.collect::<Result<_, _>>()?;
            push::push(context.app(), &call, id, done).await
        };
        let result = result.await.map(|told| told.into_iter().map(PushResult::from).collect());
        PushMutationsPayload::new(context, input.client_mutation_id, result)
    }

    /// Decides about a sale at the counter that there was no lease for (确认柜台销售).
    async fn decide_counter_sale(
        &self,
        context: &Context<'_>,
        input: DecideCounterSaleInput,
    ) -> Result<DecideCounterSalePayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async { devices::decide(context.app(), &call, decode(&input.id, "id")?, input.accept).await };
        DecideCounterSalePayload::new(context, input.client_mutation_id, result.await.map(CounterSale))
    }
}
