//! Whom a buyer asks and orders of: not whom it has stopped, and not whose standing says no.
//!
//! A block is set by hand and holds until its last day or until it is taken back. A standing follows from the latest score
//! and the scorecard as it is now ([`super::scorecards`]): whoever changes the scorecard changes it at once.

use chrono::{Months, NaiveDate};
use entities::{
    party::{Action, OrganisationRole, Viewer, organisation_role},
    procurement::{
        block,
        scorecard::{self, Consequence, STANDS_MONTHS, StandingBand, score},
    },
    values::{
        ErrorCode, Refusal,
        id::OrganisationId,
        refusal::{self as text, Check},
    },
};
use party::ops::organisations;
use platform::{
    app::{App, Call},
    clock::business_day,
    error::{Error, not_found},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter, QueryOrder, QuerySelect,
    sea_query::OnConflict,
};
use serde_json::{Value, json};

use super::{acting, scorecards};

const BY_SUPPLIER: &str = "supplier-block";

/// What a supplier is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be asked for a quotation.
    Rfq,
    /// To be ordered of.
    Order,
}

impl Purpose {
    fn follows(self, standing: &StandingBand) -> Consequence {
        match self {
            Self::Rfq => standing.on_rfq,
            Self::Order => standing.on_order,
        }
    }
}

/// Whether a buyer may ask a supplier, or order of it; true when its standing gives a warning. Refused when it is stopped
/// by hand or by its standing, when it is no supplier, and when it is the buyer itself. The refusal names no field: that is
/// whoever asks to say.
pub(crate) async fn admitted(
    tx: &impl ConnectionTrait,
    buyer: OrganisationId,
    supplier: OrganisationId,
    what: Purpose,
    today: NaiveDate,
) -> Result<bool, Error> {
    let named = |code: ErrorCode| Refusal::new(code).with("value", encode(supplier).0);
    if buyer == supplier {
        return Err(named(ErrorCode::InvalidValue).into());
    }
    let delivers = organisation_role::Entity::find()
        .filter(organisation_role::Column::OrganisationId.eq(supplier))
        .filter(organisation_role::Column::Role.is_in([OrganisationRole::Supplier, OrganisationRole::Seller]));
    if delivers.limit(1).one(tx).await?.is_none() {
        let there = organisations::exists(tx, supplier).await?;
        let wrong = named(ErrorCode::WrongRole).with("role", "SUPPLIER");
        return Err(if there { wrong } else { named(ErrorCode::NotFound) }.into());
    }
    let stopped = |reason: String| Error::from(Refusal::new(ErrorCode::SupplierBlocked).with("reason", reason));
    let block = block::Entity::find_by_id((buyer, supplier)).one(tx).await?;
    if let Some(block) = block.filter(|block| block.holds_on(today)) {
        return Err(stopped(block.reason));
    }
    let Some((standing, points)) = standing(tx, buyer, supplier, today).await? else { return Ok(false) };
    match what.follows(&standing) {
        Consequence::Nothing => Ok(false),
        Consequence::Warn => Ok(true),
        Consequence::Block => Err(stopped(format!("{} ({})", standing.name, scorecard::shown(points)))),
    }
}

/// How a supplier stands with a buyer, and with how many points: by its latest score of the periods that the scorecard has,
/// when that is not too old; none when there is none, or no scorecard.
async fn standing(
    tx: &impl ConnectionTrait,
    buyer: OrganisationId,
    supplier: OrganisationId,
    today: NaiveDate,
) -> Result<Option<(StandingBand, i64)>, Error> {
    let Some(card) = scorecards::of(tx, buyer).await? else { return Ok(None) };
    let since = today.checked_sub_months(Months::new(STANDS_MONTHS)).unwrap_or(today);
    let scores = score::Entity::find()
        .filter(score::Column::BuyerId.eq(buyer))
        .filter(score::Column::SupplierId.eq(supplier))
        .filter(score::Column::PeriodStart.gte(since))
        .order_by_desc(score::Column::PeriodStart)
        .limit(1);
    let current = scores.clone().filter(score::Column::Period.eq(card.period)).one(tx).await?;
    let latest = match current {
        Some(current) => Some(current),
        // By periods of this length nothing is known of it yet: until then it stands as it stood.
        None => scores.one(tx).await?,
    };
    let Some(latest) = latest else { return Ok(None) };
    Ok(card.standing(&latest).map(|standing| (standing.clone(), card.counted(&latest))))
}

/// Stops a supplier, or says anew why and until when.
pub async fn block(
    app: &App,
    call: &Call,
    supplier: OrganisationId,
    reason: &str,
    until: Option<NaiveDate>,
) -> Result<block::Model, Error> {
    let buyer = acting(call, Action::KeepPurchaseRules)?;
    let mut check = Check::default();
    let reason = check.take("reason", text::line(reason, 300)).unwrap_or_default();
    let oneself = || Refusal::new(ErrorCode::InvalidValue).with("value", encode(supplier).0);
    check.demand(buyer != supplier, "supplierId", oneself);
    let today = business_day(app.clock().now());
    let over = || Refusal::new(ErrorCode::InvalidValue).with("value", until.unwrap_or(today).to_string());
    check.demand(until.is_none_or(|last| today <= last), "until", over);
    check.done(())?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    if !organisations::exists(work.tx(), supplier).await? {
        return Err(not_found("supplierId", encode(supplier).as_str()));
    }
    let before = block::Entity::find_by_id((buyer, supplier)).one(work.tx()).await?;
    let blocked_by = work.viewer().subject();
    let row = block::Model { buyer_id: buyer, supplier_id: supplier, reason, blocked_by, until, at: work.now };
    let again = OnConflict::columns([block::Column::BuyerId, block::Column::SupplierId])
        .update_columns([block::Column::Reason, block::Column::BlockedBy, block::Column::Until, block::Column::At])
        .to_owned();
    let insert = block::Entity::insert(row.clone().into_active_model()).on_conflict(again);
    insert.exec_without_returning(work.tx()).await?;
    let shown = |row: &block::Model| json!({ "reason": row.reason, "until": row.until });
    let old = before.as_ref().map_or(Value::Null, shown);
    work.audit(Some(buyer), "blockSupplier", encode(supplier).0, old, shown(&row));
    work.commit(row).await
}

/// Lets a supplier in again; answers with the block as it was.
pub async fn unblock(app: &App, call: &Call, supplier: OrganisationId) -> Result<block::Model, Error> {
    let buyer = acting(call, Action::KeepPurchaseRules)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let unknown = || not_found("supplierId", encode(supplier).as_str());
    let row = block::Entity::find_by_id((buyer, supplier)).one(work.tx()).await?.ok_or_else(unknown)?;
    let gone = block::Entity::delete_by_id((buyer, supplier)).exec(work.tx()).await?;
    if gone.rows_affected != 1 {
        return Err(unknown());
    }
    let old = json!({ "reason": row.reason, "until": row.until });
    work.audit(Some(buyer), "unblockSupplier", encode(supplier).0, old, Value::Null);
    work.commit(row).await
}

/// Suppliers that the viewer's organisation has stopped.
pub async fn list(db: &impl ConnectionTrait, viewer: &Viewer, page: &PageArgs) -> Result<Page<block::Model>, Error> {
    let list = block::Entity::visible_to(viewer);
    page.by_id(db, list, block::Column::SupplierId, BY_SUPPLIER, Order::Asc).await
}

/// The cursor of a block in that list.
pub fn cursor(row: &block::Model) -> Cursor {
    Cursor::of_id(BY_SUPPLIER, row.supplier_id)
}
