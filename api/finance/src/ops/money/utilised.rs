//! What limits have less when money is paid out, and again when it comes back. A limit that concerns a financing is one
//! that its request blocked; of a debtor's and a pair's that of its own debtor.

use std::collections::{BTreeMap, HashMap};

use entities::{
    finance::{
        LimitEntryKind, financing,
        limit::{self, entry},
    },
    values::id::{FinancingFactId, FinancingLimitEntryId, FinancingLimitId},
};
use platform::{app::Work, error::Error};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};

fn concerns(limit: &limit::Model, of: &financing::Model) -> bool {
    limit.debtor_id.is_none_or(|debtor| debtor == of.debtor_id)
}

async fn noted(
    work: &Work,
    limit: FinancingLimitId,
    kind: LimitEntryKind,
    amount_minor: i64,
    reference: &str,
) -> Result<(), Error> {
    if amount_minor == 0 {
        return Ok(());
    }
    let row = entry::Model {
        id: FinancingLimitEntryId::new(work.now),
        limit_id: limit,
        kind,
        amount_minor,
        reference: reference.to_owned(),
        at: work.now,
    };
    entry::Entity::insert(row.into_active_model()).exec_without_returning(work.tx()).await?;
    Ok(())
}

/// What was done to limits under references, in the order of the limits, and the limits.
async fn done_to(
    work: &Work,
    references: &[&str],
    kind: LimitEntryKind,
) -> Result<(Vec<entry::Model>, HashMap<FinancingLimitId, limit::Model>), Error> {
    let entries = entry::Entity::find()
        .filter(entry::Column::Reference.is_in(references.iter().copied()))
        .filter(entry::Column::Kind.eq(kind))
        .order_by_asc(entry::Column::LimitId)
        .all(work.tx())
        .await?;
    let ids = entries.iter().map(|row| row.limit_id);
    let rows = limit::Entity::find().filter(limit::Column::Id.is_in(ids)).all(work.tx()).await?;
    Ok((entries, rows.into_iter().map(|row| (row.id, row)).collect()))
}

/// What a request blocked is used, as far as it was paid out; the rest of it is free again.
pub(super) async fn used(work: &Work, number: &str, financings: &[financing::Model]) -> Result<(), Error> {
    use limit::Column::{BlockedMinor, Id, UpdatedAt, UtilisedMinor};
    let (blocked, limits) = done_to(work, &[number], LimitEntryKind::Block).await?;
    for block in blocked {
        let Some(limit) = limits.get(&block.limit_id) else { continue };
        let out = financings.iter().filter(|one| concerns(limit, one)).map(|one| one.principal_minor);
        let (taken, out) = (block.amount_minor, out.sum::<i64>());
        if out > taken {
            return Err(Error::internal("more is paid out than was blocked of a limit"));
        }
        let done = limit::Entity::update_many()
            .col_expr(BlockedMinor, Expr::col(BlockedMinor).sub(taken))
            .col_expr(UtilisedMinor, Expr::col(UtilisedMinor).add(out))
            .col_expr(UpdatedAt, Expr::value(work.now))
            .filter(Id.eq(limit.id))
            .filter(BlockedMinor.gte(taken))
            .exec(work.tx())
            .await?;
        if done.rows_affected != 1 {
            return Err(Error::internal("a limit has less blocked than a request took"));
        }
        noted(work, limit.id, LimitEntryKind::Utilise, out, number).await?;
        noted(work, limit.id, LimitEntryKind::Unblock, taken - out, number).await?;
    }
    Ok(())
}

/// Principal that came back after a fact; below nothing: that is owed again.
pub(super) struct Back<'a> {
    /// The number of its request.
    pub(super) number: &'a str,
    /// Of which financing.
    pub(super) of: &'a financing::Model,
    /// After which fact.
    pub(super) fact: FinancingFactId,
    /// How much, in minor units.
    pub(super) minor: i64,
}

/// What came back is free again, and what is owed again is not: that is no question of what a limit leaves, it is out.
pub(super) async fn given_back(work: &Work, all: &[Back<'_>]) -> Result<(), Error> {
    use limit::Column::{Id, UpdatedAt, UtilisedMinor};
    if all.is_empty() {
        return Ok(());
    }
    let numbers: Vec<&str> = all.iter().map(|one| one.number).collect();
    let (used, limits) = done_to(work, &numbers, LimitEntryKind::Utilise).await?;
    let mut changes: BTreeMap<FinancingLimitId, Vec<&Back<'_>>> = BTreeMap::new();
    for entry in &used {
        let Some(limit) = limits.get(&entry.limit_id) else { continue };
        let of = all.iter().filter(|one| one.number == entry.reference && concerns(limit, one.of));
        changes.entry(limit.id).or_default().extend(of);
    }
    for (id, changes) in changes {
        for one in changes {
            let reference = one.fact.to_string();
            let done = limit::Entity::update_many()
                .col_expr(UtilisedMinor, Expr::col(UtilisedMinor).sub(one.minor))
                .col_expr(UpdatedAt, Expr::value(work.now))
                .filter(Id.eq(id))
                .filter(UtilisedMinor.gte(one.minor))
                .exec(work.tx())
                .await?;
            if done.rows_affected != 1 {
                return Err(Error::internal("a limit has less out than comes back"));
            }
            if one.minor > 0 {
                noted(work, id, LimitEntryKind::Release, one.minor, &reference).await?;
            } else {
                // As when it was paid out: what is used was blocked.
                noted(work, id, LimitEntryKind::Block, -one.minor, &reference).await?;
                noted(work, id, LimitEntryKind::Utilise, -one.minor, &reference).await?;
            }
        }
    }
    Ok(())
}
