//! loginloop

pub mod bytes;
pub mod flow;
pub mod model;
pub mod packet;
pub mod text;
