//! Customs (海关): what is declared of each order, and what comes back.
//!
//! - [`ceb`]: the unified messages of cross-border e-commerce, written exactly as the schemas of 2022-05 want them, and
//!   read as they really come.
//! - [`codes`]: how customs writes countries, amounts and moments
//! - [`goods_filing`], [`arrangement`]: what must be there before anything is declared
//! - [`sale`]: the facts of a sale, and the papers that are made of them
//! - [`delivery`]: what came into a site, of direct imports
//! - [`paper`], [`receipt`], [`message`]: what is said, what is answered, and the bytes of both
//! - [`declaration`], [`match_row`]: how an order stands at customs, and whether its papers say the same
//! - [`matching`], [`list_rules`]: the rules of the match, and those that a list must keep
//! - [`request`]: that a list is withdrawn, or that goods come back
//! - [`export`]: what leaves the country, and the simulated answers to it in [`simulated_export`]
//! - [`payment_data`]: what announcement 179 wants to know of payments
//! - [`tax_bill`]: taxes that are due, and the guarantee that answers for them
//! - [`simulated`]: the customs that stands in for customs, for development

pub mod arrangement;
pub mod ceb;
pub mod codes;
pub mod declaration;
pub mod delivery;
pub mod export;
pub mod goods_filing;
pub mod list_rules;
pub mod match_row;
pub mod matching;
pub mod message;
pub mod paper;
pub mod payment_data;
pub mod receipt;
pub mod request;
pub mod sale;
pub mod simulated;
pub mod simulated_export;
pub mod tax_bill;
