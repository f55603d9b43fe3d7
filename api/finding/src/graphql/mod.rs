//! Searches in the schema: decode, call an operation, wrap. No SQL and no rules.

mod inputs;

use std::collections::{BTreeSet, HashMap};

use async_graphql::{Context, ID, Object, Result, SimpleObject, Union, connection::PageInfo};
use catalog::{
    graphql::{Brand, Category, Product},
    loaders::TextsOf,
};
use entities::{
    catalog::{brand, category, product},
    party::{Action, organisation},
    values::{
        Localized,
        id::{BrandId, CategoryId, OrganisationId, PlaceId, ProductId},
    },
};
use party::graphql::Organisation;
use platform::{
    error::Error,
    graphql::{
        ContextExt,
        connection::{list_cost, times},
        encode,
    },
    page::{Cursor, PageArgs},
    responses::Tag,
};
use search::{Answer, DEEPEST, Facet, Found, Fragment, Kind};
use uuid::Uuid;

use self::inputs::{SearchFacet, SearchFilter, SearchKind, SearchSort};
use super::ops;

/// The name of the order of finds, in their cursors.
const ORDER: &str = "search";
/// How many of the first finds tell what was meant.
const TELLING: usize = 10;
/// Longest part of a description that is shown around a fit, in characters.
const SNIPPET: usize = 120;
/// Most suggestions.
const MOST_SUGGESTIONS: usize = 20;

/// The part of the query root that this room adds.
#[derive(Default)]
pub struct FindingQuery;

#[Object]
impl FindingQuery {
    /// Finds by words in Chinese, pinyin or English, by codes and by what is chosen (搜索). The index is up to date
    /// within a second; pages end at the 1,000th find.
    #[graphql(complexity = "list_cost(first, None, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a search")]
    async fn search(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What was typed; without it everything that is chosen below.")] query: Option<String>,
        #[graphql(desc = "What it is narrowed to.")] filter: Option<SearchFilter>,
        #[graphql(desc = "What is counted, for `facets`.")] facets: Option<Vec<SearchFacet>>,
        #[graphql(desc = "In which order; without it best fit first.")] sort: Option<SearchSort>,
        #[graphql(desc = "Size of the page, at most 100.")] first: Option<i32>,
        #[graphql(desc = "The page starts after this cursor.")] after: Option<String>,
    ) -> Result<SearchConnection> {
        context.may(Action::ReadPublic)?;
        context.reads().note(Tag::Any(Kind::Product));
        let (app, viewer) = (context.app(), context.viewer());
        let page = PageArgs::relay(first, after.as_deref(), None, None)?;
        let filter = filter.unwrap_or_default();
        let scope = ops::scope(viewer, filter.names_states());
        let mut asked = filter.into_query(query, scope)?;
        asked.count = facets
            .unwrap_or_default()
            .into_iter()
            .map(SearchFacet::facet)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        asked.sort = SearchSort::resolve(sort.as_ref(), context.locale());
        asked.offset = page.cursor.as_ref().map_or(Ok(0), |cursor| cursor.place(ORDER))?;
        asked.limit = usize::try_from(page.size).unwrap_or(usize::MAX);
        let answer = ops::search(app, viewer, &asked).await?;
        let nodes = shown(context, &answer.found).await?;
        Ok(SearchConnection { text: asked.text, offset: asked.offset, chosen: asked.any_of, nodes, answer })
    }

