//! What is done with exports.

use async_graphql::{Context, Object, Result};
use entities::{
    party::Action,
    values::refusal::{self, Check},
};
use platform::{
    error::Error,
    graphql::{ContextExt, decode},
    payload,
};

use super::{
    super::{
        declare::{self, Amending, Declaring},
        moving, summaries, undo,
    },
    ExportDeclaration, ExportSummary,
    inputs::{
        AddExportTransportInput, AmendExportInput, CancelExportInput, DeclareExportInput, ExportTransportInput,
        NoteExportEntryInput, ReportExportArrivalInput, ReportExportDepartureInput, SummariseExportsInput,
        SwitchExportInput, ids, note,
    },
    sale::{ExportSaleInput, LONGEST_NOTE, optional},
};

/// Longest reason of a withdrawal.
const LONGEST_REASON: usize = 300;

payload! {
    /// The answer to `declareExport`.
    DeclareExportPayload { /// The export.
        declaration: ExportDeclaration }
    /// The answer to `amendExport`.
    AmendExportPayload { /// The export.
        declaration: ExportDeclaration }
    /// The answer to `switchExport`.
    SwitchExportPayload { /// The export.
        declaration: ExportDeclaration }
    /// The answer to `cancelExport`.
    CancelExportPayload { /// The export.
        declaration: ExportDeclaration }
    /// The answer to `noteExportEntry`.
    NoteExportEntryPayload { /// The export.
        declaration: ExportDeclaration }
    /// The answer to `addExportTransport`.
    AddExportTransportPayload { /// The exports.
        declarations: Vec<ExportDeclaration> }
    /// The answer to `reportExportArrival`.
    ReportExportArrivalPayload { /// The exports.
        declarations: Vec<ExportDeclaration> }
    /// The answer to `reportExportDeparture`.
    ReportExportDeparturePayload { /// The exports.
        declarations: Vec<ExportDeclaration> }
    /// The answer to `summariseExports`.
    SummariseExportsPayload { /// The summaries that were made, or sent again.
        summaries: Vec<ExportSummary> }
}

/// The part of the mutation root about exports.
#[derive(Default)]
pub struct ExportMutation;

