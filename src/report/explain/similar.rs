//! What somebody may have meant who typed a word that does not exist.

/// The candidate that is nearest to what was typed, if any is near.
pub fn closest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.trim().to_lowercase().replace(['_', ' '], "-");
    let near = |candidate: &&str| distance(&typed, candidate);
    // A third of the letters may differ; part of a code is as good as a slip of the finger.
    let allowed = |candidate: &str| (candidate.chars().count() / 3).max(2);
    let is_part = |candidate: &str| typed.chars().count() >= 3 && candidate.contains(typed.as_str());
    candidates
        .into_iter()
        .filter(|candidate| near(candidate) <= allowed(candidate) || is_part(candidate))
        .min_by_key(|candidate| (!is_part(candidate), near(candidate)))
}

/// How many letters must be inserted, removed or replaced (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, letter) in (1..).zip(one.chars()) {
        let mut diagonal = std::mem::replace(row.first_mut().unwrap_or(&mut 0), number);
        let mut left = number;
        for (cell, other_letter) in row.iter_mut().skip(1).zip(&other) {
            let replaced = diagonal + usize::from(letter != *other_letter);
            diagonal = *cell;
            *cell = replaced.min(left + 1).min(*cell + 1);
            left = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn slips_parts_and_nonsense() {
        let codes = ["dhcp-nak", "dhcp-no-offer", "cert-unsupported-signature", "cert-unsupported-key"];
        assert_eq!(closest("dhcp_nack", codes), Some("dhcp-nak"));
        assert_eq!(closest("unsupported-key", codes), Some("cert-unsupported-key"));
        assert_eq!(closest("CERT-UNSUPORTED-SIGNATURE", codes), Some("cert-unsupported-signature"));
        assert_eq!(closest("zebra", codes), None);
    }
}