    /// What somebody who has typed this far may be looking for, best first (搜索建议).
    #[graphql(complexity = "times(20, child_complexity)")]
    async fn suggest(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What was typed so far.")] text: String,
        #[graphql(desc = "Of these kinds; without it of all.")] kinds: Option<Vec<SearchKind>>,
        #[graphql(desc = "How many, at most 20.", default = 8)] first: i32,
    ) -> Result<Vec<Suggestion>> {
        context.may(Action::ReadPublic)?;
        context.reads().note(Tag::Any(Kind::Product));
        let first = usize::try_from(first).ok().filter(|n| (1..=MOST_SUGGESTIONS).contains(n));
        let first = first.ok_or_else(|| Error::BadInput(format!("first is 1 to {MOST_SUGGESTIONS}")))?;
        let kinds: Vec<Kind> = match kinds {
            Some(kinds) => kinds.into_iter().take(Kind::ALL.len()).map(SearchKind::kind).collect(),
            None => Kind::ALL.to_vec(),
        };
        let found = ops::suggest(context.app(), context.viewer(), &text, &kinds, first).await?;
        let nodes = shown(context, &found).await?;
        let suggestion = |(_, node): (usize, SearchResult)| {
            let name = context.text(node.name(), None)?.unwrap_or_default();
            Ok(Suggestion { text: name, kind: node.kind(), node })
        };
        nodes.into_iter().map(suggestion).collect()
    }
}

/// Something that was found (搜索结果).
#[derive(Clone, Debug, Union)]
pub enum SearchResult {
    /// A product.
    Product(Product),
    /// An organisation.
    Organisation(Organisation),
    /// A brand.
    Brand(Brand),
    /// A category.
    Category(Category),
}

impl SearchResult {
    fn name(&self) -> &Localized {
        match self {
            Self::Product(product) => &product.0.name,
            Self::Organisation(organisation) => &organisation.0.name,
            Self::Brand(brand) => &brand.0.name,
            Self::Category(category) => &category.0.name,
        }
    }

    fn kind(&self) -> SearchKind {
        SearchKind::of(match self {
            Self::Product(_) => Kind::Product,
            Self::Organisation(_) => Kind::Organisation,
            Self::Brand(_) => Kind::Brand,
            Self::Category(_) => Kind::Category,
        })
    }
}

/// Reads what was found as the viewer may see it, with the place of each; what it may not see is left out. One
/// statement a kind.
async fn shown(context: &Context<'_>, found: &[Found]) -> Result<Vec<(usize, SearchResult)>> {
    let (catalog, party) = (catalog::loaders::of(context), party::loaders::of(context));
    let ids = |kind: Kind| found.iter().filter(move |f| f.kind == kind).map(|f| f.id).collect::<Vec<Uuid>>();
    let products: HashMap<ProductId, product::Head> =
        catalog.load_many(ids(Kind::Product).into_iter().map(ProductId)).await?;
    let brands: HashMap<BrandId, brand::Model> = catalog.load_many(ids(Kind::Brand).into_iter().map(BrandId)).await?;
    let categories: HashMap<CategoryId, category::Model> =
        catalog.load_many(ids(Kind::Category).into_iter().map(CategoryId)).await?;
    let organisations: HashMap<OrganisationId, organisation::Model> =
        party.load_many(ids(Kind::Organisation).into_iter().map(OrganisationId)).await?;
    let node = |(place, found): (usize, &Found)| {
        let node = match found.kind {
            Kind::Product => SearchResult::Product(Product(products.get(&ProductId(found.id))?.clone())),
            Kind::Brand => SearchResult::Brand(Brand(brands.get(&BrandId(found.id))?.clone())),
            Kind::Category => SearchResult::Category(Category(categories.get(&CategoryId(found.id))?.clone())),
            Kind::Organisation => {
                SearchResult::Organisation(Organisation(organisations.get(&OrganisationId(found.id))?.clone()))
            }
        };
        Some((place, node))
    };
    Ok(found.iter().enumerate().filter_map(node).collect())
}

/// A page of finds (搜索结果列表).
pub struct SearchConnection {
    text: String,
    offset: usize,
    chosen: std::collections::BTreeMap<Facet, Vec<String>>,
    nodes: Vec<(usize, SearchResult)>,
    answer: Answer,
}

/// A page of finds (搜索结果列表).
#[Object]
impl SearchConnection {
    /// The finds with their cursors and with what fitted.
    async fn edges(&self) -> Vec<SearchEdge> {
        let edge = |(place, node): &(usize, SearchResult)| SearchEdge {
            text: self.text.clone(),
            place: self.offset + place + 1,
            node: node.clone(),
        };
        self.nodes.iter().map(edge).collect()
    }

