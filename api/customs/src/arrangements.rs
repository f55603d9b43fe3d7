//! Who does what at customs for a seller: set by the seller, or by who keeps the zone.

use entities::{
    catalog::SupplyMode,
    customs::{
        arrangement,
        declaration::{self, DeclarationState},
    },
    party::{Action, OrganisationRole, Resource, Viewer, organisation, organisation_role},
    values::{
        ErrorCode, Refusal,
        id::{CustomsArrangementId, DeclarationId, OrganisationId},
        refusal::Check,
    },
};
use platform::{
    app::{App, Call, Work, allowed},
    db::wrote,
    error::{Error, stale},
    graphql::encode,
    jobs::Verdict,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, OnConflict},
};
use serde_json::json;

use super::{
    gathered::{arranged, party, platform},
    jobs::{Advance, LookAgain},
};

/// States in which nothing was declared, and something may come that lets it go on.
const UNDECLARED: [DeclarationState; 3] =
    [DeclarationState::Waiting, DeclarationState::Mismatched, DeclarationState::Rejected];
/// Most declarations that are looked at again at once.
const AT_ONCE: u64 = 200;

/// What is to be arranged.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described at the entity")]
pub struct Arranging {
    pub seller: OrganisationId,
    pub mode: SupplyMode,
    pub declarer: OrganisationId,
    pub carrier: OrganisationId,
    pub payer: OrganisationId,
    pub guarantor: OrganisationId,
    pub customs_code: String,
    pub port_code: String,
    pub traf_mode: String,
    pub order_by_party: bool,
    pub payment_by_party: bool,
    pub waybill_by_party: bool,
}

/// Sets who does what.
pub async fn arrange(
    app: &App,
    call: &Call,
    wanted: &Arranging,
    expected_version: Option<i32>,
) -> Result<arrangement::Model, Error> {
    use arrangement::Column as C;
    call.may(Action::ArrangeCustoms, Resource::of(wanted.seller))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    check(&work, wanted).await?;
    let before = arranged(work.tx(), wanted.seller, wanted.mode).await?;
    let as_before = before.as_ref().is_some_and(|row| row.guarantor_id == wanted.guarantor);
    if wanted.guarantor != wanted.seller && !as_before && !call.viewer.is_operator() {
        // Nobody binds the guarantee of another: the zone's operators do it, with that one's consent.
        return Err(Error::Forbidden);
    }
    if expected_version.is_some_and(|version| before.as_ref().is_none_or(|row| row.version != version)) {
        return Err(stale());
    }
    let row = arrangement::Model {
        id: before.as_ref().map_or_else(|| CustomsArrangementId::new(work.now), |row| row.id),
        seller_id: wanted.seller,
        mode: wanted.mode,
        declarer_id: wanted.declarer,
        carrier_id: wanted.carrier,
        payer_id: wanted.payer,
        guarantor_id: wanted.guarantor,
        customs_code: wanted.customs_code.clone(),
        port_code: wanted.port_code.clone(),
        traf_mode: wanted.traf_mode.clone(),
        order_by_party: wanted.order_by_party,
        payment_by_party: wanted.payment_by_party,
        waybill_by_party: wanted.waybill_by_party,
        version: before.as_ref().map_or(1, |row| row.version + 1),
        updated_at: work.now,
    };
    let replace = OnConflict::columns([C::SellerId, C::Mode])
        .update_columns([
            C::DeclarerId,
            C::CarrierId,
            C::PayerId,
            C::GuarantorId,
            C::CustomsCode,
            C::PortCode,
            C::TrafMode,
            C::OrderByParty,
            C::PaymentByParty,
            C::WaybillByParty,
            C::Version,
            C::UpdatedAt,
        ])
        .action_and_where(Expr::col((arrangement::Entity, C::Version)).eq(row.version - 1))
        .to_owned();
    let insert = arrangement::Entity::insert(row.clone().into_active_model()).on_conflict(replace).try_insert();
    if !wrote(insert.exec_without_returning(work.tx()).await)? {
        return Err(stale());
    }
    look_again(&mut work, wanted.seller).await?;
    work.audit(Some(wanted.seller), "arrangeCustoms", encode(row.id).0, json!(before), json!(row));
    work.commit(row).await
}

