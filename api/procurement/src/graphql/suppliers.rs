//! Suppliers in the schema, as one who buys there sees them: whom it has stopped, how it scores them, and how they stand.
//! None of it is shown to the suppliers themselves.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Days, NaiveDate, Utc};
use entities::{
    party::Action,
    procurement::{
        CriterionKind, ScorePeriod, block,
        scorecard::{
            self, Consequence, Criteria, Criterion, POINT_E4, ScorePart as Part, StandingBand, Standings, score, shown,
        },
    },
    values::id::OrganisationId,
};
use party::graphql::Organisation;
use platform::{
    graphql::{
        Connection, ContextExt,
        connection::{list_cost, times},
        decode, encode,
    },
    page::PageArgs,
    payload,
};

use crate::ops::{
    scorecards::{self, NewScorecard},
    scores, suppliers as ops,
};

async fn organisation(context: &Context<'_>, id: OrganisationId) -> Result<Option<Organisation>> {
    Ok(party::loaders::of(context).load_one(id).await?.map(Organisation))
}

/// A supplier that the organisation acted for has stopped (停用供应商).
#[derive(Clone, Debug)]
pub(crate) struct SupplierBlock(pub block::Model);

/// A supplier that the organisation acted for has stopped (停用供应商).
#[Object]
impl SupplierBlock {
    /// Whom.
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.0.supplier_id).await
    }

    /// Why.
    async fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The last day on which it holds; null: until it is taken back.
    async fn until(&self) -> Option<NaiveDate> {
        self.0.until
    }

    /// Who stopped it.
    async fn blocked_by(&self) -> &str {
        &self.0.blocked_by
    }

    /// Since when.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }
}

/// What suppliers are judged by, and how much it counts for (评分指标).
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct ScoreCriterion {
    /// What.
    kind: CriterionKind,
    /// How much of a hundred.
    weight: i32,
}

/// How a supplier stands from so many points on, and what follows (评级).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ScoreStanding {
    /// What people call it.
    name: String,
    /// From how many points on.
    from: i64,
    /// Up to below how many; null: up to a hundred, itself included.
    below: Option<i64>,
    /// What follows for asking it for quotations.
    on_rfq: Consequence,
    /// What follows for ordering of it.
    on_order: Consequence,
}

impl From<&StandingBand> for ScoreStanding {
    fn from(band: &StandingBand) -> Self {
        Self {
            name: band.name.clone(),
            from: band.from_e4 / POINT_E4,
            below: band.below_e4.map(|below| below / POINT_E4),
            on_rfq: band.on_rfq,
            on_order: band.on_order,
        }
    }
}

/// What the organisation acted for judges its suppliers by (供应商评分表).
#[derive(Clone, Debug)]
pub(crate) struct SupplierScorecard(pub scorecard::Model);

/// What the organisation acted for judges its suppliers by (供应商评分表).
#[Object]
impl SupplierScorecard {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// By what.
    #[graphql(complexity = "times(4, child_complexity)")]
    async fn criteria(&self) -> Vec<ScoreCriterion> {
        self.0.criteria.0.iter().map(|of| ScoreCriterion { kind: of.kind, weight: of.weight }).collect()
    }

    /// What follows, fewest points first.
    #[graphql(complexity = "times(10, child_complexity)")]
    async fn standings(&self) -> Vec<ScoreStanding> {
        self.0.standings.0.iter().map(Into::into).collect()
    }

    /// After which time they are judged anew.
    async fn period(&self) -> ScorePeriod {
        self.0.period
    }

    /// Whether older scores count, too, each a twelfth less for every period.
    async fn blend(&self) -> bool {
        self.0.blend
    }

    /// The first day of the last period that scores were made of.
    async fn scored_through(&self) -> Option<NaiveDate> {
        self.0.scored_through
    }

    /// How a supplier does in the period that is not over yet; nothing follows from it. Null: nothing is known.
    #[graphql(complexity = "500 + child_complexity")]
    async fn running(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which supplier.")] supplier_id: ID,
    ) -> Result<Option<SupplierScore>> {
        let supplier = decode(&supplier_id, "supplierId")?;
        let app = context.app();
        let found = scores::running(app.db().read(), &self.0, supplier, app.clock().now()).await?;
        Ok(found.map(|row| SupplierScore::of(row, Some(&self.0))))
    }

