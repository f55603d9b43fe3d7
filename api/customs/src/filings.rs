//! Goods filings (商品备案): written and handed in by the seller, decided by who keeps the zone, out of force when what they
//! say cannot be declared any more, or is not what the goods are described as.
//!
//! Handed in is only what can be declared: the code has a tariff row today, the goods are on the positive list for the
//! mode, their legal units are those of the tariff row, where it says them, the country has a number of customs.

use std::collections::HashMap;

use chrono::NaiveDate;
use entities::{
    catalog::{SupplyMode, product, variant},
    customs::{
        codes,
        goods_filing::{self, GoodsFilingState, GoodsFilingStep},
    },
    party::{Action, Resource, Viewer},
    trade::{
        TariffRow,
        import_list::{self as listed, allows},
        tariff::row_on,
    },
    values::{
        CountryCode, CustomsUnit, ErrorCode, HsCode, Locale, Refusal,
        id::{GoodsFilingId, OrganisationId, VariantId},
        refusal::{Check, line},
    },
};
use platform::{
    app::{App, Call, Work},
    clock::business_day,
    db::wrote,
    error::{Error, not_found, stale},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, Order, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, OnConflict},
};
use serde_json::{Value, json};
use trade::{import_list, tariffs};

use super::arrangements::look_again;

/// Name of the order of filings, for cursors.
const NEWEST: &str = "newest-goods-filing";
/// Filings that are looked at together.
const AT_ONCE: u64 = 500;
/// Longest reason.
const LONGEST_REASON: usize = 300;

/// What is to be filed.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "described at the entity")]
pub struct Filing {
    pub seller: OrganisationId,
    pub variant: VariantId,
    pub mode: SupplyMode,
    pub item_no: String,
    pub name: String,
    pub gmodel: String,
    pub unit: CustomsUnit,
    /// None: by the weight or volume of the variant, when the legal unit is one of these.
    pub quantity1_e5: Option<i64>,
    pub quantity2_e5: Option<i64>,
    pub price_minor: i64,
}

/// Writes a filing, or writes it anew, and hands it in.
pub async fn file(app: &App, call: &Call, wanted: &Filing) -> Result<goods_filing::Model, Error> {
    call.may(Action::FileGoods, Resource::of(wanted.seller))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let of = variant::Entity::find_by_id(wanted.variant).one(work.tx()).await?;
    let unknown = || not_found("variantId", encode(wanted.variant).as_str());
    let of = of.ok_or_else(unknown)?;
    let seen = product::Entity::visible_to(&call.viewer).filter(product::Column::Id.eq(of.product_id));
    if seen.one(work.tx()).await?.is_none() {
        return Err(unknown());
    }
    let mut check = Check::default();
    let item_no = check.take("itemNo", line(&wanted.item_no, 20));
    let name = check.take("name", line(&wanted.name, 250));
    let gmodel = check.take("gmodel", line(&wanted.gmodel, 510));
    let quantity1 = wanted.quantity1_e5.or_else(|| by_nature(&of, &of.unit1)).filter(|e5| *e5 > 0);
    if quantity1.is_none() {
        check.0.push(Refusal::new(ErrorCode::Required).at("quantity1"));
    }
    let quantity2 = match &of.unit2 {
        Some(unit) => wanted.quantity2_e5.or_else(|| by_nature(&of, unit)).filter(|e5| *e5 > 0),
        None => None,
    };
    if of.unit2.is_some() && quantity2.is_none() {
        check.0.push(Refusal::new(ErrorCode::Required).at("quantity2"));
    }
    if wanted.price_minor <= 0 {
        let refusal = Refusal::new(ErrorCode::InvalidAmount).with("value", codes::yuan(wanted.price_minor));
        check.0.push(refusal.with("currency", "CNY").at("price"));
    }
    let rules = Rules::of(work.tx(), std::slice::from_ref(&of.hs_code), business_day(work.now)).await?;
    check.0.extend(rules.faults(Declared::now(&of, wanted.mode)));
    let (Some(item_no), Some(name), Some(gmodel), Some(quantity1_e5)) = (item_no, name, gmodel, quantity1) else {
        return Err(check.0.into());
    };
    if !check.0.is_empty() {
        return Err(check.0.into());
    }
    let before = of_goods(work.tx(), wanted.seller, wanted.variant, wanted.mode).await?;
    if let Some(before) = &before
        && !GoodsFilingStep::Write.leads().0.contains(&before.state)
    {
        return Err(GoodsFilingStep::Write.refused(before.state).at("variantId").into());
    }
    let row = goods_filing::Model {
        id: before.as_ref().map_or_else(|| GoodsFilingId::new(work.now), |row| row.id),
        seller_id: wanted.seller,
        variant_id: wanted.variant,
        mode: wanted.mode,
        item_no,
        hs_code: of.hs_code,
        name,
        gmodel,
        origin: of.origin,
        unit: wanted.unit.clone(),
        unit1: of.unit1,
        quantity1_e5,
        unit2: of.unit2,
        quantity2_e5: quantity2,
        price_minor: wanted.price_minor,
        state: GoodsFilingStep::Write.leads().1,
        reason: None,
        version: before.as_ref().map_or(1, |row| row.version + 1),
        created_at: before.as_ref().map_or(work.now, |row| row.created_at),
        updated_at: work.now,
    };
    if !put(&work, row.clone()).await? {
        return Err(stale());
    }
    work.audit(Some(wanted.seller), "fileGoods", encode(row.id).0, json!(before), json!(row));
    work.commit(row).await
}

