//! The part of the mutation root that the catalog adds.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use entities::{
    catalog::{OfferStatus, product},
    party::Action,
};
use platform::{
    graphql::{
        ContextExt, UserError, decode,
        errors::settle,
        text::{TranslationInput, localized},
    },
    payload,
};

use super::{
    Brand, Category, Offer, Product, ProductChange,
    inputs::{OfferRowInput, OfferTermsInput, ProductContentInput},
};
use crate::{
    loaders,
    ops::{
        bulk::{self, ErrorPolicy, Outcome},
        changes,
        offers::{self, NewOffer},
        products::{self, Edited},
        vocabulary::{self, BrandPatch, CategoryPatch},
    },
};

/// A new product (新建商品).
#[derive(InputObject)]
pub(super) struct CreateProductInput {
    /// What is said of it.
    content: ProductContentInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A changed product (修改商品).
#[derive(InputObject)]
pub(super) struct UpdateProductInput {
    /// Which product.
    id: ID,
    /// The version that the editor saw.
    expected_version: i32,
    /// What changes.
    content: ProductContentInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// The answer to `updateProduct`.
#[derive(SimpleObject)]
pub(super) struct UpdateProductPayload {
    /// The product as it is now.
    product: Option<Product>,
    /// The proposal, when the product is shared and the editor is not its operator.
    change: Option<ProductChange>,
    /// The `clientMutationId` of the input.
    client_mutation_id: Option<String>,
    /// Why it was refused; empty when it was done.
    user_errors: Vec<UserError>,
}

/// Declares the input of a step that needs nothing but the thing and its version.
macro_rules! step_input {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(InputObject)]
        pub(super) struct $name {
            /// Which product.
            id: ID,
            /// The version that the editor saw.
            expected_version: i32,
            /// The client's own id of this request.
            client_mutation_id: Option<String>,
        }
    )+};
}

step_input! {
    /// A draft that asks for publication (提交审核).
    ProposeProductInput
    /// A proposal to confirm, or a draft to publish directly (发布).
    PublishProductInput
    /// A product to take out for good (归档).
    ArchiveProductInput
}

