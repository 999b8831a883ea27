//! Who may see or do what. A caller shows a credential (a certificate, a token of an issuer, a token of our own); the
//! permissions file says whose it is, in which roles and for which organisations. Everything else asks here.

mod caller;
mod gate;
mod identity;
mod issuer;
mod keys;
mod permissions;
mod refusal;
mod reload;
mod role;
mod sight;
mod token;

pub use caller::{Caller, Credential};
pub use gate::{Gate, Shown};
pub use identity::{Bounds, Identity, Reach};
pub use issuer::{Issuer, IssuerSettings};
pub use keys::{KeySource, Keys};
pub use permissions::{InvalidPermissions, Permissions};
pub use refusal::Refused;
pub use reload::PermissionsFile;
pub use role::{Role, Roles};
pub use token::{NewToken, Token};
