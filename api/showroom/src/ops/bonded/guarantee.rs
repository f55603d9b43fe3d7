//! The guarantee for bonded displays: put in by who keeps the zone's accounts, locked by applications, let go by
//! returns and payments. The guard stands in the UPDATE: of many that want the last of it, as many get it as it is
//! enough for.

use entities::{
    customs::codes::yuan,
    party::{Action, OrganisationRole, Resource, Viewer},
    showroom::{
        bonded_display,
        display_guarantee::{self, Column as C, DisplayGuaranteeReason, entry},
    },
    values::{
        ErrorCode, Refusal,
        id::{BondedDisplayId, DisplayGuaranteeEntryId, OrganisationId},
        refusal::line,
    },
};
use party::ops::organisations::has_role;
use platform::{
    app::{App, Call, Work, allowed},
    db::{Dialect, dialect, wrote},
    error::Error,
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, Order, QueryFilter, QuerySelect,
    sea_query::{Expr, LockType, OnConflict},
};
use serde_json::{Value, json};

/// Name of the order, for cursors.
const NEWEST: &str = "newest-display-guarantee-entry";
/// Most fen that are put in at once.
const MOST: i64 = 100_000_000_000_000;
/// Longest number of a bank or a letter of guarantee.
const LONGEST_NUMBER: usize = 64;

/// A change of what is in use.
#[derive(Debug)]
pub(super) struct Change<'a> {
    /// Whose guarantee.
    pub(super) organisation: OrganisationId,
    /// Why.
    pub(super) reason: DisplayGuaranteeReason,
    /// By how much.
    pub(super) used_minor: i64,
    /// For which bonded display.
    pub(super) display: Option<BondedDisplayId>,
    /// Under which document.
    pub(super) document: &'a str,
    /// What the entry is known by.
    pub(super) key: String,
}

/// The guarantee of an organisation, locked until the transaction ends; none: nothing was ever put in.
pub(super) async fn locked(
    tx: &impl ConnectionTrait,
    organisation: OrganisationId,
) -> Result<Option<display_guarantee::Model>, Error> {
    let mut row = display_guarantee::Entity::find_by_id(organisation);
    if dialect(tx) == Dialect::Postgres {
        row = row.lock(LockType::NoKeyUpdate);
    }
    Ok(row.one(tx).await?)
}

/// Changes what of a guarantee is in use. Refused with `GUARANTEE_SHORT` when it does not leave as much.
pub(super) async fn changed(work: &Work, change: Change<'_>) -> Result<(), Error> {
    let used = || Expr::col(C::UsedMinor).add(change.used_minor);
    let done = display_guarantee::Entity::update_many()
        .col_expr(C::UsedMinor, used())
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .filter(C::OrganisationId.eq(change.organisation))
        .filter(used().lte(Expr::col(C::BalanceMinor)))
        .filter(used().gte(0))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        if change.used_minor < 0 {
            return Err(Error::internal("more of a guarantee is let go than is in use"));
        }
        let row = display_guarantee::Entity::find_by_id(change.organisation).one(work.tx()).await?;
        let free = row.map_or(0, |row| row.free_minor());
        return Err(Refusal::new(ErrorCode::GuaranteeShort).with("available", yuan(free)).at("id").into());
    }
    let row = entry::Model {
        id: DisplayGuaranteeEntryId::new(work.now),
        organisation_id: change.organisation,
        reason: change.reason,
        balance_minor: 0,
        used_minor: change.used_minor,
        display_id: change.display,
        document: change.document.to_owned(),
        entry_key: change.key,
        actor: work.viewer().subject(),
        at: work.now,
    };
    entry::Entity::insert(row.into_active_model()).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// Lets go what so many pieces of a bonded display bind.
pub(super) async fn freed(
    work: &Work,
    row: &bonded_display::Model,
    pieces: i64,
    reason: DisplayGuaranteeReason,
    document: &str,
    key: String,
) -> Result<(), Error> {
    let used_minor = -row.unit_tax().times(pieces)?;
    if used_minor == 0 {
        return Ok(());
    }
    let (organisation, display) = (row.organisation_id, Some(row.id));
    changed(work, Change { organisation, reason, used_minor, display, document, key }).await
}

