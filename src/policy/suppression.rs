//! What of a table may be published, so that nobody learns of fewer than five: pure, over one table and what was published of it
//! before. docs/statistics.md says it in words.
//!
//! The attacker whom it holds off has every release of the table, knows its column totals (a briefing states them), takes what was
//! not published anew for unchanged, and solves the lot as a linear program.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};

/// No published figure, alone or with others, tells of a group of fewer (SDC practice of statistical offices: 3 to 10).
pub const K: u32 = 5;

/// The label of what is too small to stand alone.
pub const OTHER: &str = "other";

/// A row of a table, as counted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Row {
    /// What it is about; [`OTHER`] for what is merged.
    pub label: String,
    /// The release with which it was counted: what changed by fewer than five since is not counted anew.
    pub as_of: String,
    /// A count for each column.
    pub cells: Vec<u32>,
}

impl Row {
    fn total(&self) -> u32 {
        self.cells.iter().sum()
    }
}

/// A table of one release: as counted, and which of it is withheld. What is withheld is named by row and column; the column after
/// the last is the row's total.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Release {
    /// Rows, [`OTHER`] last.
    pub rows: Vec<Row>,
    /// What is withheld.
    pub withheld: BTreeSet<(usize, usize)>,
}

/// What is known of a table beside its counts.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// How many columns.
    pub columns: usize,
    /// Whether cells add up to totals. If not, each row is a count of its own.
    pub adds_up: bool,
    /// Whether totals of rows are public anyway, so that withholding one would hide nothing.
    pub rows_are_public: bool,
}

/// Merges rows of which fewer than five are publicly known, or counted, into one. What stood alone in an earlier release stands alone
/// for ever, and what did not never does: else the difference of two releases would be a small group.
pub fn grouped(
    earlier: Option<&Release>,
    counted: BTreeMap<String, Vec<u32>>,
    public: &BTreeMap<String, u32>,
    shape: Shape,
) -> BTreeMap<String, Vec<u32>> {
    let total = |cells: &[u32]| cells.iter().sum::<u32>();
    let stands = |label: &str, cells: &[u32]| match earlier {
        Some(earlier) => label != OTHER && earlier.rows.iter().any(|row| row.label == label),
        None => public.get(label).is_some_and(|known| *known >= K) && total(cells) >= K,
    };
    let (mut alone, merged): (BTreeMap<_, _>, BTreeMap<_, _>) =
        counted.into_iter().partition(|(label, cells)| stands(label, cells));
    let mut other = vec![0; shape.columns];
    let (mut has_other, mut known) = (!merged.is_empty(), 0);
    let add = |to: &mut Vec<u32>, cells: &[u32]| to.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell);
    for (label, cells) in &merged {
        add(&mut other, cells);
        known += public.get(label).copied().unwrap_or(0);
    }
    // What is left over may itself be small: then the smallest that stands joins it.
    while earlier.is_none() && has_other && (known < K || (1..K).contains(&total(&other))) {
        let Some(label) = alone.iter().min_by_key(|(_, cells)| total(cells)).map(|(label, _)| label.clone()) else {
            break;
        };
        known += public.get(&label).copied().unwrap_or(0);
        add(&mut other, &alone.remove(&label).unwrap_or_default());
    }
    if let Some(earlier) = earlier {
        has_other |= earlier.rows.iter().any(|row| row.label == OTHER);
        for row in earlier.rows.iter().filter(|row| row.label != OTHER) {
            alone.entry(row.label.clone()).or_insert_with(|| vec![0; shape.columns]);
        }
    }
    if has_other {
        alone.insert(OTHER.to_owned(), other);
    }
    alone
}

/// Whether so few changed between two counts that their difference would tell of them.
fn is_small_change(before: &[u32], now: &[u32]) -> bool {
    let sum = |more: &[u32], less: &[u32]| more.iter().zip(less).map(|(a, b)| a.saturating_sub(*b)).sum::<u32>();
    sum(now, before).max(sum(before, now)) < K
}

