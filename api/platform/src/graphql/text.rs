//! Texts in several languages, as they are sent and shown.

use async_graphql::{InputObject, SimpleObject};
use entities::values::{ErrorCode, Locale, Localized, Refusal};

use crate::error::Error;

/// A text in one language (译文).
#[derive(Clone, Debug, SimpleObject)]
pub struct Translation {
    /// Language tag: `zh-CN`, `en`, `bo`, ….
    locale: String,
    /// The text.
    text: String,
}

/// A text in one language that is sent (译文).
#[derive(Clone, Debug, InputObject)]
pub struct TranslationInput {
    /// Language tag: `zh-CN`, `en`, `bo`, ….
    locale: String,
    /// The text; empty takes the language away.
    text: String,
}

/// All languages of a text.
pub fn translations(text: &Localized) -> Vec<Translation> {
    text.0.iter().map(|(locale, text)| Translation { locale: locale.to_string(), text: text.clone() }).collect()
}

/// Most languages of one text.
const MAX_LANGUAGES: usize = 20;

/// The text that was sent.
pub fn localized(sent: Option<Vec<TranslationInput>>, field: &str) -> Result<Localized, Error> {
    let mut text = Localized::default();
    if sent.as_ref().is_some_and(|sent| sent.len() > MAX_LANGUAGES) {
        return Err(Refusal::new(ErrorCode::TooMany).with("max", MAX_LANGUAGES.to_string()).at(field).into());
    }
    for (index, translation) in sent.unwrap_or_default().into_iter().enumerate() {
        let locale: Locale =
            translation.locale.parse().map_err(|r: Refusal| r.at("locale").at(index.to_string()).at(field))?;
        text.0.insert(locale, translation.text);
    }
    Ok(text)
}
