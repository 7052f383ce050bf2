//! "Did you mean …?"

/// More suggestions than this help nobody.
const MOST: usize = 3;

/// The candidates that `name` may have been meant to be, most likely first.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<String> {
    // A slip of the finger, not another word; and long inputs are not worth the work.
    let limit = (name.len() / 3).clamp(1, 4);
    if name.len() > 64 {
        return Vec::new();
    }
    let mut ranked: Vec<(usize, &str)> = candidates
        .filter_map(|candidate| {
            let distance = edit_distance(name, candidate);
            if distance <= limit {
                return Some((distance, candidate));
            }
            let part = name.len() >= 4 && (candidate.contains(name) || name.contains(candidate));
            part.then_some((limit + distance, candidate))
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().take(MOST).map(|(_, candidate)| candidate.to_owned()).collect()
}

/// The suggestions as the end of an error message; empty if there are none.
pub fn hint(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        [only] => format!("; did you mean {only}?"),
        [others @ .., last] => format!("; did you mean {} or {last}?", others.join(", ")),
    }
}

/// How many single-byte insertions, deletions and replacements turn one into the other
/// (Levenshtein).
fn edit_distance(from: &str, to: &str) -> usize {
    // row[j]: the distance of what was read of `from` so far to the first j bytes of `to`.
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (b, cell) in to.bytes().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            let replaced = diagonal + usize::from(a != b);
            left = replaced.min(above + 1).min(left + 1);
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        assert_eq!(edit_distance("", ""), 0);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("abc", ""), 3);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("flaw", "lawn"), 2);
    }

    #[test]
    fn the_nearest_name_comes_first_and_strangers_not_at_all() {
        let names = ["order_tick_size", "order_step_size", "min_order_size", "volume24h"];
        let meant = |name| nearest(name, names.into_iter());
        assert_eq!(meant("order_tik_size"), ["order_tick_size", "order_step_size"]);
        assert_eq!(meant("volume"), ["volume24h"]);
        assert!(meant("zzz").is_empty());
        assert!(meant(&"x".repeat(1 << 20)).is_empty());
    }

    #[test]
    fn hints_read_as_a_sentence() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(hint(&[]), "");
        assert_eq!(hint(&names(&["a"])), "; did you mean a?");
        assert_eq!(hint(&names(&["a", "b", "c"])), "; did you mean a, b or c?");
    }
}