/// Puts something into a guarantee, or takes something out that is not in use; known by its number at the bank.
pub async fn deposit(
    app: &App,
    call: &Call,
    whose: OrganisationId,
    amount_minor: i64,
    number: &str,
) -> Result<display_guarantee::Model, Error> {
    call.may(Action::KeepGuarantees, Resource::OWN)?;
    let number = line(number, LONGEST_NUMBER).map_err(|refusal| refusal.at("reference"))?;
    if amount_minor == 0 || amount_minor.abs() > MOST {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", yuan(amount_minor)).at("amount").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    if !has_role(work.tx(), whose, OrganisationRole::ShowroomOperator).await? {
        let refusal = Refusal::new(ErrorCode::WrongRole).with("value", encode(whose).0);
        return Err(refusal.with("role", "SHOWROOM_OPERATOR").at("organisationId").into());
    }
    let none = display_guarantee::Model { organisation_id: whose, balance_minor: 0, used_minor: 0, version: 0 };
    let known = OnConflict::column(C::OrganisationId).do_nothing().to_owned();
    let insert = display_guarantee::Entity::insert(none.into_active_model()).on_conflict(known).try_insert();
    insert.exec_without_returning(work.tx()).await?;
    let reason = if amount_minor > 0 { DisplayGuaranteeReason::Deposit } else { DisplayGuaranteeReason::Withdrawal };
    let row = entry::Model {
        id: DisplayGuaranteeEntryId::new(work.now),
        organisation_id: whose,
        reason,
        balance_minor: amount_minor,
        used_minor: 0,
        display_id: None,
        document: number.clone(),
        entry_key: format!("deposit:{whose}:{number}"),
        actor: work.viewer().subject(),
        at: work.now,
    };
    let once = OnConflict::column(entry::Column::EntryKey).do_nothing().to_owned();
    let insert = entry::Entity::insert(row.into_active_model()).on_conflict(once).try_insert();
    if !wrote(insert.exec_without_returning(work.tx()).await)? {
        return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", number).at("reference").into());
    }
    let balance = || Expr::col(C::BalanceMinor).add(amount_minor);
    let done = display_guarantee::Entity::update_many()
        .col_expr(C::BalanceMinor, balance())
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .filter(C::OrganisationId.eq(whose))
        .filter(balance().gte(Expr::col(C::UsedMinor)))
        .exec(work.tx())
        .await?;
    let row = display_guarantee::Entity::find_by_id(whose).one(work.tx()).await?;
    let row = row.ok_or_else(|| Error::internal("a guarantee is gone"))?;
    if done.rows_affected != 1 {
        let refusal = Refusal::new(ErrorCode::GuaranteeShort).with("available", yuan(row.free_minor()));
        return Err(refusal.at("amount").into());
    }
    let shown = json!({ "amount": yuan(amount_minor), "reference": number });
    work.audit(Some(whose), "depositDisplayGuarantee", encode(whose).0, Value::Null, shown);
    work.commit(row).await
}

/// How a guarantee stands; nothing, where nothing was ever put in.
pub async fn standing(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    whose: OrganisationId,
) -> Result<display_guarantee::Model, Error> {
    allowed(viewer, Action::ReadGuarantees, Resource::of(whose))?;
    let none = display_guarantee::Model { organisation_id: whose, balance_minor: 0, used_minor: 0, version: 0 };
    Ok(display_guarantee::Entity::find_by_id(whose).one(db).await?.unwrap_or(none))
}

/// What happened to a guarantee, newest first.
pub async fn statement(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    whose: OrganisationId,
    page: &PageArgs,
) -> Result<Page<entry::Model>, Error> {
    allowed(viewer, Action::ReadGuarantees, Resource::of(whose))?;
    let rows = entry::Entity::find().filter(entry::Column::OrganisationId.eq(whose));
    page.by_id(db, rows, entry::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of an entry in that list.
pub fn entry_cursor(row: &entry::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}
