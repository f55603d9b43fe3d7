//! Many rows at once: the bulk mutation, catalog files, the demo zone and the seed all come through here.
//!
//! A batch is one transaction and a constant number of statements. Each row is decided against the state
//! that the rows before it left ([`Bench`]); only what was accepted is written, so a bad row costs itself
//! and nothing else. What a row means:
//!
//! - its offer is the one of the seller with this article number, or a new one;
//! - its product is that offer's, else the one whose variant has the barcode, else the one with the
//!   slug, else a new one that belongs to the seller;
//! - it describes the product only when the seller owns it: another seller's row hangs an offer on what
//!   is there. On a public product a seller's description becomes a proposal, an operator's applies.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use entities::{
    catalog::{
        OfferStatus, ProductStatus, brand, category, offer, product,
        product_history::{Differences, HistoryAction},
        row::Row,
        sheet::{CategoryRules, Edit, Patch, Sheet},
        terms::Terms,
        variant,
    },
    party::{OrganisationRole, Viewer, organisation, organisation_role},
    values::{
        ErrorCode, Gtin, Refusal, Refusals, Slug,
        id::{BrandId, CategoryId, OfferId, OrganisationId, ProductId, VariantId},
    },
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect,
};

use super::{changes, products, taken};
use crate::{
    app::App,
    catalog::{
        policy::{self, EditMode},
        store::{self, Stored},
    },
    platform::error::Error,
};

/// Most rows of one batch.
pub const MAX_ROWS: usize = 500;

/// What to do with a batch in which a row is refused (出错处理).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
pub enum ErrorPolicy {
    /// Write nothing (整批拒绝).
    RejectAll,
    /// Write the others (跳过错误行).
    SkipFailed,
}

/// What became of a row (处理结果).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
pub enum Outcome {
    /// A new offer, and its product or variant when they were new (新建).
    Created,
    /// Something changed (更新).
    Updated,
    /// Everything was so already (无变化).
    Unchanged,
    /// The description waits for the operator; the offer is written (待审核).
    Proposed,
    /// Refused; nothing of it was written (失败).
    Failed,
}

/// The answer to one row.
#[derive(Clone, Debug)]
pub struct RowResult {
    /// What became of it.
    pub outcome: Outcome,
    /// Its product, unless it failed.
    pub product: Option<ProductId>,
    /// Its offer, unless it failed.
    pub offer: Option<OfferId>,
    /// Why it failed.
    pub refusals: Refusals,
}

/// How a batch is meant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The seller of rows that name none.
    pub seller: Option<OrganisationId>,
    /// Publish new products at once; for operators.
    pub publish: bool,
}

/// What earlier batches of the same file said: an article number stands in a file once, and rows of one
/// product agree about it. Otherwise importing the file again would not change nothing.
#[derive(Debug, Default)]
pub struct Seen {
    offers: HashSet<(OrganisationId, String)>,
    described: HashSet<ProductId>,
}

/// The rows, unless there are too many for one batch.
pub fn bounded<T>(rows: Vec<T>) -> Result<Vec<T>, Error> {
    if rows.len() <= MAX_ROWS {
        return Ok(rows);
    }
    Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_ROWS.to_string()).at("rows").into())
}

/// Upserts a batch in one transaction.
pub async fn upsert_rows(
    app: &App,
    viewer: &Viewer,
    rows: &[Result<Row, Refusals>],
    options: Options,
    policy: ErrorPolicy,
) -> Result<Vec<RowResult>, Error> {
    let tx = app.db().begin().await?;
    let mut results = upsert_in(&tx, viewer, rows, options, &mut Seen::default(), app.clock().now()).await?;
    if policy == ErrorPolicy::RejectAll && results.iter().any(|r| r.outcome == Outcome::Failed) {
        tx.rollback().await?;
        for result in results.iter_mut().filter(|r| r.outcome != Outcome::Failed) {
            *result = failed(vec![Refusal::new(ErrorCode::BatchRejected)]);
        }
        return Ok(results);
    }
    tx.commit().await?;
    app.catalog_changed(&touched(&results)).await;
    Ok(results)
}

