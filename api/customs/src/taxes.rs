//! Tax bills (电子税单): what customs asks for what it released, and the guarantee that answers for it until it is paid.
//!
//! A bill is known by its number, and stands as the latest of what was said of it does; so nothing depends on the order in
//! which bills and their states come. What a guarantee is bound by is made of entries that are made once.

use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    customs::{
        ceb::{Document, Record},
        codes, declaration,
        request::{self, CustomsRequestKind, CustomsRequestState},
        tax_bill::{
            self, TaxBillState, TaxLine, TaxLines, first_of_last,
            guarantee::{self, GuaranteeReason},
            payable_from,
        },
    },
    party::{Action, Resource, Viewer, organisation},
    values::{
        ErrorCode, Refusal,
        id::{DeclarationId, GuaranteeEntryId, OrganisationId, TaxBillId},
        refusal::line,
    },
};
use platform::{
    app::{App, Call, Work, allowed},
    clock::business_day,
    db::wrote,
    error::{Error, not_found},
    graphql::encode,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, PaginatorTrait, QueryFilter, Statement,
    sea_query::{Expr, OnConflict},
};
use serde_json::{Value, json};

use super::{advance::alarm, gathered::party, kept_text, locked, receiving::Noted, sale_of};

/// Most digits of an amount that is put in, in fen.
const MOST: i64 = 100_000_000_000_000;

/// Which declaration has this number of customs.
pub(super) async fn declared_as(tx: &impl ConnectionTrait, invt_no: &str) -> Result<Option<DeclarationId>, Error> {
    let found = declaration::Entity::find().filter(declaration::Column::InvtNo.eq(invt_no)).one(tx).await?;
    Ok(found.map(|row| row.id))
}

async fn declaration_of(tx: &impl ConnectionTrait, invt_no: &str) -> Result<Option<declaration::Model>, Error> {
    match declared_as(tx, invt_no).await? {
        Some(id) => Ok(Some(locked(tx, id).await?)),
        None => Ok(None),
    }
}

/// Customs let the goods of a declaration go, or did so earlier than was known: its bills are payable from then.
pub(super) async fn released(work: &Work, row: &declaration::Model) -> Result<(), Error> {
    let Some(released) = row.released_at else { return Ok(()) };
    tax_bill::Entity::update_many()
        .col_expr(tax_bill::Column::PayableFrom, Expr::val(payable_from(business_day(released))))
        .filter(tax_bill::Column::DeclarationId.eq(row.id))
        .exec(work.tx())
        .await?;
    Ok(())
}

/// Whether a bill is what was expected: it asks for what was withheld of the buyer, of who answers for it. A person looks
/// at what is not.
async fn as_expected(
    app: &App,
    work: &Work,
    row: &declaration::Model,
    bill: &tax_bill::Model,
    assure: Option<&str>,
) -> Result<(), Error> {
    let bills = tax_bill::Entity::find()
        .filter(tax_bill::Column::DeclarationId.eq(row.id))
        .filter(tax_bill::Column::State.ne(TaxBillState::Void))
        .all(work.tx())
        .await?;
    let asked: i64 = bills.iter().map(tax_bill::Model::total_minor).sum();
    let withheld = sale_of(app.vault(), row)?.tax_minor;
    // Of what came back no tax is levied: what is left of it customs rounds in its own way, in a bill instead of the one
    // before, which may be void only later.
    let came_back = request::Entity::find()
        .filter(request::Column::DeclarationId.eq(row.id))
        .filter(request::Column::Kind.eq(CustomsRequestKind::Return))
        .filter(request::Column::State.is_in([CustomsRequestState::Inspected, CustomsRequestState::Approved]))
        .count(work.tx())
        .await?;
    let odd = if came_back == 0 { asked != withheld } else { bill.total_minor() > withheld };
    if odd {
        let (asked, withheld) = (codes::yuan(asked), codes::yuan(withheld));
        alarm(work, row.id, &format!("customs asks for taxes of {asked}, and {withheld} were withheld")).await?;
    }
    let agent = match row.guarantor_id {
        Some(id) => organisation::Entity::find_by_id(id).one(work.tx()).await?.as_ref().and_then(party),
        None => None,
    };
    if agent.zip(assure).is_some_and(|(agent, said)| agent.code != said) {
        alarm(work, row.id, "a tax bill names another withholding agent").await?;
    }
    Ok(())
}

