//! What customs is told on whose word: legal units of tariff rows, whether an identity was verified, orders that the
//! platform declares itself, and what stood in the original request of a payment that a party took. And what stands in
//! verification lists, under which import list a parcel was released, and when customs made a tax bill.

use sea_orm_migration::prelude::*;

use crate::column::{drop_index, drop_tables, id, index, long, optional_ascii, optional_moment, refers};

const OF_NOTICES: &str = "INSERT INTO verification_line (list_id, item_id, quantity) \
    SELECT v.id, l.item_id, SUM(l.quantity) FROM inbound_line l JOIN verification_list v ON v.inbound_id = l.inbound_id \
    GROUP BY v.id, l.item_id HAVING SUM(l.quantity) > 0";
const OF_PARCELS: &str = "INSERT INTO verification_line (list_id, item_id, quantity) \
    SELECT v.id, e.item_id, SUM(CASE e.event WHEN 'lock' THEN e.quantity WHEN 'unlock' THEN -e.quantity ELSE 0 END) AS n \
    FROM verification_list v JOIN gate_pass_parcel p ON p.gate_pass_id = v.gate_pass_id \
    JOIN shipment s ON s.id = p.shipment_id JOIN bonded_entry e ON e.document = s.document AND NOT e.by_hand \
    JOIN bonded_item i ON i.id = e.item_id AND i.owner_id = s.owner_id AND i.location_id = s.from_id \
    WHERE v.state <> 'cancelled' GROUP BY v.id, e.item_id \
    HAVING SUM(CASE e.event WHEN 'lock' THEN e.quantity WHEN 'unlock' THEN -e.quantity ELSE 0 END) > 0";
const LIST_NUMBERS: &str = "UPDATE shipment SET list_number = (SELECT d.invt_no FROM declaration d \
    WHERE d.document = shipment.document) WHERE released_at IS NOT NULL";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column a statement: SQLite adds no more at once.
        let by_party = ColumnDef::new("order_by_party").boolean().not_null().default(false).take();
        let same = ColumnDef::new("same_person").boolean().null().take();
        let verifier = ColumnDef::new("verified_with").string_len(100).null().take();
        let original = ColumnDef::new("original").binary().null().take();
        for (table, column) in [
            ("tariff_row", optional_ascii(manager, "unit1", 3)),
            ("tariff_row", optional_ascii(manager, "unit2", 3)),
            ("consumer_identity", same),
            ("consumer_identity", verifier),
            ("consumer_identity", optional_moment("verified_at")),
            ("customs_arrangement", by_party),
            ("customs_paper", original),
            ("shipment", optional_ascii(manager, "list_number", 20)),
            ("tax_bill", optional_moment("billed_at")),
        ] {
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        // All filings in force are looked at, not those of a code.
        drop_index(manager, "ix_goods_filing_hs_code", "goods_filing").await?;
        let restrict = ForeignKeyAction::Restrict;
        let line = Table::create()
            .table("verification_line")
            .col(id("list_id"))
            .col(id("item_id"))
            .col(long("quantity"))
            .primary_key(Index::create().name("pk_verification_line").col("list_id").col("item_id"))
            .foreign_key(&mut refers("verification_line", "list_id", "verification_list", restrict))
            .foreign_key(&mut refers("verification_line", "item_id", "bonded_item", restrict))
            .check(("ck_verification_line_quantity", Expr::col("quantity").gt(0)))
            .take();
        manager.create_table(line).await?;
        index(manager, "verification_line", &["item_id"]).await?;
        // What lists said before is what their notices declared, and what the parcels that left had locked.
        for fill in [OF_NOTICES, OF_PARCELS, LIST_NUMBERS] {
            manager.get_connection().execute_unprepared(fill).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["verification_line"]).await?;
        index(manager, "goods_filing", &["hs_code"]).await?;
        for (table, column) in [
            ("tax_bill", "billed_at"),
            ("shipment", "list_number"),
            ("customs_paper", "original"),
            ("customs_arrangement", "order_by_party"),
            ("consumer_identity", "verified_at"),
            ("consumer_identity", "verified_with"),
            ("consumer_identity", "same_person"),
            ("tariff_row", "unit2"),
            ("tariff_row", "unit1"),
        ] {
            manager.alter_table(Table::alter().table(table).drop_column(column).take()).await?;
        }
        Ok(())
    }
}
