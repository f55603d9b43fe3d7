//! A large, deterministic catalog for benches: the same number makes the same products everywhere.
//!
//! Rows go the way of every bulk upsert, so a seeded catalog is one that could have been imported.

use std::collections::{BTreeMap, BTreeSet};

use catalog::ops::bulk::{self, Seen};
use entities::{
    catalog::{
        SupplyMode, product,
        row::Row,
        sheet::{Edit, Patch, VariantPatch},
        terms::{PriceText, TermsPatch},
    },
    party::Viewer,
    values::Localized,
};
use platform::{app::App, cache::Topic, db::Growth, error::Error, responses::Tag};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};

/// A word in Chinese and English.
pub type Word = (&'static str, &'static str);

const MATERIALS: [Word; 12] = [
    ("羊毛", "wool"),
    ("牦牛绒", "yak down"),
    ("竹纤维", "bamboo"),
    ("不锈钢", "steel"),
    ("陶瓷", "ceramic"),
    ("青稞", "barley"),
    ("枸杞", "goji"),
    ("沙棘", "seabuckthorn"),
    ("单晶硅", "monocrystalline"),
    ("磷酸铁锂", "LFP"),
    ("镁合金", "magnesium"),
    ("丝绸", "silk"),
];
/// The first words of names, in Chinese and English.
pub const STYLES: [Word; 10] = [
    ("高原", "Highland"),
    ("河湟", "Hehuang"),
    ("雪山", "Snow Mountain"),
    ("青海湖", "Blue Lake"),
    ("丝路", "Silk Road"),
    ("昆仑", "Kunlun"),
    ("祁连", "Qilian"),
    ("三江源", "Three Rivers"),
    ("日月山", "Sun-Moon"),
    ("古城", "Old Town"),
];
/// The last words of names, in Chinese and English.
pub const THINGS: [Word; 16] = [
    ("地毯", "rug"),
    ("披肩", "shawl"),
    ("礼盒", "gift box"),
    ("挂毯", "tapestry"),
    ("毛毯", "blanket"),
    ("茶具", "tea set"),
    ("组件", "module"),
    ("电芯", "cell"),
    ("果干", "dried fruit"),
    ("面膜", "mask"),
    ("葡萄酒", "wine"),
    ("奶粉", "milk powder"),
    ("蜂蜜", "honey"),
    ("手表", "watch"),
    ("背包", "backpack"),
    ("护手霜", "hand cream"),
];
const ORIGINS: [&str; 10] = ["CN", "FR", "JP", "KR", "DE", "AU", "NZ", "US", "IT", "CL"];
const HS_CODES: [&str; 10] = [
    "5701100000",
    "6214200090",
    "0813403000",
    "8541430000",
    "8507600090",
    "3304990039",
    "2204210000",
    "1901101010",
    "0409000000",
    "9102110000",
];

/// Seeds products number `from` to `to` (excluded). `progress` is told how many are done.
pub async fn seed(app: &App, viewer: &Viewer, from: u64, to: u64, mut progress: impl FnMut(u64)) -> Result<(), Error> {
    let words = Words::load(app).await?;
    let options = bulk::Options { seller: None, publish: true };
    let mut seen = Seen::default();
    let mut growth = Growth::default();
    let mut batch = Vec::new();
    for number in from..to {
        batch.extend(words.rows(number).into_iter().map(Ok));
        if batch.len() >= bulk::MAX_ROWS || number + 1 == to {
            let tx = app.db().begin().await?;
            let results = bulk::upsert_in(&tx, viewer, &batch, options, &mut seen, app.clock().now()).await?;
            if let Some(failed) = results.iter().find(|r| !r.refusals.is_empty()) {
                return Err(Error::Refused(failed.refusals.clone()));
            }
            tx.commit().await?;
            batch.clear();
            // Numbers do not come again: nothing has to be remembered from batch to batch.
            seen = Seen::default();
            if growth.outgrown(number + 1 - from) {
                app.db().analyze().await?;
            }
            progress(number + 1 - from);
        }
    }
    app.cache().outdate(Topic::Catalog).await;
    app.responses().evict(&[Tag::All]).await;
    Ok(())
}

/// How many seeded products there are: they are made in order, so this is the next one's number.
pub async fn present(app: &App) -> Result<u64, Error> {
    let seeded = product::Entity::find()
        .filter(product::Column::Slug.gte("seed-"))
        .filter(product::Column::Slug.lt("seed."))
        .count(app.db().read());
    Ok(seeded.await?)
}

/// What the zone has to hang products on.
struct Words {
    leaves: Vec<String>,
    brands: Vec<String>,
    sellers: Vec<String>,
}