/// A bill came (CEB816).
pub(super) async fn billed(app: &App, work: &mut Work, document: &Document) -> Result<Noted, Error> {
    let head = &document.head;
    let said = |name: &str| head.get(name).unwrap_or_default().trim().to_owned();
    let fen = |record: &Record, name: &str| record.get(name).and_then(codes::fen).filter(|fen| *fen >= 0);
    let (tax_no, invt_no, time) = (said("taxNo"), said("invtNo"), said("returnTime"));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if tax_no.is_empty()
        || tax_no.len() > 50
        || !plain(&tax_no)
        || invt_no.len() > 18
        || !plain(&invt_no)
        || codes::read_moment(&time).is_none()
    {
        return Ok(Noted::Refused("taxNo, invtNo or returnTime is none".into()));
    }
    let Some(state) = TaxBillState::of(&said("status")) else {
        return Ok(Noted::Unknown(format!("a tax bill has the status {}", said("status"))));
    };
    let (duty, vat, consumption) = (fen(head, "customsTax"), fen(head, "valueAddedTax"), fen(head, "consumptionTax"));
    let (Some(duty_minor), Some(vat_minor), Some(consumption_minor)) = (duty, vat, consumption) else {
        return Ok(Noted::Refused("a tax of the bill is no amount in fen".into()));
    };
    let Some(row) = declaration_of(work.tx(), &invt_no).await? else { return Ok(Noted::Unmatched(invt_no)) };
    let lines = document.lines.iter().map(|line| TaxLine {
        gnum: line.get("gnum").and_then(|n| n.parse().ok()).unwrap_or_default(),
        gcode: kept_text(line.get("gcode").unwrap_or_default(), 10),
        price_minor: fen(line, "taxPrice").unwrap_or_default(),
        duty_minor: fen(line, "customsTax").unwrap_or_default(),
        vat_minor: fen(line, "valueAddedTax").unwrap_or_default(),
        consumption_minor: fen(line, "consumptionTax").unwrap_or_default(),
    });
    let lines: Vec<TaxLine> = lines.collect();
    let sum: i64 = lines.iter().map(|line| line.duty_minor + line.vat_minor + line.consumption_minor).sum();
    let released = row.released_at.or_else(|| codes::read_moment(&time)).unwrap_or(work.now);
    let bill = tax_bill::Model {
        id: TaxBillId::new(work.now),
        tax_no,
        invt_no,
        declaration_id: row.id,
        guarantor_id: row.guarantor_id,
        duty_minor,
        vat_minor,
        consumption_minor,
        state: TaxBillState::Made,
        stated_time: time.clone(),
        payment_no: None,
        payable_from: payable_from(business_day(released)),
        paid_at: None,
        lines: TaxLines(lines),
        version: 1,
        created_at: work.now,
        billed_at: codes::read_moment(&time),
    };
    let total = bill.total_minor();
    if !bill.lines.0.is_empty() && sum != total {
        alarm(work, row.id, &format!("tax bill {} is not the sum of its lines", bill.tax_no)).await?;
    }
    let once = OnConflict::column(tax_bill::Column::TaxNo).do_nothing().to_owned();
    let insert = tax_bill::Entity::insert(bill.clone().into_active_model()).on_conflict(once).try_insert();
    let new = wrote(insert.exec_without_returning(work.tx()).await)?;
    if new {
        bind(work, &bill).await?;
    }
    let stood = stand(work, &bill.tax_no, state, &time, head.get("entDutyNo")).await?;
    if new && state != TaxBillState::Void {
        as_expected(app, work, &row, &bill, head.get("assureCode")).await?;
    }
    Ok(if new || stood { Noted::New } else { Noted::Before })
}

/// How a bill stands was said (CEB818).
pub(super) async fn stated(work: &mut Work, head: &Record) -> Result<Noted, Error> {
    let said = |name: &str| head.get(name).unwrap_or_default().trim().to_owned();
    let (tax_no, invt_no, time) = (said("taxNo"), said("invtNo"), said("returnTime"));
    let Some(state) = TaxBillState::of(&said("status")) else {
        return Ok(Noted::Unknown(format!("a tax bill has the status {}", said("status"))));
    };
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if codes::read_moment(&time).is_none() || invt_no.len() > 18 || !plain(&invt_no) || !plain(&tax_no) {
        return Ok(Noted::Refused("returnTime is no moment".into()));
    }
    if declaration_of(work.tx(), &invt_no).await?.is_none() || find(work.tx(), &tax_no).await?.is_none() {
        return Ok(Noted::Unmatched(invt_no));
    }
    let stood = stand(work, &tax_no, state, &time, head.get("entDutyNo")).await?;
    Ok(if stood { Noted::New } else { Noted::Before })
}

async fn find(tx: &impl ConnectionTrait, tax_no: &str) -> Result<Option<tax_bill::Model>, Error> {
    Ok(tax_bill::Entity::find().filter(tax_bill::Column::TaxNo.eq(tax_no)).one(tx).await?)
}

