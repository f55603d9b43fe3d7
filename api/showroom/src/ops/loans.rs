//! Sample loans: asked for (the samples are held), lent, back piece by piece, or lost.
//!
//! What is lent lies in a place of its own (`@LOAN`), and not in the showroom's: it is on the books, and a count of the
//! showroom, which does not find it there, is right. Only the steps of its loan bring it back.

use chrono::{Duration, NaiveDate};
use entities::{
    inventory::{CustomsStatus, MoveReason, ReservationKind, ReservationStep, balance},
    party::{Action, Resource, Viewer},
    showroom::{
        ShowroomState, UnitClass,
        loan::{self, Borrower, DepositMeans, LONGEST_DAYS, LoanState, LoanStep, MOST_LINES, Share, back, line},
        store,
    },
    values::{
        ErrorCode, Money, Refusal,
        id::{
            OrganisationId, SampleLoanId, SampleLoanLineId, SampleLoanReturnId, ShowroomId, StockBalanceId,
            StockLocationId,
        },
        refusal::{self as text, Check},
    },
};
use inventory::{
    ledger::{By, Moving, Place, in_line},
    ops::{loan_of, loss_of, moved, transfers::Asked},
    promises::{self, consume_to},
};
use party::ops::organisations;
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    error::{Error, not_found},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter,
    QueryOrder, sea_query::OnConflict,
};
use serde_json::{Value, json};

use super::{classes::lying_in, inside, place_of, store_for, store_of, stores::closed, write_offs::held};

const NEWEST: &str = "newest-loan";

/// Who borrows.
#[derive(Clone, Debug)]
pub enum To {
    /// An organisation.
    Organisation(OrganisationId),
    /// A person, by its own word.
    Person(Borrower),
}

/// What is to be lent.
#[derive(Clone, Debug)]
pub struct NewLoan {
    /// Of which showroom.
    pub showroom: ShowroomId,
    /// To whom.
    pub to: To,
    /// What for.
    pub purpose: String,
    /// Until which day.
    pub due_on: NaiveDate,
    /// How the deposit is taken.
    pub means: DepositMeans,
    /// How much.
    pub deposit: Option<Money>,
    /// Why none is.
    pub waived_reason: Option<String>,
    /// Which samples.
    pub lines: Vec<Asked>,
}

/// What came back of a line.
#[derive(Clone, Debug)]
pub struct CameBack {
    /// Of which line.
    pub line: SampleLoanLineId,
    /// How much as it went.
    pub good: i64,
    /// How much damaged.
    pub damaged: i64,
    /// What of the deposit of the damaged ones is kept; none: nothing.
    pub kept: Option<Money>,
    /// In which condition.
    pub condition: Option<String>,
}

/// Which loans.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "described in the schema")]
pub struct Filter {
    pub showroom: Option<ShowroomId>,
    pub state: Option<LoanState>,
    pub overdue: Option<bool>,
}

/// The place that a borrower is sealed for.
fn borrower_place(id: SampleLoanId) -> String {
    format!("sample_loan.borrower:{id}")
}

/// Asks for a loan; the samples are held from here on.
pub async fn request(app: &App, call: &Call, new: &NewLoan) -> Result<loan::Model, Error> {
    text::few(new.lines.len(), MOST_LINES)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let store = store_for(work.tx(), &call.viewer, Action::WorkShowrooms, new.showroom, "showroomId").await?;
    if store.state == ShowroomState::Closed {
        return Err(closed());
    }
    let row = asked(app, &work, &store, new).await?;
    let ids: Vec<StockBalanceId> = new.lines.iter().map(|line| line.balance).collect();
    let found = lying_in(work.tx(), &store, &ids).await?;
    for (n, (from, class)) in found.iter().enumerate() {
        is_sample(from, *class).map_err(|refusal| in_line(refusal.at("balanceId").into(), n))?;
    }
    let wanted: Vec<(balance::Model, i64)> =
        found.into_iter().map(|(from, _)| from).zip(new.lines.iter().map(|line| line.quantity)).collect();
    held(&work, ReservationKind::Transfer, &row.document, &wanted).await?;
    loan::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await?;
    let lines = wanted.iter().zip(0_i32..).map(|((from, quantity), position)| {
        let line = line::Model {
            id: SampleLoanLineId::new(work.now),
            loan_id: row.id,
            position,
            balance_id: from.id,
            variant_id: from.variant_id,
            lot_id: from.lot_id,
            status: from.status,
            quantity: *quantity,
            good: 0,
            damaged: 0,
            lost: 0,
        };
        line.into_active_model()
    });
    line::Entity::insert_many(lines).exec_without_returning(work.tx()).await?;
    let shown =
        json!({ "pieces": row.pieces, "dueOn": row.due_on, "deposit": row.taken(), "means": row.deposit_means });
    work.audit(Some(store.organisation_id), "requestSampleLoan", encode(row.id).0, Value::Null, shown);
    work.commit(row).await
}

