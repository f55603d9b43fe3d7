//! What stands in a slot (陈列): a piece of stock, or a picture of what can be ordered; what it is sold as, and what its price
//! tag says. A facing of a slot has one at a time, and a serial number stands in one place; the database holds both.

use std::collections::BTreeMap;

use crate::Relation;
use sea_orm::entity::prelude::*;

use super::{StorePattern, UnitClass, planogram::Planned};
use crate::values::{
    Currency,
    id::{DisplayId, OfferId, ShowroomId, SlotId, StockBalanceId, VariantId},
};

/// State of a display (陈列状态).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    async_graphql::Enum,
)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(24))", rename_all = "snake_case")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DisplayState {
    /// It stands there (在架).
    Installed,
    /// Something else stands there now (已替换).
    Replaced,
    /// It was taken away (已下架).
    Removed,
}

/// A row of `display`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "display")]
pub struct Model {
    /// Identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DisplayId,
    /// In which showroom.
    pub showroom_id: ShowroomId,
    /// In which slot of it.
    pub slot_id: SlotId,
    /// Which of its places side by side, from one on.
    pub facing: i32,
    /// What it is sold as.
    pub offer_id: OfferId,
    /// What it is.
    pub variant_id: VariantId,
    /// How it is shown, sold and handed over.
    pub pattern: StorePattern,
    /// What the piece is by law; none: a picture.
    pub class: Option<UnitClass>,
    /// The balance that the piece is held of; none: a picture.
    pub balance_id: Option<StockBalanceId>,
    /// The number on the piece, where it has one.
    pub serial: Option<String>,
    /// What its price tag says, in minor units; none: it has none.
    pub tag_minor: Option<i64>,
    /// The currency of that.
    pub tag_currency: Option<Currency>,
    /// Counts up with every price tag; a device says which one it changes.
    pub tag_version: i32,
    /// State.
    pub state: DisplayState,
    /// Who put it there.
    pub installed_by: String,
    /// When.
    pub installed_at: DateTimeUtc,
    /// Who took it away.
    pub ended_by: Option<String>,
    /// When.
    pub ended_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What is wrong with a slot (陈列问题).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, serde::Serialize, async_graphql::Enum)]
pub enum GapKind {
    /// Fewer of it stand there than planned (缺面).
    Missing,
    /// Something stands there that is not planned there (错放).
    Unplanned,
    /// More of it stand there than planned (多面).
    Extra,
    /// Its price tag says another price than it is offered at (价签过期).
    StalePrice,
    /// It is not offered any more (已下线).
    NotOffered,
    /// It is offered, but none of it is left (已售罄).
    SoldOut,
    /// Little of it is left (库存偏低).
    RunningLow,
}

/// What is wrong with a slot, of which variant, and of how many pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "what they are named")]
pub struct Gap {
    pub slot: SlotId,
    pub kind: GapKind,
    pub variant: VariantId,
    pub pieces: i32,
}

/// How what stands there is offered now (实时报价).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// What it costs on the shelf in the currency of its price tag, in minor units, import taxes included; none: it is not
    /// offered in it.
    pub price: Option<i64>,
    /// How much of it is left; none: it is not sold from stock.
    pub left: Option<i64>,
}

impl Now {
    /// What is wrong with how much of it is left, when that is not more than `low`.
    pub fn short(&self, low: i64) -> Option<GapKind> {
        match (self.price, self.left) {
            (Some(_), Some(..=0)) => Some(GapKind::SoldOut),
            (Some(_), Some(left)) if left <= low => Some(GapKind::RunningLow),
            _ => None,
        }
    }
}