/// How much of a legal unit one piece is by its weight or volume: kilograms, grams, litres, millilitres; else it must be
/// said.
fn by_nature(of: &variant::Model, unit: &CustomsUnit) -> Option<i64> {
    match unit.as_str() {
        "035" => Some(i64::from(of.net_weight_g) * 100),
        "036" => Some(i64::from(of.net_weight_g) * 100_000),
        "095" => of.net_volume_ml.map(|ml| i64::from(ml) * 100),
        "096" => of.net_volume_ml.map(|ml| i64::from(ml) * 100_000),
        // One is one.
        "011" | "012" | "007" | "008" | "142" | "140" => Some(i64::from(of.piece_count.unwrap_or(1)) * 100_000),
        _ => of.piece_count.map(|count| i64::from(count) * 100_000),
    }
}

/// What of goods is declared, and how.
#[derive(Clone, Copy)]
struct Declared<'a> {
    hs: &'a HsCode,
    origin: &'a CountryCode,
    unit1: &'a CustomsUnit,
    unit2: Option<&'a CustomsUnit>,
    mode: SupplyMode,
}

impl<'a> Declared<'a> {
    fn of(row: &'a goods_filing::Model) -> Self {
        let (unit1, unit2) = (&row.unit1, row.unit2.as_ref());
        Self { hs: &row.hs_code, origin: &row.origin, unit1, unit2, mode: row.mode }
    }

    /// The same as the goods are described now.
    fn now(variant: &'a variant::Model, mode: SupplyMode) -> Self {
        let (unit1, unit2) = (&variant.unit1, variant.unit2.as_ref());
        Self { hs: &variant.hs_code, origin: &variant.origin, unit1, unit2, mode }
    }

    fn units(&self) -> String {
        let units: Vec<&str> = [Some(self.unit1), self.unit2].into_iter().flatten().map(CustomsUnit::as_str).collect();
        units.join("/")
    }

    /// Whether it is still what is filed.
    fn is(&self, filed: &Self) -> bool {
        (self.hs, self.origin, self.unit1, self.unit2) == (filed.hs, filed.origin, filed.unit1, filed.unit2)
    }
}

/// What declaring is held against on a day: tariff and positive list.
struct Rules {
    day: NaiveDate,
    tariffs: Vec<TariffRow>,
    list: Vec<listed::Model>,
}

impl Rules {
    /// Those of some codes, in two statements.
    async fn of(db: &impl ConnectionTrait, codes: &[HsCode], day: NaiveDate) -> Result<Self, Error> {
        let tariffs = tariffs::rows_for(db, codes, day).await?;
        let list = import_list::lines_for(db, codes, day).await?;
        Ok(Self { day, tariffs, list })
    }