/// Only samples are lent, and nothing that customs watches over.
fn is_sample(from: &balance::Model, class: UnitClass) -> Result<(), Refusal> {
    if from.status == CustomsStatus::Bonded {
        return Err(Refusal::new(ErrorCode::NotReleased));
    }
    if class == UnitClass::Sample {
        return Ok(());
    }
    let name = async_graphql::Value::from(class).to_string();
    Err(Refusal::new(ErrorCode::IllegalTransition).with("from", name).with("action", "LEND"))
}

/// The loan that is asked for, or all that is wrong with it.
async fn asked(app: &App, work: &Work, store: &store::Model, new: &NewLoan) -> Result<loan::Model, Error> {
    let id = SampleLoanId::new(work.now);
    let mut check = Check::default();
    let purpose = check.take("purpose", text::line(&new.purpose, 200)).unwrap_or_default();
    let today = business_day(work.now);
    let last = today + Duration::days(LONGEST_DAYS);
    check.demand((today..=last).contains(&new.due_on), "dueOn", || {
        Refusal::new(ErrorCode::OutOfRange).with("min", today.to_string()).with("max", last.to_string())
    });
    let noted = new.means.noted(new.deposit, new.waived_reason.as_deref());
    let noted = noted.map_err(|refusals| check.0.extend(refusals.into_iter().map(|refusal| refusal.at("deposit"))));
    let person = match &new.to {
        To::Organisation(_) => Ok(None),
        To::Person(person) => person.checked().map(Some).map_err(|refusals| check.0.extend(refusals)),
    };
    let (Ok((taken, waived_reason)), Ok(person)) = (noted, person) else { return Err(check.0.into()) };
    check.done(())?;
    let borrower_id = match &new.to {
        To::Organisation(id) => Some(*id),
        To::Person(_) => None,
    };
    if let Some(id) = borrower_id
        && !organisations::exists(work.tx(), id).await?
    {
        return Err(not_found("borrowerId", encode(id).as_str()));
    }
    let (borrower, masked_borrower) = match person {
        Some((person, masked)) => {
            let plain = serde_json::to_vec(&person).map_err(Error::internal)?;
            (Some(app.vault().seal(&borrower_place(id), &plain)?), Some(masked))
        }
        None => (None, None),
    };
    Ok(loan::Model {
        id,
        showroom_id: store.id,
        document: format!("loan:{id}"),
        state: LoanState::Requested,
        borrower_id,
        borrower,
        masked_borrower,
        purpose,
        due_on: new.due_on,
        deposit_minor: taken.minor,
        currency: taken.currency,
        deposit_means: new.means,
        waived_reason,
        // What cannot be added up is refused where the pieces are held.
        pieces: new.lines.iter().fold(0, |sum: i64, line| sum.saturating_add(line.quantity)),
        settled: 0,
        back_minor: 0,
        kept_minor: 0,
        requested_by: work.viewer().subject(),
        lent_by: None,
        version: 1,
        created_at: work.now,
        lent_at: None,
        ended_at: None,
    })
}

async fn own_loan(work: &Work, action: Action, id: SampleLoanId) -> Result<(loan::Model, store::Model), Error> {
    let unknown = || not_found("id", encode(id).as_str());
    let row = loan::Entity::find_by_id(id).one(work.tx()).await?.ok_or_else(unknown)?;
    let store = store_of(work.tx(), work.viewer(), action, row.showroom_id, unknown).await?;
    Ok((row, store))
}

