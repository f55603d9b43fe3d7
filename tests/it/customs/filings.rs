//! Goods filings: what may be filed, and what puts a filing out of force.

use api::worker;
use entities::{catalog::variant, values::id::VariantId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use super::{Border, filing};

/// The filing of the water, after the house was tidied.
async fn tidied(border: &Border) -> Value {
    worker::tidy(border.market.app()).await;
    let seller = border.seller().await;
    let all = seller.data("{ goodsFilings(first: 10) { nodes { id state reason } } }", json!({})).await;
    all["goodsFilings"]["nodes"][0].clone()
}

/// The goods come from elsewhere than was said.
async fn comes_from(border: &Border, country: &str) {
    let id: VariantId = api::platform::graphql::decode(&border.variant.as_str().unwrap().into(), "id").unwrap();
    let update = variant::Entity::update_many()
        .col_expr(variant::Column::Origin, Expr::val(country))
        .filter(variant::Column::Id.eq(id));
    update.exec(border.market.app().db().writer()).await.unwrap();
}

fn water(more: &Value) -> Value {
    let mut row = json!({ "hsCode": "2201101000", "validFrom": "2026-01-01", "mfnPpm": 50_000, "vatPpm": 130_000,
        "source": "公告" });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filing_lapses_when_tariff_list_or_goods_change_and_is_filed_anew() {
    let border = Border::new().await;
    let (seller, operator) = (border.seller().await, border.market.server.operator().await);
    assert_eq!(tidied(&border).await["state"], "APPROVED", "a filing lapses although nothing changed");
    let lapsed = async |why: &str| {
        let seen = tidied(&border).await;
        assert_eq!(seen["state"], "EXPIRED", "{why}: {seen}");
        assert!(seen["reason"].as_str().unwrap().contains(why), "{why}: {seen}");
        seen
    };

    // The goods are of another origin.
    comes_from(&border, "IT").await;
    let seen = lapsed("HS 2201101000 IT 095/035").await;
    let resume = json!({ "id": seen["id"], "decision": "APPROVE" });
    assert_eq!(operator.refused("decideGoodsFiling", resume).await[0].0, "FILING_OUTDATED");
    comes_from(&border, "FR").await;
    border.file(&border.variant).await;

    // The tariff counts in another unit.
    let row = operator.done("setTariff", "tariff { version unit1 unit2 }", water(&json!({ "unit1": "035" }))).await;
    assert_eq!(row["tariff"], json!({ "version": 1, "unit1": "035", "unit2": null }));
    lapsed("法定单位为 035").await;
    let refused = seller.refused("fileGoods", filing(&border.variant)).await;
    assert_eq!(refused, [("UNITS_DIFFER".into(), "variantId".into())], "goods are filed in units of their own");
    for (units, code, field) in [
        (json!({ "unit2": "035" }), "REQUIRED", "unit1"),
        (json!({ "unit1": "kg" }), "INVALID_UNIT", "unit1"),
        (json!({ "unit1": "095", "unit2": "0" }), "INVALID_UNIT", "unit2"),
    ] {
        let mut row = water(&units);
        row["expectedVersion"] = json!(1);
        assert_eq!(operator.refused("setTariff", row.clone()).await, [(code.into(), field.into())], "{row}");
    }
    // A row that does not say its units holds nothing against them.
    operator.done("setTariff", "tariff { version }", water(&json!({ "expectedVersion": 1 }))).await;
    border.file(&border.variant).await;
    let units = json!({ "unit1": "095", "unit2": "035", "expectedVersion": 2 });
    operator.done("setTariff", "tariff { version }", water(&units)).await;
    assert_eq!(tidied(&border).await["state"], "APPROVED");

    // The positive list has its line no more.
    let lines =
        "{ importList(hsCode: \"22011010\", first: 10) { nodes { validFrom version bondedOnly note source } } }";
    let line = operator.data(lines, json!({})).await["importList"]["nodes"][0].clone();
    let ends = json!({ "hs8": "22011010", "validFrom": line["validFrom"], "validTo": "2026-02-01",
        "bondedOnly": line["bondedOnly"], "note": line["note"], "source": line["source"],
        "expectedVersion": line["version"] });
    operator.done("setImportListLine", "line { version }", ends).await;
    lapsed("零售进口商品清单").await;
    assert_eq!(seller.refused("fileGoods", filing(&border.variant)).await[0].0, "NOT_ON_IMPORT_LIST");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taxed_as_of_one_origin_is_not_declared_as_of_another() {
    let border = Border::new().await;
    let buyer = border.market.identified(1).await;
    let order = border.bought(&buyer, 1, "").await;
    comes_from(&border, "IT").await;
    tidied(&border).await;
    border.file(&border.variant).await;
    border.waybill(&order, "YT1").await;
    let seen = border.order(&buyer, &order).await["declaration"].clone();
    assert_eq!(seen["blockers"], json!(["GOODS_NOT_FILED"]), "{seen:#}");
    comes_from(&border, "FR").await;
    tidied(&border).await;
    border.file(&border.variant).await;
    border.market.worked().await;
    let seen = border.order(&buyer, &order).await["declaration"].clone();
    assert_eq!(seen["state"], "RELEASED", "{seen:#}");
}
