//! Scanning a slot, and the code that somebody of the team shows.

use async_graphql::{ComplexObject, Context, ID, Object, Result, SimpleObject};
use catalog::graphql::{Offer, Product};
use chrono::{DateTime, Utc};
use entities::{
    party::Action,
    showroom::{HandOver, StorePattern},
    values::{self, Currency, id::ShowroomId},
};
use platform::graphql::{ContextExt, Money, connection::times, decode, encode};

use crate::{
    ops::{store_for, works_in},
    scans, tokens,
    view::{self, Shown, Standing, View, Way},
};

/// What a scan of a slot shows (扫码结果).
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(super) struct Scan {
    #[graphql(skip)]
    view: View,
    /// What there is in the slot.
    state: Standing,
    /// What is printed on it.
    code: String,
    /// Where it is.
    showroom_id: ID,
    /// What people call the showroom.
    showroom_name: String,
    /// What the buyer's client sends along with the order, within seven days: whose the sale is (归因令牌).
    attribution_token: String,
    /// Where a phone without the mini-program goes.
    link: String,
    /// The page of the mini-program and its scene (小程序页面).
    mini_program_path: String,
    /// Of when it is: at most a minute old.
    as_of: DateTime<Utc>,
}

#[ComplexObject]
impl Scan {
    /// What stands there, each offer once.
    #[graphql(complexity = "times(3, child_complexity)")]
    async fn displays(&self) -> Vec<ScannedDisplay> {
        self.view.displays.iter().cloned().map(ScannedDisplay).collect()
    }

    /// What else there is, when nothing stands there any more (相似商品).
    #[graphql(complexity = "times(6, child_complexity)")]
    async fn similar(&self, context: &Context<'_>) -> Result<Vec<Product>> {
        let found = catalog::loaders::of(context).load_many(self.view.similar.iter().copied()).await?;
        let known = self.view.similar.iter().filter_map(|id| found.get(id).cloned());
        Ok(known.map(Product).collect())
    }
}

/// Something that stands in a slot, as a buyer sees it (扫码商品).
#[derive(Clone, Debug)]
pub(super) struct ScannedDisplay(Shown);

/// Something that stands in a slot, as a buyer sees it (扫码商品).
#[Object]
impl ScannedDisplay {
    /// The display.
    async fn display_id(&self) -> ID {
        encode(self.0.display)
    }

    /// What it is sold as: for the cart.
    async fn offer_id(&self) -> ID {
        encode(self.0.offer)
    }

    /// What it is sold as.
    async fn offer(&self, context: &Context<'_>) -> Result<Option<Offer>> {
        Ok(catalog::loaders::of(context).load_one(self.0.offer).await?.map(Offer))
    }

    /// What it is.
    async fn product(&self, context: &Context<'_>) -> Result<Option<Product>> {
        Ok(catalog::loaders::of(context).load_one(self.0.product).await?.map(Product))
    }

    /// What it is called.
    async fn name(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A language tag; none: the language asked for.")] locale: Option<String>,
    ) -> Result<Option<String>> {
        context.text(&self.0.name, locale.as_deref())
    }

    /// A picture of it.
    async fn picture(&self) -> Option<&str> {
        self.0.picture.as_deref()
    }

    /// How it is shown, sold and handed over (经营模式).
    async fn pattern(&self) -> StorePattern {
        self.0.pattern
    }

    /// What its price tag says.
    async fn tag(&self) -> Option<Money> {
        self.0.tag.map(Money::from)
    }

    /// What the smallest order of it costs a consumer here, taxes and carriage included (到手价).
    async fn price(&self) -> ScannedPrice {
        let cny = |minor: Option<i64>| minor.map(|minor| values::Money { minor, currency: Currency::CNY }.into());
        let price = &self.0.price;
        ScannedPrice {
            goods: cny(price.goods),
            freight: cny(price.freight),
            tax: cny(price.tax),
            total: cny(price.total),
            problems: price.problems.clone(),
        }
    }

