//! Members: invited, changed, removed; the last owner stays.

use chrono::Duration;
use serde_json::{Value, json};

use crate::support::{Client, OPERATOR, OTHER_SELLER, SELLER, TestServer};

const MEMBERS: &str = "{ members { nodes { id version roles approvalLevel person { displayName } } } }";

async fn member_with(client: &Client, role: &str) -> Value {
    let members = client.data(MEMBERS, json!({})).await["members"]["nodes"].clone();
    members.as_array().unwrap().iter().find(|m| m["roles"].to_string().contains(role)).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_invited_joins_and_nobody_else() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    let contact = "consumer-1@demo.chama.example";
    let input = json!({ "contact": contact, "roles": ["APPROVER", "PURCHASER"], "approvalLevel": 2 });
    let selection = "sent { token invitation { id contact roles accepted } }";
    let sent = owner.done("inviteMember", selection, input).await["sent"].clone();
    assert_eq!(sent["invitation"]["contact"], "c***@demo.chama.example");
    let token = json!({ "token": sent["token"] });
    let (one, two) = (server.consumer(1).await, server.consumer(2).await);
    assert_eq!(two.refused("acceptInvitation", token.clone()).await[0].0, "INVITATION_INVALID", "a found token works");
    let forged = json!({ "token": format!("{}0", sent["token"].as_str().unwrap()) });
    assert_eq!(one.refused("acceptInvitation", forged).await[0].0, "INVITATION_INVALID");
    let joined =
        one.done("acceptInvitation", "membership { roles approvalLevel organisation { slug } }", token.clone()).await;
    assert_eq!(
        joined["membership"],
        json!({ "roles": ["PURCHASER", "APPROVER"], "approvalLevel": 2, "organisation": { "slug": SELLER } })
    );
    assert_eq!(one.refused("acceptInvitation", token).await[0].0, "INVITATION_INVALID", "an invitation works twice");
    let list = owner.data("{ invitations { nodes { accepted } } }", json!({})).await;
    assert_eq!(list["invitations"]["nodes"], json!([{ "accepted": true }]));

    // Taken back, or too late.
    let invite = async || {
        let input = json!({ "contact": "consumer-2@demo.chama.example", "roles": ["RECEIVER"] });
        owner.done("inviteMember", selection, input).await["sent"].clone()
    };
    let sent = invite().await;
    owner.done("revokeInvitation", "invitation { closedAt }", json!({ "id": sent["invitation"]["id"] })).await;
    assert_eq!(two.refused("acceptInvitation", json!({ "token": sent["token"] })).await[0].0, "INVITATION_INVALID");
    let sent = invite().await;
    server.wait(Duration::days(8));
    let two = server.consumer(2).await;
    assert_eq!(two.refused("acceptInvitation", json!({ "token": sent["token"] })).await[0].0, "INVITATION_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_must_fit_the_organisation_and_its_member() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    for (roles, level, code) in [
        (json!([]), json!(null), "REQUIRED"),
        (json!(["OPERATOR"]), json!(null), "ROLE_NOT_ALLOWED"),
        (json!(["BANK_CHECKER"]), json!(null), "ROLE_NOT_ALLOWED"),
        (json!(["SHOWROOM_STAFF"]), json!(null), "ROLE_NOT_ALLOWED"),
        (json!(["APPROVER"]), json!(null), "OUT_OF_RANGE"),
        (json!(["APPROVER"]), json!(10), "OUT_OF_RANGE"),
        (json!(["PURCHASER"]), json!(1), "OUT_OF_RANGE"),
    ] {
        let input = json!({ "contact": "x@example.com", "roles": roles, "approvalLevel": level });
        assert_eq!(owner.refused("inviteMember", input).await[0].0, code, "{roles} {level}");
    }
    let manager = member_with(&owner, "CATALOG_MANAGER").await;
    let input = json!({ "id": manager["id"], "expectedVersion": 1, "roles": ["RECEIVER", "AUDITOR"] });
    let changed = owner.done("changeMemberRoles", "membership { roles version }", input.clone()).await;
    assert_eq!(changed["membership"], json!({ "roles": ["RECEIVER", "AUDITOR"], "version": 2 }));
    assert_eq!(owner.refused("changeMemberRoles", input).await[0].0, "STALE_VERSION");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_may_changes_with_its_roles_at_once() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    let manager = server.member("catalog-manager", SELLER).await;
    let category = crate::support::leaf(&manager).await;
    let rug = |key: &str| json!({ "content": crate::support::rug(key, &category) });
    manager.done("createProduct", "", rug("a")).await;
    let membership = member_with(&owner, "CATALOG_MANAGER").await;
    let input = json!({ "id": membership["id"], "expectedVersion": 1, "roles": ["RECEIVER"] });
    owner.done("changeMemberRoles", "", input).await;
    assert_eq!(manager.denied("createProduct", rug("b")).await, "FORBIDDEN", "a role lives on in the token");
    assert_eq!(
        manager.data("{ products(filter: { mine: true, statuses: [DRAFT] }) { totalCount } }", json!({})).await["products"]
            ["totalCount"],
        1
    );
    owner.done("removeMember", "removedId", json!({ "id": membership["id"] })).await;
    assert_eq!(
        manager.error("{ viewer { standing } }", json!({})).await,
        "UNAUTHENTICATED",
        "a removed member goes on"
    );
    // Who is removed may sign in for itself.
    server.sign_in(&format!("catalog-manager@{SELLER}.demo.chama.example"), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays_also_when_two_owners_remove_each_other() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    let own = member_with(&owner, "OWNER").await;
    assert_eq!(owner.refused("removeMember", json!({ "id": own["id"] })).await[0].0, "LAST_OWNER");
    let demoted = json!({ "id": own["id"], "expectedVersion": 1, "roles": ["AUDITOR"] });
    assert_eq!(owner.refused("changeMemberRoles", demoted).await[0].0, "LAST_OWNER");
    let manager = member_with(&owner, "CATALOG_MANAGER").await;
    let input = json!({ "id": manager["id"], "expectedVersion": 1, "roles": ["OWNER"] });
    owner.done("changeMemberRoles", "", input).await;
    let second = server.member("catalog-manager", SELLER).await;
    let (a, b) = tokio::join!(
        owner.response(
            "mutation($i: RemoveMemberInput!) { removeMember(input: $i) { removedId } }",
            json!({ "i": { "id": manager["id"] } })
        ),
        second.response(
            "mutation($i: RemoveMemberInput!) { removeMember(input: $i) { removedId } }",
            json!({ "i": { "id": own["id"] } })
        ),
    );
    let removed = [&a, &b].iter().filter(|r| r["data"]["removeMember"]["removedId"].is_string()).count();
    assert_eq!(removed, 1, "{a} {b}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_organisations_members_do_not_exist() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    let stranger = server.member("owner", OTHER_SELLER).await;
    let manager = member_with(&owner, "CATALOG_MANAGER").await;
    let id = server.organisation(SELLER).await;
    let list = "query($id: ID) { members(organisationId: $id) { nodes { id } } }";
    assert_eq!(stranger.error(list, json!({ "id": id })).await, "FORBIDDEN");
    assert_eq!(stranger.refused("removeMember", json!({ "id": manager["id"] })).await[0].0, "NOT_FOUND");
    let input = json!({ "id": manager["id"], "expectedVersion": 1, "roles": ["OWNER"] });
    assert_eq!(stranger.refused("changeMemberRoles", input).await[0].0, "NOT_FOUND");
    let input = json!({ "organisationId": id, "contact": "spy@example.com", "roles": ["OWNER"] });
    assert_eq!(stranger.denied("inviteMember", input.clone()).await, "FORBIDDEN");
    // The zone's operator brings an organisation its first owner, and no second one; its auditor reads.
    let operator = server.member("operator", OPERATOR).await;
    assert_eq!(operator.denied("inviteMember", input.clone()).await, "FORBIDDEN", "an operator makes itself an owner");
    let empty = json!({ "organisationId": server.organisation("doma-rugs").await, "contact": "o@example.com", "roles": ["OWNER"] });
    operator.done("inviteMember", "", empty).await;
    assert_eq!(
        operator
            .denied("changeMemberRoles", json!({ "id": manager["id"], "expectedVersion": 1, "roles": ["OWNER"] }))
            .await,
        "FORBIDDEN"
    );
    let auditor = server.member("auditor", OPERATOR).await;
    assert_eq!(auditor.data(list, json!({ "id": id })).await["members"]["nodes"].as_array().unwrap().len(), 3);
    assert_eq!(auditor.denied("inviteMember", input).await, "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_registers_an_organisation_owns_it_and_an_operator_gives_it_roles() {
    let server = TestServer::start().await;
    let person = server.consumer(1).await;
    let input = json!({
        "name": [{ "locale": "en", "text": "Riyue Tea Co." }, { "locale": "zh-CN", "text": "日月茶业" }],
        "uscc": "91630100MA7520005P", "customsCode": "630161ABCD",
        "addresses": [{ "kind": "REGISTERED", "country": "CN", "region": "青海省西宁市", "street": "东关大街 1 号" }],
    });
    let selection = "organisation { id slug uscc customsCode roles version addresses { kind region } }";
    let made = person.done("registerOrganisation", selection, input.clone()).await["organisation"].clone();
    assert_eq!((&made["slug"], &made["roles"]), (&json!("riyue-tea-co"), &json!(["BUYER_COMPANY"])));
    let mut taken = input.clone();
    taken["slug"] = json!("another");
    taken["customsCode"] = json!("630161ABCE");
    assert_eq!(person.refused("registerOrganisation", taken).await, [("ALREADY_TAKEN".into(), "uscc".into())]);
    let wrong = json!({ "name": [{ "locale": "en", "text": "W" }], "uscc": "91350100M000100Y44", "customsCode": "x" });
    assert_eq!(
        person.refused("registerOrganisation", wrong).await,
        [("INVALID_USCC".into(), "uscc".into()), ("INVALID_CUSTOMS_REGISTRATION".into(), "customsCode".into())]
    );
    let acting = person.done("actFor", "tokens { accessToken }", json!({ "organisationId": made["id"] })).await;
    let owner = server.anonymous().with_token(acting["tokens"]["accessToken"].as_str().unwrap().to_owned());
    let update = json!({ "expectedVersion": 1, "addresses": [] });
    let updated = owner.done("updateOrganisation", selection, update.clone()).await;
    assert_eq!((&updated["organisation"]["addresses"], &updated["organisation"]["version"]), (&json!([]), &json!(2)));
    assert_eq!(owner.refused("updateOrganisation", update).await[0].0, "STALE_VERSION");
    let roles = json!({ "id": made["id"], "roles": ["SELLER", "BUYER_COMPANY"] });
    assert_eq!(owner.denied("assignOrganisationRoles", roles.clone()).await, "FORBIDDEN");
    let operator = server.member("operator", OPERATOR).await;
    let assigned = operator.done("assignOrganisationRoles", "organisation { roles }", roles).await;
    assert_eq!(assigned["organisation"]["roles"], json!(["BUYER_COMPANY", "SELLER"]));
    let platform = json!({ "id": made["id"], "roles": ["PLATFORM"] });
    assert_eq!(
        operator.refused("assignOrganisationRoles", platform).await[0].0,
        "WRONG_ROLE",
        "the platform was given away"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_does_not_outlive_the_right_to_invite() {
    let server = TestServer::start().await;
    let owner = server.member("owner", SELLER).await;
    let manager = member_with(&owner, "CATALOG_MANAGER").await;
    owner.done("changeMemberRoles", "", json!({ "id": manager["id"], "expectedVersion": 1, "roles": ["OWNER"] })).await;
    let second = server.member("catalog-manager", SELLER).await;
    let input = json!({ "contact": "consumer-1@demo.chama.example", "roles": ["OWNER"] });
    let token = second.done("inviteMember", "sent { token }", input).await["sent"]["token"].clone();
    owner.done("removeMember", "", json!({ "id": manager["id"] })).await;
    let accomplice = server.consumer(1).await;
    assert_eq!(accomplice.refused("acceptInvitation", json!({ "token": token })).await[0].0, "INVITATION_INVALID");
}
