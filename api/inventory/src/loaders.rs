//! Batch loaders of stock. A loader belongs to one request.

use std::{collections::HashMap, time::Duration};

use async_graphql::{
    Context,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use entities::{
    inventory::{
        book,
        gate::{line as gate_line, list, pass},
        inbound::{self, line},
        location, lot,
    },
    values::id::{
        GatePassId, InboundId, InboundLineId, StockBalanceId, StockLocationId, StockLotId, VerificationListId,
    },
};
use platform::{app::App, error::SharedError, graphql::Batches};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Statement};

use super::{
    ops::inbound::{OfLine, bins_of_lines, bins_of_lots},
    units,
};

/// Most passes of a notice that it shows itself; all of them are a list of their own.
pub(super) const MOST_PASSES: usize = 20;

/// Loads what this context owns. Who may see a balance or a move may see where it lies and of which lot.
#[derive(Debug)]
pub struct StockLoader {
    app: App,
}

/// The loaders of one request: asked for twice, loaded once.
pub type StockLoaders = DataLoader<StockLoader, HashMapCache>;

/// Makes the loaders of one request.
pub fn loaders(app: &App, batches: &Batches) -> StockLoaders {
    DataLoader::with_cache(StockLoader { app: app.clone() }, batches.spawner(), HashMapCache::default())
        .delay(Duration::ZERO)
}

/// The request's loaders.
pub fn of<'a>(context: &Context<'a>) -> &'a StockLoaders {
    context.data_unchecked::<StockLoaders>()
}

