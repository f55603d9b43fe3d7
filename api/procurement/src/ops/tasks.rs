//! What waits for the viewer in procurement: read from the states of things, for those kinds of tasks that the viewer may
//! do. Each kind of thing is one statement over a part of an index; what one may not do is not asked for.
//!
//! Of a request whose quotations are sealed a task says no more than the request does; whether a supplier has quoted
//! decides about that supplier's own task alone.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use entities::{
    party::{Action, OrganisationRole, Resource, Viewer, may},
    procurement::{
        AgreementState, DebitNoteState, InvoiceState, OrderState, QuotationState, ReceiptKind, ReceiptState, RfqState,
        TaskKind, agreement, award, debit_note, invitation, invoice, order, payable, question, quotation, receipt, rfq,
        status::next_due,
        tasks::{Subject, Task, end_of, in_order},
    },
    values::id::{GoodsReceiptId, OrganisationId, PayableId, PurchaseOrderId, RfqId},
};
use platform::{
    clock::business_day,
    error::Error,
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, Query, SelectStatement},
};

use super::approvals;

const BY_DUE: &str = "procurement-task";
/// Most things of one kind.
const MOST: u64 = 100;
/// Most lines that are looked at for one kind.
const MOST_LINES: u64 = 500;
/// Most tasks: what is done first.
const MOST_TASKS: usize = 300;
/// How long before its day something is a task, in days.
const SOON_DAYS: i64 = 7;

/// Who asks, for which organisation, and when.
struct Look<'a> {
    viewer: &'a Viewer,
    own: OrganisationId,
    now: DateTime<Utc>,
}

/// What waits for the viewer, in the order that one does it in.
pub async fn my_tasks(db: &impl ConnectionTrait, viewer: &Viewer, now: DateTime<Utc>) -> Result<Vec<Task>, Error> {
    let Some(own) = viewer.organisation() else { return Ok(Vec::new()) };
    let look = Look { viewer, own, now };
    let mut tasks = Vec::new();
    if look.delivers() {
        tasks.extend(look.to_quote(db).await?);
        tasks.extend(look.debit_notes(db).await?);
    }
    tasks.extend(look.requests(db).await?);
    tasks.extend(look.questions(db).await?);
    tasks.extend(look.awards(db).await?);
    tasks.extend(look.drafts(db).await?);
    tasks.extend(look.orders(db).await?);
    tasks.extend(look.approvals(db).await?);
    tasks.extend(look.due_goods(db).await?);
    tasks.extend(look.receipts(db).await?);
    tasks.extend(look.invoices(db).await?);
    tasks.extend(look.payables(db).await?);
    tasks.extend(look.agreements(db).await?);
    let mut tasks = in_order(tasks);
    tasks.truncate(MOST_TASKS);
    Ok(tasks)
}

/// A page of them.
pub fn page(tasks: Vec<Task>, page: &PageArgs) -> Result<Page<Task>, Error> {
    page.slice(tasks, cursor)
}

/// The cursor of a task among them.
pub fn cursor(task: &Task) -> Cursor {
    Cursor::new(BY_DUE, vec![async_graphql::Value::from(task.kind).to_string().into(), node(task.subject).0.into()])
}

/// The node that a task is about.
pub fn node(subject: Subject) -> async_graphql::ID {
    match subject {
        Subject::Rfq(id) => encode(id),
        Subject::Order(id) => encode(id),
        Subject::Receipt(id) => encode(id),
        Subject::Invoice(id) => encode(id),
        Subject::Payable(id) => encode(id),
        Subject::Agreement(id) => encode(id),
        Subject::DebitNote(id) => encode(id),
    }
}

/// That a supplier was told of the request of the statement around, and did not say no.
fn invited(supplier: OrganisationId) -> SelectStatement {
    Query::select()
        .expr(Expr::value(1))
        .from(invitation::Entity)
        .and_where(Expr::col((invitation::Entity, invitation::Column::RfqId)).equals((rfq::Entity, rfq::Column::Id)))
        .and_where(invitation::Column::SupplierId.eq(supplier))
        .and_where(invitation::Column::SentAt.is_not_null())
        .and_where(invitation::Column::DeclinedAt.is_null())
        .take()
}