impl Words {
    async fn load(app: &App) -> Result<Self, Error> {
        use entities::{
            catalog::{brand, category},
            party::{OrganisationRole, organisation, organisation_role},
        };
        let db = app.db().read();
        let categories = category::Entity::find().order_by_asc(category::Column::Path).all(db).await?;
        let parents: BTreeSet<_> = categories.iter().filter_map(|c| c.parent_id).collect();
        let brands = brand::Entity::find().order_by_asc(brand::Column::Slug).all(db).await?;
        let sellers: Vec<_> = organisation_role::Entity::find()
            .filter(organisation_role::Column::Role.eq(OrganisationRole::Seller))
            .all(db)
            .await?
            .into_iter()
            .map(|r| r.organisation_id)
            .collect();
        let sellers = organisation::Entity::find()
            .filter(organisation::Column::Id.is_in(sellers))
            .order_by_asc(organisation::Column::Slug)
            .all(db)
            .await?;
        let words = Self {
            leaves: categories.into_iter().filter(|c| !parents.contains(&c.id)).map(|c| c.slug.into()).collect(),
            brands: brands.into_iter().map(|b| b.slug.into()).collect(),
            sellers: sellers.into_iter().map(|s| s.slug.into()).collect(),
        };
        if words.leaves.is_empty() || words.brands.is_empty() || words.sellers.is_empty() {
            return Err(Error::BadInput(
                "the zone has no categories, brands or sellers yet: chama import zone FOLDER".into(),
            ));
        }
        Ok(words)
    }

    /// The rows of product `number`: one or two variants, each offered by one or two sellers.
    fn rows(&self, number: u64) -> Vec<Row> {
        let mut dice = Dice(number);
        let (style, material, thing) = (dice.pick(&STYLES), dice.pick(&MATERIALS), dice.pick(&THINGS));
        let name = Localized::bilingual(
            format!("{}{}{} {number} 号", style.0, material.0, thing.0),
            format!("{} {} {} no. {number}", style.1, material.1, thing.1),
        );
        let description = Localized::bilingual(
            format!("{}系列{}，以{}制成，第 {number} 款。", style.0, thing.0, material.0),
            format!("A {} of the {} series, made with {}; model {number}.", thing.1, style.1, material.1),
        );
        let category = dice.pick(&self.leaves).clone();
        let brand = dice.pick(&self.brands).clone();
        let origin = *dice.pick(&ORIGINS);
        let hs_code = *dice.pick(&HS_CODES);
        let export = origin == "CN";
        let variants = 1 + u64::from(dice.roll(4) == 0);
        let first_seller = dice.roll(self.sellers.len() as u64);
        let mut rows = Vec::new();
        for variant in 0..variants {
            let sellers = 1 + u64::from(dice.roll(5) == 0);
            let grams = 100 + i32::try_from(dice.roll(20_000)).unwrap_or_default();
            let fen = 1_000 + dice.roll(500_000);
            for seller in 0..sellers {
                let place = usize::try_from((first_seller + seller) % self.sellers.len() as u64).unwrap_or_default();
                let cents = (fen + seller * 137) / 7;
                let patch = VariantPatch {
                    code: format!("v{variant}"),
                    gtin: Edit::Set(gtin(number * 2 + variant)),
                    hs_code: Some(hs_code.into()),
                    origin: Some(origin.into()),
                    net_weight_g: Some(grams),
                    gross_weight_g: Some(grams + grams / 10),
                    unit1: Some("035".into()),
                    ..VariantPatch::default()
                };
                rows.push(Row {
                    variant: Some(patch.code.clone()),
                    seller: Some(self.sellers[place].clone()),
                    sku: format!("SEED-{number}-{variant}"),
                    product: Some(format!("seed-{number}")),
                    category: Some(category.clone()),
                    brand: Some(brand.clone()),
                    patch: Patch {
                        slug: Some(format!("seed-{number}")),
                        name: name.clone(),
                        description: description.clone(),
                        tags: export.then(|| BTreeSet::from([entities::catalog::IndustryTag::PlateauPlantsAnimals])),
                        attributes: Some(BTreeMap::new()),
                        variants: vec![patch],
                        ..Patch::default()
                    },
                    terms: TermsPatch {
                        supply_mode: Some(if export { SupplyMode::ExportB2b } else { SupplyMode::BondedImport }),
                        moq: Some(1),
                        multiple: Some(1),
                        lead_time_days: Some(i32::try_from(dice.roll(3) * 7).unwrap_or_default()),
                        prices: Some(vec![
                            price("CNY", fen + seller * 137, None),
                            price("USD", cents, None),
                            price("USD", cents * 9 / 10, Some(50)),
                        ]),
                    },
                    status: None,
                });
            }
        }
        rows
    }
}

fn price(currency: &str, minor: u64, min_quantity: Option<i32>) -> PriceText {
    PriceText { currency: currency.into(), amount: format!("{}.{:02}", minor / 100, minor % 100), min_quantity }
}

/// A GTIN-13 of the range 200-299, which is for use within a company and never in trade.
fn gtin(number: u64) -> String {
    let data = format!("2{number:011}");
    let sum: u64 = data.bytes().rev().zip([3, 1].into_iter().cycle()).map(|(d, w)| u64::from(d - b'0') * w).sum();
    format!("{data}{}", (10 - sum % 10) % 10)
}

/// The splitmix64 sequence that starts at a number: scattered and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let place = usize::try_from(self.roll(from.len() as u64)).unwrap_or_default();
        &from[place]
    }
}
