//! Who is looking. Every operation and every query takes a [`Viewer`]; how one is proved is the
//! business of `platform::auth`.

use std::{collections::BTreeSet, fmt};

use super::{MemberRole, OrganisationRole, machine_client::Scope};
use crate::values::id::{MachineClientId, OrganisationId, PersonId};

/// Who is looking (访问者).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Who it is.
    pub actor: Actor,
    /// For which organisation it acts, and as what. None: for itself.
    pub acting: Option<Acting>,
}

/// Who someone is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Not signed in.
    Anonymous,
    /// A person who signed in.
    Person(PersonId),
    /// A machine client that proved its key.
    Machine(MachineClientId),
    /// The command line, a background job or a development token, by its name.
    Tool(String),
}

/// For which organisation someone acts, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acting {
    /// The organisation.
    pub organisation: OrganisationId,
    /// The roles that the organisation plays.
    pub kinds: BTreeSet<OrganisationRole>,
    /// The roles of the member; empty for a machine client.
    pub roles: BTreeSet<MemberRole>,
    /// Up to which level an approver decides; 0 for everyone else.
    pub approval_level: i32,
    /// What a machine client may do; empty for a member.
    pub scopes: BTreeSet<Scope>,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Machine(id) => write!(f, "client:{id}"),
            Self::Tool(name) => f.write_str(name),
        }
    }
}

impl Viewer {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self { actor: Actor::Anonymous, acting: None }
    }

    /// A stable name for the history: who did it.
    pub fn subject(&self) -> String {
        self.actor.to_string()
    }

    /// The organisation it acts for.
    pub fn organisation(&self) -> Option<OrganisationId> {
        self.acting.as_ref().map(|acting| acting.organisation)
    }

    /// The organisation whose own things it reads: any member's, a machine client's only with the scope for them.
    pub fn reads_for(&self, scope: Scope) -> Option<OrganisationId> {
        let acting = self.acting.as_ref()?;
        let machine = matches!(self.actor, Actor::Machine(_));
        (!machine || acting.scopes.contains(&scope)).then_some(acting.organisation)
    }

    /// The person, when it is one.
    pub fn person(&self) -> Option<PersonId> {
        match self.actor {
            Actor::Person(id) => Some(id),
            _ => None,
        }
    }

    /// True when it proved who it is.
    pub fn signed_in(&self) -> bool {
        self.actor != Actor::Anonymous
    }

    /// True when the organisation acted for plays this role.
    pub fn plays(&self, kind: OrganisationRole) -> bool {
        self.acting.as_ref().is_some_and(|acting| acting.kinds.contains(&kind))
    }

    /// True when it acts for its organisation in one of these roles.
    pub fn has_any(&self, roles: &[MemberRole]) -> bool {
        self.acting.as_ref().is_some_and(|acting| roles.iter().any(|role| acting.roles.contains(role)))
    }

    /// True for who only works in stores: such people do not learn who buyers are.
    pub fn only_in_stores(&self) -> bool {
        let store = |role: &MemberRole| matches!(role, MemberRole::ShowroomStaff | MemberRole::ShowroomManager);
        self.acting.as_ref().is_some_and(|acting| !acting.roles.is_empty() && acting.roles.iter().all(store))
    }

    /// True when it acts for the platform's own organisation in one of these roles.
    pub fn has_zone(&self, roles: &[MemberRole]) -> bool {
        self.plays(OrganisationRole::Platform) && self.has_any(roles)
    }

    /// True for the platform's operator.
    pub fn is_operator(&self) -> bool {
        self.has_zone(&[MemberRole::Operator])
    }

    /// True for who sees what every organisation has: the platform's operator and its auditor.
    pub fn oversees(&self) -> bool {
        self.has_zone(&[MemberRole::Operator, MemberRole::Auditor])
    }
}
