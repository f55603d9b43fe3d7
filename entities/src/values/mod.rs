//! Value types that every context speaks in. Each is valid from construction on: a `Gtin` has a right
//! check digit, a `Slug` is lower-case ASCII, a `Money` knows its currency's digits.

pub mod calendar;
pub mod code;
pub mod consignee;
pub mod id;
pub mod identity;
pub mod localized;
pub mod money;
pub mod refusal;
pub mod romanise;

pub use calendar::{Calendar, Roll};
pub use code::{BookNumber, CountryCode, CustomsUnit, Gtin, HsCode, Slug};
pub use consignee::Consignee;
pub use identity::{CustomsRegistration, Email, MobileNumber, OrganisationCode, ResidentId, Uscc};
pub use localized::{Locale, Localized};
pub use money::{Currency, Money};
pub use refusal::{ErrorCode, Refusal, Refusals};