/// A proposal to send back (驳回).
#[derive(InputObject)]
pub(super) struct RejectProductInput {
    /// Which product.
    id: ID,
    /// The version that the editor saw.
    expected_version: i32,
    /// Why, for its owner.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A proposed change to accept (采纳变更).
#[derive(InputObject)]
pub(super) struct ConfirmProductChangeInput {
    /// Which proposal.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A proposed change to refuse (驳回变更).
#[derive(InputObject)]
pub(super) struct RejectProductChangeInput {
    /// Which proposal.
    id: ID,
    /// Why, for its proposer.
    reason: String,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// One's own proposal to take back (撤回变更).
#[derive(InputObject)]
pub(super) struct WithdrawProductChangeInput {
    /// Which proposal.
    id: ID,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A new offer (新建报价).
#[derive(InputObject)]
pub(super) struct CreateOfferInput {
    /// What is offered.
    variant_id: ID,
    /// Who offers; without it the viewer's organisation. Only an operator may name another.
    seller_id: Option<ID>,
    /// The seller's article number, unique for the seller.
    sku: String,
    /// On which terms; supply mode and prices are required.
    terms: OfferTermsInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Changed terms of an offer (修改报价).
#[derive(InputObject)]
pub(super) struct UpdateOfferInput {
    /// Which offer.
    id: ID,
    /// The version that the editor saw.
    expected_version: i32,
    /// What changes.
    terms: OfferTermsInput,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// An offer to pause, resume or end (上下架).
#[derive(InputObject)]
pub(super) struct ChangeOfferStatusInput {
    /// Which offer.
    id: ID,
    /// The version that the editor saw.
    expected_version: i32,
    /// The state to bring it to.
    status: OfferStatus,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// Many offers at once (批量导入报价).
#[derive(InputObject)]
pub(super) struct BulkUpsertOffersInput {
    /// The rows, at most 500.
    rows: Vec<OfferRowInput>,
    /// What to do when a row is refused.
    #[graphql(default_with = "ErrorPolicy::RejectAll")]
    error_policy: ErrorPolicy,
    /// Publish new products at once; for operators.
    #[graphql(default)]
    publish: bool,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// The answer to one row of a bulk mutation (批量结果).
#[derive(SimpleObject)]
pub(super) struct OfferRowResult {
    /// Place of the row in the input, from 0.
    index: i32,
    /// The row's article number.
    sku: String,
    /// What became of it.
    outcome: Outcome,
    /// Its offer, unless it failed.
    offer: Option<Offer>,
    /// Why it failed.
    user_errors: Vec<UserError>,
}

/// A new category (新建类目).
#[derive(InputObject)]
pub(super) struct CreateCategoryInput {
    /// The category above; without it at the top.
    parent_id: Option<ID>,
    /// Readable key; without it made of the English name.
    slug: Option<String>,
    /// Names by language.
    name: Vec<TranslationInput>,
    /// Order among its siblings.
    position: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A changed category (修改类目).
#[derive(InputObject)]
pub(super) struct UpdateCategoryInput {
    /// Which category.
    id: ID,
    /// The version that the editor saw.
    expected_version: i32,
    /// Names by language, laid over the present ones.
    name: Option<Vec<TranslationInput>>,
    /// Order among its siblings.
    position: Option<i32>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A new brand (新建品牌).
#[derive(InputObject)]
pub(super) struct CreateBrandInput {
    /// Readable key; without it made of the English name.
    slug: Option<String>,
    /// Names by language.
    name: Vec<TranslationInput>,
    /// Where it is at home, ISO 3166-1 alpha-2.
    country: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

/// A changed brand (修改品牌).
#[derive(InputObject)]
pub(super) struct UpdateBrandInput {
    /// Which brand.
    id: ID,
    /// The version that the editor saw.
    expected_version: i32,
    /// Readable key.
    slug: Option<String>,
    /// Names by language, laid over the present ones.
    name: Option<Vec<TranslationInput>>,
    /// Where it is at home, ISO 3166-1 alpha-2.
    country: Option<String>,
    /// The client's own id of this request.
    client_mutation_id: Option<String>,
}

payload! {
    /// The answer to `createProduct`.
    CreateProductPayload { /// The draft.
        product: Product }
    /// The answer to `proposeProduct`.
    ProposeProductPayload { /// The product as it is now.
        product: Product }
    /// The answer to `publishProduct`.
    PublishProductPayload { /// The product as it is now.
        product: Product }
    /// The answer to `rejectProduct`.
    RejectProductPayload { /// The product as it is now.
        product: Product }
    /// The answer to `archiveProduct`.
    ArchiveProductPayload { /// The product as it is now.
        product: Product }
    /// The answer to `confirmProductChange`.
    ConfirmProductChangePayload { /// The proposal as it is now; its product has changed.
        change: ProductChange }
    /// The answer to `rejectProductChange`.
    RejectProductChangePayload { /// The proposal as it is now.
        change: ProductChange }
    /// The answer to `withdrawProductChange`.
    WithdrawProductChangePayload { /// The proposal as it is now.
        change: ProductChange }
    /// The answer to `createOffer`.
    CreateOfferPayload { /// The offer.
        offer: Offer }
    /// The answer to `updateOffer`.
    UpdateOfferPayload { /// The offer as it is now.
        offer: Offer }
    /// The answer to `changeOfferStatus`.
    ChangeOfferStatusPayload { /// The offer as it is now.
        offer: Offer }
    /// The answer to `bulkUpsertOffers`.
    BulkUpsertOffersPayload { /// What became of each row, in the order of the input.
        results: Vec<OfferRowResult> }
    /// The answer to `createCategory`.
    CreateCategoryPayload { /// The category.
        category: Category }
    /// The answer to `updateCategory`.
    UpdateCategoryPayload { /// The category as it is now.
        category: Category }
    /// The answer to `createBrand`.
    CreateBrandPayload { /// The brand.
        brand: Brand }
    /// The answer to `updateBrand`.
    UpdateBrandPayload { /// The brand as it is now.
        brand: Brand }
}

/// The part of the mutation root that this context adds.
#[derive(Default)]
pub struct CatalogMutation;

#[Object]
impl CatalogMutation {
    /// Describes a new product: a draft of the viewer's organisation (新建商品).
    async fn create_product(&self, context: &Context<'_>, input: CreateProductInput) -> Result<CreateProductPayload> {
        let call = context.call(Action::DescribeProducts)?;
        let result = async {
            let patch = input.content.into_patch()?;
            products::create_product(context.app(), &call, &patch).await
        };
        CreateProductPayload::new(context, input.client_mutation_id, result.await.map(shown))
    }

    /// Changes a product. A product that is shared changes only through its operator: from anyone else
    /// this makes a proposal (修改商品).
    async fn update_product(&self, context: &Context<'_>, input: UpdateProductInput) -> Result<UpdateProductPayload> {
        let call = context.call(Action::DescribeProducts)?;
        let result = async {
            let (id, patch) = (decode(&input.id, "id")?, input.content.into_patch()?);
            products::update_product(context.app(), &call, id, input.expected_version, &patch).await
        };
        let (edited, user_errors) = settle(result.await, context.locale())?;
        let (product, change) = match edited {
            Some(Edited::Product(row)) => (Some(shown(*row)), None),
            Some(Edited::Proposal(row, change)) => (Some(shown(*row)), Some(ProductChange(*change))),
            None => (None, None),
        };
        Ok(UpdateProductPayload { product, change, client_mutation_id: input.client_mutation_id, user_errors })
    }

