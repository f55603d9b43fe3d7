//! A row of a catalog file or of a bulk mutation: one offer of a seller for one variant of a product,
//! with as much of the product as the seller knows.
//!
//! The same columns serve CSV and JSON Lines; an absent or empty cell means "leave it as it is".
//! The columns are described for people in `deploy/catalog-file.md`.

use sea_orm::ActiveEnum;

use super::{
    lifecycle::OfferStatus,
    media::MediaKind,
    offer::SupplyMode,
    product_tag::IndustryTag,
    sheet::{Edit, MediaSpec, Patch, VariantPatch},
    terms::{PriceText, TermsPatch},
};
use crate::values::{ErrorCode, Locale, Localized, Refusal, Refusals, Slug, refusal::Check};

/// Columns with a fixed name.
const COLUMNS: [&str; 23] = [
    "seller",
    "sku",
    "product",
    "category",
    "brand",
    "tags",
    "attributes",
    "image",
    "variant",
    "gtin",
    "hs_code",
    "origin",
    "net_weight_g",
    "gross_weight_g",
    "net_volume_ml",
    "piece_count",
    "unit1",
    "unit2",
    "supply_mode",
    "prices",
    "moq",
    "multiple",
    "lead_time_days",
];
/// The column of the offer's state; apart from the others because few files have it.
const STATUS: &str = "status";
/// Columns with a language behind a colon: `name:zh-CN`.
const LOCALIZED: [&str; 3] = ["name", "description", "variant_name"];
/// The code of a product's only variant.
pub const DEFAULT_VARIANT: &str = "default";

/// One row, read but not yet held against the catalog. References are readable keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Slug of the seller; none: whoever sends the row.
    pub seller: Option<String>,
    /// The seller's article number.
    pub sku: String,
    /// Slug of the product; none: made of the name.
    pub product: Option<String>,
    /// Slug of the category.
    pub category: Option<String>,
    /// Slug of the brand.
    pub brand: Option<String>,
    /// Code of the variant, when the row names one; else [`DEFAULT_VARIANT`] or the offer's.
    pub variant: Option<String>,
    /// What the row says of the product, its one variant included; category and brand not yet resolved.
    pub patch: Patch,
    /// What it says of the offer.
    pub terms: TermsPatch,
    /// State the offer should be in.
    pub status: Option<OfferStatus>,
}

/// True when a file may have this column.
pub fn is_column(name: &str) -> bool {
    let localized = name
        .split_once(':')
        .is_some_and(|(base, locale)| LOCALIZED.contains(&base) && locale.parse::<Locale>().is_ok());
    localized || name == STATUS || COLUMNS.contains(&name)
}

