//! What organisations say of themselves: names, codes, addresses, roles, bank accounts.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use entities::{
    party::{
        Action, OrganisationRole, bank_account,
        organisation::{self, AddressKind},
    },
    values::{Refusal, id::OrganisationId},
};
use platform::{
    error::Error,
    graphql::{
        ContextExt, CurrencyCode, decode, encode,
        text::{TranslationInput, localized},
    },
    payload,
};

use super::{Organisation, named_or_own, readable};
use crate::ops::{
    accounts::{self, NewAccount},
    organisations::{self, OrganisationPatch},
};

/// A bank account, its number masked (银行账户).
#[derive(Clone, Debug)]
pub struct BankAccount(pub bank_account::Model);

/// A bank account, its number masked (银行账户).
#[Object]
impl BankAccount {
    /// Opaque identifier.
    async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// The bank (开户行).
    async fn bank(&self) -> &str {
        &self.0.bank
    }

    /// Its holder (户名).
    async fn holder(&self) -> &str {
        &self.0.holder
    }

    /// Its number, but for its end masked.
    async fn masked_number(&self) -> &str {
        &self.0.masked_number
    }

    /// Its currency.
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.currency)
    }

    /// Since when.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// The part of the query root about what organisations keep.
#[derive(Default)]
pub struct KeepingQuery;

#[Object]
impl KeepingQuery {
    /// Bank accounts of an organisation, at most 50, masked (银行账户列表).
    #[graphql(complexity = "50 * child_complexity")]
    async fn bank_accounts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose; none: of the organisation acted for.")] organisation_id: Option<ID>,
    ) -> Result<Vec<BankAccount>> {
        context.may(Action::ReadBankAccounts)?;
        let organisation = named_or_own(context, organisation_id.as_ref())?;
        readable(context, Action::ReadBankAccounts, organisation)?;
        let rows = accounts::accounts_of(context.app().db().read(), organisation).await?;
        Ok(rows.into_iter().map(BankAccount).collect())
    }
}

/// An address that is sent (地址).
#[derive(InputObject)]
pub(super) struct AddressInput {
    /// What it is for.
    kind: AddressKind,
    /// ISO 3166-1 alpha-2.
    country: String,
    /// Province, city, district.
    region: String,
    /// Street and number.
    street: String,
    /// Postal code.
    postal_code: Option<String>,
}

/// A new organisation (注册组织).
#[derive(InputObject)]
pub(super) struct RegisterOrganisationInput {
    /// Readable key; without it made of the English name.
    slug: Option<String>,
    /// Names by language.
    name: Vec<TranslationInput>,
    /// Unified social credit code.
    uscc: Option<String>,
    /// Customs registration code.
    customs_code: Option<String>,
    /// Addresses.
    addresses: Option<Vec<AddressInput>>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A changed organisation (修改组织).
#[derive(InputObject)]
pub(super) struct UpdateOrganisationInput {
    /// Which; none: the one acted for.
    id: Option<ID>,
    /// The version that the editor saw.
    expected_version: i32,
    /// Names by language, laid over the present ones.
    name: Option<Vec<TranslationInput>>,
    /// Unified social credit code.
    uscc: Option<String>,
    /// Customs registration code.
    customs_code: Option<String>,
    /// All addresses from now on.
    addresses: Option<Vec<AddressInput>>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// The roles of an organisation (设置组织角色).
#[derive(InputObject)]
pub(super) struct AssignOrganisationRolesInput {
    /// Which organisation.
    id: ID,
    /// All its roles from now on; `PLATFORM` is neither given nor taken.
    roles: Vec<OrganisationRole>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A new bank account (新增银行账户).
#[derive(InputObject)]
pub(super) struct AddBankAccountInput {
    /// Whose; none: of the organisation acted for.
    organisation_id: Option<ID>,
    /// The bank (开户行).
    bank: String,
    /// Its holder (户名).
    holder: String,
    /// Its number.
    #[graphql(secret)]
    number: String,
    /// Its currency, ISO 4217.
    currency: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A bank account to take away (删除银行账户).
#[derive(InputObject)]
pub(super) struct RemoveBankAccountInput {
    /// Which.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A bank account to read in clear (查看完整账号).
#[derive(InputObject)]
pub(super) struct RevealBankAccountInput {
    /// Which.
    id: ID,
    /// What for; it is noted.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `registerOrganisation`.
    RegisterOrganisationPayload { /// The organisation; who registered it is its owner.
        organisation: Organisation }
    /// The answer to `updateOrganisation`.
    UpdateOrganisationPayload { /// The organisation as it is now.
        organisation: Organisation }
    /// The answer to `assignOrganisationRoles`.
    AssignOrganisationRolesPayload { /// The organisation as it is now.
        organisation: Organisation }
    /// The answer to `addBankAccount`.
    AddBankAccountPayload { /// The account, masked.
        bank_account: BankAccount }
    /// The answer to `removeBankAccount`.
    RemoveBankAccountPayload { /// The account that is gone.
        removed_id: ID }
    /// The answer to `revealBankAccount`.
    RevealBankAccountPayload { /// The number in clear.
        number: String }
}

/// The part of the mutation root about what organisations keep.
#[derive(Default)]
pub struct KeepingMutation;

fn addresses(sent: Option<Vec<AddressInput>>) -> Result<Option<Vec<organisation::Address>>, Error> {
    let Some(sent) = sent else { return Ok(None) };
    let read = sent.into_iter().enumerate().map(|(at, address)| {
        let country = address.country.parse();
        Ok(organisation::Address {
            kind: address.kind,
            country: country.map_err(|r: Refusal| r.at("country").at(at.to_string()).at("addresses"))?,
            region: address.region,
            street: address.street,
            postal_code: address.postal_code,
        })
    });
    read.collect::<Result<Vec<_>, Error>>().map(Some)
}

#[Object]
impl KeepingMutation {
    /// Registers an organisation; who registers it is its owner (注册组织).
    async fn register_organisation(
        &self,
        context: &Context<'_>,
        input: RegisterOrganisationInput,
    ) -> Result<RegisterOrganisationPayload> {
        let call = context.call(Action::JoinOrganisation)?;
        let result = async {
            let patch = OrganisationPatch {
                name: localized(Some(input.name), "name")?,
                uscc: input.uscc,
                customs_code: input.customs_code,
                addresses: addresses(input.addresses)?,
            };
            organisations::register_organisation(context.app(), &call, input.slug.as_deref(), &patch).await
        };
        RegisterOrganisationPayload::new(context, input.client_mutation_id, result.await.map(Organisation))
    }

