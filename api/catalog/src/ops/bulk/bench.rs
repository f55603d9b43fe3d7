//! The bench of one batch: everything its rows refer to, read at once; each row decided against what the
//! rows before it left; and what was accepted, written at the end.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use entities::{
    catalog::{
        OfferStatus, ProductStatus, brand, category, offer, product,
        product_history::{Differences, HistoryAction},
        row::Row,
        sheet::{CategoryRules, Edit, Patch, Sheet, made_slug},
        terms::Terms,
        variant,
    },
    party::{OrganisationRole, Viewer, organisation, organisation_role},
    values::{
        ErrorCode, Gtin, Refusal, Refusals, Slug,
        id::{BrandId, CategoryId, OrganisationId, ProductId, VariantId},
    },
};
use platform::error::Error;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use super::{Options, Outcome, RowResult, Seen, seen::statements};
use crate::{
    ops::{changes, offers, products, taken},
    policy::{self, EditMode},
    store::{self, Stored},
};

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
pub(super) struct Bench<'a> {
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
    pub(super) async fn load(
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
    pub(super) fn decide(&mut self, row: &Row, seen: &Seen, said: &mut Seen) -> Result<RowResult, Refusals> {
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

        let described = self.describe(row, &patch, seller, &key).and_then(|described| {
            // Who does not own the product says nothing of it.
            let speaks = described.after.row.owner_id == seller;
            let statements = if speaks { statements(&patch, &described.code) } else { Vec::new() };
            let product = described.after.row.id;
            let earlier = |seen: &Seen| seen.contradicted(product, &statements);
            match earlier(seen).or_else(|| earlier(said)) {
                None => Ok((described, statements)),
                Some(field) => {
                    let slug = described.after.row.slug.as_str();
                    Err(vec![Refusal::new(ErrorCode::Duplicate).with("value", slug).at(field)])
                }
            }
        });
        // Terms are read even when the description is refused, so that a row's errors come together.
        let present = self.offers.get(&key);
        let terms = Terms::patched(present.map(|o| &o.terms), &row.terms);
        let status = present.map_or(Ok(row.status.unwrap_or(OfferStatus::Active)), |o| {
            o.row.status.to(row.status.unwrap_or(o.row.status))
        });
        let ((described, statements), terms, status) =
            all_of(described, terms, status.map_err(|r| vec![r.at("status")]))?;
        if present.is_some_and(|o| o.row.status == OfferStatus::Ended && o.terms != terms) {
            let ended = Refusal::new(ErrorCode::IllegalTransition).with("from", "ENDED").with("action", "UPDATE");
            return Err(vec![ended.at("sku")]);
        }

        let product = described.after.row.id;
        let described_outcome = described.outcome;
        let variant = self.keep(described);
        let offered_outcome = self.keep_offer(key.clone(), product, variant, terms, status);
        said.state(product, &statements);
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
    ) -> Result<Described, Refusals> {
        let gtin = patch.variants.iter().find_map(|v| match &v.gtin {
            Edit::Set(text) => text.parse::<Gtin>().ok(),
            _ => None,
        });
        let code = patch.variants.first().map(|v| v.code.clone()).unwrap_or_default();
        let by_offer = self.offers.get(key).map(|o| (o.row.product_id, Some(o.row.variant_id)));
        let by_gtin = gtin.as_ref().and_then(|g| self.by_gtin.get(g)).map(|(p, v)| (*p, Some(*v)));
        // A name alone leads to one's own product only: goods of two sellers may be called the same.
        let reachable = |id: &&ProductId| row.product.is_some() || self.works[*id].after.row.owner_id == seller;
        let by_slug = slug_of(row).and_then(|slug| self.by_slug.get(&slug)).filter(reachable).map(|p| (*p, None));
        let Some((id, variant)) = by_offer.or(by_gtin).or(by_slug) else {
            return self.describe_new(patch, seller, &code);
        };
        let present = &self.works[&id].after;
        let owner = present.row.owner_id == seller;
        if !owner && present.row.status != ProductStatus::Published && !self.viewer.is_operator() {
            // Somebody's draft. Its key is taken, which the sender may know; what it is called, not.
            let (field, own) = match (&gtin, &row.product) {
                (Some(gtin), _) if by_gtin.is_some() => ("gtin", gtin.to_string()),
                (_, Some(slug)) => ("product", slug.clone()),
                _ => ("sku", row.sku.clone()),
            };
            return Err(vec![Refusal::new(ErrorCode::AlreadyTaken).with("value", own).at(field)]);
        }
        if row.product.as_ref().is_some_and(|named| *named != present.row.slug.as_str()) {
            // The article number or the barcode already belongs to another product than the row says.
            return Err(vec![
                Refusal::new(ErrorCode::AlreadyTaken).with("value", present.row.slug.as_str()).at("product"),
            ]);
        }
        if let (Some((_, of_offer)), Some((_, of_gtin)), Some(gtin)) = (by_offer, by_gtin, &gtin)
            && of_offer != of_gtin
        {
            return Err(vec![Refusal::new(ErrorCode::AlreadyTaken).with("value", gtin.as_str()).at("gtin")]);
        }
        // A variant known by its offer or barcode is that one.
        let code = match variant.and_then(|v| present.variants.iter().find(|(_, id)| **id == v)) {
            Some((known, _)) => {
                if by_offer.is_some() && row.variant.as_ref().is_some_and(|named| named != known) {
                    // An offer does not move to another variant: its buyers would get something else.
                    return Err(vec![Refusal::new(ErrorCode::AlreadyTaken).with("value", &row.sku).at("variant")]);
                }
                known.clone()
            }
            None => code,
        };
        if !owner {
            let hangs = present.variants.contains_key(&code);
            return hangs.then(|| Described::unchanged(present, code.clone())).ok_or_else(|| unknown("variant", &code));
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
            let row = store::new_offer((product, variant), key.0, &key.1, status, &terms, now);
            self.offers.insert(key, OfferWork { before: None, row, terms });
            Outcome::Created
        }
    }

    pub(super) async fn write(self, tx: &DatabaseTransaction) -> Result<(), Error> {
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
        store::insert(tx, &fresh).await.map_err(|e| taken(e, ""))?;
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
                    offers::write(tx, &before, &work.row).await?;
                    if terms != work.terms {
                        repriced.push((work.row.id, work.terms));
                    }
                }
                Some(_) => {}
            }
        }
        store::insert_offers(tx, &new).await.map_err(|e| taken(e, ""))?;
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
fn resolve<T: Copy>(slug: Option<&String>, known: &HashMap<String, T>, field: &str) -> Result<Option<T>, Refusals> {
    slug.map(|slug| known.get(slug).copied().ok_or_else(|| unknown(field, slug))).transpose()
}

/// The slug that a row's product has or would get.
fn slug_of(row: &Row) -> Option<Slug> {
    match &row.product {
        Some(slug) => slug.parse().ok(),
        None => made_slug(&row.patch.name),
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
