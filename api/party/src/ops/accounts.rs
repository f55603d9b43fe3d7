//! Bank accounts of organisations: sealed, shown by their last four characters, read in clear only with an entry
//! in the audit.

use entities::{
    party::{Action, Resource, bank_account},
    values::{
        Currency, ErrorCode, Refusal,
        id::{BankAccountId, OrganisationId},
        refusal::line,
    },
};
use platform::{
    app::{App, Call},
    error::{Error, not_found, taken},
    graphql::encode,
    vault::Vault,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::{Value, json};

use super::locked;

/// Most accounts of one organisation.
const MAX_ACCOUNTS: u64 = 50;

/// A new account.
#[derive(Clone)]
pub struct NewAccount {
    /// The bank.
    pub bank: String,
    /// Its holder.
    pub holder: String,
    /// Its number.
    pub number: String,
    /// Its currency.
    pub currency: String,
}

fn place(id: BankAccountId) -> String {
    format!("bank_account.number:{id}")
}

/// The number without spaces and hyphens: 8 to 34 letters and digits (the longest IBAN has 34).
fn read_number(text: &str) -> Result<String, Refusal> {
    let number: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).take(40).collect();
    let fits = (8..=34).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_alphanumeric());
    // Without the value: what a refusal names goes to clients and logs.
    if fits {
        Ok(number.to_ascii_uppercase())
    } else {
        Err(Refusal::new(ErrorCode::InvalidValue).with("value", "***").at("number"))
    }
}

fn masked(number: &str) -> String {
    let shown = number.len().saturating_sub(4);
    format!("{}{}", "*".repeat(shown), number.get(shown..).unwrap_or_default())
}

/// Adds an account to an organisation.
pub async fn add_account(
    app: &App,
    call: &Call,
    organisation: OrganisationId,
    new: &NewAccount,
) -> Result<bank_account::Model, Error> {
    call.may(Action::KeepBankAccounts, Resource::of(organisation))?;
    let number = read_number(&new.number)?;
    let currency: Currency = new.currency.parse().map_err(|r: Refusal| r.at("currency"))?;
    let bank = line(&new.bank, 120).map_err(|r| r.at("bank"))?;
    let holder = line(&new.holder, 120).map_err(|r| r.at("holder"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (tx, now) = (work.tx(), work.now);
    locked(tx, organisation).await?;
    let present = bank_account::Entity::find().filter(bank_account::Column::OrganisationId.eq(organisation));
    if present.count(tx).await? >= MAX_ACCOUNTS {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_ACCOUNTS.to_string()).into());
    }
    let id = BankAccountId::new(now);
    let row = bank_account::Model {
        id,
        organisation_id: organisation,
        bank,
        holder,
        number: app.vault().seal(&place(id), number.as_bytes())?,
        masked_number: masked(&number),
        lookup: app.vault().lookup("bank account", &number),
        currency,
        created_at: now,
    };
    bank_account::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(tx)
        .await
        .map_err(|e| taken(e, "bank_account", &["organisation_id", "lookup"], "number", &row.masked_number))?;
    let after = json!({ "bank": row.bank, "number": row.masked_number });
    work.audit(Some(organisation), "addBankAccount", encode(id).0, Value::Null, after);
    work.commit(row).await
}

async fn visible(tx: &impl ConnectionTrait, call: &Call, id: BankAccountId) -> Result<bank_account::Model, Error> {
    let row = bank_account::Entity::find_by_id(id).one(tx).await?;
    let known =
        |row: &bank_account::Model| call.viewer.oversees() || call.viewer.organisation() == Some(row.organisation_id);
    row.filter(known).ok_or_else(|| not_found("id", encode(id).as_str()))
}

/// Takes an account away.
pub async fn remove_account(app: &App, call: &Call, id: BankAccountId) -> Result<BankAccountId, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = visible(work.tx(), call, id).await?;
    call.may(Action::KeepBankAccounts, Resource::of(row.organisation_id))?;
    bank_account::Entity::delete_by_id(id).exec(work.tx()).await?;
    let before = json!({ "bank": row.bank, "number": row.masked_number });
    work.audit(Some(row.organisation_id), "removeBankAccount", encode(id).0, before, Value::Null);
    work.commit(id).await
}

/// Reads a number in clear. Nothing is read unless the audit has it.
pub async fn reveal_account(app: &App, call: &Call, id: BankAccountId, reason: &str) -> Result<String, Error> {
    let reason = line(reason, 300).map_err(|r| r.at("reason"))?;
    let mut work = app.begin(&call.unrepeatable()).await?;
    let row = visible(work.tx(), call, id).await?;
    call.may(Action::RevealBankAccount, Resource::of(row.organisation_id))?;
    let number = app.vault().unseal_text(&place(id), &row.number)?;
    work.audit(Some(row.organisation_id), "revealBankAccount", encode(id).0, Value::Null, json!({ "reason": reason }));
    work.commit(()).await?;
    Ok(number)
}

/// The number of an account in clear, for who notes in the audit that it was read.
pub fn opened(vault: &Vault, row: &bank_account::Model) -> Result<String, Error> {
    vault.unseal_text(&place(row.id), &row.number)
}

/// The accounts of an organisation, masked.
pub async fn accounts_of(
    db: &impl ConnectionTrait,
    organisation: OrganisationId,
) -> Result<Vec<bank_account::Model>, Error> {
    let own = bank_account::Entity::find().filter(bank_account::Column::OrganisationId.eq(organisation));
    Ok(own.order_by_asc(bank_account::Column::Id).limit(MAX_ACCOUNTS).all(db).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_number_is_shown_by_its_end() {
        let number = read_number("6222 0215-0600 1234 567").unwrap();
        assert_eq!((number.as_str(), masked(&number).as_str()), ("6222021506001234567", "***************4567"));
        for wrong in ["1234567", "6222 0215 0600 1234 567!", "", &"1".repeat(35)] {
            assert!(read_number(wrong).is_err(), "{wrong}");
        }
    }
}