/// A bill stands as was said, unless something later was; answers whether that is new. Its declaration is locked.
async fn stand(
    work: &Work,
    tax_no: &str,
    state: TaxBillState,
    time: &str,
    payment_no: Option<&str>,
) -> Result<bool, Error> {
    use tax_bill::Column as C;
    let Some(bill) = find(work.tx(), tax_no).await? else { return Ok(false) };
    // What is void stays so.
    let void = bill.state == TaxBillState::Void;
    let later = !void && (time, state.rank()) > (bill.stated_time.as_str(), bill.state.rank());
    let said = payment_no.map(|number| kept_text(number, 60)).filter(|_| later || bill.payment_no.is_none());
    let number = said.or(bill.payment_no.clone());
    if !later && number == bill.payment_no {
        return Ok(false);
    }
    let (state, time) = if later { (state, time.to_owned()) } else { (bill.state, bill.stated_time.clone()) };
    tax_bill::Entity::update_many()
        .col_expr(C::State, Expr::val(state))
        .col_expr(C::StatedTime, Expr::val(time))
        .col_expr(C::PaymentNo, Expr::val(number))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .filter(C::Id.eq(bill.id))
        .exec(work.tx())
        .await?;
    if state == TaxBillState::Void && later {
        match bill.paid_at {
            None => free(work, &bill, GuaranteeReason::Voided).await?,
            Some(_) => alarm(work, bill.declaration_id, "customs voids a tax bill that was paid").await?,
        }
    }
    Ok(true)
}

async fn entry(
    work: &Work,
    whose: OrganisationId,
    reason: GuaranteeReason,
    (deposit_minor, bound_minor): (i64, i64),
    document: &str,
    key: String,
) -> Result<bool, Error> {
    let row = guarantee::Model {
        id: GuaranteeEntryId::new(work.now),
        guarantor_id: whose,
        reason,
        deposit_minor,
        bound_minor,
        document: document.to_owned(),
        entry_key: key,
        at: work.now,
    };
    let once = OnConflict::column(guarantee::Column::EntryKey).do_nothing().to_owned();
    let insert = guarantee::Entity::insert(row.into_active_model()).on_conflict(once).try_insert();
    Ok(wrote(insert.exec_without_returning(work.tx()).await)?)
}

/// A bill binds so much of the guarantee of who answers for it.
async fn bind(work: &Work, bill: &tax_bill::Model) -> Result<(), Error> {
    let Some(whose) = bill.guarantor_id else { return Ok(()) };
    let total = bill.total_minor();
    entry(work, whose, GuaranteeReason::Bound, (0, total), &bill.tax_no, format!("bound:{}", bill.tax_no)).await?;
    if free_minor(work.tx(), whose).await? < 0 {
        alarm(work, bill.declaration_id, "the guarantee of the withholding agent does not cover its taxes").await?;
    }
    Ok(())
}

/// What a bill bound is free again: it was paid, or is void.
async fn free(work: &Work, bill: &tax_bill::Model, why: GuaranteeReason) -> Result<(), Error> {
    let Some(whose) = bill.guarantor_id else { return Ok(()) };
    entry(work, whose, why, (0, -bill.total_minor()), &bill.tax_no, format!("free:{}", bill.tax_no)).await?;
    Ok(())
}

/// How an agent's guarantee stands, in fen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What was put in.
    pub deposit_minor: i64,
    /// What is bound by bills that are neither paid nor void.
    pub bound_minor: i64,
    /// Of that, what is to be paid by now: nothing of what goods are on their way back of, or what was billed before they
    /// came back (税款在放行后第31至45日缴纳，期间退货或撤单的不征税).
    pub payable_minor: i64,
    /// Of that, what should have been paid.
    pub overdue_minor: i64,
}

/// What was put into a guarantee, and what is bound of it.
async fn sums(db: &impl ConnectionTrait, whose: OrganisationId) -> Result<(i64, i64), Error> {
    let text = "SELECT CAST(COALESCE(SUM(deposit_minor), 0) AS BIGINT) AS deposit, \
                CAST(COALESCE(SUM(bound_minor), 0) AS BIGINT) AS bound FROM guarantee_entry WHERE guarantor_id = $1";
    let statement = Statement::from_sql_and_values(db.get_database_backend(), text, [whose.0.into()]);
    let row = db.query_one_raw(statement).await?.ok_or_else(|| Error::internal("no sum"))?;
    Ok((row.try_get("", "deposit")?, row.try_get("", "bound")?))
}

async fn free_minor(db: &impl ConnectionTrait, whose: OrganisationId) -> Result<i64, Error> {
    let (deposit_minor, bound_minor) = sums(db, whose).await?;
    Ok(deposit_minor - bound_minor)
}

