//! What of a table may be published, so that nobody learns of fewer than five: pure, over one table. docs/statistics.md says it in words.
//!
//! The attacker whom it holds off has the table, knows its total and which withheld counts are not zero, and solves the lot as a linear
//! program. A table is of one year's incidents or proceedings and is published once, so that no two publications can be
//! set against each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};

/// No published figure, alone or with others, tells of a group of fewer (SDC practice of statistical offices: 3 to 10).
pub const K: u32 = 5;

/// The label of what is too small to stand alone.
pub const OTHER: &str = "other";

/// A table as counted, and which of it is withheld.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Suppressed {
    /// Rows, [`OTHER`] last: what each is about, and a count for each column.
    pub rows: Vec<(String, Vec<u32>)>,
    /// What is withheld, by row and column; the column after the last has the rows' totals, and the row after the last the columns'.
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

fn total(cells: &[u32]) -> u32 {
    cells.iter().sum()
}

fn is_small(count: u32) -> bool {
    (1..K).contains(&count)
}

/// Merges rows of which fewer than five are publicly known, or counted, into one; and the smallest of the others with them, while what
/// is merged is itself too small.
pub fn grouped(
    counted: BTreeMap<String, Vec<u32>>,
    public: &BTreeMap<String, u32>,
    shape: Shape,
) -> BTreeMap<String, Vec<u32>> {
    let known_of = |label: &String| public.get(label).copied().unwrap_or(0);
    let (mut alone, mut merged): (BTreeMap<_, _>, BTreeMap<_, _>) =
        counted.into_iter().partition(|(label, cells)| known_of(label) >= K && total(cells) >= K);
    let of_merged = |merged: &BTreeMap<String, Vec<u32>>| {
        let cells = (0..shape.columns).map(|column| merged.values().map(|cells| cells[column]).sum());
        (merged.keys().map(known_of).sum::<u32>(), cells.collect::<Vec<u32>>())
    };
    loop {
        let (known, cells) = of_merged(&merged);
        if merged.is_empty() || (known >= K && !is_small(total(&cells))) {
            break;
        }
        let smallest = alone.iter().min_by_key(|(_, cells)| total(cells)).map(|(label, _)| label.clone());
        let Some((label, cells)) = smallest.and_then(|label| alone.remove_entry(&label)) else { break };
        merged.insert(label, cells);
    }
    if !merged.is_empty() {
        alone.insert(OTHER.to_owned(), of_merged(&merged).1);
    }
    alone
}

/// Withholds of a table what would tell of fewer than five. `None` when nothing of it can be published that tells nothing of so few.
pub fn suppressed(counted: BTreeMap<String, Vec<u32>>, shape: Shape) -> Option<Suppressed> {
    let mut rows: Vec<(String, Vec<u32>)> = counted.into_iter().collect();
    rows.sort_by_key(|(label, _)| (label == OTHER, label.clone()));
    let mut made = Suppressed { rows, withheld: BTreeSet::new() };
    for (at, (_, cells)) in made.rows.iter().enumerate() {
        // Where nothing adds up, nothing else is withheld: a zero that showed would leave 1 to 4 of what does not.
        let small = |count: u32| is_small(count) || (!shape.adds_up && count < K);
        made.withheld.extend((0..shape.columns).filter(|column| small(cells[*column])).map(|column| (at, column)));
        if shape.adds_up && !shape.rows_are_public && is_small(total(cells)) {
            made.withheld.insert((at, shape.columns));
        }
    }
    if !shape.adds_up {
        return Some(made);
    }
    let below = made.rows.len();
    let small = (0..shape.columns).map(|column| (below, column)).filter(|at| is_small(made.value(*at)));
    let small: Vec<_> = small.collect();
    made.withheld.extend(small);
    while let Some(told) = (Knowledge { of: &made, shape }).told()? {
        let next = complement(&made, shape, told)?;
        made.withheld.insert(next);
    }
    Some(made)
}

/// What else to withhold, so that a cell can be told less well: what stands in a row and in a column of which something is withheld, so
/// that a rectangle closes; else what stands in the cell's own row or column; of these the smallest.
fn complement(of: &Suppressed, shape: Shape, told: (usize, usize)) -> Option<(usize, usize)> {
    let below = of.rows.len();
    let right = |row: usize| if shape.rows_are_public || row == below { shape.columns } else { shape.columns + 1 };
    let all = (0..=below).flat_map(|row| (0..right(row)).map(move |column| (row, column)));
    all.filter(|at| !of.withheld.contains(at)).min_by_key(|(row, column)| {
        let closes =
            of.withheld.iter().any(|(known, _)| known == row) && of.withheld.iter().any(|(_, known)| known == column);
        let is_near = *row == told.0 || *column == told.1;
        let value = of.value((*row, *column));
        (!closes, !is_near, *column == shape.columns || *row == below, value == 0, value)
    })
}

impl Suppressed {
    /// Whether any count of it is published.
    pub fn tells(&self, shape: Shape) -> bool {
        let mut cells = (0..self.rows.len()).flat_map(|row| (0..shape.columns).map(move |column| (row, column)));
        cells.any(|at| !self.withheld.contains(&at))
    }