    /// Changes names, codes and addresses of an organisation (修改组织).
    async fn update_organisation(
        &self,
        context: &Context<'_>,
        input: UpdateOrganisationInput,
    ) -> Result<UpdateOrganisationPayload> {
        let call = context.call(Action::KeepOrganisation)?;
        let result = async {
            let id = match &input.id {
                Some(id) => decode(id, "id")?,
                None => named_or_own(context, None)?,
            };
            let patch = OrganisationPatch {
                name: localized(input.name, "name")?,
                uscc: input.uscc,
                customs_code: input.customs_code,
                addresses: addresses(input.addresses)?,
            };
            organisations::update_organisation(context.app(), &call, id, input.expected_version, &patch).await
        };
        UpdateOrganisationPayload::new(context, input.client_mutation_id, result.await.map(Organisation))
    }

    /// Says which roles an organisation plays; for operators (设置组织角色).
    async fn assign_organisation_roles(
        &self,
        context: &Context<'_>,
        input: AssignOrganisationRolesInput,
    ) -> Result<AssignOrganisationRolesPayload> {
        let call = context.call(Action::AssignOrganisationRoles)?;
        let result = async {
            let id: OrganisationId = decode(&input.id, "id")?;
            let roles = input.roles.into_iter().collect();
            organisations::assign_roles(context.app(), &call, id, &roles).await
        };
        AssignOrganisationRolesPayload::new(context, input.client_mutation_id, result.await.map(Organisation))
    }

    /// Adds a bank account to an organisation (新增银行账户).
    async fn add_bank_account(
        &self,
        context: &Context<'_>,
        input: AddBankAccountInput,
    ) -> Result<AddBankAccountPayload> {
        let call = context.call(Action::KeepBankAccounts)?;
        let result = async {
            let organisation = named_or_own(context, input.organisation_id.as_ref())?;
            let new =
                NewAccount { bank: input.bank, holder: input.holder, number: input.number, currency: input.currency };
            accounts::add_account(context.app(), &call, organisation, &new).await
        };
        AddBankAccountPayload::new(context, input.client_mutation_id, result.await.map(BankAccount))
    }

    /// Takes a bank account away (删除银行账户).
    async fn remove_bank_account(
        &self,
        context: &Context<'_>,
        input: RemoveBankAccountInput,
    ) -> Result<RemoveBankAccountPayload> {
        let call = context.call(Action::KeepBankAccounts)?;
        let result = async { accounts::remove_account(context.app(), &call, decode(&input.id, "id")?).await };
        RemoveBankAccountPayload::new(context, input.client_mutation_id, result.await.map(encode))
    }

    /// Reads the number of a bank account in clear; every reading is in the audit (查看完整账号).
    async fn reveal_bank_account(
        &self,
        context: &Context<'_>,
        input: RevealBankAccountInput,
    ) -> Result<RevealBankAccountPayload> {
        let call = context.call(Action::RevealBankAccount)?;
        let result =
            async { accounts::reveal_account(context.app(), &call, decode(&input.id, "id")?, &input.reason).await };
        RevealBankAccountPayload::new(context, input.client_mutation_id, result.await)
    }
}