/// How an agent's guarantee stands on a day.
pub async fn standing(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    whose: OrganisationId,
    today: NaiveDate,
) -> Result<Standing, Error> {
    allowed(viewer, Action::ReadGuarantees, Resource::of(whose))?;
    let (deposit_minor, bound_minor) = sums(db, whose).await?;
    let text = "SELECT CAST(COALESCE(SUM(duty_minor + vat_minor + consumption_minor), 0) AS BIGINT) AS payable, \
                CAST(COALESCE(SUM(CASE WHEN payable_from < $3 THEN duty_minor + vat_minor + consumption_minor ELSE 0 END), \
                0) AS BIGINT) AS overdue FROM tax_bill b WHERE guarantor_id = $1 AND payable_from <= $2 AND paid_at IS NULL \
                AND state <> 'void' AND NOT EXISTS (SELECT 1 FROM customs_request r WHERE r.declaration_id = b.declaration_id \
                AND r.kind = 'return' AND (r.state IN ('asked', 'inspected') \
                OR r.state = 'approved' AND EXISTS (SELECT 1 FROM customs_paper p WHERE p.id = r.paper_id \
                AND p.stated_at >= COALESCE(b.billed_at, b.created_at))))";
    // Whose first day was before that one, is past its last.
    let values = [whose.0.into(), today.into(), first_of_last(today).into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), text, values);
    let due = db.query_one_raw(statement).await?.ok_or_else(|| Error::internal("no sum"))?;
    Ok(Standing {
        deposit_minor,
        bound_minor,
        payable_minor: due.try_get("", "payable")?,
        overdue_minor: due.try_get("", "overdue")?,
    })
}

/// Puts something into a guarantee, or takes something out that is not bound; known by its number at the bank.
pub async fn deposit(
    app: &App,
    call: &Call,
    whose: OrganisationId,
    amount_minor: i64,
    number: &str,
) -> Result<Standing, Error> {
    call.may(Action::KeepGuarantees, Resource::OWN)?;
    let number = line(number, 64).map_err(|refusal| refusal.at("reference"))?;
    if amount_minor == 0 || amount_minor.abs() > MOST {
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", codes::yuan(amount_minor)).at("amount").into());
    }
    let mut work = app.begin(call).await?;
    if work.answered::<()>()?.is_none() {
        // Of two that take out, one waits for the other.
        super::lists::lock_organisation(work.tx(), whose).await?;
        let reason = if amount_minor > 0 { GuaranteeReason::Deposit } else { GuaranteeReason::Withdrawal };
        let key = format!("deposit:{whose}:{number}");
        if !entry(&work, whose, reason, (amount_minor, 0), &number, key).await? {
            return Err(Refusal::new(ErrorCode::AlreadyTaken).with("value", number).at("reference").into());
        }
        let left = free_minor(work.tx(), whose).await?;
        if amount_minor < 0 && left < 0 {
            let available = codes::yuan(left - amount_minor);
            return Err(Refusal::new(ErrorCode::GuaranteeShort).with("available", available).at("amount").into());
        }
        let shown = json!({ "amount": codes::yuan(amount_minor), "reference": number });
        work.audit(Some(whose), "depositGuarantee", encode(whose).0, Value::Null, shown);
        work.commit(()).await?;
    }
    standing(app.db().writer(), &call.viewer, whose, business_day(app.clock().now())).await
}

/// Notes that a bill was paid: what it bound is free again.
pub async fn paid(app: &App, call: &Call, id: TaxBillId, number: &str) -> Result<tax_bill::Model, Error> {
    use tax_bill::Column as C;
    call.may(Action::KeepGuarantees, Resource::OWN)?;
    let number = line(number, 60).map_err(|refusal| refusal.at("paymentNumber"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let bill = tax_bill::Entity::find_by_id(id).one(work.tx()).await?;
    let bill = bill.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    locked(work.tx(), bill.declaration_id).await?;
    let done = tax_bill::Entity::update_many()
        .col_expr(C::PaidAt, Expr::val(Some(work.now)))
        .col_expr(C::PaymentNo, Expr::val(Some(number.clone())))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .filter(C::Id.eq(id))
        .filter(C::PaidAt.is_null())
        .filter(C::State.ne(TaxBillState::Void))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        let from = if bill.paid_at.is_some() { "PAID" } else { "VOID" };
        let refusal = Refusal::new(ErrorCode::IllegalTransition).with("from", from).with("action", "PAY");
        return Err(refusal.at("id").into());
    }
    free(&work, &bill, GuaranteeReason::Paid).await?;
    let after: Option<DateTime<Utc>> = Some(work.now);
    let after = tax_bill::Model { paid_at: after, payment_no: Some(number), version: bill.version + 1, ..bill };
    let shown = json!({ "taxNo": after.tax_no, "paymentNumber": after.payment_no });
    work.audit(after.guarantor_id, "payTaxBill", encode(id).0, Value::Null, shown);
    work.commit(after).await
}