    /// The finds alone.
    async fn nodes(&self) -> Vec<&SearchResult> {
        self.nodes.iter().map(|(_, node)| node).collect()
    }

    /// Where this page stands among the finds.
    async fn page_info(&self) -> PageInfo {
        let end = self.offset + self.answer.found.len();
        let reachable = usize::try_from(self.answer.total).unwrap_or(usize::MAX).min(DEEPEST);
        let cursor = |place: usize| Cursor::at(ORDER, place).encode();
        let some = !self.answer.found.is_empty();
        PageInfo {
            has_previous_page: self.offset > 0,
            has_next_page: some && end < reachable,
            start_cursor: some.then(|| cursor(self.offset + 1)),
            end_cursor: some.then(|| cursor(end)),
        }
    }

    /// How many finds there are in all.
    async fn total_count(&self) -> u64 {
        self.answer.total
    }

    /// The values of what was to be counted. Those of a facet are counted as if nothing of it were chosen (分面统计).
    // What stands here is multiplied by the page's size like everything below `search`.
    #[graphql(complexity = "times(5, child_complexity)")]
    async fn facets(&self, context: &Context<'_>) -> Result<Vec<FacetCounts>> {
        let mut all = Vec::with_capacity(self.answer.facets.len());
        for (facet, values) in &self.answer.facets {
            let chosen = self.chosen.get(facet).map(Vec::as_slice).unwrap_or_default();
            all.extend(FacetCounts::of(context, *facet, values, chosen).await?);
        }
        Ok(all)
    }

    /// What was probably meant, when it was mistyped (您是不是要找).
    #[graphql(complexity = 20)]
    async fn did_you_mean(&self, context: &Context<'_>) -> Result<Option<String>> {
        if self.text.trim().is_empty() {
            return Ok(None);
        }
        let telling = || self.nodes.iter().take(TELLING).map(|(_, node)| node);
        let branded = telling().filter_map(|node| match node {
            SearchResult::Product(product) => product.0.brand_id,
            _ => None,
        });
        let brands = catalog::loaders::of(context).load_many(branded).await?;
        let names = telling().map(SearchResult::name).chain(brands.values().map(|brand| &brand.name));
        let names: Vec<String> = names.flat_map(|name| name.0.values().cloned()).collect();
        Ok(search::did_you_mean(context.app().analyzer(), &self.text, &names))
    }
}

/// A find with its place (搜索结果项).
pub struct SearchEdge {
    text: String,
    place: usize,
    node: SearchResult,
}

/// A find with its place (搜索结果项).
#[Object]
impl SearchEdge {
    /// What was found.
    async fn node(&self) -> &SearchResult {
        &self.node
    }

    /// Its place among the finds, for `after`.
    async fn cursor(&self) -> String {
        Cursor::at(ORDER, self.place).encode()
    }

    /// Texts of it with the pieces that fit (高亮).
    #[graphql(complexity = "times(4, child_complexity)")]
    async fn highlights(&self, context: &Context<'_>) -> Result<Vec<Highlight>> {
        if self.text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let analyzer = context.app().analyzer();
        let mut all = Vec::new();
        for (locale, text) in &self.node.name().0 {
            let fragments = search::highlights(analyzer, &self.text, text);
            all.extend(fragments.map(|f| Highlight::of(HighlightedField::Name, locale.as_str(), f)));
        }
        if let SearchResult::Product(product) = &self.node {
            let texts = catalog::loaders::of(context).load_one(TextsOf(product.0.id)).await?;
            for (locale, text) in texts.iter().flat_map(|texts| &texts.description.0) {
                let fragments = search::snippet(analyzer, &self.text, text, SNIPPET);
                all.extend(fragments.map(|f| Highlight::of(HighlightedField::Description, locale.as_str(), f)));
            }
        }
        Ok(all)
    }
}

/// Which text is highlighted (高亮字段).
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum HighlightedField {
    /// The name (名称).
    Name,
    /// The part of the description around the first fit (描述).
    Description,
}

/// A text of a find with the pieces that fit (高亮).
#[derive(Clone, Debug, SimpleObject)]
pub struct Highlight {
    /// Which text.
    field: HighlightedField,
    /// Its language tag.
    locale: String,
    /// Its pieces, in order.
    fragments: Vec<HighlightFragment>,
}

