//! What can be done in trade.

use async_graphql::{Context, Object, Result};
use entities::party::Action;
use platform::{graphql::ContextExt, payload};

use super::{
    ImportListLine, ShippingRate, Tariff, ZonePolicy,
    rules::{SetImportListLineInput, SetShippingRateInput, SetZonePolicyInput},
    tariff::SetTariffInput,
};
use crate::{import_list, policies, shipping, tariffs};

payload! {
    /// Answer of `setTariff` (设置税率结果).
    SetTariffPayload {
        /// The row.
        tariff: Tariff }
    /// Answer of `setImportListLine` (设置清单项结果).
    SetImportListLinePayload {
        /// The line.
        line: ImportListLine }
    /// Answer of `setZonePolicy` (设置区内政策结果).
    SetZonePolicyPayload {
        /// The policy.
        policy: ZonePolicy }
    /// Answer of `setShippingRate` (设置运费规则结果).
    SetShippingRatePayload {
        /// The rate.
        rate: ShippingRate }
}

/// The part of the mutation root that this context adds.
#[derive(Default)]
pub struct TradeMutation;

#[Object]
impl TradeMutation {
    /// Sets the rates of an HS code from a day on (设置税率).
    async fn set_tariff(&self, context: &Context<'_>, input: SetTariffInput) -> Result<SetTariffPayload> {
        let call = context.call(Action::KeepTradeRules)?;
        let result =
            async { tariffs::set_tariff(context.app(), &call, input.row()?, input.expected_version).await }.await;
        SetTariffPayload::new(context, input.client_mutation_id, result.map(Tariff))
    }

    /// Sets a line of the positive list from a day on (设置清单项).
    async fn set_import_list_line(
        &self,
        context: &Context<'_>,
        input: SetImportListLineInput,
    ) -> Result<SetImportListLinePayload> {
        let call = context.call(Action::KeepTradeRules)?;
        let result = import_list::set_line(context.app(), &call, &input.line(), input.expected_version).await;
        SetImportListLinePayload::new(context, input.client_mutation_id, result.map(ImportListLine))
    }

    /// Sets what may be done at a place from a day on (设置区内政策).
    async fn set_zone_policy(&self, context: &Context<'_>, input: SetZonePolicyInput) -> Result<SetZonePolicyPayload> {
        let call = context.call(Action::KeepTradeRules)?;
        let result =
            async { policies::set_policy(context.app(), &call, &input.policy()?, input.expected_version).await }.await;
        SetZonePolicyPayload::new(context, input.client_mutation_id, result.map(ZonePolicy))
    }

    /// Sets what a seller asks for bringing goods (设置运费规则).
    async fn set_shipping_rate(
        &self,
        context: &Context<'_>,
        input: SetShippingRateInput,
    ) -> Result<SetShippingRatePayload> {
        let call = context.call(Action::MakeOffers)?;
        let result =
            async { shipping::set_rate(context.app(), &call, &input.rate()?, input.expected_version).await }.await;
        SetShippingRatePayload::new(context, input.client_mutation_id, result.map(ShippingRate))
    }
}
