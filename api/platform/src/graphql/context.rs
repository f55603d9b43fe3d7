//! Typed access to what a request carries. `api::graphql::Gateway` puts all of it into every request.

use std::net::IpAddr;

use async_graphql::{Context, Result, Value};
use entities::{
    party::{Action, Resource, Viewer},
    values::{Locale, Localized, id::SessionId},
};

use crate::{
    app::{App, Call, allowed},
    error::Error,
    responses::Reads,
};

/// The session that a request comes in, and from where.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin {
    /// The session.
    pub session: Option<SessionId>,
    /// The address of the caller.
    pub address: Option<IpAddr>,
}

/// The field of every input that a repeat is known by.
const ID: &str = "clientMutationId";

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
    /// What notes what the answer is made of.
    fn reads(&self) -> &Reads;
    /// The session that the request comes in.
    fn session(&self) -> Option<SessionId>;
    /// Where the request comes from.
    fn address(&self) -> Option<IpAddr>;
    /// Refuses who may not do this at all, whatever it is done to. Every root field begins with this or
    /// with [`ContextExt::call`]; what it is done to is looked at in the operation.
    fn may(&self, action: Action) -> Result<(), Error>;
    /// The same for a mutation, whose repeats are known by the `clientMutationId` of its input.
    fn call(&self, action: Action) -> Result<Call, Error>;
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

    fn reads(&self) -> &Reads {
        self.data_unchecked::<Reads>()
    }

    fn session(&self) -> Option<SessionId> {
        self.data_unchecked::<Origin>().session
    }

    fn address(&self) -> Option<IpAddr> {
        self.data_unchecked::<Origin>().address
    }

    fn may(&self, action: Action) -> Result<(), Error> {
        allowed(self.viewer(), action, Resource::OWN)
    }

    fn call(&self, action: Action) -> Result<Call, Error> {
        self.may(action)?;
        let arguments = self.field().arguments().map_err(|e| Error::BadInput(e.message))?;
        let input = arguments.into_iter().find(|(name, _)| name == "input").map(|(_, input)| input);
        let Some(Value::Object(mut input)) = input else { return Ok(Call::by(self.viewer().clone())) };
        match input.shift_remove(ID) {
            Some(Value::String(id)) => {
                // The order in which a client writes its fields makes no other request.
                let asked = canonical(&Value::Object(input));
                Call::known_as(
                    self.app().vault(),
                    self.viewer().clone(),
                    &id,
                    &format!("{} {asked}", self.field().name()),
                )
            }
            _ => Ok(Call::by(self.viewer().clone())),
        }
    }

    fn wants_total(&self) -> bool {
        self.look_ahead().field("totalCount").exists()
    }
}

/// A value as text, with the fields of objects in one order.
fn canonical(value: &Value) -> serde_json::Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.to_string(), canonical(value))).collect(),
        Value::List(values) => values.iter().map(canonical).collect(),
        other => other.clone().into_json().unwrap_or_default(),
    }
}
