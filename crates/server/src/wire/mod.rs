//! The JSON of the wire: reading request bodies and writing the objects that both surfaces share (spec 01a §1, §3, §4).

mod fields;
mod m2m;
mod object;
mod objects;

pub use fields::Fields;
pub use m2m::WireM2mClient;
pub use object::Object;
pub use objects::{
    WireDiscovered, WireMember, WireMfaRequired, WireOrganization, WireOrganizationMatch,
    WirePrimaryRequired, WireSession,
};
