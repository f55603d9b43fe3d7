//! Tolerances (匹配容差): by how much an invoice may differ from its order before somebody has to look at it. They are
//! kept by supplier, variant and category, and the most specific one counts; what counts is frozen into the line of an
//! order when that is made, so that a later change decides about later orders only.

use std::cmp::Reverse;

use crate::Relation;
use sea_orm::entity::prelude::*;

pub use super::terms::Tolerance;
use crate::values::{
    ErrorCode, Refusal,
    id::{CategoryId, MatchToleranceId, OrganisationId, VariantId},
};

/// What a tolerance is for. Nothing set: for everything that the organisation buys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Only from this supplier.
    pub supplier: Option<OrganisationId>,
    /// Only this variant.
    pub variant: Option<VariantId>,
    /// Only this category and what is under it.
    pub category: Option<CategoryId>,
}

impl Scope {
    /// The scope as one text, so that one index finds a second row for it: a column that may be null would not.
    pub fn key(self) -> String {
        let part = |id: Option<String>| id.unwrap_or_else(|| "-".to_owned());
        let (supplier, variant, category) = (
            self.supplier.map(|id| id.to_string()),
            self.variant.map(|id| id.to_string()),
            self.category.map(|id| id.to_string()),
        );
        format!("{}|{}|{}", part(supplier), part(variant), part(category))
    }

    /// The scope, when it is one: a variant is of its category already.
    pub fn checked(self) -> Result<Self, Refusal> {
        if self.variant.is_some() && self.category.is_some() {
            return Err(Refusal::new(ErrorCode::InvalidValue)
                .with("value", "variantId, or categoryId")
                .at("categoryId"));
        }
        Ok(self)
    }
}

/// A row of `match_tolerance`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "match_tolerance")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MatchToleranceId,
    /// Of which buying organisation.
    pub organisation_id: OrganisationId,
    /// Only from this supplier.
    pub supplier_id: Option<OrganisationId>,
    /// Only this variant.
    pub variant_id: Option<VariantId>,
    /// Only this category and what is under it.
    pub category_id: Option<CategoryId>,
    /// [`Scope::key`].
    pub scope_key: String,
    /// By how much.
    #[sea_orm(column_type = "JsonBinary")]
    pub tolerance: Tolerance,
    /// Counts up with every change.
    pub version: i32,
    /// Since when.
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What it is for.
    pub fn scope(&self) -> Scope {
        Scope { supplier: self.supplier_id, variant: self.variant_id, category: self.category_id }
    }
}

/// The tolerance of what is bought: of the rows of one buyer the most specific that is for it. In this order: variant
/// from the supplier, variant, category from the supplier, category, supplier, everything; of categories the deepest.
/// `categories`: those of the goods, from the leaf up. No row: nothing may differ.
pub fn resolve(
    rows: &[Model],
    supplier: OrganisationId,
    variant: Option<VariantId>,
    categories: &[CategoryId],
) -> Tolerance {
    let rank = |row: &Model| {
        if row.supplier_id.is_some_and(|own| own != supplier) {
            return None;
        }
        let from = u8::from(row.supplier_id.is_some());
        match (row.variant_id, row.category_id) {
            (Some(own), _) => (Some(own) == variant).then_some((4 + from, Reverse(0))),
            (None, Some(own)) => {
                let above = categories.iter().position(|category| *category == own)?;
                Some((2 + from, Reverse(above)))
            }
            (None, None) => Some((from, Reverse(0))),
        }
    };
    let ranked = rows.iter().filter_map(|row| Some((rank(row)?, row)));
    ranked.max_by_key(|(rank, _)| *rank).map(|(_, row)| row.tolerance).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use uuid::Uuid;

    use super::*;

    const SUPPLIER: OrganisationId = OrganisationId(Uuid::from_u128(1));
    const OTHER: OrganisationId = OrganisationId(Uuid::from_u128(2));
    const RUG: VariantId = VariantId(Uuid::from_u128(3));
    const TEA: VariantId = VariantId(Uuid::from_u128(4));
    const RUGS: CategoryId = CategoryId(Uuid::from_u128(5));
    const HOME: CategoryId = CategoryId(Uuid::from_u128(6));

    fn row(
        supplier: Option<OrganisationId>,
        variant: Option<VariantId>,
        category: Option<CategoryId>,
        ppm: i32,
    ) -> Model {
        let scope = Scope { supplier, variant, category };
        Model {
            id: MatchToleranceId(Uuid::from_u128(9)),
            organisation_id: OTHER,
            supplier_id: supplier,
            variant_id: variant,
            category_id: category,
            scope_key: scope.key(),
            tolerance: Tolerance { price_ppm: ppm, ..Tolerance::default() },
            version: 1,
            created_at: DateTime::<Utc>::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_most_specific_tolerance_counts() {
        let all = [
            row(None, None, None, 1),
            row(Some(SUPPLIER), None, None, 2),
            row(None, None, Some(HOME), 3),
            row(None, None, Some(RUGS), 4),
            row(Some(SUPPLIER), None, Some(HOME), 5),
            row(Some(SUPPLIER), None, Some(RUGS), 6),
            row(None, Some(RUG), None, 7),
            row(Some(SUPPLIER), Some(RUG), None, 8),
        ];
        // Of all that are for it the last counts; then the one before it, and so on.
        for left in (1..=all.len()).rev() {
            let found = resolve(&all[..left], SUPPLIER, Some(RUG), &[RUGS, HOME]);
            assert_eq!(usize::try_from(found.price_ppm).unwrap(), left);
        }
        for (supplier, variant, categories, expected) in [
            (OTHER, Some(RUG), &[RUGS, HOME][..], 7),
            (OTHER, Some(TEA), &[RUGS, HOME][..], 4),
            (OTHER, Some(TEA), &[HOME][..], 3),
            (OTHER, None, &[][..], 1),
            (SUPPLIER, Some(TEA), &[][..], 2),
            (SUPPLIER, None, &[RUGS, HOME][..], 6),
        ] {
            assert_eq!(resolve(&all, supplier, variant, categories).price_ppm, expected, "{variant:?} {categories:?}");
        }
        assert_eq!(resolve(&[], SUPPLIER, Some(RUG), &[RUGS]), Tolerance::default(), "nothing said is no tolerance");
    }

    #[test]
    fn a_scope_has_one_key_and_a_variant_needs_no_category() {
        let keys: std::collections::BTreeSet<String> = [None, Some(SUPPLIER)]
            .into_iter()
            .flat_map(|supplier| [(None, None), (Some(RUG), None), (None, Some(HOME))].map(|of| (supplier, of)))
            .map(|(supplier, (variant, category))| Scope { supplier, variant, category }.key())
            .collect();
        assert_eq!(keys.len(), 6, "two scopes share a key");
        assert!(keys.iter().all(|key| key.len() <= 140));
        assert_eq!(Scope::default().key(), "-|-|-");
        let both = Scope { supplier: None, variant: Some(RUG), category: Some(HOME) };
        assert_eq!(both.checked().unwrap_err().field, ["categoryId"]);
    }
}
