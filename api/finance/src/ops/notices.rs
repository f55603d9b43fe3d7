//! Notices of assignment: drafted with the conditions of a request, sent by its financier, acknowledged or objected to
//! by debtors, revoked when the request comes to nothing.
//!
//! A debtor learns of a financing by nothing else. Of one that is not disclosed there is no notice, until a debtor does
//! not pay in time and the financier tells it after all: that goes one way only. What a debtor acknowledges is kept in
//! canonical form with its hash. Whoever writes a notice holds the lock of its request.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Duration, Utc};
use entities::{
    finance::{
        ConditionKind, NoticeChannel, NoticeState, NoticeStep, RequestState,
        notice::{self, ANSWER_DAYS, Acknowledged, FORM, Item, Items, Said, SaidItem},
        request,
    },
    party::{Action, Viewer},
    platform::EventKind,
    procurement::receivable::canonical,
    values::{
        ErrorCode, Refusal,
        id::{AssignmentNoticeId, FinancingRequestId, OrganisationId},
        refusal as text,
    },
};
use platform::{
    app::{App, Call, Work, acting, tell_both},
    clock::business_day,
    error::{Error, fresh, not_found, stale},
    graphql::encode,
    guarded,
    number::number,
    page::{Cursor, Page, PageArgs},
    vault::sha256_hex,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde_json::{Value, json};

use super::{
    conditions::{Parties, items_of, met, prepare, receivables_of},
    programmes::financier,
    requests::of_side,
};
use crate::jobs::BY;

const NEWEST: &str = "newest-assignment-notice";
/// Longest account, with its bank and its holder.
const LONGEST_ACCOUNT: usize = 200;
/// Longest reference of a delivery.
const LONGEST_REFERENCE: usize = 120;
/// Most notices that nobody answered in time, of one look.
const SWEPT: u64 = 100;

/// The account that debtors are to pay to, and how they are told.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Telling {
    pub account: String,
    pub channel: NoticeChannel,
}

impl Telling {
    fn checked(&self) -> Result<String, Refusal> {
        text::line(&self.account, LONGEST_ACCOUNT).map_err(|refusal| refusal.at("account"))
    }
}

/// Writes a notice for each debtor of a request, or for these; nobody is told yet.
pub(super) async fn draft(
    work: &Work,
    of: &request::Model,
    only: Option<&BTreeSet<OrganisationId>>,
) -> Result<Vec<notice::Model>, Error> {
    let items = items_of(work.tx(), of.id).await?;
    let rows = receivables_of(work.tx(), &items).await?;
    let mut told: BTreeMap<OrganisationId, Vec<Item>> = BTreeMap::new();
    for item in &items {
        if only.is_some_and(|only| !only.contains(&item.debtor_id)) {
            continue;
        }
        let row = rows.get(&item.receivable_id).ok_or_else(|| Error::internal("a receivable is gone"))?;
        told.entry(item.debtor_id).or_default().push(Item {
            receivable: row.id,
            invoice_number: format!("{}{}", row.invoice_code.as_deref().unwrap_or_default(), row.invoice_no),
            amount_minor: item.face_minor,
            due_on: row.due_date,
        });
    }
    let mut drafted = Vec::with_capacity(told.len());
    for (debtor_id, items) in told {
        let row = notice::Model {
            id: AssignmentNoticeId::new(work.now),
            request_id: of.id,
            financier_id: of.financier_id,
            seller_id: of.seller_id,
            debtor_id,
            number: number("AN", work.now)?,
            state: NoticeState::Draft,
            currency: of.currency,
            amount_minor: items.iter().fold(0_i64, |sum, item| sum.saturating_add(item.amount_minor)),
            items: Items(items),
            account: None,
            channel: None,
            content_sha256: None,
            sent_by: None,
            sent_at: None,
            delivered_at: None,
            delivery_reference: None,
            answered_by: None,
            answered_at: None,
            reason: None,
            statement: None,
            statement_sha256: None,
            version: 1,
            created_at: work.now,
            updated_at: work.now,
        };
        notice::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
        drafted.push(row);
    }
    Ok(drafted)
}

/// The notices of a request.
async fn of_request(work: &Work, id: FinancingRequestId) -> Result<Vec<notice::Model>, Error> {
    let rows = notice::Entity::find().filter(notice::Column::RequestId.eq(id)).order_by_asc(notice::Column::Id);
    Ok(rows.all(work.tx()).await?)
}

