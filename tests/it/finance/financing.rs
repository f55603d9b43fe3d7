//! From a programme to an agreed offer: who may do what alone, what is told, what is locked and freed again.

use chrono::Duration;
use entities::party::MemberRole;
use serde_json::{Value, json};

use super::{
    BANK, Desk, LIMIT, RECEIVABLE, REQUEST, checker, confirmed, confirmed_with, imported, limit, maker, offering, over,
    programme, proposing, refusals, seen, submitting, yuan,
};
use crate::{
    procurement::step,
    support::{Client, OPERATOR},
};

async fn limits(client: &Client) -> Vec<Value> {
    let all = client.data(&format!("{{ financingLimits {{ nodes {{ kind {LIMIT} }} }} }}"), json!({})).await;
    all["financingLimits"]["nodes"].as_array().unwrap().clone()
}

async fn submitted(desk: &Desk, programme: &Value, rows: &[&Value], sum: &str) -> Value {
    let input = submitting(desk, programme, rows, sum);
    let selection = format!("request {{ {REQUEST} }}");
    desk.supplier(0).await.done("submitFinancingRequest", &selection, input).await["request"].clone()
}

async fn reviewed(desk: &Desk, request: &Value, review: &str) -> Value {
    let input = over(step(request), json!({ "review": review, "note": "the contract, please" }));
    let selection = format!("request {{ {REQUEST} note }}");
    maker(desk).await.done("reviewFinancingRequest", &selection, input).await["request"].clone()
}

