//! Who may do what, walked: every root field of the schema as every kind of viewer, the answer and whether anything
//! was written. A new root field without a row fails.

use std::collections::BTreeSet;

use api::graphql::FIELDS;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::{
    party::identities::dump,
    support::{
        Backend, Client, OPERATOR, OTHER_SELLER, SELLER, TestServer, backend,
        keys::{TestKey, assertion, exchange},
        leaf, offered, published_rug, rug,
    },
};

/// What a viewer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// `UNAUTHENTICATED`.
    U,
    /// `FORBIDDEN`.
    F,
    /// It does not exist for this viewer: `NOT_FOUND`, null, or an empty list.
    N,
    /// The rules say no: another `userErrors`, or `BAD_INPUT`.
    R,
    /// It is done, or read.
    Y,
}
use Answer::{F, N, R, U, Y};

/// A root field, what it is asked with, and what it answers: to nobody, a consumer, an owner of another organisation,
/// the lowest role of this one (an exhibitor), a machine client of it with every scope, and whoever is right.
struct Row {
    field: &'static str,
    arguments: Value,
    answers: [Answer; 5],
    right: (&'static str, Answer),
}

fn row(field: &'static str, arguments: Value, answers: [Answer; 5], right: (&'static str, Answer)) -> Row {
    Row { field, arguments, answers, right }
}

/// Things of the organisation that the walk tries its hands on.
struct Things {
    organisation: Value,
    category: Value,
    brand: Value,
    draft: Value,
    proposed: Value,
    public: Value,
    change: Value,
    offer: Value,
    member: Value,
    invitation: Value,
    client: Value,
    key: Value,
    account: Value,
    filing: Value,
    endpoint: Value,
    delivery: Value,
    person: Value,
    session: Value,
    public_key: Value,
    dead: Value,
    variant: Value,
    location: Value,
    moved: Value,
    count: Value,
    transfer: Value,
    zone: Value,
    item: Value,
    inbound: Value,
    payment: Value,
    refund: Value,
    receipt: Value,
    payout: Value,
    checkout: Value,
    order: Value,
    shipment: Value,
    event: Value,
    hold: Value,
    rfq: Value,
    purchase: Value,
}

