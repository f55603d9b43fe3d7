//! What has to be done before money is paid out, in the schema: conditions, and how a financing stands in the registry
//! of movable property. What the registry answered is its financier's business: the seller sees whether it is done.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    finance::{ConditionKind, RegistrationKind, RegistrationState, condition, registry, request},
    party::{Action, Viewer},
};
use platform::{
    graphql::{ContextExt, connection::times, decode},
    payload,
};

use super::requests::FinancingRequest;
use crate::ops::conditions::{self as ops, Change, Contract};

/// Registrations that an answer is reckoned with.
const HITS: usize = 20;

/// Whether the viewer is the financier of a request, or oversees the zone.
pub(super) fn inside(viewer: &Viewer, of: &request::Model) -> bool {
    viewer.oversees() || viewer.organisation() == Some(of.financier_id)
}

/// Something that has to be done before money is paid out (放款条件).
#[derive(Clone, Debug)]
pub(crate) struct FinancingCondition {
    row: condition::Model,
    inside: bool,
}

impl FinancingCondition {
    /// Those of a request, as the viewer sees them.
    pub(super) fn all(viewer: &Viewer, of: &request::Model, rows: Vec<condition::Model>) -> Vec<Self> {
        let inside = inside(viewer, of);
        rows.into_iter().map(|row| Self { row, inside }).collect()
    }

    /// Whether the viewer sees how it was met: what the registry answered only who gives the money.
    fn told(&self) -> bool {
        self.inside || !self.row.kind.is_registry()
    }
}

/// Something that has to be done before money is paid out (放款条件).
#[Object]
impl FinancingCondition {
    /// What.
    async fn kind(&self) -> ConditionKind {
        self.row.kind
    }

    /// Whether it is done (是否落实).
    async fn met(&self) -> bool {
        self.row.met_at.is_some()
    }

    /// Since when it is.
    async fn met_at(&self) -> Option<DateTime<Utc>> {
        self.row.met_at
    }

    /// Of the search of the registry: whether it counts for money that is paid out now. It does for less than a day;
    /// null of what lasts (查询是否有效).
    async fn fresh(&self, context: &Context<'_>) -> Option<bool> {
        let now = context.app().clock().now();
        let counts = || self.row.met_at.is_some_and(|at| condition::fresh(at, now));
        (self.row.kind == ConditionKind::RegistrySearch).then(counts)
    }

    /// The number of a certificate or a contract; of what the registry answered null to the seller (编号).
    async fn reference(&self) -> Option<&str> {
        self.row.reference.as_deref().filter(|_| self.told())
    }

    /// SHA-256 of the document that was signed, in hex (合同哈希).
    async fn sha256(&self) -> Option<&str> {
        self.row.detail.as_ref().and_then(|detail| detail.sha256.as_deref())
    }

    /// On which day it was signed (签署日期).
    async fn signed_on(&self) -> Option<NaiveDate> {
        self.row.detail.as_ref().and_then(|detail| detail.signed_on)
    }

    /// How many registrations of others the search found against it; null to the seller (冲突登记数).
    async fn against(&self) -> Option<i32> {
        self.row.detail.as_ref().and_then(|detail| detail.against).filter(|_| self.told())
    }
}

/// A registration that a search found. Who secured himself with it is not told (查询结果).
#[derive(SimpleObject)]
pub(crate) struct RegistryHit {
    /// Since when it stands there.
    registered_at: DateTime<Utc>,
    /// Until when.
    expires_on: NaiveDate,
    /// Whether it is one's own.
    own: bool,
    /// Whether it names one of the receivables of the request, or all of the seller's.
    same: bool,
}

/// How a financing stands in the registry of movable property (动产融资登记).
#[derive(Clone, Debug)]
pub(crate) struct FinancingRegistration(pub(super) registry::Model);

/// How a financing stands in the registry of movable property (动产融资登记).
#[Object]
impl FinancingRegistration {
    /// What is registered.
    async fn kind(&self) -> RegistrationKind {
        self.0.kind
    }

    /// Where it is.
    async fn state(&self) -> RegistrationState {
        self.0.state
    }

    /// What it is about, as everybody reads it there (担保财产描述).
    async fn collateral(&self) -> &str {
        &self.0.collateral
    }

    /// The number of its certificate (登记证明编号).
    async fn cert_no(&self) -> Option<&str> {
        self.0.cert_no.as_deref()
    }

    /// The number of the certificate of the last search (查询证明编号).
    async fn search_cert_no(&self) -> Option<&str> {
        self.0.search_cert_no.as_deref()
    }

    /// When the registry was searched last.
    async fn searched_at(&self) -> Option<DateTime<Utc>> {
        self.0.searched_at
    }

    /// What that found of the seller; empty before the first search.
    #[graphql(complexity = "times(HITS, child_complexity)")]
    async fn hits(&self) -> Vec<RegistryHit> {
        let shown = |hit: &registry::Hit| RegistryHit {
            registered_at: hit.registered_at,
            expires_on: hit.expires_on,
            own: hit.own,
            same: hit.same,
        };
        self.0.hits.iter().flat_map(|hits| hits.0.iter().map(shown)).collect()
    }

