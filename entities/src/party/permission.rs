//! Who may do what, as one table ([`RULES`]) and one function ([`may`]).
//!
//! The table says who may at all. What of it exists for someone is the business of each query's
//! `visible_to`: what may not be seen is absent before this is asked. `api/permissions.md` is made of it.

use super::{MemberRole as R, OrganisationRole, Viewer, machine_client::Scope, viewer::Actor};
use crate::values::id::{OrganisationId, PersonId};

/// What can be done (操作).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Read what is public, and of one's own what its list shows.
    ReadPublic,
    /// Register, sign in, refresh a session.
    SignIn,
    /// See and end one's own sessions, act for another organisation, change one's password.
    KeepSessions,
    /// Give and see one's own name and resident ID.
    KeepIdentity,
    /// Find consumers by their resident ID, shown masked.
    FindIdentities,
    /// Note what the base of identities said of a consumer.
    VerifyIdentities,
    /// Read a consumer's name and resident ID in clear; audited.
    RevealIdentity,
    /// Register an organisation, accept an invitation, leave.
    JoinOrganisation,
    /// Change names, codes and addresses of an organisation.
    KeepOrganisation,
    /// Add and remove bank accounts.
    KeepBankAccounts,
    /// Say which roles an organisation plays.
    AssignOrganisationRoles,
    /// Read bank accounts, masked.
    ReadBankAccounts,
    /// Read the number of a bank account in clear; audited.
    RevealBankAccount,
    /// Read who the members are.
    ReadMembers,
    /// Invite members, change their roles.
    KeepMembers,
    /// Invite an owner into an organisation that has none.
    BringFirstOwner,
    /// Remove a member, or leave.
    RemoveMembers,
    /// Read machine clients and their public keys.
    ReadMachineClients,
    /// Make machine clients, change what they may, turn their keys.
    KeepMachineClients,
    /// Read filings that one has, or may see.
    ReadFilings,
    /// Write and submit a filing, grant views of it.
    WriteFiling,
    /// Return, approve, suspend and resume filings, note agencies' numbers.
    DecideFiling,
    /// Describe products and propose changes of them.
    DescribeProducts,
    /// Publish and reject products, decide proposed changes.
    DecideProducts,
    /// Make and change offers.
    MakeOffers,
    /// Make and change categories and brands.
    KeepVocabulary,
    /// Make tariff rows, lines of the positive list, policies of the zone.
    KeepTradeRules,
    /// Read what lies where, and how it came there.
    ReadStock,
    /// Make locations, take goods in, move them, take moves back, decide about counts, keep the account book.
    KeepStock,
    /// Count, ask for transfers, ship and receive them; who works in showrooms, in the places of its own.
    HandleStock,
    /// Keep one's cart and ask for quotes; a guest's too.
    KeepCart,
    /// Place orders, pay them, cancel them, take goods in; for an organisation when it is acted for.
    PlaceOrders,
    /// Approve orders of one's organisation.
    ApproveOrders,
    /// Say from which amount on orders of one's organisation need an approver.
    KeepApprovalRules,
    /// Read orders that one placed, that one's organisation buys or sells.
    ReadOrders,
    /// Send off and cancel what one's organisation sells, say what is in its bundles.
    FulfilOrders,
    /// Give other organisations credit.
    GiveCredit,
    /// Read what is declared of one's orders, and filings of goods.
    ReadDeclarations,
    /// Send papers of declarations again, say how direct imports come.
    KeepDeclarations,
    /// Report that exports arrived at the site that one's organisation runs, or left the country with it.
    MoveExports,
    /// Sum up the export lists of a month.
    SummariseExports,
    /// Say who does what at customs for a seller.
    ArrangeCustoms,
    /// File goods with customs.
    FileGoods,
    /// Approve, return, suspend filings of goods.
    DecideGoodsFilings,
    /// Give the papers of a declaration that one's organisation speaks for: orders, payments, waybills.
    GiveCustomsPapers,
    /// Report to customs which parcels came into one's site.
    ReportDeliveries,
    /// Read raw messages to and from customs.
    ReadCustomsMessages,
    /// Read tax bills and the guarantee of one's organisation.
    ReadGuarantees,
    /// Note what is put into a guarantee, and which tax bills were paid.
    KeepGuarantees,
    /// Read shipments that one's organisation sends, gets or carries, that one gets oneself.
    ReadShipments,
    /// Pack shipments, send them out of the gate, plan their way.
    PackShipments,
    /// Seal a shipment, attach proofs.
    HandleShipments,
    /// Hold a shipment at the gate, and let it go.
    HoldShipments,
    /// Report what happens to shipments that one's organisation carries.
    ReportTracking,
    /// Declare in error what one's organisation reported of shipments; as the zone's operator, what anyone did.
    CorrectTracking,
    /// Read in clear who takes a shipment in; audited.
    RevealShipments,
    /// Say how a carrier is reached.
    KeepCarriers,
    /// Read payments, refunds, receipts of the bank, payouts, the commission rules.
    ReadPayments,
    /// Give money back, take receipts of the bank, make payouts.
    KeepPayments,
    /// Say what the commission is.
    SetCommission,
    /// Read what is owed to one's organisation, and the ledger of it.
    ReadBalances,
    /// Read the inside of showrooms: their floor, planograms, displays, figures.
    ReadShowrooms,
    /// Open and close showrooms.
    OpenShowrooms,
    /// Keep a showroom: its team, its floor, its planograms.
    KeepShowrooms,
    /// Work in a showroom: put things into slots, walk rounds, count.
    WorkShowrooms,
    /// Book visits of showrooms for oneself.
    BookVisits,
    /// Say how many people come through the doors of a showroom.
    CountVisitors,
    /// Read what one's organisation asks of suppliers, buys, takes in and owes, and what it delivers.
    ReadProcurement,
    /// Ask suppliers for quotations, compare them, award, make agreements and orders.
    SourceGoods,
    /// Quote, ask about what is asked, take orders on: the supplier's side.
    QuoteGoods,
    /// Approve orders to suppliers, bring agreements into force.
    ApprovePurchases,
    /// Say who approves what, which limits and tolerances there are, which suppliers are blocked and how they are scored.
    KeepPurchaseRules,
    /// Take in what was ordered, inspect it, send it back.
    ReceivePurchases,
    /// Record invoices of suppliers, approve those that match, debit, report what was paid; on both sides.
    RecordInvoices,
    /// Let an invoice through that does not match, for a reason.
    OverrideMatches,
    /// Read what is to come to one's organisation, and what it is asked to confirm.
    ReadReceivables,
    /// Bring receivables along, ask debtors to confirm them, note what was paid, credited and set off; on both sides.
    KeepReceivables,
    /// Say for a debtor what it pays: confirm, dispute and reject receivables, upload what it owes.
    ConfirmReceivables,
    /// Read programmes, limits and requests of financing that one's organisation has to do with.
    ReadFinancing,
    /// Ask for money on receivables, see what one would get.
    RequestFinancing,
    /// Take an offer of a financier, or not.
    AcceptFinancing,
    /// Draw up programmes, limits and offers of a financier, look at requests.
    MakeFinancing,
    /// Approve what another person of the financier drew up.
    CheckFinancing,
    /// Put what is known of a receivable into a signed package: its seller, or the financier that is asked for money on it.
    MakeEvidence,
    /// Note who belongs together, with whom nobody deals, what the tax authority said of invoices.
    KeepStanding,
    /// Attach files to what is asked, quoted, ordered and billed.
    AttachProcurementFiles,
    /// Read webhook endpoints and their deliveries.
    ReadWebhooks,
    /// Make and change webhook endpoints, turn their secrets, replay deliveries.
    KeepWebhooks,
    /// Read the change feed of one's organisation.
    ReadFeed,
    /// Read the audit.
    ReadAudit,
    /// Read jobs that were given up.
    ReadDeadLetters,
    /// Replay or discard jobs that were given up.
    KeepDeadLetters,
}

