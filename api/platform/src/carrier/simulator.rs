//! The simulator (模拟承运商): a carrier without vehicles. Its numbers are made where a shipment is opened; what it knows of
//! a parcel is in a table, so that it outlives the process. What it reports is in `logistics::simulator`.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use entities::{
    logistics::{simulated, simulated::Fate},
    values::id::OrganisationId,
};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, OnConflict},
};

use super::{Carrier, Failure, Parcel};
use crate::db::Db;

/// The simulator, standing in for one carrier.
pub struct Simulator {
    db: Db,
    carrier: OrganisationId,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Simulator")
    }
}

fn away(error: impl Into<crate::error::Cause>) -> Failure {
    Failure::Unavailable(error.into())
}

impl Simulator {
    pub(super) fn new(db: &Db, carrier: OrganisationId) -> Self {
        Self { db: db.clone(), carrier }
    }
}

#[async_trait]
impl Carrier for Simulator {
    async fn book(&self, parcel: &Parcel) -> Result<String, Failure> {
        let number = parcel.number.clone().ok_or_else(|| Failure::Refused("a parcel without a number".into()))?;
        let row = simulated::Model {
            carrier_id: self.carrier,
            number: number.clone(),
            // The address itself is not kept: what becomes of the parcel is all that the simulator asks of it.
            fate: Fate::of(&parcel.consignee.address),
            cancelled: false,
        };
        let known = OnConflict::columns([simulated::Column::CarrierId, simulated::Column::Number]);
        let insert =
            simulated::Entity::insert(row.into_active_model()).on_conflict(known.clone().do_nothing().to_owned());
        insert.try_insert().exec_without_returning(self.db.writer()).await.map_err(away)?;
        Ok(number)
    }

    async fn cancel(&self, _key: &str, number: Option<&str>) -> Result<(), Failure> {
        // What it was not told of it does not wait for.
        let Some(number) = number else { return Ok(()) };
        let done = simulated::Entity::update_many()
            .col_expr(simulated::Column::Cancelled, Expr::val(true))
            .filter(simulated::Column::CarrierId.eq(self.carrier))
            .filter(simulated::Column::Number.eq(number));
        done.exec(self.db.writer()).await.map(drop).map_err(away)
    }

    async fn hand_over(&self, _key: &str, number: &str, _at: DateTime<Utc>) -> Result<(), Failure> {
        let found = simulated::Entity::find_by_id((self.carrier, number.to_owned())).one(self.db.writer()).await;
        let known = found.map_err(away)?.is_some();
        if known { Ok(()) } else { Err(Failure::Refused("there is no such parcel".into())) }
    }
}