/// Writes a notice as it is now, and tells who may see it.
async fn written(work: &mut Work, before: &notice::Model, next: notice::Model) -> Result<notice::Model, Error> {
    let next = notice::Model { version: before.version + 1, updated_at: work.now, ..next };
    let done = notice::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(notice::Column::Id.eq(before.id))
        .filter(notice::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        return Err(stale());
    }
    let (kind, node) = (EventKind::AssignmentNoticeChanged, encode(next.id));
    tell_both(work, kind, next.seller_id, next.financier_id, node.as_str(), next.version).await?;
    // What was never sent does not exist for the debtor.
    if next.sent_at.is_some() {
        work.tell(next.debtor_id, kind, node.as_str(), next.version).await?;
    }
    Ok(next)
}

/// What a notice says: who is to pay how much of which invoices to whom from now on, and to which account.
fn said(parties: &Parties, row: &notice::Model, account: &str) -> Result<Said, Error> {
    let item = |item: &Item| SaidItem {
        receivable: encode(item.receivable).0,
        invoice_number: item.invoice_number.clone(),
        amount: row.money(item.amount_minor).decimal().to_string(),
        due_date: item.due_on.to_string(),
    };
    Ok(Said {
        form: FORM,
        notice: row.number.clone(),
        assignor: parties.of(row.seller_id)?.code,
        assignee: parties.of(row.financier_id)?.code,
        debtor: parties.of(row.debtor_id)?.code,
        currency: row.currency.code().to_owned(),
        amount: row.money(row.amount_minor).decimal().to_string(),
        pay_to: account.to_owned(),
        items: row.items.0.iter().map(item).collect(),
    })
}

/// Sends drafts. What comes to a debtor here has reached it.
async fn sent(
    work: &mut Work,
    of: &request::Model,
    drafts: Vec<notice::Model>,
    (account, channel): (&str, NoticeChannel),
) -> Result<request::Model, Error> {
    let mut ids: BTreeSet<OrganisationId> = drafts.iter().map(|row| row.debtor_id).collect();
    ids.extend([of.seller_id, of.financier_id]);
    let parties = Parties::read(work.tx(), ids).await?;
    let arrives = channel == NoticeChannel::Platform;
    for row in drafts {
        let state = NoticeStep::Send.from(row.state).map_err(|refusal| refusal.at("id"))?;
        let state = if arrives { NoticeStep::Deliver.from(state)? } else { state };
        let content = canonical(&said(&parties, &row, account)?).map_err(Error::internal)?;
        let next = notice::Model {
            state,
            account: Some(account.to_owned()),
            channel: Some(channel),
            content_sha256: Some(sha256_hex(content.as_bytes())),
            sent_by: Some(work.viewer().subject()),
            sent_at: Some(work.now),
            delivered_at: arrives.then_some(work.now),
            ..row.clone()
        };
        written(work, &row, next).await?;
    }
    arrived(work, of).await
}

/// Notes that the debtors are told when every notice has reached its debtor.
async fn arrived(work: &mut Work, of: &request::Model) -> Result<request::Model, Error> {
    let rows = of_request(work, of.id).await?;
    if rows.is_empty() || rows.iter().any(|row| row.delivered_at.is_none()) {
        return Ok(of.clone());
    }
    met(work, of, ConditionKind::Notice, None, None).await
}

/// The financier sends the notices of a request that were drafted.
pub async fn send(
    app: &App,
    call: &Call,
    (id, expected): (FinancingRequestId, i32),
    telling: &Telling,
) -> Result<request::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let account = telling.checked()?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let request = of_side(&work, own, false, id).await?;
    fresh(request.version, expected)?;
    let mut drafts = of_request(&work, id).await?;
    drafts.retain(|row| row.state == NoticeState::Draft);
    // Of what is not disclosed there are none.
    if drafts.is_empty() || request.state != RequestState::ConditionsPending {
        return Err(Refusal::illegal(request.state, "NOTIFY").at("id").into());
    }
    let numbers: Vec<String> = drafts.iter().map(|row| row.number.clone()).collect();
    let next = sent(&mut work, &request, drafts, (&account, telling.channel)).await?;
    let shown = json!({ "notices": numbers, "channel": telling.channel, "state": next.state });
    work.audit(Some(own), "sendAssignmentNotices", encode(id).0, Value::Null, shown);
    work.commit(next).await
}

/// A notice that its financier or its debtor moves on, with its request, which is locked.
async fn of_own(
    work: &Work,
    own: OrganisationId,
    financier: bool,
    id: AssignmentNoticeId,
) -> Result<(notice::Model, request::Model), Error> {
    let unknown = || not_found("id", encode(id).as_str());
    // What was never sent does not exist for its debtor.
    let mine = |row: &notice::Model| {
        if financier { row.financier_id == own } else { row.debtor_id == own && row.sent_at.is_some() }
    };
    let seen = notice::Entity::find_by_id(id).one(work.tx()).await?.filter(mine).ok_or_else(unknown)?;
    guarded::lock(work.tx(), "financing_request", &[seen.request_id.0]).await?;
    // Read again under the lock of its request.
    let row = notice::Entity::find_by_id(id).one(work.tx()).await?.filter(mine).ok_or_else(unknown)?;
    let request = request::Entity::find_by_id(row.request_id).one(work.tx()).await?;
    Ok((row, request.ok_or_else(|| Error::internal("a request is gone"))?))
}

