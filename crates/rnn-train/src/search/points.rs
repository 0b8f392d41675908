//! The points of a search. Only their numbers are stored; settings are computed when they are used.

use std::{collections::HashSet, path::Path};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::space::{Dimension, MOST_POINTS, Point, Space};
use crate::error::{Error, Result};

/// Most variations of the baseline.
const MOST_VARIATIONS: usize = 8;
/// Most draws for a new trial: a small space runs out of new points.
const MOST_DRAWS: u64 = 1000;

/// Points to try, in order.
#[derive(Debug)]
pub(crate) struct Points {
    /// The first points: variations of the baseline.
    near: Vec<Point>,
    order: Order,
    /// The draw, or the place in the grid, of each further point.
    numbers: Vec<u64>,
}

/// What a number stands for.
#[derive(Debug)]
enum Order {
    /// A draw of the space with a seed.
    Random(Space, u64),
    /// A combination of the values of each key.
    Grid(Vec<(String, Vec<Value>)>),
}

/// The valid points of a search.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) points: Points,
    /// Number of invalid combinations, and the error of the first.
    pub(crate) refused: usize,
    pub(crate) refusal: String,
}

impl Points {
    pub(crate) fn len(&self) -> usize {
        self.near.len() + self.numbers.len()
    }

    /// The settings of a point.
    pub(crate) fn get(&self, index: usize) -> Point {
        match index.checked_sub(self.near.len()) {
            None => self.near[index].clone(),
            Some(index) => self.order.point(self.numbers[index]),
        }
    }
}

impl Order {
    fn point(&self, number: u64) -> Point {
        match self {
            Self::Random(space, seed) => {
                let value = |one: &Dimension| one.values.at(uniform(*seed, number, &one.key));
                space.dimensions.iter().map(|one| (one.key.clone(), value(one))).collect()
            }
            Self::Grid(keys) => {
                let mut left = number as usize;
                let mut point = Point::new();
                for (key, values) in keys.iter().rev() {
                    point.insert(key.clone(), values[left % values.len()].clone());
                    left /= values.len();
                }
                point
            }
        }
    }
}

impl Drawn {
    fn new(order: Order, capacity: usize) -> Self {
        let points = Points { near: Vec::new(), order, numbers: Vec::with_capacity(capacity) };
        Self { points, refused: 0, refusal: String::new() }
    }

    /// Adds a point if it is valid.
    fn add(&mut self, number: u64, checked: Result<()>) -> bool {
        let is_valid = self.is_valid(checked);
        if is_valid {
            self.points.numbers.push(number);
        }
        is_valid
    }

    /// Whether a point is valid; the others are counted.
    fn is_valid(&mut self, checked: Result<()>) -> bool {
        if let Err(error) = &checked {
            self.refused += 1;
            if self.refused == 1 {
                self.refusal = error.to_string();
            }
        }
        checked.is_ok()
    }
}

impl Space {
    /// Variations of a point in one setting each: the nearest values of the space.
    fn variations(&self, baseline: &Point) -> Vec<Point> {
        let neighbours = |one: &Dimension| match baseline.get(&one.key) {
            Some(value) => one.values.neighbours(value),
            None => Vec::new(),
        };
        let all: Vec<(&Dimension, Vec<Value>)> =
            self.dimensions.iter().map(|one| (one, neighbours(one))).collect();
        let most = all.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
        let of_turn = |turn: usize| {
            all.iter().filter_map(move |(one, values)| {
                let mut point = baseline.clone();
                point.insert(one.key.clone(), values.get(turn)?.clone());
                Some(point)
            })
        };
        (0..most).flat_map(of_turn).take(MOST_VARIATIONS).collect()
    }

    /// Variations of the baseline, then distinct random points, that satisfy `fits`.
    ///
    /// A point depends only on the baseline, the seed and the points before it.
    pub(crate) fn random(
        &self,
        seed: u64,
        count: usize,
        baseline: &Point,
        fits: impl Fn(&Point) -> Result<()>,
    ) -> Drawn {
        // Growing step by step would take several times the memory.
        let capacity = count.min(MOST_POINTS);
        let mut drawn = Drawn::new(Order::Random(self.clone(), seed), capacity);
        let (mut seen, mut since) = (HashSet::with_capacity(capacity), 0);
        seen.insert(fingerprint(baseline));
        for point in self.variations(baseline) {
            if drawn.points.len() < count
                && seen.insert(fingerprint(&point))
                && drawn.is_valid(fits(&point))
            {
                drawn.points.near.push(point);
            }
        }
        for draw in 0.. {
            if drawn.points.len() == count || since == MOST_DRAWS {
                break;
            }
            since += 1;
            let point = drawn.points.order.point(draw);
            if seen.insert(fingerprint(&point)) && drawn.add(draw, fits(&point)) {
                since = 0;
            }
        }
        drawn
    }

    /// All valid combinations; the last key changes fastest.
    ///
    /// # Errors
    ///
    /// If a range has no `steps`, or there are too many combinations.
    pub(crate) fn grid(&self, path: &Path, fits: impl Fn(&Point) -> Result<()>) -> Result<Drawn> {
        let (mut keys, mut count) = (Vec::new(), 1);
        for Dimension { key, line, values } in &self.dimensions {
            let problem = |problem: String| Error::Settings {
                path: path.to_owned(),
                problem: format!("line {line}: {problem}"),
            };
            let values = values.all().ok_or_else(|| {
                problem(format!(
                    "`{key}`: a grid needs `steps`, like \
                     {{ min = 1e-4, max = 1e-2, log = true, steps = 5 }}"
                ))
            })?;
            count *= values.len();
            if count > MOST_POINTS {
                let problem = problem(format!(
                    "the grid has more than {MOST_POINTS} points (use fewer values)"
                ));
                return Err(problem);
            }
            keys.push((key.clone(), values));
        }
        let mut drawn = Drawn::new(Order::Grid(keys), count);
        for number in 0..count as u64 {
            let checked = fits(&drawn.points.order.point(number));
            drawn.add(number, checked);
        }
        Ok(drawn)
    }
}

/// Identifies the settings of a point.
fn fingerprint(point: &Point) -> [u8; 16] {
    let hash = Sha256::digest(Value::Object(point.clone()).to_string());
    std::array::from_fn(|index| hash[index])
}

/// A pseudorandom number from 0 to below 1, a function of the arguments only.
fn uniform(seed: u64, draw: u64, key: &str) -> f64 {
    let hash = Sha256::digest(format!("{seed} {draw} {key}"));
    let bytes = hash.iter().take(7).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    (bytes >> 3) as f64 / (1u64 << 53) as f64
}
