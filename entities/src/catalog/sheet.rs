//! A product as one value, and the rule that changes it.
//!
//! Whoever describes a product (a form, a file, a proposal that waits) sends a [`Patch`] of raw texts;
//! [`Sheet::patched`] lays it over what there is and answers with a valid [`Sheet`] or with everything
//! that is wrong. Storing a sheet is the business of `catalog::store`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    attribute,
    attributes::{AttributeValue, AttributeValues},
    media::MediaKind,
    product_history::{Difference, Differences},
    product_tag::IndustryTag,
};
use crate::values::{
    CountryCode, CustomsUnit, ErrorCode, Gtin, HsCode, Locale, Localized, Refusal, Refusals, Slug,
    id::{BrandId, CategoryId},
    refusal::Check,
};

/// Longest name, in characters.
pub const MAX_NAME: usize = 200;
/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 10_000;
/// Most variants of one product.
pub const MAX_VARIANTS: usize = 100;
/// Most media of one product.
pub const MAX_MEDIA: usize = 20;
/// Most languages of one text.
pub const MAX_LOCALES: usize = 20;
/// Heaviest weight in grams: a thousand tonnes. As much for a volume in millilitres.
const MAX_WEIGHT_G: i32 = 1_000_000_000;
/// Most pieces of one variant.
const MAX_PIECES: i32 = 1_000_000;
/// Longest address of a medium.
const MAX_URL: usize = 2_000;

/// Everything that is shared about a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Readable key.
    pub slug: Slug,
    /// The leaf category it hangs on.
    pub category: CategoryId,
    /// Its brand.
    pub brand: Option<BrandId>,
    /// Name by language.
    pub name: Localized,
    /// Description by language.
    pub description: Localized,
    /// Typed attribute values.
    pub attributes: AttributeValues,
    /// Specialty industries.
    pub tags: BTreeSet<IndustryTag>,
    /// Media in the order they are shown.
    pub media: Vec<MediaSpec>,
    /// Variants in the order they are shown.
    pub variants: Vec<VariantSpec>,
}

/// A medium of a sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaSpec {
    /// Kind.
    pub kind: MediaKind,
    /// `https://…`, or a path on this server.
    pub url: String,
    /// What it shows.
    pub alt: Localized,
}

/// A variant of a sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the same fields as in `variant::Model`")]
pub struct VariantSpec {
    pub code: String,
    pub name: Localized,
    pub gtin: Option<Gtin>,
    pub hs_code: HsCode,
    pub origin: CountryCode,
    pub net_weight_g: i32,
    pub gross_weight_g: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_volume_ml: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub piece_count: Option<i32>,
    pub unit1: CustomsUnit,
    pub unit2: Option<CustomsUnit>,
}

/// What to do with a value that may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edit<T> {
    /// Leave it.
    #[default]
    Keep,
    /// Take it away.
    Clear,
    /// Put this.
    Set(T),
}

impl<T> Edit<T> {
    /// The value afterwards, given the one before.
    fn over(&self, before: Option<T>) -> Option<T>
    where
        T: Clone,
    {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value.clone()),
        }
    }
}

/// A change as it is typed: absent means unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Patch {
    /// Readable key.
    pub slug: Option<String>,
    /// The leaf category.
    pub category: Option<CategoryId>,
    /// The brand.
    pub brand: Edit<BrandId>,
    /// Names, laid over the present ones; an empty text takes a language away.
    pub name: Localized,
    /// Descriptions, likewise.
    pub description: Localized,
    /// All attributes by code; replaces the present ones.
    pub attributes: Option<BTreeMap<String, String>>,
    /// All tags; replaces the present ones.
    pub tags: Option<BTreeSet<IndustryTag>>,
    /// All media; replaces the present ones.
    pub media: Option<Vec<MediaSpec>>,
    /// Variants to change or to add, by code.
    pub variants: Vec<VariantPatch>,
}

/// A change of one variant as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the same fields as in `variant::Model`")]
pub struct VariantPatch {
    pub code: String,
    pub name: Localized,
    pub gtin: Edit<String>,
    pub hs_code: Option<String>,
    pub origin: Option<String>,
    pub net_weight_g: Option<i32>,
    pub gross_weight_g: Option<i32>,
    pub net_volume_ml: Edit<i32>,
    pub piece_count: Edit<i32>,
    pub unit1: Option<String>,
    pub unit2: Edit<String>,
}