#[Object]
impl ExportMutation {
    /// Declares an export; an order is declared once (出口申报).
    async fn declare_export(&self, context: &Context<'_>, input: DeclareExportInput) -> Result<DeclareExportPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result = async {
            let seller = match &input.seller_id {
                Some(id) => decode(id, "sellerId")?,
                None => call.viewer.organisation().ok_or(Error::Forbidden)?,
            };
            let wanted = Declaring {
                seller,
                declarer: decode(&input.declarer_id, "declarerId")?,
                carrier: decode(&input.carrier_id, "carrierId")?,
                site: input.site_id.as_ref().map(|id| decode(id, "siteId")).transpose()?,
                leaving: input.transport.map(ExportTransportInput::read).transpose()?,
                sale: input.sale.read()?,
            };
            declare::declare(context.app(), &call, wanted).await
        };
        DeclareExportPayload::new(context, input.client_mutation_id, result.await.map(ExportDeclaration))
    }

    /// Mends what is declared of an export, and sends again what failed, what customs did not take, and what nobody has
    /// answered to; its alarm was looked at (修改或重推).
    async fn amend_export(&self, context: &Context<'_>, input: AmendExportInput) -> Result<AmendExportPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result = async {
            let amending = Amending {
                carrier: input.carrier_id.as_ref().map(|id| decode(id, "carrierId")).transpose()?,
                site: input.site_id.as_ref().map(|id| decode(id, "siteId")).transpose()?,
                sale: input.sale.map(ExportSaleInput::read).transpose()?,
            };
            declare::amend(context.app(), &call, decode(&input.id, "id")?, input.expected_version, amending).await
        };
        AmendExportPayload::new(context, input.client_mutation_id, result.await.map(ExportDeclaration))
    }

    /// Has a simplified export summarised instead, while customs has no list of it (简化申报改汇总申报).
    async fn switch_export(&self, context: &Context<'_>, input: SwitchExportInput) -> Result<SwitchExportPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result =
            async { declare::switch(context.app(), &call, decode(&input.id, "id")?, input.expected_version).await };
        SwitchExportPayload::new(context, input.client_mutation_id, result.await.map(ExportDeclaration))
    }

    /// Takes an export back; while customs has its list, customs is asked (撤单).
    async fn cancel_export(&self, context: &Context<'_>, input: CancelExportInput) -> Result<CancelExportPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result = async {
            let reason = refusal::line(&input.reason, LONGEST_REASON).map_err(|refusal| refusal.at("reason"))?;
            undo::cancel(context.app(), &call, decode(&input.id, "id")?, &reason).await
        };
        CancelExportPayload::new(context, input.client_mutation_id, result.await.map(ExportDeclaration))
    }

    /// Notes the number of the entry of an export that does not go by list (登记报关单号).
    async fn note_export_entry(
        &self,
        context: &Context<'_>,
        input: NoteExportEntryInput,
    ) -> Result<NoteExportEntryPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result =
            async { declare::note_entry(context.app(), &call, decode(&input.id, "id")?, &input.entry_number).await };
        NoteExportEntryPayload::new(context, input.client_mutation_id, result.await.map(ExportDeclaration))
    }

    /// Says how released exports leave, several of them in one package (清单总分单).
    async fn add_export_transport(
        &self,
        context: &Context<'_>,
        input: AddExportTransportInput,
    ) -> Result<AddExportTransportPayload> {
        let call = context.call(Action::KeepDeclarations)?;
        let result = async {
            let (leaving, note) = (input.transport.read()?, note(input.note.as_deref())?);
            moving::add_transport(context.app(), &call, &ids(&input.ids)?, leaving, note.as_deref()).await
        };
        let result = result.await.map(|rows| rows.into_iter().map(ExportDeclaration).collect());
        AddExportTransportPayload::new(context, input.client_mutation_id, result)
    }

    /// Reports that exports arrived at the site that one's organisation runs (运抵).
    async fn report_export_arrival(
        &self,
        context: &Context<'_>,
        input: ReportExportArrivalInput,
    ) -> Result<ReportExportArrivalPayload> {
        let call = context.call(Action::MoveExports)?;
        let result = async {
            let mut check = Check::default();
            let vehicle = check.take("vehicle", refusal::line(&input.vehicle, 100)).unwrap_or_default();
            let bill = optional(&mut check, "bill", input.bill.as_deref(), 37);
            let note = optional(&mut check, "note", input.note.as_deref(), LONGEST_NOTE);
            let (ids, ()) = (ids(&input.ids)?, check.done(())?);
            let said = moving::Arrival { ids: &ids, vehicle: &vehicle, bill: bill.as_deref(), note: note.as_deref() };
            moving::report_arrival(context.app(), &call, said).await
        };
        let result = result.await.map(|rows| rows.into_iter().map(ExportDeclaration).collect());
        ReportExportArrivalPayload::new(context, input.client_mutation_id, result)
    }

    /// Reports that exports which one's organisation carries left the country (离境).
    async fn report_export_departure(
        &self,
        context: &Context<'_>,
        input: ReportExportDepartureInput,
    ) -> Result<ReportExportDeparturePayload> {
        let call = context.call(Action::MoveExports)?;
        let result = async {
            let note = note(input.note.as_deref())?;
            moving::report_departure(context.app(), &call, &ids(&input.ids)?, input.left_at, note.as_deref()).await
        };
        let result = result.await.map(|rows| rows.into_iter().map(ExportDeclaration).collect());
        ReportExportDeparturePayload::new(context, input.client_mutation_id, result)
    }

    /// Summarises the lists of a month that is over, and sends again what customs refused of it or has not answered (汇总申报).
    async fn summarise_exports(
        &self,
        context: &Context<'_>,
        input: SummariseExportsInput,
    ) -> Result<SummariseExportsPayload> {
        let call = context.call(Action::SummariseExports)?;
        let result = summaries::summarise(context.app(), &call, input.month).await;
        let result = result.map(|rows| rows.into_iter().map(ExportSummary).collect());
        SummariseExportsPayload::new(context, input.client_mutation_id, result)
    }
}