/// What to publish of a table: rows that changed by fewer than five as they stood, the others anew, and of these withheld what would
/// tell of fewer than five. `None` when nothing can be published that tells nothing of so few.
pub fn released(
    history: &[Release],
    counted: BTreeMap<String, Vec<u32>>,
    release: &str,
    shape: Shape,
) -> Option<Release> {
    let before = history.last();
    let mut rows: Vec<Row> = counted
        .into_iter()
        .map(|(label, cells)| {
            let stood = before.and_then(|before| before.rows.iter().find(|row| row.label == label));
            match stood {
                Some(row) if is_small_change(&row.cells, &cells) => row.clone(),
                _ => Row { label, as_of: release.to_owned(), cells },
            }
        })
        .collect();
    rows.sort_by_key(|row| (row.label == OTHER, row.label.clone()));
    let mut made = Release { rows, withheld: BTreeSet::new() };
    for (at, row) in made.rows.iter().enumerate() {
        if let Some(before) = before.filter(|_| row.as_of != release) {
            let was = before.rows.iter().position(|known| known.label == row.label);
            made.withheld
                .extend(before.withheld.iter().filter(|(of, _)| Some(*of) == was).map(|(_, column)| (at, *column)));
            continue;
        }
        let small = |count: u32| (1..K).contains(&count);
        made.withheld.extend((0..shape.columns).filter(|column| small(row.cells[*column])).map(|column| (at, column)));
        if shape.adds_up && !shape.rows_are_public && small(row.total()) {
            made.withheld.insert((at, shape.columns));
        }
    }
    if !shape.adds_up {
        return Some(made);
    }
    loop {
        let found = {
            let mut all: Vec<&Release> = history.iter().collect();
            all.push(&made);
            Knowledge::of(&all, shape).told()
        };
        let Some((label, column)) = found? else { return Some(made) };
        let next = complement(&made, release, shape, &label, column)?;
        made.withheld.insert(next);
    }
}

/// What else to withhold, so that a cell can be told less well, of the rows counted anew: what stands in a row and in a column of which
/// something is withheld, so that a rectangle closes; else what stands in the cell's own row or column; of these the smallest.
fn complement(of: &Release, release: &str, shape: Shape, label: &str, column: usize) -> Option<(usize, usize)> {
    let value = |row: &Row, column: usize| if column == shape.columns { row.total() } else { row.cells[column] };
    let last = if shape.rows_are_public { shape.columns } else { shape.columns + 1 };
    of.rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.as_of == release)
        .flat_map(|(at, row)| (0..last).map(move |column| (at, row, column)))
        .filter(|(at, _, other)| !of.withheld.contains(&(*at, *other)))
        .min_by_key(|(at, row, other)| {
            let closes =
                of.withheld.iter().any(|(known, _)| known == at) && of.withheld.iter().any(|(_, known)| known == other);
            let is_near = row.label == label || *other == column;
            let value = value(row, *other);
            (!closes, !is_near, *other == shape.columns, value == 0, value)
        })
        .map(|(at, _, other)| (at, other))
}

/// One count that may or may not be published: a row's, as of a release, in a column.
type Key = (String, String, usize);

/// All that the attacker knows.
struct Knowledge {
    shape: Shape,
    published: HashMap<Key, u32>,
    withheld: BTreeSet<Key>,
    /// Sums: of these counts, …
    sums: Vec<(Vec<Key>, Sum)>,
}

/// … and what they come to.
enum Sum {
    Known(u32),
    Of(Key),
}

impl Knowledge {
    fn of(releases: &[&Release], shape: Shape) -> Self {
        let mut known = Self { shape, published: HashMap::new(), withheld: BTreeSet::new(), sums: Vec::new() };
        let key = |row: &Row, column: usize| (row.label.clone(), row.as_of.clone(), column);
        for release in releases {
            for (at, row) in release.rows.iter().enumerate() {
                for column in 0..=shape.columns {
                    let value = if column == shape.columns { row.total() } else { row.cells[column] };
                    if release.withheld.contains(&(at, column)) {
                        known.withheld.insert(key(row, column));
                    } else {
                        known.published.insert(key(row, column), value);
                    }
                }
                let cells = (0..shape.columns).map(|column| key(row, column)).collect();
                known.sums.push((cells, Sum::Of(key(row, shape.columns))));
            }
            for column in 0..shape.columns {
                let cells = release.rows.iter().map(|row| key(row, column)).collect();
                let total = release.rows.iter().map(|row| row.cells[column]).sum();
                known.sums.push((cells, Sum::Known(total)));
            }
        }
        known
    }

    /// A cell that is told too well, if there is any; `None` when that could not be computed.
    fn told(&self) -> Option<Option<(String, usize)>> {
        for key in &self.withheld {
            let (low, high) = self.range(key)?;
            // What is surely not of fewer than five tells of nobody; no range is wider than what is public anyway allows.
            let is_told = low < f64::from(K) - 1e-6 && self.allowed(key).min(f64::from(K)) - (high - low) > 1e-6;
            if is_told {
                return Some(Some((key.0.clone(), key.2)));
            }
        }
        Some(None)
    }

