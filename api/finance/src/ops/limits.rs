//! Limits of financiers: proposed by one person, approved by another; blocked by requests, given back when these come to
//! nothing.
//!
//! Several limits of one request are taken in the order of their ids, each by one guarded UPDATE that demands its row: so
//! of two requests that both want the rest one gets it, and no two wait for each other.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use entities::{
    finance::{
        LimitEntryKind, LimitKind, LimitState,
        limit::{self, Proposal, entry, scope_key},
    },
    party::{Action, Viewer},
    values::{
        Currency, ErrorCode, Refusal,
        id::{FinancingLimitEntryId, FinancingLimitId, FinancingProgrammeId, OrganisationId},
    },
};
use platform::{
    app::{App, Call, Work},
    error::{Error, fresh, not_found, stale, violates_unique},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter, QueryOrder,
    sea_query::{CaseStatement, Expr, ExprTrait, SimpleExpr},
};
use serde_json::{Value, json};

use super::programmes::financier;

const NEWEST: &str = "newest-financing-limit";
const FIRST: &str = "first-limit-entry";

/// Whom or what a limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Scope {
    pub kind: LimitKind,
    pub seller: Option<OrganisationId>,
    pub debtor: Option<OrganisationId>,
    pub programme: Option<FinancingProgrammeId>,
}

impl Scope {
    /// The scope with what its kind is about, and nothing else.
    fn checked(self) -> Result<String, Refusal> {
        let (seller, debtor, programme) = match self.kind {
            LimitKind::Debtor => (false, true, false),
            LimitKind::Seller => (true, false, false),
            LimitKind::Programme => (false, false, true),
            LimitKind::Pair => (true, true, false),
        };
        for (wanted, given, field) in [
            (seller, self.seller.is_some(), "sellerId"),
            (debtor, self.debtor.is_some(), "debtorId"),
            (programme, self.programme.is_some(), "programmeId"),
        ] {
            match (wanted, given) {
                (true, false) => return Err(Refusal::new(ErrorCode::Required).at(field)),
                (false, true) => return Err(Refusal::new(ErrorCode::InvalidValue).with("value", field).at(field)),
                _ => {}
            }
        }
        Ok(self.key())
    }

    /// The scope as one text.
    pub(super) fn key(self) -> String {
        scope_key(self.kind, self.seller, self.debtor, self.programme)
    }
}

fn shown(row: &limit::Model) -> Value {
    json!({
        "kind": row.kind, "state": row.state, "sanctioned": row.money(row.sanctioned_minor),
        "adhoc": row.money(row.adhoc_minor), "expiresOn": row.expires_on, "proposal": row.proposal,
    })
}

/// Proposes how a limit is to be; the one that there is in the version that was read. Somebody else has to approve it.
pub async fn propose(
    app: &App,
    call: &Call,
    (scope, currency): (Scope, Currency),
    proposal: Proposal,
    expected: Option<i32>,
) -> Result<limit::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let key = scope.checked()?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    for (id, field) in [(scope.seller, "sellerId"), (scope.debtor, "debtorId")] {
        let Some(id) = id else { continue };
        if !party::ops::organisations::exists(work.tx(), id).await? {
            return Err(not_found(field, encode(id).as_str()));
        }
    }
    if let Some(id) = scope.programme {
        let row = entities::finance::programme::Entity::find_by_id(id).one(work.tx()).await?;
        let row =
            row.filter(|row| row.financier_id == own).ok_or_else(|| not_found("programmeId", encode(id).as_str()))?;
        if row.currency != currency {
            let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", currency.code());
            return Err(refusal.at("currency").at("sanctioned").into());
        }
    }
    let there = limit::Entity::find()
        .filter(limit::Column::FinancierId.eq(own))
        .filter(limit::Column::ScopeKey.eq(&key))
        .filter(limit::Column::Currency.eq(currency));
    let before = there.one(work.tx()).await?;
    if before.as_ref().map(|row| row.version) != expected {
        return Err(stale());
    }
    let proposal = Proposal { by: work.viewer().subject(), ..proposal };
    proposal.check(before.as_ref().map_or(0, |row| row.blocked_minor + row.utilised_minor))?;
    let row = if let Some(row) = &before {
        written(&work, row, limit::Model { proposal: Some(proposal), ..row.clone() }).await?
    } else {
        let row = limit::Model {
            id: FinancingLimitId::new(work.now),
            financier_id: own,
            kind: scope.kind,
            seller_id: scope.seller,
            debtor_id: scope.debtor,
            programme_id: scope.programme,
            scope_key: key,
            currency,
            state: LimitState::Proposed,
            sanctioned_minor: 0,
            adhoc_minor: 0,
            adhoc_from: None,
            adhoc_to: None,
            effective_on: proposal.effective_on,
            expires_on: proposal.expires_on,
            blocked_minor: 0,
            utilised_minor: 0,
            proposal: Some(proposal),
            version: 1,
            created_at: work.now,
            updated_at: work.now,
        };
        let made = limit::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
        made.map_err(|error| {
            let twice = violates_unique(&error, "financing_limit", &["financier_id", "scope_key", "currency"]);
            if twice { stale() } else { Error::from(error) }
        })?;
        row
    };
    work.audit(
        Some(own),
        "proposeFinancingLimit",
        encode(row.id).0,
        before.as_ref().map_or(Value::Null, shown),
        shown(&row),
    );
    work.commit(row).await
}