    /// Asks for publication of a draft; it must be complete (提交审核).
    async fn propose_product(
        &self,
        context: &Context<'_>,
        input: ProposeProductInput,
    ) -> Result<ProposeProductPayload> {
        let call = context.call(Action::DescribeProducts)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            products::propose_product(context.app(), &call, id, input.expected_version).await
        };
        ProposeProductPayload::new(context, input.client_mutation_id, result.await.map(shown))
    }

    /// Confirms a proposed product, or publishes a draft directly; for operators (发布).
    async fn publish_product(
        &self,
        context: &Context<'_>,
        input: PublishProductInput,
    ) -> Result<PublishProductPayload> {
        let call = context.call(Action::DecideProducts)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            products::publish_product(context.app(), &call, id, input.expected_version).await
        };
        PublishProductPayload::new(context, input.client_mutation_id, result.await.map(shown))
    }

    /// Sends a proposed product back with a reason; for operators (驳回).
    async fn reject_product(&self, context: &Context<'_>, input: RejectProductInput) -> Result<RejectProductPayload> {
        let call = context.call(Action::DecideProducts)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            products::reject_product(context.app(), &call, id, input.expected_version, &input.reason).await
        };
        RejectProductPayload::new(context, input.client_mutation_id, result.await.map(shown))
    }

    /// Takes a product out for good (归档).
    async fn archive_product(
        &self,
        context: &Context<'_>,
        input: ArchiveProductInput,
    ) -> Result<ArchiveProductPayload> {
        let call = context.call(Action::DescribeProducts)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            products::archive_product(context.app(), &call, id, input.expected_version).await
        };
        ArchiveProductPayload::new(context, input.client_mutation_id, result.await.map(shown))
    }

    /// Accepts a proposed change: it is laid over the product as it is now; for operators (采纳变更).
    async fn confirm_product_change(
        &self,
        context: &Context<'_>,
        input: ConfirmProductChangeInput,
    ) -> Result<ConfirmProductChangePayload> {
        let call = context.call(Action::DecideProducts)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            changes::confirm_change(context.app(), &call, id).await
        };
        ConfirmProductChangePayload::new(
            context,
            input.client_mutation_id,
            result.await.map(|(_, change)| ProductChange(change)),
        )
    }

    /// Refuses a proposed change with a reason; for operators (驳回变更).
    async fn reject_product_change(
        &self,
        context: &Context<'_>,
        input: RejectProductChangeInput,
    ) -> Result<RejectProductChangePayload> {
        let call = context.call(Action::DecideProducts)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            changes::reject_change(context.app(), &call, id, &input.reason).await
        };
        RejectProductChangePayload::new(context, input.client_mutation_id, result.await.map(ProductChange))
    }

    /// Takes one's own proposed change back (撤回变更).
    async fn withdraw_product_change(
        &self,
        context: &Context<'_>,
        input: WithdrawProductChangeInput,
    ) -> Result<WithdrawProductChangePayload> {
        let call = context.call(Action::DescribeProducts)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            changes::withdraw_change(context.app(), &call, id).await
        };
        WithdrawProductChangePayload::new(context, input.client_mutation_id, result.await.map(ProductChange))
    }

    /// Offers a variant on certain terms, active at once (新建报价).
    async fn create_offer(&self, context: &Context<'_>, input: CreateOfferInput) -> Result<CreateOfferPayload> {
        let call = context.call(Action::MakeOffers)?;
        let result = async {
            let seller = input.seller_id.as_ref().map(|id| decode(id, "sellerId")).transpose()?;
            let variant = decode(&input.variant_id, "variantId")?;
            let new = NewOffer { variant, seller, sku: input.sku, terms: input.terms.into_patch() };
            offers::create_offer(context.app(), &call, &new).await
        };
        CreateOfferPayload::new(context, input.client_mutation_id, result.await.map(Offer))
    }

    /// Changes the terms of an offer (修改报价).
    async fn update_offer(&self, context: &Context<'_>, input: UpdateOfferInput) -> Result<UpdateOfferPayload> {
        let call = context.call(Action::MakeOffers)?;
        let result = async {
            let (id, patch) = (decode(&input.id, "id")?, input.terms.into_patch());
            offers::update_offer(context.app(), &call, id, input.expected_version, &patch).await
        };
        UpdateOfferPayload::new(context, input.client_mutation_id, result.await.map(Offer))
    }