#[expect(clippy::too_many_lines, reason = "one line a root field: the matrix itself")]
fn rows(t: &Things) -> Vec<Row> {
    let id = |thing: &Value| json!({ "id": thing });
    let input = |fields: Value| json!({ "input": fields });
    let at = |thing: &Value, version: i32| json!({ "input": { "id": thing, "expectedVersion": version } });
    let with = |thing: &Value, version: i32, more: Value| {
        let mut fields = json!({ "id": thing, "expectedVersion": version });
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "input": fields })
    };
    let name = |key: &str| json!([{ "locale": "en", "text": key }, { "locale": "zh-CN", "text": key }]);
    let (owner, operator) = ("owner", "operator");
    vec![
        // What everyone reads.
        row("Query.node", id(&t.public), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.nodes", json!({ "ids": [t.draft] }), [N, N, N, Y, Y], (owner, Y)),
        row("Query.viewer", json!({}), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.organisations", json!({}), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.organisation", json!({ "by": { "id": t.organisation } }), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.places", json!({}), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.products", json!({ "filter": { "statuses": ["DRAFT"] } }), [N, N, N, Y, Y], (owner, Y)),
        row("Query.product", json!({ "by": { "id": t.draft } }), [N, N, N, Y, Y], (owner, Y)),
        row("Subscription.productUpdated", id(&t.draft), [N, N, N, Y, Y], (owner, Y)),
        row("Query.categories", json!({}), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.category", json!({ "by": { "id": t.category } }), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.brands", json!({}), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.brand", json!({ "by": { "id": t.brand } }), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.search", json!({ "query": "hehuang" }), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.suggest", json!({ "text": "河湟" }), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.productChanges", json!({}), [N, N, N, Y, Y], (owner, Y)),
        row("Query.tariffs", json!({}), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.importList", json!({}), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.zonePolicies", json!({}), [N, N, N, N, N], (owner, N)),
        row("Query.zonePolicy", json!({ "mode": "DOMESTIC", "capability": "PICK_UP" }), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.shippingRates", json!({ "sellerId": t.organisation }), [N, N, N, N, N], (owner, N)),
        row("Query.landedPrice", json!({ "offerId": t.offer }), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.myAllowances", json!({}), [U, N, N, N, F], (owner, N)),
        // One's own.
        row("Query.sessions", json!({}), [U, Y, Y, Y, F], (owner, Y)),
        row("Query.consumerIdentities", json!({ "residentId": "63010319900101001X" }), [U, F, F, F, F], (operator, Y)),
        row("Query.members", json!({ "organisationId": t.organisation }), [U, F, F, Y, F], (owner, Y)),
        row("Query.invitations", json!({ "organisationId": t.organisation }), [U, F, F, F, F], (owner, Y)),
        row("Query.machineClients", json!({ "organisationId": t.organisation }), [U, F, F, F, F], (owner, Y)),
        row("Query.bankAccounts", json!({ "organisationId": t.organisation }), [U, F, F, F, F], (owner, Y)),
        row("Query.filings", json!({}), [U, N, N, Y, Y], (owner, Y)),
        row("Query.filing", id(&t.filing), [U, N, N, Y, Y], (owner, Y)),
        row("Query.stockLocations", json!({}), [U, F, N, F, Y], (owner, Y)),
        row("Query.stock", json!({}), [U, F, N, F, Y], (owner, Y)),
        row("Query.stockHistory", json!({ "variantId": t.variant }), [U, F, N, F, Y], (owner, Y)),
        row("Query.stockCounts", json!({}), [U, F, N, F, Y], (owner, Y)),
        row("Query.stockCount", id(&t.count), [U, F, N, F, Y], (owner, Y)),
        row("Query.stockTransfers", json!({}), [U, F, N, F, Y], (owner, Y)),
        row("Query.stockTransfer", id(&t.transfer), [U, F, N, F, Y], (owner, Y)),
        row("Query.bondedItems", json!({}), [U, F, N, F, Y], (owner, Y)),
        row("Query.bondedEntries", json!({ "itemId": t.item }), [U, F, N, F, Y], (owner, Y)),
        row("Query.payments", json!({}), [U, F, F, F, F], (operator, Y)),
        row("Query.refunds", json!({ "paymentId": t.payment }), [U, F, F, F, F], (operator, Y)),
        row("Query.bankReceipts", json!({}), [U, F, F, F, F], (operator, Y)),
        row("Query.payouts", json!({}), [U, F, F, F, F], (operator, N)),
        row("Query.payoutLines", json!({ "payoutId": t.payout }), [U, F, F, F, F], (operator, N)),
        row("Query.commissionRules", json!({}), [U, F, F, F, F], (operator, N)),
        row("Query.ledgerEntries", json!({}), [U, F, N, F, F], (owner, Y)),
        row("Query.sellerBalances", json!({}), [U, F, N, F, F], (owner, Y)),
        // Showrooms: the organisation that the walk is about has none.
        row("Query.showrooms", json!({}), [N, N, N, N, N], (owner, N)),
        row("Query.showroom", id(&t.order), [N, N, N, N, N], (owner, N)),
        row("Query.scanDisplay", json!({ "code": "000000000000" }), [N, N, N, N, N], (owner, N)),
        row("Query.staffCode", json!({ "showroomId": t.order }), [U, F, N, F, F], (owner, N)),
        row("Query.planogram", id(&t.order), [U, F, N, F, F], (owner, N)),
        row("Query.planogramDiff", json!({ "afterId": t.order }), [U, F, N, F, F], (owner, N)),
        row("Query.auditRound", id(&t.order), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.openShowroom",
            input(json!({ "code": "x", "name": "x", "address": "x", "division": "630104" })),
            [U, F, F, F, F],
            (owner, F),
        ),
        row("Mutation.changeShowroom", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row("Mutation.setShowroomTeam", input(json!({ "id": t.order, "personIds": [] })), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.setShowroomSplit",
            input(json!({ "id": t.order, "showroomPpm": 1, "staffPpm": 1, "expectedVersion": 0 })),
            [U, F, F, F, F],
            (operator, N),
        ),
        row("Mutation.openShowroomDay", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row("Mutation.closeShowroomDay", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row("Mutation.drawShowroom", with(&t.order, 1, json!({ "zones": [] })), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.draftPlanogram",
            input(json!({ "showroomId": t.order, "name": "x", "positions": [] })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.drawPlanogram", with(&t.order, 1, json!({ "positions": [] })), [U, F, N, F, F], (owner, N)),
        row("Mutation.activatePlanogram", at(&t.order, 1), [U, F, N, F, F], (owner, N)),
        row("Mutation.retirePlanogram", at(&t.order, 1), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.installDisplay",
            input(json!({ "slot": "000000000000", "offerId": t.offer, "pattern": "EXPERIENCE_ORDER" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.removeDisplay", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row("Mutation.retagDisplay", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row("Mutation.openAuditRound", input(json!({ "showroomId": t.order })), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.checkSlot",
            input(json!({ "roundId": t.order, "slot": "000000000000", "verdict": "AS_PLANNED" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.finishAuditRound", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row("Query.sampleLoans", json!({}), [U, F, N, F, F], (owner, N)),
        row("Query.sampleLoan", id(&t.location), [U, F, N, F, F], (owner, N)),
        row("Query.showroomWriteOffs", json!({}), [U, F, N, F, F], (owner, N)),
        row("Query.showroomWriteOff", id(&t.location), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.changeUnitClass",
            input(
                json!({ "showroomId": t.location, "balanceId": t.location, "to": "SAMPLE", "quantity": 1, "document": "d" }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.requestSampleLoan",
            input(
                json!({ "showroomId": t.location, "borrower": { "name": "x" }, "purpose": "x", "dueOn": "2026-03-08", "deposit": { "means": "WAIVED", "waivedReason": "x" }, "lines": [] }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.lendSamples", input(id(&t.location)), [U, F, N, F, F], (owner, N)),
        row("Mutation.returnSamples", input(json!({ "id": t.location, "lines": [] })), [U, F, N, F, F], (owner, N)),
        row("Mutation.loseSampleLoan", input(json!({ "id": t.location, "reason": "x" })), [U, F, N, F, F], (owner, N)),
        row("Mutation.cancelSampleLoan", input(id(&t.location)), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.revealSampleBorrower",
            input(json!({ "id": t.location, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.requestShowroomWriteOff",
            input(json!({ "showroomId": t.location, "reason": "STOLEN", "lines": [] })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.decideShowroomWriteOff",
            input(json!({ "id": t.location, "decision": "APPROVE" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.withdrawShowroomWriteOff", input(id(&t.location)), [U, F, N, F, F], (owner, N)),
        row("Query.bondedDisplays", json!({}), [U, F, N, F, F], (owner, N)),
        row("Query.bondedDisplay", id(&t.order), [U, F, N, F, F], (owner, N)),
        row("Query.bondedDisplaysDue", json!({ "dueBefore": "2027-01-01" }), [U, F, N, F, F], (owner, N)),
        row("Query.bondedDisplayAlarms", json!({}), [U, F, N, F, F], (owner, N)),
        row("Query.displayGuarantee", json!({ "organisationId": t.organisation }), [U, F, F, F, F], (owner, Y)),
        row(
            "Mutation.applyBondedDisplay",
            input(json!({ "showroomId": t.order, "balanceId": t.order, "quantity": 1,
            "unitPrice": { "amount": "1.00", "currency": "CNY" }, "returnBy": "2026-06-01", "applicationNumber": "C" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.lockBondedDisplay", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.gateOutBondedDisplay",
            input(json!({ "id": t.order, "outboundNumber": "1", "passNumber": "1" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.cancelBondedDisplay", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.extendBondedDisplay",
            input(json!({ "id": t.order, "returnBy": "2026-06-01", "document": "d" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.shelveBondedDisplay", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.sellBondedDisplay",
            input(json!({ "id": t.order, "quantity": 1, "document": "d" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.clearBondedDisplay",
            input(json!({ "id": t.order, "quantity": 1,
            "declarationNumber": "970120260000000001" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.applyBondedDisplayReturn",
            input(json!({ "id": t.order, "applicationNumber": "C" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.gateInBondedDisplay",
            input(json!({ "id": t.order, "inboundNumber": "1", "passNumber": "1" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.transferBondedDisplay",
            input(json!({ "id": t.order, "quantity": 1, "toShowroomId": t.order,
            "document": "d" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.reportBondedDisplayLoss",
            input(json!({ "id": t.order, "quantity": 1, "cause": "LOST",
            "document": "d" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.decideBondedDisplayLoss",
            input(json!({ "partIds": [t.order], "writtenOff": true,
            "document": "d" })),
            [U, F, F, F, F],
            (operator, N),
        ),
        row(
            "Mutation.declareBondedDisplay",
            input(json!({ "partIds": [t.order],
            "declarationNumber": "970120260000000001" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.payBondedDisplayTax",
            input(json!({ "partIds": [t.order], "paymentNumber": "1" })),
            [U, F, F, F, F],
            (operator, N),
        ),
        row(
            "Mutation.closeBondedDisplay",
            input(json!({ "partIds": [t.order], "verificationNumber": "1" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.acknowledgeBondedDisplayAlarm", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.depositDisplayGuarantee",
            input(json!({ "organisationId": t.organisation,
            "amount": { "amount": "1.00", "currency": "CNY" }, "reference": "LG" })),
            [U, F, F, F, F],
            (operator, R),
        ),
        row("Query.pull", json!({ "deviceId": t.order }), [U, F, N, F, F], (owner, N)),
        row("Query.counterSales", json!({ "showroomId": t.order }), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.registerShowroomDevice",
            input(json!({ "showroomId": t.order, "name": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.leaseStock",
            input(json!({ "deviceId": t.order, "balanceId": t.order, "quantity": 1, "until": "2026-03-01T09:00:00Z" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.returnStockLease", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.pushMutations",
            input(json!({ "deviceId": t.order, "mutations": [] })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.decideCounterSale", input(json!({ "id": t.order, "accept": true })), [U, F, N, F, F], (owner, N)),
        row("Subscription.showroomFloor", id(&t.order), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.handOverOrder",
            input(json!({ "showroomId": t.order, "orderNumber": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Query.visitSlots", json!({ "showroomId": t.order }), [N, N, N, N, N], (owner, N)),
        row("Query.appointments", json!({ "showroomId": t.order }), [U, F, N, F, F], (owner, N)),
        row("Query.myAppointments", json!({}), [U, N, N, N, F], (owner, N)),
        row("Query.visits", json!({ "showroomId": t.order }), [U, F, N, F, F], (owner, N)),
        row(
            "Query.showroomFigures",
            json!({ "showroomId": t.order, "from": "2026-03-01", "to": "2026-03-01" }),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Query.showroomFiguresCsv",
            json!({ "showroomId": t.order, "from": "2026-03-01", "to": "2026-03-01" }),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.openVisitSlots",
            input(json!({ "showroomId": t.order, "slots": [] })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.closeVisitSlot", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row("Mutation.bookAppointment", input(json!({ "slotId": t.order })), [U, N, N, N, F], (owner, N)),
        row("Mutation.cancelAppointment", input(id(&t.order)), [U, N, N, N, F], (owner, N)),
        row(
            "Mutation.rescheduleAppointment",
            input(json!({ "id": t.order, "slotId": t.order })),
            [U, N, N, N, F],
            (owner, N),
        ),
        row(
            "Mutation.decideAppointment",
            input(json!({ "id": t.order, "decision": "CONFIRM" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.checkIn", input(json!({ "showroomId": t.order })), [U, F, N, F, F], (owner, N)),
        row("Mutation.checkOut", input(json!({ "visitId": t.order })), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.ingestFootfall",
            input(json!({ "showroomId": t.order, "samples": [] })),
            [U, F, N, F, N],
            (owner, N),
        ),
        // Orders: `someone` bought of the organisation that the walk is about.
        row("Query.cart", json!({}), [N, N, N, N, N], (owner, N)),
        row("Query.orders", json!({}), [U, N, N, Y, F], (owner, Y)),
        row("Query.order", id(&t.order), [U, N, N, Y, F], (owner, Y)),
        row("Subscription.orderUpdated", id(&t.order), [U, N, N, Y, F], (owner, Y)),
        row("Query.checkouts", json!({}), [U, N, N, N, F], (operator, Y)),
        row("Query.checkout", id(&t.checkout), [U, N, N, N, F], (operator, Y)),
        // Customs: nothing is declared of what the walk is about.
        row("Query.declarations", json!({}), [U, N, N, N, F], (owner, N)),
        row("Query.declaration", id(&t.order), [U, N, N, N, F], (owner, N)),
        row("Query.goodsFilings", json!({}), [U, N, N, N, F], (owner, N)),
        row("Query.customsArrangements", json!({}), [U, N, N, N, F], (owner, N)),
        row("Query.guaranteeAccount", json!({ "guarantorId": t.organisation }), [U, F, F, F, F], (owner, Y)),
        row("Query.customsMessages", json!({}), [U, F, F, F, F], (operator, N)),
        // Exports: nothing is declared of what the walk is about.
        row("Query.exportDeclarations", json!({}), [U, N, N, N, F], (owner, N)),
        row("Query.exportDeclaration", id(&t.order), [U, N, N, N, F], (owner, N)),
        row("Query.exportSummaries", json!({}), [U, N, N, N, F], (owner, N)),
        row(
            "Mutation.declareExport",
            input(json!({ "sellerId": t.organisation, "declarerId": t.organisation, "carrierId": t.organisation,
                "sale": { "mode": "PARCEL", "flag": "SUMMARY", "orderNumber": "1", "platformName": "x", "ownerName": "x",
                    "currency": "CNY", "freight": { "amount": "0", "currency": "CNY" },
                    "insurance": { "amount": "0", "currency": "CNY" }, "destination": "DE", "portOfDestination": "1",
                    "customsCode": "x", "portCode": "x", "trafMode": "5", "grossWeightG": 1, "netWeightG": 1,
                    "waybill": "1", "lines": [] } })),
            [U, F, F, F, F],
            (owner, R),
        ),
        row("Mutation.amendExport", at(&t.order, 1), [U, F, N, F, F], (owner, N)),
        row("Mutation.switchExport", at(&t.order, 1), [U, F, N, F, F], (owner, N)),
        row("Mutation.cancelExport", input(json!({ "id": t.order, "reason": "x" })), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.noteExportEntry",
            input(json!({ "id": t.order, "entryNumber": "1" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.addExportTransport",
            input(json!({ "ids": [t.order], "transport": { "vehicle": "x", "voyage": "x", "bill": "x" } })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.reportExportArrival",
            input(json!({ "ids": [t.order], "vehicle": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.reportExportDeparture",
            input(json!({ "ids": [t.order], "leftAt": "2026-01-01T00:00:00Z" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.summariseExports", input(json!({ "month": "2026-01-01" })), [U, F, F, F, F], (operator, Y)),
        row("Mutation.pushDeclaration", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.setTransport",
            input(
                json!({ "id": t.order, "vehicle": "CA1", "voyage": "1", "bill": "B", "trafMode": "5", "country": "FR" }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.inspectReturn",
            input(json!({ "id": t.order, "locationId": t.location, "asSold": true })),
            [U, F, N, F, N],
            (owner, N),
        ),
        row("Mutation.withdrawReturn", input(id(&t.order)), [U, N, N, N, F], (owner, N)),
        row(
            "Mutation.requestReturn",
            input(json!({ "id": t.order, "reason": "x", "lines": [{ "number": 1, "quantity": 1 }] })),
            [U, N, N, F, F],
            (owner, R),
        ),
        row(
            "Mutation.fileGoods",
            input(json!({ "sellerId": t.organisation, "variantId": t.variant, "mode": "BONDED_IMPORT", "itemNo": "1",
                "name": "毯", "specification": "毯", "unit": "011", "price": { "amount": "1.00", "currency": "CNY" } })),
            [U, F, F, F, R],
            (owner, R),
        ),
        row(
            "Mutation.decideGoodsFiling",
            input(json!({ "id": t.order, "decision": "APPROVE" })),
            [U, F, F, F, F],
            (operator, N),
        ),
        row(
            "Mutation.arrangeCustoms",
            input(json!({ "sellerId": t.organisation, "mode": "BONDED_IMPORT", "declarerId": t.organisation,
                "carrierId": t.organisation, "payerId": t.organisation, "guarantorId": t.organisation,
                "customsCode": "x", "portCode": "x" })),
            [U, F, F, F, F],
            (owner, R),
        ),
        row(
            "Mutation.depositGuarantee",
            input(json!({ "guarantorId": t.organisation, "amount": { "amount": "1.00", "currency": "CNY" },
                "reference": "LG" })),
            [U, F, F, F, F],
            (operator, Y),
        ),
        row(
            "Mutation.payTaxBill",
            input(json!({ "id": t.order, "paymentNumber": "1" })),
            [U, F, F, F, F],
            (operator, N),
        ),
        row("Query.deliveries", json!({}), [U, N, N, N, F], (owner, N)),
        row(
            "Mutation.reportDelivery",
            input(
                json!({ "number": "1", "customsCode": "9701", "trafMode": "5", "vehicle": "x", "voyage": "x", "bill": "x",
                "carrierId": t.organisation, "waybills": [] }),
            ),
            [U, F, R, F, R],
            (owner, R),
        ),
        row("Mutation.giveCustomsPaper", input(json!({ "message": "x" })), [U, F, R, F, R], (owner, R)),
        // Shipments: nobody of the walk carries them.
        row("Query.shipments", json!({}), [U, N, N, Y, Y], (owner, Y)),
        row("Query.pickList", json!({ "locationId": t.zone, "shipmentIds": [] }), [U, F, N, F, N], (owner, N)),
        row("Query.shipment", id(&t.shipment), [U, N, N, Y, Y], (owner, Y)),
        row("Query.trace", json!({ "by": { "document": "walk-shipment" } }), [U, Y, Y, Y, Y], (owner, Y)),
        row("Query.publicTrace", json!({ "code": "x" }), [N, N, N, N, N], (owner, N)),
        row(
            "Query.logisticsFigures",
            json!({ "carrierId": t.organisation, "from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z" }),
            [U, Y, Y, Y, Y],
            (owner, Y),
        ),
        row("Query.carrier", json!({}), [U, F, N, F, F], (owner, N)),
        row("Query.creditLimits", json!({}), [U, F, N, N, F], (owner, N)),
        row("Query.approvalRules", json!({}), [U, F, N, N, F], (owner, N)),
        row("Query.webhookEndpoints", json!({}), [U, F, N, F, Y], (owner, Y)),
        row("Query.auditTrail", json!({ "nodeId": t.draft }), [U, F, N, F, F], (owner, Y)),
        row("Query.changeFeed", json!({}), [U, F, N, F, Y], (owner, Y)),
        row("Query.deadLetters", json!({}), [U, F, F, F, F], (operator, Y)),
        // Signing in is for everyone; a refused attempt is counted, so these are the last to be asked.
        row("Mutation.actFor", input(json!({ "organisationId": t.organisation })), [U, N, N, Y, F], (owner, Y)),
        row(
            "Mutation.setConsumerIdentity",
            input(json!({ "name": "马", "residentId": "1" })),
            [U, R, R, R, F],
            (owner, R),
        ),
        row(
            "Mutation.noteIdentityCheck",
            input(json!({ "personId": t.person, "givenAt": "2026-01-01T00:00:00Z", "same": true, "source": "x" })),
            [U, F, F, F, F],
            (operator, R),
        ),
        row(
            "Mutation.revealConsumerIdentity",
            input(json!({ "personId": t.person, "reason": "x" })),
            [U, F, F, F, F],
            (operator, Y),
        ),
        row("Mutation.registerOrganisation", input(json!({ "name": [] })), [U, R, R, R, F], (owner, R)),
        row("Mutation.acceptInvitation", input(json!({ "token": "x.y" })), [U, R, R, R, F], (owner, R)),
        row("Mutation.changePassword", input(json!({ "newPassword": "short" })), [U, R, R, R, F], (owner, R)),
        row("Mutation.removeMember", input(id(&t.member)), [U, N, N, F, F], (owner, Y)),
        row(
            "Mutation.updateOrganisation",
            input(json!({ "id": t.organisation, "expectedVersion": 1 })),
            [U, F, F, F, F],
            (owner, Y),
        ),
        row(
            "Mutation.addBankAccount",
            input(
                json!({ "organisationId": t.organisation, "bank": "b", "holder": "h", "number": "6222000011112222", "currency": "CNY" }),
            ),
            [U, F, F, F, F],
            (owner, Y),
        ),
        row(
            "Mutation.revealBankAccount",
            input(json!({ "id": t.account, "reason": "x" })),
            [U, F, N, F, F],
            (owner, Y),
        ),
        row("Mutation.removeBankAccount", input(id(&t.account)), [U, F, N, F, F], (owner, Y)),
        row(
            "Mutation.assignOrganisationRoles",
            input(json!({ "id": t.organisation, "roles": ["SELLER", "SUPPLIER"] })),
            [U, F, F, F, F],
            (operator, Y),
        ),
        row(
            "Mutation.inviteMember",
            input(json!({ "organisationId": t.organisation, "contact": "x@example.com", "roles": ["RECEIVER"] })),
            [U, F, F, F, F],
            (owner, Y),
        ),
        row("Mutation.revokeInvitation", input(id(&t.invitation)), [U, F, N, F, F], (owner, Y)),
        row(
            "Mutation.changeMemberRoles",
            with(&t.member, 1, json!({ "roles": ["RECEIVER"] })),
            [U, F, N, F, F],
            // Removed above: for its owner too it is gone.
            (owner, N),
        ),
        row(
            "Mutation.createMachineClient",
            input(json!({ "name": "n", "scopes": ["CATALOG"], "key": t.public_key })),
            [U, F, Y, F, F],
            (owner, Y),
        ),
        row(
            "Mutation.addMachineClientKey",
            input(json!({ "id": t.client, "key": t.public_key })),
            [U, F, N, F, F],
            (owner, Y),
        ),
        row("Mutation.retireMachineClientKey", input(id(&t.key)), [U, F, N, F, F], (owner, Y)),
        row("Mutation.updateMachineClient", at(&t.client, 1), [U, F, N, F, F], (owner, Y)),
        row("Mutation.createFiling", input(json!({ "content": { "contactPhone": "1" } })), [U, R, R, F, F], (owner, R)),
        row(
            "Mutation.grantFilingView",
            input(json!({ "id": t.filing, "organisationId": t.organisation, "fields": [] })),
            [U, N, N, F, F],
            (owner, N),
        ),
        row("Mutation.updateFiling", with(&t.filing, 1, json!({ "content": {} })), [U, N, N, F, F], (owner, Y)),
        row("Mutation.submitFiling", at(&t.filing, 2), [U, N, N, F, F], (owner, Y)),
        row("Mutation.returnFiling", with(&t.filing, 2, json!({ "reason": "x" })), [U, F, F, F, F], (operator, R)),
        row("Mutation.approveFiling", at(&t.filing, 3), [U, F, F, F, F], (operator, Y)),
        row("Mutation.suspendFiling", with(&t.filing, 4, json!({ "reason": "x" })), [U, F, F, F, F], (operator, Y)),
        row("Mutation.resumeFiling", at(&t.filing, 5), [U, F, F, F, F], (operator, Y)),
        row(
            "Mutation.setFilingNumber",
            input(json!({ "id": t.filing, "agency": "TAX", "number": "1" })),
            [U, F, F, F, F],
            (operator, Y),
        ),
        // The catalog.
        row(
            "Mutation.createStockLocation",
            input(json!({ "code": "", "kind": "SHOWROOM", "name": "" })),
            [U, F, R, F, R],
            (owner, R),
        ),
        row(
            "Mutation.receiveStock",
            input(json!({ "locationId": t.location, "document": "d", "lines": [] })),
            [U, F, R, F, R],
            (owner, R),
        ),
        row(
            "Mutation.transferStock",
            input(
                json!({ "document": "d", "lines": [{ "balanceId": t.location, "toId": t.location, "quantity": 1 }] }),
            ),
            [U, F, N, F, N],
            (owner, N),
        ),
        row("Mutation.reverseStockMove", input(json!({ "id": t.moved, "document": "d" })), [U, F, N, F, Y], (owner, R)),
        row("Mutation.openStockCount", input(json!({ "locationId": t.location })), [U, F, N, F, Y], (owner, Y)),
        row(
            "Mutation.submitStockCount",
            input(json!({ "id": t.count, "lines": [] })),
            [U, F, N, F, Y],
            // The machine client finished it.
            (owner, R),
        ),
        row(
            "Mutation.reviewStockCount",
            input(json!({ "id": t.count, "decision": "POST" })),
            [U, F, N, F, Y],
            (owner, R),
        ),
        row("Mutation.cancelStockCount", input(id(&t.count)), [U, F, N, F, R], (owner, R)),
        row(
            "Mutation.requestStockTransfer",
            input(json!({ "toId": t.location, "document": "d", "lines": [] })),
            [U, F, R, F, R],
            (owner, R),
        ),
        row("Mutation.approveStockTransfer", input(id(&t.transfer)), [U, F, N, F, Y], (owner, R)),
        row("Mutation.shipStockTransfer", input(id(&t.transfer)), [U, F, N, F, Y], (owner, R)),
        row(
            "Mutation.receiveStockTransfer",
            input(json!({ "id": t.transfer, "lines": [] })),
            [U, F, R, F, R],
            (owner, R),
        ),
        row("Mutation.closeStockTransfer", input(id(&t.transfer)), [U, F, N, F, R], (owner, R)),
        row("Mutation.cancelStockTransfer", input(id(&t.transfer)), [U, F, N, F, R], (owner, R)),
        row(
            "Mutation.fileBondedItem",
            input(json!({ "locationId": t.zone, "book": "L9013B19A008", "number": 2, "variantId": t.variant })),
            [U, F, N, F, Y],
            (owner, R),
        ),
        row(
            "Mutation.noteBondedMovement",
            input(json!({ "itemId": t.item, "event": "PRE_INCREASE", "quantity": 1, "document": "d" })),
            [U, F, N, F, Y],
            (owner, Y),
        ),
        row("Query.inbounds", json!({}), [U, F, N, F, Y], (owner, Y)),
        row("Query.inbound", id(&t.inbound), [U, F, N, F, Y], (owner, Y)),
        // Nobody of the walk has sent a vehicle through the gate.
        row("Query.gatePasses", json!({}), [U, F, N, F, N], (owner, N)),
        row("Query.gatePass", id(&t.order), [U, F, N, F, N], (owner, N)),
        row(
            "Mutation.declareInbound",
            input(
                json!({ "locationId": t.zone, "document": "walk-2", "lines": [{ "variantId": t.variant, "quantity": 1,
                "value": { "amount": "1.00", "currency": "CNY" } }] }),
            ),
            [U, F, N, F, Y],
            (owner, R),
        ),
        row(
            "Mutation.receiveInbound",
            input(json!({ "id": t.inbound, "expectedVersion": 1, "vehicle": "x", "lines": [] })),
            [U, F, N, F, R],
            (owner, R),
        ),
        row(
            "Mutation.putAway",
            input(json!({ "id": t.inbound, "expectedVersion": 1, "lines": [] })),
            [U, F, R, F, R],
            (owner, R),
        ),
        row("Mutation.cancelInbound", input(id(&t.inbound)), [U, F, N, F, Y], (owner, R)),
        row("Mutation.writeOffStock", input(json!({ "document": "d", "lines": [] })), [U, F, R, F, R], (owner, R)),
        row("Mutation.clearStock", input(json!({ "releaseNumber": "r", "lines": [] })), [U, F, R, F, R], (owner, R)),
        row(
            "Mutation.returnStock",
            input(json!({ "document": "d", "locationId": t.location, "lines": [] })),
            [U, F, R, F, R],
            (owner, R),
        ),
        row("Mutation.setHotItem", input(json!({ "variantId": t.variant, "hot": false })), [U, F, Y, F, Y], (owner, Y)),
        // Money.
        row(
            "Mutation.refundPayment",
            input(
                json!({ "paymentId": t.payment, "amount": { "amount": "999999", "currency": "CNY" }, "reason": "x" }),
            ),
            [U, F, F, F, F],
            (operator, R),
        ),
        row(
            "Mutation.reportRefundPaid",
            input(json!({ "id": t.refund, "bankReference": "x" })),
            [U, F, F, F, F],
            (operator, R),
        ),
        row("Mutation.reportBankReceipts", input(json!({ "rows": [] })), [U, F, F, F, F], (operator, R)),
        row(
            "Mutation.matchBankReceipts",
            input(json!({ "paymentId": t.payment, "receiptIds": [t.receipt] })),
            [U, F, F, F, F],
            (operator, N),
        ),
        row(
            "Mutation.setCommissionRules",
            input(json!({ "expectedVersion": 9, "rules": [] })),
            [U, F, F, F, F],
            (operator, R),
        ),
        row("Mutation.createPayout", input(json!({ "currency": "JPY" })), [U, F, F, F, F], (operator, R)),
        row("Mutation.exportPayout", input(id(&t.payout)), [U, F, F, F, F], (operator, N)),
        row(
            "Mutation.reportPayoutPaid",
            input(json!({ "id": t.payout, "bankReference": "x" })),
            [U, F, F, F, F],
            (operator, N),
        ),
        row("Mutation.cancelPayout", input(id(&t.payout)), [U, F, F, F, F], (operator, N)),
        row("Mutation.createProduct", input(json!({ "content": {} })), [U, F, R, F, R], (owner, R)),
        row("Mutation.updateProduct", with(&t.draft, 1, json!({ "content": {} })), [U, F, N, F, Y], (owner, Y)),
        row("Mutation.proposeProduct", at(&t.draft, 1), [U, F, N, F, Y], (owner, R)),
        row("Mutation.rejectProduct", with(&t.draft, 2, json!({ "reason": "x" })), [U, F, F, F, F], (operator, Y)),
        row("Mutation.archiveProduct", at(&t.draft, 3), [U, F, N, F, Y], (owner, R)),
        row("Mutation.publishProduct", at(&t.proposed, 2), [U, F, F, F, F], (operator, Y)),
        row("Mutation.confirmProductChange", input(id(&t.change)), [U, F, F, F, F], (operator, Y)),
        row(
            "Mutation.rejectProductChange",
            input(json!({ "id": t.change, "reason": "x" })),
            [U, F, F, F, F],
            (operator, R),
        ),
        row("Mutation.withdrawProductChange", input(id(&t.change)), [U, F, N, F, R], (owner, R)),
        row(
            "Mutation.createOffer",
            input(json!({ "variantId": t.draft, "sku": "S", "terms": {} })),
            [U, F, N, F, N],
            (owner, N),
        ),
        row(
            "Mutation.updateOffer",
            with(&t.offer, 1, json!({ "terms": { "leadTimeDays": 3 } })),
            [U, F, F, F, Y],
            (owner, R),
        ),
        row(
            "Mutation.changeOfferStatus",
            with(&t.offer, 2, json!({ "status": "PAUSED" })),
            [U, F, F, F, Y],
            (owner, R),
        ),
        row("Mutation.bulkUpsertOffers", input(json!({ "rows": [] })), [U, F, Y, F, Y], (owner, Y)),
        row(
            "Mutation.setShippingRate",
            input(
                json!({ "sellerId": t.organisation, "mode": "DOMESTIC", "currency": "CNY", "firstWeightG": 0, "first": "1",
                          "stepWeightG": 1, "step": "1" }),
            ),
            [U, F, F, F, R],
            (owner, R),
        ),
        row(
            "Mutation.setTariff",
            input(json!({ "hsCode": "1", "validFrom": "2026-01-01", "mfnPpm": 0, "vatPpm": 0, "source": "s" })),
            [U, F, F, F, F],
            (operator, R),
        ),
        row(
            "Mutation.setImportListLine",
            input(json!({ "hs8": "1", "validFrom": "2026-01-01", "source": "s" })),
            [U, F, F, F, F],
            (operator, R),
        ),
        row(
            "Mutation.setZonePolicy",
            input(
                json!({ "mode": "DOMESTIC", "capability": "PICK_UP", "allowed": true, "validFrom": "2026-01-01", "source": "s" }),
            ),
            [U, F, F, F, F],
            (operator, Y),
        ),
        // Orders.
        row("Mutation.setCartLines", input(json!({ "lines": [] })), [Y, Y, Y, Y, F], (owner, Y)),
        row("Mutation.addCartPad", input(json!({ "csv": "x,x" })), [R, R, R, R, R], (owner, R)),
        row("Mutation.mergeCart", input(json!({ "token": "x" })), [U, N, N, N, U], (owner, N)),
        row("Mutation.requestQuote", input(json!({ "division": "630103" })), [U, R, R, R, F], (owner, R)),
        row(
            "Mutation.placeOrder",
            input(json!({ "quote": "x", "consignee": { "name": "x", "mobile": "13900000000", "address": "x" } })),
            [U, R, R, F, F],
            (owner, R),
        ),
        row("Mutation.approveCheckout", input(id(&t.checkout)), [U, F, N, F, F], (owner, N)),
        row("Mutation.cancelCheckout", input(id(&t.checkout)), [U, N, N, N, F], (owner, N)),
        row(
            "Mutation.payCheckout",
            input(json!({ "id": t.checkout, "provider": "SANDBOX", "method": "SANDBOX" })),
            [U, N, N, N, F],
            (owner, N),
        ),
        row("Mutation.refreshCheckout", input(id(&t.checkout)), [U, N, N, N, F], (owner, N)),
        row("Mutation.shipOrder", input(json!({ "id": t.order, "waybill": "x" })), [U, F, N, F, F], (owner, R)),
        row("Mutation.completeOrder", input(id(&t.order)), [U, N, N, F, F], (owner, F)),
        row("Mutation.cancelOrder", input(json!({ "id": t.order, "reason": "x" })), [U, N, N, F, F], (owner, R)),
        row("Mutation.reorder", input(id(&t.order)), [U, N, N, F, F], (owner, F)),
        row("Mutation.revealConsignee", input(json!({ "id": t.order, "reason": "x" })), [U, N, N, F, F], (owner, Y)),
        row(
            "Mutation.setCreditLimit",
            input(
                json!({ "buyerId": t.organisation, "sanctioned": { "amount": "1", "currency": "CNY" }, "termsDays": -1 }),
            ),
            [U, F, R, F, F],
            (owner, R),
        ),
        row("Mutation.planShipment", input(id(&t.shipment)), [U, F, N, F, Y], (owner, Y)),
        row("Mutation.packShipment", input(json!({ "id": t.shipment, "units": [] })), [U, F, N, F, R], (owner, R)),
        row("Mutation.rebookShipment", input(id(&t.shipment)), [U, F, N, F, R], (owner, R)),
        row(
            "Mutation.openGatePass",
            input(json!({ "locationId": t.zone, "vehicle": "x", "shipmentIds": [] })),
            [U, F, R, F, R],
            (owner, R),
        ),
        row("Mutation.passGate", input(json!({ "id": t.order, "parcels": [] })), [U, F, N, F, N], (owner, N)),
        row("Mutation.cancelGatePass", input(id(&t.order)), [U, F, N, F, N], (owner, N)),
        row("Mutation.gateOut", input(json!({ "id": t.shipment, "weighedG": 1 })), [U, F, N, F, R], (owner, R)),
        row(
            "Mutation.sealShipment",
            input(json!({ "id": t.shipment, "number": "S", "state": "INTACT" })),
            [U, F, N, F, Y],
            (owner, Y),
        ),
        row(
            "Mutation.attachProof",
            input(
                json!({ "id": t.shipment, "kind": "PACKING", "name": "x", "sha256": "x", "mediaType": "image/png", "size": 1,
                          "takenAt": "2026-02-01T00:00:00Z" }),
            ),
            [U, F, N, F, R],
            (owner, R),
        ),
        row(
            "Mutation.holdShipment",
            input(json!({ "id": t.shipment, "reason": "OTHER", "note": "x" })),
            [U, F, N, F, F],
            (owner, Y),
        ),
        row("Mutation.liftHold", input(id(&t.hold)), [U, F, N, F, F], (owner, Y)),
        row("Mutation.reportTracking", input(json!({ "events": [] })), [U, F, Y, F, Y], (owner, Y)),
        row(
            "Mutation.declareTrackingError",
            input(json!({ "id": t.event, "reason": "x" })),
            [U, F, N, F, F],
            // Who sends it does not say what its carrier reports.
            (owner, F),
        ),
        row("Mutation.reportTemperature", input(json!({ "samples": [] })), [U, F, Y, F, Y], (owner, Y)),
        row(
            "Mutation.revealShipmentConsignee",
            input(json!({ "id": t.shipment, "reason": "x" })),
            [U, F, N, F, F],
            (owner, Y),
        ),
        row("Mutation.setCarrier", input(json!({ "adapter": "MANUAL" })), [U, F, R, F, F], (owner, R)),
        row("Mutation.settleCredit", input(id(&t.order)), [U, F, N, F, F], (owner, R)),
        row(
            "Mutation.setApprovalRules",
            input(json!({ "rules": [{ "minimum": { "amount": "1", "currency": "CNY" }, "level": 0 }] })),
            [U, F, R, F, F],
            (owner, R),
        ),
        row("Mutation.setBundleParts", input(json!({ "offerId": t.offer, "parts": [] })), [U, F, N, F, F], (owner, Y)),
        row("Mutation.createCategory", input(json!({ "name": name("walked") })), [U, F, F, F, F], (operator, Y)),
        row("Mutation.updateCategory", at(&t.category, 1), [U, F, F, F, F], (operator, Y)),
        row("Mutation.createBrand", input(json!({ "name": name("walked") })), [U, F, F, F, F], (operator, Y)),
        row("Mutation.updateBrand", at(&t.brand, 1), [U, F, F, F, F], (operator, Y)),
        row(
            "Mutation.acceptSupplyAgreement",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.acknowledgePurchaseOrder",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.activateSupplyAgreement",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.amendPurchaseOrder",
            input(
                json!({ "id": t.order, "expectedVersion": 1, "reason": "x", "incoterm": "EXW", "namedPlace": "x", "paymentDays": 1, "lines": [] }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.answerDebitNote",
            input(json!({ "id": t.order, "expectedVersion": 1, "answer": "ACKNOWLEDGE" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.answerRfqQuestion",
            input(json!({ "questionId": t.order, "answer": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.approveSupplierInvoice",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.askRfqQuestion", input(json!({ "rfqId": t.order, "text": "x" })), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.attachProcurementFile",
            input(json!({ "subjectId": t.order, "name": "x", "mediaType": "x", "sha256": "x", "size": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.awardRfq", input(json!({ "rfqId": t.order, "lines": [] })), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.blockSupplier",
            input(json!({ "supplierId": t.order, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.cancelDebitNote",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.cancelPurchaseOrder",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.cancelRfq",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.convertAwardsToOrders", input(json!({ "rfqId": t.order })), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.discardGoodsReceipt",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, N],
            (owner, N),
        ),
        row(
            "Mutation.withdrawOrderAmendment",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.withdrawSupplierPayment",
            input(json!({ "id": t.order, "expectedVersion": 1, "reference": "x", "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.createGoodsReceipt",
            input(json!({ "orderId": t.order, "deliveryNote": "x", "lines": [] })),
            [U, F, N, F, N],
            (owner, N),
        ),
        row(
            "Mutation.createPurchaseOrder",
            input(
                json!({ "supplierId": t.order, "currency": "CNY", "incoterm": "EXW", "namedPlace": "x", "paymentDays": 1, "lines": [] }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.createRfq",
            input(json!({ "title": "x", "deadline": "2026-03-08T00:00:00Z", "currency": "CNY", "lines": [] })),
            [U, F, R, F, F],
            (owner, R),
        ),
        row(
            "Mutation.createSupplyAgreement",
            input(
                json!({ "supplierId": t.order, "content": { "kind": "BLANKET_QUANTITY", "title": "x", "currency": "CNY", "incoterm": "EXW", "namedPlace": "x", "paymentDays": 1, "validFrom": "2026-03-08", "validTo": "2026-03-08", "lines": [] } }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.decidePurchaseApproval",
            input(json!({ "id": t.order, "decision": "APPROVE" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.declineRfq", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.declineSupplyAgreement",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.disputePayable",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.endSupplyAgreement",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.extendRfqDeadline",
            input(json!({ "id": t.order, "expectedVersion": 1, "deadline": "2026-03-08T00:00:00Z" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.importUblInvoice", input(json!({ "xml": "x" })), [U, F, R, F, F], (owner, R)),
        row("Mutation.inspectGoodsReceipt", input(json!({ "id": t.order, "lines": [] })), [U, F, N, F, N], (owner, N)),
        row(
            "Mutation.inviteSuppliers",
            input(json!({ "id": t.order, "expectedVersion": 1, "supplierIds": [] })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.issueDebitNote",
            input(json!({ "invoiceId": t.order, "expectedVersion": 1, "reason": "QUANTITY", "lines": [] })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.keepComparison",
            input(
                json!({ "rfqId": t.order, "assumptions": { "currency": "CNY", "weights": { "pricePercent": 1, "leadPercent": 1, "qualityPercent": 1 } } }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.markRfqViewed", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.offerSupplyAgreement",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.openBids", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.overrideInvoiceMatch",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.postGoodsReceipt", input(json!({})), [U, F, R, F, R], (owner, R)),
        row(
            "Mutation.proposeOrderChange",
            input(json!({ "id": t.order, "expectedVersion": 1, "lines": [], "note": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.publishRfq", input(json!({ "id": t.order, "expectedVersion": 1 })), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.recordSupplierInvoice",
            input(
                json!({ "kind": "DIGITAL_VAT", "invoiceNo": "x", "issueDate": "2026-03-08", "currency": "CNY", "lines": [] }),
            ),
            [U, F, R, F, F],
            (owner, R),
        ),
        row(
            "Mutation.rejectPurchaseOrder",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.rejectSupplierInvoice",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.rematchSupplierInvoice",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.removeMatchTolerance",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.removePurchasePolicy",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.removeSpendingLimit",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.createFinancingProgramme",
            input(
                json!({ "name": "x", "technique": "FACTORING", "currency": "CNY", "terms": { "advancePpm": 800_000, "ratePpm": 54_000, "dayCount": "ACT_360", "interestTiming": "FRONT", "recourse": true, "disclosed": true }, "rules": {} }),
            ),
            [U, F, F, F, F],
            (owner, F),
        ),
        row(
            "Mutation.reviseFinancingProgramme",
            input(
                json!({ "id": t.order, "expectedVersion": 1, "name": "x", "technique": "FACTORING", "currency": "CNY", "terms": { "advancePpm": 800_000, "ratePpm": 54_000, "dayCount": "ACT_360", "interestTiming": "FRONT", "recourse": true, "disclosed": true }, "rules": {} }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.decideFinancingProgramme",
            input(json!({ "id": t.order, "expectedVersion": 1, "decision": "APPROVE" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.proposeFinancingLimit",
            input(
                json!({ "kind": "DEBTOR", "debtorId": t.organisation, "sanctioned": { "amount": "1.00", "currency": "CNY" }, "effectiveOn": "2026-03-01", "expiresOn": "2026-12-31" }),
            ),
            [U, F, F, F, F],
            (owner, F),
        ),
        row(
            "Mutation.decideFinancingLimit",
            input(json!({ "id": t.order, "expectedVersion": 1, "approve": true })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.reviewFinancingRequest",
            input(json!({ "id": t.order, "expectedVersion": 1, "review": "BEGIN" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.cancelFinancing",
            input(json!({ "id": t.order, "expectedVersion": 1, "note": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.makeFinancingOffer",
            input(json!({ "requestId": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.checkFinancingOffer",
            input(json!({ "id": t.order, "expectedVersion": 1, "approve": true })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.submitFinancingRequest",
            input(
                json!({ "programmeId": t.order, "items": [{ "receivableId": t.order }], "itemCount": 1, "controlSum": { "amount": "1.00", "currency": "CNY" }, "wantedOn": "2026-03-08" }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.replyToFinancingRequest",
            input(json!({ "id": t.order, "expectedVersion": 1, "reply": "WITHDRAW", "note": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.acceptFinancingOffer",
            input(json!({ "id": t.order, "termsSha256": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.declineFinancingOffer",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.setRelatedParties",
            input(json!({ "organisationId": t.order, "otherId": t.order, "related": true, "reason": "x" })),
            [U, F, F, F, F],
            (operator, N),
        ),
        row(
            "Mutation.setSanctioned",
            input(json!({ "organisationId": t.order, "sanctioned": true, "reason": "x" })),
            [U, F, F, F, F],
            (operator, N),
        ),
        row(
            "Mutation.recordInvoiceVerification",
            input(json!({ "id": t.order, "expectedVersion": 1, "verified": true, "reference": "x" })),
            [U, F, F, F, F],
            (operator, N),
        ),
        row("Query.financingProgrammes", json!({}), [U, F, N, F, F], (owner, N)),
        row("Query.financingProgramme", id(&t.order), [U, F, N, F, F], (owner, N)),
        row("Query.financingLimits", json!({}), [U, F, N, F, F], (owner, N)),
        row("Query.financingRequests", json!({}), [U, F, N, F, F], (owner, N)),
        row("Query.financingRequest", id(&t.order), [U, F, N, F, F], (owner, N)),
        row(
            "Query.invoiceFinanced",
            input(
                json!({ "sellerUscc": "91630103MA75AE4A44", "debtorUscc": "91630105MA75PB350Q", "invoiceKind": "OTHER", "invoiceNo": "X", "issueDate": "2026-03-01", "amount": { "amount": "1.00", "currency": "CNY" } }),
            ),
            [U, F, F, F, F],
            (owner, Y),
        ),
        row(
            "Query.eligibility",
            json!({ "programmeId": t.order, "receivableIds": [t.order] }),
            [U, F, R, F, F],
            (owner, R),
        ),
        row(
            "Query.financingQuote",
            json!({ "programmeId": t.order, "items": [{ "receivableId": t.order }] }),
            [U, F, R, F, F],
            (owner, R),
        ),
        row("Query.financingChoices", json!({ "items": [{ "receivableId": t.order }] }), [U, F, R, F, F], (owner, R)),
        row("Query.evidenceKey", json!({}), [Y, Y, Y, Y, Y], (owner, Y)),
        row("Query.evidencePackage", id(&t.order), [U, F, N, F, N], (owner, N)),
        row("Mutation.makeEvidencePackage", input(json!({ "receivableId": t.order })), [U, F, N, F, F], (owner, N)),
        row("Mutation.searchRegistry", at(&t.order, 1), [U, F, N, F, F], (owner, N)),
        row("Mutation.registerFinancing", at(&t.order, 1), [U, F, N, F, F], (owner, N)),
        row("Mutation.amendRegistration", at(&t.order, 1), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.extendRegistration",
            with(&t.order, 1, json!({ "expiresOn": "2027-03-01" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.recordFinancingContract",
            with(&t.order, 1, json!({ "number": "x", "sha256": "x", "signedOn": "2026-03-01" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.sendAssignmentNotices",
            with(&t.order, 1, json!({ "account": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.recordNoticeDelivery",
            with(&t.order, 1, json!({ "reference": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.discloseFinancing",
            with(&t.order, 1, json!({ "reason": "x", "account": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.acknowledgeAssignmentNotice",
            with(&t.order, 1, json!({ "noSetOff": true })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.objectToAssignmentNotice",
            with(&t.order, 1, json!({ "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Query.assignmentNotices", json!({}), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.reportDisbursement",
            input(
                json!({ "requestId": t.order, "termsSha256": "x", "amount": { "amount": "1.00", "currency": "CNY" }, "valueDate": "2026-03-01", "bankReference": "X" }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.reportCollections",
            input(
                json!({ "items": [{ "financingId": t.order, "payer": "DEBTOR", "amount": { "amount": "1.00", "currency": "CNY" }, "valueDate": "2026-03-01", "bankReference": "X" }], "itemCount": 1, "controlSum": { "amount": "1.00", "currency": "CNY" } }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.reportRepurchase",
            input(
                json!({ "items": [{ "financingId": t.order, "amount": { "amount": "1.00", "currency": "CNY" }, "valueDate": "2026-03-01", "bankReference": "X" }], "itemCount": 1, "controlSum": { "amount": "1.00", "currency": "CNY" } }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.reportCoverPaid",
            input(
                json!({ "items": [{ "financingId": t.order, "amount": { "amount": "1.00", "currency": "CNY" }, "valueDate": "2026-03-01", "bankReference": "X" }], "itemCount": 1, "controlSum": { "amount": "1.00", "currency": "CNY" } }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        // No id is read before it is asked whether it is a bank.
        row(
            "Mutation.reverseCollection",
            input(json!({ "bankReference": "X", "reversalReference": "Y", "valueDate": "2026-03-01", "reason": "x" })),
            [U, F, F, F, F],
            (owner, F),
        ),
        row(
            "Mutation.demandRecourse",
            input(json!({ "id": t.order, "expectedVersion": 1, "note": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.claimCover",
            input(json!({ "id": t.order, "expectedVersion": 1, "note": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.writeOffFinancing",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Query.financings", json!({}), [U, F, N, F, F], (owner, N)),
        row("Query.financing", id(&t.order), [U, F, N, F, F], (owner, N)),
        row("Query.financeLedger", json!({ "financingId": t.order }), [U, F, N, F, F], (owner, N)),
        row("Query.exposure", json!({ "by": "DEBTOR" }), [U, F, N, F, F], (owner, N)),
        row("Query.ageing", json!({}), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.importReceivables",
            input(
                json!({ "items": [{ "partyId": t.order, "invoiceKind": "OTHER", "invoiceNo": "X-1", "issueDate": "2026-02-01", "dueDate": "2026-03-01", "amount": { "amount": "1.00", "currency": "CNY" } }], "itemCount": 1, "controlSum": { "amount": "1.00", "currency": "CNY" } }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.uploadPayables",
            input(
                json!({ "items": [{ "partyId": t.order, "invoiceKind": "OTHER", "invoiceNo": "X-1", "issueDate": "2026-02-01", "dueDate": "2026-03-01", "amount": { "amount": "1.00", "currency": "CNY" } }], "itemCount": 1, "controlSum": { "amount": "1.00", "currency": "CNY" } }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.requestConfirmation", input(json!({ "receivableIds": [t.order] })), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.recallConfirmation",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.confirmReceivables",
            input(
                json!({ "items": [{ "id": t.order, "expectedVersion": 1, "amount": { "amount": "1.00", "currency": "CNY" } }], "itemCount": 1, "controlSum": { "amount": "1.00", "currency": "CNY" }, "waiverOfDefences": true }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.rejectConfirmation",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.disputeReceivable",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.settleReceivableDispute",
            input(json!({ "id": t.order, "expectedVersion": 1, "outcome": "CONFIRMED", "note": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.recordReceivableEvent",
            input(
                json!({ "id": t.order, "expectedVersion": 1, "kind": "PAYMENT", "amount": { "amount": "1.00", "currency": "CNY" }, "reference": "x" }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.withdrawReceivableEvent",
            input(json!({ "id": t.order, "expectedVersion": 1, "kind": "PAYMENT", "reference": "x", "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.reportSupplierPayment",
            input(
                json!({ "id": t.order, "expectedVersion": 1, "amount": { "amount": "1.00", "currency": "CNY" }, "reference": "x" }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.returnToSupplier", input(json!({ "id": t.order, "lines": [] })), [U, F, N, F, N], (owner, N)),
        row(
            "Mutation.reverseGoodsReceipt",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, N],
            (owner, N),
        ),
        row(
            "Mutation.sendPurchaseOrder",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.setMatchTolerance", input(json!({ "tolerance": {} })), [U, F, Y, F, F], (owner, Y)),
        row("Mutation.setPurchasePolicy", input(json!({ "bands": [], "windowDays": 1 })), [U, F, R, F, F], (owner, R)),
        row(
            "Mutation.setSpendingLimit",
            input(
                json!({ "period": "ONCE", "amount": { "amount": "1.00", "currency": "CNY" }, "validFrom": "2026-03-08" }),
            ),
            [U, F, Y, F, F],
            (owner, Y),
        ),
        row(
            "Mutation.setSupplierScorecard",
            input(json!({ "criteria": [], "period": "MONTH" })),
            [U, F, R, F, F],
            (owner, R),
        ),
        row(
            "Mutation.settleOrderChange",
            input(json!({ "id": t.order, "expectedVersion": 1, "agree": false })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.settlePayableDispute",
            input(json!({ "id": t.order, "expectedVersion": 1, "note": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.shortClosePurchaseOrder",
            input(json!({ "id": t.order, "expectedVersion": 1, "reason": "x" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.startRfqRound",
            input(json!({ "id": t.order, "expectedVersion": 1, "deadline": "2026-03-08T00:00:00Z" })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.submitPurchaseOrder",
            input(json!({ "id": t.order, "expectedVersion": 1 })),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.submitQuotation",
            input(
                json!({ "rfqId": t.order, "currency": "CNY", "incoterm": "EXW", "namedPlace": "x", "paymentDays": 1, "leadDays": 1, "validUntil": "2026-03-08", "lines": [] }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.unblockSupplier", input(json!({ "supplierId": t.order })), [U, F, N, F, F], (owner, N)),
        row(
            "Mutation.updatePurchaseOrder",
            input(
                json!({ "id": t.order, "expectedVersion": 1, "incoterm": "EXW", "namedPlace": "x", "paymentDays": 1, "lines": [] }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.updateRfq",
            input(
                json!({ "id": t.order, "expectedVersion": 1, "content": { "title": "x", "deadline": "2026-03-08T00:00:00Z", "currency": "CNY", "lines": [] } }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row(
            "Mutation.updateSupplyAgreement",
            input(
                json!({ "id": t.order, "expectedVersion": 1, "content": { "kind": "BLANKET_QUANTITY", "title": "x", "currency": "CNY", "incoterm": "EXW", "namedPlace": "x", "paymentDays": 1, "validFrom": "2026-03-08", "validTo": "2026-03-08", "lines": [] } }),
            ),
            [U, F, N, F, F],
            (owner, N),
        ),
        row("Mutation.withdrawQuotation", input(id(&t.order)), [U, F, N, F, F], (owner, N)),
        row(
            "Query.compareQuotations",
            json!({ "rfqId": t.order, "assumptions": { "currency": "CNY", "weights": { "pricePercent": 1, "leadPercent": 1, "qualityPercent": 1 } } }),
            [U, F, N, F, N],
            (owner, N),
        ),
        row("Query.comparison", id(&t.order), [U, F, N, F, N], (owner, N)),
        row(
            "Query.comparisonSheet",
            json!({ "rfqId": t.order, "assumptions": { "currency": "CNY", "weights": { "pricePercent": 1, "leadPercent": 1, "qualityPercent": 1 } } }),
            [U, F, N, F, N],
            (owner, N),
        ),
        row("Query.debitNote", id(&t.order), [U, F, N, F, N], (owner, N)),
        row("Query.debitNotes", json!({}), [U, F, N, F, N], (owner, N)),
        row("Query.goodsReceipt", id(&t.order), [U, F, N, F, N], (owner, N)),
        row("Query.goodsReceipts", json!({}), [U, F, N, F, N], (owner, N)),
        row("Query.leadTimes", json!({ "from": "2026-03-08", "to": "2026-03-08" }), [U, F, N, F, N], (owner, N)),
        row("Query.matchPreview", input(json!({ "currency": "CNY", "lines": [] })), [U, F, R, F, R], (owner, R)),
        row("Query.matchTolerances", json!({}), [U, F, Y, F, Y], (owner, Y)),
        row("Query.myTasks", json!({}), [U, F, N, F, N], (owner, N)),
        row("Query.payable", id(&t.order), [U, F, N, F, N], (owner, N)),
        row("Query.payables", json!({}), [U, F, N, F, N], (owner, N)),
        row("Query.purchaseOrder", id(&t.purchase), [U, F, N, F, Y], (owner, Y)),
        row("Query.purchaseOrderPdf", json!({ "id": t.purchase, "language": "ZH" }), [U, F, N, F, Y], (owner, Y)),
        row("Query.purchaseOrders", json!({}), [U, F, N, F, Y], (owner, Y)),
        row("Query.purchasePolicies", json!({}), [U, F, N, F, N], (owner, N)),
        row("Query.quotation", id(&t.order), [U, F, N, F, N], (owner, N)),
        row("Query.quotations", json!({}), [U, F, N, F, N], (owner, N)),
        row("Query.receivable", id(&t.order), [U, F, N, F, N], (owner, N)),
        row("Query.receivables", json!({}), [U, F, N, F, N], (owner, N)),
        row("Query.rfq", id(&t.rfq), [U, F, N, F, Y], (owner, Y)),
        row("Query.rfqAwards", json!({ "rfqId": t.order }), [U, F, N, F, N], (owner, N)),
        row("Query.rfqComparisons", json!({ "rfqId": t.order }), [U, F, N, F, N], (owner, N)),
        row("Query.rfqs", json!({}), [U, F, N, F, Y], (owner, Y)),
        row(
            "Query.spendAnalytics",
            input(json!({ "from": "2026-03-08", "to": "2026-03-08", "by": "SUPPLIER" })),
            [U, F, N, F, N],
            (owner, N),
        ),
        row("Query.spendingLimits", json!({}), [U, F, Y, F, Y], (owner, Y)),
        row("Query.supplierBlocks", json!({}), [U, F, N, F, N], (owner, N)),
        row("Query.supplierInvoice", id(&t.order), [U, F, N, F, N], (owner, N)),
        row("Query.supplierInvoices", json!({}), [U, F, N, F, N], (owner, N)),
        row("Query.supplierScorecard", json!({}), [U, F, N, F, N], (owner, N)),
        row("Query.supplierScores", json!({ "supplierId": t.order }), [U, F, N, F, N], (owner, N)),
        row("Query.supplyAgreement", id(&t.order), [U, F, N, F, N], (owner, N)),
        row("Query.supplyAgreements", json!({}), [U, F, N, F, N], (owner, N)),
        row("Subscription.myTaskCount", json!({}), [U, F, Y, F, Y], (owner, Y)),
        row("Subscription.purchaseOrderProgress", id(&t.purchase), [U, F, N, F, Y], (owner, Y)),
        row("Subscription.rfqProgress", id(&t.rfq), [U, F, N, F, Y], (owner, Y)),
        // Webhooks.
        row(
            "Mutation.createWebhookEndpoint",
            input(json!({ "url": "https://partner.example/w" })),
            [U, F, Y, F, Y],
            (owner, Y),
        ),
        row(
            "Mutation.testWebhookEndpoint",
            input(json!({ "id": t.endpoint, "dryRun": true })),
            [U, F, N, F, Y],
            (owner, Y),
        ),
        row(
            "Mutation.replayWebhookDelivery",
            input(json!({ "id": t.delivery, "dryRun": true })),
            [U, F, N, F, Y],
            (owner, Y),
        ),
        row("Mutation.rotateWebhookSecret", input(id(&t.endpoint)), [U, F, N, F, Y], (owner, Y)),
        row("Mutation.updateWebhookEndpoint", at(&t.endpoint, 3), [U, F, N, F, Y], (owner, R)),
        row("Mutation.deleteWebhookEndpoint", input(id(&t.endpoint)), [U, F, N, F, Y], (owner, N)),
        // Dead letters.
        row("Mutation.replayDeadLetter", input(id(&t.dead)), [U, F, F, F, F], (operator, Y)),
        row("Mutation.discardDeadLetter", input(id(&t.dead)), [U, F, F, F, F], (operator, N)),
        // Last: these end or count something whoever asks.
        row(
            "Mutation.registerPerson",
            input(json!({ "name": "x", "password": "x", "displayName": "x" })),
            [R, R, R, R, R],
            (owner, R),
        ),
        row("Mutation.signInWithWechat", input(json!({ "code": "x" })), [R, R, R, R, R], (owner, R)),
        row("Mutation.refreshSession", input(json!({ "refreshToken": "x" })), [R, R, R, R, R], (owner, R)),
        row("Mutation.signIn", input(json!({ "name": "x", "password": "x" })), [R, R, R, R, R], (owner, R)),
        row("Mutation.endSession", input(id(&t.session)), [U, N, N, N, F], (owner, Y)),
    ]
}

/// A root field: its name, its arguments with their types, and what is asked of what it answers with.
type RootField = (String, Vec<(String, String)>, &'static str);

/// The root fields of the schema: name, arguments with their types, and what is asked of their type.
fn schema() -> Vec<RootField> {
    let document = async_graphql::parser::parse_schema(api::graphql::sdl()).unwrap();
    let mut leaves: BTreeSet<String> = ["ID", "String", "Int", "Boolean"].map(str::to_owned).into();
    let mut fields = Vec::new();
    for definition in &document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        if matches!(definition.node.kind, TypeKind::Scalar | TypeKind::Enum(_)) {
            leaves.insert(definition.node.name.node.to_string());
        }
    }
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let root = definition.node.name.node.to_string();
        if let TypeKind::Object(object) = definition.node.kind
            && matches!(root.as_str(), "Query" | "Mutation" | "Subscription")
        {
            for field in object.fields {
                let arguments = field.node.arguments.iter();
                let arguments = arguments.map(|a| (a.node.name.node.to_string(), a.node.ty.node.to_string())).collect();
                let ty = field.node.ty.node.to_string();
                let ty = ty.trim_matches(['[', ']', '!']);
                let selection = match ty {
                    "BulkUpsertOffersPayload" => "{ results { index } userErrors { code message } }",
                    "ChangeFeed" => "{ items { eventId } }",
                    ty if leaves.contains(ty) => "",
                    ty if ty.ends_with("Payload") => "{ userErrors { code message } }",
                    ty if ty.ends_with("Connection") => "{ nodes { __typename } }",
                    _ => "{ __typename }",
                };
                fields.push((format!("{root}.{}", field.node.name.node), arguments, selection));
            }
        }
    }
    fields
}

#[test]
fn every_root_field_has_a_row_in_the_matrix() {
    let schema: BTreeSet<String> = schema().into_iter().map(|(field, ..)| field).collect();
    let matrix: BTreeSet<String> = FIELDS.iter().map(|(field, _)| (*field).to_owned()).collect();
    assert_eq!(matrix.len(), FIELDS.len(), "a field has two rows");
    let bare: Vec<_> = schema.difference(&matrix).collect();
    let gone: Vec<_> = matrix.difference(&schema).collect();
    assert!(bare.is_empty() && gone.is_empty(), "without a row: {bare:?}; no field any more: {gone:?}");
}

async fn ask(client: &Client, row: &Row, schema: &[RootField]) -> (Answer, Value) {
    let (_, arguments, selection) = schema.iter().find(|(field, ..)| field == row.field).unwrap();
    let (root, name) = row.field.split_once('.').unwrap();
    let asked = row.arguments.as_object().unwrap();
    let declared: Vec<String> =
        arguments.iter().filter(|(a, _)| asked.contains_key(a)).map(|(a, ty)| format!("${a}: {ty}")).collect();
    let passed: Vec<String> = asked.keys().map(|a| format!("{a}: ${a}")).collect();
    let brackets =
        |inside: &[String]| if inside.is_empty() { String::new() } else { format!("({})", inside.join(", ")) };
    let document =
        format!("{}{} {{ {name}{} {selection} }}", root.to_lowercase(), brackets(&declared), brackets(&passed));
    let response = match root {
        "Subscription" => client.first_event(&document, row.arguments.clone()).await,
        _ => client.response(&document, row.arguments.clone()).await,
    };
    (read(&response, name), response)
}

fn read(response: &Value, name: &str) -> Answer {
    let value = &response["data"][name];
    match (response["errors"][0]["extensions"]["code"].as_str(), value["userErrors"][0]["code"].as_str()) {
        (Some("UNAUTHENTICATED"), _) => U,
        (Some("FORBIDDEN"), _) => F,
        (Some("BAD_INPUT"), _) => R,
        (Some(code), _) => panic!("{name} answers {code}: {response}"),
        (None, Some("NOT_FOUND")) => N,
        (None, Some(_)) => R,
        (None, None) => {
            let list = if value["nodes"].is_array() {
                &value["nodes"]
            } else if value["items"].is_array() {
                &value["items"]
            } else {
                value
            };
            let nothing =
                list.is_null() || list.as_array().is_some_and(|all| all.is_empty() || all.iter().all(Value::is_null));
            if nothing && name != "consumerIdentities" && name != "deadLetters" { N } else { Y }
        }
    }
}

/// Something that changes whenever anything is committed.
async fn state(server: &TestServer) -> String {
    match backend() {
        Backend::Postgres(_) => dump(server).await,
        Backend::Sqlite => {
            // Seen from a connection of its own, this counts every commit of others.
            let db = server.app.db().read();
            let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), "PRAGMA data_version")).await;
            let version: i64 = row.unwrap().unwrap().try_get("", "data_version").unwrap();
            version.to_string()
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one thing after the other")]
async fn things(server: &TestServer, owner: &Client, machine_key: &TestKey) -> Things {
    let category = leaf(owner).await;
    let draft = owner.done("createProduct", "product { id }", json!({ "content": rug("draft", &category) })).await;
    let proposed =
        owner.done("createProduct", "product { id }", json!({ "content": rug("proposed", &category) })).await;
    owner.done("proposeProduct", "", json!({ "id": proposed["product"]["id"], "expectedVersion": 1 })).await;
    let public = published_rug(server, SELLER, "public").await;
    let edit =
        json!({ "id": public["id"], "expectedVersion": public["version"], "content": { "slug": "renamed-rug" } });
    let change = owner.done("updateProduct", "change { id }", edit).await;
    let offer = offered(server, SELLER, &public, "WALK-1", "10.00").await;
    let members = owner.data("{ members { nodes { id roles } } }", json!({})).await["members"]["nodes"].clone();
    let member = members.as_array().unwrap().iter().find(|m| m["roles"] == json!(["CATALOG_MANAGER"])).unwrap().clone();
    let invite = json!({ "contact": "w@example.com", "roles": ["RECEIVER"] });
    let invitation = owner.done("inviteMember", "sent { invitation { id } }", invite).await;
    let scopes =
        json!(["CATALOG", "CUSTOMS", "FEED", "FILINGS", "FOOTFALL", "LOGISTICS", "PROCUREMENT", "STOCK", "WEBHOOKS"]);
    let client = json!({ "name": "walker", "scopes": scopes, "key": machine_key.public });
    let client =
        owner.done("createMachineClient", "machineClient { id clientId keys { id } }", client).await["machineClient"]
            .clone();
    let account = json!({ "bank": "b", "holder": "h", "number": "6222000033334444", "currency": "CNY" });
    let account = owner.done("addBankAccount", "bankAccount { id }", account).await;
    let content = json!({
        "legalName": "河湟", "uscc": "91630100MA7520005P", "representative": "马", "contactName": "桑", "contactPhone": "13987654321",
        "address": "西宁", "documents": [{ "name": "d", "sha256": "ab".repeat(32), "mediaType": "application/pdf", "size": 1 }],
    });
    let filing = owner.done("createFiling", "filing { id }", json!({ "content": content })).await;
    let endpoint = json!({ "url": "https://partner.example/walk", "events": ["WEBHOOK_TEST"] });
    let endpoint =
        owner.done("createWebhookEndpoint", "created { endpoint { id } }", endpoint).await["created"]["endpoint"]
            .clone();
    let delivery =
        owner.done("testWebhookEndpoint", "sending { delivery { id } }", json!({ "id": endpoint["id"] })).await;
    let place = json!({ "code": "W-1", "kind": "DUTY_PAID_WAREHOUSE", "name": "仓" });
    let location = owner.done("createStockLocation", "location { id }", place).await["location"]["id"].clone();
    let variant = public["variants"]["nodes"][0]["id"].clone();
    let line = json!({ "variantId": variant, "quantity": 3, "customsStatus": "DUTY_PAID" });
    let receipt = json!({ "locationId": location, "document": "walk", "lines": [line] });
    let moved = owner.done("receiveStock", "moves { id }", receipt).await["moves"][0]["id"].clone();
    let more = json!({ "variantId": variant, "quantity": 2, "customsStatus": "DUTY_PAID" });
    owner.done("receiveStock", "", json!({ "locationId": location, "document": "walk", "lines": [more] })).await;
    let balance = owner.data("{ stock { nodes { id } } }", json!({})).await["stock"]["nodes"][0]["id"].clone();
    let count = owner.done("openStockCount", "count { id }", json!({ "locationId": location })).await;
    let front = json!({ "code": "W-2", "kind": "SHOWROOM", "name": "店" });
    let front = owner.done("createStockLocation", "location { id }", front).await["location"]["id"].clone();
    let asked = json!({ "toId": front, "document": "walk", "lines": [{ "balanceId": balance, "quantity": 1 }] });
    let transfer = owner.done("requestStockTransfer", "transfer { id }", asked).await;
    let zone = json!({ "code": "Z-1", "kind": "BONDED_WAREHOUSE", "name": "保税仓" });
    let zone = owner.done("createStockLocation", "location { id }", zone).await["location"]["id"].clone();
    let filed = json!({ "locationId": zone, "book": "L9013B19A008", "number": 1, "variantId": variant });
    let item = owner.done("fileBondedItem", "item { id }", filed).await["item"]["id"].clone();
    let declared = json!({ "itemId": item, "event": "PRE_INCREASE", "quantity": 5, "document": "QD" });
    owner.done("noteBondedMovement", "", declared).await;
    let line = json!({ "variantId": variant, "quantity": 2, "value": { "amount": "2.00", "currency": "CNY" } });
    let expected = json!({ "locationId": zone, "document": "walk-1", "lines": [line] });
    let inbound = owner.done("declareInbound", "inbound { id }", expected).await["inbound"]["id"].clone();
    let money = crate::payments::walked(server, SELLER).await;
    let parcel = crate::logistics::walked(server, SELLER).await;
    let identity = json!({ "name": "马兰花", "residentId": "63010319900101001X" });
    // Somebody else's identity than that of any viewer of the walk.
    let someone = server.anonymous();
    let register = json!({ "name": "someone@example.com", "password": "tea bricks by yak", "displayName": "S" });
    someone.done("registerPerson", "", register).await;
    let signed = json!({ "name": "someone@example.com", "password": "tea bricks by yak" });
    let someone = someone.done("signIn", "tokens { accessToken }", signed).await["tokens"]["accessToken"].clone();
    let someone = server.anonymous().with_token(someone.as_str().unwrap().to_owned());
    let person = someone.done("setConsumerIdentity", "consumerIdentity { personId }", identity).await;
    let line = json!([{ "offerId": offer["id"], "quantity": 1 }]);
    someone.done("setCartLines", "", json!({ "lines": line })).await;
    let quote = someone.done("requestQuote", "quote { token }", json!({ "division": "630103" })).await;
    let consignee = json!({ "name": "马", "mobile": "13900000000", "address": "x" });
    let placed = json!({ "quote": quote["quote"]["token"], "consignee": consignee });
    let placed = someone.done("placeOrder", "checkout { id orders { id } }", placed).await["checkout"].clone();
    // Drafts, which nobody else sees: not even the other owner of the walk, who is to deliver.
    let until = server.app.clock().now() + chrono::Duration::days(3);
    let line = json!({ "description": "藏毯", "quantity": 1, "unit": "032" });
    let asked = json!({ "title": "walk", "deadline": until.to_rfc3339(), "currency": "CNY", "lines": [line] });
    let rfq = owner.done("createRfq", "rfq { id }", asked).await["rfq"]["id"].clone();
    let line = json!({ "description": "藏毯", "quantity": 1, "unit": "032", "price": { "amount": "1.00", "currency": "CNY" } });
    let ordered = json!({ "supplierId": server.organisation(OTHER_SELLER).await, "currency": "CNY", "incoterm": "DDP",
        "namedPlace": "西宁", "paymentDays": 30, "lines": [line] });
    let purchase = owner.done("createPurchaseOrder", "purchaseOrder { id }", ordered).await;
    let tokens = server.sign_in(&format!("owner@{SELLER}.demo.chama.example"), None).await;
    let tx = server.app.db().begin().await.unwrap();
    let told = api::app::Told { event: uuid::Uuid::nil(), node: "x".into() };
    api::platform::jobs::enqueue(&tx, &told, server.app.clock().now()).await.unwrap();
    tx.commit().await.unwrap();
    Things {
        organisation: server.organisation(SELLER).await,
        category,
        brand: owner.data("{ brands(first: 1) { nodes { id } } }", json!({})).await["brands"]["nodes"][0]["id"].clone(),
        draft: draft["product"]["id"].clone(),
        proposed: proposed["product"]["id"].clone(),
        public: public["id"].clone(),
        change: change["change"]["id"].clone(),
        offer: offer["id"].clone(),
        member: member["id"].clone(),
        invitation: invitation["sent"]["invitation"]["id"].clone(),
        key: client["keys"][0]["id"].clone(),
        client: client["id"].clone(),
        account: account["bankAccount"]["id"].clone(),
        filing: filing["filing"]["id"].clone(),
        endpoint: endpoint["id"].clone(),
        delivery: delivery["sending"]["delivery"]["id"].clone(),
        person: person["consumerIdentity"]["personId"].clone(),
        session: tokens["session"]["id"].clone(),
        public_key: TestKey::ed25519(22).public,
        checkout: placed["id"].clone(),
        order: placed["orders"][0]["id"].clone(),
        dead: json!(""),
        variant,
        location,
        moved,
        count: count["count"]["id"].clone(),
        transfer: transfer["transfer"]["id"].clone(),
        zone,
        item,
        inbound,
        payment: json!(money.payment),
        refund: json!(money.refund),
        receipt: json!(money.receipt),
        payout: json!(money.payout),
        shipment: parcel.shipment,
        event: parcel.event,
        hold: parcel.hold,
        rfq,
        purchase: purchase["purchaseOrder"]["id"].clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_root_field_answers_each_kind_of_viewer_as_the_matrix_says_and_denied_ones_write_nothing() {
    // No worker: nothing is written but by what the walk asks for. One reader, so that the count of commits is one's.
    let connections = if backend() == Backend::Sqlite { "1" } else { "4" };
    let server = TestServer::with(&[("CHAMA_JOBS_WORKERS", "0"), ("CHAMA_DATABASE_CONNECTIONS", connections)]).await;
    let (owner, operator) = (server.member("owner", SELLER).await, server.member("operator", OPERATOR).await);
    let key = TestKey::ed25519(21);
    let mut things = things(&server, &owner, &key).await;
    // What the jobs so far were is done; the one that tells of nothing is given up.
    api::worker::drain(&server.app, None, |_| {}).await.unwrap();
    api::platform::feed::number(server.app.db()).await.unwrap();
    let dead = operator.data("{ deadLetters { nodes { id } } }", json!({})).await;
    things.dead = dead["deadLetters"]["nodes"][0]["id"].clone();
    let id = owner.data("{ machineClients { nodes { clientId } } }", json!({})).await["machineClients"]["nodes"][0]["clientId"].clone();
    let (_, token) = exchange(&server, &key.sign(None, &assertion(&server, id.as_str().unwrap(), "w")), None).await;
    let viewers = [
        ("nobody", server.anonymous()),
        ("a consumer", server.consumer(1).await),
        ("an owner of another organisation", server.member("owner", OTHER_SELLER).await),
        ("the lowest role", server.member("exhibitor", SELLER).await),
        ("a machine client", server.anonymous().with_token(token["access_token"].as_str().unwrap().to_owned())),
    ];
    let (rows, schema) = (rows(&things), schema());
    let walked: BTreeSet<&str> = rows.iter().map(|row| row.field).collect();
    let missing: Vec<&str> = FIELDS.iter().map(|(field, _)| *field).filter(|field| !walked.contains(field)).collect();
    assert!(missing.is_empty(), "not walked: {missing:?}");
    let mut wrong = Vec::new();
    for row in &rows {
        for ((who, client), expected) in viewers.iter().zip(row.answers) {
            let before = state(&server).await;
            let (answer, response) = ask(client, row, &schema).await;
            if answer != expected {
                wrong.push(format!("{} answers {who} {answer:?}, not {expected:?}: {response}", row.field));
            }
            // A wrong password is counted, a message that is no paper is kept; nothing else that is not done leaves a trace.
            let noted = ["Mutation.signIn", "Mutation.changePassword", "Mutation.giveCustomsPaper"];
            let counted = answer == R && noted.contains(&row.field);
            if answer != Y && !counted && state(&server).await != before {
                wrong.push(format!("{} was denied to {who} and wrote something", row.field));
            }
        }
        let (who, expected) = row.right;
        let client = if who == "owner" { &owner } else { &operator };
        let (answer, response) = ask(client, row, &schema).await;
        if answer != expected {
            wrong.push(format!("{} answers the {who} {answer:?}, not {expected:?}: {response}", row.field));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
