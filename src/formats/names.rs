//! Host names: which certificate names cover which host (RFC 6125 section 6.4), and comparing them without regard to case.