/// A piece of a text (文本片段).
#[derive(Clone, Debug, SimpleObject)]
pub struct HighlightFragment {
    /// The piece, as plain text.
    text: String,
    /// Whether it fits what was typed.
    hit: bool,
}

impl Highlight {
    fn of(field: HighlightedField, locale: &str, fragments: Vec<Fragment>) -> Self {
        let fragments = fragments.into_iter().map(|f| HighlightFragment { text: f.text, hit: f.hit }).collect();
        Self { field, locale: locale.to_owned(), fragments }
    }
}

/// A suggestion for what is being typed (搜索建议).
#[derive(Clone, Debug, SimpleObject)]
pub struct Suggestion {
    /// The name in the language asked for.
    text: String,
    /// What it is.
    kind: SearchKind,
    /// The thing itself.
    node: SearchResult,
}

/// The values of one facet (分面统计).
#[derive(Clone, Debug, SimpleObject)]
pub struct FacetCounts {
    /// Which.
    field: SearchFacet,
    /// At most 100 values, the most frequent first.
    values: Vec<FacetValue>,
}

/// A value of a facet (分面值).
#[derive(Clone, Debug, SimpleObject)]
pub struct FacetValue {
    /// As the filter takes it: an id, a code or the name of an enum value.
    value: String,
    /// Its name in the language asked for; a code as it is.
    label: String,
    /// How many finds have it.
    count: u64,
    /// Whether the filter names it.
    chosen: bool,
}

impl FacetCounts {
    async fn of(
        context: &Context<'_>,
        facet: Facet,
        counted: &[(String, u64)],
        chosen: &[String],
    ) -> Result<Option<Self>> {
        let field = match facet {
            Facet::Category => SearchFacet::Category,
            Facet::Brand => SearchFacet::Brand,
            Facet::Seller => SearchFacet::Seller,
            Facet::Origin => SearchFacet::Origin,
            Facet::SupplyMode => SearchFacet::SupplyMode,
            Facet::Tag => SearchFacet::Tag,
            Facet::Availability => SearchFacet::Availability,
            Facet::Role => SearchFacet::Role,
            Facet::Place => SearchFacet::Place,
            Facet::Status | Facet::Hs => return Ok(None),
        };
        let (catalog, party) = (catalog::loaders::of(context), party::loaders::of(context));
        let ids = || counted.iter().filter_map(|(value, _)| Uuid::parse_str(value).ok());
        // Id and name of each value that is a thing.
        let mut things: HashMap<Uuid, (ID, Localized)> = HashMap::new();
        match facet {
            Facet::Category => {
                let rows = catalog.load_many(ids().map(CategoryId)).await?;
                things.extend(rows.into_iter().map(|(id, row)| (id.0, (encode(id), row.name))));
            }
            Facet::Brand => {
                let rows = catalog.load_many(ids().map(BrandId)).await?;
                things.extend(rows.into_iter().map(|(id, row)| (id.0, (encode(id), row.name))));
            }
            Facet::Seller => {
                let rows = party.load_many(ids().map(OrganisationId)).await?;
                things.extend(rows.into_iter().map(|(id, row)| (id.0, (encode(id), row.name))));
            }
            Facet::Place => {
                let rows = party.load_many(ids().map(PlaceId)).await?;
                things.extend(rows.into_iter().map(|(id, row)| (id.0, (encode(id), row.name))));
            }
            _ => {}
        }
        let mut values = Vec::with_capacity(counted.len());
        for (value, count) in counted {
            let thing = Uuid::parse_str(value).ok().and_then(|id| things.get(&id));
            let label = match thing {
                Some((_, name)) => context.text(name, None)?.unwrap_or_default(),
                None => value.clone(),
            };
            values.push(FacetValue {
                value: thing.map_or_else(|| value.clone(), |(id, _)| id.to_string()),
                label,
                count: *count,
                chosen: chosen.contains(value),
            });
        }
        Ok(Some(Self { field, values }))
    }
}
