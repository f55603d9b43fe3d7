//! Questions of suppliers about a request, and what its buyer answers. A supplier reads its own and what was
//! published to all; who asked is known to the buyer alone.

use entities::{
    party::{Action, Viewer, machine_client::Scope},
    platform::EventKind,
    procurement::{
        RfqState,
        question::{self, MOST},
        rfq,
    },
    values::{
        ErrorCode, Refusal,
        id::{RfqId, RfqQuestionId},
        refusal as text,
    },
};
use platform::{
    app::{App, Call},
    error::{Error, not_found},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder,
};
use serde_json::{Value, json};

use super::{acting, rfqs};

const OLDEST: &str = "oldest-question";

/// A supplier asks about a request while it may quote.
pub async fn ask(app: &App, call: &Call, id: RfqId, question: &str) -> Result<rfq::Model, Error> {
    let supplier = acting(call, Action::QuoteGoods)?;
    let question = text::paragraph(question, 1_000).map_err(|refusal| refusal.at("text"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, _) = rfqs::told(&work, supplier, id, "rfqId").await?;
    rfqs::window(&row, work.now).map_err(|refusal| refusal.at("rfqId"))?;
    let asked = question::Entity::find()
        .filter(question::Column::RfqId.eq(id))
        .filter(question::Column::SupplierId.eq(supplier));
    if asked.count(work.tx()).await? >= MOST {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MOST.to_string()).at("rfqId").into());
    }
    let made = question::Model {
        id: RfqQuestionId::new(work.now),
        rfq_id: id,
        supplier_id: supplier,
        text: question,
        asked_by: work.viewer().subject(),
        answer: None,
        answered_by: None,
        answered_at: None,
        published: false,
        created_at: work.now,
    };
    question::Entity::insert(made.into_active_model()).exec_without_returning(work.tx()).await?;
    work.audit(Some(supplier), "askRfqQuestion", encode(id).0, Value::Null, json!({ "round": row.round }));
    work.tell(row.buyer_id, EventKind::RfqChanged, encode(id).0, row.version).await?;
    work.commit(row).await
}

/// The buyer answers a question once: to all suppliers, or to who asked.
pub async fn answer(
    app: &App,
    call: &Call,
    id: RfqQuestionId,
    answer: &str,
    publish: bool,
) -> Result<rfq::Model, Error> {
    let buyer = acting(call, Action::SourceGoods)?;
    let said = text::paragraph(answer, 2_000).map_err(|refusal| refusal.at("answer"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let unknown = || not_found("questionId", encode(id).as_str());
    let asked = question::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let row = match rfqs::own(&work, buyer, asked.rfq_id, "questionId").await {
        Err(Error::Refused(_)) => return Err(unknown()),
        other => other?,
    };
    if row.state != RfqState::Published {
        return Err(Refusal::illegal(row.state, "ANSWER").at("questionId").into());
    }
    let next = question::Model {
        answer: Some(said),
        answered_by: Some(work.viewer().subject()),
        answered_at: Some(work.now),
        published: publish,
        ..asked.clone()
    };
    let done = question::Entity::update_many()
        .set(next.into_active_model().reset_all())
        .filter(question::Column::Id.eq(id))
        .filter(question::Column::AnsweredAt.is_null())
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", "ANSWERED").with("action", "ANSWER");
        return Err(refusal.at("questionId").into());
    }
    let shown = json!({ "question": encode(id).0, "published": publish });
    work.audit(Some(buyer), "answerRfqQuestion", encode(row.id).0, Value::Null, shown);
    if publish {
        rfqs::tell_all(&mut work, &row).await?;
    } else {
        work.tell(asked.supplier_id, EventKind::RfqChanged, encode(row.id).0, row.version).await?;
    }
    work.commit(row).await
}

/// The questions about requests that the viewer may read, first asked first. `inside`: those that it sees as whoever
/// asks does, who reads all; of the others a supplier reads its own and what was published to all.
pub(crate) async fn of_rfqs(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    inside: &[RfqId],
    outside: &[RfqId],
) -> Result<Vec<question::Model>, Error> {
    let of = |ids: &[RfqId]| question::Column::RfqId.is_in(ids.iter().copied());
    let mut seen = Condition::any().add(of(inside));
    if let Some(own) = viewer.reads_for(Scope::Procurement) {
        let told = Condition::any().add(question::Column::Published.eq(true)).add(question::Column::SupplierId.eq(own));
        seen = seen.add(Condition::all().add(of(outside)).add(told));
    }
    Ok(question::Entity::find().filter(seen).order_by_asc(question::Column::Id).all(db).await?)
}

/// A page of the questions about a request that the viewer reads, which are all there.
pub fn list(rows: Vec<question::Model>, page: &PageArgs) -> Result<Page<question::Model>, Error> {
    page.slice(rows, cursor)
}

/// The cursor of a question in that list.
pub fn cursor(row: &question::Model) -> Cursor {
    Cursor::of_id(OLDEST, row.id)
}