/// A circle of people or programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everyone, signed in or not.
    Anyone,
    /// The person whom it concerns, for itself.
    Oneself,
    /// A member, in one of these roles, of the organisation whom it concerns.
    Own(&'static [R]),
    /// A machine client of that organisation, with this scope.
    Machine(Scope),
    /// A member, in one of these roles, of the organisation that runs the platform.
    Zone(&'static [R]),
}

const CATALOG: &[Who] =
    &[Who::Own(&[R::Owner, R::CatalogManager]), Who::Machine(Scope::Catalog), Who::Zone(&[R::Operator])];
const OVERSIGHT: &[Who] = &[Who::Own(&[R::Owner, R::Auditor]), Who::Zone(&[R::Operator, R::Auditor])];
/// Whoever works at the desk and the gate of a warehouse.
const DESK: &[R] = &[R::Owner, R::CatalogManager, R::Receiver, R::ShowroomManager];
/// Whoever works for a carrier, or takes in what carriers bring to a site.
const CREW: &[R] = &[R::Owner, R::Receiver];
const OPERATOR: &[Who] = &[Who::Zone(&[R::Operator])];

/// The table. What has no row may nobody.
pub const RULES: &[(Action, &[Who])] = &[
    (Action::ReadPublic, &[Who::Anyone]),
    (Action::SignIn, &[Who::Anyone]),
    (Action::KeepSessions, &[Who::Oneself]),
    (Action::KeepIdentity, &[Who::Oneself]),
    (Action::FindIdentities, OPERATOR),
    (Action::VerifyIdentities, OPERATOR),
    (Action::RevealIdentity, &[Who::Oneself, Who::Zone(&[R::Operator])]),
    (Action::JoinOrganisation, &[Who::Oneself]),
    (Action::KeepOrganisation, &[Who::Own(&[R::Owner]), Who::Zone(&[R::Operator])]),
    (Action::KeepBankAccounts, &[Who::Own(&[R::Owner])]),
    (Action::AssignOrganisationRoles, OPERATOR),
    (
        Action::ReadBankAccounts,
        &[Who::Own(&[R::Owner, R::AccountsClerk, R::Auditor]), Who::Zone(&[R::Operator, R::Auditor])],
    ),
    (Action::RevealBankAccount, &[Who::Own(&[R::Owner, R::AccountsClerk])]),
    (Action::ReadMembers, &[Who::Own(R::ALL), Who::Zone(&[R::Operator, R::Auditor])]),
    (Action::KeepMembers, &[Who::Own(&[R::Owner])]),
    (Action::BringFirstOwner, OPERATOR),
    (Action::RemoveMembers, &[Who::Oneself, Who::Own(&[R::Owner])]),
    (Action::ReadMachineClients, OVERSIGHT),
    (Action::KeepMachineClients, &[Who::Own(&[R::Owner])]),
    (
        Action::ReadFilings,
        &[Who::Oneself, Who::Own(R::ALL), Who::Machine(Scope::Filings), Who::Zone(&[R::Operator, R::Auditor])],
    ),
    (Action::WriteFiling, &[Who::Oneself, Who::Own(&[R::Owner])]),
    (Action::DecideFiling, OPERATOR),
    (Action::DescribeProducts, CATALOG),
    (Action::DecideProducts, OPERATOR),
    (Action::MakeOffers, CATALOG),
    (Action::KeepVocabulary, OPERATOR),
    (Action::KeepTradeRules, OPERATOR),
    (
        Action::ReadStock,
        &[
            Who::Own(&[
                R::Owner,
                R::CatalogManager,
                R::Receiver,
                R::ShowroomStaff,
                R::ShowroomManager,
                R::AccountsClerk,
                R::Auditor,
            ]),
            Who::Machine(Scope::Stock),
            Who::Zone(&[R::Operator, R::Auditor]),
        ],
    ),
    (Action::KeepCart, &[Who::Anyone]),
    (Action::PlaceOrders, &[Who::Oneself, Who::Own(&[R::Owner, R::Purchaser])]),
    (Action::ApproveOrders, &[Who::Own(&[R::Owner, R::Approver])]),
    (Action::KeepApprovalRules, &[Who::Own(&[R::Owner])]),
    (Action::ReadOrders, &[Who::Oneself, Who::Own(R::ALL), Who::Zone(&[R::Operator, R::Auditor])]),
    (Action::FulfilOrders, &[Who::Own(&[R::Owner, R::CatalogManager, R::Receiver, R::ShowroomManager])]),
    (
        Action::ReadShipments,
        &[Who::Oneself, Who::Own(R::ALL), Who::Machine(Scope::Logistics), Who::Zone(&[R::Operator, R::Auditor])],
    ),
    (Action::PackShipments, &[Who::Own(DESK), Who::Machine(Scope::Logistics)]),
    (Action::HandleShipments, &[Who::Own(DESK), Who::Machine(Scope::Logistics)]),
    (Action::HoldShipments, &[Who::Own(DESK), Who::Zone(&[R::Operator])]),
    (Action::ReportTracking, &[Who::Own(CREW), Who::Machine(Scope::Logistics)]),
    (Action::CorrectTracking, &[Who::Own(CREW), Who::Machine(Scope::Logistics), Who::Zone(&[R::Operator])]),
    (Action::RevealShipments, &[Who::Own(CREW)]),
    (Action::KeepCarriers, &[Who::Own(&[R::Owner]), Who::Zone(&[R::Operator])]),
    (Action::GiveCredit, &[Who::Own(&[R::Owner, R::AccountsClerk])]),
    (Action::KeepStock, &[Who::Own(&[R::Owner, R::Receiver, R::ShowroomManager]), Who::Machine(Scope::Stock)]),
    (
        Action::HandleStock,
        &[Who::Own(&[R::Owner, R::Receiver, R::ShowroomStaff, R::ShowroomManager]), Who::Machine(Scope::Stock)],
    ),
    (Action::ReadDeclarations, &[Who::Oneself, Who::Own(R::ALL), Who::Zone(&[R::Operator, R::Auditor])]),
    (
        Action::KeepDeclarations,
        &[Who::Own(&[R::Owner, R::CatalogManager, R::Receiver, R::ShowroomManager]), Who::Zone(&[R::Operator])],
    ),
    (Action::MoveExports, &[Who::Own(CREW)]),
    (Action::SummariseExports, OPERATOR),
    (Action::ArrangeCustoms, &[Who::Own(&[R::Owner]), Who::Zone(&[R::Operator])]),
    (Action::FileGoods, CATALOG),
    (Action::DecideGoodsFilings, OPERATOR),
    // Operators speak for the platform.
    (
        Action::GiveCustomsPapers,
        &[
            Who::Own(&[R::Owner, R::Receiver, R::AccountsClerk]),
            Who::Zone(&[R::Operator]),
            Who::Machine(Scope::Customs),
        ],
    ),
    (Action::ReportDeliveries, &[Who::Own(CREW), Who::Machine(Scope::Customs)]),
    (Action::ReadCustomsMessages, &[Who::Zone(&[R::Operator, R::Auditor])]),
    (
        Action::ReadGuarantees,
        &[Who::Own(&[R::Owner, R::AccountsClerk, R::Auditor]), Who::Zone(&[R::Operator, R::AccountsClerk, R::Auditor])],
    ),
    (Action::KeepGuarantees, &[Who::Zone(&[R::Operator, R::AccountsClerk])]),
    (Action::ReadPayments, &[Who::Zone(&[R::Operator, R::AccountsClerk, R::Auditor])]),
    (Action::KeepPayments, &[Who::Zone(&[R::Operator, R::AccountsClerk])]),
    (Action::SetCommission, OPERATOR),
    (
        Action::ReadBalances,
        &[Who::Own(&[R::Owner, R::AccountsClerk, R::Auditor]), Who::Zone(&[R::Operator, R::AccountsClerk, R::Auditor])],
    ),
    (
        Action::ReadShowrooms,
        &[
            Who::Own(&[R::Owner, R::CatalogManager, R::ShowroomStaff, R::ShowroomManager, R::Auditor]),
            Who::Zone(&[R::Operator, R::Auditor]),
        ],
    ),
    (Action::OpenShowrooms, &[Who::Own(&[R::Owner])]),
    (Action::KeepShowrooms, &[Who::Own(&[R::Owner, R::ShowroomManager])]),
    (Action::WorkShowrooms, &[Who::Own(&[R::Owner, R::ShowroomStaff, R::ShowroomManager])]),
    (Action::BookVisits, &[Who::Oneself]),
    (
        Action::CountVisitors,
        &[Who::Own(&[R::Owner, R::ShowroomStaff, R::ShowroomManager]), Who::Machine(Scope::Footfall)],
    ),
    (
        Action::ReadProcurement,
        &[
            Who::Own(&[
                R::Owner,
                R::CatalogManager,
                R::Purchaser,
                R::Approver,
                R::Receiver,
                R::AccountsClerk,
                R::Auditor,
            ]),
            Who::Machine(Scope::Procurement),
            Who::Zone(&[R::Operator, R::Auditor]),
        ],
    ),
    (Action::SourceGoods, &[Who::Own(&[R::Owner, R::Purchaser])]),
    (Action::QuoteGoods, &[Who::Own(&[R::Owner, R::CatalogManager])]),
    (Action::ApprovePurchases, &[Who::Own(&[R::Owner, R::Approver])]),
    (Action::KeepPurchaseRules, &[Who::Own(&[R::Owner])]),
    (Action::ReceivePurchases, &[Who::Own(&[R::Owner, R::Receiver]), Who::Machine(Scope::Stock)]),
    (Action::RecordInvoices, &[Who::Own(&[R::Owner, R::AccountsClerk])]),
    (Action::OverrideMatches, &[Who::Own(&[R::Owner, R::Approver])]),
    (
        Action::AttachProcurementFiles,
        &[Who::Own(&[R::Owner, R::CatalogManager, R::Purchaser, R::Receiver, R::AccountsClerk])],
    ),
    (
        Action::ReadReceivables,
        &[
            Who::Own(&[
                R::Owner,
                R::CatalogManager,
                R::Purchaser,
                R::Approver,
                R::Receiver,
                R::AccountsClerk,
                R::BankMaker,
                R::BankChecker,
                R::Auditor,
            ]),
            Who::Machine(Scope::Procurement),
            Who::Zone(&[R::Operator, R::Auditor]),
        ],
    ),
    (
        Action::ReadFinancing,
        &[
            Who::Own(&[R::Owner, R::AccountsClerk, R::Approver, R::BankMaker, R::BankChecker, R::Auditor]),
            Who::Zone(&[R::Operator, R::Auditor]),
        ],
    ),
    (Action::RequestFinancing, &[Who::Own(&[R::Owner, R::AccountsClerk])]),
    (Action::AcceptFinancing, &[Who::Own(&[R::Owner])]),
    (Action::MakeFinancing, &[Who::Own(&[R::Owner, R::BankMaker])]),
    (Action::CheckFinancing, &[Who::Own(&[R::Owner, R::BankChecker])]),
    (Action::MakeEvidence, &[Who::Own(&[R::Owner, R::AccountsClerk, R::BankMaker, R::BankChecker])]),
    (Action::KeepStanding, OPERATOR),
    (Action::KeepReceivables, &[Who::Own(&[R::Owner, R::AccountsClerk])]),
    // Who signs for a debtor approves what it pays.
    (Action::ConfirmReceivables, &[Who::Own(&[R::Owner, R::Approver])]),
    (Action::ReadWebhooks, &[Who::Own(&[R::Owner, R::Auditor]), Who::Machine(Scope::Webhooks)]),
    (Action::KeepWebhooks, &[Who::Own(&[R::Owner]), Who::Machine(Scope::Webhooks)]),
    (Action::ReadFeed, &[Who::Own(&[R::Owner, R::Auditor]), Who::Machine(Scope::Feed)]),
    (Action::ReadAudit, OVERSIGHT),
    (Action::ReadDeadLetters, &[Who::Zone(&[R::Operator, R::Auditor])]),
    (Action::KeepDeadLetters, OPERATOR),
];

/// Whom a thing concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// The organisation; none: the one that the viewer acts for.
    pub organisation: Option<OrganisationId>,
    /// The person; none: the viewer itself.
    pub person: Option<PersonId>,
}