impl Row {
    /// Reads a row from its named cells. Cells that are blank are left out.
    pub fn from_cells<'a>(cells: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Refusals> {
        let mut check = Check::default();
        let mut row = Self::default();
        let mut variant = VariantPatch { code: DEFAULT_VARIANT.into(), ..VariantPatch::default() };
        for (column, cell) in cells {
            let cell = cell.trim();
            if !cell.is_empty() {
                row.take(&mut check, &mut variant, column, cell);
            }
        }
        row.patch.variants.push(variant);
        check.take("sku", check_sku(&row.sku));
        check.done(row)
    }

    /// The same row, held to what [`Row::from_cells`] holds a file's rows to.
    pub fn checked(self) -> Result<Self, Refusals> {
        let mut check = Check::default();
        check.take("sku", check_sku(&self.sku));
        let keys = [
            ("product", &self.product),
            ("seller", &self.seller),
            ("category", &self.category),
            ("brand", &self.brand),
        ];
        for (field, key) in keys {
            if let Some(key) = key {
                check.take(field, slug(key));
            }
        }
        check.done(self)
    }

    fn take(&mut self, check: &mut Check, variant: &mut VariantPatch, column: &str, cell: &str) {
        let text = || Some(cell.to_owned());
        match column {
            "seller" => self.seller = check.take(column, slug(cell)),
            "sku" => cell.clone_into(&mut self.sku),
            "product" => {
                self.product = check.take(column, cell.parse::<Slug>()).map(String::from);
                self.patch.slug.clone_from(&self.product);
            }
            "category" => self.category = check.take(column, slug(cell)),
            "brand" => self.brand = check.take(column, slug(cell)),
            "tags" => self.patch.tags = check.take(column, cell.split('|').map(tag).collect()),
            "attributes" => self.patch.attributes = check.take(column, cell.split('|').map(attribute).collect()),
            "image" => {
                let image = MediaSpec { kind: MediaKind::Image, url: cell.into(), alt: Localized::default() };
                self.patch.media = Some(vec![image]);
            }
            "variant" => {
                cell.clone_into(&mut variant.code);
                self.variant = text();
            }
            "gtin" => variant.gtin = Edit::Set(cell.into()),
            "hs_code" => variant.hs_code = text(),
            "origin" => variant.origin = text(),
            "net_weight_g" => variant.net_weight_g = check.take(column, number(cell)),
            "gross_weight_g" => variant.gross_weight_g = check.take(column, number(cell)),
            "net_volume_ml" => {
                variant.net_volume_ml = check.take(column, number(cell)).map_or(Edit::Keep, Edit::Set);
            }
            "piece_count" => variant.piece_count = check.take(column, number(cell)).map_or(Edit::Keep, Edit::Set),
            "unit1" => variant.unit1 = text(),
            "unit2" => variant.unit2 = Edit::Set(cell.into()),
            "supply_mode" => self.terms.supply_mode = check.take(column, enum_value::<SupplyMode>(cell)),
            "prices" => self.terms.prices = check.take(column, cell.split(';').map(price).collect()),
            "moq" => self.terms.moq = check.take(column, number(cell)),
            "multiple" => self.terms.multiple = check.take(column, number(cell)),
            "lead_time_days" => self.terms.lead_time_days = check.take(column, number(cell)),
            STATUS => self.status = check.take(column, enum_value::<OfferStatus>(cell)),
            _ => self.take_localized(check, variant, column, cell),
        }
    }

    fn take_localized(&mut self, check: &mut Check, variant: &mut VariantPatch, column: &str, cell: &str) {
        let (base, locale) = column.split_once(':').unwrap_or((column, ""));
        let texts = match base {
            "name" => &mut self.patch.name,
            "description" => &mut self.patch.description,
            "variant_name" => &mut variant.name,
            _ => return check.0.push(wrong(column).at(column)),
        };
        if let Some(locale) = check.take(column, locale.parse::<Locale>()) {
            texts.0.insert(locale, cell.to_owned());
        }
    }
}

/// The column that a refusal's field is in: `variants.0.hsCode` of the rules is `hs_code` of a file.
pub fn column_of(field: &[String]) -> String {
    let mut steps = field.iter().map(String::as_str).filter(|step| step.parse::<usize>().is_err()).peekable();
    let in_variant = steps.next_if_eq(&"variants").is_some();
    let mut column = String::new();
    for c in steps.next().unwrap_or(if in_variant { "variant" } else { "" }).chars() {
        if c.is_ascii_uppercase() {
            column.push('_');
        }
        column.push(c.to_ascii_lowercase());
    }
    let column = match (column.as_str(), in_variant) {
        ("name", true) => "variant_name",
        ("code", true) => "variant",
        ("category_id", _) => "category",
        ("brand_id", _) => "brand",
        ("slug", _) => "product",
        ("media", _) => "image",
        (column, _) => column,
    };
    match steps.next() {
        Some(locale) if LOCALIZED.contains(&column) => format!("{column}:{locale}"),
        Some(code) if column == "attributes" => format!("{column}.{code}"),
        _ => column.to_owned(),
    }
}

/// An article number is 1 to 64 ASCII letters, digits, dots, underscores and hyphens.
pub fn check_sku(sku: &str) -> Result<(), Refusal> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if sku.is_empty() {
        return Err(Refusal::new(ErrorCode::Required));
    }
    if sku.len() <= 64 && sku.bytes().all(plain) { Ok(()) } else { Err(wrong(sku)) }
}

/// A readable key. What cannot be one is said here, before it is looked up.
fn slug(cell: &str) -> Result<String, Refusal> {
    cell.parse::<Slug>().map(String::from)
}

fn wrong(cell: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidValue).with("value", cell.chars().take(100).collect::<String>())
}

fn number(cell: &str) -> Result<i32, Refusal> {
    cell.parse().map_err(|_| wrong(cell))
}

