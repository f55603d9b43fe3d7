//! Papers of exports: written, linked with the exports that they are about, and sent again.

use entities::{
    customs::{
        ceb::Document,
        export::{about, declaration},
        paper::{self, PaperKind, PaperState},
        sale::Stamp,
    },
    values::id::{CustomsPaperId, ExportId, OrganisationId},
};
use platform::{
    app::{App, Work},
    customs::fresh_guid,
    error::{Error, taken},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};

use super::illegal;
use crate::{
    document_of,
    jobs::Send,
    lists,
    papers::{renewed, says_the_same},
    sealed_document,
};

/// A paper that is to be written.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub kind: PaperKind,
    pub sender: OrganisationId,
    pub document: &'a Document,
    pub stamp: &'a Stamp,
    /// The exports that it is about.
    pub about: &'a [ExportId],
    /// What its messages are sent in the order of.
    pub topic: String,
}

/// The topic of an export's own papers. It is no number of an order, so no import takes them for its own.
pub(super) fn topic(id: ExportId) -> String {
    format!("export:{id}")
}

/// Writes a paper, and has it sent.
pub(super) async fn put(app: &App, work: &mut Work, wanted: Wanted<'_>) -> Result<paper::Model, Error> {
    let id = CustomsPaperId::new(work.now);
    let row = paper::Model {
        id,
        kind: wanted.kind,
        business_key: wanted.kind.key(&wanted.document.head),
        document: wanted.topic,
        declaration_id: None,
        sender_id: wanted.sender,
        sent_by_party: false,
        given: false,
        guid: wanted.stamp.guid.clone(),
        attempt: 1,
        state: PaperState::Draft,
        status: None,
        info: None,
        pre_no: None,
        invt_no: None,
        body: sealed_document(app.vault(), id, wanted.document)?,
        original: None,
        sent_at: None,
        stated_at: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    let insert = paper::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    insert.map_err(|error| {
        taken(error, "customs_paper", &["kind", "business_key"], key_field(wanted.kind), &row.business_key)
    })?;
    let links = wanted.about.iter().map(|export| about::Model { paper_id: id, export_id: *export }.into_active_model());
    if !wanted.about.is_empty() {
        about::Entity::insert_many(links).exec_without_returning(work.tx()).await?;
    }
    work.enqueue(&Send { paper: id, attempt: 1, document: row.document.clone() }).await?;
    Ok(row)
}

/// Which field of the input a paper is known by.
fn key_field(kind: PaperKind) -> &'static str {
    match kind {
        PaperKind::ExportWaybill => "waybill",
        _ => "orderNumber",
    }
}

/// The papers that are about an export, the oldest first.
pub(super) async fn of_export(db: &impl ConnectionTrait, id: ExportId) -> Result<Vec<paper::Model>, Error> {
    let linked = about::Entity::find()
        .select_only()
        .column(about::Column::PaperId)
        .filter(about::Column::ExportId.eq(id))
        .into_query();
    let papers = paper::Entity::find().filter(paper::Column::Id.in_subquery(linked));
    Ok(papers.order_by_asc(paper::Column::Id).all(db).await?)
}

/// The newest of a kind.
pub(super) fn newest(papers: &[paper::Model], kind: PaperKind) -> Option<&paper::Model> {
    papers.iter().rfind(|paper| paper.kind == kind)
}

/// Whether customs has a paper.
pub(super) fn is_taken(paper: &paper::Model) -> bool {
    matches!(paper.state, PaperState::Accepted | PaperState::Reviewed)
}

/// Whether a paper of this kind is on its way, or was taken in: another one would say the same twice.
pub(super) fn is_live(papers: &[paper::Model], kind: PaperKind) -> bool {
    let live = |paper: &paper::Model| !paper.state.can_be_sent() || paper.state == PaperState::Draft;
    papers.iter().any(|paper| paper.kind == kind && live(paper))
}

/// Sends a paper once more that waits for an answer: the same message is the same paper to whoever has it already. Answers
/// whether it waits.
pub(super) async fn say_again(work: &mut Work, paper: &paper::Model) -> Result<bool, Error> {
    let waits = paper.state.is_unanswered();
    if waits {
        let job = Send { paper: paper.id, attempt: paper.attempt, document: paper.document.clone() };
        work.enqueue(&job).await?;
    }
    Ok(waits)
}

/// Sends a paper again: mended, when what it is made of has changed; as it is, when customs did not take it or nobody has
/// answered. `made`: what it says now, under a stamp. Refused while customs considers what would be changed.
pub(super) async fn again(
    app: &App,
    work: &mut Work,
    row: &declaration::Model,
    paper: &paper::Model,
    made: impl Fn(&Stamp) -> Document,
) -> Result<(), Error> {
    let stored = lists::was_accepted(work.tx(), paper.id).await?;
    let stamp = Stamp { guid: fresh_guid()?, again: stored, at: work.now };
    let document = made(&stamp);
    let same = says_the_same(&document_of(app.vault(), paper)?, &document);
    let refused = paper.state.can_be_sent() && paper.state != PaperState::Draft;
    if same && (say_again(work, paper).await? || !refused) {
        return Ok(());
    }
    if paper.state != PaperState::Draft && !refused && !is_taken(paper) {
        return Err(illegal(row, "AMEND").at("id").into());
    }
    // Customs keeps what it took in under its key: another key is another paper.
    if stored && paper.kind.key(&document.head) != paper.business_key {
        return Err(illegal(row, "AMEND").at(key_field(paper.kind)).into());
    }
    // Of these only the carrier can be another one by now.
    let sender = if paper.kind == PaperKind::ExportWaybill { row.carrier_id } else { paper.sender_id };
    renewed(app, work, paper, sender, &document, &stamp).await
}