impl Resource {
    /// Whatever is the viewer's own: whether it may at all.
    pub const OWN: Self = Self { organisation: None, person: None };

    /// A thing of an organisation.
    pub fn of(organisation: OrganisationId) -> Self {
        Self { organisation: Some(organisation), person: None }
    }

    /// A thing of a person.
    pub fn of_person(person: PersonId) -> Self {
        Self { organisation: None, person: Some(person) }
    }
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It needs somebody who signed in.
    Unauthenticated,
    /// Somebody signed in, but may not.
    Forbidden,
}

/// Whether `viewer` may do this to that.
pub fn may(viewer: &Viewer, action: Action, to: Resource) -> Result<(), Denial> {
    let circles = RULES.iter().find(|(ruled, _)| *ruled == action).map_or(&[][..], |(_, who)| who);
    if circles.iter().any(|who| within(viewer, *who, to)) {
        Ok(())
    } else if viewer.signed_in() {
        Err(Denial::Forbidden)
    } else {
        Err(Denial::Unauthenticated)
    }
}

fn within(viewer: &Viewer, who: Who, to: Resource) -> bool {
    // A thing of a person is no organisation's, whoever the viewer acts for, and the other way round.
    let own = to.person.is_none() && viewer.organisation().is_some_and(|own| to.organisation.is_none_or(|o| o == own));
    match who {
        Who::Anyone => true,
        Who::Oneself => {
            to.organisation.is_none() && viewer.person().is_some_and(|own| to.person.is_none_or(|p| p == own))
        }
        Who::Own(roles) => own && viewer.has_any(roles),
        Who::Machine(scope) => {
            let machine = matches!(viewer.actor, Actor::Machine(_));
            own && machine && viewer.acting.as_ref().is_some_and(|a| a.scopes.contains(&scope))
        }
        Who::Zone(roles) => viewer.has_zone(roles),
    }
}

