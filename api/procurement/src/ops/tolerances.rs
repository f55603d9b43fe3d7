//! Tolerances of a buying organisation: by how much invoices and deliveries may differ from its orders, by supplier,
//! variant and category. A line of an order takes along the one that counts when it is made.

use std::collections::{BTreeSet, HashMap};

use entities::{
    catalog::{category, variant},
    party::{Action, Viewer, machine_client::Scope as MachineScope},
    procurement::{
        terms::Tolerance,
        tolerance::{self, Scope, resolve},
    },
    values::id::{CategoryId, MatchToleranceId, OrganisationId, VariantId},
};
use party::ops::organisations;
use platform::{
    app::{App, Call, Work},
    error::{Error, not_found, stale, taken},
    graphql::encode,
    page::{Cursor, Page, PageArgs},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, Order, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};
use serde_json::{Value, json};

use super::{CHUNK, acting, categories, fresh, orders::category_paths};

const NEWEST: &str = "newest-match-tolerance";

/// Sets the tolerance of a scope; there is one for each. `expected`: the version that is changed, when there is one.
pub async fn set(
    app: &App,
    call: &Call,
    scope: Scope,
    tolerance: Tolerance,
    expected: Option<i32>,
) -> Result<tolerance::Model, Error> {
    let organisation = acting(call, Action::KeepPurchaseRules)?;
    let scope = scope.checked()?;
    tolerance.checked().map_err(|refusals| Error::from(refusals).at("tolerance"))?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    known(&work, scope).await?;
    let key = scope.key();
    let before = tolerance::Entity::find()
        .filter(tolerance::Column::OrganisationId.eq(organisation))
        .filter(tolerance::Column::ScopeKey.eq(key.as_str()))
        .one(work.tx())
        .await?;
    let shown = |row: &tolerance::Model| json!({ "scope": row.scope_key, "tolerance": row.tolerance });
    let row = match &before {
        Some(row) => {
            expected.map_or(Ok(()), |expected| fresh(row.version, expected))?;
            written(&work, row, tolerance).await?
        }
        None => made(&work, organisation, scope, tolerance).await?,
    };
    let was = before.as_ref().map_or(Value::Null, shown);
    work.audit(Some(organisation), "setMatchTolerance", encode(row.id).0, was, shown(&row));
    work.commit(row).await
}

async fn written(work: &Work, row: &tolerance::Model, tolerance: Tolerance) -> Result<tolerance::Model, Error> {
    let next = tolerance::Model { tolerance, version: row.version + 1, ..row.clone() };
    let done = tolerance::Entity::update_many()
        .set(next.clone().into_active_model().reset_all())
        .filter(tolerance::Column::Id.eq(row.id))
        .filter(tolerance::Column::Version.eq(row.version))
        .exec(work.tx())
        .await?;
    if done.rows_affected == 1 { Ok(next) } else { Err(stale()) }
}

async fn made(
    work: &Work,
    organisation: OrganisationId,
    scope: Scope,
    tolerance: Tolerance,
) -> Result<tolerance::Model, Error> {
    let row = tolerance::Model {
        id: MatchToleranceId::new(work.now),
        organisation_id: organisation,
        supplier_id: scope.supplier,
        variant_id: scope.variant,
        category_id: scope.category,
        scope_key: scope.key(),
        tolerance,
        version: 1,
        created_at: work.now,
    };
    let made = tolerance::Entity::insert(row.clone().into_active_model()).exec_without_returning(work.tx()).await;
    made.map_err(|e| taken(e, "match_tolerance", &["organisation_id", "scope_key"], "tolerance", &row.scope_key))?;
    Ok(row)
}

/// What a scope names has to be there.
async fn known(work: &Work, scope: Scope) -> Result<(), Error> {
    if let Some(id) = scope.supplier
        && !organisations::exists(work.tx(), id).await?
    {
        return Err(not_found("supplierId", encode(id).as_str()));
    }
    if let Some(id) = scope.variant
        && variant::Entity::find_by_id(id).one(work.tx()).await?.is_none()
    {
        return Err(not_found("variantId", encode(id).as_str()));
    }
    if let Some(id) = scope.category
        && !category_paths(work.tx(), [id]).await?.contains_key(&id)
    {
        return Err(not_found("categoryId", encode(id).as_str()));
    }
    Ok(())
}

/// Takes a tolerance away; lines of orders that took it along keep it.
pub async fn remove(app: &App, call: &Call, id: MatchToleranceId, expected: i32) -> Result<tolerance::Model, Error> {
    let organisation = acting(call, Action::KeepPurchaseRules)?;
    let mut work = app.begin(call).await?;
    if let Some(before) = work.answered()? {
        return Ok(before);
    }
    let row = tolerance::Entity::find_by_id(id).one(work.tx()).await?;
    let row = row.filter(|row| row.organisation_id == organisation);
    let row = row.ok_or_else(|| not_found("id", encode(id).as_str()))?;
    fresh(row.version, expected)?;
    let gone = tolerance::Entity::delete_many()
        .filter(tolerance::Column::Id.eq(id))
        .filter(tolerance::Column::Version.eq(expected))
        .exec(work.tx())
        .await?;
    if gone.rows_affected != 1 {
        return Err(stale());
    }
    let was = json!({ "scope": row.scope_key, "tolerance": row.tolerance });
    work.audit(Some(organisation), "removeMatchTolerance", encode(id).0, was, Value::Null);
    work.commit(row).await
}

