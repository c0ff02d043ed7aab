//! Events in, attempts out: what each device tried, how far it came, and who ended it. Decides *that* and *where*
//! something dropped; never why.

pub mod steps;
