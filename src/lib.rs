//! loginloop
