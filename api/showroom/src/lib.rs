//! Showrooms (体验店): the floor of a store, what is planned to stand on it, what stands there, what people scan.
//!
//! Invariants:
//! - what stands in a slot is a piece of stock that is promised to it (`ReservationKind::Display`), or a picture; display
//!   and promise change in one transaction. A facing has one display and a serial number stands in one place: the database
//!   says so;
//! - a piece changes its class by law by a move of stock with a document only: each class has a place of its own;
//! - of a showroom one planogram is in force; the floor is drawn whole, and a slot keeps the code that is printed on it;
//! - whose a sale is, is fixed when it is paid, by what the buyer scanned ([`attribution`]); who served is known by a signed
//!   code or the session of somebody of the team, never by what a client says;
//! - who works in a store sees the inside of that store only, and nobody there learns who a buyer is.
//!
//! ```text
//! draw the floor ──> draft a planogram ──> activate ──> install by scan ──> gaps: what is not as planned, at another price
//! scan a slot ──> kept view (one read) ──> token ──> placed with the order ──> paid: fixed, split ──> back: taken off
//! ```
//!
//! - [`ops`]: stores and teams, the floor, planograms, displays, rounds
//! - [`view`]: what a scan shows, kept until it changes; [`scans`]: noted in batches; [`tokens`]: what a client carries
//! - [`attribution`]: what ordering says when it places, is paid, gives back
//! - [`sheet`]: codes to print

pub mod attribution;
pub mod graphql;
pub mod loaders;
pub mod ops;
pub mod scans;
pub mod sheet;
pub mod tokens;
pub mod view;