    /// The widest that a range can be: up to the total of its column, or of its row where that is public.
    fn allowed(&self, key: &Key) -> f64 {
        let of = |sum: &Sum| match sum {
            Sum::Known(total) => Some(*total),
            Sum::Of(total) if self.shape.rows_are_public => self.published.get(total).copied(),
            Sum::Of(_) => None,
        };
        let totals = self.sums.iter().filter(|(cells, _)| cells.contains(key)).filter_map(|(_, sum)| of(sum));
        f64::from(totals.min().unwrap_or(u32::MAX))
    }

    /// Between what a count must lie, by all that is known.
    fn range(&self, of: &Key) -> Option<(f64, f64)> {
        let bound = |direction| {
            let mut problem = Problem::new(direction);
            let mut unknown: HashMap<&Key, Variable> = HashMap::new();
            for key in &self.withheld {
                let weight = if key == of { 1.0 } else { 0.0 };
                unknown.insert(key, problem.add_var(weight, (0.0, f64::INFINITY)));
            }
            for (cells, sum) in &self.sums {
                let mut terms = Vec::new();
                let mut rest = 0.0;
                for (key, sign) in cells.iter().map(|key| (key, 1.0)).chain(match sum {
                    Sum::Of(key) => Some((key, -1.0)),
                    Sum::Known(_) => None,
                }) {
                    match unknown.get(key) {
                        Some(variable) => terms.push((*variable, sign)),
                        None => rest -= sign * f64::from(self.published.get(key).copied().unwrap_or(0)),
                    }
                }
                if let Sum::Known(total) = sum {
                    rest += f64::from(*total);
                }
                if !terms.is_empty() {
                    problem.add_constraint(&terms, ComparisonOp::Eq, rest);
                }
            }
            match problem.solve() {
                Ok(outcome) => outcome.into_solution().ok().map(|solution| solution.objective()),
                Err(microlp::Error::Unbounded) => Some(f64::INFINITY),
                Err(_) => None,
            }
        };
        Some((bound(OptimizationDirection::Minimize)?, bound(OptimizationDirection::Maximize)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHAPE: Shape = Shape { columns: 3, adds_up: true, rows_are_public: false };

    fn table(rows: &[(&str, [u32; 3])]) -> BTreeMap<String, Vec<u32>> {
        rows.iter().map(|(label, cells)| ((*label).to_owned(), cells.to_vec())).collect()
    }

    fn first(rows: &[(&str, [u32; 3])], shape: Shape) -> Release {
        released(&[], table(rows), "2026-Q1", shape).unwrap()
    }

    #[test]
    fn a_table_without_small_counts_is_published_whole() {
        let made = first(&[("A", [10, 20, 0]), ("B", [7, 9, 30])], SHAPE);
        assert!(made.withheld.is_empty());
    }

    #[test]
    fn a_small_count_is_withheld_and_so_is_what_would_give_it_away() {
        let made = first(&[("A", [10, 20, 3]), ("B", [7, 9, 30]), ("C", [8, 8, 8])], SHAPE);
        assert!(made.withheld.contains(&(0, 2)));
        for line in 0..3 {
            let of_row = made.withheld.iter().filter(|(row, _)| *row == line).count();
            let of_column = made.withheld.iter().filter(|(_, column)| *column == line).count();
            assert!(of_row != 1 && of_column != 1, "{:?}", made.withheld);
        }
    }

    #[test]
    fn what_is_counted_too_little_or_known_of_too_few_is_merged_and_stays_so() {
        let public = BTreeMap::from([("A", 40), ("B", 3), ("C", 12), ("D", 9)].map(|(label, n)| (label.to_owned(), n)));
        let counted = table(&[("A", [10, 20, 3]), ("B", [7, 9, 30]), ("C", [1, 1, 0]), ("D", [5, 5, 5])]);
        let made = grouped(None, counted, &public, SHAPE);
        assert_eq!(made, table(&[("A", [10, 20, 3]), ("D", [5, 5, 5]), (OTHER, [8, 10, 30])]));
        let small = table(&[("A", [10, 20, 3]), ("C", [1, 1, 0]), ("D", [5, 5, 5])]);
        assert_eq!(
            grouped(None, small, &public, SHAPE),
            table(&[("A", [10, 20, 3]), (OTHER, [6, 6, 5])]),
            "not of so few"
        );
        let earlier = first(&[("A", [10, 20, 3]), (OTHER, [6, 6, 5])], SHAPE);
        let later = table(&[("A", [10, 20, 3]), ("C", [40, 40, 40]), ("D", [5, 5, 5])]);
        let made = grouped(Some(&earlier), later, &public, SHAPE);
        assert_eq!(made, table(&[("A", [10, 20, 3]), (OTHER, [45, 45, 45])]), "it never comes to stand alone");
    }

    #[test]
    fn a_row_that_changed_by_fewer_than_five_stands_as_it_was() {
        let before = first(&[("A", [10, 20, 30]), ("B", [40, 40, 40])], SHAPE);
        let counted = table(&[("A", [10, 19, 31]), ("B", [40, 40, 46])]);
        let made = released(std::slice::from_ref(&before), counted, "2026-Q2", SHAPE).unwrap();
        assert_eq!(made.rows[0], before.rows[0]);
        assert_eq!((made.rows[1].as_of.as_str(), made.rows[1].cells.as_slice()), ("2026-Q2", &[40, 40, 46][..]));
    }

    #[test]
    fn counts_that_add_up_to_nothing_are_each_withheld_when_small() {
        let shape = Shape { columns: 1, adds_up: false, rows_are_public: false };
        let counted = BTreeMap::from([("a".to_owned(), vec![3]), ("b".to_owned(), vec![0]), ("c".to_owned(), vec![9])]);
        let made = released(&[], counted, "2026-Q1", shape).unwrap();
        assert_eq!(made.withheld, BTreeSet::from([(0, 0)]));
    }

    /// Every table of two rows of whole numbers that a release allows, tried one by one: the least and the most that a cell can be.
    fn tried(release: &Release, at: (usize, usize)) -> (u32, u32) {
        let rows = &release.rows;
        let sum = |column: usize| rows[0].cells[column] + rows[1].cells[column];
        let (mut low, mut high) = (u32::MAX, 0);
        for first in 0..=sum(0) {
            for second in 0..=sum(1) {
                for third in 0..=sum(2) {
                    let one = [first, second, third, first + second + third];
                    let mut two = [sum(0) - first, sum(1) - second, sum(2) - third, 0];
                    two[3] = two.iter().sum();
                    let table = [one, two];
                    let told = |row: usize, column: usize| {
                        let value = if column == 3 { rows[row].total() } else { rows[row].cells[column] };
                        release.withheld.contains(&(row, column)) || table[row][column] == value
                    };
                    if (0..2).all(|row| (0..4).all(|column| told(row, column))) {
                        low = low.min(table[at.0][at.1]);
                        high = high.max(table[at.0][at.1]);
                    }
                }
            }
        }
        (low, high)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whoever_tries_every_table_learns_of_nobody_fewer_than_five(
            one in proptest::array::uniform3(0_u32..12),
            two in proptest::array::uniform3(0_u32..12),
            rows_are_public in any::<bool>(),
        ) {
            let shape = Shape { rows_are_public, ..SHAPE };
            let Some(made) = released(&[], table(&[("A", one), ("B", two)]), "2026-Q1", shape) else { return Ok(()) };
            for (row, cells) in made.rows.iter().enumerate() {
                for (column, count) in cells.cells.iter().enumerate() {
                    prop_assert!(!(1..K).contains(count) || made.withheld.contains(&(row, column)));
                }
            }
            for at in &made.withheld {
                let total = if at.1 == 3 { u32::MAX } else { one[at.1] + two[at.1] };
                let public = if rows_are_public { made.rows[at.0].total() } else { u32::MAX };
                let (low, high) = tried(&made, *at);
                let is_told = low < K && high - low < K.min(total).min(public);
                prop_assert!(!is_told, "{at:?} of {made:?} is {low} to {high}");
            }
        }

        #[test]
        fn what_was_published_of_a_row_is_what_is_published_of_it_while_it_stands(
            start in proptest::collection::vec(proptest::array::uniform3(0_u32..30), 3..6),
            moves in proptest::collection::vec((0_usize..5, 0_usize..3, 0_u32..9), 0..12),
        ) {
            let labels = ["A", "B", "C", "D", "E"];
            let mut counted: Vec<[u32; 3]> = start;
            let mut history: Vec<Release> = Vec::new();
            for (quarter, (row, column, more)) in moves.into_iter().enumerate() {
                let row = row % counted.len();
                counted[row][column] += more;
                let now: Vec<(&str, [u32; 3])> = labels.into_iter().zip(counted.iter().copied()).collect();
                let Some(made) = released(&history, table(&now), &format!("{quarter:03}"), SHAPE) else { continue };
                if let Some(before) = history.last() {
                    for (at, row) in made.rows.iter().enumerate().filter(|(_, row)| before.rows.contains(row)) {
                        let was = before.rows.iter().position(|known| known == row).unwrap();
                        for column in 0..=3 {
                            prop_assert_eq!(before.withheld.contains(&(was, column)), made.withheld.contains(&(at, column)));
                        }
                    }
                }
                history.push(made);
            }
        }
    }
}