    /// Pauses, resumes or ends an offer (上下架).
    async fn change_offer_status(
        &self,
        context: &Context<'_>,
        input: ChangeOfferStatusInput,
    ) -> Result<ChangeOfferStatusPayload> {
        let call = context.call(Action::MakeOffers)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            offers::change_offer_status(context.app(), &call, id, input.expected_version, input.status).await
        };
        ChangeOfferStatusPayload::new(context, input.client_mutation_id, result.await.map(Offer))
    }

    /// Makes or changes many offers by the seller's article number, and describes their products where the
    /// seller owns them. The product of a row is that of its offer, else the one with its barcode, else
    /// the one with the slug that it names, else the seller's own of that name, else a new draft (批量导入报价).
    async fn bulk_upsert_offers(
        &self,
        context: &Context<'_>,
        input: BulkUpsertOffersInput,
    ) -> Result<BulkUpsertOffersPayload> {
        let call = context.call(Action::MakeOffers)?;
        let skus: Vec<String> = input.rows.iter().map(|row| row.sku.chars().take(64).collect()).collect();
        let result = async {
            let rows: Vec<_> = bulk::bounded(input.rows)?.into_iter().map(OfferRowInput::into_row).collect();
            let options = bulk::Options { seller: None, publish: input.publish };
            bulk::upsert_rows(context.app(), &call, &rows, options, input.error_policy).await
        };
        let answered = match result.await {
            Ok(results) => {
                let ids = results.iter().filter_map(|r| r.offer);
                let offers = loaders::of(context).load_many(ids).await?;
                let locale = context.locale();
                let row = |(index, (result, sku)): (usize, (bulk::RowResult, String))| OfferRowResult {
                    index: i32::try_from(index).unwrap_or(i32::MAX),
                    sku,
                    outcome: result.outcome,
                    offer: result.offer.and_then(|id| offers.get(&id).cloned()).map(Offer),
                    user_errors: UserError::all(&result.refusals, locale),
                };
                Ok(results.into_iter().zip(skus).enumerate().map(row).collect())
            }
            Err(error) => Err(error),
        };
        BulkUpsertOffersPayload::new(context, input.client_mutation_id, answered)
    }

    /// Makes a category; for operators (新建类目).
    async fn create_category(
        &self,
        context: &Context<'_>,
        input: CreateCategoryInput,
    ) -> Result<CreateCategoryPayload> {
        let call = context.call(Action::KeepVocabulary)?;
        let result = async {
            let parent = input.parent_id.as_ref().map(|id| decode(id, "parentId")).transpose()?;
            let patch = CategoryPatch {
                slug: input.slug,
                name: localized(Some(input.name), "name")?,
                position: input.position,
            };
            vocabulary::create_category(context.app(), &call, parent, &patch).await
        };
        CreateCategoryPayload::new(context, input.client_mutation_id, result.await.map(Category))
    }

    /// Renames a category or moves it among its siblings; for operators (修改类目).
    async fn update_category(
        &self,
        context: &Context<'_>,
        input: UpdateCategoryInput,
    ) -> Result<UpdateCategoryPayload> {
        let call = context.call(Action::KeepVocabulary)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let patch = CategoryPatch { slug: None, name: localized(input.name, "name")?, position: input.position };
            vocabulary::update_category(context.app(), &call, id, input.expected_version, &patch).await
        };
        UpdateCategoryPayload::new(context, input.client_mutation_id, result.await.map(Category))
    }

    /// Makes a brand; for operators (新建品牌).
    async fn create_brand(&self, context: &Context<'_>, input: CreateBrandInput) -> Result<CreateBrandPayload> {
        let call = context.call(Action::KeepVocabulary)?;
        let result = async {
            let patch =
                BrandPatch { slug: input.slug, name: localized(Some(input.name), "name")?, country: input.country };
            vocabulary::create_brand(context.app(), &call, &patch).await
        };
        CreateBrandPayload::new(context, input.client_mutation_id, result.await.map(Brand))
    }

    /// Changes a brand; for operators (修改品牌).
    async fn update_brand(&self, context: &Context<'_>, input: UpdateBrandInput) -> Result<UpdateBrandPayload> {
        let call = context.call(Action::KeepVocabulary)?;
        let result = async {
            let id = decode(&input.id, "id")?;
            let patch = BrandPatch { slug: input.slug, name: localized(input.name, "name")?, country: input.country };
            vocabulary::update_brand(context.app(), &call, id, input.expected_version, &patch).await
        };
        UpdateBrandPayload::new(context, input.client_mutation_id, result.await.map(Brand))
    }
}

/// A whole row as lists show it.
fn shown(row: product::Model) -> Product {
    Product(row.into())
}