/// The financier notes that a notice on paper reached the debtor.
pub async fn delivered(
    app: &App,
    call: &Call,
    (id, expected): (AssignmentNoticeId, i32),
    reference: &str,
) -> Result<notice::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let reference = text::line(reference, LONGEST_REFERENCE).map_err(|refusal| refusal.at("reference"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, request) = of_own(&work, own, true, id).await?;
    fresh(row.version, expected)?;
    let state = NoticeStep::Deliver.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let next = notice::Model {
        state,
        delivered_at: Some(work.now),
        delivery_reference: Some(reference.clone()),
        ..row.clone()
    };
    let next = written(&mut work, &row, next).await?;
    arrived(&mut work, &request).await?;
    let shown = json!({ "state": next.state, "reference": reference });
    work.audit(Some(own), "recordNoticeDelivery", encode(id).0, json!({ "state": row.state }), shown);
    work.commit(next).await
}

/// A notice that its debtor answers. Whoever answers has it, however it was sent.
async fn of_debtor(
    work: &Work,
    debtor: OrganisationId,
    (id, expected): (AssignmentNoticeId, i32),
    step: NoticeStep,
) -> Result<(notice::Model, notice::Model, request::Model), Error> {
    let (row, request) = of_own(work, debtor, false, id).await?;
    fresh(row.version, expected)?;
    let there = if row.state == NoticeState::Sent { NoticeStep::Deliver.from(row.state)? } else { row.state };
    let state = step.from(there).map_err(|refusal| refusal.at("id"))?;
    let next = notice::Model {
        state,
        delivered_at: row.delivered_at.or(Some(work.now)),
        answered_by: Some(work.viewer().subject()),
        answered_at: Some(work.now),
        ..row.clone()
    };
    Ok((row, next, request))
}

/// The debtor acknowledges a notice: it pays so much, when it is due, to that account, and sets nothing off. Whoever
/// wants to set something off objects.
pub async fn acknowledge(
    app: &App,
    call: &Call,
    id: (AssignmentNoticeId, i32),
    no_set_off: bool,
) -> Result<notice::Model, Error> {
    let debtor = acting(call, Action::ConfirmReceivables)?;
    if !no_set_off {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", "false").at("noSetOff").into());
    }
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, next, request) = of_debtor(&work, debtor, id, NoticeStep::Acknowledge).await?;
    let parties = BTreeSet::from([row.seller_id, row.financier_id, row.debtor_id]);
    let parties = Parties::read(work.tx(), parties).await?;
    let statement = Acknowledged {
        said: said(&parties, &row, row.account.as_deref().unwrap_or_default())?,
        content_sha256: row.content_sha256.clone().unwrap_or_default(),
        no_set_off,
        signed_by: work.viewer().subject(),
        at: work.now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
    };
    let statement = canonical(&statement).map_err(Error::internal)?;
    let sha256 = sha256_hex(statement.as_bytes());
    let next = notice::Model { statement: Some(statement), statement_sha256: Some(sha256.clone()), ..next };
    let next = written(&mut work, &row, next).await?;
    let request = if row.delivered_at.is_none() { arrived(&mut work, &request).await? } else { request };
    let rows = of_request(&work, request.id).await?;
    if rows.iter().all(|one| one.state == NoticeState::Acknowledged) {
        met(&mut work, &request, ConditionKind::Acknowledgement, None, None).await?;
    } else {
        // It may have been what it objected to before that kept the request.
        prepare(&mut work, &request).await?;
    }
    let shown = json!({ "state": next.state, "sha256": sha256 });
    work.audit(Some(debtor), "acknowledgeAssignmentNotice", encode(row.id).0, json!({ "state": row.state }), shown);
    work.commit(next).await
}

/// The debtor does not pay as a notice says.
pub async fn object(
    app: &App,
    call: &Call,
    id: (AssignmentNoticeId, i32),
    reason: &str,
) -> Result<notice::Model, Error> {
    let debtor = acting(call, Action::ConfirmReceivables)?;
    let reason = text::paragraph(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, next, request) = of_debtor(&work, debtor, id, NoticeStep::Object).await?;
    let next = notice::Model { reason: Some(reason.clone()), ..next };
    let next = written(&mut work, &row, next).await?;
    if row.delivered_at.is_none() {
        arrived(&mut work, &request).await?;
    }
    let shown = json!({ "state": next.state, "reason": reason });
    work.audit(Some(debtor), "objectToAssignmentNotice", encode(row.id).0, json!({ "state": row.state }), shown);
    work.commit(next).await
}

