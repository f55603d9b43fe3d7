//! Which action each root field is, so that the matrix of who may what can be read as one page
//! (`api/permissions.md`) and walked by a test. What an action asks for stands in [`entities::party::permission`].

use std::fmt::Write;

use entities::party::{Action, permission::RULES};

use Action as A;

/// Every root field of the schema and its action, or one of them (`inviteMember` is also `BringFirstOwner`). A field without a row fails the test that walks them.
pub const FIELDS: &[(&str, Action)] = &[
    ("Query.node", A::ReadPublic),
    ("Query.nodes", A::ReadPublic),
    ("Query.viewer", A::ReadPublic),
    ("Query.organisations", A::ReadPublic),
    ("Query.organisation", A::ReadPublic),
    ("Query.places", A::ReadPublic),
    ("Query.products", A::ReadPublic),
    ("Query.product", A::ReadPublic),
    ("Query.categories", A::ReadPublic),
    ("Query.category", A::ReadPublic),
    ("Query.brands", A::ReadPublic),
    ("Query.brand", A::ReadPublic),
    ("Query.productChanges", A::ReadPublic),
    ("Query.search", A::ReadPublic),
    ("Query.suggest", A::ReadPublic),
    ("Query.sessions", A::KeepSessions),
    ("Query.consumerIdentities", A::FindIdentities),
    ("Query.members", A::ReadMembers),
    ("Query.invitations", A::KeepMembers),
    ("Query.machineClients", A::ReadMachineClients),
    ("Query.bankAccounts", A::ReadBankAccounts),
    ("Query.filings", A::ReadFilings),
    ("Query.filing", A::ReadFilings),
    ("Query.stockLocations", A::ReadStock),
    ("Query.stock", A::ReadStock),
    ("Query.stockHistory", A::ReadStock),
    ("Query.webhookEndpoints", A::ReadWebhooks),
    ("Query.auditTrail", A::ReadAudit),
    ("Query.changeFeed", A::ReadFeed),
    ("Query.deadLetters", A::ReadDeadLetters),
    ("Subscription.productUpdated", A::ReadPublic),
    ("Mutation.registerPerson", A::SignIn),
    ("Mutation.signIn", A::SignIn),
    ("Mutation.signInWithWechat", A::SignIn),
    ("Mutation.refreshSession", A::SignIn),
    ("Mutation.actFor", A::KeepSessions),
    ("Mutation.endSession", A::KeepSessions),
    ("Mutation.changePassword", A::KeepSessions),
    ("Mutation.setConsumerIdentity", A::KeepIdentity),
    ("Mutation.revealConsumerIdentity", A::RevealIdentity),
    ("Mutation.registerOrganisation", A::JoinOrganisation),
    ("Mutation.acceptInvitation", A::JoinOrganisation),
    ("Mutation.removeMember", A::RemoveMembers),
    ("Mutation.updateOrganisation", A::KeepOrganisation),
    ("Mutation.addBankAccount", A::KeepBankAccounts),
    ("Mutation.removeBankAccount", A::KeepBankAccounts),
    ("Mutation.revealBankAccount", A::RevealBankAccount),
    ("Mutation.assignOrganisationRoles", A::AssignOrganisationRoles),
    ("Mutation.inviteMember", A::KeepMembers),
    ("Mutation.revokeInvitation", A::KeepMembers),
    ("Mutation.changeMemberRoles", A::KeepMembers),
    ("Mutation.createMachineClient", A::KeepMachineClients),
    ("Mutation.updateMachineClient", A::KeepMachineClients),
    ("Mutation.addMachineClientKey", A::KeepMachineClients),
    ("Mutation.retireMachineClientKey", A::KeepMachineClients),
    ("Mutation.createFiling", A::WriteFiling),
    ("Mutation.updateFiling", A::WriteFiling),
    ("Mutation.submitFiling", A::WriteFiling),
    ("Mutation.grantFilingView", A::WriteFiling),
    ("Mutation.returnFiling", A::DecideFiling),
    ("Mutation.approveFiling", A::DecideFiling),
    ("Mutation.suspendFiling", A::DecideFiling),
    ("Mutation.resumeFiling", A::DecideFiling),
    ("Mutation.setFilingNumber", A::DecideFiling),
    ("Mutation.createStockLocation", A::KeepStock),
    ("Mutation.receiveStock", A::KeepStock),
    ("Mutation.transferStock", A::KeepStock),
    ("Mutation.reverseStockMove", A::KeepStock),
    ("Mutation.createProduct", A::DescribeProducts),
    ("Mutation.updateProduct", A::DescribeProducts),
    ("Mutation.proposeProduct", A::DescribeProducts),
    ("Mutation.archiveProduct", A::DescribeProducts),
    ("Mutation.withdrawProductChange", A::DescribeProducts),
    ("Mutation.publishProduct", A::DecideProducts),
    ("Mutation.rejectProduct", A::DecideProducts),
    ("Mutation.confirmProductChange", A::DecideProducts),
    ("Mutation.rejectProductChange", A::DecideProducts),
    ("Mutation.createOffer", A::MakeOffers),
    ("Mutation.updateOffer", A::MakeOffers),
    ("Mutation.changeOfferStatus", A::MakeOffers),
    ("Mutation.bulkUpsertOffers", A::MakeOffers),
    ("Mutation.createCategory", A::KeepVocabulary),
    ("Mutation.updateCategory", A::KeepVocabulary),
    ("Mutation.createBrand", A::KeepVocabulary),
    ("Mutation.updateBrand", A::KeepVocabulary),
    ("Mutation.createWebhookEndpoint", A::KeepWebhooks),
    ("Mutation.updateWebhookEndpoint", A::KeepWebhooks),
    ("Mutation.deleteWebhookEndpoint", A::KeepWebhooks),
    ("Mutation.rotateWebhookSecret", A::KeepWebhooks),
    ("Mutation.testWebhookEndpoint", A::KeepWebhooks),
    ("Mutation.replayWebhookDelivery", A::KeepWebhooks),
    ("Mutation.replayDeadLetter", A::KeepDeadLetters),
    ("Mutation.discardDeadLetter", A::KeepDeadLetters),
];

/// The matrix as a page, as it is committed in `api/permissions.md`.
pub fn matrix() -> String {
    let mut page = String::from(
        "# Who may do what\n\n\
         Generated by `chama schema --what permissions`; a test holds it against the code, another walks every field as\n\
         every kind of viewer. Everything that is not here is denied. Who is not signed in gets `UNAUTHENTICATED`, who\n\
         may not at all `FORBIDDEN`; what someone may not see does not exist for it (`null`, `NOT_FOUND`).\n\n\
         | action | who may | fields |\n|---|---|---|\n",
    );
    for (action, who) in RULES {
        let who = who.iter().map(|w| w.told()).collect::<Vec<_>>().join("; ");
        let fields = FIELDS.iter().filter(|(_, of)| of == action).map(|(field, _)| *field);
        let fields = fields.chain((*action == A::BringFirstOwner).then_some("Mutation.inviteMember"));
        let fields = fields.map(|field| format!("`{}`", field.rsplit('.').next().unwrap_or(field)));
        // Infallible: a String takes every write.
        let _ = writeln!(page, "| {action:?} | {who} | {} |", fields.collect::<Vec<_>>().join(", "));
    }
    page
}