/// Writes what people change of a limit, and nothing of what requests take of it at the same moment.
async fn written(work: &Work, before: &limit::Model, next: limit::Model) -> Result<limit::Model, Error> {
    let next = limit::Model { version: before.version + 1, updated_at: work.now, ..next };
    let mut set = next.clone().into_active_model().reset_all();
    set.blocked_minor = sea_orm::ActiveValue::NotSet;
    set.utilised_minor = sea_orm::ActiveValue::NotSet;
    let used = Expr::col(limit::Column::BlockedMinor).add(Expr::col(limit::Column::UtilisedMinor));
    let mut update = limit::Entity::update_many()
        .set(set)
        .filter(limit::Column::Id.eq(before.id))
        .filter(limit::Column::Version.eq(before.version));
    if next.sanctioned_minor != before.sanctioned_minor {
        update = update.filter(used.lte(next.sanctioned_minor));
    }
    let done = update.exec(work.tx()).await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(stale()) }
}

/// Approves what was proposed, or does not. Who proposed it does not decide.
pub async fn decide(
    app: &App,
    call: &Call,
    (id, expected): (FinancingLimitId, i32),
    approve: bool,
) -> Result<limit::Model, Error> {
    let own = financier(call, Action::CheckFinancing)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = limit::Entity::find_by_id(id).one(work.tx()).await?.filter(|row| row.financier_id == own);
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    fresh(row.version, expected)?;
    let Some(proposal) = row.proposal.clone() else {
        return Err(Refusal::illegal(row.state, "DECIDE").at("id").into());
    };
    if proposal.by == work.viewer().subject() {
        return Err(Refusal::new(ErrorCode::MakerChecker).at("id").into());
    }
    let next = if approve {
        proposal.check(row.blocked_minor + row.utilised_minor)?;
        limit::Model {
            state: if proposal.suspended { LimitState::Suspended } else { LimitState::Active },
            sanctioned_minor: proposal.sanctioned_minor,
            adhoc_minor: proposal.adhoc_minor,
            adhoc_from: proposal.adhoc_from,
            adhoc_to: proposal.adhoc_to,
            effective_on: proposal.effective_on,
            expires_on: proposal.expires_on,
            proposal: None,
            ..row.clone()
        }
    } else {
        limit::Model { proposal: None, ..row.clone() }
    };
    let next = written(&work, &row, next).await?;
    work.audit(Some(own), "decideFinancingLimit", encode(id).0, shown(&row), shown(&next));
    work.commit(next).await
}

/// How much a request wants of which limit.
pub(super) type Demand = BTreeMap<String, (LimitKind, i64)>;

/// The limits of a financier that a demand is about, by their scope.
pub(super) async fn of(
    db: &impl ConnectionTrait,
    financier: OrganisationId,
    currency: Currency,
    demand: &Demand,
) -> Result<HashMap<String, limit::Model>, Error> {
    let rows = limit::Entity::find()
        .filter(limit::Column::FinancierId.eq(financier))
        .filter(limit::Column::Currency.eq(currency))
        .filter(limit::Column::ScopeKey.is_in(demand.keys()))
        .filter(limit::Column::State.ne(LimitState::Proposed));
    Ok(rows.all(db).await?.into_iter().map(|row| (row.scope_key.clone(), row)).collect())
}

/// What there is of a limit on a day, for the guard.
fn granted(on: NaiveDate) -> SimpleExpr {
    use limit::Column::{AdhocFrom, AdhocMinor, AdhocTo, SanctionedMinor};
    let within = Expr::col(AdhocFrom).lte(on).and(Expr::col(AdhocTo).gte(on));
    let adhoc: SimpleExpr = CaseStatement::new().case(within, Expr::col(AdhocMinor)).finally(0_i64).into();
    Expr::col(SanctionedMinor).add(adhoc)
}

