//! Who is looking. Every operation and every query takes a [`Viewer`]; how one is proved is the
//! business of `api::platform::auth`.

use crate::values::id::OrganisationId;

/// Who is looking (访问者).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// A stable name for the history: who did it.
    pub subject: String,
    /// In what standing.
    pub standing: Standing,
}

/// In what standing someone looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not signed in: sees what is public.
    Anonymous,
    /// Acts for an organisation that sells.
    Seller(OrganisationId),
    /// Acts for the platform's operator.
    Operator(OrganisationId),
}

impl Viewer {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self { subject: "anonymous".into(), standing: Standing::Anonymous }
    }

    /// The organisation it acts for.
    pub fn organisation(&self) -> Option<OrganisationId> {
        match self.standing {
            Standing::Anonymous => None,
            Standing::Seller(id) | Standing::Operator(id) => Some(id),
        }
    }

    /// True for the platform's operator.
    pub fn is_operator(&self) -> bool {
        matches!(self.standing, Standing::Operator(_))
    }
}
