//! Does what a device asks DHCP for show that it is a computer? The options of its list in, yes or no out.

/// Routes without classes (RFC 3442, and 249 by Windows) and a search list for names (RFC 3397): what the systems of computers use.
const OF_COMPUTERS: [u8; 3] = [119, 121, 249];
/// Where a phone's configuration, its voice VLAN or its registrar is.
const OF_PHONES: [u8; 13] = [43, 66, 67, 120, 125, 128, 132, 150, 159, 160, 161, 176, 242];

/// Does it ask for what computers use, and for nothing that phones do?
pub fn asks_as_one(list: &[u8]) -> bool {
    let asks = |options: &[u8]| options.iter().any(|option| list.contains(option));
    asks(&OF_COMPUTERS) && !asks(&OF_PHONES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_what_computers_use_and_for_nothing_that_phones_do_is_one() {
        assert!(asks_as_one(&[1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42]), "a client of DHCP that comes with Linux");
        assert!(!asks_as_one(&[1, 3, 6, 15, 66, 121]), "it asks where its configuration is");
        assert!(!asks_as_one(&[1, 3, 6, 12, 15, 42]));
        assert!(!asks_as_one(&[]));
    }
}