    /// A count, or the total of a row or column.
    pub fn value(&self, (row, column): (usize, usize)) -> u32 {
        let of_row = |cells: &Vec<u32>| cells.get(column).copied().unwrap_or_else(|| total(cells));
        match self.rows.get(row) {
            Some((_, cells)) => of_row(cells),
            None => self.rows.iter().map(|(_, cells)| of_row(cells)).sum(),
        }
    }
}

/// All that the attacker knows.
struct Knowledge<'a> {
    of: &'a Suppressed,
    shape: Shape,
}

impl Knowledge<'_> {
    /// A cell that is told too well, if there is any; `None` when that could not be computed.
    fn told(&self) -> Option<Option<(usize, usize)>> {
        for at in &self.of.withheld {
            let (low, high) = self.range(*at)?;
            // What is surely not of fewer than five tells of nobody; no range is wider than what is public anyway allows.
            if low < f64::from(K) - 1e-6 && self.allowed(*at).min(f64::from(K)) - (high - low) > 1e-6 {
                return Some(Some(*at));
            }
        }
        Some(None)
    }

    /// The widest that a range can be: from where it begins up to the total of its row, where that is public, and of everything.
    fn allowed(&self, at: (usize, usize)) -> f64 {
        let right = self.shape.columns;
        let row = if self.shape.rows_are_public { self.of.value((at.0, right)) } else { u32::MAX };
        f64::from(row.min(self.of.value((self.of.rows.len(), right)))) - self.least(at)
    }

    /// A withheld count that is not zero may be known not to be, from what else is published: zeros are.
    fn least(&self, at: (usize, usize)) -> f64 {
        if self.of.value(at) == 0 { 0.0 } else { 1.0 }
    }

    /// Between what a count must lie, by all that is known.
    fn range(&self, of: (usize, usize)) -> Option<(f64, f64)> {
        let last = self.shape.columns;
        let bound = |direction| {
            let mut problem = Problem::new(direction);
            let mut unknown: HashMap<(usize, usize), Variable> = HashMap::new();
            for at in &self.of.withheld {
                let weight = if *at == of { 1.0 } else { 0.0 };
                unknown.insert(*at, problem.add_var(weight, (self.least(*at), f64::INFINITY)));
            }
            let mut sum = |cells: Vec<((usize, usize), f64)>, comes_to: f64| {
                let mut terms = Vec::new();
                let mut rest = comes_to;
                for (at, sign) in cells {
                    match unknown.get(&at) {
                        Some(variable) => terms.push((*variable, sign)),
                        None => rest -= sign * f64::from(self.of.value(at)),
                    }
                }
                if !terms.is_empty() {
                    problem.add_constraint(&terms, ComparisonOp::Eq, rest);
                }
            };
            for row in 0..self.of.rows.len() {
                let cells = (0..last).map(|column| ((row, column), 1.0));
                sum(cells.chain([((row, last), -1.0)]).collect(), 0.0);
            }
            let below = self.of.rows.len();
            for column in 0..=last {
                let cells = (0..below).map(|row| ((row, column), 1.0));
                sum(cells.chain([((below, column), -1.0)]).collect(), 0.0);
            }
            sum((0..last).map(|column| ((below, column), 1.0)).collect(), f64::from(self.of.value((below, last))));
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

    #[test]
    fn a_table_without_small_counts_is_published_whole() {
        let made = suppressed(table(&[("A", [10, 20, 0]), ("B", [7, 9, 30])]), SHAPE).unwrap();
        assert!(made.withheld.is_empty());
    }

    #[test]
    fn a_small_count_is_withheld_and_so_is_what_would_give_it_away() {
        let made = suppressed(table(&[("A", [10, 20, 3]), ("B", [7, 9, 30]), ("C", [8, 8, 8])]), SHAPE).unwrap();
        assert!(made.withheld.contains(&(0, 2)));
        for line in 0..3 {
            let of_row = made.withheld.iter().filter(|(row, _)| *row == line).count();
            let of_column = made.withheld.iter().filter(|(_, column)| *column == line).count();
            assert!(of_row != 1 && of_column != 1, "{:?}", made.withheld);
        }
    }

    #[test]
    fn two_small_counts_whose_sum_is_known_are_not_enough_since_neither_is_zero() {
        let shape = Shape { columns: 4, rows_are_public: true, ..SHAPE };
        let rows = [("A", vec![20, 3, 2, 0]), ("B", vec![9, 7, 8, 6])].map(|(label, cells)| (label.to_owned(), cells));
        let made = suppressed(rows.into(), shape).unwrap();
        assert!(made.withheld.iter().filter(|(row, _)| *row == 0).count() > 2, "{:?}", made.withheld);
    }

    #[test]
    fn what_is_counted_too_little_or_known_of_too_few_is_merged() {
        let public = BTreeMap::from([("A", 40), ("B", 3), ("C", 12), ("D", 9)].map(|(label, n)| (label.to_owned(), n)));
        let counted = table(&[("A", [10, 20, 3]), ("B", [7, 9, 30]), ("C", [1, 1, 0]), ("D", [5, 5, 5])]);
        let made = grouped(counted, &public, SHAPE);
        assert_eq!(made, table(&[("A", [10, 20, 3]), ("D", [5, 5, 5]), (OTHER, [8, 10, 30])]));
        let small = table(&[("A", [10, 20, 3]), ("C", [1, 1, 0]), ("D", [5, 5, 5])]);
        assert_eq!(grouped(small, &public, SHAPE), table(&[("A", [10, 20, 3]), (OTHER, [6, 6, 5])]), "not of so few");
        let unknown = table(&[("A", [10, 20, 3]), ("B", [7, 9, 30])]);
        assert_eq!(grouped(unknown, &public, SHAPE), table(&[(OTHER, [17, 29, 33])]), "nor of so few who are known");
        assert!(grouped(BTreeMap::new(), &public, SHAPE).is_empty());
    }

    #[test]
    fn counts_that_add_up_to_nothing_are_each_withheld_when_under_five() {
        let shape = Shape { columns: 1, adds_up: false, rows_are_public: false };
        let counted = [("a", 3), ("b", 0), ("c", 9), ("d", 5)].map(|(label, count)| (label.to_owned(), vec![count]));
        let counted = BTreeMap::from(counted);
        let made = suppressed(counted, shape).unwrap();
        assert_eq!(made.withheld, BTreeSet::from([(0, 0), (1, 0)]));
        assert!(made.tells(shape));
        let few = BTreeMap::from([("a".to_owned(), vec![3]), ("b".to_owned(), vec![0])]);
        assert!(!suppressed(few, shape).unwrap().tells(shape));
        assert!(!Suppressed::default().tells(shape));
    }

    #[test]
    fn what_is_merged_stands_last_and_a_small_total_is_withheld_unless_it_is_public() {
        let counted = table(&[(OTHER, [1, 1, 0]), ("Z", [40, 40, 40]), ("A", [50, 50, 50])]);
        let made = suppressed(counted.clone(), SHAPE).unwrap();
        let labels: Vec<&str> = made.rows.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(labels, ["A", "Z", OTHER]);
        assert!(made.withheld.contains(&(2, 3)), "{:?}", made.withheld);
        let public = Shape { rows_are_public: true, ..SHAPE };
        assert!(suppressed(counted, public).is_none_or(|made| !made.withheld.contains(&(2, 3))));
    }

    /// Every table of two rows of whole numbers that a publication allows, tried one by one: the least and the most that each number can
    /// be. Whoever tries knows which withheld counts are not zero, and the total.
    fn tried(made: &Suppressed) -> [[(u32, u32); 3]; 3] {
        let all = made.value((2, 2));
        let mut ranges = [[(u32::MAX, 0); 3]; 3];
        for a in 0..=all {
            for b in 0..=all - a {
                for c in 0..=all - a - b {
                    let d = all - a - b - c;
                    let table = [[a, b, a + b], [c, d, c + d], [a + c, b + d, all]];
                    let fits = |row: usize, column: usize| {
                        let (value, tried) = (made.value((row, column)), table[row][column]);
                        let is_withheld = made.withheld.contains(&(row, column));
                        if is_withheld { value == 0 || tried > 0 } else { value == tried }
                    };
                    if (0..3).all(|row| (0..3).all(|column| fits(row, column))) {
                        for (row, column) in (0..3).flat_map(|row| (0..3).map(move |column| (row, column))) {
                            let range = &mut ranges[row][column];
                            *range = (range.0.min(table[row][column]), range.1.max(table[row][column]));
                        }
                    }
                }
            }
        }
        ranges
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whoever_tries_every_table_learns_of_nobody_fewer_than_five(
            one in proptest::array::uniform2(0_u32..14),
            two in proptest::array::uniform2(0_u32..14),
            rows_are_public in any::<bool>(),
        ) {
            let shape = Shape { columns: 2, adds_up: true, rows_are_public };
            let rows = [("A", one), ("B", two)].map(|(label, cells)| (label.to_owned(), cells.to_vec()));
            let Some(made) = suppressed(rows.into(), shape) else { return Ok(()) };
            let is_public = |at: (usize, usize)| at == (2, 2) || (rows_are_public && at.1 == 2);
            let ranges = tried(&made);
            for at in (0..3).flat_map(|row| (0..3).map(move |column| (row, column))).filter(|at| !is_public(*at)) {
                let is_withheld = made.withheld.contains(&at);
                prop_assert!(is_withheld || !is_small(made.value(at)), "{at:?} of {made:?}");
                let public = if rows_are_public { made.value((at.0, 2)) } else { u32::MAX };
                let allowed = made.value((2, 2)).min(public).saturating_sub(u32::from(made.value(at) > 0));
                let (low, high) = ranges[at.0][at.1];
                let is_told = is_withheld && low < K && high - low < K.min(allowed);
                prop_assert!(!is_told, "{at:?} of {made:?} is {low} to {high}");
            }
        }
    }
}