/// Whether everyone can do what is asked of it.
async fn check(work: &Work, wanted: &Arranging) -> Result<(), Error> {
    let mut check = Check::default();
    if !wanted.mode.is_retail_import() {
        let name = async_graphql::Value::from(wanted.mode).to_string();
        check.0.push(Refusal::new(ErrorCode::InvalidValue).with("value", name).at("mode"));
    }
    for (field, code, digits) in [("customsCode", &wanted.customs_code, 4), ("portCode", &wanted.port_code, 4)] {
        if code.len() != digits || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            check.0.push(Refusal::new(ErrorCode::InvalidValue).with("value", code.as_str()).at(field));
        }
    }
    if !matches!(wanted.traf_mode.as_bytes(), [mode] if mode.is_ascii_digit() || b"WXYZH".contains(mode)) {
        check.0.push(Refusal::new(ErrorCode::InvalidValue).with("value", wanted.traf_mode.as_str()).at("trafMode"));
    }
    let platform = platform(work.tx()).await?;
    // Only the platform, the e-commerce company or the carrier may withhold (fact 10 of section 0).
    if ![platform, Some(wanted.seller), Some(wanted.carrier)].contains(&Some(wanted.guarantor)) {
        let refusal = Refusal::new(ErrorCode::InvalidValue).with("value", encode(wanted.guarantor).0);
        check.0.push(refusal.at("guarantorId"));
    }
    for (field, id, role) in [
        ("declarerId", wanted.declarer, Some(OrganisationRole::CustomsBroker)),
        ("carrierId", wanted.carrier, Some(OrganisationRole::Logistics)),
        ("payerId", wanted.payer, Some(OrganisationRole::PaymentInstitution)),
        ("guarantorId", wanted.guarantor, None),
    ] {
        let Some(row) = organisation::Entity::find_by_id(id).one(work.tx()).await? else {
            check.0.push(Refusal::new(ErrorCode::NotFound).with("value", encode(id).0).at(field));
            continue;
        };
        if party(&row).is_none() {
            check.0.push(Refusal::new(ErrorCode::Incomplete).with("missing", "customsCode, uscc").at(field));
        }
        // A seller may declare for itself.
        let Some(role) = role.filter(|_| id != wanted.seller) else { continue };
        let plays = organisation_role::Entity::find_by_id((id, role)).one(work.tx()).await?;
        if plays.is_none() {
            let name = async_graphql::Value::from(role).to_string();
            let refusal = Refusal::new(ErrorCode::WrongRole).with("value", row.slug.as_str()).with("role", name);
            check.0.push(refusal.at(field));
        }
    }
    if check.0.is_empty() { Ok(()) } else { Err(check.0.into()) }
}

/// Declarations of a seller that wait are looked at once more, page by page ([`looks_again`]).
pub(super) async fn look_again(work: &mut Work, seller: OrganisationId) -> Result<(), Error> {
    work.enqueue(&LookAgain { seller, after: None }).await
}

/// Does [`LookAgain`].
pub async fn looks_again(app: &App, job: LookAgain) -> Result<Verdict, Error> {
    use declaration::Column as C;
    let mut work = app.begin(&Call::unasked("customs")).await?;
    let waiting: Vec<DeclarationId> = declaration::Entity::find()
        .select_only()
        .column(C::Id)
        .filter(C::SellerId.eq(job.seller))
        .filter(C::State.is_in(UNDECLARED))
        .filter(Condition::all().add_option(job.after.map(|after| C::Id.gt(after))))
        .order_by_asc(C::Id)
        .limit(AT_ONCE)
        .into_tuple()
        .all(work.tx())
        .await?;
    for declaration in &waiting {
        work.enqueue(&Advance { declaration: *declaration }).await?;
    }
    if u64::try_from(waiting.len()).is_ok_and(|n| n == AT_ONCE) {
        work.enqueue(&LookAgain { seller: job.seller, after: waiting.last().copied() }).await?;
    }
    work.commit(()).await?;
    Ok(Verdict::Done)
}

/// Everything that waits is looked at, now and then: what it waits for may have come where nobody tells of it, as a code of
/// an organisation or an item of an account book.
pub async fn tidy(app: &App) -> Result<(), Error> {
    let sellers: Vec<OrganisationId> = declaration::Entity::find()
        .select_only()
        .column(declaration::Column::SellerId)
        .distinct()
        .filter(declaration::Column::State.eq(DeclarationState::Waiting))
        .order_by_asc(declaration::Column::SellerId)
        .into_tuple()
        .all(app.db().read())
        .await?;
    let mut work = app.begin(&Call::unasked("customs")).await?;
    for seller in sellers {
        look_again(&mut work, seller).await?;
    }
    work.commit(()).await
}

/// Who does what for a seller in a mode; for who works for it.
pub async fn of(
    db: &impl ConnectionTrait,
    seller: OrganisationId,
    mode: SupplyMode,
) -> Result<Option<arrangement::Model>, Error> {
    arranged(db, seller, mode).await
}

/// Who does what for a seller, one for each mode.
pub async fn of_seller(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    seller: OrganisationId,
) -> Result<Vec<arrangement::Model>, Error> {
    allowed(viewer, Action::ReadDeclarations, Resource::of(seller))?;
    let rows = arrangement::Entity::find().filter(arrangement::Column::SellerId.eq(seller));
    Ok(rows.order_by_asc(arrangement::Column::Mode).all(db).await?)
}
