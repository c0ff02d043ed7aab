//! Does this key verify this signature? Three results, never two.