/// The debtors of a request that did not pay in time, and were never told whom they pay.
async fn late(work: &Work, of: &request::Model) -> Result<BTreeSet<OrganisationId>, Error> {
    let today = business_day(work.now);
    let items = items_of(work.tx(), of.id).await?;
    let rows = receivables_of(work.tx(), &items).await?;
    let told: BTreeSet<OrganisationId> = of_request(work, of.id).await?.iter().map(|row| row.debtor_id).collect();
    let late = rows.values().filter(|row| row.is_overdue(today) && !told.contains(&row.debtor_id));
    Ok(late.map(|row| row.debtor_id).collect())
}

/// Tells debtors of a financing that was not disclosed, when money is out and they did not pay in time: from then on
/// they pay the financier. It goes one way only, and to nobody who is not late.
pub async fn disclose(
    app: &App,
    call: &Call,
    (id, expected): (FinancingRequestId, i32),
    telling: &Telling,
    reason: &str,
) -> Result<request::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let account = telling.checked()?;
    let reason = text::paragraph(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let request = of_side(&work, own, false, id).await?;
    fresh(request.version, expected)?;
    let late = late(&work, &request).await?;
    if request.terms.disclosed || !request.state.is_out() || late.is_empty() {
        return Err(Refusal::illegal(request.state, "DISCLOSE").at("id").into());
    }
    let drafts = draft(&work, &request, Some(&late)).await?;
    let numbers: Vec<String> = drafts.iter().map(|row| row.number.clone()).collect();
    let next = sent(&mut work, &request, drafts, (&account, telling.channel)).await?;
    let shown = json!({ "notices": numbers, "channel": telling.channel, "reason": reason });
    work.audit(Some(own), "discloseFinancing", encode(id).0, Value::Null, shown);
    work.commit(next).await
}

/// Takes back the notices of a request that came to nothing; debtors that were told pay whom they paid before.
pub(super) async fn revoke(work: &mut Work, id: FinancingRequestId) -> Result<(), Error> {
    for row in of_request(work, id).await? {
        let Ok(state) = NoticeStep::Revoke.from(row.state) else { continue };
        written(work, &row, notice::Model { state, ..row.clone() }).await?;
    }
    Ok(())
}

/// Notes which debtors said nothing in time; they still can. Answers with how many.
pub async fn lapse_due(app: &App, now: DateTime<Utc>) -> Result<u64, Error> {
    let before = now - Duration::days(ANSWER_DAYS);
    let due = notice::Entity::find()
        .filter(notice::Column::State.eq(NoticeState::Delivered))
        .filter(notice::Column::DeliveredAt.lte(before))
        .order_by_asc(notice::Column::DeliveredAt)
        .limit(SWEPT);
    let mut done = 0;
    for seen in due.all(app.db().read()).await? {
        // One transaction each: a request that somebody holds does not keep the others.
        let mut work = app.begin(&Call::unasked(BY)).await?;
        guarded::lock(work.tx(), "financing_request", &[seen.request_id.0]).await?;
        let Some(row) = notice::Entity::find_by_id(seen.id).one(work.tx()).await? else { continue };
        let Ok(state) = NoticeStep::Lapse.from(row.state) else { continue };
        written(&mut work, &row, notice::Model { state, ..row.clone() }).await?;
        work.commit(()).await?;
        done += 1;
    }
    Ok(done)
}

/// Notices that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    (request, state): (Option<FinancingRequestId>, Option<NoticeState>),
    page: &PageArgs,
) -> Result<Page<notice::Model>, Error> {
    let only = Condition::all()
        .add_option(request.map(|id| notice::Column::RequestId.eq(id)))
        .add_option(state.map(|state| notice::Column::State.eq(state)));
    let list = notice::Entity::visible_to(viewer).filter(only);
    page.by_id(db, list, notice::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a notice in that list.
pub fn cursor(row: &notice::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// The notices of requests as far as the viewer may see them, by request.
pub async fn of(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: &[FinancingRequestId],
) -> Result<HashMap<FinancingRequestId, Vec<notice::Model>>, Error> {
    let rows = notice::Entity::visible_to(viewer)
        .filter(notice::Column::RequestId.is_in(ids.iter().copied()))
        .order_by_asc(notice::Column::Id);
    let mut found: HashMap<FinancingRequestId, Vec<notice::Model>> = HashMap::new();
    for row in rows.all(db).await? {
        found.entry(row.request_id).or_default().push(row);
    }
    Ok(found)
}
