//! Showrooms in the schema. The outside of an open showroom is everyone's; its inside is shown to its organisation, to
//! who works in it, and to who oversees the zone: to others it is null or empty.

pub mod appointments;
pub mod bonded;
pub mod classes;
pub mod displays;
pub mod figures;
pub mod floor;
pub mod loans;
pub mod offline;
pub mod planograms;
pub mod rounds;
pub mod scan;
pub mod stores;
pub mod subscription;
pub mod visits;
pub mod write_offs;

use async_graphql::MergedObject;

pub use subscription::ShowroomSubscription;

/// The part of the query root that this context adds.
#[derive(MergedObject, Default)]
pub struct ShowroomQuery(
    stores::StoreQuery,
    planograms::PlanogramQuery,
    rounds::RoundQuery,
    scan::ScanQuery,
    bonded::BondedDisplayQuery,
    bonded::DisplayGuaranteeQuery,
    loans::LoanQuery,
    offline::OfflineQuery,
    write_offs::WriteOffQuery,
    appointments::AppointmentQuery,
    visits::VisitQuery,
    figures::FigureQuery,
);

/// The part of the mutation root that this context adds.
#[derive(MergedObject, Default)]
pub struct ShowroomMutation(
    stores::StoreMutation,
    floor::FloorMutation,
    planograms::PlanogramMutation,
    displays::DisplayMutation,
    rounds::RoundMutation,
    bonded::BondedDisplayMutation,
    bonded::DisplayGuaranteeMutation,
    classes::ClassMutation,
    loans::LoanMutation,
    offline::OfflineMutation,
    write_offs::WriteOffMutation,
    appointments::AppointmentMutation,
    visits::VisitMutation,
);
