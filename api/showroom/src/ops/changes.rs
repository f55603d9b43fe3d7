//! What changed in a showroom, numbered without a gap: each change takes the next number of the showroom's own row, in its
//! transaction, last of all. So whoever reads up to a number has all that was committed with a lower one.

use entities::{
    showroom::{ChangeKind, change},
    values::id::ShowroomId,
};
use platform::{app::Work, error::Error};
use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel, Statement};
use uuid::Uuid;

/// Locks a showroom's row before anything of it is changed: for changes that touch several rows which others change too.
pub(crate) async fn lock(work: &Work, showroom: ShowroomId) -> Result<(), Error> {
    let row = Statement::from_sql_and_values(
        work.tx().get_database_backend(),
        "UPDATE showroom SET position = position WHERE id = $1",
        [showroom.0.into()],
    );
    work.tx().execute_raw(row).await?;
    Ok(())
}

/// Numbers changes of a showroom.
pub(crate) async fn note(work: &Work, showroom: ShowroomId, changes: &[(ChangeKind, Uuid)]) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(changes.len()).map_err(Error::internal)?;
    let next = Statement::from_sql_and_values(
        work.tx().get_database_backend(),
        "UPDATE showroom SET position = position + $1 WHERE id = $2 RETURNING position",
        [count.into(), showroom.0.into()],
    );
    let row = work.tx().query_one_raw(next).await?.ok_or_else(|| Error::internal("a showroom is gone"))?;
    let last: i64 = row.try_get("", "position")?;
    let rows = (last - count + 1..).zip(changes).map(|(position, (kind, subject))| {
        change::Model { showroom_id: showroom, position, kind: *kind, subject: *subject, at: work.now }
            .into_active_model()
    });
    change::Entity::insert_many(rows).exec_without_returning(work.tx()).await?;
    Ok(())
}