    /// Counts up with every change by people; send it back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

/// One criterion of a score: so much good of so much (得分构成).
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct ScorePart {
    /// What.
    kind: CriterionKind,
    /// How much of a hundred it counted for.
    weight: i32,
    /// In points; null: nothing is known, and its weight goes to the others.
    points: Option<String>,
    /// How much was good: pieces, requests; of prices ten thousandths of points.
    good: i64,
    /// Of how much.
    of: i64,
}

impl From<&Part> for ScorePart {
    fn from(part: &Part) -> Self {
        Self { kind: part.kind, weight: part.weight, points: part.points().map(points), good: part.good, of: part.of }
    }
}

/// Points with one digit.
fn points(e4: i64) -> String {
    format!("{:.1}", shown(e4))
}

/// How a supplier did in a period (供应商得分).
#[derive(Clone, Debug)]
pub(crate) struct SupplierScore {
    row: score::Model,
    standing: Option<ScoreStanding>,
}

impl SupplierScore {
    fn of(row: score::Model, card: Option<&scorecard::Model>) -> Self {
        let standing = card.and_then(|card| card.standing(&row)).map(Into::into);
        Self { row, standing }
    }
}

/// How a supplier did in a period (供应商得分).
#[Object]
impl SupplierScore {
    /// Who.
    async fn supplier(&self, context: &Context<'_>) -> Result<Option<Organisation>> {
        organisation(context, self.row.supplier_id).await
    }

    /// The first day of the period.
    async fn period_start(&self) -> NaiveDate {
        self.row.period_start
    }

    /// Its last day.
    async fn period_end(&self) -> NaiveDate {
        self.row.period.after(self.row.period_start) - Days::new(1)
    }

    /// Of a hundred points, with one digit.
    async fn score(&self) -> String {
        points(self.row.score_e4)
    }

    /// The same with the periods before.
    async fn blended(&self) -> String {
        points(self.row.blended_e4)
    }

    /// How it stands with that, by the scorecard as it is now.
    async fn standing(&self) -> Option<&ScoreStanding> {
        self.standing.as_ref()
    }

    /// What it is made of.
    #[graphql(complexity = "times(4, child_complexity)")]
    async fn parts(&self) -> Vec<ScorePart> {
        self.row.parts.0.iter().map(ScorePart::from).collect()
    }

    /// When it was made.
    async fn made_at(&self) -> DateTime<Utc> {
        self.row.made_at
    }
}

/// A supplier that is to be stopped (停用供应商).
#[derive(InputObject)]
pub(crate) struct BlockSupplierInput {
    /// Whom.
    supplier_id: ID,
    /// Why, at most 300 characters.
    reason: String,
    /// The last day on which it holds; none: until it is taken back.
    until: Option<NaiveDate>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A supplier that is let in again (恢复供应商).
#[derive(InputObject)]
pub(crate) struct UnblockSupplierInput {
    /// Whom.
    supplier_id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// What suppliers are judged by, and how much it counts for (评分指标).
#[derive(InputObject)]
pub(crate) struct ScoreCriterionInput {
    /// What.
    kind: CriterionKind,
    /// How much of a hundred, 1 to 100; all together they are a hundred.
    weight: i32,
}

/// How a supplier stands from so many points on, and what follows (评级).
#[derive(InputObject)]
pub(crate) struct ScoreStandingInput {
    /// What people call it, at most 40 characters.
    name: String,
    /// From how many points on; of the first 0.
    from: i32,
    /// Up to below how many: where the next begins. Of the last none, or 100, which it holds as well.
    below: Option<i32>,
    /// What follows for asking it for quotations.
    #[graphql(default)]
    on_rfq: Consequence,
    /// What follows for ordering of it.
    #[graphql(default)]
    on_order: Consequence,
}

/// What suppliers are judged by from now on (设置供应商评分表).
#[derive(InputObject)]
pub(crate) struct SetSupplierScorecardInput {
    /// By what; their weights add up to a hundred.
    criteria: Vec<ScoreCriterionInput>,
    /// What follows, fewest points first, from 0 to 100 without a gap and without an overlap. None: below 30 points nothing
    /// is bought there, below 50 with a warning.
    standings: Option<Vec<ScoreStandingInput>>,
    /// After which time they are judged anew.
    period: ScorePeriod,
    /// Whether older scores count, too.
    #[graphql(default)]
    blend: bool,
    /// The version that was read; none: it is set for the first time.
    expected_version: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

impl SetSupplierScorecardInput {
    fn read(&self) -> NewScorecard {
        let criterion = |of: &ScoreCriterionInput| Criterion { kind: of.kind, weight: of.weight };
        let standing = |of: &ScoreStandingInput| StandingBand {
            name: of.name.trim().to_owned(),
            from_e4: i64::from(of.from) * POINT_E4,
            below_e4: of.below.map(|below| i64::from(below) * POINT_E4),
            on_rfq: of.on_rfq,
            on_order: of.on_order,
        };
        let standings = self.standings.as_ref().map(|all| Standings(all.iter().map(standing).collect()));
        NewScorecard {
            criteria: Criteria(self.criteria.iter().map(criterion).collect()),
            standings: standings.unwrap_or_default(),
            period: self.period,
            blend: self.blend,
            expected_version: self.expected_version,
        }
    }
}

payload! {
    /// The answer to `blockSupplier`.
    BlockSupplierPayload { /// The block.
        supplier_block: SupplierBlock }
    /// The answer to `unblockSupplier`.
    UnblockSupplierPayload { /// The block as it was.
        supplier_block: SupplierBlock }
    /// The answer to `setSupplierScorecard`.
    SetSupplierScorecardPayload { /// The scorecard.
        supplier_scorecard: SupplierScorecard }
}

/// Queries about suppliers.
#[derive(Default)]
pub(crate) struct SupplierQuery;

#[Object]
impl SupplierQuery {
    /// Suppliers that the organisation acted for has stopped (停用供应商列表).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn supplier_blocks(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SupplierBlock>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let rows = ops::list(context.app().db().read(), context.viewer(), &page).await?;
        Ok(Connection::new(rows, None, |row| (ops::cursor(&row), SupplierBlock(row))))
    }

