//! What a device did without a network, as it sends it, and what became of it.

use async_graphql::{ComplexObject, Context, ID, InputObject, OneofObject, SimpleObject};
use chrono::{DateTime, Utc};
use entities::{
    inventory::CustomsStatus,
    showroom::{AuditVerdict, PushOutcome, StorePattern, UnitClass},
    values::id::ShowroomId,
};
use inventory::ops::counts::Counted;
use platform::{
    error::Error,
    graphql::{ContextExt, MoneyInput, UserError, decode},
    vault,
};

use crate::ops::{
    classes::Changing,
    devices::Selling,
    displays::Installing,
    push::{Done, Seen, Status, Told, What},
    rounds::Checking,
};

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

/// A slot was scanned (离线扫码).
#[derive(InputObject)]
pub(super) struct OfflineScan {
    /// What is printed on the slot.
    slot: String,
    /// By what the device tells the buyer apart whom it was scanned for; only a keyed hash is kept. None: staff did it.
    visitor: Option<String>,
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
    pub(super) fn read(self, showroom: ShowroomId) -> Result<Done, Error> {
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
            Self::Scan(one) => What::Scan { slot: one.slot, visitor: one.visitor },
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
    pub(super) device_id: ID,
    /// At most 200 at once; they are carried out in the order of their numbers.
    pub(super) mutations: Vec<OfflineMutationInput>,
    /// The client's own id of this request.
    pub(super) client_mutation_id: Option<String>,
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
