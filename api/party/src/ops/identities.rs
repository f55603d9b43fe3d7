//! Consumer identities: name and resident ID of a person who buys bonded goods. Sealed, found by a keyed hash,
//! shown masked; reading one in clear leaves an entry in the audit, whoever reads.

use chrono::{DateTime, Utc};
use entities::party::consumer_identity::Column as C;
use entities::{
    party::{Action, Resource, Viewer, consumer_identity},
    values::{ResidentId, id::PersonId, identity::masked_name, refusal::line},
};
use platform::{
    app::{App, Call, Work, allowed},
    clock::business_day,
    error::{Error, not_found, stale},
    graphql::encode,
    vault::Vault,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use serde_json::{Value, json};

/// Most accounts that are shown for one resident ID.
const MAX_FOUND: u64 = 100;

/// A name and a resident ID in clear.
#[derive(Clone)]
pub struct Revealed {
    /// The name.
    pub name: String,
    /// The resident ID.
    pub number: String,
}

impl std::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Revealed")
    }
}

fn place(field: &str, person: PersonId) -> String {
    format!("consumer_identity.{field}:{person}")
}

/// Gives one's own name and resident ID, or gives them anew.
pub async fn set_identity(app: &App, call: &Call, name: &str, number: &str) -> Result<consumer_identity::Model, Error> {
    call.may(Action::KeepIdentity, Resource::OWN)?;
    let person = call.viewer.person().ok_or(Error::Forbidden)?;
    let name = line(name, 60).map_err(|r| r.at("name"))?;
    // The birth date is one of China's calendar.
    let today = business_day(app.clock().now());
    let number = ResidentId::parse_at(number.trim(), today).map_err(|r| r.at("residentId"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let vault = app.vault();
    let before = consumer_identity::Entity::find_by_id(person).one(work.tx()).await?;
    let row = consumer_identity::Model {
        person_id: person,
        masked_name: masked_name(&name),
        name: vault.seal(&place("name", person), name.as_bytes())?,
        masked_number: number.masked(),
        number: vault.seal(&place("number", person), number.reveal().as_bytes())?,
        lookup: lookup(vault, number.reveal()),
        updated_at: work.now,
        // What was asked was asked of what was given before.
        same_person: None,
        verified_with: None,
        verified_at: None,
    };
    let replace = OnConflict::column(C::PersonId)
        .update_columns([
            C::Name,
            C::MaskedName,
            C::Number,
            C::MaskedNumber,
            C::Lookup,
            C::UpdatedAt,
            C::SamePerson,
            C::VerifiedWith,
            C::VerifiedAt,
        ])
        .to_owned();
    consumer_identity::Entity::insert(row.clone().into_active_model())
        .on_conflict(replace)
        .exec_without_returning(work.tx())
        .await?;
    let masked = |row: &consumer_identity::Model| json!({ "name": row.masked_name, "number": row.masked_number });
    let old = before.as_ref().map_or(Value::Null, masked);
    work.audit(None, "setConsumerIdentity", encode(person).0, old, masked(&row));
    work.commit(row).await
}

/// By what a resident ID is found again: a keyed hash.
pub fn lookup(vault: &Vault, number: &str) -> String {
    vault.lookup("resident id", number)
}

/// What the base of identities (公安身份核查) said of a person's name and number. Who is verified may have somebody else pay
/// (海关总署公告2018年第194号).
#[derive(Clone, Debug)]
pub struct Checked {
    /// Whose.
    pub person: PersonId,
    /// When what was asked about was given: what was given anew is not what was asked about.
    pub given_at: DateTime<Utc>,
    /// Whether it knows the number under the name.
    pub same: bool,
    /// Who asked it, and under which number.
    pub with: String,
}

/// Notes what the base of identities said. Refused when the person gave another identity meanwhile.
pub async fn note_check(app: &App, call: &Call, said: &Checked) -> Result<consumer_identity::Model, Error> {
    call.may(Action::VerifyIdentities, Resource::OWN)?;
    let with = line(&said.with, 100).map_err(|r| r.at("source"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = consumer_identity::Entity::find_by_id(said.person).one(work.tx()).await?;
    let before = before.ok_or_else(|| not_found("personId", encode(said.person).as_str()))?;
    if before.updated_at != said.given_at {
        return Err(stale());
    }
    let done = consumer_identity::Entity::update_many()
        .col_expr(C::SamePerson, Expr::val(said.same))
        .col_expr(C::VerifiedWith, Expr::val(with.as_str()))
        .col_expr(C::VerifiedAt, Expr::val(work.now))
        .filter(C::PersonId.eq(said.person))
        .filter(C::UpdatedAt.eq(before.updated_at))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Err(stale());
    }
    let row = consumer_identity::Model {
        same_person: Some(said.same),
        verified_with: Some(with),
        verified_at: Some(work.now),
        ..before.clone()
    };
    let shown = |row: &consumer_identity::Model| json!({ "same": row.same_person, "with": row.verified_with });
    work.audit(None, "noteIdentityCheck", encode(said.person).0, shown(&before), shown(&row));
    work.commit(row).await
}

/// Whether somebody of this name and number is known to the base of identities.
pub async fn is_verified(app: &App, db: &impl ConnectionTrait, name: &str, number: &str) -> Result<bool, Error> {
    if number.is_empty() {
        return Ok(false);
    }
    let found = consumer_identity::Entity::find()
        .filter(C::Lookup.eq(lookup(app.vault(), number)))
        .filter(C::SamePerson.eq(true))
        .order_by_asc(C::PersonId)
        .limit(MAX_FOUND)
        .all(db)
        .await?;
    for row in found {
        if opened(app, &row)?.name == name {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A person's own identity, masked.
pub async fn own_identity(
    db: &impl ConnectionTrait,
    person: PersonId,
) -> Result<Option<consumer_identity::Model>, Error> {
    Ok(consumer_identity::Entity::find_by_id(person).one(db).await?)
}

/// The accounts behind a resident ID, masked.
pub async fn find_identities(app: &App, viewer: &Viewer, number: &str) -> Result<Vec<consumer_identity::Model>, Error> {
    allowed(viewer, Action::FindIdentities, Resource::OWN)?;
    let number: ResidentId = number.trim().parse().map_err(|_| Error::BadInput("that is no resident ID".into()))?;
    let found = consumer_identity::Entity::find()
        .filter(consumer_identity::Column::Lookup.eq(lookup(app.vault(), number.reveal())))
        .order_by_asc(consumer_identity::Column::PersonId)
        .limit(MAX_FOUND);
    Ok(found.all(app.db().read()).await?)
}

/// What a declaration to customs says of who buys, read in the transaction that declares it; the audit has it.
pub async fn for_customs(
    app: &App,
    work: &mut Work,
    person: PersonId,
    document: &str,
) -> Result<Option<Revealed>, Error> {
    let Some(row) = consumer_identity::Entity::find_by_id(person).one(work.tx()).await? else { return Ok(None) };
    let revealed = opened(app, &row)?;
    work.audit(None, "declareConsumerIdentity", encode(person).0, Value::Null, json!({ "document": document }));
    Ok(Some(revealed))
}

fn opened(app: &App, row: &consumer_identity::Model) -> Result<Revealed, Error> {
    Ok(Revealed {
        name: app.vault().unseal_text(&place("name", row.person_id), &row.name)?,
        number: app.vault().unseal_text(&place("number", row.person_id), &row.number)?,
    })
}

/// Reads a name and a resident ID in clear. Nothing is read unless the audit has it.
pub async fn reveal_identity(app: &App, call: &Call, person: PersonId, reason: &str) -> Result<Revealed, Error> {
    call.may(Action::RevealIdentity, Resource::of_person(person))?;
    let reason = line(reason, 300).map_err(|r| r.at("reason"))?;
    let mut work = app.begin(&call.unrepeatable()).await?;
    let row = consumer_identity::Entity::find_by_id(person).one(work.tx()).await?;
    let row = row.ok_or_else(|| not_found("personId", encode(person).as_str()))?;
    let revealed = opened(app, &row)?;
    work.audit(None, "revealConsumerIdentity", encode(person).0, Value::Null, json!({ "reason": reason }));
    work.commit(()).await?;
    Ok(revealed)
}
