//! Approval of orders: which steps a submission has, and who decides them.
//!
//! The steps are those of the policies for what the order and the orders to the same supplier shortly before come to:
//! whoever submits holds a lock on the buying organisation, so that two orders that belong together are counted
//! together. Whoever asked for an order or changed it decides no step of it, and nobody decides two.

use std::collections::HashMap;

use entities::{
    party::{Action, MemberRole, Resource, Viewer, may},
    procurement::{
        ApprovalState, OrderState, OrderStep, Side, approval,
        order::{self, Agreed, line},
        policy::{self, Bands, Decider, MOST_LEVEL, StepOf, chain, may_decide, window, window_start},
    },
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, PersonId, PurchaseApprovalId, PurchaseOrderId},
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work},
    clock::{business_day, day_begins},
    error::{Error, stale},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
    sea_query::{Expr, SelectStatement},
};
use serde_json::json;

use super::{
    acting, fresh, limits,
    orders::{category_paths, find_for, followed, line_paths, locked, noted, restored, write},
    policies,
};

/// Most orders that are shown as waiting, and most steps of one that are shown.
const MOST: usize = 100;
/// How many orders are looked at at once.
const PAGE: u64 = 100;

/// What a submission of an order asks for.
pub(super) struct Asked {
    /// What was counted: the order, and those to the same supplier shortly before.
    pub counted_minor: i64,
    /// Its steps, the first first; none: nobody has to agree.
    pub steps: Vec<StepOf>,
}

/// The policies of a buyer, each with the path of its category, and the paths of what is bought.
struct Rules {
    policies: Vec<(Option<String>, policy::Model)>,
    paths: Vec<Option<String>>,
}

impl Rules {
    async fn of(tx: &impl ConnectionTrait, buyer: OrganisationId, lines: &[line::Model]) -> Result<Self, Error> {
        let policies = policies::of_buyer(tx, buyer).await?;
        let named = category_paths(tx, policies.iter().filter_map(|policy| policy.category_id)).await?;
        let path = |policy: &policy::Model| policy.category_id.and_then(|id| named.get(&id).cloned());
        let policies = policies.into_iter().map(|policy| (path(&policy), policy)).collect();
        Ok(Self { policies, paths: line_paths(tx, lines).await? })
    }

    /// The steps that so much asks for, those of the lowest level first.
    fn steps(&self, counted_minor: i64) -> Vec<StepOf> {
        let bands = self.policies.iter().map(|(path, policy)| (path.clone(), &policy.bands));
        chain(&bands.collect::<Vec<(Option<String>, &Bands)>>(), &self.paths, counted_minor)
    }

    /// For how many days orders of one supplier count together.
    fn window(&self, standing: u64) -> u64 {
        let days = self.policies.iter().map(|(path, policy)| (path.clone(), policy.window_days));
        window(&days.collect::<Vec<(Option<String>, i32)>>(), &self.paths, standing)
    }
}

/// What an order asks for by the policies of its buyer. Whoever calls holds the lock of the organisation.
pub(super) async fn asked(app: &App, work: &Work, row: &order::Model, lines: &[line::Model]) -> Result<Asked, Error> {
    let rules = Rules::of(work.tx(), row.buyer_id, lines).await?;
    let window = rules.window(u64::from(app.config().procurement.split_window_days));
    // No days: every order is looked at by itself.
    let before = if window == 0 { Vec::new() } else { shortly_before(work, row, window).await? };
    let counted_minor = before.into_iter().fold(row.base_minor, i64::saturating_add);
    Ok(Asked { counted_minor, steps: rules.steps(counted_minor) })
}

/// What other orders of a buyer to the same supplier come to that were submitted so many days before, and will be. An
/// order that was sent counts as it was agreed at least, whatever its change is to be.
async fn shortly_before(work: &Work, row: &order::Model, days: u64) -> Result<Vec<i64>, Error> {
    use order::Column as C;
    let from = day_begins(window_start(business_day(work.now), days));
    let out = [OrderState::Draft, OrderState::Rejected, OrderState::Cancelled];
    let recalled = Condition::all().add(C::State.eq(OrderState::Draft)).add(C::SentAt.is_not_null());
    let found = order::Entity::find()
        .select_only()
        .column(C::BaseMinor)
        .column(C::Agreed)
        .filter(C::BuyerId.eq(row.buyer_id))
        .filter(C::SupplierId.eq(row.supplier_id))
        .filter(C::SubmittedAt.gte(from))
        .filter(Condition::any().add(C::State.is_not_in(out)).add(recalled))
        .filter(C::Id.ne(row.id));
    let found: Vec<(i64, Option<Agreed>)> = found.into_tuple().all(work.tx()).await?;
    let counts = |(base, agreed): (i64, Option<Agreed>)| agreed.map_or(base, |was| base.max(was.base_minor));
    Ok(found.into_iter().map(counts).collect())
}

