//! Working without a network: devices, what they did, what changed meanwhile, what they may sell.

use async_graphql::{ComplexObject, Context, ID, InputObject, Object, OneofObject, Result, SimpleObject, Union};
use chrono::{DateTime, Utc};
use entities::{
    inventory::CustomsStatus,
    party::Action,
    showroom::{
        AuditVerdict, ChangeKind, CounterSaleState, PushOutcome, StorePattern, UnitClass, counter_sale, device, lease,
        slot_note,
    },
    values::id::{DeviceId, DisplayId, PlanogramId, ShowroomId, SlotId},
};

use super::{displays::Display, floor::ShowroomSlot, planograms::Planogram};
use crate::{
    catalog::{self, graphql::Variant},
    inventory::ops::counts::Counted,
    payload,
    platform::{
        error::Error,
        graphql::{
            Connection, ContextExt, MoneyInput, UserError,
            connection::{list_cost, times},
            decode, encode,
        },
        page::PageArgs,
        vault,
    },
    showroom::{
        loaders,
        ops::{
            classes::Changing,
            devices::{self, Selling},
            displays::Installing,
            pull::{self, Changed},
            push::{self, Done, Seen, Status, Told, What},
            rounds::Checking,
            sees_inside,
        },
    },
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

/// A note on a slot (陈列位备注).
#[derive(Clone, Debug)]
pub(super) struct SlotNote(slot_note::Model);

/// A note on a slot (陈列位备注).
#[Object]
impl SlotNote {
    /// On which slot.
    async fn slot(&self, context: &Context<'_>) -> Result<Option<ShowroomSlot>> {
        Ok(loaders::of(context).load_one(self.0.slot_id).await?.map(ShowroomSlot::from))
    }

    /// What it says; empty: nothing.
    async fn text(&self) -> &str {
        &self.0.text
    }

    /// Counts up with every change; what changes it says this as `baseVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// Something that is not there any more (墓碑).
#[derive(Clone, Debug, SimpleObject)]
pub(super) struct Tombstone {
    /// What it was.
    kind: ChangeKind,
    /// Its id.
    id: ID,
}

/// Something as it is now, or that it is gone (变更).
#[derive(Union)]
pub(super) enum FloorChange {
    /// What stands somewhere.
    Display(Display),
    /// A slot.
    Slot(ShowroomSlot),
    /// The planogram in force.
    Planogram(Planogram),
    /// A note.
    Note(SlotNote),
    /// What is gone.
    Gone(Tombstone),
}

impl From<Changed> for FloorChange {
    fn from(changed: Changed) -> Self {
        match changed {
            Changed::Display(row) => Self::Display(Display(row)),
            Changed::Slot(row) => Self::Slot(row.into()),
            Changed::Planogram(row) => Self::Planogram(Planogram(row)),
            Changed::Note(row) => Self::Note(SlotNote(row)),
            Changed::Gone(kind, of) => {
                let id = match kind {
                    ChangeKind::Display => encode(DisplayId(of)),
                    ChangeKind::Slot | ChangeKind::Note => encode(SlotId(of)),
                    ChangeKind::Planogram => encode(PlanogramId(of)),
                };
                Self::Gone(Tombstone { kind, id })
            }
        }
    }
}

/// What changed in a showroom (增量).
#[derive(SimpleObject)]
pub(super) struct Pull {
    /// Whether all that the device had is to be forgotten first.
    anew: bool,
    /// From where the next pull goes on.
    cursor: String,
    /// Whether there is more now.
    more: bool,
    /// The last of the device's own that was dealt with.
    last_seq: i64,
    /// What changed, each thing once, as it is now.
    changes: Vec<FloorChange>,
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

/// A display that a device saw (所见陈列).
#[derive(OneofObject)]
pub(super) enum SeenDisplay {
    /// By its id.
    Id(ID),
    /// By the device's own `mutationId` of what put it up, as long as it does not know the id.
    InstalledBy(String),
}

impl SeenDisplay {
    fn read(self) -> Result<Seen, Error> {
        Ok(match self {
            Self::Id(id) => Seen::Display(decode(&id, "displayId")?),
            Self::InstalledBy(mutation) => Seen::InstalledBy(known_by(&mutation)),
        })
    }
}

/// Something was put into a slot (离线上架).
#[derive(InputObject)]
pub(super) struct OfflineInstall {
    /// What is printed on the slot.
    slot: String,
    /// Which of its places side by side; none: the first that is free.
    facing: Option<i32>,
    /// What it is sold as.
    offer_id: ID,
    /// How it is shown, sold and handed over.
    pattern: StorePattern,
    /// What the piece is by law; none: a picture.
    unit_class: Option<UnitClass>,
    /// The number on the piece.
    serial: Option<String>,
    /// What its price tag says.
    tag: Option<MoneyInput>,
    /// What makes way for it in that facing, as the device saw it; none: the facing is free.
    replaces: Option<SeenDisplay>,
}

/// Something was taken out of a slot (离线下架).
#[derive(InputObject)]
pub(super) struct OfflineRemove {
    /// What was taken away, as the device saw it; what somebody else put there meanwhile stays.
    display: SeenDisplay,
}

/// A price tag was changed; `baseVersion` is the `tagVersion` that was seen (离线换价签).
#[derive(InputObject)]
pub(super) struct OfflineRetag {
    /// Of which display, as the device saw it.
    display: SeenDisplay,
    /// What it says now.
    tag: MoneyInput,
}

/// A note was written on a slot; `baseVersion` is the version that was seen, 0: there was none (离线备注).
#[derive(InputObject)]
pub(super) struct OfflineNote {
    /// What is printed on the slot.
    slot: String,
    /// What it says; empty: nothing.
    text: String,
}

/// A slot was scanned with a buyer (离线扫码).
#[derive(InputObject)]
pub(super) struct OfflineScan {
    /// What is printed on the slot.
    slot: String,
}

/// A slot was looked at in a round (离线巡检).
#[derive(InputObject)]
pub(super) struct OfflineCheck {
    /// In which round.
    round_id: ID,
    /// What is printed on the slot.
    slot: String,
    /// How it is.
    verdict: AuditVerdict,
    /// In words.
    note: Option<String>,
}

/// Pieces were counted (离线盘点).
#[derive(InputObject)]
pub(super) struct OfflineCount {
    /// In which count.
    count_id: ID,
    /// Of which balance.
    balance_id: Option<ID>,
    /// Of what, where no balance is known.
    variant_id: Option<ID>,
    /// The lot as it is printed on the goods.
    lot: Option<String>,
    /// Under which customs status.
    customs_status: Option<CustomsStatus>,
    /// How much there is.
    counted: i64,
}

/// Pieces became something else by law (离线类别变更).
#[derive(InputObject)]
pub(super) struct OfflineChangeClass {
    /// Of which balance.
    balance_id: ID,
    /// What they became.
    to: UnitClass,
    /// How many.
    quantity: i64,
    /// The document that says so.
    document: String,
}

/// Pieces were sold at the counter (离线销售).
#[derive(InputObject)]
pub(super) struct OfflineSell {
    /// Of which balance of the back room.
    balance_id: ID,
    /// How many.
    quantity: i32,
    /// Number of the receipt.
    receipt: String,
}

/// What a device did (离线操作).
#[derive(OneofObject)]
pub(super) enum OfflineOperation {
    /// Something was put into a slot.
    Install(OfflineInstall),
    /// Something was taken out of a slot.
    Remove(OfflineRemove),
    /// A price tag was changed.
    Retag(OfflineRetag),
    /// A note was written.
    Note(OfflineNote),
    /// A slot was scanned.
    Scan(OfflineScan),
    /// A slot was looked at.
    Check(OfflineCheck),
    /// Pieces were counted.
    Count(OfflineCount),
    /// Pieces became something else by law.
    ChangeClass(OfflineChangeClass),
    /// Pieces were sold.
    Sell(OfflineSell),
}

/// Something that a device did, with its number (离线操作).
#[derive(InputObject)]
pub(super) struct OfflineMutationInput {
    /// The device's own id of it, a UUID.
    mutation_id: String,
    /// Its number on the device, from one on, without a gap.
    seq: i64,
    /// When it happened, by the device's clock. What cannot be (more than 72 hours ago, more than 5 minutes from now) is
    /// taken as the nearest moment that can be.
    occurred_at: DateTime<Utc>,
    /// Which version of what it sets the device saw.
    base_version: Option<i32>,
    /// What it is.
    operation: OfflineOperation,
}

impl OfflineMutationInput {
    /// What cannot be meant is refused when its turn comes: it stands in nobody's way.
    fn read(self, showroom: ShowroomId) -> Result<Done, Error> {
        let what = match self.operation.read(showroom, self.occurred_at) {
            Ok(what) => Ok(what),
            Err(Error::Refused(refusals)) => Err(refusals),
            Err(error) => return Err(error),
        };
        Ok(Done {
            mutation: known_by(&self.mutation_id),
            seq: self.seq,
            said_at: kept(self.occurred_at),
            base_version: self.base_version,
            what,
        })
    }
}

impl OfflineOperation {
    fn read(self, showroom: ShowroomId, occurred_at: DateTime<Utc>) -> Result<What, Error> {
        Ok(match self {
            Self::Install(one) => What::Install(
                Installing {
                    slot: one.slot,
                    facing: one.facing,
                    offer: decode(&one.offer_id, "offerId")?,
                    pattern: one.pattern,
                    class: one.unit_class,
                    balance: None,
                    serial: one.serial,
                    tag: one.tag.map(|tag| tag.read("tag")).transpose()?,
                    replace: one.replaces.is_some(),
                },
                one.replaces.map(SeenDisplay::read).transpose()?,
            ),
            Self::Remove(one) => What::Remove { seen: one.display.read()? },
            Self::Retag(one) => What::Retag { seen: one.display.read()?, tag: one.tag.read("tag")? },
            Self::Note(one) => What::Note { slot: one.slot, text: one.text },
            Self::Scan(one) => What::Scan { slot: one.slot },
            Self::Check(one) => What::Check {
                round: decode(&one.round_id, "roundId")?,
                said: Checking { slot: one.slot, verdict: one.verdict, note: one.note, photo: None },
            },
            Self::Count(one) => What::Count {
                count: decode(&one.count_id, "countId")?,
                line: Counted {
                    balance: one.balance_id.map(|id| decode(&id, "balanceId")).transpose()?,
                    variant: one.variant_id.map(|id| decode(&id, "variantId")).transpose()?,
                    lot: one.lot.unwrap_or_default(),
                    status: one.customs_status,
                    counted: one.counted,
                },
            },
            Self::ChangeClass(one) => What::ChangeClass(Changing {
                showroom,
                balance: decode(&one.balance_id, "balanceId")?,
                to: one.to,
                quantity: one.quantity,
                document: one.document,
            }),
            Self::Sell(one) => What::Sell {
                selling: Selling {
                    balance: decode(&one.balance_id, "balanceId")?,
                    quantity: one.quantity,
                    receipt: one.receipt,
                    occurred_at,
                },
            },
        })
    }
}

/// A moment that both databases keep, whatever a device says.
fn kept(said: DateTime<Utc>) -> DateTime<Utc> {
    let (from, to) = (DateTime::from_timestamp(-62_135_596_800, 0), DateTime::from_timestamp(253_402_300_799, 0));
    from.zip(to).map_or(said, |(from, to)| said.clamp(from, to))
}

/// The device's own id of something. One that does not fit is known by its hash: it stands in nobody's way.
fn known_by(text: &str) -> String {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if fits { text.to_owned() } else { vault::sha256_hex(text.as_bytes()) }
}

/// What a device did while it had no network (上传离线操作).
#[derive(InputObject)]
pub(super) struct PushMutationsInput {
    /// Which device.
    device_id: ID,
    /// At most 200 at once; they are carried out in the order of their numbers.
    mutations: Vec<OfflineMutationInput>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What became of something that a device did (处理结果).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct PushResult {
    #[graphql(skip)]
    told: Told,
    /// The device's own id of it.
    mutation_id: String,
    /// Its number.
    seq: i64,
    /// What became of it now.
    status: Status,
    /// What became of it when it was dealt with; null: it was not yet.
    outcome: Option<PushOutcome>,
    /// The code of why not.
    code: Option<String>,
    /// When it happened, within what can be.
    occurred_at: Option<DateTime<Utc>>,
}

impl From<Told> for PushResult {
    fn from(told: Told) -> Self {
        Self {
            mutation_id: told.mutation.clone(),
            seq: told.seq,
            status: told.status,
            outcome: told.kept.as_ref().map(|row| row.outcome),
            code: told.kept.as_ref().and_then(|row| row.code.clone()),
            occurred_at: told.kept.as_ref().map(|row| row.occurred_at),
            told,
        }
    }
}

#[ComplexObject]
impl PushResult {
    /// Why not, in words, when that was decided just now.
    async fn errors(&self, context: &Context<'_>) -> Vec<UserError> {
        UserError::all(&self.told.refusals, context.locale())
    }
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
            Ok(found) => Ok(Some(Pull {
                anew: found.anew,
                cursor: found.position.to_string(),
                more: found.more,
                last_seq: found.last_seq,
                changes: found.changes.into_iter().map(FloorChange::from).collect(),
            })),
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