    /// Whether nothing of others stands against it; false before the first search.
    async fn clear(&self) -> bool {
        self.0.is_clear()
    }

    /// Whether the last search counts for money that is paid out now.
    async fn fresh(&self, context: &Context<'_>) -> bool {
        self.0.is_fresh(context.app().clock().now())
    }

    /// When the registry took it (登记时间).
    async fn filed_at(&self) -> Option<DateTime<Utc>> {
        self.0.filed_at
    }

    /// Until when it lasts, or is to (登记到期日).
    async fn expires_on(&self) -> Option<NaiveDate> {
        self.0.expires_on
    }

    /// Why the registry did not do what it was asked last.
    async fn failure(&self) -> Option<&str> {
        self.0.failure.as_deref()
    }

    /// Counts up with every change.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// For what the registry is searched (查询登记).
#[derive(InputObject)]
pub(crate) struct SearchRegistryInput {
    /// Which request.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What is registered (登记).
#[derive(InputObject)]
pub(crate) struct RegisterFinancingInput {
    /// Which request.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Until when it is to last, at least until the last debtor is to pay; left out: days of grace and a year longer.
    expires_on: Option<NaiveDate>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What is said anew in the registry (变更登记).
#[derive(InputObject)]
pub(crate) struct AmendRegistrationInput {
    /// Of which request.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What lasts longer in the registry (展期登记).
#[derive(InputObject)]
pub(crate) struct ExtendRegistrationInput {
    /// Of which request.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Until when.
    expires_on: NaiveDate,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A contract that is signed (登记合同).
#[derive(InputObject)]
pub(crate) struct RecordFinancingContractInput {
    /// Of which request.
    id: ID,
    /// The version that was read.
    expected_version: i32,
    /// Its number (合同编号).
    number: String,
    /// SHA-256 of the document that was signed, in hex.
    sha256: String,
    /// On which day it was signed.
    signed_on: NaiveDate,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `searchRegistry`.
    SearchRegistryPayload { /// The request.
        request: FinancingRequest }
    /// The answer to `registerFinancing`.
    RegisterFinancingPayload { /// The request.
        request: FinancingRequest }
    /// The answer to `amendRegistration`.
    AmendRegistrationPayload { /// The request.
        request: FinancingRequest }
    /// The answer to `extendRegistration`.
    ExtendRegistrationPayload { /// The request.
        request: FinancingRequest }
    /// The answer to `recordFinancingContract`.
    RecordFinancingContractPayload { /// The request.
        request: FinancingRequest }
}

/// Mutations of what has to be done before money is paid out.
#[derive(Default)]
pub struct ConditionMutation;

#[Object]
impl ConditionMutation {
    /// Searches the registry of movable property for a request: what others registered there of the same receivables
    /// keeps its money back. It is done again when a day is over (查询登记).
    async fn search_registry(
        &self,
        context: &Context<'_>,
        input: SearchRegistryInput,
    ) -> Result<SearchRegistryPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            ops::search(context.app(), &call, id).await
        };
        SearchRegistryPayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }

    /// Sends the assignment or pledge to the registry, after a search of the last day that found it clean. What the
    /// registry answers is seen in `registration` (登记).
    async fn register_financing(
        &self,
        context: &Context<'_>,
        input: RegisterFinancingInput,
    ) -> Result<RegisterFinancingPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            ops::register(context.app(), &call, id, input.expires_on).await
        };
        RegisterFinancingPayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }

    /// Says anew in the registry what a registration is about: as much of each receivable as is outstanding now (变更登记).
    async fn amend_registration(
        &self,
        context: &Context<'_>,
        input: AmendRegistrationInput,
    ) -> Result<AmendRegistrationPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            ops::change(context.app(), &call, id, Change::Amend).await
        };
        AmendRegistrationPayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }

    /// Lets a registration last longer (展期登记).
    async fn extend_registration(
        &self,
        context: &Context<'_>,
        input: ExtendRegistrationInput,
    ) -> Result<ExtendRegistrationPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            ops::change(context.app(), &call, id, Change::Extend(input.expires_on)).await
        };
        ExtendRegistrationPayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }

    /// Notes that the contract of a financing is signed, by its number and the hash of what was signed (登记合同).
    async fn record_financing_contract(
        &self,
        context: &Context<'_>,
        input: RecordFinancingContractInput,
    ) -> Result<RecordFinancingContractPayload> {
        let call = context.call(Action::MakeFinancing)?;
        let result = async {
            let id = (decode(&input.id, "id")?, input.expected_version);
            let contract = Contract { number: input.number, sha256: input.sha256, signed_on: input.signed_on };
            ops::record_contract(context.app(), &call, id, &contract).await
        };
        RecordFinancingContractPayload::new(context, input.client_mutation_id, result.await.map(FinancingRequest))
    }
}
