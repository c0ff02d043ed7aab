//! Groups of the labelled captures.
