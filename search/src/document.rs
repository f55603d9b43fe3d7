//! What an index knows of a thing.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What kind of thing can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A product (商品).
    Product,
    /// An organisation (组织).
    Organisation,
    /// A brand (品牌).
    Brand,
    /// A category (类目).
    Category,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Product, Self::Organisation, Self::Brand, Self::Category];

    /// Its name in the index.
    pub fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Organisation => "organisation",
            Self::Brand => "brand",
            Self::Category => "category",
        }
    }

    /// The kind of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What finds can be narrowed by and are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    /// Category ids, each with all above it.
    Category,
    /// Brand ids.
    Brand,
    /// Organisation ids of active offers.
    Seller,
    /// Countries of variants.
    Origin,
    /// Ways of supply of active offers.
    SupplyMode,
    /// Specialty industries.
    Tag,
    /// Whether it can be bought now.
    Availability,
    /// States of a product.
    Status,
    /// HS codes, each with its prefixes of 2, 4, 6 and 8 digits.
    Hs,
    /// Roles of an organisation.
    Role,
    /// Where an organisation sits.
    Place,
}

impl Facet {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Category,
        Self::Brand,
        Self::Seller,
        Self::Origin,
        Self::SupplyMode,
        Self::Tag,
        Self::Availability,
        Self::Status,
        Self::Hs,
        Self::Role,
        Self::Place,
    ];

    /// Its name in the index.
    pub fn name(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::Brand => "brand",
            Self::Seller => "seller",
            Self::Origin => "origin",
            Self::SupplyMode => "supply_mode",
            Self::Tag => "tag",
            Self::Availability => "availability",
            Self::Status => "status",
            Self::Hs => "hs",
            Self::Role => "role",
            Self::Place => "place",
        }
    }
}

/// What an index knows of a thing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Document {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub kind: Kind,
    /// Whether everyone may find it.
    pub public: bool,
    /// The organisation that may find it beside everyone.
    pub owner: Option<Uuid>,
    /// Names by language.
    pub names: BTreeMap<String, String>,
    /// What else names it: brand, categories, variants, specialty industries.
    pub words: Vec<String>,
    /// Descriptions.
    pub body: Vec<String>,
    /// GTIN, HS codes, article numbers: found by how they begin.
    pub codes: Vec<String>,
    /// What it is narrowed and counted by.
    pub facets: BTreeMap<Facet, Vec<String>>,
    /// Lowest price by currency, in minor units.
    pub prices: BTreeMap<String, i64>,
    /// Its place in the order by newest, milliseconds.
    pub listed_at: i64,
    /// Its place in the order by name for Chinese readers.
    pub sort_zh: String,
    /// Its place in the order by name for everyone else.
    pub sort_en: String,
}

impl Document {
    /// A short mark of the whole content, by which an index is compared with the database.
    pub fn stamp(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}