/// The products that a batch changed.
pub fn touched(results: &[RowResult]) -> Vec<ProductId> {
    let changed =
        results.iter().filter(|r| matches!(r.outcome, Outcome::Created | Outcome::Updated | Outcome::Proposed));
    changed.filter_map(|r| r.product).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Upserts a batch within the caller's transaction. Rows that could not even be read are answered too.
pub async fn upsert_in(
    tx: &DatabaseTransaction,
    viewer: &Viewer,
    rows: &[Result<Row, Refusals>],
    options: Options,
    seen: &mut Seen,
    now: DateTime<Utc>,
) -> Result<Vec<RowResult>, Error> {
    policy::signed_in(viewer)?;
    if options.publish {
        policy::operator(viewer)?;
    }
    let mut bench = Bench::load(tx, viewer, rows, options, now).await?;
    // Kept apart until the batch is written: a batch that lost a race is tried again.
    let mut said = Seen::default();
    let mut results = Vec::with_capacity(rows.len());
    for row in rows {
        results.push(match row {
            Ok(row) => bench.decide(row, seen, &mut said).unwrap_or_else(failed),
            Err(refusals) => failed(refusals.clone()),
        });
    }
    bench.write(tx).await?;
    seen.offers.extend(said.offers);
    seen.described.extend(said.described);
    Ok(results)
}

fn failed(refusals: Refusals) -> RowResult {
    RowResult { outcome: Outcome::Failed, product: None, offer: None, refusals }
}

/// A product that rows of the batch work on.
struct Work {
    /// As it is stored; none for a new one.
    before: Option<Stored>,
    /// As it will be. For a new one with its ids.
    after: Stored,
    /// Descriptions that wait for the operator.
    proposals: Vec<Patch>,
}

/// An offer that rows of the batch work on.
struct OfferWork {
    before: Option<(offer::Model, Terms)>,
    row: offer::Model,
    terms: Terms,
}

/// Everything the rows of a batch refer to, read at once, and changed row by row in memory.
struct Bench<'a> {
    viewer: &'a Viewer,
    options: Options,
    now: DateTime<Utc>,
    sellers: HashMap<String, OrganisationId>,
    seller_roles: HashSet<OrganisationId>,
    categories: HashMap<String, CategoryId>,
    rules: HashMap<CategoryId, CategoryRules>,
    brands: HashMap<String, BrandId>,
    works: HashMap<ProductId, Work>,
    by_slug: HashMap<Slug, ProductId>,
    by_gtin: HashMap<Gtin, (ProductId, VariantId)>,
    offers: HashMap<(OrganisationId, String), OfferWork>,
}

