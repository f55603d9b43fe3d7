//! What is done to bonded displays, in the schema.

use async_graphql::{Context, Object, Result};
use entities::party::Action;
use platform::{
    error::Error,
    graphql::{ContextExt, decode, id::decode_all},
    payload,
};

use super::{
    BondedDisplay, BondedDisplayAlarm, BondedDisplayPart,
    inputs::{
        AcknowledgeBondedDisplayAlarmInput, ApplyBondedDisplayInput, ApplyBondedDisplayReturnInput,
        CancelBondedDisplayInput, ClearBondedDisplayInput, CloseBondedDisplayInput, DecideBondedDisplayLossInput,
        DeclareBondedDisplayInput, ExtendBondedDisplayInput, GateInBondedDisplayInput, GateOutBondedDisplayInput,
        LockBondedDisplayInput, PayBondedDisplayTaxInput, ReportBondedDisplayLossInput, SellBondedDisplayInput,
        ShelveBondedDisplayInput, TransferBondedDisplayInput,
    },
};
use crate::ops::bonded::{
    alarms,
    applying::{self as ops, Asked},
    declared::{self, PartOf},
    leaving,
};

payload! {
    /// The answer to `applyBondedDisplay`.
    ApplyBondedDisplayPayload { /// The bonded display.
        display: BondedDisplay }
    /// The answer to `lockBondedDisplay`.
    LockBondedDisplayPayload { /// The bonded display.
        display: BondedDisplay }
    /// The answer to `gateOutBondedDisplay`.
    GateOutBondedDisplayPayload { /// The bonded display.
        display: BondedDisplay }
    /// The answer to `cancelBondedDisplay`.
    CancelBondedDisplayPayload { /// The bonded display.
        display: BondedDisplay }
    /// The answer to `extendBondedDisplay`.
    ExtendBondedDisplayPayload { /// The bonded display.
        display: BondedDisplay }
    /// The answer to `shelveBondedDisplay`.
    ShelveBondedDisplayPayload { /// The bonded display.
        display: BondedDisplay }
    /// The answer to `sellBondedDisplay`.
    SellBondedDisplayPayload { /// The bonded display.
        display: BondedDisplay }
    /// The answer to `clearBondedDisplay`.
    ClearBondedDisplayPayload { /// The bonded display.
        display: BondedDisplay }
    /// The answer to `applyBondedDisplayReturn`.
    ApplyBondedDisplayReturnPayload { /// The bonded display.
        display: BondedDisplay }
    /// The answer to `gateInBondedDisplay`.
    GateInBondedDisplayPayload { /// The bonded display.
        display: BondedDisplay }
    /// The answer to `transferBondedDisplay`.
    TransferBondedDisplayPayload { /// The bonded display of the other showroom.
        display: BondedDisplay }
    /// The answer to `reportBondedDisplayLoss`.
    ReportBondedDisplayLossPayload { /// The bonded display.
        display: BondedDisplay }
    /// The answer to `decideBondedDisplayLoss`.
    DecideBondedDisplayLossPayload { /// The parts.
        parts: Vec<BondedDisplayPart> }
    /// The answer to `declareBondedDisplay`.
    DeclareBondedDisplayPayload { /// The parts.
        parts: Vec<BondedDisplayPart> }
    /// The answer to `payBondedDisplayTax`.
    PayBondedDisplayTaxPayload { /// The parts.
        parts: Vec<BondedDisplayPart> }
    /// The answer to `closeBondedDisplay`.
    CloseBondedDisplayPayload { /// The parts.
        parts: Vec<BondedDisplayPart> }
    /// The answer to `acknowledgeBondedDisplayAlarm`.
    AcknowledgeBondedDisplayAlarmPayload { /// The alarm.
        alarm: BondedDisplayAlarm }
}

fn parts(done: Result<Vec<PartOf>, Error>) -> Result<Vec<BondedDisplayPart>, Error> {
    done.map(|parts| parts.into_iter().map(BondedDisplayPart::from).collect())
}

/// The part of the mutation root about bonded displays.
#[derive(Default)]
pub struct BondedDisplayMutation;

