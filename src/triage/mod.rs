//! Many captures as one picture. Finished analyses in; out come the fingerprint of each failed login, the groups of those
//! that failed alike, and the fewest fixes that free most devices. Knows no file, no thread and no report.

mod causes;
mod fixes;
mod groups;
pub mod journal;
mod login;
mod overview;
mod places;
pub mod plan;

#[cfg(test)]
mod tests;

pub use causes::Need;
pub use fixes::{Fix, cover};
pub use groups::{Example, Group};
pub use login::{Digest, Ended, Login, Told};
pub use overview::{Counted, Growing, Overview, Remedy, Unread};
