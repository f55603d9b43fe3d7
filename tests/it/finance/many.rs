//! Many who want money at the same moment: one invoice is locked once, no limit is overdrawn, on both databases.

use entities::{
    finance::{limit, request::encumbrance},
    party::MemberRole,
};
use futures_util::future::join_all;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{
    Desk, checker, confirmed, granted, limit as limited, maker, offering, opened, programme, proposing, submitting,
};
use crate::support::Client;

/// Two people of another bank: an organisation that became one.
async fn second_bank(desk: &Desk) -> (Client, Client) {
    const SECOND: &str = "xining-trade-service-centre";
    let server = &desk.market.server;
    let roles = json!({ "id": server.organisation(SECOND).await, "roles": ["BANK"] });
    desk.operator().await.done("assignOrganisationRoles", "", roles).await;
    let one = server.anonymous().with_token(server.token(MemberRole::Owner, SECOND).await);
    (one, server.member("owner", SECOND).await)
}

/// All of these at once; how many were done, and the codes of what was refused.
async fn at_once(tries: Vec<(Client, Value)>) -> (Vec<Value>, Vec<String>) {
    let barrier = std::sync::Arc::new(tokio::sync::Barrier::new(tries.len()));
    let tasks = tries.into_iter().map(|(client, input)| {
        let barrier = barrier.clone();
        tokio::spawn(async move {
            barrier.wait().await;
            client.payload("submitFinancingRequest", "request { id principal { amount } }", input).await
        })
    });
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    for answer in join_all(tasks).await {
        let answer = answer.expect("a client broke down");
        match answer["userErrors"].as_array().unwrap().first() {
            None => done.push(answer["request"].clone()),
            Some(error) => refused.push(error["code"].as_str().unwrap().to_owned()),
        }
    }
    (done, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_finance_one_invoice_in_two_programmes_of_two_banks_one_gets_it() {
    let desk = Desk::new().await;
    let (maker, checker) = (maker(&desk).await, checker(&desk).await);
    let (one, other) = second_bank(&desk).await;
    let mut programmes = Vec::new();
    for (maker, checker) in [(&maker, &checker), (&maker, &checker), (&one, &other)] {
        let input = offering(&format!("项目{}", programmes.len()), json!({}));
        programmes.push(opened(maker, checker, input).await);
    }
    for (maker, checker) in [(&maker, &checker), (&one, &other)] {
        let input = proposing(&desk, "DEBTOR", "100000.00", json!({ "debtorId": desk.buyer }));
        granted(maker, checker, input).await;
    }
    let row = confirmed(&desk, "ONCE-1", "1000.00").await;
    let seller = desk.supplier(0).await;
    let tries = (0..50).map(|n| (seller.clone(), submitting(&desk, &programmes[n % 3], &[&row], "1000.00")));
    let (done, refused) = at_once(tries.collect()).await;
    assert_eq!(done.len(), 1, "one invoice is financed {} times", done.len());
    assert!(refused.iter().all(|code| code == "ALREADY_ENCUMBERED"), "{refused:?}");
    let live = encumbrance::Entity::find().filter(encumbrance::Column::Live.eq(true));
    assert_eq!(live.count(desk.app().db().read()).await.unwrap(), 1);
    let blocked: i64 =
        limit::Entity::find().all(desk.app().db().read()).await.unwrap().iter().map(|row| row.blocked_minor).sum();
    assert_eq!(blocked, 80_000, "limits are blocked for what nobody got");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_many_want_at_once_is_never_overdrawn() {
    let desk = Desk::new().await;
    let open = programme(&desk, "保理", json!({})).await;
    // The vector of J: 1.2 and 1.0 million want of 2.0 million, at an advance of all.
    let mut terms = offering("", json!({}))["terms"].clone();
    terms["advancePpm"] = json!(1_000_000);
    terms["interestTiming"] = json!("REAR");
    let whole = programme(&desk, "全额", json!({ "terms": terms })).await;
    limited(&desk, "DEBTOR", "2000000.00", json!({ "debtorId": desk.buyer })).await;
    let seller = desk.supplier(0).await;
    let rows = [confirmed(&desk, "J-1", "1200000.00").await, confirmed(&desk, "J-2", "1000000.00").await];
    let tries = vec![
        (seller.clone(), submitting(&desk, &whole, &[&rows[0]], "1200000.00")),
        (seller.clone(), submitting(&desk, &whole, &[&rows[1]], "1000000.00")),
    ];
    let (done, refused) = at_once(tries).await;
    assert_eq!(done.len(), 1, "{refused:?}");
    assert!(["LIMIT_EXCEEDED", "NOT_ELIGIBLE"].contains(&refused[0].as_str()), "{refused:?}");
    let left = if done[0]["principal"]["amount"] == "1200000.00" { 80_000_000 } else { 100_000_000 };
    // Of what is left, forty want a tenth each: ten get it.
    let mut tries = Vec::new();
    for n in 0..40 {
        let amount = left / 8; // 80 % of an eighth are a tenth.
        let text = format!("{}.{:02}", amount / 100, amount % 100);
        let row = confirmed(&desk, &format!("K-{n}"), &text).await;
        tries.push((seller.clone(), submitting(&desk, &open, &[&row], &text)));
    }
    let (done, refused) = at_once(tries).await;
    assert_eq!((done.len(), refused.len()), (10, 30), "{refused:?}");
    let row = limit::Entity::find().one(desk.app().db().read()).await.unwrap().unwrap();
    assert_eq!((row.blocked_minor, row.utilised_minor), (200_000_000, 0));
    let entries = limit::entry::Entity::find().all(desk.app().db().read()).await.unwrap();
    assert_eq!(
        entries.iter().map(|one| one.amount_minor).sum::<i64>(),
        row.blocked_minor,
        "the entries are not the limit"
    );
}
