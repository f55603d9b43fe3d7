//! Programmes of financiers: written by one person, approved by another, revised and approved again.

use entities::{
    finance::{
        ProgrammeStep, Technique,
        eligibility::Rules,
        programme::{self, ProgrammeState},
        terms::Terms,
    },
    party::{Action, OrganisationRole, Viewer},
    values::{
        Currency, ErrorCode, Refusal,
        id::{FinancingProgrammeId, OrganisationId},
        refusal::{Check, line},
    },
};
use platform::{
    app::{App, Call, Work, acting},
    error::{Error, fresh, not_found, stale},
    graphql::encode,
    number::number,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter,
};
use serde_json::{Value, json};

const NEWEST: &str = "newest-programme";

/// What a programme says.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Written {
    pub name: String,
    pub technique: Technique,
    pub anchor: Option<OrganisationId>,
    pub currency: Currency,
    pub terms: Terms,
    pub rules: Rules,
}

impl Written {
    fn checked(&self) -> Result<String, Error> {
        let mut check = Check::default();
        let name = check.take("name", line(&self.name, 80));
        let within = |refusals: Vec<Refusal>, field: &'static str| refusals.into_iter().map(move |one| one.at(field));
        check.0.extend(self.terms.check().err().into_iter().flat_map(|all| within(all, "terms")));
        check.0.extend(self.rules.check().err().into_iter().flat_map(|all| within(all, "rules")));
        // The debtor of payables finance is the anchor; it is its word that the money is given on.
        let anchored = self.technique == Technique::PayablesFinance;
        check.demand(!anchored || self.anchor.is_some(), "anchorId", || Refusal::new(ErrorCode::Required));
        let undisclosed = anchored && !self.terms.disclosed;
        check.demand(!undisclosed, "terms.disclosed", || Refusal::new(ErrorCode::InvalidValue).with("value", "false"));
        let name = name.unwrap_or_default();
        Ok(check.done(name)?)
    }
}

/// The bank that somebody acts for.
pub(super) fn financier(call: &Call, action: Action) -> Result<OrganisationId, Error> {
    let own = acting(call, action)?;
    if call.viewer.plays(OrganisationRole::Bank) { Ok(own) } else { Err(Error::Forbidden) }
}

fn shown(row: &programme::Model) -> Value {
    json!({
        "number": row.number, "state": row.state, "technique": row.technique, "terms": row.terms, "rules": row.rules,
    })
}

/// Writes a programme; somebody else has to approve it.
pub async fn create(app: &App, call: &Call, new: &Written) -> Result<programme::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let name = new.checked()?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    anchored(&work, new.anchor).await?;
    let row = programme::Model {
        id: FinancingProgrammeId::new(work.now),
        number: number("FP", work.now)?,
        financier_id: own,
        anchor_id: new.anchor,
        name,
        technique: new.technique,
        currency: new.currency,
        terms: new.terms.clone(),
        rules: new.rules.clone(),
        rules_version: 1,
        state: ProgrammeState::Draft,
        made_by: work.viewer().subject(),
        approved_by: None,
        version: 1,
        created_at: work.now,
        updated_at: work.now,
    };
    programme::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    work.audit(Some(own), "createFinancingProgramme", encode(row.id).0, Value::Null, shown(&row));
    work.commit(row).await
}

async fn anchored(work: &Work, anchor: Option<OrganisationId>) -> Result<(), Error> {
    let Some(id) = anchor else { return Ok(()) };
    if party::ops::organisations::exists(work.tx(), id).await? {
        return Ok(());
    }
    Err(not_found("anchorId", encode(id).as_str()))
}

/// A programme of the organisation that keeps it.
async fn own_programme(
    work: &Work,
    own: OrganisationId,
    id: FinancingProgrammeId,
    expected: i32,
) -> Result<programme::Model, Error> {
    let row = programme::Entity::find_by_id(id).one(work.tx()).await?.filter(|row| row.financier_id == own);
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    fresh(row.version, expected)?;
    Ok(row)
}

async fn written(work: &Work, before: &programme::Model, next: programme::Model) -> Result<programme::Model, Error> {
    let next = programme::Model { version: before.version + 1, updated_at: work.now, ..next };
    let done = programme::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(programme::Column::Id.eq(before.id))
        .filter(programme::Column::Version.eq(before.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(stale()) }
}

/// Changes what a programme says: from then on nothing new is asked in it, until somebody else approves it again.
pub async fn revise(
    app: &App,
    call: &Call,
    (id, expected): (FinancingProgrammeId, i32),
    new: &Written,
) -> Result<programme::Model, Error> {
    let own = financier(call, Action::MakeFinancing)?;
    let name = new.checked()?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    anchored(&work, new.anchor).await?;
    let before = own_programme(&work, own, id, expected).await?;
    let state = ProgrammeStep::Revise.from(before.state).map_err(|refusal| refusal.at("id"))?;
    // Requests that are not paid out go by it.
    if new.technique != before.technique {
        let technique = async_graphql::Value::from(new.technique).to_string();
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", technique).at("technique").into());
    }
    if new.currency != before.currency {
        // Limits and requests are in it.
        let refusal = Refusal::new(ErrorCode::InvalidCurrency).with("value", new.currency.code());
        return Err(refusal.at("currency").into());
    }
    let next = programme::Model {
        name,
        technique: new.technique,
        anchor_id: new.anchor,
        terms: new.terms.clone(),
        rules: new.rules.clone(),
        rules_version: before.rules_version + 1,
        state,
        made_by: work.viewer().subject(),
        approved_by: None,
        ..before.clone()
    };
    let next = written(&work, &before, next).await?;
    work.audit(Some(own), "reviseFinancingProgramme", encode(id).0, shown(&before), shown(&next));
    work.commit(next).await
}

/// Approves, suspends, resumes or closes a programme. Who wrote it does not approve it.
pub async fn step(
    app: &App,
    call: &Call,
    (id, expected): (FinancingProgrammeId, i32),
    step: ProgrammeStep,
) -> Result<programme::Model, Error> {
    let own = financier(call, Action::CheckFinancing)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let before = own_programme(&work, own, id, expected).await?;
    let state = step.from(before.state).map_err(|refusal| refusal.at("id"))?;
    let approves = step == ProgrammeStep::Approve;
    if approves && before.made_by == work.viewer().subject() {
        return Err(Refusal::new(ErrorCode::MakerChecker).at("id").into());
    }
    let approved_by = if approves { Some(work.viewer().subject()) } else { before.approved_by.clone() };
    let next = written(&work, &before, programme::Model { state, approved_by, ..before.clone() }).await?;
    work.audit(Some(own), "decideFinancingProgramme", encode(id).0, shown(&before), shown(&next));
    work.commit(next).await
}

/// Which programmes.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub financier: Option<OrganisationId>,
    pub state: Option<ProgrammeState>,
}

/// Programmes that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    page: &PageArgs,
) -> Result<Page<programme::Model>, Error> {
    let only = Condition::all()
        .add_option(filter.financier.map(|id| programme::Column::FinancierId.eq(id)))
        .add_option(filter.state.map(|state| programme::Column::State.eq(state)));
    let list = programme::Entity::visible_to(viewer).filter(only);
    page.by_id(db, list, programme::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a programme in that list.
pub fn cursor(row: &programme::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A programme; none when there is none or it may not be seen.
pub async fn find(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    id: FinancingProgrammeId,
) -> Result<Option<programme::Model>, Error> {
    Ok(programme::Entity::visible_to(viewer).filter(programme::Column::Id.eq(id)).one(db).await?)
}
