//! Machine clients in the schema. How they get tokens is `POST /oauth/token`.

use std::collections::BTreeSet;

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use entities::{
    party::{
        Action,
        client_key::{self, KeyAlgorithm},
        machine_client::{self, Scope},
    },
    values::id::MachineClientId,
};
use platform::{
    graphql::{Connection, ContextExt, connection::list_cost, decode, encode},
    page::PageArgs,
    payload,
};

use super::{named_or_own, readable};
use crate::{
    loaders::{self, KeysOf},
    ops::machines::{self, ClientPatch, PublicKey},
};

/// A program that acts for an organisation (机器客户端).
#[derive(Clone, Debug)]
pub struct MachineClient(pub machine_client::Model);

/// A program that acts for an organisation (机器客户端).
#[Object]
impl MachineClient {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Its `client_id`: `iss` and `sub` of its assertions.
    async fn client_id(&self) -> String {
        self.0.id.to_string()
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it may do.
    async fn scopes(&self) -> Vec<Scope> {
        self.0.scopes.0.iter().copied().collect()
    }

    /// From which networks it may call, as CIDR; empty: from anywhere.
    async fn networks(&self) -> &[String] {
        &self.0.networks.0
    }

    /// Whether it may get tokens, and those it has are taken.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// Its keys, those that retired too.
    #[graphql(complexity = "10 + 5 * child_complexity")]
    async fn keys(&self, context: &Context<'_>) -> Result<Vec<ClientKey>> {
        let keys = loaders::of(context).load_one(KeysOf(self.0.id)).await?.unwrap_or_default();
        Ok(keys.into_iter().map(ClientKey).collect())
    }

    /// Counts up with every change; sent back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// A public key of a machine client (客户端公钥).
#[derive(Clone, Debug)]
pub struct ClientKey(pub client_key::Model);

/// A public key of a machine client (客户端公钥).
#[Object]
impl ClientKey {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The `kid` of assertions that it signs.
    async fn kid(&self) -> String {
        self.0.id.to_string()
    }

    /// Which signature it makes.
    async fn algorithm(&self) -> KeyAlgorithm {
        self.0.algorithm
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// After this its assertions are refused.
    async fn retires_at(&self) -> Option<DateTime<Utc>> {
        self.0.retires_at
    }
}

/// The part of the query root about machine clients.
#[derive(Default)]
pub struct MachinesQuery;

#[Object]
impl MachinesQuery {
    /// Machine clients of an organisation, newest first (机器客户端列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn machine_clients(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; none: of the organisation acted for.")] organisation_id: Option<ID>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<MachineClient>> {
        context.may(Action::ReadMachineClients)?;
        let organisation = named_or_own(context, organisation_id.as_ref())?;
        readable(context, Action::ReadMachineClients, organisation)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = machines::list_clients(context.app().db().read(), organisation, &page).await?;
        Ok(Connection::new(rows, None, |row| (machines::client_cursor(&row), MachineClient(row))))
    }
}

/// A public key as a JWK has it (公钥, RFC 7517).
#[derive(InputObject)]
pub(super) struct PublicKeyInput {
    /// `OKP` or `EC`.
    kty: String,
    /// `Ed25519` or `P-256`.
    crv: String,
    /// First coordinate, base64url.
    x: String,
    /// Second coordinate of an `EC` key, base64url.
    y: Option<String>,
}

impl From<PublicKeyInput> for PublicKey {
    fn from(key: PublicKeyInput) -> Self {
        Self { kty: key.kty, crv: key.crv, x: key.x, y: key.y }
    }
}

/// A new machine client (新建机器客户端).
#[derive(InputObject)]
pub(super) struct CreateMachineClientInput {
    /// What it is called.
    name: String,
    /// What it may do.
    scopes: Vec<Scope>,
    /// From which networks it may call, as CIDR; none: from anywhere.
    networks: Option<Vec<String>>,
    /// Its first key.
    key: PublicKeyInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A changed machine client (修改机器客户端).
#[derive(InputObject)]
pub(super) struct UpdateMachineClientInput {
    /// Which.
    id: ID,
    /// The version that the editor saw.
    expected_version: i32,
    /// What it is called.
    name: Option<String>,
    /// All that it may do from now on.
    scopes: Option<Vec<Scope>>,
    /// All networks that it may call from, as CIDR; empty: from anywhere.
    networks: Option<Vec<String>>,
    /// Whether it may get tokens, and those it has are taken.
    enabled: Option<bool>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A further key (新增密钥).
#[derive(InputObject)]
pub(super) struct AddMachineClientKeyInput {
    /// Of which client.
    id: ID,
    /// The key.
    key: PublicKeyInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A key to end (停用密钥).
#[derive(InputObject)]
pub(super) struct RetireMachineClientKeyInput {
    /// Which key.
    id: ID,
    /// When; none: now.
    at: Option<DateTime<Utc>>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `createMachineClient`.
    CreateMachineClientPayload { /// The client.
        machine_client: MachineClient }
    /// The answer to `updateMachineClient`.
    UpdateMachineClientPayload { /// The client as it is now.
        machine_client: MachineClient }
    /// The answer to `addMachineClientKey`.
    AddMachineClientKeyPayload { /// The key.
        key: ClientKey }
    /// The answer to `retireMachineClientKey`.
    RetireMachineClientKeyPayload { /// The key as it is now.
        key: ClientKey }
}

/// The part of the mutation root about machine clients.
#[derive(Default)]
pub struct MachinesMutation;

#[Object]
impl MachinesMutation {
    /// Makes a machine client of the organisation acted for (新建机器客户端).
    async fn create_machine_client(
        &self,
        context: &Context<'_>,
        input: CreateMachineClientInput,
    ) -> Result<CreateMachineClientPayload> {
        let call = context.call(Action::KeepMachineClients)?;
        let patch = ClientPatch {
            name: Some(input.name),
            scopes: Some(input.scopes.into_iter().collect()),
            networks: input.networks,
            enabled: None,
        };
        let made = machines::create_client(context.app(), &call, &patch, &input.key.into()).await;
        CreateMachineClientPayload::new(context, input.client_mutation_id, made.map(MachineClient))
    }

    /// Changes what a machine client may do, from where, and whether at all (修改机器客户端).
    async fn update_machine_client(
        &self,
        context: &Context<'_>,
        input: UpdateMachineClientInput,
    ) -> Result<UpdateMachineClientPayload> {
        let call = context.call(Action::KeepMachineClients)?;
        let result = async {
            let id: MachineClientId = decode(&input.id, "id")?;
            let patch = ClientPatch {
                name: input.name,
                scopes: input.scopes.map(BTreeSet::from_iter),
                networks: input.networks,
                enabled: input.enabled,
            };
            machines::update_client(context.app(), &call, id, input.expected_version, &patch).await
        };
        UpdateMachineClientPayload::new(context, input.client_mutation_id, result.await.map(MachineClient))
    }

    /// Adds a key; the present ones stay good until they are retired (新增密钥).
    async fn add_machine_client_key(
        &self,
        context: &Context<'_>,
        input: AddMachineClientKeyInput,
    ) -> Result<AddMachineClientKeyPayload> {
        let call = context.call(Action::KeepMachineClients)?;
        let result =
            async { machines::add_key(context.app(), &call, decode(&input.id, "id")?, &input.key.into()).await };
        AddMachineClientKeyPayload::new(context, input.client_mutation_id, result.await.map(ClientKey))
    }

    /// Ends a key, now or at a time to come (停用密钥).
    async fn retire_machine_client_key(
        &self,
        context: &Context<'_>,
        input: RetireMachineClientKeyInput,
    ) -> Result<RetireMachineClientKeyPayload> {
        let call = context.call(Action::KeepMachineClients)?;
        let result = async { machines::retire_key(context.app(), &call, decode(&input.id, "id")?, input.at).await };
        RetireMachineClientKeyPayload::new(context, input.client_mutation_id, result.await.map(ClientKey))
    }
}
