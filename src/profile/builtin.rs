//! The profiles that come with the program: one file a family in `devices/`. This index is generated:
//! `TIDY=write cargo test --test tidy`.

/// Name of the file and its text, in order of the names.
pub(super) static FILES: &[(&str, &str)] = &[
    ("communicator-phone-edition.toml", include_str!("devices/communicator-phone-edition.toml")),
    ("generic-sip.toml", include_str!("devices/generic-sip.toml")),
    ("lync-phone-edition.toml", include_str!("devices/lync-phone-edition.toml")),
];
