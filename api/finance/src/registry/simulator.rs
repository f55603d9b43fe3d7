//! What stands in for the registry (登记模拟器): it gives certificates their numbers, tells who searches what stands there
//! and never whose it is, and takes in what is told it without looking at it, as the registry does; only what has no
//! text, is over or was taken away it does not take. What it keeps is in a table of its own, so that it outlives the
//! process and every node sees the same.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use entities::finance::registry::{MOST_DAYS, simulated};
use platform::{
    app::App,
    clock::{Clock, business_day},
    db::Db,
    number::number,
    payment::Failure,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, UpdateMany,
    sea_query::{Expr, OnConflict},
};

use super::{Amendment, Entry, Extension, Filed, Found, MovablesRegistry, Registration, Search};

/// What numbers of certificates of searches begin with.
const SEARCHED: &str = "CX";
/// What numbers of certificates of registrations begin with.
const REGISTERED: &str = "ZD";

/// The stand-in.
pub struct Simulator {
    db: Db,
    clock: Clock,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Simulator")
    }
}

fn refused(code: &str, message: &str) -> Failure {
    Failure::Refused { code: code.into(), message: message.into() }
}

fn fresh_number(prefix: &str, now: DateTime<Utc>) -> Result<String, Failure> {
    number(prefix, now).map_err(|error| Failure::unavailable(error.told()))
}

fn filed(row: &simulated::Model) -> Filed {
    Filed { cert_no: row.cert_no.clone(), at: row.registered_at, expires_on: row.expires_on }
}

impl Simulator {
    /// The stand-in over the house's own database.
    pub fn new(app: &App) -> Self {
        Self { db: app.db().clone(), clock: app.clock().clone() }
    }

    /// What is not over and was not taken away.
    fn standing(&self) -> Condition {
        Condition::all()
            .add(simulated::Column::CancelledAt.is_null())
            .add(simulated::Column::ExpiresOn.gte(business_day(self.clock.now())))
    }

    /// Changes what stands under a certificate.
    async fn changed(&self, cert_no: &str, update: UpdateMany<simulated::Entity>) -> Result<Filed, Failure> {
        let update = update
            .col_expr(simulated::Column::Changes, Expr::col(simulated::Column::Changes).add(1))
            .filter(simulated::Column::CertNo.eq(cert_no))
            .filter(self.standing());
        let done = update.exec(self.db.writer()).await.map_err(Failure::unavailable)?;
        let row = simulated::Entity::find_by_id(cert_no.to_owned()).one(self.db.writer()).await;
        match row.map_err(Failure::unavailable)? {
            Some(row) if done.rows_affected == 1 => Ok(filed(&row)),
            _ => Err(refused("not_standing", "没有该登记，或登记已注销、已到期")),
        }
    }
}

#[async_trait]
impl MovablesRegistry for Simulator {
    async fn search(&self, ask: &Search) -> Result<Found, Failure> {
        let now = self.clock.now();
        let rows = simulated::Entity::find()
            .filter(simulated::Column::GrantorCode.eq(ask.grantor.code.as_str()))
            .filter(self.standing())
            .order_by_asc(simulated::Column::CertNo);
        let rows = rows.all(self.db.read()).await.map_err(Failure::unavailable)?;
        let shown = |row: simulated::Model| Entry {
            registered_at: row.registered_at,
            expires_on: row.expires_on,
            own: row.secured_code == ask.secured.code,
            collateral: row.collateral,
        };
        let hits = rows.into_iter().map(shown).collect();
        Ok(Found { certificate: fresh_number(SEARCHED, now)?, at: now, hits })
    }

    async fn register(&self, ask: &Registration) -> Result<Filed, Failure> {
        let now = self.clock.now();
        if ask.collateral.trim().is_empty() {
            return Err(refused("collateral", "担保财产描述为空"));
        }
        let days = (ask.expires_on - business_day(now)).num_days();
        if days < 1 || u64::try_from(days).is_ok_and(|days| days > MOST_DAYS) {
            return Err(refused("term", "登记期限应为一天至三十年"));
        }
        let row = simulated::Model {
            cert_no: fresh_number(REGISTERED, now)?,
            reference: ask.reference.clone(),
            kind: ask.kind,
            grantor_code: ask.grantor.code.clone(),
            grantor_name: ask.grantor.name.clone(),
            secured_code: ask.secured.code.clone(),
            secured_name: ask.secured.name.clone(),
            collateral: ask.collateral.clone(),
            changes: 0,
            registered_at: now,
            expires_on: ask.expires_on,
            cancelled_at: None,
        };
        let known = OnConflict::column(simulated::Column::Reference).do_nothing().to_owned();
        let insert = simulated::Entity::insert(row.into_active_model()).on_conflict(known);
        insert.try_insert().exec_without_returning(self.db.writer()).await.map_err(Failure::unavailable)?;
        let kept = simulated::Entity::find().filter(simulated::Column::Reference.eq(ask.reference.as_str()));
        match kept.one(self.db.writer()).await.map_err(Failure::unavailable)? {
            Some(row) if row.cancelled_at.is_none() => Ok(filed(&row)),
            _ => Err(refused("cancelled", "该编号的登记已注销")),
        }
    }

    async fn amend(&self, ask: &Amendment) -> Result<Filed, Failure> {
        if ask.collateral.trim().is_empty() {
            return Err(refused("collateral", "担保财产描述为空"));
        }
        let update = simulated::Entity::update_many()
            .col_expr(simulated::Column::Collateral, Expr::value(ask.collateral.clone()));
        self.changed(&ask.cert_no, update).await
    }

    async fn extend(&self, ask: &Extension) -> Result<Filed, Failure> {
        let update = simulated::Entity::update_many()
            .col_expr(simulated::Column::ExpiresOn, Expr::value(ask.expires_on))
            .filter(simulated::Column::ExpiresOn.lte(ask.expires_on));
        self.changed(&ask.cert_no, update).await
    }

    async fn cancel(&self, reference: &str) -> Result<(), Failure> {
        let update = simulated::Entity::update_many()
            .col_expr(simulated::Column::CancelledAt, Expr::value(self.clock.now()))
            .filter(simulated::Column::Reference.eq(reference))
            .filter(simulated::Column::CancelledAt.is_null());
        update.exec(self.db.writer()).await.map(drop).map_err(Failure::unavailable)
    }
}
