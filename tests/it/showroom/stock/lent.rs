//! Samples that are lent against a deposit.

use entities::showroom::loan;
use sea_orm::ConnectionTrait;

use super::*;

/// A loan of four samples against 1,000.00, to a person.
pub(super) fn asked(shop: &Shop, balance: &Value) -> Value {
    json!({
        "showroomId": shop.id, "borrower": { "name": "张三丰", "mobile": "13800000000" }, "purpose": "酒店试用", "dueOn": "2026-03-08",
        "deposit": { "means": "CASH", "amount": { "amount": "1000.00", "currency": "CNY" } },
        "lines": [{ "balanceId": balance, "quantity": 4 }],
    })
}

pub(super) const LOAN: &str =
    "loan { id state overdue maskedBorrower settled depositBack { amount } depositKept { amount } }";

async fn line_of(client: &Client, loan: &Value) -> Value {
    let query = "query($id: ID!) { sampleLoan(id: $id) { lines { nodes { id outstanding } } } }";
    client.data(query, json!({ "id": loan })).await["sampleLoan"]["lines"]["nodes"][0]["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_lent_and_the_deposit_goes_back_as_they_do_to_the_last_fen() {
    let shop = Shop::new().await;
    let sample = shop.stocked("SAMPLE", 4).await;
    let samples = shop.place("SAMPLE").await;
    let made = shop.staff.done("requestSampleLoan", LOAN, asked(&shop, &sample)).await["loan"].clone();
    assert_eq!((&made["state"], &made["maskedBorrower"]), (&json!("REQUESTED"), &json!("张** 138****0000")));
    assert_eq!(shop.lies(&samples).await["available"], 0, "what is asked for is not held");
    let id = json!({ "id": made["id"] });
    assert_eq!(shop.staff.denied("lendSamples", id.clone()).await, "FORBIDDEN");
    shop.adds_up().await;
    shop.manager.done("lendSamples", LOAN, id.clone()).await;
    assert_eq!(shop.on_hand().await, there(&[("@LOAN", 4)]), "what is lent is still in the showroom");
    assert_eq!(shop.manager.refused("lendSamples", id.clone()).await, refusals(&[("ILLEGAL_TRANSITION", "id")]));
    assert_eq!(shop.staff.refused("cancelSampleLoan", id.clone()).await, refusals(&[("ILLEGAL_TRANSITION", "id")]));
    shop.adds_up().await;

    let line = line_of(&shop.staff, &made["id"]).await;
    let back = |good: i64, damaged: i64, kept: Value, condition: Value| {
        json!({ "id": made["id"], "lines": [
        { "lineId": line, "good": good, "damaged": damaged, "kept": kept, "condition": condition }] })
    };
    let yuan = |amount: &str| json!({ "amount": amount, "currency": "CNY" });
    let done = shop.staff.done("returnSamples", LOAN, back(3, 0, Value::Null, Value::Null)).await["loan"].clone();
    assert_eq!(
        (&done["state"], &done["depositBack"]["amount"], &done["depositKept"]["amount"]),
        (&json!("PARTIALLY_RETURNED"), &json!("750.00"), &json!("0.00"))
    );
    shop.adds_up().await;
    let scratched = json!("一角破损");
    let keep = back(0, 1, yuan("200.00"), scratched.clone());
    assert_eq!(
        shop.staff.denied("returnSamples", keep.clone()).await,
        "FORBIDDEN",
        "who keeps money runs the showroom"
    );
    for (wrong, expected) in [
        (back(2, 0, Value::Null, Value::Null), ("OUT_OF_RANGE", "lines.0.good")),
        (back(0, 0, Value::Null, Value::Null), ("OUT_OF_RANGE", "lines.0.good")),
        (back(0, 1, yuan("200.00"), Value::Null), ("REQUIRED", "lines.0.condition")),
        (back(0, 1, yuan("250.01"), scratched.clone()), ("OUT_OF_RANGE", "lines.0.kept")),
        (back(1, 0, yuan("0.01"), Value::Null), ("OUT_OF_RANGE", "lines.0.kept")),
        (back(0, 1, json!({ "amount": "1", "currency": "USD" }), scratched), ("INVALID_CURRENCY", "lines.0.kept")),
    ] {
        assert_eq!(shop.manager.refused("returnSamples", wrong.clone()).await, refusals(&[expected]), "{wrong}");
    }
    let done = shop.manager.done("returnSamples", LOAN, keep.clone()).await["loan"].clone();
    assert_eq!(
        (&done["state"], &done["depositBack"]["amount"], &done["depositKept"]["amount"]),
        (&json!("RETURNED"), &json!("800.00"), &json!("200.00"))
    );
    let query = "query($id: ID!) { sampleLoan(id: $id) { returns { nodes { good damaged depositBack { amount } depositKept { amount } condition } } } }";
    let noted = shop.staff.data(query, id.clone()).await["sampleLoan"]["returns"]["nodes"].clone();
    let one = |good: i64, damaged: i64, back: &str, kept: &str, condition: Value| {
        json!({ "good": good, "damaged": damaged,
        "depositBack": { "amount": back }, "depositKept": { "amount": kept }, "condition": condition })
    };
    let expected = json!([one(3, 0, "750.00", "0.00", Value::Null), one(0, 1, "50.00", "200.00", json!("一角破损"))]);
    assert_eq!(noted, expected);
    assert_eq!(shop.on_hand().await, there(&[("WANDA.DAMAGED", 1), ("WANDA.SAMPLE", 3)]));
    assert_eq!(shop.manager.refused("returnSamples", keep).await, refusals(&[("ILLEGAL_TRANSITION", "id")]));
    shop.adds_up().await;
    // What is written down stays, and who borrowed is read by nobody who looks at the table.
    let db = shop.server.app.db().writer();
    assert!(db.execute_unprepared("UPDATE sample_loan_return SET kept_minor = 0").await.is_err());
    let row = loan::Entity::find().one(db).await.unwrap().unwrap();
    let name = "张三丰".as_bytes();
    assert!(!row.borrower.unwrap().windows(name.len()).any(|part| part == name), "the borrower can be read");
    let reveal = json!({ "id": made["id"], "reason": "催还" });
    assert_eq!(shop.staff.denied("revealSampleBorrower", reveal.clone()).await, "FORBIDDEN");
    let clear = shop.manager.done("revealSampleBorrower", "borrower { name mobile }", reveal).await;
    assert_eq!(clear["borrower"], json!({ "name": "张三丰", "mobile": "13800000000" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_back_on_its_day_is_overdue_and_what_is_lost_is_written_off_with_its_deposit() {
    let mut shop = Shop::new().await;
    let sample = shop.stocked("SAMPLE", 6).await;
    let saleable = shop.stocked("SALEABLE", 4).await;
    let (_, stranger) = shop.another().await;
    // What cannot be asked for.
    let with = |field: &str, value: Value| {
        let mut input = asked(&shop, &sample);
        input[field] = value;
        input
    };
    let lent = |balance: &Value, quantity: i64| json!([{ "balanceId": balance, "quantity": quantity }]);
    let waived = json!({ "means": "WAIVED" });
    for (wrong, expected) in [
        (with("dueOn", json!("2026-02-28")), ("OUT_OF_RANGE", "dueOn")),
        (with("dueOn", json!("2027-03-03")), ("OUT_OF_RANGE", "dueOn")),
        (with("deposit", waived), ("REQUIRED", "deposit.waivedReason")),
        (with("deposit", json!({ "means": "TRANSFER" })), ("REQUIRED", "deposit.amount")),
        (with("borrower", json!({ "name": " " })), ("REQUIRED", "borrower.name")),
        (with("borrowerId", shop.id.clone()), ("INVALID_VALUE", "borrower")),
        (with("lines", json!([])), ("REQUIRED", "lines")),
        (with("lines", lent(&sample, 7)), ("OUT_OF_STOCK", "lines.0.quantity")),
        (with("lines", lent(&saleable, 1)), ("ILLEGAL_TRANSITION", "lines.0.balanceId")),
        (with("lines", lent(&shop.id, 1)), ("NOT_FOUND", "lines.0.balanceId")),
    ] {
        let refused = shop.staff.refused("requestSampleLoan", wrong.clone()).await;
        assert_eq!(refused, refusals(&[expected]), "{wrong}");
    }
    let request = async |input: Value| shop.staff.done("requestSampleLoan", LOAN, input).await["loan"]["id"].clone();
    let given_up = request(asked(&shop, &sample)).await;
    shop.staff.done("cancelSampleLoan", LOAN, json!({ "id": given_up })).await;
    let id = request(asked(&shop, &sample)).await;
    let mut company = with("lines", lent(&sample, 2));
    company["borrower"] = Value::Null;
    company["borrowerId"] = shop.server.organisation("qingmai-hotels").await;
    company["deposit"] = json!({ "means": "WAIVED", "waivedReason": "长期客户" });
    company["dueOn"] = json!("2026-06-01");
    let other = request(company).await;
    for loan in [&id, &other] {
        shop.manager.done("lendSamples", LOAN, json!({ "id": loan })).await;
    }
    shop.adds_up().await;
    let line = line_of(&shop.staff, &id).await;
    let one = json!({ "id": id, "lines": [{ "lineId": line, "good": 1 }] });
    let foreign = json!({ "id": other, "lines": [{ "lineId": line, "good": 1 }] });
    assert_eq!(shop.staff.refused("returnSamples", foreign).await, refusals(&[("NOT_FOUND", "lines.0.lineId")]));
    // Of those who take the last in at once, one does.
    let last = line_of(&shop.staff, &other).await;
    let all = futures_util::future::join_all((0..4).map(|n| {
        let client = if n % 2 == 0 { &shop.staff } else { &shop.manager };
        client.payload("returnSamples", LOAN, json!({ "id": other, "lines": [{ "lineId": last, "good": 2 }] }))
    }));
    let done = all.await.iter().filter(|payload| payload["userErrors"] == json!([])).count();
    assert_eq!(done, 1, "samples came back twice");
    shop.staff.done("returnSamples", LOAN, one).await;
    shop.adds_up().await;

    let query =
        "query($s: ID!, $o: Boolean) { sampleLoans(showroomId: $s, overdue: $o) { nodes { id overdue state } } }";
    let late = json!({ "s": shop.id, "o": true });
    assert_eq!(shop.staff.data(query, late.clone()).await["sampleLoans"]["nodes"], json!([]));
    let nobody = shop.server.anonymous();
    assert_eq!(stranger.data(query, json!({ "s": shop.id })).await["sampleLoans"]["nodes"], json!([]));
    let alone = "query($id: ID!) { sampleLoan(id: $id) { id } }";
    assert_eq!(stranger.data(alone, json!({ "id": id })).await["sampleLoan"], Value::Null);
    let foreign = stranger.refused("cancelSampleLoan", json!({ "id": id })).await;
    assert_eq!(foreign, refusals(&[("NOT_FOUND", "id")]));
    assert_eq!(shop.server.consumer(2).await.error(alone, json!({ "id": id })).await, "FORBIDDEN");
    assert_eq!(nobody.error(alone, json!({ "id": id })).await, "UNAUTHENTICATED");
    // Eight days later; tokens do not last as long.
    shop.server.wait(Duration::days(8));
    shop.owner = shop.server.member("owner", RUNS).await;
    shop.manager = shop.server.member("showroom-manager", RUNS).await;
    shop.staff = shop.server.member("showroom-staff", RUNS).await;
    let found = shop.staff.data(query, late).await["sampleLoans"]["nodes"].clone();
    assert_eq!(found, json!([{ "id": id, "overdue": true, "state": "PARTIALLY_RETURNED" }]));
    let found = shop.staff.data(query, json!({ "s": shop.id, "o": false })).await["sampleLoans"]["nodes"].clone();
    assert_eq!(found.as_array().unwrap().len(), 2);

    let lose = json!({ "id": id, "reason": "联系不上" });
    assert_eq!(shop.staff.denied("loseSampleLoan", lose.clone()).await, "FORBIDDEN");
    let own = shop.manager.refused("loseSampleLoan", lose.clone()).await;
    assert_eq!(own, refusals(&[("MAKER_CHECKER", "id")]), "who lent it says that it is lost");
    let lost = shop.owner.done("loseSampleLoan", LOAN, lose).await["loan"].clone();
    assert_eq!(
        (&lost["state"], &lost["depositBack"]["amount"], &lost["depositKept"]["amount"], &lost["overdue"]),
        (&json!("LOST"), &json!("250.00"), &json!("750.00"), &json!(false))
    );
    assert_eq!(shop.on_hand().await, there(&[("WANDA", 4), ("WANDA.SAMPLE", 3)]));
    shop.adds_up().await;
}
