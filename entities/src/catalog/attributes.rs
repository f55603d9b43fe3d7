//! Typed attribute values of a product, and the rule that types them.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use super::attribute::{self, AttributeKind};
use crate::values::{ErrorCode, Locale, Refusal};

/// Longest text of an attribute.
const MAX_TEXT: usize = 200;

/// A value of the type its definition asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum AttributeValue {
    /// Free text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A decimal number, normalised (`12.50` is `12.5`).
    Decimal(Decimal),
    /// Yes or no.
    Boolean(bool),
    /// The code of a choice.
    Choice(String),
}

/// The values of one product by attribute code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct AttributeValues(pub BTreeMap<String, AttributeValue>);

impl AttributeValue {
    /// Reads `text` as the definition's type.
    pub fn parse(definition: &attribute::Model, text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let value = match definition.kind {
            AttributeKind::Text => {
                let fits = !text.is_empty() && text.chars().count() <= MAX_TEXT && !text.contains(char::is_control);
                fits.then(|| Self::Text(text.to_owned()))
            }
            AttributeKind::Integer => text.parse().ok().map(Self::Integer),
            AttributeKind::Decimal => text.parse::<Decimal>().ok().map(|d| Self::Decimal(d.normalize())),
            AttributeKind::Boolean => text.parse().ok().map(Self::Boolean),
            AttributeKind::Choice => {
                let known = definition.choices.0.iter().any(|c| c.code == text);
                known.then(|| Self::Choice(text.to_owned()))
            }
        };
        value.ok_or_else(|| {
            Refusal::new(ErrorCode::AttributeMistyped)
                .with("attribute", &definition.code)
                .with("kind", definition.kind.describe(definition))
                .with("value", text.chars().take(100).collect::<String>())
        })
    }

    /// The value as it is written in inputs and files.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Choice(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Decimal(number) => number.to_string(),
            Self::Boolean(yes) => yes.to_string(),
        }
    }

    /// The value as a reader of `locale` sees it: a choice by its name, a number with its unit.
    pub fn label(&self, definition: &attribute::Model, locale: &Locale) -> String {
        match self {
            Self::Choice(code) => {
                let choice = definition.choices.0.iter().find(|c| &c.code == code);
                choice.and_then(|c| c.name.read(locale)).unwrap_or(code).to_owned()
            }
            Self::Boolean(yes) => match (locale.language() == "zh", yes) {
                (true, true) => "是".into(),
                (true, false) => "否".into(),
                (false, true) => "yes".into(),
                (false, false) => "no".into(),
            },
            Self::Text(_) | Self::Integer(_) | Self::Decimal(_) => match &definition.unit {
                Some(unit) => format!("{} {unit}", self.text()),
                None => self.text(),
            },
        }
    }
}

impl AttributeKind {
    /// What a value must look like, for a refusal.
    fn describe(self, definition: &attribute::Model) -> String {
        match self {
            Self::Text => format!("1-{MAX_TEXT} characters"),
            Self::Integer => "a whole number".into(),
            Self::Decimal => "a decimal number".into(),
            Self::Boolean => "true|false".into(),
            Self::Choice => definition.choices.0.iter().map(|c| c.code.as_str()).collect::<Vec<_>>().join("|"),
        }
    }
}