/// Takes what a request wants of each limit that there is, or nothing of any.
pub(super) async fn block(
    work: &Work,
    limits: &HashMap<String, limit::Model>,
    demand: &Demand,
    reference: &str,
    today: NaiveDate,
) -> Result<(), Error> {
    use limit::Column::{BlockedMinor, EffectiveOn, ExpiresOn, Id, State, UtilisedMinor};
    let mut wanted: Vec<(&limit::Model, i64)> =
        demand.iter().filter_map(|(key, (_, amount))| Some((limits.get(key)?, *amount))).collect();
    wanted.retain(|(_, amount)| *amount > 0);
    wanted.sort_by_key(|(row, _)| row.id);
    for (row, amount) in wanted {
        let taken = Expr::col(UtilisedMinor).add(Expr::col(BlockedMinor)).add(amount);
        let done = limit::Entity::update_many()
            .col_expr(BlockedMinor, Expr::col(BlockedMinor).add(amount))
            .col_expr(limit::Column::UpdatedAt, Expr::value(work.now))
            .filter(Id.eq(row.id))
            .filter(State.eq(LimitState::Active))
            .filter(EffectiveOn.lte(today))
            .filter(ExpiresOn.gte(today))
            .filter(granted(today).gte(taken))
            .exec(work.tx())
            .await?;
        if done.rows_affected != 1 {
            let now = limit::Entity::find_by_id(row.id).one(work.tx()).await?;
            let free = now.map_or(0, |row| row.free_minor(today));
            let refusal = Refusal::new(ErrorCode::LimitExceeded).with("free", row.money(free).decimal().to_string());
            return Err(refusal.with("limit", async_graphql::Value::from(row.kind).to_string()).at("items").into());
        }
        noted(work, row.id, LimitEntryKind::Block, amount, reference).await?;
    }
    Ok(())
}

async fn noted(
    work: &Work,
    limit: FinancingLimitId,
    kind: LimitEntryKind,
    amount_minor: i64,
    reference: &str,
) -> Result<(), Error> {
    let row = entry::Model {
        id: FinancingLimitEntryId::new(work.now),
        limit_id: limit,
        kind,
        amount_minor,
        reference: reference.to_owned(),
        at: work.now,
    };
    entry::Entity::insert(row.into_active_model()).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// Gives back what a request took and that came to nothing.
pub(super) async fn unblock(work: &Work, reference: &str) -> Result<(), Error> {
    use limit::Column::{BlockedMinor, Id, UpdatedAt};
    let taken = entry::Entity::find()
        .filter(entry::Column::Reference.eq(reference))
        .filter(entry::Column::Kind.eq(LimitEntryKind::Block))
        .order_by_asc(entry::Column::LimitId);
    for row in taken.all(work.tx()).await? {
        let done = limit::Entity::update_many()
            .col_expr(BlockedMinor, Expr::col(BlockedMinor).sub(row.amount_minor))
            .col_expr(UpdatedAt, Expr::value(work.now))
            .filter(Id.eq(row.limit_id))
            .filter(BlockedMinor.gte(row.amount_minor))
            .exec(work.tx())
            .await?;
        if done.rows_affected != 1 {
            return Err(Error::internal("a limit has less blocked than a request took"));
        }
        noted(work, row.limit_id, LimitEntryKind::Unblock, row.amount_minor, reference).await?;
    }
    Ok(())
}

/// Limits that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    kind: Option<LimitKind>,
    page: &PageArgs,
) -> Result<Page<limit::Model>, Error> {
    let mut list = limit::Entity::visible_to(viewer);
    if let Some(kind) = kind {
        list = list.filter(limit::Column::Kind.eq(kind));
    }
    page.by_id(db, list, limit::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a limit in that list.
pub fn cursor(row: &limit::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// What was taken of a limit, first first; its financier sees it.
pub async fn entries(
    db: &impl ConnectionTrait,
    id: FinancingLimitId,
    page: &PageArgs,
) -> Result<Page<entry::Model>, Error> {
    let list = entry::Entity::find().filter(entry::Column::LimitId.eq(id));
    page.by_id(db, list, entry::Column::Id, FIRST, Order::Asc).await
}

/// The cursor of an entry in that list.
pub fn entry_cursor(row: &entry::Model) -> Cursor {
    Cursor::of_id(FIRST, row.id)
}