/// The tolerances of the viewer's organisation, newest first; all for who oversees the zone.
pub async fn list(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    page: &PageArgs,
) -> Result<Page<tolerance::Model>, Error> {
    let seen = match viewer.reads_for(MachineScope::Procurement) {
        _ if viewer.oversees() => Condition::all().add(Expr::val(true)),
        Some(own) => Condition::all().add(tolerance::Column::OrganisationId.eq(own)),
        None => Condition::all().add(Expr::val(false)),
    };
    let list = tolerance::Entity::find().filter(seen);
    page.by_id(db, list, tolerance::Column::Id, NEWEST, Order::Desc).await
}

/// The cursor of a tolerance in that list.
pub fn cursor(row: &tolerance::Model) -> Cursor {
    Cursor::of_id(NEWEST, row.id)
}

/// The tolerances that count for what a buyer orders from a supplier, in the order of the lines: each is a variant, or
/// only of a category, or neither. Nothing is read of the goods when the buyer has no tolerances.
pub(crate) async fn for_lines(
    tx: &impl ConnectionTrait,
    buyer: OrganisationId,
    supplier: OrganisationId,
    lines: &[(Option<VariantId>, Option<CategoryId>)],
) -> Result<Vec<Tolerance>, Error> {
    let rows = tolerance::Entity::find()
        .filter(tolerance::Column::OrganisationId.eq(buyer))
        .filter(
            Condition::any()
                .add(tolerance::Column::SupplierId.is_null())
                .add(tolerance::Column::SupplierId.eq(supplier)),
        )
        .order_by_asc(tolerance::Column::Id)
        .all(tx)
        .await?;
    if rows.is_empty() {
        return Ok(vec![Tolerance::default(); lines.len()]);
    }
    let above =
        if rows.iter().any(|row| row.category_id.is_some()) { above(tx, lines).await? } else { Above::default() };
    let of = |(variant, category): &(Option<VariantId>, Option<CategoryId>)| {
        resolve(&rows, supplier, *variant, &above.of(*variant, *category))
    };
    Ok(lines.iter().map(of).collect())
}

/// Where goods stand in the tree of categories.
#[derive(Default)]
struct Above {
    variants: HashMap<VariantId, String>,
    categories: HashMap<CategoryId, String>,
    /// Categories by their paths.
    ids: HashMap<String, CategoryId>,
}

impl Above {
    /// The categories of a line, from the leaf up.
    fn of(&self, variant: Option<VariantId>, category: Option<CategoryId>) -> Vec<CategoryId> {
        let path = variant.and_then(|id| self.variants.get(&id));
        let Some(path) = path.or_else(|| category.and_then(|id| self.categories.get(&id))) else { return Vec::new() };
        paths(path).into_iter().rev().filter_map(|path| self.ids.get(&path).copied()).collect()
    }
}

/// The paths of a category and of all above it, from the root down.
fn paths(path: &str) -> Vec<String> {
    path.match_indices('/').map(|(end, _)| path[..=end].to_owned()).collect()
}

async fn above(tx: &impl ConnectionTrait, lines: &[(Option<VariantId>, Option<CategoryId>)]) -> Result<Above, Error> {
    let variants: BTreeSet<VariantId> = lines.iter().filter_map(|(variant, _)| *variant).collect();
    let variants: Vec<VariantId> = variants.into_iter().collect();
    let found = categories(tx, &variants).await?;
    let mut above = Above {
        variants: found.into_iter().map(|(variant, (_, path))| (variant, path)).collect(),
        categories: category_paths(tx, lines.iter().filter_map(|(_, category)| *category)).await?,
        ids: HashMap::new(),
    };
    let all: BTreeSet<String> =
        above.variants.values().chain(above.categories.values()).flat_map(|p| paths(p)).collect();
    let all: Vec<String> = all.into_iter().collect();
    for part in all.chunks(CHUNK) {
        let rows = category::Entity::find()
            .filter(category::Column::Path.is_in(part.iter().cloned()))
            .select_only()
            .column(category::Column::Id)
            .column(category::Column::Path);
        let rows: Vec<(CategoryId, String)> = rows.into_tuple().all(tx).await?;
        above.ids.extend(rows.into_iter().map(|(id, path)| (path, id)));
    }
    Ok(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_stands_under_every_part_of_its_path() {
        assert_eq!(paths("home/rugs/knotted/"), ["home/", "home/rugs/", "home/rugs/knotted/"]);
        assert_eq!(paths(""), Vec::<String>::new());
    }
}