/// Enumerations are written as the API writes them: `BONDED_IMPORT`.
fn enum_value<E: ActiveEnum<Value = String>>(cell: &str) -> Result<E, Refusal> {
    E::try_from_value(&cell.to_ascii_lowercase()).map_err(|_| wrong(cell))
}

fn tag(cell: &str) -> Result<IndustryTag, Refusal> {
    enum_value(cell.trim())
}

fn attribute(cell: &str) -> Result<(String, String), Refusal> {
    let (code, value) = cell.split_once('=').ok_or_else(|| wrong(cell))?;
    Ok((code.trim().to_owned(), value.trim().to_owned()))
}

/// `USD 119.00@50`: currency, amount, and from which quantity on.
fn price(cell: &str) -> Result<PriceText, Refusal> {
    let (currency, rest) = cell.trim().split_once(' ').ok_or_else(|| wrong(cell))?;
    let (amount, min_quantity) = match rest.split_once('@') {
        Some((amount, quantity)) => (amount, Some(number(quantity.trim())?)),
        None => (rest, None),
    };
    Ok(PriceText { currency: currency.into(), amount: amount.trim().into(), min_quantity })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_row_is_read_cell_by_cell() {
        let row = Row::from_cells([
            ("sku", "KM-01"),
            ("product", "lotus-rug"),
            ("name:zh-CN", "莲花藏毯"),
            ("name:en", " Lotus rug "),
            ("name:bo", "གདན"),
            ("tags", "TIBETAN_CARPETS_WOOL"),
            ("attributes", "material=wool|width=2000"),
            ("variant", "2x3m"),
            ("gtin", "6901234567892"),
            ("hs_code", "5701100000"),
            ("origin", "CN"),
            ("net_weight_g", "18000"),
            ("net_volume_ml", "750"),
            ("unit2", ""),
            ("supply_mode", "EXPORT_B2B"),
            ("prices", "USD 128.00; USD 119.00@50; CNY 899"),
            ("moq", "10"),
        ])
        .unwrap();
        assert_eq!(row.sku, "KM-01");
        assert_eq!(row.patch.name.0.len(), 3);
        assert_eq!(row.patch.name.exact(&Locale::en()), Some("Lotus rug"));
        assert_eq!(row.patch.attributes.as_ref().unwrap()["width"], "2000");
        assert_eq!(row.patch.variants[0].unit2, Edit::Keep, "an empty cell leaves the value");
        assert_eq!(row.patch.variants[0].net_volume_ml, Edit::Set(750));
        assert_eq!(row.terms.prices.as_ref().unwrap()[1].min_quantity, Some(50));
    }

    #[test]
    fn a_refusal_is_traced_to_its_column() {
        for (field, column) in [
            (&["variants", "0", "hsCode"][..], "hs_code"),
            (&["variants", "0", "name", "en"], "variant_name:en"),
            (&["variants"], "variant"),
            (&["name", "zh-CN"], "name:zh-CN"),
            (&["attributes", "material"], "attributes.material"),
            (&["prices", "2", "amount"], "prices"),
            (&["leadTimeDays"], "lead_time_days"),
            (&["slug"], "product"),
            (&[], ""),
        ] {
            let field: Vec<String> = field.iter().map(ToString::to_string).collect();
            assert_eq!(column_of(&field), column, "{field:?}");
        }
    }

    #[test]
    fn each_bad_cell_is_named() {
        for (column, cell) in [
            ("sku", "a b"),
            ("sku", ""),
            ("product", "No Slug"),
            ("tags", "GOLD"),
            ("attributes", "width"),
            ("net_weight_g", "1.5"),
            ("net_weight_g", "99999999999"),
            ("supply_mode", "smuggled"),
            ("prices", "128"),
            ("prices", "USD 1@x"),
            ("moq", "ten"),
            ("colour", "red"),
            ("name:xx-1", "n"),
            ("status", "SOLD"),
        ] {
            let cells = [("sku", "S-1"), (column, cell)];
            let cells = if column == "sku" { &cells[1..] } else { &cells[..] };
            let refusals = Row::from_cells(cells.iter().copied()).unwrap_err();
            assert_eq!(refusals[0].field, [column], "{column}={cell}");
        }
        assert!(is_column("name:zh-CN") && is_column("status") && is_column("gtin"));
        assert!(!is_column("name") && !is_column("name:1") && !is_column("Sku") && !is_column(""));
    }
}