    /// What keeps goods from being declared.
    fn faults(&self, goods: Declared<'_>) -> Vec<Refusal> {
        let mut wrong = Vec::new();
        match row_on(&self.tariffs, goods.hs, self.day) {
            Err(refusal) => wrong.push(refusal.at("variantId")),
            Ok(row) if !row.units_are(goods.unit1, goods.unit2) => {
                let refusal = Refusal::new(ErrorCode::UnitsDiffer).with("hs", goods.hs.as_str());
                wrong.push(refusal.with("units", row.units()).with("said", goods.units()).at("variantId"));
            }
            Ok(_) => {}
        }
        if goods.mode.is_retail_import() {
            let listed = allows(&self.list, goods.hs, goods.mode, self.day);
            wrong.extend(listed.err().map(|refusal| refusal.at("variantId")));
        } else {
            let name = async_graphql::Value::from(goods.mode).to_string();
            wrong.push(Refusal::new(ErrorCode::InvalidValue).with("value", name).at("mode"));
        }
        if codes::country(goods.origin).is_none() {
            wrong.push(Refusal::new(ErrorCode::InvalidCountry).with("value", goods.origin.as_str()).at("variantId"));
        }
        wrong
    }

    /// What keeps what is filed from being declared: that the goods are described otherwise now, too.
    fn against(&self, row: &goods_filing::Model, now: Option<&variant::Model>) -> Vec<Refusal> {
        let filed = Declared::of(row);
        let mut wrong = self.faults(filed);
        if let Some(now) = now.map(|variant| Declared::now(variant, row.mode)).filter(|now| !now.is(&filed)) {
            let said = format!("HS {} {} {}", now.hs.as_str(), now.origin.as_str(), now.units());
            wrong.push(Refusal::new(ErrorCode::FilingOutdated).with("now", said).at("variantId"));
        }
        wrong
    }
}

async fn of_goods(
    db: &impl ConnectionTrait,
    seller: OrganisationId,
    variant: VariantId,
    mode: SupplyMode,
) -> Result<Option<goods_filing::Model>, Error> {
    use goods_filing::Column as C;
    let row = goods_filing::Entity::find()
        .filter(C::SellerId.eq(seller))
        .filter(C::VariantId.eq(variant))
        .filter(C::Mode.eq(mode));
    Ok(row.one(db).await?)
}

/// Writes a filing; answers whether it did: not when somebody else wrote it meanwhile.
async fn put(work: &Work, row: goods_filing::Model) -> Result<bool, Error> {
    use goods_filing::Column as C;
    let unchanged = Expr::col((goods_filing::Entity, C::Version)).eq(row.version - 1);
    let replace = OnConflict::columns([C::SellerId, C::VariantId, C::Mode])
        .update_columns([
            C::ItemNo,
            C::HsCode,
            C::Name,
            C::Gmodel,
            C::Origin,
            C::Unit,
            C::Unit1,
            C::Quantity1E5,
            C::Unit2,
            C::Quantity2E5,
            C::PriceMinor,
            C::State,
            C::Reason,
            C::Version,
            C::UpdatedAt,
        ])
        .action_and_where(unchanged)
        .to_owned();
    let insert = goods_filing::Entity::insert(row.into_active_model()).on_conflict(replace).try_insert();
    Ok(wrote(insert.exec_without_returning(work.tx()).await)?)
}