    /// Each way in which the buyer may get it, whether it may be done here, and how many there are (履约方式).
    #[graphql(complexity = "times(3, child_complexity)")]
    async fn ways(&self) -> Vec<WayOfHandOver> {
        self.0.ways.iter().cloned().map(WayOfHandOver::from).collect()
    }
}

/// What it costs (到手价).
#[derive(Clone, Debug, SimpleObject)]
pub(super) struct ScannedPrice {
    /// What the goods cost.
    goods: Option<Money>,
    /// Freight.
    freight: Option<Money>,
    /// The import taxes.
    tax: Option<Money>,
    /// All of it.
    total: Option<Money>,
    /// Codes of what stands in the way; empty when it can be had.
    problems: Vec<String>,
}

/// A way in which the buyer may get something (履约方式).
#[derive(Clone, Debug, SimpleObject)]
pub(super) struct WayOfHandOver {
    /// How.
    hand_over: HandOver,
    /// Whether it may be done here.
    allowed: bool,
    /// The law, notice or approval that says so.
    source: String,
    /// How many there are; nothing where it may not be done.
    available: i64,
}

impl From<Way> for WayOfHandOver {
    fn from(way: Way) -> Self {
        let Way { hand_over, allowed, source, available } = way;
        Self { hand_over, allowed, source, available }
    }
}

/// Queries of scans.
#[derive(Default)]
pub(crate) struct ScanQuery;

#[Object]
impl ScanQuery {
    /// What stands in a slot, by what is printed on it; null: there is no such code. It is noted that it was scanned, by
    /// nobody in particular (扫码).
    async fn scan_display(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is printed on the slot.")] code: String,
        #[graphql(desc = "What the client calls its device, to tell visitors apart; only a keyed hash is kept.")]
        device: Option<String>,
        #[graphql(desc = "The code that somebody of the team shows.")] staff_code: Option<String>,
    ) -> Result<Option<Scan>> {
        context.may(Action::ReadPublic)?;
        let (app, viewer) = (context.app(), context.viewer());
        let Some(view) = view::of(app, &code).await? else { return Ok(None) };
        let now = app.clock().now();
        // Who acts for an organisation may be of the team: its own session says so, never the client.
        let own = viewer.organisation().is_some() && works_in(app.db().read(), viewer, view.showroom).await?;
        let staff = if own {
            viewer.person()
        } else {
            staff_code.and_then(|shown| tokens::serves(app.vault(), &shown, view.showroom, now))
        };
        scans::note(app, viewer, &view, device.as_deref(), own);
        let products = view.displays.iter().map(|shown| shown.product);
        let token = tokens::of_scan(app.vault(), (view.showroom, view.slot), products, staff, now)?;
        let showroom = &app.config().showroom;
        Ok(Some(Scan {
            state: view.standing,
            code: view.code.clone(),
            showroom_id: encode(view.showroom),
            showroom_name: view.showroom_name.clone(),
            attribution_token: token,
            link: showroom.link(&app.config().server.public_url).replace("{code}", &view.code),
            mini_program_path: format!("{}?scene={}", showroom.mini_program_page, view.code),
            as_of: view.as_of,
            view,
        }))
    }

    /// The code that one shows to a buyer to be named for the sale; good for twelve hours in this showroom, where one must be
    /// of the team. Null: one is not (导购码).
    async fn staff_code(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "In which showroom.")] showroom_id: ID,
    ) -> Result<Option<String>> {
        context.may(Action::WorkShowrooms)?;
        let (app, viewer) = (context.app(), context.viewer());
        let Ok(id) = decode::<ShowroomId>(&showroom_id, "showroomId") else { return Ok(None) };
        let db = app.db().read();
        let (Ok(_), Some(person)) =
            (store_for(db, viewer, Action::WorkShowrooms, id, "showroomId").await, viewer.person())
        else {
            return Ok(None);
        };
        if !works_in(db, viewer, id).await? {
            return Ok(None);
        }
        Ok(Some(tokens::of_staff(app.vault(), id, person, app.clock().now())?))
    }
}