/// The gaps of a floor: what the planogram in force has, where there is one, what stands there, and what each of these
/// costs now.
pub fn gaps<'a>(
    planned: Option<&BTreeMap<SlotId, Planned>>,
    standing: impl IntoIterator<Item = (&'a Model, Now)>,
    low: i64,
) -> Vec<Gap> {
    let mut there: BTreeMap<(SlotId, VariantId), i32> = BTreeMap::new();
    let mut wrong: BTreeMap<(SlotId, GapKind, VariantId), i32> = BTreeMap::new();
    for (display, now) in standing {
        let key = (display.slot_id, display.variant_id);
        *there.entry(key).or_default() += 1;
        let stale = matches!((now.price, display.tag_minor), (Some(price), Some(tag)) if price != tag);
        let found =
            [now.price.is_none().then_some(GapKind::NotOffered), stale.then_some(GapKind::StalePrice), now.short(low)];
        for kind in found.into_iter().flatten() {
            *wrong.entry((key.0, kind, key.1)).or_default() += 1;
        }
    }
    for (slot, (variant, facings)) in planned.into_iter().flatten() {
        let has = there.get(&(*slot, *variant)).copied().unwrap_or_default();
        let kind = if has < *facings { GapKind::Missing } else { GapKind::Extra };
        if has != *facings {
            wrong.insert((*slot, kind, *variant), (facings - has).abs());
        }
    }
    let strange = |slot: &SlotId, variant: &VariantId| {
        planned.is_some_and(|all| all.get(slot).is_none_or(|(planned, _)| planned != variant))
    };
    for ((slot, variant), has) in there.iter().filter(|((slot, variant), _)| strange(slot, variant)) {
        wrong.insert((*slot, GapKind::Unplanned, *variant), *has);
    }
    wrong.into_iter().map(|((slot, kind, variant), pieces)| Gap { slot, kind, variant, pieces }).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn slot(n: u128) -> SlotId {
        SlotId(Uuid::from_u128(n))
    }

    fn variant(n: u128) -> VariantId {
        VariantId(Uuid::from_u128(n))
    }

    fn standing(in_slot: u128, of: u128, tag: Option<i64>) -> Model {
        Model {
            id: DisplayId(Uuid::nil()),
            showroom_id: ShowroomId(Uuid::nil()),
            slot_id: slot(in_slot),
            facing: 1,
            offer_id: OfferId(Uuid::nil()),
            variant_id: variant(of),
            pattern: StorePattern::ExperienceOrder,
            class: None,
            balance_id: None,
            serial: None,
            tag_minor: tag,
            tag_currency: tag.map(|_| Currency::CNY),
            tag_version: 1,
            state: DisplayState::Installed,
            installed_by: "t".into(),
            installed_at: DateTimeUtc::UNIX_EPOCH,
            ended_by: None,
            ended_at: None,
        }
    }

    #[test]
    fn a_floor_that_is_not_as_planned_says_where_and_of_what() {
        use GapKind::{Extra, Missing, NotOffered, RunningLow, SoldOut, StalePrice, Unplanned};
        let at = |price: i64| Now { price: Some(price), left: Some(4) };
        let planned: BTreeMap<SlotId, Planned> = [(1, (1, 2)), (2, (2, 1)), (3, (3, 1))]
            .into_iter()
            .map(|(of, (what, facings))| (slot(of), (variant(what), facings)))
            .collect();
        let rows = [
            (standing(1, 1, Some(100)), at(100)),
            // The wrong one, at an old price.
            (standing(1, 9, Some(100)), Now { left: Some(0), ..at(120) }),
            (standing(2, 2, None), at(5)),
            (standing(2, 2, None), Now::default()),
            // Nothing is planned there.
            (standing(4, 9, Some(7)), Now { left: Some(3), ..at(7) }),
        ];
        let found: Vec<_> = gaps(Some(&planned), rows.iter().map(|(row, now)| (row, *now)), 3)
            .into_iter()
            .map(|gap| (gap.slot.0.as_u128(), gap.kind, gap.variant.0.as_u128(), gap.pieces))
            .collect();
        let expected = [
            (1, Missing, 1, 1),
            (1, Unplanned, 9, 1),
            (1, StalePrice, 9, 1),
            (1, SoldOut, 9, 1),
            (2, Extra, 2, 1),
            (2, NotOffered, 2, 1),
            (3, Missing, 3, 1),
            (4, Unplanned, 9, 1),
            (4, RunningLow, 9, 1),
        ];
        assert_eq!(found, expected);
        // Without a planogram only prices are wrong.
        let found = gaps(None, rows.iter().map(|(row, now)| (row, *now)), 3);
        assert_eq!(found.iter().map(|gap| gap.kind).collect::<Vec<_>>(), [StalePrice, SoldOut, NotOffered, RunningLow]);
    }
}
