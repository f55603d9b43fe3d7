//! Categories, brands and attribute definitions.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use entities::catalog::{AttributeKind, attribute, brand, category};
use platform::{
    graphql::{
        Connection, ContextExt,
        connection::{list_cost, times},
        encode,
        text::{Translation, translations},
    },
    page::PageArgs,
};

use crate::{
    loaders::{self, AttributesOf, ChildrenOf, LineageOf, ProductsIn},
    ops::vocabulary,
};

/// A category of the tree that products hang on (类目).
#[derive(Clone, Debug)]
pub struct Category(pub category::Model);

/// A category of the tree that products hang on (类目).
#[Object]
impl Category {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Readable key.
    async fn slug(&self) -> &str {
        self.0.slug.as_str()
    }

    /// Name in the language asked for, or in `locale`.
    async fn name(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Language tag; none: of the request.")] locale: Option<String>,
    ) -> Result<String> {
        Ok(context.text(&self.0.name, locale.as_deref())?.unwrap_or_default())
    }

    /// Name in all languages.
    async fn translations(&self) -> Vec<Translation> {
        translations(&self.0.name)
    }

    /// Order among its siblings.
    async fn position(&self) -> i32 {
        self.0.position
    }

    /// The category above; none at the top.
    async fn parent(&self, context: &Context<'_>) -> Result<Option<Category>> {
        let Some(id) = self.0.parent_id else { return Ok(None) };
        Ok(loaders::of(context).load_one(id).await?.map(Category))
    }

    /// The way from the top to this category, itself included (类目路径).
    #[graphql(complexity = "times(5, child_complexity)")]
    async fn path(&self, context: &Context<'_>) -> Result<Vec<Category>> {
        let line = loaders::of(context).load_one(LineageOf(self.0.id)).await?.unwrap_or_default();
        Ok(line.into_iter().map(Category).collect())
    }

    /// The categories right under it.
    #[graphql(complexity = "list_cost(first, last, child_complexity)")]
    async fn children(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
        #[graphql(desc = "Size of a page that is read backwards.")] last: Option<i32>,
        #[graphql(desc = "The page ends before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Category>> {
        let page = PageArgs::relay(first, after.as_deref(), last, before.as_deref())?;
        let children = loaders::of(context).load_one(ChildrenOf(self.0.id)).await?.unwrap_or_default();
        let total = i64::try_from(children.len()).ok();
        let rows = page.slice(children, vocabulary::category_cursor)?;
        Ok(Connection::new(rows, total, |row| (vocabulary::category_cursor(&row), Category(row))))
    }

    /// How many public products it has, subcategories included.
    async fn product_count(&self, context: &Context<'_>) -> Result<i64> {
        Ok(loaders::of(context).load_one(ProductsIn(self.0.id)).await?.unwrap_or_default())
    }

    /// What its products may be described by, what the categories above say included.
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn attributes(&self, context: &Context<'_>) -> Result<Vec<Attribute>> {
        let loader = loaders::of(context);
        let line = loader.load_one(LineageOf(self.0.id)).await?.unwrap_or_default();
        let found = loader.load_many(line.iter().map(|c| AttributesOf(c.id))).await?;
        let mut attributes: Vec<_> = found.into_values().flatten().collect();
        attributes.sort_by(|a, b| a.code.cmp(&b.code));
        attributes.dedup_by(|a, b| a.id == b.id);
        Ok(attributes.into_iter().map(Attribute).collect())
    }

    /// Counts up with every change; send it back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// A brand (品牌).
#[derive(Clone, Debug)]
pub struct Brand(pub brand::Model);

/// A brand (品牌).
#[Object]
impl Brand {
    /// Opaque identifier.
    pub async fn id(&self) -> ID {
        encode(self.0.id)
    }

    /// Readable key.
    async fn slug(&self) -> &str {
        self.0.slug.as_str()
    }

    /// Name in the language asked for, or in `locale`.
    async fn name(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Language tag; none: of the request.")] locale: Option<String>,
    ) -> Result<String> {
        Ok(context.text(&self.0.name, locale.as_deref())?.unwrap_or_default())
    }

    /// Name in all languages.
    async fn translations(&self) -> Vec<Translation> {
        translations(&self.0.name)
    }

    /// Where the brand is at home: ISO 3166-1 alpha-2.
    async fn country(&self) -> Option<&str> {
        self.0.country.as_ref().map(entities::values::CountryCode::as_str)
    }

    /// Counts up with every change; send it back as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// What products of a category may be described by (属性).
#[derive(Clone, Debug)]
pub struct Attribute(pub attribute::Model);

/// What products of a category may be described by (属性).
#[Object]
impl Attribute {
    /// Stable code, used in inputs and files.
    async fn code(&self) -> &str {
        &self.0.code
    }

    /// Name in the language asked for.
    async fn name(&self, context: &Context<'_>) -> Result<String> {
        Ok(context.text(&self.0.name, None)?.unwrap_or_default())
    }

    /// Type of its values.
    async fn kind(&self) -> AttributeKind {
        self.0.kind
    }

    /// Unit of its values.
    async fn unit(&self) -> Option<&str> {
        self.0.unit.as_deref()
    }

    /// What can be chosen, when its kind is CHOICE.
    async fn choices(&self, context: &Context<'_>) -> Result<Vec<AttributeChoice>> {
        let choice = |c: &attribute::Choice| {
            Ok(AttributeChoice { code: c.code.clone(), name: context.text(&c.name, None)?.unwrap_or_default() })
        };
        self.0.choices.0.iter().map(choice).collect()
    }
}

/// One thing that can be chosen for an attribute (选项).
#[derive(Clone, Debug, SimpleObject)]
pub struct AttributeChoice {
    /// Stable code.
    code: String,
    /// Name in the language asked for.
    name: String,
}