/// What the category of a product says about it.
#[derive(Clone, Debug)]
pub struct CategoryRules {
    /// The category.
    pub id: CategoryId,
    /// Its readable key, for refusals.
    pub slug: Slug,
    /// Whether it has no subcategories.
    pub leaf: bool,
    /// The attributes its products may have, its ancestors' included.
    pub attributes: Vec<attribute::Model>,
}

impl Sheet {
    /// Lays `patch` over `base` (none: a new product). `category` describes the category that the
    /// result is in. All refusals at once, each pointing at its input field.
    pub fn patched(base: Option<&Self>, patch: &Patch, category: &CategoryRules) -> Result<Self, Refusals> {
        let mut check = Check::default();
        let empty = Localized::default();

        let name = base.map_or(&empty, |b| &b.name).overlaid(&patch.name);
        check.demand(!name.is_empty(), "name", || Refusal::new(ErrorCode::Required));
        check_texts(&mut check, "name", &name, MAX_NAME);
        let description = base.map_or(&empty, |b| &b.description).overlaid(&patch.description);
        check_texts(&mut check, "description", &description, MAX_DESCRIPTION);

        let slug = match (&patch.slug, base) {
            (Some(text), _) => check.take("slug", text.parse()),
            (None, Some(base)) => Some(base.slug.clone()),
            (None, None) => check.take("slug", made_slug(&name).ok_or_else(|| Refusal::new(ErrorCode::Required))),
        };
        check.demand(category.leaf, "category", || {
            Refusal::new(ErrorCode::CategoryNotLeaf).with("value", category.slug.as_str())
        });

        let present = base.map(|b| b.attributes.clone()).unwrap_or_default();
        let attributes = if let Some(texts) = &patch.attributes {
            typed_attributes(&mut check, texts, category)
        } else {
            // Moving to another category must not leave attributes behind that it does not have.
            for code in present.0.keys() {
                check.demand(definition(category, code).is_some(), "attributes", || not_allowed(code));
            }
            present
        };
        let media = patch.media.clone().or_else(|| base.map(|b| b.media.clone())).unwrap_or_default();
        check_media(&mut check, &media);
        let variants = patched_variants(&mut check, base.map_or(&[], |b| &b.variants), &patch.variants);

        let Some(slug) = slug else { return Err(check.0) };
        check.done(Self {
            slug,
            category: category.id,
            brand: patch.brand.over(base.and_then(|b| b.brand)),
            name,
            description,
            attributes,
            tags: patch.tags.clone().or_else(|| base.map(|b| b.tags.clone())).unwrap_or_default(),
            media,
            variants,
        })
    }

    /// What must be there before others see it: both languages of the name and a variant.
    pub fn complete(&self) -> Result<(), Refusal> {
        let mut missing = Vec::new();
        for locale in [Locale::zh_cn(), Locale::en()] {
            if self.name.exact(&locale).is_none() {
                missing.push(format!("name:{locale}"));
            }
        }
        if self.variants.is_empty() {
            missing.push("variants".into());
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::Incomplete).with("missing", missing.join(", ")))
    }

    /// What changes from `before` to this, field by field; a variant is the field `variants.<code>`.
    pub fn differences(&self, before: &Self) -> Differences {
        let (old, new) = (before.fields(), self.fields());
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let value = |fields: &BTreeMap<String, serde_json::Value>, name: &String| {
            fields.get(name).cloned().unwrap_or(serde_json::Value::Null)
        };
        Differences(
            names
                .into_iter()
                .map(|name| (name.clone(), Difference { before: value(&old, name), after: value(&new, name) }))
                .filter(|(_, d)| d.before != d.after)
                .collect(),
        )
    }

    fn fields(&self) -> BTreeMap<String, serde_json::Value> {
        use serde_json::json;
        let mut fields = BTreeMap::from([
            ("slug".to_owned(), json!(self.slug)),
            ("category".to_owned(), json!(self.category)),
            ("brand".to_owned(), json!(self.brand)),
            ("name".to_owned(), json!(self.name)),
            ("description".to_owned(), json!(self.description)),
            ("attributes".to_owned(), json!(self.attributes)),
            ("tags".to_owned(), json!(self.tags)),
            ("media".to_owned(), json!(self.media)),
        ]);
        fields.extend(self.variants.iter().map(|v| (format!("variants.{}", v.code), json!(v))));
        fields
    }
}

