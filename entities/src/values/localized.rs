//! Text in several languages: zh-CN and en everywhere, further locales as data.

use std::{collections::BTreeMap, fmt, str::FromStr};

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use super::refusal::{ErrorCode, Refusal};

/// A language tag in the short form of BCP 47 (`zh-CN`, `en`, `bo`, `zh-Hant-TW`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Locale(String);

impl Locale {
    /// Simplified Chinese, the zone's own language.
    pub fn zh_cn() -> Self {
        Self("zh-CN".into())
    }

    /// English, what a foreign buyer falls back to.
    pub fn en() -> Self {
        Self("en".into())
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The language without script and region: `zh` of `zh-CN`.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// The language that an `Accept-Language` header prefers (RFC 9110 section 12.5.4).
    /// A header that says nothing usable means zh-CN.
    pub fn preferred(accept_language: &str) -> Self {
        let mut best: Option<(u32, Self)> = None;
        for part in accept_language.split(',') {
            let mut pieces = part.trim().split(';');
            let Ok(locale) = pieces.next().unwrap_or_default().trim().parse::<Self>() else { continue };
            let weight = pieces.find_map(|p| p.trim().strip_prefix("q=").map(thousandths)).unwrap_or(1000);
            // Strictly greater: of equal weights the first one named wins.
            if weight > 0 && best.as_ref().is_none_or(|(w, _)| weight > *w) {
                best = Some((weight, locale));
            }
        }
        best.map_or_else(Self::zh_cn, |(_, locale)| locale)
    }
}

/// `0.85` as 850; what cannot be read counts as nothing.
fn thousandths(q: &str) -> u32 {
    let (whole, fraction) = q.split_once('.').unwrap_or((q, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    match (whole.parse::<u32>(), digits.parse::<u32>()) {
        (Ok(w), Ok(f)) if w <= 1 => (w * 1000 + f).min(1000),
        _ => 0,
    }
}

impl FromStr for Locale {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let refused = || Refusal::new(ErrorCode::InvalidValue).with("value", text.chars().take(60).collect::<String>());
        if text.len() > 35 {
            return Err(refused());
        }
        let mut parts = text.split(['-', '_']);
        let language = parts.next().unwrap_or_default();
        if !(2..=3).contains(&language.len()) || !language.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Err(refused());
        }
        let mut tag = language.to_ascii_lowercase();
        for part in parts {
            if !(2..=8).contains(&part.len()) || !part.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return Err(refused());
            }
            tag.push('-');
            match part.len() {
                2 => tag.push_str(&part.to_ascii_uppercase()),
                4 => {
                    tag.push_str(&part[..1].to_ascii_uppercase());
                    tag.push_str(&part[1..].to_ascii_lowercase());
                }
                _ => tag.push_str(&part.to_ascii_lowercase()),
            }
        }
        Ok(Self(tag))
    }
}

impl TryFrom<String> for Locale {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        text.parse()
    }
}

impl From<Locale> for String {
    fn from(locale: Locale) -> Self {
        locale.0
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One text in several languages. Stored as a JSON object `{"zh-CN": "…", "en": "…"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(transparent)]
pub struct Localized(pub BTreeMap<Locale, String>);

impl Localized {
    /// The two languages that everything published has.
    pub fn bilingual(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self(BTreeMap::from([(Locale::zh_cn(), zh.into()), (Locale::en(), en.into())]))
    }

    /// The text in exactly this language.
    pub fn exact(&self, locale: &Locale) -> Option<&str> {
        self.0.get(locale).map(String::as_str)
    }

    /// The text a reader of `wanted` should see: the same tag, else the same language,
    /// else English, else Chinese, else whatever there is.
    pub fn read(&self, wanted: &Locale) -> Option<&str> {
        self.exact(wanted)
            .or_else(|| {
                let same = |l: &&Locale| l.language() == wanted.language();
                self.0.keys().find(same).and_then(|l| self.exact(l))
            })
            .or_else(|| self.exact(&Locale::en()))
            .or_else(|| self.exact(&Locale::zh_cn()))
            .or_else(|| self.0.values().next().map(String::as_str))
    }

    /// This text with the languages of `other` laid over it; an empty text takes a language away.
    #[must_use]
    pub fn overlaid(&self, other: &Self) -> Self {
        let mut merged = self.0.clone();
        for (locale, text) in &other.0 {
            if text.trim().is_empty() {
                merged.remove(locale);
            } else {
                merged.insert(locale.clone(), text.trim().to_owned());
            }
        }
        Self(merged)
    }

    /// True when no language has a text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_picks_the_heaviest_usable_language() {
        for (header, expected) in [
            ("", "zh-CN"),
            ("en", "en"),
            ("en-us,en;q=0.9", "en-US"),
            ("fr;q=0.2, en;q=0.8, zh-CN;q=0.75", "en"),
            ("*;q=0.5, zh_cn;q=0.1", "zh-CN"),
            ("en;q=0", "zh-CN"),
            ("en;q=9", "zh-CN"),
            ("!!, ;;, 1234", "zh-CN"),
        ] {
            assert_eq!(Locale::preferred(header).as_str(), expected, "Accept-Language: {header}");
        }
    }

    #[test]
    fn a_reader_gets_the_nearest_language() {
        let text = Localized::bilingual("藏毯", "Tibetan rug");
        for (wanted, expected) in
            [("zh-TW", "藏毯"), ("zh-CN", "藏毯"), ("en-GB", "Tibetan rug"), ("fr", "Tibetan rug")]
        {
            assert_eq!(text.read(&wanted.parse().unwrap()), Some(expected), "{wanted}");
        }
        assert_eq!(Localized::default().read(&Locale::en()), None);
    }
}