/// Refused unless whoever acts is of the highest level that the policies of a buyer ask for so much of these lines.
pub(super) async fn of_level(
    work: &Work,
    buyer: OrganisationId,
    lines: &[line::Model],
    base_minor: i64,
) -> Result<(), Error> {
    let steps = Rules::of(work.tx(), buyer, lines).await?.steps(base_minor);
    let Some(highest) = steps.last() else { return Ok(()) };
    Ok(policy::of_level(highest.level, decider(work.viewer())).map_err(|refusal| refusal.at("id"))?)
}

/// Writes the steps of a submission.
pub(super) async fn open(work: &Work, row: &order::Model, steps: &[StepOf]) -> Result<(), Error> {
    if steps.is_empty() {
        return Ok(());
    }
    let last = approval::Entity::find()
        .filter(approval::Column::OrderId.eq(row.id))
        .order_by_desc(approval::Column::Round)
        .limit(1);
    let round = last.one(work.tx()).await?.map_or(1, |last| last.round + 1);
    let rows = steps.iter().zip(0_i32..).map(|(step, position)| {
        let made = approval::Model {
            id: PurchaseApprovalId::new(work.now),
            order_id: row.id,
            revision: row.revision,
            round,
            position,
            title: step.title.clone(),
            level: step.level,
            person_id: step.person,
            state: ApprovalState::Waiting,
            decided_by: None,
            decider_id: None,
            comment: None,
            decided_at: None,
            created_at: work.now,
        };
        made.into_active_model()
    });
    approval::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// An order was changed: what was approved of it, or waits for approval, is void.
pub(super) async fn void(work: &Work, order: PurchaseOrderId) -> Result<(), Error> {
    ended(work, order, &[ApprovalState::Waiting, ApprovalState::Approved]).await
}

/// An order was given up: what waits for approval is void, and what was approved is history.
pub(super) async fn dropped(work: &Work, order: PurchaseOrderId) -> Result<(), Error> {
    ended(work, order, &[ApprovalState::Waiting]).await
}

async fn ended(work: &Work, order: PurchaseOrderId, states: &[ApprovalState]) -> Result<(), Error> {
    approval::Entity::update_many()
        .col_expr(approval::Column::State, Expr::value(ApprovalState::Void))
        .filter(approval::Column::OrderId.eq(order))
        .filter(approval::Column::State.is_in(states.iter().copied()))
        .exec(work.tx())
        .await?;
    Ok(())
}

/// Who would decide.
fn decider(viewer: &Viewer) -> Decider {
    Decider {
        person: viewer.person(),
        level: viewer.acting.as_ref().map_or(0, |acting| acting.approval_level),
        owner: viewer.has_any(&[MemberRole::Owner]),
    }
}

/// The steps of the last submission of an order, the first first.
async fn of_last(tx: &impl ConnectionTrait, order: PurchaseOrderId) -> Result<Vec<approval::Model>, Error> {
    let rows = approval::Entity::find()
        .filter(approval::Column::OrderId.eq(order))
        .order_by_asc(approval::Column::Round)
        .order_by_asc(approval::Column::Position);
    let mut rows = rows.all(tx).await?;
    let last = rows.last().map_or(0, |row| row.round);
    rows.retain(|row| row.round == last);
    Ok(rows)
}

/// The step whose turn it is, and who decided before.
fn turn(steps: &[approval::Model]) -> Option<(&approval::Model, Vec<PersonId>)> {
    let waiting = steps.iter().find(|step| step.state == ApprovalState::Waiting)?;
    let decided = steps.iter().filter(|step| step.state == ApprovalState::Approved);
    Some((waiting, decided.filter_map(|step| step.decider_id).collect()))
}

/// Decides the step whose turn it is. The last that agrees approves the order; one that does not sends it back, and
/// what was sent before is again what was agreed.
pub async fn decide(
    app: &App,
    call: &Call,
    id: PurchaseOrderId,
    expected: Option<i32>,
    approve: bool,
    comment: Option<&str>,
) -> Result<order::Model, Error> {
    acting(call, Action::ApprovePurchases)?;
    let said = text::given(comment);
    let comment = said.map(|said| text::paragraph(said, 500)).transpose().map_err(|refusal| refusal.at("comment"))?;
    if !approve && comment.is_none() {
        return Err(Refusal::new(ErrorCode::Required).at("comment").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    find_for(work.tx(), work.viewer(), id, Side::Buyer, Action::ApprovePurchases, "id").await?;
    let (before, lines) = locked(&work, id).await?;
    if let Some(expected) = expected {
        fresh(before.version, expected)?;
    }
    let step = if approve { OrderStep::ApproveLast } else { OrderStep::SendBack };
    let to = step.from(before.state).map_err(|refusal| refusal.at("id"))?;
    let steps = of_last(work.tx(), id).await?;
    let (waiting, decided) = turn(&steps).ok_or_else(|| Error::internal("an order that waits for nobody"))?;
    may_decide(waiting.level, waiting.person_id, decider(work.viewer()), &before.asking(), &decided)
        .map_err(|refusal| refusal.at("id"))?;
    let state = if approve { ApprovalState::Approved } else { ApprovalState::Rejected };
    decided_by(&work, waiting, state, comment.clone()).await?;
    let more = steps.iter().filter(|other| other.state == ApprovalState::Waiting).count() > 1;
    let to = if approve && more { before.state } else { to };
    let next = match &before.agreed {
        Some(agreed) if !approve => restored(&work, &before, &lines, agreed).await?,
        _ => write(&work, &before, order::Model { state: to, ..before.clone() }).await?,
    };
    if !approve {
        dropped(&work, id).await?;
        limits::release_unsent(&work, &next).await?;
    }
    let was = json!({ "state": before.state });
    let after = json!({
        "state": next.state, "step": waiting.title, "level": waiting.level, "decision": state, "comment": comment,
        "total": before.total_minor, "counted": before.counted_minor,
    });
    noted(&mut work, "decidePurchaseApproval", &next, was, after);
    let next = followed(&mut work, next).await?;
    work.commit(next).await
}

/// Writes what was decided: of two who decide at once one does.
async fn decided_by(
    work: &Work,
    step: &approval::Model,
    state: ApprovalState,
    comment: Option<String>,
) -> Result<(), Error> {
    use approval::Column as C;
    let done = approval::Entity::update_many()
        .col_expr(C::State, Expr::value(state))
        .col_expr(C::DecidedBy, Expr::value(work.viewer().subject()))
        .col_expr(C::DeciderId, Expr::value(work.viewer().person()))
        .col_expr(C::Comment, Expr::value(comment))
        .col_expr(C::DecidedAt, Expr::value(work.now))
        .filter(C::Id.eq(step.id))
        .filter(C::State.eq(ApprovalState::Waiting))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(stale()) }
}

/// The steps of orders' submissions, of each the last submission first.
pub async fn of_orders(
    db: &impl ConnectionTrait,
    orders: &[PurchaseOrderId],
) -> Result<HashMap<PurchaseOrderId, Vec<approval::Model>>, Error> {
    let rows = approval::Entity::find()
        .filter(approval::Column::OrderId.is_in(orders.iter().copied()))
        .order_by_desc(approval::Column::Round)
        .order_by_asc(approval::Column::Position);
    let mut found: HashMap<PurchaseOrderId, Vec<approval::Model>> = HashMap::new();
    for row in rows.all(db).await? {
        let of = found.entry(row.order_id).or_default();
        if of.len() < MOST {
            of.push(row);
        }
    }
    Ok(found)
}

/// Orders of which a step waits that somebody may decide by its level, or because it names him.
fn within_reach(person: PersonId, decider: Decider) -> SelectStatement {
    use approval::Column as C;
    let level = if decider.owner { MOST_LEVEL } else { decider.level };
    let anyone = Condition::all().add(C::PersonId.is_null()).add(C::Level.lte(level));
    approval::Entity::find()
        .select_only()
        .column(C::OrderId)
        .filter(C::State.eq(ApprovalState::Waiting))
        .filter(Condition::any().add(C::PersonId.eq(person)).add(anyone))
        .into_query()
}

/// The steps whose turn it is and that the viewer may decide, with their orders; those that wait longest first. Others'
/// are read over, however many there are.
pub async fn waiting(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
) -> Result<Vec<(approval::Model, order::Model)>, Error> {
    let decider = decider(viewer);
    let (Some(own), Some(person)) = (viewer.organisation(), decider.person) else { return Ok(Vec::new()) };
    if may(viewer, Action::ApprovePurchases, Resource::of(own)).is_err() {
        return Ok(Vec::new());
    }
    let all = order::Entity::find()
        .filter(order::Column::BuyerId.eq(own))
        .filter(order::Column::State.eq(OrderState::PendingApproval))
        .filter(order::Column::Id.in_subquery(within_reach(person, decider)))
        .order_by_asc(order::Column::SubmittedAt)
        .order_by_asc(order::Column::Id);
    let mut found = Vec::new();
    let mut read = 0_u64;
    loop {
        let orders = all.clone().offset(read).limit(PAGE).all(db).await?;
        let last = (orders.len() as u64) < PAGE;
        read += PAGE;
        let ids: Vec<PurchaseOrderId> = orders.iter().map(|order| order.id).collect();
        let mut steps = of_orders(db, &ids).await?;
        for order in orders {
            let mut of = steps.remove(&order.id).unwrap_or_default();
            let newest = of.first().map_or(0, |step| step.round);
            of.retain(|step| step.round == newest);
            let Some((step, decided)) = turn(&of) else { continue };
            if may_decide(step.level, step.person_id, decider, &order.asking(), &decided).is_ok() {
                found.push((step.clone(), order));
            }
        }
        if last || found.len() >= MOST {
            found.truncate(MOST);
            return Ok(found);
        }
    }
}