/// Takes a step to `next`, or says why not: of two who step at the same time one does.
async fn step(work: &Work, row: &loan::Model, step: LoanStep, next: loan::Model) -> Result<loan::Model, Error> {
    let (from, to) = step.leads();
    step.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let ended_at = if to.is_out() { None } else { Some(work.now) };
    let next = loan::Model { state: to, version: row.version + 1, ended_at, ..next };
    let done = loan::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(loan::Column::Id.eq(row.id))
        .filter(loan::Column::State.is_in(from.iter().copied()))
        .filter(loan::Column::Version.eq(row.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 {
        return Ok(next);
    }
    if let Some(now) = loan::Entity::find_by_id(row.id).one(work.tx()).await? {
        step.from(now.state).map_err(|refusal| refusal.at("id"))?;
    }
    Err(Refusal::new(ErrorCode::StaleVersion).at("id").into())
}

fn noted(work: &mut Work, action: &'static str, store: &store::Model, before: &loan::Model, after: &loan::Model) {
    let shown = |row: &loan::Model| {
        let (back, kept) = (row.back_minor, row.kept_minor);
        json!({ "state": row.state, "settled": row.settled, "backMinor": back, "keptMinor": kept })
    };
    work.audit(Some(store.organisation_id), action, encode(after.id).0, shown(before), shown(after));
}

/// Somebody who runs the showroom agrees, and the samples go to the borrower.
pub async fn lend(app: &App, call: &Call, id: SampleLoanId) -> Result<loan::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, store) = own_loan(&work, Action::KeepShowrooms, id).await?;
    let by = work.viewer().subject();
    let next = loan::Model { lent_by: Some(by.clone()), lent_at: Some(work.now), ..row.clone() };
    let next = step(&work, &row, LoanStep::Lend, next).await?;
    let away = loan_of(work.tx(), work.now, store.organisation_id).await?;
    let by = By { actor: &by, at: work.now };
    consume_to(work.tx(), by, &row.document, away, MoveReason::Transfer).await?;
    noted(&mut work, "lendSamples", &store, &row, &next);
    work.commit(next).await
}

/// Gives a loan up before the samples go; they are not held any more.
pub async fn cancel(app: &App, call: &Call, id: SampleLoanId) -> Result<loan::Model, Error> {
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, store) = own_loan(&work, Action::WorkShowrooms, id).await?;
    let next = step(&work, &row, LoanStep::Cancel, row.clone()).await?;
    promises::let_go(work.tx(), work.now, &row.document, ReservationStep::Release).await?;
    noted(&mut work, "cancelSampleLoan", &store, &row, &next);
    work.commit(next).await
}

async fn lines_of(tx: &impl ConnectionTrait, id: SampleLoanId) -> Result<Vec<line::Model>, Error> {
    let lines = line::Entity::find().filter(line::Column::LoanId.eq(id)).order_by_asc(line::Column::Position);
    Ok(lines.all(tx).await?)
}

/// What is settled of a loan at once: its lines as they are then, what is noted of each, and the moves.
#[derive(Default)]
struct Settling {
    lines: Vec<line::Model>,
    notes: Vec<back::Model>,
    moves: Vec<Moving>,
}

impl Settling {
    /// Settles a part of a line. `to`: where so many pieces go, and why.
    fn add(
        &mut self,
        work: &Work,
        row: &loan::Model,
        before: &line::Model,
        note: back::Model,
        away: Place,
        to: &[(i64, StockLocationId, MoveReason)],
    ) {
        self.lines.push(line::Model {
            good: before.good + note.good,
            damaged: before.damaged + note.damaged,
            lost: before.lost + note.lost,
            ..before.clone()
        });
        self.notes.push(back::Model { noted_by: work.viewer().subject(), at: work.now, ..note });
        self.moves.extend(to.iter().filter(|(quantity, ..)| *quantity > 0).map(|(quantity, to, reason)| Moving {
            from: away,
            to: (*to, before.status),
            quantity: *quantity,
            reason: *reason,
            document: row.document.clone(),
            reverses: None,
        }));
    }

    /// The loan with all of it, before the step.
    fn settled(&self, row: &loan::Model) -> loan::Model {
        let sum = |of: fn(&back::Model) -> i64| self.notes.iter().map(of).sum::<i64>();
        loan::Model {
            settled: row.settled + sum(|note| note.good + note.damaged + note.lost),
            back_minor: row.back_minor + sum(|note| note.back_minor),
            kept_minor: row.kept_minor + sum(|note| note.kept_minor),
            ..row.clone()
        }
    }

    /// Writes it; the loan's row was changed before, so nobody else changes its lines meanwhile.
    async fn write(self, work: &Work) -> Result<(), Error> {
        let known = OnConflict::column(line::Column::Id)
            .update_columns([line::Column::Good, line::Column::Damaged, line::Column::Lost])
            .to_owned();
        let lines = self.lines.into_iter().map(IntoActiveModel::into_active_model);
        line::Entity::insert_many(lines).on_conflict(known).exec_without_returning(work.tx()).await?;
        let notes = self.notes.into_iter().map(IntoActiveModel::into_active_model);
        back::Entity::insert_many(notes).exec_without_returning(work.tx()).await?;
        moved(work, &self.moves).await.map(drop)
    }
}