    /// What the organisation acted for judges its suppliers by; null: it judges nobody (供应商评分表).
    async fn supplier_scorecard(&self, context: &Context<'_>) -> Result<Option<SupplierScorecard>> {
        context.may(Action::ReadProcurement)?;
        Ok(scorecards::get(context.app().db().read(), context.viewer()).await?.map(SupplierScorecard))
    }

    /// How a supplier did with the organisation acted for, period by period, newest first (供应商得分).
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn supplier_scores(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which supplier.")] supplier_id: ID,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SupplierScore>> {
        context.may(Action::ReadProcurement)?;
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        // What is no organisation's id is a supplier of which nothing is known.
        let Ok(supplier) = decode(&supplier_id, "supplierId") else { return Ok(Connection::empty()) };
        let (db, viewer) = (context.app().db().read(), context.viewer());
        let card = scorecards::get(db, viewer).await?;
        let rows = scores::list(db, viewer, supplier, &page).await?;
        Ok(Connection::new(rows, None, |row| (scores::cursor(&row), SupplierScore::of(row, card.as_ref()))))
    }
}

/// Mutations about suppliers.
#[derive(Default)]
pub(crate) struct SupplierMutation;

#[Object]
impl SupplierMutation {
    /// Stops a supplier: it is asked for no quotations, and nothing is ordered of it. Again: says anew why and until when
    /// (停用供应商).
    async fn block_supplier(&self, context: &Context<'_>, input: BlockSupplierInput) -> Result<BlockSupplierPayload> {
        let call = context.call(Action::KeepPurchaseRules)?;
        let result = async {
            let supplier = decode(&input.supplier_id, "supplierId")?;
            ops::block(context.app(), &call, supplier, &input.reason, input.until).await
        };
        BlockSupplierPayload::new(context, input.client_mutation_id, result.await.map(SupplierBlock))
    }

    /// Lets a supplier in again (恢复供应商).
    async fn unblock_supplier(
        &self,
        context: &Context<'_>,
        input: UnblockSupplierInput,
    ) -> Result<UnblockSupplierPayload> {
        let call = context.call(Action::KeepPurchaseRules)?;
        let result = async { ops::unblock(context.app(), &call, decode(&input.supplier_id, "supplierId")?).await };
        UnblockSupplierPayload::new(context, input.client_mutation_id, result.await.map(SupplierBlock))
    }

    /// Says what suppliers are judged by, and what follows. From then on they are, once a period is over
    /// (设置供应商评分表).
    async fn set_supplier_scorecard(
        &self,
        context: &Context<'_>,
        input: SetSupplierScorecardInput,
    ) -> Result<SetSupplierScorecardPayload> {
        let call = context.call(Action::KeepPurchaseRules)?;
        let result = scorecards::set(context.app(), &call, &input.read()).await;
        SetSupplierScorecardPayload::new(context, input.client_mutation_id, result.map(SupplierScorecard))
    }
}