#[Object]
impl BondedDisplayMutation {
    /// Applies for a bonded display: the goods are promised in their warehouse from here on (保税展示申报).
    async fn apply_bonded_display(
        &self,
        context: &Context<'_>,
        input: ApplyBondedDisplayInput,
    ) -> Result<ApplyBondedDisplayPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let asked = Asked {
                showroom: decode(&input.showroom_id, "showroomId")?,
                balance: decode(&input.balance_id, "balanceId")?,
                quantity: input.quantity,
                unit_price: input.unit_price.read("unitPrice")?,
                return_by: input.return_by,
                application_no: input.application_number,
            };
            ops::apply(context.app(), &call, &asked).await
        };
        ApplyBondedDisplayPayload::new(context, input.client_mutation_id, result.await.map(BondedDisplay))
    }

    /// Locks the guarantee for all taxes of its pieces, by the tariff of today (锁定担保).
    async fn lock_bonded_display(
        &self,
        context: &Context<'_>,
        input: LockBondedDisplayInput,
    ) -> Result<LockBondedDisplayPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async { ops::lock_guarantee(context.app(), &call, decode(&input.id, "id")?).await };
        LockBondedDisplayPayload::new(context, input.client_mutation_id, result.await.map(BondedDisplay))
    }

    /// Its goods leave the zone and are in the showroom (出区).
    async fn gate_out_bonded_display(
        &self,
        context: &Context<'_>,
        input: GateOutBondedDisplayInput,
    ) -> Result<GateOutBondedDisplayPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            ops::gate_out(context.app(), &call, id, &input.outbound_number, &input.pass_number).await
        };
        GateOutBondedDisplayPayload::new(context, input.client_mutation_id, result.await.map(BondedDisplay))
    }

    /// Gives it up before it left; goods and guarantee are free again (撤销).
    async fn cancel_bonded_display(
        &self,
        context: &Context<'_>,
        input: CancelBondedDisplayInput,
    ) -> Result<CancelBondedDisplayPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async { ops::cancel(context.app(), &call, decode(&input.id, "id")?).await };
        CancelBondedDisplayPayload::new(context, input.client_mutation_id, result.await.map(BondedDisplay))
    }

    /// Puts its last day off, once (延期).
    async fn extend_bonded_display(
        &self,
        context: &Context<'_>,
        input: ExtendBondedDisplayInput,
    ) -> Result<ExtendBondedDisplayPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            ops::extend(context.app(), &call, decode(&input.id, "id")?, input.return_by, &input.document).await
        };
        ExtendBondedDisplayPayload::new(context, input.client_mutation_id, result.await.map(BondedDisplay))
    }

    /// Puts pieces onto the shelf; those that were to go back stay after all (上架).
    async fn shelve_bonded_display(
        &self,
        context: &Context<'_>,
        input: ShelveBondedDisplayInput,
    ) -> Result<ShelveBondedDisplayPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async { leaving::shelve(context.app(), &call, decode(&input.id, "id")?, input.quantity).await };
        ShelveBondedDisplayPayload::new(context, input.client_mutation_id, result.await.map(BondedDisplay))
    }

    /// Sells pieces at the counter; they are to be declared by the earlier of 30 days and the end of the year (售出).
    async fn sell_bonded_display(
        &self,
        context: &Context<'_>,
        input: SellBondedDisplayInput,
    ) -> Result<SellBondedDisplayPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async {
            leaving::sell(context.app(), &call, decode(&input.id, "id")?, input.quantity, &input.document).await
        };
        SellBondedDisplayPayload::new(context, input.client_mutation_id, result.await.map(BondedDisplay))
    }

    /// Declares pieces as general trade, to be sold as goods whose duty is paid once that is paid and they are closed
    /// (转完税申报).
    async fn clear_bonded_display(
        &self,
        context: &Context<'_>,
        input: ClearBondedDisplayInput,
    ) -> Result<ClearBondedDisplayPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            leaving::clear(context.app(), &call, id, input.quantity, &input.declaration_number).await
        };
        ClearBondedDisplayPayload::new(context, input.client_mutation_id, result.await.map(BondedDisplay))
    }

    /// Applies for pieces to go back into the zone (申请回区).
    async fn apply_bonded_display_return(
        &self,
        context: &Context<'_>,
        input: ApplyBondedDisplayReturnInput,
    ) -> Result<ApplyBondedDisplayReturnPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            leaving::apply_return(context.app(), &call, id, input.quantity, &input.application_number).await
        };
        ApplyBondedDisplayReturnPayload::new(context, input.client_mutation_id, result.await.map(BondedDisplay))
    }

    /// Pieces are back in the warehouse that they came from; their guarantee is free again (入区).
    async fn gate_in_bonded_display(
        &self,
        context: &Context<'_>,
        input: GateInBondedDisplayInput,
    ) -> Result<GateInBondedDisplayPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let (id, quantity) = (decode(&input.id, "id")?, input.quantity);
            leaving::gate_in(context.app(), &call, id, quantity, &input.inbound_number, &input.pass_number).await
        };
        GateInBondedDisplayPayload::new(context, input.client_mutation_id, result.await.map(BondedDisplay))
    }

    /// Pieces go on to another showroom of the organisation, where they are a bonded display of their own (转店).
    async fn transfer_bonded_display(
        &self,
        context: &Context<'_>,
        input: TransferBondedDisplayInput,
    ) -> Result<TransferBondedDisplayPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let (id, to) = (decode(&input.id, "id")?, decode(&input.to_showroom_id, "toShowroomId")?);
            leaving::transfer(context.app(), &call, id, input.quantity, to, &input.document).await
        };
        TransferBondedDisplayPayload::new(context, input.client_mutation_id, result.await.map(BondedDisplay))
    }

    /// Reports that pieces are damaged or lost: taxes are due on them; or gone by force majeure (损失报告).
    async fn report_bonded_display_loss(
        &self,
        context: &Context<'_>,
        input: ReportBondedDisplayLossInput,
    ) -> Result<ReportBondedDisplayLossPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let (id, cause) = (decode(&input.id, "id")?, input.cause.into());
            leaving::lose(context.app(), &call, id, input.quantity, cause, &input.document).await
        };
        ReportBondedDisplayLossPayload::new(context, input.client_mutation_id, result.await.map(BondedDisplay))
    }

    /// Notes what customs decided about pieces that force majeure took: written off, or taxed (不可抗力核定).
    async fn decide_bonded_display_loss(
        &self,
        context: &Context<'_>,
        input: DecideBondedDisplayLossInput,
    ) -> Result<DecideBondedDisplayLossPayload> {
        let call = context.call(Action::KeepGuarantees)?;
        let result = async {
            let ids = decode_all(&input.part_ids, "partIds")?;
            declared::decide(context.app(), &call, &ids, input.written_off, &input.document).await
        };
        DecideBondedDisplayLossPayload::new(context, input.client_mutation_id, parts(result.await))
    }

    /// Declares what was sold, damaged or lost as general trade, all under one number (集中申报).
    async fn declare_bonded_display(
        &self,
        context: &Context<'_>,
        input: DeclareBondedDisplayInput,
    ) -> Result<DeclareBondedDisplayPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let ids = decode_all(&input.part_ids, "partIds")?;
            declared::declare(context.app(), &call, &ids, &input.declaration_number).await
        };
        DeclareBondedDisplayPayload::new(context, input.client_mutation_id, parts(result.await))
    }

    /// Notes that taxes of what was declared are paid: their guarantee is free again (缴税).
    async fn pay_bonded_display_tax(
        &self,
        context: &Context<'_>,
        input: PayBondedDisplayTaxInput,
    ) -> Result<PayBondedDisplayTaxPayload> {
        let call = context.call(Action::KeepGuarantees)?;
        let result = async {
            let ids = decode_all(&input.part_ids, "partIds")?;
            declared::pay(context.app(), &call, &ids, &input.payment_number).await
        };
        PayBondedDisplayTaxPayload::new(context, input.client_mutation_id, parts(result.await))
    }

    /// Customs wrote off pieces whose taxes are paid; what was cleared goes into the back room (核销).
    async fn close_bonded_display(
        &self,
        context: &Context<'_>,
        input: CloseBondedDisplayInput,
    ) -> Result<CloseBondedDisplayPayload> {
        let call = context.call(Action::KeepShowrooms)?;
        let result = async {
            let ids = decode_all(&input.part_ids, "partIds")?;
            declared::close(context.app(), &call, &ids, &input.verification_number).await
        };
        CloseBondedDisplayPayload::new(context, input.client_mutation_id, parts(result.await))
    }

    /// Says that an alarm was seen (确认预警).
    async fn acknowledge_bonded_display_alarm(
        &self,
        context: &Context<'_>,
        input: AcknowledgeBondedDisplayAlarmInput,
    ) -> Result<AcknowledgeBondedDisplayAlarmPayload> {
        let call = context.call(Action::WorkShowrooms)?;
        let result = async { alarms::acknowledge(context.app(), &call, decode(&input.id, "id")?).await };
        let result = result.await.map(BondedDisplayAlarm);
        AcknowledgeBondedDisplayAlarmPayload::new(context, input.client_mutation_id, result)
    }
}