impl Who {
    /// The circle as the documentation names it.
    pub fn told(self) -> String {
        let all = |roles: &[R]| roles.iter().map(|r| r.name()).collect::<Vec<_>>().join(", ");
        match self {
            Self::Anyone => "everyone".into(),
            Self::Oneself => "the person itself".into(),
            Self::Own(roles) if roles.len() == R::ALL.len() => "every member of the organisation".into(),
            Self::Own(roles) => format!("the organisation's {}", all(roles)),
            Self::Machine(scope) => format!("its machine clients with `{}`", scope.as_str()),
            Self::Zone(roles) => format!("the zone's {}", all(roles)),
        }
    }
}

/// Whether members of an organisation that plays `kinds` may have `role`.
pub fn fits(role: R, kinds: impl IntoIterator<Item = OrganisationRole>) -> bool {
    role.needs().is_none_or(|needed| kinds.into_iter().any(|kind| kind == needed))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{party::Acting, values::id::MachineClientId};

    fn id(n: u128) -> OrganisationId {
        OrganisationId(uuid::Uuid::from_u128(n))
    }

    fn member(organisation: u128, kind: OrganisationRole, role: R) -> Viewer {
        let acting = Acting {
            organisation: id(organisation),
            kinds: BTreeSet::from([kind]),
            roles: BTreeSet::from([role]),
            approval_level: 0,
            scopes: BTreeSet::new(),
        };
        Viewer { actor: Actor::Person(PersonId(uuid::Uuid::from_u128(organisation + 100))), acting: Some(acting) }
    }

    #[test]
    fn every_action_has_one_row() {
        for (n, (action, who)) in RULES.iter().enumerate() {
            assert!(!who.is_empty(), "{action:?}");
            assert!(RULES[..n].iter().all(|(other, _)| other != action), "{action:?} has two rows");
        }
    }

    #[test]
    fn roles_count_in_their_own_organisation_and_operators_only_on_the_platform() {
        use OrganisationRole::{Platform, Seller};
        let owner = member(1, Seller, R::Owner);
        let operator = member(9, Platform, R::Operator);
        // A role that its organisation's kind does not carry is worth nothing.
        let false_operator = member(1, Seller, R::Operator);
        let clerk = member(1, Seller, R::AccountsClerk);
        let table = [
            (&owner, Action::KeepMembers, Resource::of(id(1)), Ok(())),
            (&owner, Action::KeepMembers, Resource::of(id(2)), Err(Denial::Forbidden)),
            (&owner, Action::KeepMembers, Resource::OWN, Ok(())),
            (&clerk, Action::KeepMembers, Resource::OWN, Err(Denial::Forbidden)),
            (&clerk, Action::RevealBankAccount, Resource::of(id(1)), Ok(())),
            (&operator, Action::RevealBankAccount, Resource::of(id(1)), Err(Denial::Forbidden)),
            (&operator, Action::DecideFiling, Resource::of(id(1)), Ok(())),
            (&false_operator, Action::DecideFiling, Resource::of(id(1)), Err(Denial::Forbidden)),
            (&owner, Action::KeepIdentity, Resource::of_person(PersonId(uuid::Uuid::from_u128(101))), Ok(())),
            (
                &owner,
                Action::KeepIdentity,
                Resource::of_person(PersonId(uuid::Uuid::from_u128(102))),
                Err(Denial::Forbidden),
            ),
        ];
        for (viewer, action, to, expected) in table {
            assert_eq!(may(viewer, action, to), expected, "{viewer:?} {action:?} {to:?}");
        }
        let nobody = Viewer::anonymous();
        for (action, who) in RULES {
            let expected = if who.contains(&Who::Anyone) { Ok(()) } else { Err(Denial::Unauthenticated) };
            assert_eq!(may(&nobody, *action, Resource::OWN), expected, "anonymous {action:?}");
        }
    }

    #[test]
    fn a_machine_does_what_its_scopes_say_and_nothing_of_a_person() {
        let acting = Acting {
            organisation: id(1),
            kinds: BTreeSet::new(),
            roles: BTreeSet::new(),
            approval_level: 0,
            scopes: BTreeSet::from([Scope::Feed]),
        };
        let machine = Viewer { actor: Actor::Machine(MachineClientId(uuid::Uuid::nil())), acting: Some(acting) };
        for (action, who) in RULES {
            let expected = who.contains(&Who::Anyone) || *action == Action::ReadFeed;
            assert_eq!(may(&machine, *action, Resource::OWN).is_ok(), expected, "{action:?}");
        }
        assert!(may(&machine, Action::ReadFeed, Resource::of(id(2))).is_err(), "another organisation's feed");
    }
}
