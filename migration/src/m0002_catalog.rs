//! Categories, brands, attributes, and products with all that is shared about them.

use sea_orm_migration::prelude::*;

use crate::column::{ascii, drop_tables, id, index, int, json, moment, optional_id, primary_id, refers, state, unique};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        vocabulary(manager).await?;
        product(manager).await?;
        parts(manager).await?;
        changes(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "product_history",
            "product_change",
            "media",
            "variant",
            "product_tag",
            "product",
            "category_attribute",
            "attribute",
            "brand",
            "category",
        ];
        drop_tables(manager, &tables).await
    }
}

async fn vocabulary(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let category = Table::create()
        .table("category")
        .col(primary_id())
        .col(ascii(manager, "slug", 80))
        .col(optional_id("parent_id"))
        .col(ascii(manager, "path", 420))
        .col(int("position"))
        .col(json("name"))
        .col(int("version"))
        .foreign_key(&mut refers("category", "parent_id", "category", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(category).await?;
    unique(manager, "category", &["slug"]).await?;
    unique(manager, "category", &["path"]).await?;
    index(manager, "category", &["parent_id", "position"]).await?;

    let brand = Table::create()
        .table("brand")
        .col(primary_id())
        .col(ascii(manager, "slug", 80))
        .col(json("name"))
        .col(ColumnDef::new("country").string_len(2))
        .col(int("version"))
        .take();
    manager.create_table(brand).await?;
    unique(manager, "brand", &["slug"]).await?;

    let attribute = Table::create()
        .table("attribute")
        .col(primary_id())
        .col(ascii(manager, "code", 60))
        .col(json("name"))
        .col(state("kind"))
        .col(ColumnDef::new("unit").string_len(16))
        .col(json("choices"))
        .take();
    manager.create_table(attribute).await?;
    unique(manager, "attribute", &["code"]).await?;

    let link = Table::create()
        .table("category_attribute")
        .col(id("category_id"))
        .col(id("attribute_id"))
        .primary_key(Index::create().col("category_id").col("attribute_id"))
        .foreign_key(&mut refers("category_attribute", "category_id", "category", ForeignKeyAction::Cascade))
        .foreign_key(&mut refers("category_attribute", "attribute_id", "attribute", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(link).await?;
    index(manager, "category_attribute", &["attribute_id"]).await
}

async fn product(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let product = Table::create()
        .table("product")
        .col(primary_id())
        .col(ascii(manager, "slug", 80))
        .col(id("category_id"))
        .col(optional_id("brand_id"))
        .col(id("owner_id"))
        .col(state("status"))
        .col(ColumnDef::new("rejection").text())
        .col(json("name"))
        .col(json("description"))
        .col(json("attributes"))
        .col(ascii(manager, "sort_zh", 120))
        .col(ascii(manager, "sort_en", 120))
        .col(int("version"))
        .col(moment("created_at"))
        .col(moment("updated_at"))
        .col(moment("listed_at"))
        .col(ColumnDef::new("published_at").timestamp_with_time_zone())
        .foreign_key(&mut refers("product", "category_id", "category", ForeignKeyAction::Restrict))
        .foreign_key(&mut refers("product", "brand_id", "brand", ForeignKeyAction::Restrict))
        .foreign_key(&mut refers("product", "owner_id", "organisation", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(product).await?;
    unique(manager, "product", &["slug"]).await?;
    // One index for each order of the public list, and one for each list that hangs on something.
    index(manager, "product", &["status", "listed_at", "id"]).await?;
    index(manager, "product", &["status", "sort_zh", "id"]).await?;
    index(manager, "product", &["status", "sort_en", "id"]).await?;
    index(manager, "product", &["category_id", "status", "listed_at", "id"]).await?;
    index(manager, "product", &["brand_id", "status", "listed_at", "id"]).await?;
    index(manager, "product", &["owner_id", "listed_at", "id"]).await
}

async fn parts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let tag = Table::create()
        .table("product_tag")
        .col(id("product_id"))
        .col(state("tag"))
        .primary_key(Index::create().col("product_id").col("tag"))
        .foreign_key(&mut refers("product_tag", "product_id", "product", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(tag).await?;
    index(manager, "product_tag", &["tag", "product_id"]).await?;

    let variant = Table::create()
        .table("variant")
        .col(primary_id())
        .col(id("product_id"))
        .col(ascii(manager, "code", 40))
        .col(json("name"))
        .col(ColumnDef::new("gtin").string_len(14))
        .col(ascii(manager, "hs_code", 10))
        .col(ColumnDef::new("origin").string_len(2).not_null())
        .col(int("net_weight_g"))
        .col(int("gross_weight_g"))
        .col(ColumnDef::new("unit1").string_len(3).not_null())
        .col(ColumnDef::new("unit2").string_len(3))
        .col(int("position"))
        .foreign_key(&mut refers("variant", "product_id", "product", ForeignKeyAction::Cascade))
        .check(("ck_variant_weight", Expr::cust("net_weight_g > 0 AND gross_weight_g >= net_weight_g")))
        .take();
    manager.create_table(variant).await?;
    unique(manager, "variant", &["product_id", "code"]).await?;
    unique(manager, "variant", &["gtin"]).await?;
    index(manager, "variant", &["hs_code", "product_id"]).await?;
    index(manager, "variant", &["origin", "product_id"]).await?;

    let media = Table::create()
        .table("media")
        .col(primary_id())
        .col(id("product_id"))
        .col(int("position"))
        .col(state("kind"))
        .col(ColumnDef::new("url").text().not_null())
        .col(json("alt"))
        .foreign_key(&mut refers("media", "product_id", "product", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(media).await?;
    unique(manager, "media", &["product_id", "position"]).await
}

async fn changes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let change = Table::create()
        .table("product_change")
        .col(primary_id())
        .col(id("product_id"))
        .col(id("proposer_id"))
        .col(ColumnDef::new("proposed_by").string_len(120).not_null())
        .col(int("base_version"))
        .col(json("patch"))
        .col(state("status"))
        .col(ColumnDef::new("reason").text())
        .col(ColumnDef::new("decided_by").string_len(120))
        .col(moment("created_at"))
        .col(ColumnDef::new("decided_at").timestamp_with_time_zone())
        .foreign_key(&mut refers("product_change", "product_id", "product", ForeignKeyAction::Cascade))
        .foreign_key(&mut refers("product_change", "proposer_id", "organisation", ForeignKeyAction::Restrict))
        .take();
    manager.create_table(change).await?;
    index(manager, "product_change", &["product_id", "status"]).await?;
    index(manager, "product_change", &["status", "id"]).await?;
    index(manager, "product_change", &["proposer_id", "id"]).await?;

    // The organisation and the proposal are named, not referred to: history outlives both.
    let history = Table::create()
        .table("product_history")
        .col(primary_id())
        .col(id("product_id"))
        .col(int("version"))
        .col(state("action"))
        .col(ColumnDef::new("actor").string_len(120).not_null())
        .col(optional_id("organisation_id"))
        .col(optional_id("change_id"))
        .col(json("differences"))
        .col(moment("at"))
        .foreign_key(&mut refers("product_history", "product_id", "product", ForeignKeyAction::Cascade))
        .take();
    manager.create_table(history).await?;
    index(manager, "product_history", &["product_id", "id"]).await
}