impl<'a> Bench<'a> {
    async fn load(
        tx: &impl ConnectionTrait,
        viewer: &'a Viewer,
        rows: &[Result<Row, Refusals>],
        options: Options,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let rows = || rows.iter().filter_map(|r| r.as_ref().ok());
        let named =
            |pick: fn(&Row) -> Option<&String>| -> BTreeSet<String> { rows().filter_map(pick).cloned().collect() };

        let sellers = organisation::Entity::find()
            .filter(organisation::Column::Slug.is_in(named(|r| r.seller.as_ref())))
            .all(tx)
            .await?;
        let acting = options.seller.or(viewer.organisation());
        let seller_ids: BTreeSet<OrganisationId> = sellers.iter().map(|s| s.id).chain(acting).collect();
        let roles = organisation_role::Entity::find()
            .filter(organisation_role::Column::OrganisationId.is_in(seller_ids.iter().copied()))
            .filter(organisation_role::Column::Role.eq(OrganisationRole::Seller))
            .all(tx)
            .await?;
        let seller_roles: HashSet<OrganisationId> = roles.into_iter().map(|r| r.organisation_id).collect();

        let categories = category::Entity::find()
            .filter(category::Column::Slug.is_in(named(|r| r.category.as_ref())))
            .all(tx)
            .await?;
        let brands =
            brand::Entity::find().filter(brand::Column::Slug.is_in(named(|r| r.brand.as_ref()))).all(tx).await?;

        let skus: BTreeSet<&str> = rows().map(|r| r.sku.as_str()).collect();
        let offers = offer::Entity::find()
            .filter(offer::Column::SellerId.is_in(seller_ids.iter().copied()))
            .filter(offer::Column::Sku.is_in(skus))
            .all(tx)
            .await?;
        let mut terms = store::load_terms(tx, &offers).await?;

        let gtins: BTreeSet<Gtin> = rows()
            .flat_map(|r| &r.patch.variants)
            .filter_map(|v| match &v.gtin {
                Edit::Set(gtin) => gtin.parse().ok(),
                _ => None,
            })
            .collect();
        let packed = variant::Entity::find().filter(variant::Column::Gtin.is_in(gtins)).all(tx).await?;
        let slugs = rows().filter_map(slug_of).collect::<BTreeSet<_>>();
        let titled = product::Entity::find()
            .filter(product::Column::Slug.is_in(slugs))
            .select_only()
            .column(product::Column::Id);
        let titled = titled.into_tuple::<ProductId>().all(tx).await?;

        let ids: BTreeSet<ProductId> =
            offers.iter().map(|o| o.product_id).chain(packed.iter().map(|v| v.product_id)).chain(titled).collect();
        let stored = store::load(tx, &ids.into_iter().collect::<Vec<_>>()).await?;
        let wanted = categories.iter().map(|c| c.id).chain(stored.values().map(|s| s.sheet.category)).collect();

        Ok(Self {
            viewer,
            options,
            now,
            sellers: sellers.into_iter().map(|s| (s.slug.into(), s.id)).collect(),
            seller_roles,
            categories: categories.into_iter().map(|c| (c.slug.to_string(), c.id)).collect(),
            rules: store::category_rules(tx, &wanted).await?,
            brands: brands.into_iter().map(|b| (b.slug.to_string(), b.id)).collect(),
            by_slug: stored.values().map(|s| (s.row.slug.clone(), s.row.id)).collect(),
            by_gtin: packed.into_iter().filter_map(|v| Some((v.gtin?, (v.product_id, v.id)))).collect(),
            works: stored
                .into_iter()
                .map(|(id, s)| (id, Work { before: Some(s.clone()), after: s, proposals: Vec::new() }))
                .collect(),
            offers: offers
                .into_iter()
                .filter_map(|row| {
                    let terms = terms.remove(&row.id)?;
                    let work = OfferWork { before: Some((row.clone(), terms.clone())), row: row.clone(), terms };
                    Some(((row.seller_id, row.sku), work))
                })
                .collect(),
        })
    }

    /// Decides one row: everything that can be wrong is found before anything is kept.
    fn decide(&mut self, row: &Row, seen: &Seen, said: &mut Seen) -> Result<RowResult, Refusals> {
        let seller = self.seller(row)?;
        let key = (seller, row.sku.clone());
        if seen.offers.contains(&key) || said.offers.contains(&key) {
            return Err(vec![Refusal::new(ErrorCode::Duplicate).with("value", &row.sku).at("sku")]);
        }
        let mut patch = row.patch.clone();
        patch.category = resolve(row.category.as_ref(), &self.categories, "category")?;
        if let Some(brand) = resolve(row.brand.as_ref(), &self.brands, "brand")? {
            patch.brand = Edit::Set(brand);
        }

        let described =
            self.describe(row, &patch, seller, &key, |id| seen.described.contains(id) || said.described.contains(id));
        // Terms are read even when the description is refused, so that a row's errors come together.
        let present = self.offers.get(&key);
        let terms = Terms::patched(present.map(|o| &o.terms), &row.terms);
        let status = present.map_or(Ok(row.status.unwrap_or(OfferStatus::Active)), |o| {
            o.row.status.to(row.status.unwrap_or(o.row.status))
        });
        let (described, terms, status) = all_of(described, terms, status.map_err(|r| vec![r.at("status")]))?;

        let product = described.after.row.id;
        let described_outcome = described.outcome;
        let variant = self.keep(described);
        let offered_outcome = self.keep_offer(key.clone(), product, variant, terms, status);
        said.described.insert(product);
        said.offers.insert(key.clone());
        let outcome = match (described_outcome, offered_outcome) {
            (Outcome::Proposed, _) => Outcome::Proposed,
            (_, Outcome::Created) => Outcome::Created,
            (Outcome::Unchanged, offered) => offered,
            (described, _) => described,
        };
        Ok(RowResult { outcome, product: Some(product), offer: Some(self.offers[&key].row.id), refusals: Vec::new() })
    }