/// The slug of a product that is given none: made of its English name, else of whatever name it has.
pub fn made_slug(name: &Localized) -> Option<Slug> {
    name.read(&Locale::en()).and_then(Slug::of)
}

fn check_texts(check: &mut Check, field: &str, text: &Localized, max: usize) {
    check.demand(text.0.len() <= MAX_LOCALES, field, || {
        Refusal::new(ErrorCode::TooMany).with("max", MAX_LOCALES.to_string())
    });
    for (locale, words) in &text.0 {
        check.demand(words.chars().count() <= max, field, || {
            Refusal::new(ErrorCode::TooLong).with("max", max.to_string()).at(locale.as_str())
        });
        // A name is one line. PostgreSQL stores no NUL, and nobody means any other control character.
        let stray = |c: char| c.is_control() && (max == MAX_NAME || !matches!(c, '\n' | '\t'));
        check.demand(!words.contains(stray), field, || {
            Refusal::new(ErrorCode::InvalidValue).with("value", "control character").at(locale.as_str())
        });
    }
}

fn definition<'a>(category: &'a CategoryRules, code: &str) -> Option<&'a attribute::Model> {
    category.attributes.iter().find(|a| a.code == code)
}

fn not_allowed(code: &str) -> Refusal {
    Refusal::new(ErrorCode::AttributeNotAllowed).with("value", code.chars().take(100).collect::<String>())
}

fn typed_attributes(check: &mut Check, texts: &BTreeMap<String, String>, category: &CategoryRules) -> AttributeValues {
    let mut values = BTreeMap::new();
    for (code, text) in texts {
        let value =
            definition(category, code).ok_or_else(|| not_allowed(code)).and_then(|d| AttributeValue::parse(d, text));
        if let Some(value) = check.take("attributes", value.map_err(|r| r.at(code.as_str()))) {
            values.insert(code.clone(), value);
        }
    }
    AttributeValues(values)
}

fn check_media(check: &mut Check, media: &[MediaSpec]) {
    check.demand(media.len() <= MAX_MEDIA, "media", || {
        Refusal::new(ErrorCode::TooMany).with("max", MAX_MEDIA.to_string())
    });
    for (index, medium) in media.iter().enumerate() {
        let url = &medium.url;
        // `//host` would be another server's path, not ours.
        let ours = url.starts_with('/') && !url.starts_with("//");
        let plain = url.len() <= MAX_URL && !url.contains(|c: char| c.is_whitespace() || c.is_control());
        let mut inner = Check::default();
        check_texts(&mut inner, "alt", &medium.alt, MAX_NAME);
        check.0.extend(inner.0.into_iter().map(|r| r.at(index.to_string()).at("media")));
        check.demand(plain && (ours || url.starts_with("https://")), "media", || {
            let start: String = url.chars().take(100).collect();
            Refusal::new(ErrorCode::InvalidValue).with("value", start).at("url").at(index.to_string())
        });
    }
}

fn patched_variants(check: &mut Check, present: &[VariantSpec], patches: &[VariantPatch]) -> Vec<VariantSpec> {
    let mut variants = present.to_vec();
    let mut named = BTreeSet::new();
    for (index, patch) in patches.iter().enumerate() {
        let mut inner = Check::default();
        inner.demand(named.insert(patch.code.as_str()), "code", || {
            Refusal::new(ErrorCode::Duplicate).with("value", patch.code.chars().take(100).collect::<String>())
        });
        let place = variants.iter().position(|v| v.code == patch.code);
        let patched = patched_variant(&mut inner, place.map(|p| &variants[p]), patch);
        if let (Some(variant), true) = (patched, inner.0.is_empty()) {
            match place {
                Some(place) => variants[place] = variant,
                None => variants.push(variant),
            }
        }
        check.0.extend(inner.0.into_iter().map(|r| r.at(index.to_string()).at("variants")));
    }
    check.demand(variants.len() <= MAX_VARIANTS, "variants", || {
        Refusal::new(ErrorCode::TooMany).with("max", MAX_VARIANTS.to_string())
    });
    variants
}

