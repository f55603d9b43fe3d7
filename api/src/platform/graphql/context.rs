//! Typed access to what a request carries. `crate::graphql::Gateway` puts all of it into every request.

use async_graphql::{Context, Result};
use entities::{
    party::Viewer,
    values::{Locale, Localized},
};

use crate::{app::App, platform::error::Error};

/// What every resolver may ask its context for.
pub trait ContextExt {
    /// The application.
    fn app(&self) -> &App;
    /// Who is looking.
    fn viewer(&self) -> &Viewer;
    /// The language asked for.
    fn locale(&self) -> &Locale;
    /// A text in the language asked for, or in `wanted` when a field says so.
    fn text(&self, text: &Localized, wanted: Option<&str>) -> Result<Option<String>>;
    /// Whether `totalCount` of the connection being resolved is asked for.
    fn wants_total(&self) -> bool;
}

impl ContextExt for Context<'_> {
    fn app(&self) -> &App {
        self.data_unchecked::<App>()
    }

    fn viewer(&self) -> &Viewer {
        self.data_unchecked::<Viewer>()
    }

    fn locale(&self) -> &Locale {
        self.data_unchecked::<Locale>()
    }

    fn text(&self, text: &Localized, wanted: Option<&str>) -> Result<Option<String>> {
        let read = match wanted {
            Some(tag) => {
                let locale: Locale =
                    tag.parse().map_err(|_| Error::BadInput("locale takes a language tag such as zh-CN".into()))?;
                text.read(&locale)
            }
            None => text.read(self.locale()),
        };
        Ok(read.map(str::to_owned))
    }

    fn wants_total(&self) -> bool {
        self.look_ahead().field("totalCount").exists()
    }
}
