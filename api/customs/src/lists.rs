//! What is read of customs.

use chrono::{DateTime, Utc};
use entities::{
    customs::{
        codes,
        declaration::{self, DeclarationState},
        match_row,
        message::{self, MessageVerdict},
        paper::{self, PaperKind, PaperState},
        receipt::{self, ReturnStatus},
        request::{self, CustomsRequestState},
        tax_bill,
        tax_bill::guarantee,
    },
    party::{Action, Resource, Viewer, organisation},
    values::id::{CustomsPaperId, DeclarationId, OrganisationId},
};
use platform::{
    app::{App, allowed},
    db::{Dialect, dialect},
    error::Error,
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, Order, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockType, Query},
};

/// Names of the orders of lists, for cursors.
const NEWEST: &str = "newest-declaration";
const NEWEST_MESSAGE: &str = "newest-customs-message";
const NEWEST_BILL: &str = "newest-tax-bill";
const NEWEST_ENTRY: &str = "newest-guarantee-entry";

/// Which declarations.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in one of these states.
    pub states: Vec<DeclarationState>,
    /// Only those at which a person must do something: stuck, overdue, odd, or with something said after the list that
    /// customs refused, or has not answered since before this moment.
    pub to_do: Option<DateTime<Utc>>,
    /// Only of this order.
    pub document: Option<String>,
}

/// A declaration that the viewer may see.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: DeclarationId,
) -> Result<Option<declaration::Model>, Error> {
    Ok(declaration::Entity::visible_to(viewer).filter(declaration::Column::Id.eq(id)).one(db).await?)
}

/// Declarations that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &Filter,
    page: &PageArgs,
) -> Result<Page<declaration::Model>, Error> {
    use declaration::Column as C;
    let to_do = |since: DateTime<Utc>| {
        let unheard = Query::select()
            .expr(Expr::value(1))
            .from(paper::Entity)
            .and_where(Expr::col((paper::Entity, paper::Column::DeclarationId)).equals((declaration::Entity, C::Id)))
            .cond_where(unheard_papers(since))
            .take();
        Condition::any()
            .add(C::State.is_in(DeclarationState::STUCK))
            .add(C::Overdue.eq(true))
            .add(C::Alarm.is_not_null())
            .add(Expr::exists(unheard))
    };
    let only = Condition::all()
        .add_option((!filter.states.is_empty()).then(|| C::State.is_in(filter.states.iter().copied())))
        .add_option(filter.to_do.map(to_do))
        .add_option(filter.document.as_ref().map(|document| C::Document.eq(document)));
    page.by_id(db, declaration::Entity::visible_to(viewer).filter(only), C::Id, NEWEST, Order::Desc).await
}

/// What is asked of customs and still wanted.
const WANTED: [CustomsRequestState; 3] =
    [CustomsRequestState::Asked, CustomsRequestState::Inspected, CustomsRequestState::Refused];

/// Before when a paper was last heard of that customs should have answered by now.
pub(super) fn silent_since(app: &App) -> DateTime<Utc> {
    app.clock().now() - app.config().customs.wait()
}

/// Papers that were said after the list, are still wanted, and that customs refused or has not answered since that moment.
fn unheard_papers(since: DateTime<Utc>) -> Condition {
    use paper::Column as P;
    let wanted = Query::select()
        .expr(Expr::value(1))
        .from(request::Entity)
        .and_where(Expr::col((request::Entity, request::Column::PaperId)).equals((paper::Entity, P::Id)))
        .and_where(request::Column::State.is_in(WANTED))
        .take();
    let silent = Condition::all().add(P::State.is_in(PaperState::UNANSWERED)).add(P::UpdatedAt.lt(since));
    Condition::all()
        .add(Condition::any().add(P::Kind.eq(PaperKind::WaybillStatus)).add(Expr::exists(wanted)))
        .add(Condition::any().add(P::State.is_in(PaperState::REFUSED)).add(silent))
}

/// The same of one paper of a declaration, with all that was asked of customs for it.
pub(super) fn is_unheard(paper: &paper::Model, requests: &[request::Model], since: DateTime<Utc>) -> bool {
    let of = |one: &request::Model| one.paper_id == Some(paper.id) && WANTED.contains(&one.state);
    let wanted = paper.kind == PaperKind::WaybillStatus || requests.iter().any(of);
    let silent = paper.state.is_unanswered() && paper.updated_at < since;
    wanted && (paper.state.is_refused() || silent)
}