    fn seller(&self, row: &Row) -> Result<OrganisationId, Refusals> {
        let named = match &row.seller {
            Some(slug) => Some(*self.sellers.get(slug).ok_or_else(|| unknown("seller", slug))?),
            None => self.options.seller,
        };
        let seller = policy::offering_seller(self.viewer, named).map_err(|_| {
            // Another seller's name in one's own file: for this viewer it does not exist.
            unknown("seller", row.seller.as_deref().unwrap_or_default())
        })?;
        if self.seller_roles.contains(&seller) {
            return Ok(seller);
        }
        let name = row.seller.clone().unwrap_or_else(|| seller.to_string());
        Err(vec![Refusal::new(ErrorCode::WrongRole).with("value", name).with("role", "SELLER").at("seller")])
    }

    /// What the row makes of its product.
    fn describe(
        &self,
        row: &Row,
        patch: &Patch,
        seller: OrganisationId,
        key: &(OrganisationId, String),
        described: impl Fn(&ProductId) -> bool,
    ) -> Result<Described, Refusals> {
        let gtin = patch.variants.iter().find_map(|v| match &v.gtin {
            Edit::Set(text) => text.parse::<Gtin>().ok(),
            _ => None,
        });
        let code = patch.variants.first().map(|v| v.code.clone()).unwrap_or_default();
        let by_offer = self.offers.get(key).map(|o| (o.row.product_id, Some(o.row.variant_id)));
        let by_gtin = gtin.as_ref().and_then(|g| self.by_gtin.get(g)).map(|(p, v)| (*p, Some(*v)));
        let by_slug = slug_of(row).and_then(|slug| self.by_slug.get(&slug)).map(|p| (*p, None));
        let Some((id, variant)) = by_offer.or(by_gtin).or(by_slug) else {
            return self.describe_new(patch, seller, &code);
        };
        let work = &self.works[&id];
        let present = &work.after;
        if let Some(named) = row.product.as_ref().filter(|named| *named != present.row.slug.as_str()) {
            // The article number or the barcode already belongs to another product than the row says.
            let owner = Refusal::new(ErrorCode::AlreadyTaken).with("value", present.row.slug.as_str());
            return Err(vec![owner.with("named", named).at("product")]);
        }
        // A variant known by its offer or barcode keeps its code, whatever the row calls it.
        let code = variant
            .and_then(|v| present.variants.iter().find(|(_, id)| **id == v))
            .map_or(code, |(code, _)| code.clone());
        if present.row.owner_id != seller {
            let unseen = || unknown("product", present.row.slug.as_str());
            let visible = present.row.status == ProductStatus::Published || self.viewer.is_operator();
            let hangs = visible && present.variants.contains_key(&code);
            return hangs.then(|| Described::unchanged(present, code)).ok_or_else(unseen);
        }
        products::refuse_archived(&present.row).map_err(refusals_of)?;

        let mut patch = patch.clone();
        patch.slug = None;
        for variant in &mut patch.variants {
            variant.code.clone_from(&code);
        }
        self.refuse_foreign_barcode(present, &code, gtin.as_ref())?;
        let rules = self.rules(patch.category.unwrap_or(present.sheet.category))?;
        let sheet = Sheet::patched(Some(&present.sheet), &patch, rules)?;
        if present.row.status == ProductStatus::Published {
            sheet.complete().map_err(|r| vec![r])?;
        }
        if sheet == present.sheet {
            return Ok(Described::unchanged(present, code));
        }
        if described(&id) {
            refuse_disagreement(present, &sheet)?;
        }
        match policy::edit_mode(self.viewer, &present.row).map_err(refusals_of)? {
            EditMode::Direct => {
                let mut after = present.clone();
                for variant in &sheet.variants {
                    after.variants.entry(variant.code.clone()).or_insert_with(|| VariantId::new(self.now));
                }
                after.sheet = sheet;
                Ok(Described { after, code, outcome: Outcome::Updated, proposal: None })
            }
            EditMode::Proposal if present.variants.contains_key(&code) => {
                Ok(Described { after: present.clone(), code, outcome: Outcome::Proposed, proposal: Some(patch) })
            }
            // There is nothing yet that an offer could hang on.
            EditMode::Proposal => Err(unknown("variant", &code)),
        }
    }

