//! The JSON of the wire: reading request bodies and writing the objects that both surfaces share (spec 01a §1, §3, §4).

mod fields;
mod object;
mod objects;

pub use fields::Fields;
pub use object::Object;
pub use objects::{
    WireDiscovered, WireMember, WireMfaRequired, WireOrganization, WireOrganizationMatch,
    WirePrimaryRequired, WireSession,
};