/// The cursor of a declaration in that list.
pub fn cursor(row: &declaration::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// The declaration of a document.
pub async fn of_document(db: &impl ConnectionTrait, document: &str) -> Result<Option<declaration::Model>, Error> {
    Ok(declaration::Entity::find().filter(declaration::Column::Document.eq(document)).one(db).await?)
}

/// Locks the declaration of a document until the transaction ends, if there is one: who changes both locks it before the
/// document.
pub async fn lock_document(tx: &impl ConnectionTrait, document: &str) -> Result<(), Error> {
    if let Some(row) = of_document(tx, document).await? {
        super::locked(tx, row.id).await?;
    }
    Ok(())
}

/// What the match of a declaration found, rule by rule.
pub async fn matches(db: &impl ConnectionTrait, id: DeclarationId) -> Result<Vec<match_row::Model>, Error> {
    let rows = match_row::Entity::find().filter(match_row::Column::DeclarationId.eq(id));
    Ok(rows.order_by_asc(match_row::Column::Position).all(db).await?)
}

/// Whether customs ever took a paper in.
pub(super) async fn was_accepted(db: &impl ConnectionTrait, id: CustomsPaperId) -> Result<bool, Error> {
    let said = receipt::Entity::find().filter(receipt::Column::PaperId.eq(id)).all(db).await?;
    Ok(said.iter().any(|said| ReturnStatus::of(&said.status).is_some_and(|status| status.state.is_taken_in())))
}

/// When customs let the goods of a list go: its earliest release, or else when it says that all is done. None: it did not.
pub(super) async fn released_at(
    db: &impl ConnectionTrait,
    list: &paper::Model,
) -> Result<Option<DateTime<Utc>>, Error> {
    let said = receipt::Entity::find()
        .filter(receipt::Column::PaperId.eq(list.id))
        .filter(receipt::Column::Attempt.eq(list.attempt))
        .all(db)
        .await?;
    let earliest = |state: PaperState| {
        let of = |said: &&receipt::Model| ReturnStatus::of(&said.status).is_some_and(|status| status.state == state);
        said.iter().filter(of).filter_map(|said| codes::read_moment(&said.time)).min()
    };
    Ok(earliest(PaperState::Released).or_else(|| earliest(PaperState::Closed)))
}

/// What was asked of customs for a declaration, oldest first.
pub async fn requests(db: &impl ConnectionTrait, id: DeclarationId) -> Result<Vec<request::Model>, Error> {
    let rows = request::Entity::find().filter(request::Column::DeclarationId.eq(id));
    Ok(rows.order_by_asc(request::Column::Id).all(db).await?)
}

/// Which raw messages.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Only with one of these verdicts.
    pub verdicts: Vec<MessageVerdict>,
    /// Only those of a paper.
    pub paper: Option<CustomsPaperId>,
    /// Only those with this hash.
    pub hash: Option<String>,
}

/// Raw messages, newest first: who keeps customs for the zone sees them.
pub async fn messages(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &MessageFilter,
    page: &PageArgs,
) -> Result<Page<message::Model>, Error> {
    use message::Column as C;
    allowed(viewer, Action::ReadCustomsMessages, Resource::OWN)?;
    let only = Condition::all()
        .add_option((!filter.verdicts.is_empty()).then(|| C::Verdict.is_in(filter.verdicts.iter().copied())))
        .add_option(filter.paper.map(|paper| C::PaperId.eq(paper)))
        .add_option(filter.hash.as_ref().map(|hash| C::Hash.eq(hash)));
    page.by_id(db, message::Entity::find().filter(only), C::Id, NEWEST_MESSAGE, Order::Desc).await
}

/// The cursor of a message in that list.
pub fn message_cursor(row: &message::Model) -> Cursor {
    Cursor::of_id(NEWEST_MESSAGE, row.id)
}

/// An agent's tax bills, newest first.
pub async fn bills(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    whose: OrganisationId,
    page: &PageArgs,
) -> Result<Page<tax_bill::Model>, Error> {
    allowed(viewer, Action::ReadGuarantees, Resource::of(whose))?;
    let rows = tax_bill::Entity::find().filter(tax_bill::Column::GuarantorId.eq(whose));
    page.by_id(db, rows, tax_bill::Column::Id, NEWEST_BILL, Order::Desc).await
}

/// The cursor of a bill in that list.
pub fn bill_cursor(row: &tax_bill::Model) -> Cursor {
    Cursor::of_id(NEWEST_BILL, row.id)
}

/// What happened to an agent's guarantee, newest first.
pub async fn statement(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    whose: OrganisationId,
    page: &PageArgs,
) -> Result<Page<guarantee::Model>, Error> {
    allowed(viewer, Action::ReadGuarantees, Resource::of(whose))?;
    let rows = guarantee::Entity::find().filter(guarantee::Column::GuarantorId.eq(whose));
    page.by_id(db, rows, guarantee::Column::Id, NEWEST_ENTRY, Order::Desc).await
}

/// The cursor of an entry in that list.
pub fn entry_cursor(row: &guarantee::Model) -> Cursor {
    Cursor::of_id(NEWEST_ENTRY, row.id)
}

/// Whether customs has let the goods of a document go; none: nothing is declared of it.
pub async fn released(db: &impl ConnectionTrait, document: &str) -> Result<Option<bool>, Error> {
    Ok(of_document(db, document).await?.map(|row| row.state.is_released()))
}

/// What the parcel of a document should weigh, in grams; none: nothing is declared of it.
pub async fn gross_weight_g(db: &impl ConnectionTrait, document: &str) -> Result<Option<i64>, Error> {
    Ok(of_document(db, document).await?.map(|row| row.gross_weight_g))
}

/// An organisation's row, locked until the transaction ends: what is taken from its account is taken one after the other.
pub(super) async fn lock_organisation(tx: &impl ConnectionTrait, id: OrganisationId) -> Result<(), Error> {
    let mut row = organisation::Entity::find_by_id(id);
    if dialect(tx) == Dialect::Postgres {
        row = row.lock(LockType::NoKeyUpdate);
    }
    row.one(tx).await?.ok_or_else(|| platform::error::not_found("organisationId", encode(id).as_str()))?;
    Ok(())
}