/// What is noted of a line, before who noted it.
fn note(work: &Work, line: &line::Model, (good, damaged, lost): (i64, i64, i64), share: Share) -> back::Model {
    back::Model {
        id: SampleLoanReturnId::new(work.now),
        loan_id: line.loan_id,
        line_id: line.id,
        good,
        damaged,
        lost,
        condition: None,
        back_minor: share.back_minor,
        kept_minor: share.kept_minor,
        noted_by: String::new(),
        at: work.now,
    }
}

/// Where a line lies while it is lent.
fn away_at(store: &store::Model, line: &line::Model, away: StockLocationId) -> Place {
    Place {
        owner: store.organisation_id,
        variant: line.variant_id,
        location: away,
        lot: line.lot_id,
        status: line.status,
    }
}

/// Takes in what came back: good pieces as samples again, damaged ones where damaged ones lie. The deposit goes back in
/// proportion; that a part of it is kept for what is damaged, somebody says who runs the showroom.
pub async fn take_back(app: &App, call: &Call, id: SampleLoanId, came: &[CameBack]) -> Result<loan::Model, Error> {
    text::few(came.len(), MOST_LINES)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, store) = own_loan(&work, Action::WorkShowrooms, id).await?;
    if came.iter().any(|one| one.kept.is_some_and(|kept| kept.minor > 0)) {
        call.may(Action::KeepShowrooms, Resource::of(store.organisation_id))?;
    }
    LoanStep::ReturnSome.from(row.state).map_err(|refusal| refusal.at("id"))?;
    let lines = lines_of(work.tx(), id).await?;
    let away = loan_of(work.tx(), work.now, store.organisation_id).await?;
    let samples = place_of(work.tx(), &store, UnitClass::Sample).await?;
    let damaged = place_of(work.tx(), &store, UnitClass::Damaged).await?;
    let (mut deposit, mut settling) = (row.deposit(), Settling::default());
    for (n, one) in came.iter().enumerate() {
        let of = lines.iter().find(|line| line.id == one.line);
        let of = of.ok_or_else(|| in_line(not_found("lineId", encode(one.line).as_str()), n))?;
        if settling.lines.iter().any(|line| line.id == of.id) {
            let twice = Refusal::new(ErrorCode::Duplicate).with("value", encode(of.id).0);
            return Err(in_line(twice.at("lineId").into(), n));
        }
        let condition = looked_at(&row, of, one).map_err(|refusal| in_line(refusal.into(), n))?;
        let kept = one.kept.map_or(0, |kept| kept.minor);
        let share = deposit.returned(one.good, one.damaged, kept);
        let share = share.map_err(|refusal| in_line(refusal.at("kept").into(), n))?;
        let note = back::Model { condition, ..note(&work, of, (one.good, one.damaged, 0), share) };
        let to = [(one.good, samples, MoveReason::Transfer), (one.damaged, damaged, MoveReason::Transfer)];
        settling.add(&work, &row, of, note, away_at(&store, of, away), &to);
    }
    let next = settling.settled(&row);
    let taken = if next.settled == next.pieces { LoanStep::ReturnAll } else { LoanStep::ReturnSome };
    let next = step(&work, &row, taken, next).await?;
    settling.write(&work).await?;
    noted(&mut work, "returnSamples", &store, &row, &next);
    work.commit(next).await
}

/// Whether so much of a line can have come back; its condition, which is said of what is damaged.
fn looked_at(row: &loan::Model, of: &line::Model, one: &CameBack) -> Result<Option<String>, Refusal> {
    let left = of.outstanding();
    let fits = one.good >= 0
        && one.damaged >= 0
        && one.good.checked_add(one.damaged).is_some_and(|sum| (1..=left).contains(&sum));
    if !fits {
        let range = Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", left.to_string());
        return Err(range.at("good"));
    }
    if let Some(other) = one.kept.filter(|kept| kept.currency != row.currency) {
        return Err(Refusal::new(ErrorCode::InvalidCurrency).with("value", other.currency.code()).at("kept"));
    }
    let said = text::given(one.condition.as_deref());
    if said.is_none() && one.damaged > 0 {
        return Err(Refusal::new(ErrorCode::Required).at("condition"));
    }
    said.map(|said| text::paragraph(said, 300)).transpose().map_err(|refusal| refusal.at("condition"))
}