const OFFER: &str = "id version state termsSha256 expiresAt quote { disbursed { amount } cost { amount } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_programme_is_open_when_a_second_person_of_its_bank_says_so() {
    let desk = Desk::new().await;
    let (maker, checker, seller) = (maker(&desk).await, checker(&desk).await, desk.supplier(0).await);
    let selection = "programme { id version state rules { version } }";
    let made =
        maker.done("createFinancingProgramme", selection, offering("保理一号", json!({}))).await["programme"].clone();
    assert_eq!(made["state"], "DRAFT");
    let listed = "{ financingProgrammes { nodes { id } } }";
    assert_eq!(seller.data(listed, json!({})).await["financingProgrammes"]["nodes"], json!([]), "a draft is shown");
    let deciding = |of: &Value, decision: &str| over(step(of), json!({ "decision": decision }));
    assert_eq!(maker.denied("decideFinancingProgramme", deciding(&made, "APPROVE")).await, "FORBIDDEN");
    assert_eq!(checker.denied("createFinancingProgramme", offering("x", json!({}))).await, "FORBIDDEN");
    let strangers = desk.supplier(0).await.denied("createFinancingProgramme", offering("x", json!({}))).await;
    assert_eq!(strangers, "FORBIDDEN", "who is no bank opens a programme");
    let open =
        checker.done("decideFinancingProgramme", selection, deciding(&made, "APPROVE")).await["programme"].clone();
    assert_eq!(open["state"], "ACTIVE");
    assert_eq!(seller.data(listed, json!({})).await["financingProgrammes"]["nodes"], json!([{ "id": made["id"] }]));
    // What changes has to be approved again, and until then nothing is asked in it.
    let input = over(offering("保理二号", json!({})), step(&open));
    let revised = maker.done("reviseFinancingProgramme", selection, input).await["programme"].clone();
    assert_eq!(json!([revised["state"], revised["rules"]["version"]]), json!(["DRAFT", 2]));
    let row = confirmed(&desk, "P-1", "100.00").await;
    let refused = seller.refused("submitFinancingRequest", submitting(&desk, &open, &[&row], "100.00")).await;
    assert_eq!(refused, refusals(&[("NOT_FOUND", "programmeId")]));
    // One person who is both does not approve what it wrote.
    let owner = desk.market.server.anonymous().with_token(desk.market.server.token(MemberRole::Owner, BANK).await);
    let own =
        owner.done("createFinancingProgramme", selection, offering("保理三号", json!({}))).await["programme"].clone();
    assert_eq!(
        owner.refused("decideFinancingProgramme", deciding(&own, "APPROVE")).await,
        refusals(&[("MAKER_CHECKER", "id")])
    );
    for (more, field) in [
        (json!({ "name": " " }), "name"),
        (json!({ "technique": "PAYABLES_FINANCE" }), "anchorId"),
        (json!({ "rules": { "waived": ["DISPUTED"] } }), "rules.waived"),
        (json!({ "rules": { "maxTenorDays": 400 } }), "rules.maxTenorDays"),
    ] {
        let refused = maker.refused("createFinancingProgramme", offering("x", more)).await;
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert_eq!(refused[0].1, field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_what_two_people_say_and_never_less_than_is_taken() {
    let desk = Desk::new().await;
    let (maker, checker) = (maker(&desk).await, checker(&desk).await);
    let selection = format!("limit {{ {LIMIT} }}");
    let debtor = json!({ "debtorId": desk.buyer });
    let first = maker
        .done("proposeFinancingLimit", &selection, proposing(&desk, "DEBTOR", "1000.00", debtor.clone()))
        .await["limit"]
        .clone();
    assert_eq!(json!([first["state"], first["free"]["amount"]]), json!(["PROPOSED", "0.00"]), "a proposal can be used");
    let again = maker.refused("proposeFinancingLimit", proposing(&desk, "DEBTOR", "2000.00", debtor.clone())).await;
    assert_eq!(again, refusals(&[("STALE_VERSION", "expectedVersion")]), "two limits for one debtor");
    let deciding = |of: &Value, approve: bool| over(step(of), json!({ "approve": approve }));
    let active = checker.done("decideFinancingLimit", &selection, deciding(&first, true)).await["limit"].clone();
    assert_eq!(json!([active["state"], active["free"]["amount"]]), json!(["ACTIVE", "1000.00"]));
    assert_eq!(
        checker.refused("decideFinancingLimit", deciding(&active, true)).await,
        refusals(&[("ILLEGAL_TRANSITION", "id")])
    );
    let open = programme(&desk, "保理", json!({})).await;
    let row = confirmed(&desk, "L-1", "1000.00").await;
    submitted(&desk, &open, &[&row], "1000.00").await;
    let lower = |amount: &str| {
        over(proposing(&desk, "DEBTOR", amount, debtor.clone()), json!({ "expectedVersion": active["version"] }))
    };
    assert_eq!(
        maker.refused("proposeFinancingLimit", lower("799.99")).await,
        refusals(&[("OUT_OF_RANGE", "sanctioned")])
    );
    let lowered = maker.done("proposeFinancingLimit", &selection, lower("800.00")).await["limit"].clone();
    let lowered = checker.done("decideFinancingLimit", &selection, deciding(&lowered, true)).await["limit"].clone();
    assert_eq!(json!([lowered["blocked"]["amount"], lowered["free"]["amount"]]), json!(["800.00", "0.00"]));
    // The debtor sees its own limit, the seller nothing of it.
    assert_eq!(limits(&desk.owner().await).await.len(), 1);
    assert_eq!(limits(&desk.supplier(0).await).await.len(), 0);
    for (more, field) in [
        (json!({}), "debtorId"),
        (json!({ "debtorId": desk.buyer, "sellerId": desk.suppliers[0] }), "sellerId"),
        (json!({ "debtorId": desk.buyer, "adhoc": yuan("1.00") }), "adhocFrom"),
        (
            json!({ "debtorId": desk.buyer, "expectedVersion": lowered["version"], "expiresOn": desk.day(-31) }),
            "expiresOn",
        ),
    ] {
        let refused = maker.refused("proposeFinancingLimit", proposing(&desk, "DEBTOR", "900.00", more.clone())).await;
        let field = if more["adhoc"].is_object() { "expectedVersion" } else { field };
        assert_eq!(refused[0].1, field, "{more}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_says_what_one_gets_and_how_that_comes_about() {
    let desk = Desk::new().await;
    let seller = desk.supplier(0).await;
    let front = programme(&desk, "先收息", json!({})).await;
    let mut terms = offering("", json!({}))["terms"].clone();
    terms["interestTiming"] = json!("REAR");
    let rear = programme(&desk, "后收息", json!({ "terms": terms })).await;
    limit(&desk, "DEBTOR", "5000000.00", json!({ "debtorId": desk.buyer })).await;
    // F3: 88 days from the second of March are the 29th of May, a Friday.
    let row = confirmed_with(&desk, "F3", "1000000.00", json!({ "dueDate": "2026-05-29" })).await;
    let query = "query($p: ID!, $i: [FinancingItemInput!]!, $on: NaiveDate) { financingQuote(programmeId: $p, items: $i, on: $on) { \
         days principal { amount } interest { amount } fee { amount } feeNet { amount } feeVat { amount } \
         disbursed { amount } reserveBack total { amount } annualCostPpm formula { kind operands result } } }";
    let asked = |of: &Value| json!({ "p": of["id"], "i": [{ "receivableId": row["id"] }], "on": "2026-03-02" });
    let at_front = seller.data(query, asked(&front)).await["financingQuote"].clone();
    let at_rear = seller.data(query, asked(&rear)).await["financingQuote"].clone();
    let shown = |quote: &Value| {
        json!([
            quote["days"],
            quote["principal"]["amount"],
            quote["interest"]["amount"],
            quote["fee"]["amount"],
            quote["feeNet"]["amount"],
            quote["feeVat"]["amount"],
            quote["disbursed"]["amount"],
            quote["reserveBack"],
            quote["total"]["amount"],
        ])
    };
    assert_eq!(
        shown(&at_front),
        json!([88, "800000.00", "10560.00", "3000.00", "2830.19", "169.81", "786440.00", "200000.00", "986440.00"])
    );
    assert_eq!(
        shown(&at_rear),
        json!([88, "800000.00", "10560.00", "3000.00", "2830.19", "169.81", "797000.00", "189440.00", "986440.00"])
    );
    let formula = at_front["formula"].as_array().unwrap();
    let interest = formula.iter().find(|step| step["kind"] == "INTEREST").expect("the interest is explained");
    assert_eq!(interest["result"], "10560.00");
    assert!(interest["operands"].as_array().unwrap().contains(&json!("88")), "{interest}");
    // Across programmes, the cheapest first.
    let query = "query($i: [FinancingItemInput!]!) { financingChoices(items: $i) { programme { name } quote { annualCostPpm } \
         eligibility { eligible reasons } } }";
    let choices = seller.data(query, json!({ "i": [{ "receivableId": row["id"] }] })).await["financingChoices"].clone();
    let costs: Vec<i64> =
        choices.as_array().unwrap().iter().map(|one| one["quote"]["annualCostPpm"].as_i64().unwrap()).collect();
    assert_eq!(costs.len(), 2);
    assert!(costs[0] <= costs[1], "{costs:?}");
    let other = desk.supplier(1).await.response(query, json!({ "i": [{ "receivableId": row["id"] }] })).await;
    assert_eq!(other["errors"][0]["extensions"]["code"], "BAD_INPUT", "a stranger prices somebody else's receivable");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_stands_against_a_receivable_is_told_at_once() {
    let desk = Desk::new().await;
    let seller = desk.supplier(0).await;
    let open = programme(&desk, "严格", json!({ "rules": { "minRemainingDays": 60 } })).await;
    let operator = desk.operator().await;
    let bad = imported(&desk, "X-1", "100.00").await;
    let query = "query($p: ID!, $r: [ID!]!) { eligibility(programmeId: $p, receivableIds: $r) { eligible reasons base { amount } } }";
    let asked =
        |rows: &[&Value]| json!({ "p": open["id"], "r": rows.iter().map(|row| &row["id"]).collect::<Vec<_>>() });
    let said = seller.data(query, asked(&[&bad])).await["eligibility"][0].clone();
    assert_eq!(
        said,
        json!({
            "eligible": false, "base": { "amount": "0.00" },
            "reasons": ["NOT_CONFIRMED", "TENOR_SHORT", "FUTURE_PERFORMANCE", "LIMIT", "KYC"],
        })
    );
    let both =
        json!({ "organisationId": desk.suppliers[0], "otherId": desk.buyer, "related": true, "reason": "one owner" });
    operator.done("setRelatedParties", "related", both.clone()).await;
    let marked = json!({ "organisationId": desk.buyer, "sanctioned": true, "reason": "list of 2026-01" });
    operator.done("setSanctioned", "sanctioned", marked.clone()).await;
    assert_eq!(seller.denied("setSanctioned", marked.clone()).await, "FORBIDDEN");
    let said = seller.data(query, asked(&[&bad])).await["eligibility"][0]["reasons"].clone();
    assert_eq!(
        said,
        json!(["NOT_CONFIRMED", "TENOR_SHORT", "FUTURE_PERFORMANCE", "RELATED_PARTY", "LIMIT", "SANCTIONED", "KYC"])
    );
    operator.done("setSanctioned", "sanctioned", over(marked, json!({ "sanctioned": false }))).await;
    operator.done("setRelatedParties", "related", over(both, json!({ "related": false }))).await;
    // A VAT invoice has to be verified, and what is refused is refused with the same reasons.
    let vat = json!({ "invoiceKind": "DIGITAL_VAT", "invoiceNo": "25952000000000000017", "dueDate": desk.day(100) });
    let row = confirmed_with(&desk, "", "100.00", vat).await;
    let said = seller.data(query, asked(&[&row])).await["eligibility"][0]["reasons"].clone();
    assert_eq!(said, json!(["LIMIT", "KYC", "NO_INVOICE_VERIFICATION"]));
    let input = over(step(&row), json!({ "verified": true, "reference": "CY-1" }));
    operator.done("recordInvoiceVerification", "receivable { verified }", input).await;
    let said = seller.data(query, asked(&[&row])).await["eligibility"][0]["reasons"].clone();
    assert_eq!(said, json!(["LIMIT", "KYC"]));
    let input = submitting(&desk, &open, &[&row, &bad], "100.00");
    let payload = seller.payload("submitFinancingRequest", "request { id }", input).await;
    let errors = payload["userErrors"].as_array().unwrap();
    let told: Vec<_> =
        errors.iter().map(|one| json!([one["code"], one["field"], one["details"][0]["value"]])).collect();
    assert_eq!(
        told,
        [
            json!(["NOT_ELIGIBLE", ["items", "0", "id"], "LIMIT,KYC"]),
            json!(["NOT_ELIGIBLE", ["items", "1", "id"], "NOT_CONFIRMED,TENOR_SHORT,FUTURE_PERFORMANCE,LIMIT,KYC"]),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_locks_its_receivables_and_limits_and_what_comes_to_nothing_frees_them() {
    let desk = Desk::new().await;
    let (seller, bank) = (desk.supplier(0).await, maker(&desk).await);
    let open = programme(&desk, "保理", json!({})).await;
    let other = programme(&desk, "另一项目", json!({})).await;
    limit(&desk, "DEBTOR", "1000.00", json!({ "debtorId": desk.buyer })).await;
    limit(&desk, "SELLER", "900.00", json!({ "sellerId": desk.suppliers[0] })).await;
    let rows = [confirmed(&desk, "R-1", "500.00").await, confirmed(&desk, "R-2", "300.00").await];
    assert_eq!(seen(&desk, &bank, &rows[0]).await, Value::Null, "a bank sees what nobody showed it");
    let wrong =
        seller.refused("submitFinancingRequest", submitting(&desk, &open, &[&rows[0], &rows[1]], "799.99")).await;
    assert_eq!(wrong, refusals(&[("CONTROL_SUM_MISMATCH", "controlSum")]));
    for (n, ends) in ["WITHDRAW", "REJECT"].iter().enumerate() {
        let request = submitted(&desk, &open, &[&rows[0], &rows[1]], "800.00").await;
        assert_eq!(
            json!([request["state"], request["face"]["amount"], request["principal"]["amount"]]),
            json!(["SUBMITTED", "800.00", "640.00"])
        );
        let locked = seen(&desk, &seller, &rows[0]).await;
        assert_eq!(json!([locked["encumbranceStatus"], locked["encumbered"]["amount"]]), json!(["LOCKED", "500.00"]));
        assert_eq!(seen(&desk, &bank, &rows[0]).await["id"], rows[0]["id"], "a bank sees not what it is asked about");
        let debtors = seen(&desk, &desk.owner().await, &rows[0]).await;
        assert_eq!(json!([debtors["encumbranceStatus"], debtors["encumbered"]]), json!([null, null]));
        let taken: Vec<Value> =
            limits(&bank).await.iter().map(|one| json!([one["kind"], one["blocked"]["amount"]])).collect();
        assert_eq!(taken, [json!(["SELLER", "640.00"]), json!(["DEBTOR", "640.00"])]);
        let twice = seller.refused("submitFinancingRequest", submitting(&desk, &other, &[&rows[0]], "500.00")).await;
        assert_eq!(twice, refusals(&[("ALREADY_ENCUMBERED", "items.0.id")]));
        let over_now = if *ends == "WITHDRAW" {
            let input = over(step(&request), json!({ "reply": "WITHDRAW", "note": "cash came in" }));
            let selection = format!("request {{ {REQUEST} }}");
            seller.done("replyToFinancingRequest", &selection, input).await["request"].clone()
        } else {
            reviewed(&desk, &request, "REJECT").await
        };
        assert_eq!(over_now["state"], ["WITHDRAWN", "REJECTED"][n]);
        let free = seen(&desk, &seller, &rows[0]).await;
        assert_eq!(json!([free["encumbranceStatus"], free["encumbered"]["amount"]]), json!(["FREE", "0.00"]));
        assert_eq!(
            seen(&desk, &bank, &rows[0]).await,
            Value::Null,
            "a bank sees what it has nothing to do with any more"
        );
        assert!(limits(&bank).await.iter().all(|one| one["blocked"]["amount"] == "0.00"));
    }
    let kinds = desk.one(&seller, "receivable", &rows[0]["id"], "events { nodes { kind } }").await;
    let kinds: Vec<&str> =
        kinds["events"]["nodes"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["CREATED", "CONFIRMED", "LOCKED", "FREED", "LOCKED", "FREED"]);
    let debtors = desk.one(&desk.owner().await, "receivable", &rows[0]["id"], "events { nodes { kind } }").await;
    assert_eq!(
        debtors["events"]["nodes"],
        json!([{ "kind": "CREATED" }, { "kind": "CONFIRMED" }]),
        "a debtor reads of its seller's money"
    );
    // Above the seller's limit: nothing is locked.
    let large = confirmed(&desk, "R-3", "1200.00").await;
    let refused = seller.refused("submitFinancingRequest", submitting(&desk, &open, &[&large], "1200.00")).await;
    assert_eq!(refused, refusals(&[("NOT_ELIGIBLE", "items.0.id")]));
    assert_eq!(seen(&desk, &seller, &large).await["encumbranceStatus"], "FREE");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_made_by_two_and_taken_with_the_hash_of_what_it_says() {
    let desk = Desk::new().await;
    let (seller, maker, checker) = (desk.supplier(0).await, maker(&desk).await, checker(&desk).await);
    let open = programme(&desk, "保理", json!({})).await;
    limit(&desk, "DEBTOR", "1000.00", json!({ "debtorId": desk.buyer })).await;
    let row = confirmed(&desk, "O-1", "1000.00").await;
    let request = submitted(&desk, &open, &[&row], "1000.00").await;
    let offering = |of: &Value, more: Value| {
        over(json!({ "requestId": of["id"], "expectedVersion": of["version"], "days": 3 }), more)
    };
    let selection = format!("offer {{ {OFFER} }}");
    assert_eq!(
        maker.refused("makeFinancingOffer", offering(&request, json!({}))).await,
        refusals(&[("ILLEGAL_TRANSITION", "requestId")])
    );
    let request = reviewed(&desk, &request, "REQUEST_INFO").await;
    assert_eq!(json!([request["state"], request["note"]]), json!(["INFO_REQUESTED", "the contract, please"]));
    let input = over(step(&request), json!({ "reply": "SUPPLY_INFO", "note": "it is attached to the order" }));
    let selection_of_request = format!("request {{ {REQUEST} offers {{ id state }} }}");
    let request = seller.done("replyToFinancingRequest", &selection_of_request, input).await["request"].clone();
    assert_eq!(request["state"], "UNDER_REVIEW");
    for (more, expected) in [
        (json!({ "advancePpm": 800_001 }), ("OUT_OF_RANGE", "advancePpm")),
        (json!({ "ratePpm": -1 }), ("OUT_OF_RANGE", "ratePpm")),
        (json!({ "days": 31 }), ("OUT_OF_RANGE", "days")),
    ] {
        assert_eq!(maker.refused("makeFinancingOffer", offering(&request, more)).await, refusals(&[expected]));
    }
    let drawn =
        maker.done("makeFinancingOffer", &selection, offering(&request, json!({ "ratePpm": 60_000 }))).await["offer"]
            .clone();
    assert_eq!(drawn["state"], "PROPOSED");
    assert_eq!(
        maker.refused("makeFinancingOffer", offering(&request, json!({}))).await,
        refusals(&[("CHANGE_PENDING", "requestId")])
    );
    let offers = |client: Client| {
        let (desk, id) = (&desk, request["id"].clone());
        async move { desk.one(&client, "financingRequest", &id, "state offers { id state }").await }
    };
    assert_eq!(offers(seller.clone()).await["offers"], json!([]), "the seller sees what nobody approved");
    assert_eq!(offers(maker.clone()).await["offers"][0]["id"], drawn["id"]);
    let hash = drawn["termsSha256"].clone();
    let taking = |hash: &Value| json!({ "id": drawn["id"], "termsSha256": hash });
    assert_eq!(seller.refused("acceptFinancingOffer", taking(&hash)).await, refusals(&[("NOT_FOUND", "id")]));
    assert_eq!(maker.denied("checkFinancingOffer", over(step(&drawn), json!({ "approve": true }))).await, "FORBIDDEN");
    let checked = checker.done("checkFinancingOffer", &selection, over(step(&drawn), json!({ "approve": true }))).await
        ["offer"]
        .clone();
    assert_eq!(checked["state"], "OPEN");
    assert_eq!(
        offers(seller.clone()).await,
        json!({ "state": "OFFERED", "offers": [{ "id": drawn["id"], "state": "OPEN" }] })
    );
    let clerk = desk.suppliers_as(0, MemberRole::AccountsClerk).await;
    assert_eq!(
        clerk.denied("acceptFinancingOffer", taking(&hash)).await,
        "FORBIDDEN",
        "a clerk binds its organisation"
    );
    assert_eq!(
        seller.refused("acceptFinancingOffer", taking(&json!("0".repeat(64)))).await,
        refusals(&[("TERMS_CHANGED", "termsSha256")])
    );
    let other = desk.supplier(1).await.refused("acceptFinancingOffer", taking(&hash)).await;
    assert_eq!(other, refusals(&[("NOT_FOUND", "id")]));
    let taken = seller.done("acceptFinancingOffer", &selection, taking(&hash)).await["offer"].clone();
    assert_eq!(taken["state"], "ACCEPTED");
    assert_eq!(offers(seller.clone()).await["state"], "CONDITIONS_PENDING");
    let again = seller.refused("acceptFinancingOffer", taking(&hash)).await;
    assert_eq!(again, refusals(&[("ILLEGAL_TRANSITION", "id")]));
    // A programme that is revised later changes nothing of it.
    let terms = desk.one(&seller, "financingRequest", &request["id"], "terms { ratePpm } version").await;
    assert_eq!(terms["terms"]["ratePpm"], 54_000);
    let input =
        json!({ "id": request["id"], "expectedVersion": terms["version"], "note": "the contract was not signed" });
    assert_eq!(maker.denied("cancelFinancing", input.clone()).await, "FORBIDDEN");
    let cancelled =
        checker.done("cancelFinancing", &format!("request {{ {REQUEST} }}"), input).await["request"].clone();
    assert_eq!(cancelled["state"], "CANCELLED");
    assert_eq!(seen(&desk, &seller, &row).await["encumbranceStatus"], "FREE");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_nobody_takes_runs_out_and_frees_what_it_was_for() {
    let desk = Desk::new().await;
    let open = programme(&desk, "保理", json!({})).await;
    limit(&desk, "DEBTOR", "1000.00", json!({ "debtorId": desk.buyer })).await;
    let row = confirmed(&desk, "T-1", "1000.00").await;
    let request = submitted(&desk, &open, &[&row], "1000.00").await;
    let request = reviewed(&desk, &request, "BEGIN").await;
    let selection = format!("offer {{ {OFFER} }}");
    let input = json!({ "requestId": request["id"], "expectedVersion": request["version"], "days": 1 });
    let drawn = maker(&desk).await.done("makeFinancingOffer", &selection, input).await["offer"].clone();
    let input = over(step(&drawn), json!({ "approve": true }));
    checker(&desk).await.done("checkFinancingOffer", &selection, input).await;
    desk.wait(Duration::days(1));
    let seller = desk.supplier(0).await;
    let taking = json!({ "id": drawn["id"], "termsSha256": drawn["termsSha256"] });
    assert_eq!(seller.refused("acceptFinancingOffer", taking).await, refusals(&[("OFFER_EXPIRED", "id")]));
    assert_eq!(api::finance::jobs::sweep(desk.app(), desk.now()).await.unwrap(), 1);
    assert_eq!(api::finance::jobs::sweep(desk.app(), desk.now()).await.unwrap(), 0);
    let now = desk.one(&seller, "financingRequest", &request["id"], "state offers { state }").await;
    assert_eq!(now, json!({ "state": "OFFER_EXPIRED", "offers": [{ "state": "EXPIRED" }] }));
    let row = desk.one(&seller, "receivable", &row["id"], RECEIVABLE).await;
    assert_eq!(row["encumbranceStatus"], "FREE");
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_an_invoice_is_financed_is_told_and_by_whom_is_not() {
    let desk = Desk::new().await;
    let open = programme(&desk, "保理", json!({})).await;
    limit(&desk, "DEBTOR", "1000.00", json!({ "debtorId": desk.buyer })).await;
    let row = confirmed(&desk, "W-1", "1000.00").await;
    let bank = maker(&desk).await;
    let query = "query($i: InvoiceFinancedInput!) { invoiceFinanced(input: $i) { financed matchKind } }";
    let asking = |number: &str, amount: &str| {
        json!({ "i": {
            "sellerUscc": "91630103MA75AE4A44", "debtorUscc": "91630105MA75PB350Q", "invoiceKind": "OTHER",
            "invoiceNo": number, "issueDate": desk.day(-10), "amount": yuan(amount),
        } })
    };
    let nothing = json!({ "financed": false, "matchKind": "NOTHING" });
    assert_eq!(bank.data(query, asking("W-1", "1000.00")).await["invoiceFinanced"], nothing);
    let request = submitted(&desk, &open, &[&row], "1000.00").await;
    for (number, amount, expected) in [
        ("ｗ-1", "1000.00", json!({ "financed": true, "matchKind": "EXACT" })),
        ("W-1", "999.00", json!({ "financed": false, "matchKind": "NUMBER" })),
        ("W-2", "1000.00", nothing.clone()),
    ] {
        assert_eq!(bank.data(query, asking(number, amount)).await["invoiceFinanced"], expected, "{number} {amount}");
    }
    // Its seller may ask, its debtor and other sellers not.
    let own = desk.supplier(0).await.data(query, asking("W-1", "1000.00")).await;
    assert_eq!(own["invoiceFinanced"]["matchKind"], "EXACT");
    for other in [desk.owner().await, desk.supplier(1).await] {
        assert_eq!(other.error(query, asking("W-1", "1000.00")).await, "FORBIDDEN");
    }
    let limit = "{ financingLimits { nodes { sanctioned { amount } blocked { amount } free { amount } } } }";
    let told = desk.owner().await.data(limit, json!({})).await["financingLimits"]["nodes"][0].clone();
    assert_eq!(told, json!({ "sanctioned": { "amount": "1000.00" }, "blocked": null, "free": null }));
    let input = over(step(&request), json!({ "reply": "WITHDRAW", "note": "x" }));
    desk.supplier(0).await.done("replyToFinancingRequest", "request { id }", input).await;
    assert_eq!(bank.data(query, asking("W-1", "1000.00")).await["invoiceFinanced"], nothing, "{OPERATOR}");
}