/// That a supplier has quoted in the round of the request of the statement around.
fn has_quoted(supplier: OrganisationId) -> SelectStatement {
    let of = |column: quotation::Column| Expr::col((quotation::Entity, column));
    Query::select()
        .expr(Expr::value(1))
        .from(quotation::Entity)
        .and_where(of(quotation::Column::RfqId).equals((rfq::Entity, rfq::Column::Id)))
        .and_where(of(quotation::Column::Round).equals((rfq::Entity, rfq::Column::Round)))
        .and_where(quotation::Column::SupplierId.eq(supplier))
        .and_where(quotation::Column::State.eq(QuotationState::Submitted))
        .take()
}

/// A request of the viewer's own, by its number, and since when something of it waits.
type Waiting = (RfqId, String, DateTime<Utc>);

/// A line of a receipt: of which receipt, its number, who delivered, since when, how much came, was accepted, was rejected,
/// and went back.
type ReceiptLine = (GoodsReceiptId, String, OrganisationId, DateTime<Utc>, i64, i64, i64, i64);

/// Something that is owed: the number of its invoice, to whom, since when, and until when.
type Owed = (PayableId, String, OrganisationId, DateTime<Utc>, NaiveDate, bool);

impl Look<'_> {
    fn allowed(&self, action: Action) -> bool {
        may(self.viewer, action, Resource::OWN).is_ok()
    }

    fn may(&self, kind: TaskKind) -> bool {
        self.allowed(kind.action())
    }

    fn delivers(&self) -> bool {
        self.viewer.plays(OrganisationRole::Supplier) || self.viewer.plays(OrganisationRole::Seller)
    }

    fn soon(&self) -> NaiveDate {
        business_day(self.now) + Duration::days(SOON_DAYS)
    }

    async fn to_quote(&self, db: &impl ConnectionTrait) -> Result<Vec<Task>, Error> {
        if !self.may(TaskKind::QuoteRfq) {
            return Ok(Vec::new());
        }
        let open = rfq::Entity::find()
            .filter(rfq::Column::State.eq(RfqState::Published))
            .filter(rfq::Column::Deadline.gt(self.now))
            .filter(Expr::exists(invited(self.own)))
            .filter(Expr::exists(has_quoted(self.own)).not())
            .order_by_asc(rfq::Column::Deadline)
            .limit(MOST);
        let task = |row: rfq::Model| Task {
            kind: TaskKind::QuoteRfq,
            subject: Subject::Rfq(row.id),
            number: row.number,
            other: Some(row.buyer_id),
            since: row.created_at,
            due_at: Some(row.deadline),
        };
        Ok(open.all(db).await?.into_iter().map(task).collect())
    }

    async fn requests(&self, db: &impl ConnectionTrait) -> Result<Vec<Task>, Error> {
        if !self.may(TaskKind::AwardRfq) {
            return Ok(Vec::new());
        }
        let over =
            Condition::all().add(rfq::Column::State.eq(RfqState::Published)).add(rfq::Column::Deadline.lte(self.now));
        let open = rfq::Column::State.is_in([RfqState::Closed, RfqState::Evaluating, RfqState::PartlyAwarded]);
        let rows = rfq::Entity::find()
            .filter(rfq::Column::BuyerId.eq(self.own))
            .filter(Condition::any().add(over).add(open))
            .order_by_asc(rfq::Column::Id)
            .limit(MOST);
        let task = |row: rfq::Model| {
            let kind = if row.state == RfqState::Published { TaskKind::OpenBids } else { TaskKind::AwardRfq };
            Task {
                kind,
                subject: Subject::Rfq(row.id),
                number: row.number,
                other: None,
                since: row.opened_at.unwrap_or(row.deadline),
                due_at: (kind == TaskKind::OpenBids).then_some(row.deadline),
            }
        };
        Ok(rows.all(db).await?.into_iter().map(task).collect())
    }

    /// Requests of one's own of which something waits, as tasks of a kind.
    fn of_requests(kind: TaskKind, rows: Vec<Waiting>) -> impl Iterator<Item = Task> {
        rows.into_iter().map(move |(id, number, since)| Task {
            kind,
            subject: Subject::Rfq(id),
            number,
            other: None,
            since,
            due_at: None,
        })
    }

    async fn questions(&self, db: &impl ConnectionTrait) -> Result<Vec<Task>, Error> {
        if !self.may(TaskKind::AnswerQuestion) {
            return Ok(Vec::new());
        }
        let of = question::Entity::belongs_to(rfq::Entity).from(question::Column::RfqId).to(rfq::Column::Id).into();
        let rows = question::Entity::find()
            .join(JoinType::InnerJoin, of)
            .filter(rfq::Column::BuyerId.eq(self.own))
            .filter(rfq::Column::State.eq(RfqState::Published))
            .filter(question::Column::AnsweredAt.is_null())
            .select_only()
            .column(rfq::Column::Id)
            .column(rfq::Column::Number)
            .column_as(question::Column::CreatedAt.min(), "since")
            .group_by(rfq::Column::Id)
            .group_by(rfq::Column::Number)
            .order_by_asc(rfq::Column::Id)
            .limit(MOST);
        Ok(Self::of_requests(TaskKind::AnswerQuestion, rows.into_tuple().all(db).await?).collect())
    }

    async fn awards(&self, db: &impl ConnectionTrait) -> Result<Vec<Task>, Error> {
        if !self.may(TaskKind::ConvertAwards) {
            return Ok(Vec::new());
        }
        let of = award::Entity::belongs_to(rfq::Entity).from(award::Column::RfqId).to(rfq::Column::Id).into();
        let rows = award::Entity::find()
            .join(JoinType::InnerJoin, of)
            .filter(rfq::Column::BuyerId.eq(self.own))
            .filter(award::Column::OrderId.is_null())
            .select_only()
            .column(rfq::Column::Id)
            .column(rfq::Column::Number)
            .column_as(award::Column::CreatedAt.min(), "since")
            .group_by(rfq::Column::Id)
            .group_by(rfq::Column::Number)
            .order_by_asc(rfq::Column::Id)
            .limit(MOST);
        Ok(Self::of_requests(TaskKind::ConvertAwards, rows.into_tuple().all(db).await?).collect())
    }

    /// Orders that come of awards, or were submitted before, and are drafts: what is only being written waits for nobody.
    async fn drafts(&self, db: &impl ConnectionTrait) -> Result<Vec<Task>, Error> {
        if !self.may(TaskKind::SubmitOrder) {
            return Ok(Vec::new());
        }
        let waits =
            Condition::any().add(order::Column::RfqId.is_not_null()).add(order::Column::SubmittedAt.is_not_null());
        let rows = order::Entity::find()
            .filter(order::Column::BuyerId.eq(self.own))
            .filter(order::Column::State.eq(OrderState::Draft))
            .filter(waits)
            .order_by_asc(order::Column::Id)
            .limit(MOST);
        let task = |row: order::Model| Task {
            kind: TaskKind::SubmitOrder,
            subject: Subject::Order(row.id),
            number: row.number,
            other: Some(row.supplier_id),
            since: row.updated_at,
            due_at: None,
        };
        Ok(rows.all(db).await?.into_iter().map(task).collect())
    }

    async fn orders(&self, db: &impl ConnectionTrait) -> Result<Vec<Task>, Error> {
        let mut wanted = Condition::any();
        if self.may(TaskKind::SendOrder) {
            let own = order::Column::State.is_in([OrderState::Approved, OrderState::ChangeProposed]);
            wanted = wanted.add(Condition::all().add(order::Column::BuyerId.eq(self.own)).add(own));
        }
        if self.may(TaskKind::AcknowledgeOrder) && self.delivers() {
            let sent = order::Column::State.eq(OrderState::Sent);
            wanted = wanted.add(Condition::all().add(order::Column::SupplierId.eq(self.own)).add(sent));
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let rows = order::Entity::find().filter(wanted).order_by_asc(order::Column::Id).limit(MOST);
        let task = |row: order::Model| {
            let (kind, other) = match row.state {
                OrderState::Approved => (TaskKind::SendOrder, row.supplier_id),
                OrderState::ChangeProposed => (TaskKind::SettleChange, row.supplier_id),
                _ => (TaskKind::AcknowledgeOrder, row.buyer_id),
            };
            Task {
                kind,
                subject: Subject::Order(row.id),
                number: row.number,
                other: Some(other),
                since: row.updated_at,
                due_at: None,
            }
        };
        Ok(rows.all(db).await?.into_iter().map(task).collect())
    }

    async fn approvals(&self, db: &impl ConnectionTrait) -> Result<Vec<Task>, Error> {
        if !self.may(TaskKind::ApproveOrder) {
            return Ok(Vec::new());
        }
        let task = |row: order::Model, since: DateTime<Utc>| Task {
            kind: TaskKind::ApproveOrder,
            subject: Subject::Order(row.id),
            number: row.number,
            other: Some(row.supplier_id),
            since,
            due_at: None,
        };
        let waiting = approvals::waiting(db, self.viewer).await?;
        Ok(waiting.into_iter().map(|(step, row)| task(row, step.created_at)).collect())
    }

    /// Orders of which something is to come within days, or should have come.
    async fn due_goods(&self, db: &impl ConnectionTrait) -> Result<Vec<Task>, Error> {
        if !self.may(TaskKind::ReceiveGoods) {
            return Ok(Vec::new());
        }
        let of = order::line::Entity::belongs_to(order::Entity)
            .from(order::line::Column::OrderId)
            .to(order::Column::Id)
            .into();
        let lines = order::line::Entity::find()
            .join(JoinType::InnerJoin, of)
            .filter(order::Column::BuyerId.eq(self.own))
            .filter(order::Column::State.is_in(COMING))
            .filter(outstanding())
            .filter(due_by(self.soon()))
            .order_by_asc(order::line::Column::Id)
            .limit(MOST_LINES);
        let mut due: BTreeMap<PurchaseOrderId, NaiveDate> = BTreeMap::new();
        for line in lines.all(db).await? {
            let Some(on) = next_due(&line).filter(|on| *on <= self.soon()) else { continue };
            let first = due.entry(line.order_id).or_insert(on);
            *first = Ord::min(*first, on);
        }
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let rows = order::Entity::find().filter(order::Column::Id.is_in(due.keys().copied())).all(db).await?;
        let task = |row: order::Model| Task {
            kind: TaskKind::ReceiveGoods,
            subject: Subject::Order(row.id),
            other: Some(row.supplier_id),
            since: row.sent_at.unwrap_or(row.created_at),
            due_at: due.get(&row.id).copied().map(end_of),
            number: row.number,
        };
        Ok(rows.into_iter().map(task).collect())
    }

    /// Receipts of which something is not looked at, or is to go back.
    async fn receipts(&self, db: &impl ConnectionTrait) -> Result<Vec<Task>, Error> {
        if !self.may(TaskKind::InspectGoods) {
            return Ok(Vec::new());
        }
        let column = |of: receipt::line::Column| Expr::col((receipt::line::Entity, of));
        let looked_at = column(receipt::line::Column::Accepted).add(column(receipt::line::Column::Rejected));
        let open = looked_at.lt(column(receipt::line::Column::Delivered));
        let rejected = column(receipt::line::Column::Returned).lt(column(receipt::line::Column::Rejected));
        let of = receipt::line::Entity::belongs_to(receipt::Entity)
            .from(receipt::line::Column::ReceiptId)
            .to(receipt::Column::Id)
            .into();
        let rows = receipt::line::Entity::find()
            .join(JoinType::InnerJoin, of)
            .filter(receipt::Column::BuyerId.eq(self.own))
            .filter(receipt::Column::Kind.eq(ReceiptKind::Receipt))
            .filter(receipt::Column::State.eq(ReceiptState::Posted))
            .filter(Condition::any().add(open).add(rejected))
            .select_only()
            .column(receipt::Column::Id)
            .column(receipt::Column::Number)
            .column(receipt::Column::SupplierId)
            .column(receipt::Column::CreatedAt)
            .column(receipt::line::Column::Delivered)
            .column(receipt::line::Column::Accepted)
            .column(receipt::line::Column::Rejected)
            .column(receipt::line::Column::Returned)
            .order_by_asc(receipt::line::Column::Id)
            .limit(MOST_LINES);
        let rows: Vec<ReceiptLine> = rows.into_tuple().all(db).await?;
        let mut found: BTreeMap<(GoodsReceiptId, TaskKind), Task> = BTreeMap::new();
        for (id, number, supplier, since, delivered, accepted, rejected, returned) in rows {
            let to_do = [
                (TaskKind::InspectGoods, accepted + rejected < delivered),
                (TaskKind::ReturnGoods, returned < rejected),
            ];
            for (kind, _) in to_do.into_iter().filter(|(_, waits)| *waits) {
                let (subject, number) = (Subject::Receipt(id), number.clone());
                let task = Task { kind, subject, number, other: Some(supplier), since, due_at: None };
                found.insert((id, kind), task);
            }
        }
        Ok(found.into_values().collect())
    }

    async fn invoices(&self, db: &impl ConnectionTrait) -> Result<Vec<Task>, Error> {
        let mut states = Vec::new();
        if self.may(TaskKind::ApproveInvoice) {
            states.push(InvoiceState::Matched);
        }
        // Whoever may let through what does not match has to know of it, too.
        if self.may(TaskKind::ResolveException) || self.allowed(Action::OverrideMatches) {
            states.push(InvoiceState::Exception);
        }
        if states.is_empty() {
            return Ok(Vec::new());
        }
        let rows = invoice::Entity::find()
            .filter(invoice::Column::BuyerId.eq(self.own))
            .filter(invoice::Column::State.is_in(states))
            .order_by_asc(invoice::Column::DueDate)
            .order_by_asc(invoice::Column::Id)
            .limit(MOST);
        let task = |row: invoice::Model| {
            let exception = row.state == InvoiceState::Exception;
            Task {
                kind: if exception { TaskKind::ResolveException } else { TaskKind::ApproveInvoice },
                subject: Subject::Invoice(row.id),
                number: row.invoice_no,
                other: Some(row.supplier_id),
                since: row.created_at,
                due_at: Some(end_of(row.due_date)),
            }
        };
        Ok(rows.all(db).await?.into_iter().map(task).collect())
    }

    async fn payables(&self, db: &impl ConnectionTrait) -> Result<Vec<Task>, Error> {
        if !self.may(TaskKind::PayInvoice) {
            return Ok(Vec::new());
        }
        let of = payable::Entity::belongs_to(invoice::Entity)
            .from(payable::Column::InvoiceId)
            .to(invoice::Column::Id)
            .into();
        // What is disputed waits however far its day is.
        let soon =
            Condition::any().add(payable::Column::Disputed.eq(true)).add(payable::Column::DueDate.lte(self.soon()));
        let rows = payable::Entity::find()
            .join(JoinType::InnerJoin, of)
            .filter(payable::Column::BuyerId.eq(self.own))
            .filter(soon)
            .filter(owed())
            .select_only()
            .column(payable::Column::Id)
            .column(invoice::Column::InvoiceNo)
            .column(payable::Column::SupplierId)
            .column(payable::Column::CreatedAt)
            .column(payable::Column::DueDate)
            .column(payable::Column::Disputed)
            .order_by_asc(payable::Column::DueDate)
            .order_by_asc(payable::Column::Id)
            .limit(MOST);
        let rows: Vec<Owed> = rows.into_tuple().all(db).await?;
        let task = |(id, number, supplier, since, due, disputed): Owed| Task {
            kind: if disputed { TaskKind::SettleDispute } else { TaskKind::PayInvoice },
            subject: Subject::Payable(id),
            number,
            other: Some(supplier),
            since,
            due_at: Some(end_of(due)),
        };
        Ok(rows.into_iter().map(task).collect())
    }

    async fn debit_notes(&self, db: &impl ConnectionTrait) -> Result<Vec<Task>, Error> {
        if !self.may(TaskKind::AnswerDebitNote) {
            return Ok(Vec::new());
        }
        let rows = debit_note::Entity::find()
            .filter(debit_note::Column::SupplierId.eq(self.own))
            .filter(debit_note::Column::State.eq(DebitNoteState::Issued))
            .order_by_asc(debit_note::Column::Id)
            .limit(MOST);
        let task = |row: debit_note::Model| Task {
            kind: TaskKind::AnswerDebitNote,
            subject: Subject::DebitNote(row.id),
            number: row.number,
            other: Some(row.buyer_id),
            since: row.issued_at,
            due_at: None,
        };
        Ok(rows.all(db).await?.into_iter().map(task).collect())
    }

    async fn agreements(&self, db: &impl ConnectionTrait) -> Result<Vec<Task>, Error> {
        let mut wanted = Condition::any();
        if self.may(TaskKind::AcceptAgreement) && self.delivers() {
            let offered = agreement::Column::State.eq(AgreementState::Offered);
            wanted = wanted.add(Condition::all().add(agreement::Column::SupplierId.eq(self.own)).add(offered));
        }
        if let (true, Some(person)) = (self.may(TaskKind::ActivateAgreement), self.viewer.person()) {
            // Not by whoever made it.
            let another =
                Condition::any().add(agreement::Column::PersonId.is_null()).add(agreement::Column::PersonId.ne(person));
            let maker = Condition::all().add(another).add(agreement::Column::CreatedBy.ne(self.viewer.subject()));
            let accepted = agreement::Column::State.eq(AgreementState::Accepted);
            let own = agreement::Column::BuyerId.eq(self.own);
            wanted = wanted.add(Condition::all().add(own).add(accepted).add(maker));
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let rows = agreement::Entity::find().filter(wanted).order_by_asc(agreement::Column::Id).limit(MOST);
        // Who changed it does not put it into force either.
        let person = self.viewer.person();
        let not_own = |row: &agreement::Model| {
            row.state == AgreementState::Offered || person.is_none_or(|person| !row.editors.0.contains(&person))
        };
        let task = |row: agreement::Model| {
            let offered = row.state == AgreementState::Offered;
            Task {
                kind: if offered { TaskKind::AcceptAgreement } else { TaskKind::ActivateAgreement },
                subject: Subject::Agreement(row.id),
                number: row.number,
                other: Some(if offered { row.buyer_id } else { row.supplier_id }),
                since: row.updated_at,
                due_at: None,
            }
        };
        Ok(rows.all(db).await?.into_iter().filter(not_own).map(task).collect())
    }
}

/// States in which something of an order is still to come.
pub(super) const COMING: [OrderState; 3] = [OrderState::Sent, OrderState::Acknowledged, OrderState::InProgress];

/// That something of a line of an order is still to come.
pub(super) fn outstanding() -> Expr {
    let column = |of: order::line::Column| Expr::col((order::line::Entity, of));
    let here = column(order::line::Column::Received).sub(column(order::line::Column::Returned));
    here.lt(column(order::line::Column::Quantity).sub(column(order::line::Column::ShortClosed)))
}

/// Lines of orders of which something may be due on or before a day: by the day that they say, or by the first day of
/// their schedules. Days as texts are in the order of days.
pub(super) fn due_by(day: NaiveDate) -> Condition {
    let first = Expr::cust("(purchase_order_line.schedule -> 0 ->> 'on')");
    Condition::any().add(order::line::Column::NeededOn.lte(day)).add(first.lte(day.to_string()))
}

/// That something is still owed of a payable.
pub(super) fn owed() -> Expr {
    let column = |of: payable::Column| Expr::col((payable::Entity, of));
    column(payable::Column::FaceMinor)
        .gt(column(payable::Column::CreditedMinor).add(column(payable::Column::PaidMinor)))
}