/// Approves a filing, gives it back, suspends or resumes it.
pub async fn decide(
    app: &App,
    call: &Call,
    id: GoodsFilingId,
    step: GoodsFilingStep,
    reason: Option<&str>,
    expected_version: Option<i32>,
) -> Result<goods_filing::Model, Error> {
    call.may(Action::DecideGoodsFilings, Resource::OWN)?;
    let decisions =
        [GoodsFilingStep::Approve, GoodsFilingStep::Return, GoodsFilingStep::Suspend, GoodsFilingStep::Resume];
    if !decisions.contains(&step) {
        let name = async_graphql::Value::from(step).to_string();
        return Err(Refusal::new(ErrorCode::InvalidValue).with("value", name).at("decision").into());
    }
    let reason =
        reason.map(|reason| line(reason, LONGEST_REASON)).transpose().map_err(|refusal| refusal.at("reason"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = goods_filing::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    if expected_version.is_some_and(|version| version != row.version) {
        return Err(stale());
    }
    if matches!(step, GoodsFilingStep::Approve | GoodsFilingStep::Resume) {
        let rules = Rules::of(work.tx(), std::slice::from_ref(&row.hs_code), business_day(work.now)).await?;
        let goods = variant::Entity::find_by_id(row.variant_id).one(work.tx()).await?;
        let wrong = rules.against(&row, goods.as_ref());
        if !wrong.is_empty() {
            return Err(wrong.into());
        }
    }
    let after = stepped(&work, &row, step, reason).await?;
    if after.state == GoodsFilingState::Approved {
        look_again(&mut work, row.seller_id).await?;
    }
    let shown = |row: &goods_filing::Model| json!({ "state": row.state, "reason": row.reason });
    work.audit(Some(row.seller_id), "decideGoodsFiling", encode(id).0, shown(&row), shown(&after));
    work.commit(after).await
}

async fn stepped(
    work: &Work,
    row: &goods_filing::Model,
    step: GoodsFilingStep,
    reason: Option<String>,
) -> Result<goods_filing::Model, Error> {
    use goods_filing::Column as C;
    let (from, to) = step.leads();
    let done = goods_filing::Entity::update_many()
        .col_expr(C::State, Expr::val(to))
        .col_expr(C::Reason, Expr::val(reason.clone()))
        .col_expr(C::Version, Expr::col(C::Version).add(1))
        .col_expr(C::UpdatedAt, Expr::val(work.now))
        .filter(C::Id.eq(row.id))
        .filter(C::Version.eq(row.version))
        .filter(C::State.is_in(from.iter().copied()))
        .exec(work.tx())
        .await?;
    if done.rows_affected != 1 {
        // It was where the step leads from when it was read: somebody else was first.
        return Err(if from.contains(&row.state) { stale() } else { step.refused(row.state).at("id").into() });
    }
    Ok(goods_filing::Model { state: to, reason, version: row.version + 1, updated_at: work.now, ..row.clone() })
}

/// Puts filings out of force that cannot be declared any more: the tariff has not their code or counts it in other units, the
/// positive list has not their line, the goods are described otherwise. They are filed anew. Every time that the house is
/// tidied; answers how many.
pub async fn expire(app: &App) -> Result<u64, Error> {
    use goods_filing::Column as C;
    let today = business_day(app.clock().now());
    let (mut lapsed, mut last) = (0, None);
    loop {
        let page = goods_filing::Entity::find()
            .filter(C::State.is_in(GoodsFilingStep::Expire.leads().0.iter().copied()))
            .filter(Condition::all().add_option(last.map(|id: GoodsFilingId| C::Id.gt(id))))
            .order_by_asc(C::Id)
            .limit(AT_ONCE)
            .all(app.db().read())
            .await?;
        let Some(end) = page.last() else { return Ok(lapsed) };
        last = Some(end.id);
        let codes: Vec<HsCode> = page.iter().map(|row| row.hs_code.clone()).collect();
        let rules = Rules::of(app.db().read(), &codes, today).await?;
        let variants: HashMap<VariantId, variant::Model> = variant::Entity::find()
            .filter(variant::Column::Id.is_in(page.iter().map(|row| row.variant_id)))
            .all(app.db().read())
            .await?
            .into_iter()
            .map(|variant| (variant.id, variant))
            .collect();
        for row in &page {
            if let Some(why) = rules.against(row, variants.get(&row.variant_id)).first() {
                lapsed += u64::from(lapse(app, row, why).await?);
            }
        }
    }
}

/// Puts one filing out of force; answers whether it did: not when somebody changed it meanwhile.
async fn lapse(app: &App, row: &goods_filing::Model, why: &Refusal) -> Result<bool, Error> {
    let mut work = app.begin(&Call::unasked("customs")).await?;
    let why: String = why.message(&Locale::zh_cn()).chars().take(LONGEST_REASON).collect();
    if stepped(&work, row, GoodsFilingStep::Expire, Some(why.clone())).await.is_err() {
        return Ok(false);
    }
    work.audit(Some(row.seller_id), "expireGoodsFiling", encode(row.id).0, Value::Null, json!({ "why": why }));
    work.commit(()).await?;
    Ok(true)
}

/// Which filings.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only in one of these states.
    pub states: Vec<GoodsFilingState>,
    /// Only of this variant.
    pub variant: Option<VariantId>,
}

/// Filings that the viewer may see, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &Filter,
    page: &PageArgs,
) -> Result<Page<goods_filing::Model>, Error> {
    use goods_filing::Column as C;
    let only = Condition::all()
        .add_option((!filter.states.is_empty()).then(|| C::State.is_in(filter.states.iter().copied())))
        .add_option(filter.variant.map(|variant| C::VariantId.eq(variant)));
    page.by_id(db, goods_filing::Entity::visible_to(viewer).filter(only), C::Id, NEWEST, Order::Desc).await
}

/// The cursor of a filing in that list.
pub fn cursor(row: &goods_filing::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}
