//! Work shared out among machines or threads: sizes in, lists of about the same size out; the same files give the same lists,
//! in whatever order they come.

/// Which share each file falls to, for so many shares. `files` must be in one order everywhere.
pub fn shares(sizes: &[u64], count: usize) -> Vec<usize> {
    let mut loads = vec![0_u64; count.max(1)];
    let mut share = vec![0; sizes.len()];
    for place in largest_first(sizes) {
        let lightest = loads.iter().enumerate().min_by_key(|(number, load)| (**load, *number)).map_or(0, |(number, _)| number);
        let size = sizes.get(place).copied().unwrap_or(0);
        if let (Some(load), Some(share)) = (loads.get_mut(lightest), share.get_mut(place)) {
            // Opening a file costs about as much as reading so many bytes of it.
            *load = load.saturating_add(size).saturating_add(OPENING);
            *share = lightest;
        }
    }
    share
}

/// What opening a file costs, in bytes.
const OPENING: u64 = 16 * 1024;

/// The order in which files are begun: a large one that comes last would keep all others waiting.
pub fn largest_first(sizes: &[u64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|place| (std::cmp::Reverse(sizes.get(*place).copied().unwrap_or(0)), *place));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_files_are_begun_first() {
        assert_eq!(largest_first(&[5, 9, 5, 1]), [1, 0, 2, 3]);
    }

    #[test]
    fn shares_are_about_as_large_as_each_other_and_each_file_is_in_one() {
        let sizes: Vec<u64> = (1..=100).map(|number| number * 1_000_000).collect();
        let share = shares(&sizes, 4);
        let load =
            |number: usize| sizes.iter().zip(&share).filter(|(_, share)| **share == number).map(|(size, _)| size).sum::<u64>();
        let loads: Vec<u64> = (0..4).map(load).collect();
        assert_eq!(loads.iter().sum::<u64>(), sizes.iter().sum::<u64>());
        assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 100_000_000, "{loads:?}");
    }

    #[test]
    fn many_small_files_are_shared_out_too() {
        let share = shares(&[0; 10], 2);
        assert_eq!(share.iter().filter(|share| **share == 0).count(), 5);
    }

    #[test]
    fn no_share_is_one_share() {
        assert_eq!(shares(&[1, 2], 0), [0, 0]);
    }
}