impl Loader<StockLocationId> for StockLoader {
    type Value = location::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[StockLocationId]) -> Result<HashMap<StockLocationId, Self::Value>, SharedError> {
        let rows = location::Entity::find().filter(location::Column::Id.is_in(ids.iter().copied()));
        Ok(rows.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<StockLotId> for StockLoader {
    type Value = lot::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[StockLotId]) -> Result<HashMap<StockLotId, Self::Value>, SharedError> {
        let rows = lot::Entity::find().filter(lot::Column::Id.is_in(ids.iter().copied()));
        Ok(rows.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// How many pieces of a balance's pool are free, when it has a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FreePieces(pub StockBalanceId);

impl Loader<FreePieces> for StockLoader {
    type Value = i64;
    type Error = SharedError;

    async fn load(&self, keys: &[FreePieces]) -> Result<HashMap<FreePieces, i64>, SharedError> {
        let ids: Vec<StockBalanceId> = keys.iter().map(|key| key.0).collect();
        let free = units::free(self.app.db().read(), &ids).await?;
        Ok(free.into_iter().map(|(id, n)| (FreePieces(id), n)).collect())
    }
}

impl Loader<InboundId> for StockLoader {
    type Value = inbound::Model;
    type Error = SharedError;

    async fn load(&self, ids: &[InboundId]) -> Result<HashMap<InboundId, Self::Value>, SharedError> {
        let rows = inbound::Entity::find().filter(inbound::Column::Id.is_in(ids.iter().copied()));
        Ok(rows.all(self.app.db().read()).await?.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// The lines of an inbound notice, in their order; at most 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinesOf(pub InboundId);

impl Loader<LinesOf> for StockLoader {
    type Value = Vec<line::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[LinesOf]) -> Result<HashMap<LinesOf, Self::Value>, SharedError> {
        let rows = line::Entity::find()
            .filter(line::Column::InboundId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(line::Column::Position);
        let mut found: HashMap<LinesOf, Vec<line::Model>> = HashMap::new();
        for row in rows.all(self.app.db().read()).await? {
            found.entry(LinesOf(row.inbound_id)).or_default().push(row);
        }
        Ok(found)
    }
}

/// What of a line went into which bins; the newest of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BinsOfLine(pub InboundLineId);

impl Loader<BinsOfLine> for StockLoader {
    type Value = Vec<OfLine>;
    type Error = SharedError;

    async fn load(&self, keys: &[BinsOfLine]) -> Result<HashMap<BinsOfLine, Self::Value>, SharedError> {
        let mut found: HashMap<BinsOfLine, Vec<OfLine>> = HashMap::new();
        let lines: Vec<InboundLineId> = keys.iter().map(|key| key.0).collect();
        for row in bins_of_lines(self.app.db().read(), &lines).await? {
            found.entry(BinsOfLine(row.line_id)).or_default().push(row);
        }
        Ok(found)
    }
}

/// The bins of a warehouse that a lot was put into; the newest of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BinsOfLot(pub StockLocationId, pub StockLotId);

impl Loader<BinsOfLot> for StockLoader {
    type Value = Vec<String>;
    type Error = SharedError;

    async fn load(&self, keys: &[BinsOfLot]) -> Result<HashMap<BinsOfLot, Vec<String>>, SharedError> {
        let mut found: HashMap<BinsOfLot, Vec<String>> = HashMap::new();
        let lots: Vec<(StockLocationId, StockLotId)> = keys.iter().map(|key| (key.0, key.1)).collect();
        for row in bins_of_lots(self.app.db().read(), &lots).await? {
            found.entry(BinsOfLot(row.location_id, row.lot_id)).or_default().push(row.bin);
        }
        Ok(found)
    }
}

/// The verification list of an inbound notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListOfInbound(pub InboundId);

impl Loader<ListOfInbound> for StockLoader {
    type Value = list::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[ListOfInbound]) -> Result<HashMap<ListOfInbound, Self::Value>, SharedError> {
        let rows = list::Entity::find().filter(list::Column::InboundId.is_in(keys.iter().map(|key| key.0)));
        let rows = rows.all(self.app.db().read()).await?.into_iter();
        Ok(rows.filter_map(|row| Some((ListOfInbound(row.inbound_id?), row))).collect())
    }
}

/// The verification list of a pass out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListOfPass(pub GatePassId);

impl Loader<ListOfPass> for StockLoader {
    type Value = list::Model;
    type Error = SharedError;

    async fn load(&self, keys: &[ListOfPass]) -> Result<HashMap<ListOfPass, Self::Value>, SharedError> {
        let rows = list::Entity::find().filter(list::Column::GatePassId.is_in(keys.iter().map(|key| key.0)));
        let rows = rows.all(self.app.db().read()).await?.into_iter();
        Ok(rows.filter_map(|row| Some((ListOfPass(row.gate_pass_id?), row))).collect())
    }
}

/// What stands in a verification list, with the items of the book, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinesOfList(pub VerificationListId);

impl Loader<LinesOfList> for StockLoader {
    type Value = Vec<(i64, book::Model)>;
    type Error = SharedError;

    async fn load(&self, keys: &[LinesOfList]) -> Result<HashMap<LinesOfList, Self::Value>, SharedError> {
        let db = self.app.db().read();
        let lines = gate_line::Entity::find().filter(gate_line::Column::ListId.is_in(keys.iter().map(|key| key.0)));
        let lines = lines.all(db).await?;
        let items = book::Entity::find().filter(book::Column::Id.is_in(lines.iter().map(|line| line.item_id)));
        let items: HashMap<_, _> = items.all(db).await?.into_iter().map(|item| (item.id, item)).collect();
        let mut found: HashMap<LinesOfList, Self::Value> = HashMap::new();
        for line in lines {
            if let Some(item) = items.get(&line.item_id) {
                found.entry(LinesOfList(line.list_id)).or_default().push((line.quantity, item.clone()));
            }
        }
        for lines in found.values_mut() {
            lines.sort_by_key(|(_, item)| item.number);
        }
        Ok(found)
    }
}

/// The newest passes under which an inbound notice came, first first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PassesOf(pub InboundId);

impl Loader<PassesOf> for StockLoader {
    type Value = Vec<pass::Model>;
    type Error = SharedError;

    async fn load(&self, keys: &[PassesOf]) -> Result<HashMap<PassesOf, Self::Value>, SharedError> {
        let db = self.app.db().read();
        let places: Vec<String> = (1..=keys.len()).map(|n| format!("${n}")).collect();
        let newest = format!(
            "SELECT * FROM (SELECT p.*, ROW_NUMBER() OVER (PARTITION BY p.inbound_id ORDER BY p.id DESC) AS place \
             FROM gate_pass p WHERE p.inbound_id IN ({})) AS ranked WHERE place <= {MOST_PASSES} ORDER BY id",
            places.join(", ")
        );
        let values = keys.iter().map(|key| sea_orm::Value::from(key.0.0));
        let newest = Statement::from_sql_and_values(db.get_database_backend(), newest, values);
        let mut found: HashMap<PassesOf, Vec<pass::Model>> = HashMap::new();
        for row in pass::Entity::find().from_raw_sql(newest).all(db).await? {
            if let Some(id) = row.inbound_id {
                found.entry(PassesOf(id)).or_default().push(row);
            }
        }
        Ok(found)
    }
}