    fn describe_new(&self, patch: &Patch, seller: OrganisationId, code: &str) -> Result<Described, Refusals> {
        let category = patch.category.ok_or_else(|| vec![Refusal::new(ErrorCode::Required).at("category")])?;
        let sheet = Sheet::patched(None, patch, self.rules(category)?)?;
        if self.by_slug.contains_key(&sheet.slug) {
            return Err(vec![Refusal::new(ErrorCode::AlreadyTaken).with("value", sheet.slug.as_str()).at("product")]);
        }
        let mut after = store::draft(sheet, seller, self.now);
        if self.options.publish {
            after.sheet.complete().map_err(|r| vec![r])?;
            after.row.status = ProductStatus::Published;
            after.row.published_at = Some(self.now);
        }
        Ok(Described { after, code: code.to_owned(), outcome: Outcome::Created, proposal: None })
    }

    /// A barcode belongs to one variant; a variant that has one is not renamed to another by a file.
    fn refuse_foreign_barcode(&self, present: &Stored, code: &str, gtin: Option<&Gtin>) -> Result<(), Refusals> {
        let Some(gtin) = gtin else { return Ok(()) };
        let own = present.variants.get(code);
        let holder = self.by_gtin.get(gtin).map(|(_, v)| v);
        let other =
            present.sheet.variants.iter().find(|v| v.code == code).and_then(|v| v.gtin.as_ref()).filter(|g| *g != gtin);
        if (holder.is_some() && holder != own) || (other.is_some() && !self.viewer.is_operator()) {
            return Err(vec![Refusal::new(ErrorCode::AlreadyTaken).with("value", gtin.as_str()).at("gtin")]);
        }
        Ok(())
    }

    fn rules(&self, category: CategoryId) -> Result<&CategoryRules, Refusals> {
        self.rules.get(&category).ok_or_else(|| unknown("category", &category.to_string()))
    }

    /// Keeps a description; answers with the variant that the offer hangs on.
    fn keep(&mut self, described: Described) -> VariantId {
        let Described { after, code, outcome, proposal } = described;
        let id = after.row.id;
        let variant = after.variants[&code];
        self.by_slug.insert(after.row.slug.clone(), id);
        for spec in &after.sheet.variants {
            if let Some(gtin) = &spec.gtin {
                self.by_gtin.insert(gtin.clone(), (id, after.variants[&spec.code]));
            }
        }
        let work =
            self.works.entry(id).or_insert_with(|| Work { before: None, after: after.clone(), proposals: Vec::new() });
        if outcome != Outcome::Unchanged {
            work.after = after;
        }
        work.proposals.extend(proposal);
        variant
    }

    fn keep_offer(
        &mut self,
        key: (OrganisationId, String),
        product: ProductId,
        variant: VariantId,
        terms: Terms,
        status: OfferStatus,
    ) -> Outcome {
        let now = self.now;
        if let Some(work) = self.offers.get_mut(&key) {
            if work.terms == terms && work.row.status == status {
                return Outcome::Unchanged;
            }
            let row = store::with_terms(&work.row, &terms);
            let version = work.before.as_ref().map_or(1, |(before, _)| before.version + 1);
            work.row = offer::Model { status, version, updated_at: now, ..row };
            work.terms = terms;
            Outcome::Updated
        } else {
            let row = offer::Model {
                id: OfferId::new(now),
                product_id: product,
                variant_id: variant,
                seller_id: key.0,
                sku: key.1.clone(),
                supply_mode: terms.supply_mode,
                status,
                moq: terms.moq,
                multiple: terms.multiple,
                lead_time_days: terms.lead_time_days,
                version: 1,
                created_at: now,
                updated_at: now,
            };
            self.offers.insert(key, OfferWork { before: None, row, terms });
            Outcome::Created
        }
    }