fn patched_variant(check: &mut Check, base: Option<&VariantSpec>, patch: &VariantPatch) -> Option<VariantSpec> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
    let code_fits = (1..=40).contains(&patch.code.len()) && patch.code.bytes().all(plain);
    check.demand(code_fits, "code", || {
        Refusal::new(ErrorCode::InvalidValue).with("value", patch.code.chars().take(100).collect::<String>())
    });
    let name = base.map(|b| b.name.clone()).unwrap_or_default().overlaid(&patch.name);
    check_texts(check, "name", &name, MAX_NAME);

    let gtin = optional::<Gtin>(check, "gtin", &patch.gtin, base.and_then(|b| b.gtin.clone()));
    let unit2 = optional::<CustomsUnit>(check, "unit2", &patch.unit2, base.and_then(|b| b.unit2.clone()));
    let hs_code = required::<HsCode>(check, "hsCode", patch.hs_code.as_deref(), base.map(|b| b.hs_code.clone()));
    let origin = required::<CountryCode>(check, "origin", patch.origin.as_deref(), base.map(|b| b.origin.clone()));
    let unit1 = required::<CustomsUnit>(check, "unit1", patch.unit1.as_deref(), base.map(|b| b.unit1.clone()));
    let net = weight(check, "netWeightG", patch.net_weight_g.or(base.map(|b| b.net_weight_g)), 1);
    let gross =
        weight(check, "grossWeightG", patch.gross_weight_g.or(base.map(|b| b.gross_weight_g)), net.unwrap_or(1));
    let net_volume_ml = patch.net_volume_ml.over(base.and_then(|b| b.net_volume_ml));
    let piece_count = patch.piece_count.over(base.and_then(|b| b.piece_count));
    stated(check, "netVolumeMl", net_volume_ml, MAX_WEIGHT_G);
    stated(check, "pieceCount", piece_count, MAX_PIECES);
    Some(VariantSpec {
        code: patch.code.clone(),
        name,
        gtin: gtin?,
        hs_code: hs_code?,
        origin: origin?,
        net_weight_g: net?,
        gross_weight_g: gross?,
        net_volume_ml,
        piece_count,
        unit1: unit1?,
        unit2: unit2?,
    })
}

/// Outer none: refused. Inner none: there is no value.
#[expect(clippy::option_option, reason = "two kinds of nothing, told apart right where they are used")]
fn optional<T: std::str::FromStr<Err = Refusal>>(
    check: &mut Check,
    field: &str,
    edit: &Edit<String>,
    before: Option<T>,
) -> Option<Option<T>> {
    match edit {
        Edit::Keep => Some(before),
        Edit::Clear => Some(None),
        Edit::Set(text) => check.take(field, text.parse()).map(Some),
    }
}

fn required<T: std::str::FromStr<Err = Refusal>>(
    check: &mut Check,
    field: &str,
    text: Option<&str>,
    before: Option<T>,
) -> Option<T> {
    let value = match text {
        Some(text) => text.parse(),
        None => before.ok_or_else(|| Refusal::new(ErrorCode::Required)),
    };
    check.take(field, value)
}

/// A number that may be absent and is not nothing.
fn stated(check: &mut Check, field: &str, n: Option<i32>, max: i32) {
    check.demand(n.is_none_or(|n| (1..=max).contains(&n)), field, || {
        Refusal::new(ErrorCode::OutOfRange).with("min", "1").with("max", max.to_string())
    });
}

fn weight(check: &mut Check, field: &str, grams: Option<i32>, min: i32) -> Option<i32> {
    let value = grams.ok_or_else(|| Refusal::new(ErrorCode::Required)).and_then(|g| {
        if (min..=MAX_WEIGHT_G).contains(&g) {
            return Ok(g);
        }
        Err(Refusal::new(ErrorCode::OutOfRange).with("min", min.to_string()).with("max", MAX_WEIGHT_G.to_string()))
    });
    check.take(field, value)
}
