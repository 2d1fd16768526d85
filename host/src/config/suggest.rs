/// The name that was probably meant, among those that there are: the nearest one, if it is near.
///
/// A letter left out, added, changed or swapped with its neighbour is one step. A third of a name may be wrong.
pub fn closest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.chars().take(LONGEST).collect();
    names
        .into_iter()
        .map(|candidate| (steps(&name, candidate), candidate))
        .filter(|(steps, candidate)| steps * 3 <= candidate.chars().count().max(name.len()))
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, candidate)| candidate)
}

/// No name that there is has more characters.
const LONGEST: usize = 64;

/// The distance of Damerau and Levenshtein, in its simple form.
fn steps(name: &[char], candidate: &str) -> usize {
    let candidate: Vec<char> = candidate.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=candidate.len()).collect();
    for (row, &ours) in name.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &theirs) in candidate.iter().enumerate() {
            let changed = last[column] + usize::from(ours != theirs);
            let mut best = changed.min(last[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && ours == candidate[column - 1] && name[row - 1] == theirs {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[candidate.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn the_nearest_name_is_found_and_no_far_one() {
        let names = ["timeout", "tables", "table-elements", "memories"];
        for (name, meant) in [
            ("timeuot", Some("timeout")),
            ("time-out", Some("timeout")),
            ("table", Some("tables")),
            ("table-element", Some("table-elements")),
            ("memoris", Some("memories")),
            ("rows", None),
            ("", None),
            ("tt", None),
        ] {
            assert_eq!(closest(name, names), meant, "{name}");
        }
        assert_eq!(closest(&"x".repeat(1 << 20), names), None);
    }
}