    async fn write(self, tx: &DatabaseTransaction) -> Result<(), Error> {
        let mut history = Vec::new();
        let mut fresh = Vec::new();
        // In id order, so that two batches over the same products queue instead of deadlocking.
        for (_, work) in self.works.into_iter().collect::<BTreeMap<_, _>>() {
            match work.before {
                None => {
                    history.push(products::entry(&work.after.row, HistoryAction::Created, Differences::default()));
                    fresh.push(work.after);
                }
                Some(before) => {
                    if before.sheet != work.after.sheet {
                        products::apply(
                            tx,
                            self.viewer,
                            &before,
                            &work.after.sheet,
                            HistoryAction::Updated,
                            None,
                            self.now,
                        )
                        .await?;
                    }
                    for patch in work.proposals {
                        match changes::propose_in(tx, self.viewer, &before.row, &patch, self.now).await {
                            Err(Error::Refused(r)) if r.iter().all(|r| r.code == ErrorCode::ChangePending) => {}
                            proposed => drop(proposed?),
                        }
                    }
                }
            }
        }
        store::insert(tx, &fresh).await.map_err(taken)?;
        store::record(tx, self.viewer, self.now, history).await?;

        let mut new = Vec::new();
        let mut repriced = Vec::new();
        let mut tags = BTreeSet::new();
        for (_, work) in self.offers.into_iter().collect::<BTreeMap<_, _>>() {
            match work.before {
                None => {
                    tags.insert(work.row.product_id);
                    new.push((work.row, work.terms));
                }
                Some((before, terms)) if before != work.row => {
                    tags.insert(work.row.product_id);
                    work.row.clone().into_active_model().reset_all().update(tx).await?;
                    if terms != work.terms {
                        repriced.push((work.row.id, work.terms));
                    }
                }
                Some(_) => {}
            }
        }
        store::insert_offers(tx, &new).await.map_err(taken)?;
        store::replace_prices(tx, &repriced).await?;
        store::refresh_price_tags(tx, &tags).await
    }
}

/// What a row makes of its product, before it is kept.
struct Described {
    after: Stored,
    /// The variant that the offer hangs on.
    code: String,
    outcome: Outcome,
    proposal: Option<Patch>,
}

impl Described {
    fn unchanged(present: &Stored, code: String) -> Self {
        Self { after: present.clone(), code, outcome: Outcome::Unchanged, proposal: None }
    }
}

/// The id behind a readable key, when the row names one.
fn resolve<T: Copy>(
    slug: Option<&String>,
    known: &HashMap<String, T>,
    field: &str,
) -> Result<Option<T>, Refusals> {
    slug.map(|slug| known.get(slug).copied().ok_or_else(|| unknown(field, slug))).transpose()
}

/// Rows of one file about one product must say the same of it (variants apart).
fn refuse_disagreement(present: &Stored, sheet: &Sheet) -> Result<(), Refusals> {
    let mut without_variants = sheet.clone();
    without_variants.variants.clone_from(&present.sheet.variants);
    let differences = without_variants.differences(&present.sheet);
    if differences.0.is_empty() {
        return Ok(());
    }
    let contradicts =
        |field: &String| Refusal::new(ErrorCode::Duplicate).with("value", present.row.slug.as_str()).at(field.as_str());
    Err(differences.0.keys().map(contradicts).collect())
}

/// The slug that a row's product has or would get.
fn slug_of(row: &Row) -> Option<Slug> {
    match &row.product {
        Some(slug) => slug.parse().ok(),
        None => row.patch.name.exact(&entities::values::Locale::en()).and_then(Slug::of),
    }
}

fn unknown(field: &str, value: &str) -> Refusals {
    vec![Refusal::new(ErrorCode::NotFound).with("value", value).at(field)]
}

fn refusals_of(error: Error) -> Refusals {
    match error {
        Error::Refused(refusals) => refusals,
        _ => vec![Refusal::new(ErrorCode::NotFound).with("value", "").at("product")],
    }
}

/// All three, or everything that is wrong with any of them.
fn all_of<A, B, C>(
    a: Result<A, Refusals>,
    b: Result<B, Refusals>,
    c: Result<C, Refusals>,
) -> Result<(A, B, C), Refusals> {
    match (a, b, c) {
        (Ok(a), Ok(b), Ok(c)) => Ok((a, b, c)),
        (a, b, c) => Err([a.err(), b.err(), c.err()].into_iter().flatten().flatten().collect()),
    }
}