/// What the borrower still has is lost: it is written off, and its deposit is kept. Not who lent it says so.
pub async fn lose(app: &App, call: &Call, id: SampleLoanId, reason: &str) -> Result<loan::Model, Error> {
    let reason = text::paragraph(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let (row, store) = own_loan(&work, Action::KeepShowrooms, id).await?;
    LoanStep::Lose.from(row.state).map_err(|refusal| refusal.at("id"))?;
    if row.lent_by.as_deref() == Some(work.viewer().subject().as_str()) {
        return Err(Refusal::new(ErrorCode::MakerChecker).at("id").into());
    }
    let away = loan_of(work.tx(), work.now, store.organisation_id).await?;
    let loss = loss_of(work.tx(), work.now, store.organisation_id).await?;
    let (mut deposit, mut settling) = (row.deposit(), Settling::default());
    for of in lines_of(work.tx(), id).await?.iter().filter(|line| line.outstanding() > 0) {
        let left = of.outstanding();
        let note = back::Model { condition: Some(reason.clone()), ..note(&work, of, (0, 0, left), deposit.lost(left)) };
        let to = [(left, loss, MoveReason::WriteOff)];
        settling.add(&work, &row, of, note, away_at(&store, of, away), &to);
    }
    let next = step(&work, &row, LoanStep::Lose, settling.settled(&row)).await?;
    settling.write(&work).await?;
    noted(&mut work, "loseSampleLoan", &store, &row, &next);
    work.commit(next).await
}

/// Reads in clear who borrowed, for whoever runs the showroom; the audit says who did.
pub async fn reveal(app: &App, call: &Call, id: SampleLoanId, reason: &str) -> Result<Borrower, Error> {
    let reason = text::line(reason, 300).map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(&call.unrepeatable()).await?;
    let (row, store) = own_loan(&work, Action::KeepShowrooms, id).await?;
    let sealed = row.borrower.as_deref().ok_or_else(|| not_found("id", encode(id).as_str()))?;
    let plain = app.vault().unseal_text(&borrower_place(id), sealed)?;
    let borrower = serde_json::from_str(&plain).map_err(Error::internal)?;
    let shown = json!({ "reason": reason });
    work.audit(Some(store.organisation_id), "revealSampleBorrower", encode(id).0, Value::Null, shown);
    work.commit(()).await?;
    Ok(borrower)
}

/// Loans of showrooms that the viewer sees the inside of, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: Filter,
    today: NaiveDate,
    page: &PageArgs,
) -> Result<Page<loan::Model>, Error> {
    let overdue = Condition::all().add(loan::Column::State.is_in(LoanState::OUT)).add(loan::Column::DueOn.lt(today));
    let only = Condition::all()
        .add_option(inside(db, viewer).await?.map(|ids| loan::Column::ShowroomId.is_in(ids)))
        .add_option(filter.showroom.map(|id| loan::Column::ShowroomId.eq(id)))
        .add_option(filter.state.map(|state| loan::Column::State.eq(state)))
        .add_option(filter.overdue.map(|is| if is { overdue } else { overdue.not() }));
    page.by_id(db, loan::Entity::find().filter(only), loan::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a loan in that list.
pub fn cursor(row: &loan::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// A loan; none when there is none or it may not be seen.
pub async fn find(db: &impl ConnectionTrait, viewer: &Viewer, id: SampleLoanId) -> Result<Option<loan::Model>, Error> {
    let seen = inside(db, viewer).await?;
    let row = loan::Entity::find_by_id(id).one(db).await?;
    Ok(row.filter(|row| seen.is_none_or(|ids| ids.contains(&row.showroom_id))))
}

/// The lines of a loan, in their order.
pub async fn lines(db: &impl ConnectionTrait, id: SampleLoanId, page: &PageArgs) -> Result<Page<line::Model>, Error> {
    let list = line::Entity::find().filter(line::Column::LoanId.eq(id));
    page.by_id(db, list, line::Column::Id, NEWEST, Order::Asc).await
}

/// The cursor of a line in that list.
pub fn line_cursor(row: &line::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// What came back of a loan, or was lost, first first.
pub async fn returns(db: &impl ConnectionTrait, id: SampleLoanId, page: &PageArgs) -> Result<Page<back::Model>, Error> {
    let list = back::Entity::find().filter(back::Column::LoanId.eq(id));
    page.by_id(db, list, back::Column::Id, NEWEST, Order::Asc).await
}

/// The cursor of what came back in that list.
pub fn return_cursor(row: &back::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}
