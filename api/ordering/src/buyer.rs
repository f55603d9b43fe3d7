//! Who buys, and whose cart it is.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entities::{
    ordering::pricing::BuyerKind,
    party::{Action, Resource, Viewer},
    values::{
        ErrorCode, Refusal,
        id::{OrganisationId, PersonId},
    },
};
use platform::{
    app::{App, allowed},
    error::Error,
    vault::{Vault, random},
};

/// Who buys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buyer {
    /// Whose cart, as the table has it.
    pub owner: String,
    /// The person, when it is known.
    pub person: Option<PersonId>,
    /// The organisation that it buys for.
    pub organisation: Option<OrganisationId>,
}

/// Letters of a guest's token: 32 random bytes.
const TOKEN_LENGTH: usize = 43;

/// A new token for a guest's cart.
pub fn new_token() -> Result<String, Error> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?))
}

impl Buyer {
    /// Who has a guest's token. Whoever has it has the cart: nothing else stands between.
    pub fn guest(vault: &Vault, token: &str) -> Result<Self, Error> {
        if token.len() != TOKEN_LENGTH {
            return Err(Refusal::new(ErrorCode::NotFound).with("value", "token").at("token").into());
        }
        Ok(Self { owner: format!("guest:{}", vault.lookup("cart", token)), person: None, organisation: None })
    }

    /// A person who signed in, buying for itself or for the organisation it acts for.
    pub fn member(viewer: &Viewer) -> Option<Self> {
        let person = viewer.person()?;
        let organisation = viewer.organisation();
        let owner = match organisation {
            Some(organisation) => format!("person:{person}@{organisation}"),
            None => format!("person:{person}"),
        };
        Some(Self { owner, person: Some(person), organisation })
    }

    /// Whose cart is meant: that of a token, else the viewer's own.
    pub fn of(app: &App, viewer: &Viewer, token: Option<&str>) -> Result<Self, Error> {
        match token {
            Some(token) => Self::guest(app.vault(), token),
            // A tool or a machine client has no cart.
            None if viewer.signed_in() => Self::member(viewer).ok_or(Error::Forbidden),
            None => Err(Error::Unauthenticated),
        }
    }

    /// Who may place orders: a person for itself, or for an organisation in the roles for it.
    pub fn placing(viewer: &Viewer) -> Result<Self, Error> {
        let to = viewer.organisation().map_or(Resource::OWN, Resource::of);
        allowed(viewer, Action::PlaceOrders, to)?;
        Self::member(viewer).ok_or(Error::Forbidden)
    }

    /// What kind of buyer it is.
    pub fn kind(&self) -> BuyerKind {
        if self.organisation.is_some() { BuyerKind::Company } else { BuyerKind::Consumer }
    }
}
